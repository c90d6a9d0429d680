ALTER STATISTICS side.of_expressions SET STATISTICS 55;
CREATE STATISTICS of_one ON (n * 2) FROM tuned;
COMMENT ON STATISTICS of_one IS 'of one expression';

-- Replica identities and keys of every kind.
CREATE TABLE full_identity (a int); ALTER TABLE full_identity REPLICA IDENTITY FULL;
CREATE TABLE no_identity (a int PRIMARY KEY); ALTER TABLE no_identity REPLICA IDENTITY NOTHING;
CREATE TABLE index_identity (a int NOT NULL, b int NOT NULL);
CREATE UNIQUE INDEX by_b ON index_identity (b); ALTER TABLE index_identity REPLICA IDENTITY USING INDEX by_b;
CREATE TABLE key_identity (a int NOT NULL CONSTRAINT key_identity_a UNIQUE); ALTER TABLE key_identity REPLICA IDENTITY USING INDEX key_identity_a;
CREATE TABLE keys (
    a int, b int, c int4range, d text,
    CONSTRAINT late PRIMARY KEY (a) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT later UNIQUE (b) INCLUDE (d) WITH (fillfactor = 80) DEFERRABLE,
    CONSTRAINT apart EXCLUDE USING gist (c WITH &&) WHERE (a > 0) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT mine CHECK (a < 1000) NO INHERIT
);
ALTER TABLE keys CLUSTER ON late;
INSERT INTO keys VALUES (1, 1, '[1,2)', 'x'), (2, 2, '[3,4)', 'y'), (-1, NULL, '[1,9)', NULL);
CREATE TABLE target_of_keys (x int, y int, UNIQUE (x, y)); INSERT INTO target_of_keys VALUES (1, 1);
