//! Types and domains. Row types of tables, arrays and multiranges follow what they are made of.

use super::Family;

pub(super) const FAMILIES: &[Family] = &[
    Family {
        class: "pg_type",
        sql: TYPES,
    },
    Family {
        class: "pg_type",
        sql: DOMAINS,
    },
];

const TYPES: &str = "
SELECT 'type' AS kind, n.nspname AS schema, o.typname AS name, NULL{text} AS table_name,
       NULL{text} AS arguments, ARRAY[
  'labels', 'p', CASE o.typtype WHEN 'e' THEN COALESCE((
    SELECT pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
    FROM pg_catalog.pg_enum e WHERE e.enumtypid = o.oid), '') END,
  'attributes', 's', CASE o.typtype WHEN 'c' THEN (
    SELECT 'CREATE TYPE ' || m.me || ' AS (' || COALESCE(pg_catalog.string_agg(
             pg_catalog.quote_ident(a.attname) || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod) || COALESCE(
               (SELECT ' COLLATE ' || {collation} FROM pg_catalog.pg_collation co
                JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
                WHERE co.oid = a.attcollation AND a.attcollation <> t.typcollation), ''),
             ', ' ORDER BY a.attnum), '') || ');'
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = o.typrelid AND a.attnum > 0 AND NOT a.attisdropped) END,
  'definition', 's', CASE o.typtype WHEN 'r' THEN (
    SELECT 'CREATE TYPE ' || m.me || ' AS RANGE (subtype = ' || pg_catalog.format_type(r.rngsubtype, NULL)
           || COALESCE(', multirange_type_name = ' || pg_catalog.format_type(NULLIF({rngmultitypid}, 0), NULL), '')
           || ', subtype_opclass = ' || pg_catalog.quote_ident(kn.nspname) || '.' || pg_catalog.quote_ident(k.opcname)
           || COALESCE((SELECT ', collation = ' || {collation} FROM pg_catalog.pg_collation co
                JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
                JOIN pg_catalog.pg_type t ON t.oid = r.rngsubtype
                WHERE co.oid = r.rngcollation AND r.rngcollation <> t.typcollation), '')
           || CASE WHEN r.rngcanonical <> 0 THEN ', canonical = ' || r.rngcanonical::pg_catalog.text ELSE '' END
           || CASE WHEN r.rngsubdiff <> 0 THEN ', subtype_diff = ' || r.rngsubdiff::pg_catalog.text ELSE '' END || ');'
    FROM pg_catalog.pg_range r JOIN pg_catalog.pg_opclass k ON k.oid = r.rngsubopc
    JOIN pg_catalog.pg_namespace kn ON kn.oid = k.opcnamespace WHERE r.rngtypid = o.oid)
   WHEN 'b' THEN 'CREATE TYPE ' || m.me || ' (INPUT = ' || o.typinput{text} || ', OUTPUT = ' || o.typoutput{text}
     || CASE WHEN o.typreceive <> 0 THEN ', RECEIVE = ' || o.typreceive{text} ELSE '' END
     || CASE WHEN o.typsend <> 0 THEN ', SEND = ' || o.typsend{text} ELSE '' END
     || CASE WHEN o.typmodin <> 0 THEN ', TYPMOD_IN = ' || o.typmodin{text} ELSE '' END
     || CASE WHEN o.typmodout <> 0 THEN ', TYPMOD_OUT = ' || o.typmodout{text} ELSE '' END
     || ', INTERNALLENGTH = ' || CASE o.typlen WHEN -1 THEN 'VARIABLE' ELSE o.typlen{text} END
     || CASE WHEN o.typbyval THEN ', PASSEDBYVALUE' ELSE '' END || ', ALIGNMENT = ' || o.typalign{text}
     || ', STORAGE = ' || o.typstorage{text} || ', CATEGORY = ' || pg_catalog.quote_literal(o.typcategory{text})
     || CASE WHEN o.typispreferred THEN ', PREFERRED = true' ELSE '' END
     || ', DELIMITER = ' || pg_catalog.quote_literal(o.typdelim{text})
     || CASE WHEN o.typcollation <> 0 THEN ', COLLATABLE = true' ELSE '' END
     || COALESCE(', DEFAULT = ' || pg_catalog.quote_literal(o.typdefault), '') || ');' END,
  'kind', 'p', CASE WHEN NOT o.typisdefined THEN 'shell' END,
  'comment on attributes', 'p', CASE o.typtype WHEN 'c' THEN (
    SELECT NULLIF(pg_catalog.btrim(pg_catalog.string_agg(
             COALESCE(pg_catalog.col_description(a.attrelid, a.attnum), ''), '; ' ORDER BY a.attnum), '; '), '')
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = o.typrelid AND a.attnum > 0 AND NOT a.attisdropped) END,
  'comment', 'p', pg_catalog.obj_description(o.oid, 'pg_type'),
  'owner', 'p', {owner o.typowner},
  'grants', 'p', {grants T o.typacl o.typowner}]{array} AS properties
FROM pg_catalog.pg_type o JOIN pg_catalog.pg_namespace n ON n.oid = o.typnamespace
CROSS JOIN LATERAL (SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.typname) AS me) m
WHERE (o.typtype IN ('b', 'e', 'p', 'r')
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = o.oid)
       OR o.typtype = 'c' AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = o.typrelid AND c.relkind = 'c'))
  AND {own}
ORDER BY n.nspname COLLATE \"C\", o.typname COLLATE \"C\"";

const DOMAINS: &str = "
SELECT 'domain' AS kind, n.nspname AS schema, o.typname AS name, NULL{text} AS table_name,
       NULL{text} AS arguments, ARRAY[
  'type', 's', 'CREATE DOMAIN ' || m.me || ' AS ' || pg_catalog.format_type(o.typbasetype, o.typtypmod) || COALESCE(
      (SELECT ' COLLATE ' || {collation} FROM pg_catalog.pg_collation co
       JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
       JOIN pg_catalog.pg_type t ON t.oid = o.typbasetype
       WHERE co.oid = o.typcollation AND o.typcollation <> t.typcollation), '') || ';',
  'not null', 'p', CASE WHEN o.typnotnull THEN 'yes' END,
  'default', 's', 'ALTER DOMAIN ' || m.me || ' SET DEFAULT ' || COALESCE(
    pg_catalog.pg_get_expr(o.typdefaultbin, 0), pg_catalog.quote_literal(o.typdefault)) || ';',
  'comment', 'p', pg_catalog.obj_description(o.oid, 'pg_type'),
  'owner', 'p', {owner o.typowner},
  'grants', 'p', {grants T o.typacl o.typowner}]{array} AS properties
FROM pg_catalog.pg_type o JOIN pg_catalog.pg_namespace n ON n.oid = o.typnamespace
CROSS JOIN LATERAL (SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.typname) AS me) m
WHERE o.typtype = 'd' AND {own}
ORDER BY n.nspname COLLATE \"C\", o.typname COLLATE \"C\"";
