//! The queries that read a catalog, as PostgreSQL 13 to 18 understand them.
//!
//! Each takes as `$1` the schemas to look at, or NULL for all of the user's, some as `$2` the relations. `search_path` is empty, so
//! everything is qualified; operators are `pg_catalog`'s, which every session has first.

/// Schemas of the user's: not the system's, not an extension's, not our journal.
pub(super) const SCHEMAS: &str = "
SELECT n.oid, n.nspname AS name,
       (SELECT d.description FROM pg_catalog.pg_description d
        WHERE d.objoid = n.oid AND d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.objsubid = 0)
         AS comment
FROM pg_catalog.pg_namespace n
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
  AND ($1::pg_catalog.text[] IS NULL OR n.nspname = ANY ($1))
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e' AND d.objid = n.oid
                  AND d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass)
ORDER BY n.nspname COLLATE \"C\"";

pub(super) const TABLES: &str = "
SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind::pg_catalog.text AS kind,
       c.relpersistence = 'u' AS unlogged, c.reltuples::pg_catalog.int8 AS rows_estimate,
       COALESCE(pg_catalog.pg_relation_size(c.oid), 0)
         + COALESCE(pg_catalog.pg_relation_size(NULLIF(c.reltoastrelid, 0)), 0) AS bytes,
       COALESCE(pg_catalog.pg_indexes_size(c.oid), 0) AS index_bytes
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
  AND ($1::pg_catalog.text[] IS NULL OR n.nspname = ANY ($1))
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e' AND d.objid = c.oid
                  AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"";

/// `$2`: names of the built-in types with a safe binary form.
///
/// A type is safe when, below its domains, it is such a type, an array of one, or an enum (whose binary form
/// is its label). An array of enums is not, since its header holds the enum's OID.
pub(super) const COLUMNS: &str = "
WITH RECURSIVE base AS (
  SELECT t.oid AS type, t.oid AS base FROM pg_catalog.pg_type t WHERE t.typtype <> 'd'
  UNION ALL
  SELECT d.oid, b.base FROM base b JOIN pg_catalog.pg_type d ON d.typtype = 'd' AND d.typbasetype = b.type
), types AS (
  SELECT t.oid, COALESCE(e.typnamespace, t.typnamespace) AS namespace, COALESCE(e.typname, t.typname) AS name,
         bt.typtype = 'e'
         OR (bn.nspname = 'pg_catalog' AND bt.typname = ANY ($2))
         OR COALESCE(be.typname = ANY ($2) AND ben.nspname = 'pg_catalog', false) AS binary_safe,
         CASE WHEN t.typtype = 'd' AND bn.nspname = 'pg_catalog' THEN pg_catalog.format_type(b.base, NULL) END AS base
  FROM pg_catalog.pg_type t
  LEFT JOIN pg_catalog.pg_type e ON e.typarray = t.oid
  JOIN base b ON b.type = t.oid
  JOIN pg_catalog.pg_type bt ON bt.oid = b.base
  JOIN pg_catalog.pg_namespace bn ON bn.oid = bt.typnamespace
  LEFT JOIN pg_catalog.pg_type be ON be.typarray = bt.oid
  LEFT JOIN pg_catalog.pg_namespace ben ON ben.oid = be.typnamespace
)
SELECT a.attrelid AS relation, a.attname AS name, tn.nspname AS type_schema, t.name AS type_name,
       CASE WHEN tn.nspname = 'pg_catalog' THEN pg_catalog.format_type(a.atttypid, a.atttypmod)
            ELSE pg_catalog.substr(pg_catalog.format_type(a.atttypid, a.atttypmod),
              pg_catalog.length(pg_catalog.quote_ident(tn.nspname) || '.' || pg_catalog.quote_ident(t.name)) + 1)
       END AS type_text, a.attnotnull AS not_null,
       a.attidentity::pg_catalog.text AS identity, a.attgenerated::pg_catalog.text AS generated, t.binary_safe,
       t.base AS type_base, a.atttypid AS type
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN types t ON t.oid = a.atttypid
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.namespace
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
  AND ($1::pg_catalog.text[] IS NULL OR n.nspname = ANY ($1))
ORDER BY a.attrelid, a.attnum";

pub(super) const PRIMARY_KEYS: &str = "
SELECT i.indrelid AS relation, a.attname AS name
FROM pg_catalog.pg_index i
CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY AS k (attnum, place)
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indisprimary AND k.place <= i.indnkeyatts
ORDER BY i.indrelid, k.place";

pub(super) const PARENTS: &str = "
SELECT i.inhrelid AS relation, n.nspname AS schema, p.relname AS name, c.relispartition AS is_partition
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
JOIN pg_catalog.pg_namespace n ON n.oid = p.relnamespace
ORDER BY i.inhrelid, i.inhseqno";

pub(super) const SEQUENCES: &str = "
SELECT n.nspname AS schema, c.relname AS name, s.seqincrement AS increment, s.seqstart AS start,
       on_.nspname AS owner_schema, oc.relname AS owner_table, oa.attname AS owner_column
FROM pg_catalog.pg_sequence s
JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
  AND d.objsubid = 0 AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0
  AND d.deptype IN ('a', 'i')
LEFT JOIN pg_catalog.pg_class oc ON oc.oid = d.refobjid
LEFT JOIN pg_catalog.pg_namespace on_ ON on_.oid = oc.relnamespace
LEFT JOIN pg_catalog.pg_attribute oa ON oa.attrelid = d.refobjid AND oa.attnum = d.refobjsubid
WHERE c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
  AND ($1::pg_catalog.text[] IS NULL OR n.nspname = ANY ($1))
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.deptype = 'e' AND e.objid = c.oid
                  AND e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"";

/// Views of both kinds, to be put in order.
pub(super) const VIEWS: &str = "
SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind = 'm' AS materialized, c.relispopulated AS populated,
       CASE c.relkind WHEN 'm' THEN pg_catalog.pg_total_relation_size(c.oid) ELSE 0 END AS bytes
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
  AND ($1::pg_catalog.text[] IS NULL OR n.nspname = ANY ($1))
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e' AND d.objid = c.oid
                  AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"";

pub(super) const VIEW_DEPENDENCIES: &str = "
SELECT DISTINCT r.ev_class AS view, d.refobjid AS depends_on
FROM pg_catalog.pg_rewrite r
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> r.ev_class";

pub(super) const EXTENSIONS: &str = "
SELECT e.oid, e.extname AS name, e.extversion AS version, n.nspname AS schema,
       COALESCE((SELECT v.trusted FROM pg_catalog.pg_available_extension_versions v
                 WHERE v.name = e.extname AND v.version = e.extversion), false) AS trusted
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
ORDER BY e.extname COLLATE \"C\"";

/// Roles that own something in the user's schemas or were granted something there.
pub(super) const ROLES: &str = "
WITH namespaces AS (
  SELECT n.oid, n.nspowner, n.nspacl FROM pg_catalog.pg_namespace n
  WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
    AND ($1::pg_catalog.text[] IS NULL OR n.nspname = ANY ($1))
), granted AS (
  SELECT nspowner AS owner, nspacl AS acl FROM namespaces
  UNION ALL SELECT c.relowner, c.relacl FROM pg_catalog.pg_class c JOIN namespaces n ON n.oid = c.relnamespace
  UNION ALL SELECT p.proowner, p.proacl FROM pg_catalog.pg_proc p JOIN namespaces n ON n.oid = p.pronamespace
  UNION ALL SELECT t.typowner, t.typacl FROM pg_catalog.pg_type t JOIN namespaces n ON n.oid = t.typnamespace
)
SELECT r.rolname AS name FROM pg_catalog.pg_roles r
WHERE r.rolname <> 'pg_database_owner' AND r.oid IN (
  SELECT owner FROM granted
  UNION SELECT (pg_catalog.aclexplode(acl)).grantee FROM granted)
ORDER BY r.rolname COLLATE \"C\"";

pub(super) const POLICY_ROLES: &str = "
SELECT DISTINCT r.rolname AS name FROM pg_catalog.pg_policy p
JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_roles r ON r.oid = ANY (p.polroles)
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
  AND ($1::pg_catalog.text[] IS NULL OR n.nspname = ANY ($1))
  AND ($2::pg_catalog.oid[] IS NULL OR c.oid = ANY ($2))
ORDER BY 1";

/// The `search_path` that sessions get when their role sets none: the database's, the owner's in this database,
/// the owner's, everybody's. Then the schemas that exist.
pub(super) const SEARCH_PATH: &str = "
SELECT o.rolname AS owner,
       COALESCE((
         SELECT pg_catalog.substr(c.entry, pg_catalog.length('search_path=') + 1)
         FROM pg_catalog.pg_db_role_setting s CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c (entry)
         WHERE c.entry LIKE 'search\\_path=%'
           AND s.setdatabase IN (0, d.oid) AND s.setrole IN (0, d.datdba)
         ORDER BY s.setdatabase = d.oid AND s.setrole = 0 DESC, s.setdatabase = d.oid DESC, s.setrole <> 0 DESC
         LIMIT 1), '\"$user\", public') AS setting,
       ARRAY(SELECT n.nspname::pg_catalog.text FROM pg_catalog.pg_namespace n) AS schemas
FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles o ON o.oid = d.datdba
WHERE d.datname = pg_catalog.current_database()";

/// The comment on a schema that is called like our journal.
pub(super) const JOURNAL: &str = "
SELECT pg_catalog.obj_description(n.oid, 'pg_namespace') AS comment
FROM pg_catalog.pg_namespace n WHERE n.nspname = 'coalesce'";

/// What a database holds that an archive does not, as sentences.
pub(super) const LEFT_BEHIND: &str = "
SELECT 'foreign table ' || c.oid::pg_catalog.regclass::pg_catalog.text || ' is in the archive without its rows'
       AS sentence
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'f' AND ($1::pg_catalog.text[] IS NULL OR n.nspname = ANY ($1))
  AND ($2::pg_catalog.oid[] IS NULL OR c.oid = ANY ($2))
UNION ALL
SELECT 'sequence ' || c.oid::pg_catalog.regclass::pg_catalog.text || ' belongs to extension ' || e.extname
       || ': its position is not in the archive'
FROM pg_catalog.pg_extension e CROSS JOIN LATERAL pg_catalog.unnest(e.extconfig) AS x (oid)
JOIN pg_catalog.pg_class c ON c.oid = x.oid WHERE c.relkind = 'S'
UNION ALL
SELECT 'security labels of large objects are not in the archive: ' || pg_catalog.count(*)
FROM pg_catalog.pg_seclabel s WHERE s.classoid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass
HAVING pg_catalog.count(*) > 0
UNION ALL
SELECT 'table ' || c.oid::pg_catalog.regclass::pg_catalog.text || ' uses access method ' || a.amname
       || ' and becomes one of the target''s default'
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_am a ON a.oid = c.relam
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND a.amname <> 'heap' AND n.nspname !~ '^pg_'
  AND ($1::pg_catalog.text[] IS NULL OR n.nspname = ANY ($1))
  AND ($2::pg_catalog.oid[] IS NULL OR c.oid = ANY ($2))";

/// Tables whose rows a policy would hide from this role when they are read by that name.
pub(super) const HIDDEN_TABLES: &str = "
SELECT n.nspname AS schema, c.relname AS name
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relrowsecurity AND c.relkind IN ('r', 'p') AND pg_catalog.row_security_active(c.oid)
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
  AND ($1::pg_catalog.text[] IS NULL OR n.nspname = ANY ($1))
  AND ($2::pg_catalog.oid[] IS NULL OR c.oid = ANY ($2))
ORDER BY 1, 2";

/// Types in whose values names of objects stand, each with what it is made of; `$1`: names of the built-in types
/// that are such names.
///
/// A composite type has a row for each attribute, in order; `part` is the type of an element, a domain's base or
/// an attribute.
pub(super) const NAME_TYPES: &str = "
WITH RECURSIVE parts AS (
  SELECT t.oid AS type, 'array' AS made, 0 AS place, e.oid AS part
  FROM pg_catalog.pg_type e JOIN pg_catalog.pg_type t ON t.oid = e.typarray
  UNION ALL
  SELECT t.oid, 'domain', 0, t.typbasetype FROM pg_catalog.pg_type t WHERE t.typtype = 'd'
  UNION ALL
  SELECT t.oid, 'composite', a.attnum, a.atttypid
  FROM pg_catalog.pg_type t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.typrelid
  WHERE t.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT r.rngtypid, 'range', 0, r.rngsubtype FROM pg_catalog.pg_range r
  UNION ALL
  SELECT m.oid, 'range', 0, r.rngsubtype FROM pg_catalog.pg_range r
  JOIN pg_catalog.pg_type m ON m.oid::pg_catalog.text = pg_catalog.to_jsonb(r) ->> 'rngmultitypid'
), holders AS (
  SELECT t.oid, t.typname FROM pg_catalog.pg_type t
  WHERE t.typname = ANY ($1) AND t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
  UNION
  SELECT p.type, NULL::pg_catalog.name FROM holders h JOIN parts p ON p.part = h.oid
)
SELECT h.oid AS type, 'object' AS made, h.typname::pg_catalog.text AS name, 0::pg_catalog.oid AS part, 0 AS place
FROM holders h WHERE h.typname IS NOT NULL
UNION ALL
SELECT p.type, p.made, NULL, p.part, p.place
FROM parts p WHERE p.type IN (SELECT h.oid FROM holders h WHERE h.typname IS NULL)
ORDER BY type, place";
