CREATE TYPE shell_only;
COMMENT ON COLUMN described.a IS 'an attribute';
CREATE TABLE of_described OF described (a DEFAULT 'typed', CONSTRAINT a_is_there CHECK (a IS NOT NULL)) WITH (fillfactor = 50);
INSERT INTO of_described VALUES ('x', '[a,b)', '{one,two}'), ('y', 'empty', NULL);
CREATE TABLE ranges (r side.many_ranged, w short_word);
INSERT INTO ranges VALUES ('{[a,b),[c,d)}', 'one'), ('{}', 'two');

-- Inheritance: more columns, other defaults, from two parents; what was there before and what came from above.
CREATE TABLE parent (a int DEFAULT 1, b text NOT NULL, CONSTRAINT a_small CHECK (a < 100));
CREATE TABLE second_parent (c int, b text NOT NULL);
CREATE TABLE heir (d date, a int DEFAULT 2) INHERITS (parent, second_parent);
ALTER TABLE heir ALTER b SET DEFAULT 'heir', ADD CONSTRAINT d_there CHECK (d > '2000-01-01');
CREATE TABLE adopted (b text NOT NULL, a int, extra int, CONSTRAINT a_small CHECK (a < 100));
ALTER TABLE adopted INHERIT parent;
INSERT INTO parent VALUES (1, 'p'); INSERT INTO heir VALUES (2, 'h', 3, '2020-02-02'); INSERT INTO adopted VALUES ('x', 4, 5);

-- Partitions of all kinds, with what only a partition has.
CREATE TABLE tree (k int, at date, kind text, n int DEFAULT 0) PARTITION BY LIST (kind);
