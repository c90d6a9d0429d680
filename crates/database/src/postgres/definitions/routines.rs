//! Routines, aggregates, operators with their classes and families, and casts.

use super::Family;

pub(super) const FAMILIES: &[Family] = &[
    Family {
        class: "pg_proc",
        sql: ROUTINES,
    },
    Family {
        class: "pg_proc",
        sql: AGGREGATES,
    },
    Family {
        class: "pg_operator",
        sql: OPERATORS,
    },
    Family {
        class: "pg_opfamily",
        sql: OPERATOR_FAMILIES,
    },
    Family {
        class: "pg_opclass",
        sql: OPERATOR_CLASSES,
    },
    Family {
        class: "pg_cast",
        sql: CASTS,
    },
];

/// `pg_get_functiondef` ends without a semicolon. The constructors of a range follow it.
const ROUTINES: &str = "
SELECT CASE o.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END AS kind, n.nspname AS schema, o.proname AS name,
       NULL{text} AS table_name, COALESCE((
         SELECT pg_catalog.string_agg(pg_catalog.format_type(u.type, NULL), ', ' ORDER BY u.place)
         FROM pg_catalog.unnest(o.proargtypes::pg_catalog.oid[]) WITH ORDINALITY AS u (type, place)), '') AS arguments, ARRAY[
  'definition', 's', pg_catalog.pg_get_functiondef(o.oid) || ';',
  'comment', 'p', pg_catalog.obj_description(o.oid, 'pg_proc'),
  'owner', 'p', {owner o.proowner},
  'grants', 'p', {grants f o.proacl o.proowner}]{array} AS properties
FROM pg_catalog.pg_proc o JOIN pg_catalog.pg_namespace n ON n.oid = o.pronamespace
WHERE o.prokind <> 'a' AND {own}
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                  AND d.objid = o.oid AND d.deptype = 'i')
ORDER BY n.nspname COLLATE \"C\", o.proname COLLATE \"C\", 5";

const AGGREGATES: &str = "
SELECT 'aggregate' AS kind, n.nspname AS schema, o.proname AS name,
       NULL{text} AS table_name, COALESCE((
         SELECT pg_catalog.string_agg(pg_catalog.format_type(u.type, NULL), ', ' ORDER BY u.place)
         FROM pg_catalog.unnest(o.proargtypes::pg_catalog.oid[]) WITH ORDINALITY AS u (type, place)), '') AS arguments, ARRAY[
  'definition', 's', 'CREATE AGGREGATE ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.proname)
    || '(' || CASE o.pronargs WHEN 0 THEN '*' ELSE pg_catalog.pg_get_function_arguments(o.oid) END || ') (SFUNC = ' || g.aggtransfn{text}
    || ', STYPE = ' || pg_catalog.format_type(g.aggtranstype, NULL)
    || CASE WHEN g.aggtransspace <> 0 THEN ', SSPACE = ' || g.aggtransspace ELSE '' END
    || COALESCE(', INITCOND = ' || pg_catalog.quote_literal(g.agginitval), '')
    || CASE WHEN g.aggfinalfn <> 0 THEN ', FINALFUNC = ' || g.aggfinalfn{text} ELSE '' END
    || CASE WHEN g.aggfinalextra THEN ', FINALFUNC_EXTRA' ELSE '' END
    || CASE WHEN g.aggfinalfn <> 0 THEN ', FINALFUNC_MODIFY = ' || CASE g.aggfinalmodify WHEN 's' THEN 'SHAREABLE'
         WHEN 'w' THEN 'READ_WRITE' ELSE 'READ_ONLY' END ELSE '' END
    || CASE WHEN g.aggcombinefn <> 0 THEN ', COMBINEFUNC = ' || g.aggcombinefn{text} ELSE '' END
    || CASE WHEN g.aggserialfn <> 0 THEN ', SERIALFUNC = ' || g.aggserialfn{text} ELSE '' END
    || CASE WHEN g.aggdeserialfn <> 0 THEN ', DESERIALFUNC = ' || g.aggdeserialfn{text} ELSE '' END
    || CASE WHEN g.aggmtransfn <> 0 THEN ', MSFUNC = ' || g.aggmtransfn{text} || ', MINVFUNC = ' || g.aggminvtransfn{text}
         || ', MSTYPE = ' || pg_catalog.format_type(g.aggmtranstype, NULL) ELSE '' END
    || CASE WHEN g.aggmtransspace <> 0 THEN ', MSSPACE = ' || g.aggmtransspace ELSE '' END
    || COALESCE(', MINITCOND = ' || pg_catalog.quote_literal(g.aggminitval), '')
    || CASE WHEN g.aggmfinalfn <> 0 THEN ', MFINALFUNC = ' || g.aggmfinalfn{text} ELSE '' END
    || CASE WHEN g.aggmfinalextra THEN ', MFINALFUNC_EXTRA' ELSE '' END
    || CASE WHEN g.aggmfinalfn <> 0 THEN ', MFINALFUNC_MODIFY = ' || CASE g.aggmfinalmodify WHEN 's' THEN 'SHAREABLE'
         WHEN 'w' THEN 'READ_WRITE' ELSE 'READ_ONLY' END ELSE '' END
    || COALESCE((SELECT ', SORTOP = OPERATOR(' || pg_catalog.quote_ident(sn.nspname) || '.' || s.oprname || ')'
         FROM pg_catalog.pg_operator s JOIN pg_catalog.pg_namespace sn ON sn.oid = s.oprnamespace
         WHERE s.oid = g.aggsortop), '')
    || CASE o.proparallel WHEN 's' THEN ', PARALLEL = SAFE' WHEN 'r' THEN ', PARALLEL = RESTRICTED' ELSE '' END
    || CASE g.aggkind WHEN 'h' THEN ', HYPOTHETICAL' ELSE '' END || ');',
  'comment', 'p', pg_catalog.obj_description(o.oid, 'pg_proc'),
  'owner', 'p', {owner o.proowner},
  'grants', 'p', {grants f o.proacl o.proowner}]{array} AS properties
FROM pg_catalog.pg_proc o JOIN pg_catalog.pg_namespace n ON n.oid = o.pronamespace
JOIN pg_catalog.pg_aggregate g ON g.aggfnoid = o.oid
WHERE {own}
ORDER BY n.nspname COLLATE \"C\", o.proname COLLATE \"C\", 5";

/// One without a function is a shell, which another names as its commutator or negator.
const OPERATORS: &str = "
SELECT 'operator' AS kind, n.nspname AS schema, o.oprname AS name, NULL{text} AS table_name,
       CASE WHEN o.oprleft = 0 THEN '\"none\"' ELSE pg_catalog.format_type(o.oprleft, NULL) END || ', '
         || CASE WHEN o.oprright = 0 THEN '\"none\"' ELSE pg_catalog.format_type(o.oprright, NULL) END AS arguments, ARRAY[
  'kind', 'p', CASE WHEN o.oprcode = 0 THEN 'shell' END,
  'definition', 's', CASE WHEN o.oprcode <> 0 THEN 'CREATE OPERATOR ' || pg_catalog.quote_ident(n.nspname) || '.' || o.oprname
    || ' (FUNCTION = ' || o.oprcode{text}
    || CASE WHEN o.oprleft <> 0 THEN ', LEFTARG = ' || pg_catalog.format_type(o.oprleft, NULL) ELSE '' END
    || CASE WHEN o.oprright <> 0 THEN ', RIGHTARG = ' || pg_catalog.format_type(o.oprright, NULL) ELSE '' END
    || COALESCE((SELECT ', COMMUTATOR = OPERATOR(' || pg_catalog.quote_ident(xn.nspname) || '.' || x.oprname || ')'
         FROM pg_catalog.pg_operator x JOIN pg_catalog.pg_namespace xn ON xn.oid = x.oprnamespace WHERE x.oid = o.oprcom), '')
    || COALESCE((SELECT ', NEGATOR = OPERATOR(' || pg_catalog.quote_ident(xn.nspname) || '.' || x.oprname || ')'
         FROM pg_catalog.pg_operator x JOIN pg_catalog.pg_namespace xn ON xn.oid = x.oprnamespace WHERE x.oid = o.oprnegate), '')
    || CASE WHEN o.oprcanmerge THEN ', MERGES' ELSE '' END || CASE WHEN o.oprcanhash THEN ', HASHES' ELSE '' END
    || CASE WHEN o.oprrest <> 0 THEN ', RESTRICT = ' || o.oprrest{text} ELSE '' END
    || CASE WHEN o.oprjoin <> 0 THEN ', JOIN = ' || o.oprjoin{text} ELSE '' END || ');' END,
  'comment', 'p', pg_catalog.obj_description(o.oid, 'pg_operator'),
  'owner', 'p', {owner o.oprowner}]{array} AS properties
FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
WHERE {own}
ORDER BY n.nspname COLLATE \"C\", o.oprname COLLATE \"C\", 5";

/// Families and classes of different access methods can share a name.
const OPERATOR_FAMILIES: &str = "
SELECT 'operator_family' AS kind, n.nspname AS schema, o.opfname AS name, NULL{text} AS table_name,
       m.amname{text} AS arguments, ARRAY[
  'definition', 's', (
    SELECT 'ALTER OPERATOR FAMILY ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.opfname)
           || ' USING ' || pg_catalog.quote_ident(m.amname) || ' ADD '
           || pg_catalog.string_agg(x.item, ', ' ORDER BY x.item COLLATE \"C\") || ';'
    FROM (
      SELECT 'OPERATOR ' || p.amopstrategy || ' ' || p.amopopr::pg_catalog.regoperator{text} || COALESCE(
               (SELECT ' FOR ORDER BY ' || pg_catalog.quote_ident(sn.nspname) || '.' || pg_catalog.quote_ident(s.opfname)
                FROM pg_catalog.pg_opfamily s JOIN pg_catalog.pg_namespace sn ON sn.oid = s.opfnamespace
                WHERE s.oid = p.amopsortfamily), '') AS item
      FROM pg_catalog.pg_amop p WHERE p.amopfamily = o.oid
      UNION ALL
      SELECT 'FUNCTION ' || p.amprocnum || ' (' || pg_catalog.format_type(p.amproclefttype, NULL) || ', '
             || pg_catalog.format_type(p.amprocrighttype, NULL) || ') ' || p.amproc::pg_catalog.regprocedure{text}
      FROM pg_catalog.pg_amproc p WHERE p.amprocfamily = o.oid) x HAVING pg_catalog.count(*) > 0),
  'comment', 'p', pg_catalog.obj_description(o.oid, 'pg_opfamily'),
  'owner', 'p', {owner o.opfowner}]{array} AS properties
FROM pg_catalog.pg_opfamily o JOIN pg_catalog.pg_namespace n ON n.oid = o.opfnamespace
JOIN pg_catalog.pg_am m ON m.oid = o.opfmethod
WHERE {own}
ORDER BY n.nspname COLLATE \"C\", o.opfname COLLATE \"C\", 5";

/// What a class holds in a family of its own stands with the family.
const OPERATOR_CLASSES: &str = "
SELECT 'operator_class' AS kind, n.nspname AS schema, o.opcname AS name, NULL{text} AS table_name,
       m.amname{text} AS arguments, ARRAY[
  'definition', 's', 'CREATE OPERATOR CLASS ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.opcname)
    || CASE WHEN o.opcdefault THEN ' DEFAULT' ELSE '' END || ' FOR TYPE ' || pg_catalog.format_type(o.opcintype, NULL)
    || ' USING ' || pg_catalog.quote_ident(m.amname) || ' FAMILY ' || pg_catalog.quote_ident(fn.nspname) || '.'
    || pg_catalog.quote_ident(f.opfname) || ' AS STORAGE '
    || pg_catalog.format_type(COALESCE(NULLIF(o.opckeytype, 0), o.opcintype), NULL) || ';',
  'comment', 'p', pg_catalog.obj_description(o.oid, 'pg_opclass'),
  'owner', 'p', {owner o.opcowner}]{array} AS properties
FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace
JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod
JOIN pg_catalog.pg_opfamily f ON f.oid = o.opcfamily JOIN pg_catalog.pg_namespace fn ON fn.oid = f.opfnamespace
WHERE {own}
ORDER BY n.nspname COLLATE \"C\", o.opcname COLLATE \"C\", 5";

/// A cast lives in no schema: it is the user's where one of its types, or its function, is. That of a range to its
/// multirange follows it.
const CASTS: &str = "
SELECT DISTINCT ON (o.oid) 'cast' AS kind, ''{text} AS schema, ''{text} AS name, NULL{text} AS table_name,
       pg_catalog.format_type(o.castsource, NULL) || ', ' || pg_catalog.format_type(o.casttarget, NULL) AS arguments, ARRAY[
  'definition', 's', 'CREATE CAST (' || pg_catalog.format_type(o.castsource, NULL) || ' AS '
    || pg_catalog.format_type(o.casttarget, NULL) || ') ' || CASE o.castmethod WHEN 'b' THEN 'WITHOUT FUNCTION'
         WHEN 'i' THEN 'WITH INOUT' ELSE 'WITH FUNCTION ' || o.castfunc::pg_catalog.regprocedure{text} END
    || CASE o.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' ELSE '' END || ';',
  'comment', 'p', pg_catalog.obj_description(o.oid, 'pg_cast')]{array} AS properties
FROM pg_catalog.pg_cast o
JOIN pg_catalog.pg_type s ON s.oid = o.castsource JOIN pg_catalog.pg_type t ON t.oid = o.casttarget
LEFT JOIN pg_catalog.pg_proc p ON p.oid = o.castfunc
JOIN pg_catalog.pg_namespace n ON n.oid IN (s.typnamespace, t.typnamespace, p.pronamespace)
WHERE {own}
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass
                  AND d.objid = o.oid AND d.deptype = 'i')
ORDER BY o.oid";
