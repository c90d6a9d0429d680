INSERT INTO unlogged (note) VALUES ('kept'), (NULL);
CREATE TABLE tuned (
    id int, packed text COMPRESSION lz4, old text COMPRESSION pglz, outside text, plain text, whole bytea, n int
) WITH (fillfactor = 70, autovacuum_enabled = false, toast_tuple_target = 256, toast.autovacuum_enabled = false);
ALTER TABLE tuned ALTER packed SET STORAGE EXTENDED, ALTER outside SET STORAGE EXTERNAL, ALTER plain SET STORAGE PLAIN,
    ALTER whole SET STORAGE MAIN, ALTER n SET STATISTICS 17, ALTER n SET (n_distinct = -0.5),
    ALTER id SET (n_distinct_inherited = 3);
INSERT INTO tuned SELECT g, repeat('p', 5000), repeat('o', 5000), repeat('e', 5000), 'q', repeat('m', 900)::bytea, g
FROM generate_series(1, 20) g;
CREATE INDEX tuned_expression ON tuned USING btree ((n + 1), lower(plain)) WITH (fillfactor = 60, deduplicate_items = off);
ALTER INDEX tuned_expression ALTER COLUMN 1 SET STATISTICS 99;
CREATE UNIQUE INDEX tuned_id ON tuned (id) INCLUDE (n);
ALTER TABLE tuned CLUSTER ON tuned_id;
CREATE INDEX tuned_brin ON tuned USING brin (n int4_minmax_multi_ops (values_per_range = 16)) WITH (pages_per_range = 4, autosummarize = on);
CREATE STATISTICS side.of_expressions (ndistinct, dependencies, mcv) ON (n % 3), (id / 2), plain FROM tuned;
