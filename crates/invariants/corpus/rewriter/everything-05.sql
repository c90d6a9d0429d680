CREATE TABLE tree_a PARTITION OF tree (n DEFAULT 5, CONSTRAINT only_here CHECK (n >= 0)) FOR VALUES IN ('a', NULL) PARTITION BY RANGE (at, (k + 1));
CREATE TABLE tree_a_old PARTITION OF tree_a FOR VALUES FROM (MINVALUE, MINVALUE) TO ('2020-01-01', 10) WITH (fillfactor = 90);
CREATE TABLE side.tree_a_new PARTITION OF tree_a FOR VALUES FROM ('2020-01-01', 10) TO (MAXVALUE, MAXVALUE) PARTITION BY HASH (k);
CREATE TABLE side.tree_a_new_0 PARTITION OF side.tree_a_new FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE UNLOGGED TABLE side.tree_a_new_1 PARTITION OF side.tree_a_new FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE tree_rest PARTITION OF tree DEFAULT;
CREATE TABLE tree_b (n int, gone int, kind text NOT NULL, at date, k int);
ALTER TABLE tree_b DROP gone;
ALTER TABLE tree ATTACH PARTITION tree_b FOR VALUES IN ('b');
CREATE INDEX tree_n ON tree (n) WHERE n > 1;
CREATE INDEX only_on_rest ON tree_rest (k);
CREATE INDEX tree_incomplete ON ONLY tree (at);
INSERT INTO tree SELECT g, date '2019-12-25' + g, (ARRAY['a', 'b', 'c', NULL])[1 + g % 4], g FROM generate_series(1, 60) g;

-- Tables at the edges.
CREATE TABLE no_columns (); INSERT INTO no_columns DEFAULT VALUES; INSERT INTO no_columns DEFAULT VALUES;
