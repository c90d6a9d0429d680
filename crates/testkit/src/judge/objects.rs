//! Every object that a prefix gives a new name, and the statement by which PostgreSQL gives it.

use crate::database::Database;
use crate::error::Result;

/// One statement for each object of the database's own schemas: the kind with the old name, a blank, and what
/// stands behind the new name's place; extensions' members are left out.
///
/// Names that live inside another object are none of these: columns, constraints without an index, triggers,
/// rules, policies. Operators are signs. The array type and the row type of a type or table follow it by
/// themselves, and so does the constraint of an index. Routines come first, since their signatures tell types by
/// the old names; among the rest the longest names do, so that no new name is one that still has its bearer.
const STATEMENTS: &str = r"
WITH own AS (
    SELECT oid, nspname FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'coalesce', 'coalesce_waiting_room')
), objects (classid, objid, rank, kind, nspname, name, behind) AS (
    SELECT 'pg_proc'::regclass::oid, p.oid, 0,
           CASE prokind WHEN 'a' THEN 'AGGREGATE' WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, nspname, proname,
           '(' || CASE WHEN prokind = 'a' AND pronargs = 0 THEN '*' ELSE pg_get_function_identity_arguments(p.oid) END || ')'
    FROM pg_proc AS p JOIN own ON own.oid = pronamespace
    UNION ALL
    SELECT 'pg_opclass'::regclass, c.oid, 1, 'OPERATOR CLASS', nspname, opcname, ' USING ' || quote_ident(amname)
    FROM pg_opclass AS c JOIN own ON own.oid = opcnamespace JOIN pg_am AS a ON a.oid = opcmethod
    UNION ALL
    SELECT 'pg_opfamily'::regclass, f.oid, 1, 'OPERATOR FAMILY', nspname, opfname, ' USING ' || quote_ident(amname)
    FROM pg_opfamily AS f JOIN own ON own.oid = opfnamespace JOIN pg_am AS a ON a.oid = opfmethod
    UNION ALL
    SELECT 'pg_collation'::regclass, c.oid, 1, 'COLLATION', nspname, collname, ''
    FROM pg_collation AS c JOIN own ON own.oid = collnamespace
    UNION ALL
    SELECT 'pg_conversion'::regclass, c.oid, 1, 'CONVERSION', nspname, conname, ''
    FROM pg_conversion AS c JOIN own ON own.oid = connamespace
    UNION ALL
    SELECT 'pg_ts_parser'::regclass, t.oid, 1, 'TEXT SEARCH PARSER', nspname, prsname, ''
    FROM pg_ts_parser AS t JOIN own ON own.oid = prsnamespace
    UNION ALL
    SELECT 'pg_ts_template'::regclass, t.oid, 1, 'TEXT SEARCH TEMPLATE', nspname, tmplname, ''
    FROM pg_ts_template AS t JOIN own ON own.oid = tmplnamespace
    UNION ALL
    SELECT 'pg_ts_dict'::regclass, t.oid, 1, 'TEXT SEARCH DICTIONARY', nspname, dictname, ''
    FROM pg_ts_dict AS t JOIN own ON own.oid = dictnamespace
    UNION ALL
    SELECT 'pg_ts_config'::regclass, t.oid, 1, 'TEXT SEARCH CONFIGURATION', nspname, cfgname, ''
    FROM pg_ts_config AS t JOIN own ON own.oid = cfgnamespace
    UNION ALL
    SELECT 'pg_statistic_ext'::regclass, s.oid, 1, 'STATISTICS', nspname, stxname, ''
    FROM pg_statistic_ext AS s JOIN own ON own.oid = stxnamespace
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, 2, 'TYPE', nspname, typname, ''
    FROM pg_type AS t JOIN own ON own.oid = typnamespace
    WHERE typisdefined AND typrelid = 0 AND NOT EXISTS (SELECT FROM pg_type AS e WHERE e.typarray = t.oid)
    UNION ALL
    SELECT 'pg_class'::regclass, c.oid, 2,
           CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE'
               WHEN 'S' THEN 'SEQUENCE' WHEN 'c' THEN 'TYPE' WHEN 'i' THEN 'INDEX' WHEN 'I' THEN 'INDEX'
               ELSE 'TABLE' END,
           nspname, relname, ''
    FROM pg_class AS c JOIN own ON own.oid = relnamespace
)
SELECT format('ALTER %s %I.%I%s RENAME TO %I', kind, nspname, name, behind, $prefix$%prefix%$prefix$ || name::text)
FROM objects
WHERE NOT EXISTS (
    SELECT FROM pg_depend AS d WHERE d.classid = objects.classid AND d.objid = objects.objid AND deptype = 'e'
)
ORDER BY rank, octet_length(name::text) DESC, kind, nspname, name
";

/// The statements that give every object of `database` its name with `prefix`, in an order that works.
pub(super) fn renaming_statements(database: &Database<'_>, prefix: &str) -> Result<Vec<String>> {
    // Under the empty path that every session of `pg_dump` has, signatures name their types in full.
    let sql = STATEMENTS.replace("%prefix%", prefix);
    let mut client = database.admin()?;
    crate::database::lines(&mut client, "SET search_path = ''")?;
    crate::database::lines(&mut client, &sql)
}
