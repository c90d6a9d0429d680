//! Tables, their columns, sequences and views.

use super::Family;

pub(super) const FAMILIES: &[Family] = &[
    Family {
        class: "pg_class",
        sql: TABLES,
    },
    Family {
        class: "pg_class",
        sql: COLUMNS,
    },
    Family {
        class: "pg_class",
        sql: SEQUENCES,
    },
    Family {
        class: "pg_class",
        sql: VIEWS,
    },
];

const TABLES: &str = "
SELECT CASE o.relkind WHEN 'f' THEN 'foreign_table' ELSE 'table' END AS kind, n.nspname AS schema, o.relname AS name,
       NULL{text} AS table_name, NULL{text} AS arguments, ARRAY[
  'kind', 'p', CASE o.relkind WHEN 'p' THEN 'partitioned' END,
  'persistence', 'p', CASE o.relpersistence WHEN 'u' THEN 'unlogged' END,
  'partition key', 's', CASE o.relkind WHEN 'p'
    THEN 'CREATE TABLE ' || {me} || ' () PARTITION BY ' || pg_catalog.pg_get_partkeydef(o.oid) || ';' END,
  'partition', 's', (
    SELECT 'ALTER TABLE ONLY ' || pg_catalog.quote_ident(pn.nspname) || '.' || pg_catalog.quote_ident(p.relname)
           || ' ATTACH PARTITION ' || {me} || ' ' || pg_catalog.pg_get_expr(o.relpartbound, o.oid) || ';'
    FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
    JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
    WHERE o.relispartition AND i.inhrelid = o.oid LIMIT 1),
  'inherits', 's', (
    SELECT 'CREATE TABLE ' || {me} || ' () INHERITS (' || pg_catalog.string_agg(
             pg_catalog.quote_ident(pn.nspname) || '.' || pg_catalog.quote_ident(p.relname), ', ' ORDER BY i.inhseqno) || ');'
    FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
    JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
    WHERE NOT o.relispartition AND i.inhrelid = o.oid HAVING pg_catalog.count(*) > 0),
  'of type', 's', CASE WHEN o.reloftype <> 0
    THEN 'CREATE TABLE ' || {me} || ' OF ' || pg_catalog.format_type(o.reloftype, NULL) || ';' END,
  'access method', 'p', (SELECT m.amname{text} FROM pg_catalog.pg_am m WHERE m.oid = o.relam AND m.amname <> 'heap'),
  'options', 'p', (
    SELECT pg_catalog.string_agg(x.option, ', ' ORDER BY x.option COLLATE \"C\") FROM (
      SELECT pg_catalog.unnest(o.reloptions) AS option
      UNION ALL SELECT 'toast.' || pg_catalog.unnest(tc.reloptions)
      FROM pg_catalog.pg_class tc WHERE tc.oid = o.reltoastrelid) x),
  'row security', 'p', CASE WHEN o.relrowsecurity THEN 'enabled' END,
  'row security forced', 'p', CASE WHEN o.relforcerowsecurity THEN 'yes' END,
  'replica identity', 'p', CASE o.relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing' END,
  'server', 'p', (SELECT s.srvname{text} FROM pg_catalog.pg_foreign_table f JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver
                  WHERE f.ftrelid = o.oid),
  'foreign options', 's', (
    SELECT 'CREATE FOREIGN TABLE ' || {me} || ' () SERVER s OPTIONS (' || pg_catalog.string_agg(
             pg_catalog.quote_ident(x.option_name) || ' ' || pg_catalog.quote_literal(x.option_value), ', '
             ORDER BY x.option_name COLLATE \"C\") || ');'
    FROM pg_catalog.pg_foreign_table f, pg_catalog.pg_options_to_table(f.ftoptions) x
    WHERE f.ftrelid = o.oid HAVING pg_catalog.count(*) > 0),
  'comment', 'p', pg_catalog.obj_description(o.oid, 'pg_class'),
  'owner', 'p', {owner o.relowner},
  'grants', 'p', {grants r o.relacl o.relowner}]{array} AS properties
FROM pg_catalog.pg_class o JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
WHERE o.relkind IN ('r', 'p', 'f') AND o.relpersistence <> 't' AND {own}
ORDER BY n.nspname COLLATE \"C\", o.relname COLLATE \"C\"";

/// In the order of the tables' columns. What cannot hold a name of the user's, which always has its schema or is a
/// `reg…` value, is plain: most columns then need no rewriting. From version 17 on a partition has the identity of its
/// root, whose sequence it shares: that is told with the root.
const COLUMNS: &str = "
SELECT 'column' AS kind, n.nspname AS schema, a.attname AS name, o.relname{text} AS table_name,
       NULL{text} AS arguments, ARRAY[
  'type', w.type_form, CASE w.type_form WHEN 's' THEN w.alter || ' TYPE ' || w.type || ';' ELSE w.type END,
  'not null', 'p', CASE WHEN a.attnotnull THEN CASE WHEN EXISTS (
      SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = o.oid AND k.contype = 'n' AND NOT k.convalidated
        AND k.conkey[1] = a.attnum) THEN 'not validated' ELSE 'yes' END END,
  'default', w.expression_form, CASE a.attgenerated WHEN '' THEN
    CASE w.expression_form WHEN 's' THEN w.alter || ' SET DEFAULT ' || w.expression || ';' ELSE w.expression END END,
  'generated', 'p', CASE a.attgenerated WHEN 's' THEN 'stored' WHEN 'v' THEN 'virtual' END,
  'expression', w.expression_form, CASE WHEN a.attgenerated <> '' THEN
    CASE w.expression_form WHEN 's' THEN w.alter || ' SET DEFAULT ' || w.expression || ';' ELSE w.expression END END,
  'identity', 'p', CASE WHEN NOT o.relispartition OR EXISTS (
      SELECT FROM pg_catalog.pg_depend d WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = o.oid
        AND d.refobjsubid = a.attnum AND d.deptype = 'i')
    THEN CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END END,
  'storage', 'p', CASE WHEN o.relkind NOT IN ('v', 'f') AND a.attstorage <> t.typstorage THEN
    CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END END,
  'compression', 'p', CASE {attcompression} WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,
  'statistics', 'p', NULLIF(COALESCE(a.attstattarget, -1), -1){text},
  'options', 'p', (SELECT pg_catalog.string_agg(x.option, ', ' ORDER BY x.option COLLATE \"C\")
                   FROM pg_catalog.unnest(a.attoptions) AS x (option)),
  'foreign options', 's', (
    SELECT 'ALTER FOREIGN TABLE ONLY ' || {me} || ' ALTER COLUMN ' || pg_catalog.quote_ident(a.attname) || ' OPTIONS ('
           || pg_catalog.string_agg(pg_catalog.quote_ident(x.option_name) || ' ' || pg_catalog.quote_literal(x.option_value), ', '
                                    ORDER BY x.option_name COLLATE \"C\") || ');'
    FROM pg_catalog.pg_options_to_table(a.attfdwoptions) x HAVING pg_catalog.count(*) > 0),
  'comment', 'p', pg_catalog.col_description(o.oid, a.attnum),
  'grants', 'p', {grants c a.attacl o.relowner}]{array} AS properties
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class o ON o.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
CROSS JOIN LATERAL (
  SELECT 'ALTER TABLE ONLY ' || {me} || ' ALTER COLUMN ' || pg_catalog.quote_ident(a.attname) AS alter,
         pg_catalog.format_type(a.atttypid, a.atttypmod) || COALESCE(
           (SELECT ' COLLATE ' || {collation} FROM pg_catalog.pg_collation co
            JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
            WHERE co.oid = a.attcollation AND a.attcollation <> t.typcollation), '') AS type,
         -- Only what is calculated names columns; for those of wide tables the server needs seconds.
         pg_catalog.pg_get_expr(d.adbin, CASE a.attgenerated WHEN '' THEN 0 ELSE d.adrelid END) AS expression OFFSET 0) v
CROSS JOIN LATERAL (
  SELECT v.*, CASE WHEN v.type ~ '[.\"]' THEN 's' ELSE 'p' END AS type_form,
         CASE WHEN v.expression ~ '[.]|reg' THEN 's' ELSE 'p' END AS expression_form) w
WHERE a.attnum > 0 AND NOT a.attisdropped AND o.relkind IN ('r', 'p', 'f', 'v', 'm') AND o.relpersistence <> 't' AND {own}
ORDER BY n.nspname COLLATE \"C\", o.relname COLLATE \"C\", a.attnum";

const SEQUENCES: &str = "
SELECT 'sequence' AS kind, n.nspname AS schema, o.relname AS name, NULL{text} AS table_name,
       NULL{text} AS arguments, ARRAY[
  'type', 'p', pg_catalog.format_type(s.seqtypid, NULL),
  'start', 'p', s.seqstart{text},
  'increment', 'p', s.seqincrement{text},
  'minimum', 'p', s.seqmin{text},
  'maximum', 'p', s.seqmax{text},
  'cache', 'p', s.seqcache{text},
  'cycle', 'p', CASE WHEN s.seqcycle THEN 'yes' END,
  'persistence', 'p', CASE WHEN o.relpersistence = 'u' AND u.deptype IS DISTINCT FROM 'i' THEN 'unlogged' END,
  'owned by', 's', 'ALTER SEQUENCE ' || {me} || ' OWNED BY ' || u.owner || ';',
  'identity', 'p', CASE u.deptype WHEN 'i' THEN 'yes' END,
  'comment', 'p', pg_catalog.obj_description(o.oid, 'pg_class'),
  'owner', 'p', {owner o.relowner},
  'grants', 'p', {grants s o.relacl o.relowner}]{array} AS properties
FROM pg_catalog.pg_sequence s
JOIN pg_catalog.pg_class o ON o.oid = s.seqrelid JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
LEFT JOIN LATERAL (
  SELECT d.deptype, pg_catalog.quote_ident(un.nspname) || '.' || pg_catalog.quote_ident(uc.relname) || '.'
         || pg_catalog.quote_ident(ua.attname) AS owner
  FROM pg_catalog.pg_depend d
  JOIN pg_catalog.pg_class uc ON uc.oid = d.refobjid JOIN pg_catalog.pg_namespace un ON un.oid = uc.relnamespace
  JOIN pg_catalog.pg_attribute ua ON ua.attrelid = d.refobjid AND ua.attnum = d.refobjsubid
  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = o.oid AND d.objsubid = 0
    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
  LIMIT 1) u ON true
WHERE o.relpersistence <> 't' AND {own}
ORDER BY n.nspname COLLATE \"C\", o.relname COLLATE \"C\"";

/// `pg_get_viewdef` ends with a semicolon.
const VIEWS: &str = "
SELECT CASE o.relkind WHEN 'v' THEN 'view' ELSE 'materialized_view' END AS kind, n.nspname AS schema, o.relname AS name,
       NULL{text} AS table_name, NULL{text} AS arguments, ARRAY[
  'definition', 's', 'CREATE ' || CASE o.relkind WHEN 'm' THEN 'MATERIALIZED ' ELSE '' END || 'VIEW ' || {me} || ' AS '
    || pg_catalog.pg_get_viewdef(o.oid),
  'options', 'p', (SELECT pg_catalog.string_agg(x.option, ', ' ORDER BY x.option COLLATE \"C\")
                   FROM pg_catalog.unnest(o.reloptions) AS x (option)),
  'access method', 'p', (SELECT m.amname{text} FROM pg_catalog.pg_am m WHERE m.oid = o.relam AND m.amname <> 'heap'),
  'populated', 'p', CASE WHEN NOT o.relispopulated THEN 'no' END,
  'comment', 'p', pg_catalog.obj_description(o.oid, 'pg_class'),
  'owner', 'p', {owner o.relowner},
  'grants', 'p', {grants r o.relacl o.relowner}]{array} AS properties
FROM pg_catalog.pg_class o JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
WHERE o.relkind IN ('v', 'm') AND o.relpersistence <> 't' AND {own}
ORDER BY n.nspname COLLATE \"C\", o.relname COLLATE \"C\"";
