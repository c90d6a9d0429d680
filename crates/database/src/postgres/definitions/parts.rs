//! What belongs to a table or a domain: constraints, indexes, triggers, rules and policies; and statistics of tables.
//!
//! What a partition or a child has from its parent says so (`inherited`): PostgreSQL makes it, under a name of its
//! own choice.

use super::Family;

pub(super) const FAMILIES: &[Family] = &[
    Family {
        class: "pg_class",
        sql: CONSTRAINTS,
    },
    Family {
        class: "pg_type",
        sql: DOMAIN_CONSTRAINTS,
    },
    Family {
        class: "pg_class",
        sql: INDEXES,
    },
    Family {
        class: "pg_class",
        sql: TRIGGERS,
    },
    Family {
        class: "pg_class",
        sql: RULES,
    },
    Family {
        class: "pg_class",
        sql: POLICIES,
    },
    Family {
        class: "pg_statistic_ext",
        sql: STATISTICS,
    },
];

/// Whether a column may be NULL is told with the column. What stands behind the definition is told apart from it. What
/// enforces a foreign key is triggers, which `DISABLE TRIGGER ALL` turns off: it proves nothing then, and says nothing.
const CONSTRAINTS: &str = "
SELECT 'constraint' AS kind, n.nspname AS schema, k.conname AS name, o.relname{text} AS table_name,
       NULL{text} AS arguments, ARRAY[
  'definition', 's', 'ALTER TABLE ONLY ' || {me} || ' ADD CONSTRAINT ' || pg_catalog.quote_ident(k.conname) || ' '
    || pg_catalog.regexp_replace(pg_catalog.pg_get_constraintdef(k.oid),
         '( DEFERRABLE)?( INITIALLY DEFERRED)?( NOT ENFORCED)?( NOT VALID)?$', '') || ';',
  'deferrable', 'p', CASE WHEN k.condeferred THEN 'initially deferred' WHEN k.condeferrable THEN 'initially immediate' END,
  'enforced', 'p', CASE WHEN pg_catalog.pg_get_constraintdef(k.oid) LIKE '% NOT ENFORCED' THEN 'no' END,
  'validated', 'p', CASE WHEN NOT k.convalidated AND pg_catalog.pg_get_constraintdef(k.oid) NOT LIKE '% NOT ENFORCED'
    THEN 'no' END,
  'valid', 'p', CASE WHEN NOT i.indisvalid THEN 'no' END,
  'enabled', 'p', (
    SELECT CASE pg_catalog.min(pg_catalog.translate(g.tgenabled{text}, 'DRAO', '1234')) WHEN '1' THEN 'no'
             WHEN '2' THEN 'on a replica' WHEN '3' THEN 'always' END
    FROM pg_catalog.pg_trigger g WHERE g.tgconstraint = k.oid AND g.tgisinternal),
  'clustered', 'p', CASE WHEN i.indisclustered THEN 'yes' END,
  'replica identity', 'p', CASE WHEN i.indisreplident THEN 'yes' END,
  'inherited', 'p', CASE WHEN k.conparentid <> 0 OR NOT k.conislocal THEN 'yes' END,
  'comment', 'p', pg_catalog.obj_description(k.oid, 'pg_constraint')]{array} AS properties
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class o ON o.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
WHERE k.contype IN ('p', 'u', 'x', 'c', 'f') AND o.relpersistence <> 't' AND {own}
ORDER BY n.nspname COLLATE \"C\", o.relname COLLATE \"C\", k.conname COLLATE \"C\"";

const DOMAIN_CONSTRAINTS: &str = "
SELECT 'constraint' AS kind, n.nspname AS schema, k.conname AS name, o.typname{text} AS table_name,
       NULL{text} AS arguments, ARRAY[
  'definition', 's', 'ALTER DOMAIN ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.typname)
    || ' ADD CONSTRAINT ' || pg_catalog.quote_ident(k.conname) || ' '
    || pg_catalog.regexp_replace(pg_catalog.pg_get_constraintdef(k.oid), ' NOT VALID$', '') || ';',
  'validated', 'p', CASE WHEN NOT k.convalidated THEN 'no' END,
  'comment', 'p', pg_catalog.obj_description(k.oid, 'pg_constraint')]{array} AS properties
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_type o ON o.oid = k.contypid JOIN pg_catalog.pg_namespace n ON n.oid = o.typnamespace
WHERE k.contype = 'c' AND {own}
ORDER BY n.nspname COLLATE \"C\", o.typname COLLATE \"C\", k.conname COLLATE \"C\"";

/// Those of constraints are told with them.
const INDEXES: &str = "
SELECT 'index' AS kind, n.nspname AS schema, x.relname AS name, o.relname{text} AS table_name,
       NULL{text} AS arguments, ARRAY[
  'definition', 's', pg_catalog.pg_get_indexdef(x.oid) || ';',
  'valid', 'p', CASE WHEN NOT i.indisvalid THEN 'no' END,
  'clustered', 'p', CASE WHEN i.indisclustered THEN 'yes' END,
  'replica identity', 'p', CASE WHEN i.indisreplident THEN 'yes' END,
  'statistics', 'p', (
    SELECT pg_catalog.string_agg(a.attnum || ': ' || a.attstattarget, ', ' ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = x.oid AND COALESCE(a.attstattarget, -1) <> -1),
  'attached to', 's', (
    SELECT 'ALTER INDEX ' || pg_catalog.quote_ident(pn.nspname) || '.' || pg_catalog.quote_ident(p.relname)
           || ' ATTACH PARTITION ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(x.relname) || ';'
    FROM pg_catalog.pg_inherits h JOIN pg_catalog.pg_class p ON p.oid = h.inhparent
    JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace WHERE h.inhrelid = x.oid LIMIT 1),
  'comment', 'p', pg_catalog.obj_description(x.oid, 'pg_class')]{array} AS properties
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_class o ON o.oid = i.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
WHERE o.relkind IN ('r', 'p', 'm') AND o.relpersistence <> 't' AND {own}
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = x.oid AND k.conrelid = o.oid
                  AND k.contype IN ('p', 'u', 'x'))
ORDER BY n.nspname COLLATE \"C\", x.relname COLLATE \"C\"";

const TRIGGERS: &str = "
SELECT 'trigger' AS kind, n.nspname AS schema, g.tgname AS name, o.relname{text} AS table_name,
       NULL{text} AS arguments, ARRAY[
  'definition', 's', pg_catalog.pg_get_triggerdef(g.oid) || ';',
  'enabled', 'p', CASE g.tgenabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'on a replica' WHEN 'A' THEN 'always' END,
  'inherited', 'p', CASE WHEN {tgparentid} <> 0 THEN 'yes' END,
  'comment', 'p', pg_catalog.obj_description(g.oid, 'pg_trigger')]{array} AS properties
FROM pg_catalog.pg_trigger g
JOIN pg_catalog.pg_class o ON o.oid = g.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
WHERE (NOT g.tgisinternal OR {tgparentid} <> 0 AND g.tgconstraint = 0) AND o.relpersistence <> 't' AND {own}
ORDER BY n.nspname COLLATE \"C\", o.relname COLLATE \"C\", g.tgname COLLATE \"C\"";

const RULES: &str = "
SELECT 'rule' AS kind, n.nspname AS schema, w.rulename AS name, o.relname{text} AS table_name,
       NULL{text} AS arguments, ARRAY[
  'definition', 's', pg_catalog.pg_get_ruledef(w.oid),
  'enabled', 'p', CASE w.ev_enabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'on a replica' WHEN 'A' THEN 'always' END,
  'comment', 'p', pg_catalog.obj_description(w.oid, 'pg_rewrite')]{array} AS properties
FROM pg_catalog.pg_rewrite w
JOIN pg_catalog.pg_class o ON o.oid = w.ev_class JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
WHERE w.rulename <> '_RETURN' AND o.relpersistence <> 't' AND {own}
ORDER BY n.nspname COLLATE \"C\", o.relname COLLATE \"C\", w.rulename COLLATE \"C\"";

const POLICIES: &str = "
SELECT 'policy' AS kind, n.nspname AS schema, p.polname AS name, o.relname{text} AS table_name,
       NULL{text} AS arguments, ARRAY[
  'definition', 's', 'CREATE POLICY ' || pg_catalog.quote_ident(p.polname) || ' ON ' || {me}
    || CASE WHEN p.polpermissive THEN '' ELSE ' AS RESTRICTIVE' END
    || CASE p.polcmd WHEN 'r' THEN ' FOR SELECT' WHEN 'a' THEN ' FOR INSERT' WHEN 'w' THEN ' FOR UPDATE'
         WHEN 'd' THEN ' FOR DELETE' ELSE '' END
    || COALESCE((SELECT ' TO ' || pg_catalog.string_agg(pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r.role)), ', '
                   ORDER BY pg_catalog.pg_get_userbyid(r.role) COLLATE \"C\")
                 FROM pg_catalog.unnest(p.polroles) AS r (role) WHERE r.role <> 0), '')
    || COALESCE(' USING (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')', '')
    || COALESCE(' WITH CHECK (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')', '') || ';',
  'comment', 'p', pg_catalog.obj_description(p.oid, 'pg_policy')]{array} AS properties
FROM pg_catalog.pg_policy p
JOIN pg_catalog.pg_class o ON o.oid = p.polrelid JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
WHERE {own}
ORDER BY n.nspname COLLATE \"C\", o.relname COLLATE \"C\", p.polname COLLATE \"C\"";

const STATISTICS: &str = "
SELECT 'statistics' AS kind, n.nspname AS schema, o.stxname AS name, NULL{text} AS table_name,
       NULL{text} AS arguments, ARRAY[
  'definition', 's', pg_catalog.pg_get_statisticsobjdef(o.oid) || ';',
  'statistics', 'p', NULLIF(COALESCE({stxstattarget}, -1), -1){text},
  'comment', 'p', pg_catalog.obj_description(o.oid, 'pg_statistic_ext'),
  'owner', 'p', {owner o.stxowner}]{array} AS properties
FROM pg_catalog.pg_statistic_ext o JOIN pg_catalog.pg_namespace n ON n.oid = o.stxnamespace
WHERE ($4::pg_catalog.oid[] IS NULL OR o.stxrelid = ANY ($4)) AND {own}
ORDER BY n.nspname COLLATE \"C\", o.stxname COLLATE \"C\"";
