//! Schemas, and what lives in none: extensions, event triggers, default privileges.

use super::Family;

pub(super) const FAMILIES: &[Family] = &[
    Family {
        class: "pg_namespace",
        sql: SCHEMAS,
    },
    Family {
        class: "pg_extension",
        sql: EXTENSIONS,
    },
    Family {
        class: "pg_event_trigger",
        sql: EVENT_TRIGGERS,
    },
    Family {
        class: "pg_default_acl",
        sql: DEFAULT_PRIVILEGES,
    },
];

/// `public` has a comment from the beginning.
const SCHEMAS: &str = "
SELECT 'schema' AS kind, ''{text} AS schema, o.nspname AS name, NULL{text} AS table_name,
       NULL{text} AS arguments, ARRAY[
  'comment', 'p', NULLIF(pg_catalog.obj_description(o.oid, 'pg_namespace'), 'standard public schema'),
  'owner', 'p', {owner o.nspowner},
  'grants', 'p', {grants n o.nspacl o.nspowner}]{array} AS properties
FROM pg_catalog.pg_namespace o JOIN pg_catalog.pg_namespace n ON n.oid = o.oid
WHERE {own}
ORDER BY o.nspname COLLATE \"C\"";

/// All of them: an extension serves every schema.
const EXTENSIONS: &str = "
SELECT 'extension' AS kind, n.nspname AS schema, o.extname AS name, NULL{text} AS table_name,
       NULL{text} AS arguments, ARRAY[
  'version', 'p', o.extversion]{array} AS properties
FROM pg_catalog.pg_extension o JOIN pg_catalog.pg_namespace n ON n.oid = o.extnamespace
WHERE o.extname <> 'plpgsql' AND ($1::pg_catalog.text[] IS NULL OR $1::pg_catalog.text[] IS NOT NULL)
  AND $2::pg_catalog.bool IS NOT NULL AND $3::pg_catalog.bool IS NOT NULL AND ($4::pg_catalog.oid[] IS NULL OR true)
ORDER BY o.extname COLLATE \"C\"";

/// Those whose function is the user's.
const EVENT_TRIGGERS: &str = "
SELECT 'event_trigger' AS kind, ''{text} AS schema, o.evtname AS name, NULL{text} AS table_name,
       NULL{text} AS arguments, ARRAY[
  'definition', 's', 'CREATE EVENT TRIGGER ' || pg_catalog.quote_ident(o.evtname) || ' ON ' || pg_catalog.quote_ident(o.evtevent)
    || COALESCE((SELECT ' WHEN TAG IN (' || pg_catalog.string_agg(pg_catalog.quote_literal(t.tag), ', ' ORDER BY t.place) || ')'
         FROM pg_catalog.unnest(o.evttags) WITH ORDINALITY AS t (tag, place) HAVING pg_catalog.count(*) > 0), '')
    || ' EXECUTE FUNCTION ' || o.evtfoid::pg_catalog.regproc{text} || '();',
  'enabled', 'p', CASE o.evtenabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'on a replica' WHEN 'A' THEN 'always' END,
  'comment', 'p', pg_catalog.obj_description(o.oid, 'pg_event_trigger')]{array} AS properties
FROM pg_catalog.pg_event_trigger o
JOIN pg_catalog.pg_proc p ON p.oid = o.evtfoid JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE {own}
ORDER BY o.evtname COLLATE \"C\"";

const DEFAULT_PRIVILEGES: &str = "
SELECT 'default_privileges' AS kind, n.nspname AS schema, CASE o.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences'
         WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' ELSE o.defaclobjtype{text} END
         || ' made by ' || pg_catalog.pg_get_userbyid(o.defaclrole) AS name,
       NULL{text} AS table_name, NULL{text} AS arguments, ARRAY[
  'grants', 'p', {grants c o.defaclacl o.defaclrole}]{array} AS properties
FROM pg_catalog.pg_default_acl o JOIN pg_catalog.pg_namespace n ON n.oid = o.defaclnamespace
WHERE $3 AND {own}
ORDER BY n.nspname COLLATE \"C\", 3";
