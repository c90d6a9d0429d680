//! How text is ordered, recoded and searched.

use super::Family;

pub(super) const FAMILIES: &[Family] = &[
    Family {
        class: "pg_collation",
        sql: COLLATIONS,
    },
    Family {
        class: "pg_conversion",
        sql: CONVERSIONS,
    },
    Family {
        class: "pg_ts_config",
        sql: CONFIGURATIONS,
    },
    Family {
        class: "pg_ts_dict",
        sql: DICTIONARIES,
    },
    Family {
        class: "pg_ts_parser",
        sql: PARSERS,
    },
    Family {
        class: "pg_ts_template",
        sql: TEMPLATES,
    },
];

/// Its version is the library's, which is the server's own.
const COLLATIONS: &str = "
SELECT 'collation' AS kind, n.nspname AS schema, o.collname AS name, NULL{text} AS table_name,
       NULL{text} AS arguments, ARRAY[
  'provider', 'p', CASE o.collprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'default' END,
  'locale', 'p', COALESCE({locale}, CASE WHEN o.collcollate = o.collctype THEN o.collcollate{text}
                          ELSE o.collcollate || ', ' || o.collctype END),
  'deterministic', 'p', CASE WHEN NOT o.collisdeterministic THEN 'no' END,
  'rules', 'p', {collicurules},
  'comment', 'p', pg_catalog.obj_description(o.oid, 'pg_collation'),
  'owner', 'p', {owner o.collowner}]{array} AS properties
FROM pg_catalog.pg_collation o JOIN pg_catalog.pg_namespace n ON n.oid = o.collnamespace
WHERE {own}
ORDER BY n.nspname COLLATE \"C\", o.collname COLLATE \"C\"";

const CONVERSIONS: &str = "
SELECT 'conversion' AS kind, n.nspname AS schema, o.conname AS name, NULL{text} AS table_name,
       NULL{text} AS arguments, ARRAY[
  'definition', 's', 'CREATE ' || CASE WHEN o.condefault THEN 'DEFAULT ' ELSE '' END || 'CONVERSION '
    || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.conname) || ' FOR '
    || pg_catalog.quote_literal(pg_catalog.pg_encoding_to_char(o.conforencoding)) || ' TO '
    || pg_catalog.quote_literal(pg_catalog.pg_encoding_to_char(o.contoencoding)) || ' FROM ' || o.conproc{text} || ';',
  'comment', 'p', pg_catalog.obj_description(o.oid, 'pg_conversion'),
  'owner', 'p', {owner o.conowner}]{array} AS properties
FROM pg_catalog.pg_conversion o JOIN pg_catalog.pg_namespace n ON n.oid = o.connamespace
WHERE {own}
ORDER BY n.nspname COLLATE \"C\", o.conname COLLATE \"C\"";

const CONFIGURATIONS: &str = "
SELECT 'text_search_configuration' AS kind, n.nspname AS schema, o.cfgname AS name, NULL{text} AS table_name,
       NULL{text} AS arguments, ARRAY[
  'parser', 's', (
    SELECT 'CREATE TEXT SEARCH CONFIGURATION ' || m.me || ' (PARSER = ' || pg_catalog.quote_ident(pn.nspname) || '.'
           || pg_catalog.quote_ident(p.prsname) || ');'
    FROM pg_catalog.pg_ts_parser p JOIN pg_catalog.pg_namespace pn ON pn.oid = p.prsnamespace WHERE p.oid = o.cfgparser),
  'comment', 'p', pg_catalog.obj_description(o.oid, 'pg_ts_config'),
  'owner', 'p', {owner o.cfgowner}]{array} || COALESCE((
    SELECT pg_catalog.array_agg(x.item ORDER BY x.alias, x.place) FROM (
      SELECT y.alias, z.place, z.item FROM (
        SELECT k.alias, pg_catalog.string_agg(pg_catalog.quote_ident(dn.nspname) || '.' || pg_catalog.quote_ident(d.dictname),
                 ', ' ORDER BY c.mapseqno) AS dictionaries
        FROM pg_catalog.pg_ts_config_map c
        JOIN pg_catalog.ts_token_type(o.cfgparser) k ON k.tokid = c.maptokentype
        JOIN pg_catalog.pg_ts_dict d ON d.oid = c.mapdict JOIN pg_catalog.pg_namespace dn ON dn.oid = d.dictnamespace
        WHERE c.mapcfg = o.oid GROUP BY k.alias) y
      CROSS JOIN LATERAL (VALUES (1, 'mapping for ' || y.alias), (2, 's'), (3, 'ALTER TEXT SEARCH CONFIGURATION ' || m.me
        || ' ADD MAPPING FOR ' || pg_catalog.quote_ident(y.alias) || ' WITH ' || y.dictionaries || ';')) AS z (place, item)) x),
    '{}'){array} AS properties
FROM pg_catalog.pg_ts_config o JOIN pg_catalog.pg_namespace n ON n.oid = o.cfgnamespace
CROSS JOIN LATERAL (SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.cfgname) AS me) m
WHERE {own}
ORDER BY n.nspname COLLATE \"C\", o.cfgname COLLATE \"C\"";

const DICTIONARIES: &str = "
SELECT 'text_search_dictionary' AS kind, n.nspname AS schema, o.dictname AS name, NULL{text} AS table_name,
       NULL{text} AS arguments, ARRAY[
  'definition', 's', (
    SELECT 'CREATE TEXT SEARCH DICTIONARY ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.dictname)
           || ' (TEMPLATE = ' || pg_catalog.quote_ident(tn.nspname) || '.' || pg_catalog.quote_ident(t.tmplname)
           || COALESCE(', ' || o.dictinitoption, '') || ');'
    FROM pg_catalog.pg_ts_template t JOIN pg_catalog.pg_namespace tn ON tn.oid = t.tmplnamespace WHERE t.oid = o.dicttemplate),
  'comment', 'p', pg_catalog.obj_description(o.oid, 'pg_ts_dict'),
  'owner', 'p', {owner o.dictowner}]{array} AS properties
FROM pg_catalog.pg_ts_dict o JOIN pg_catalog.pg_namespace n ON n.oid = o.dictnamespace
WHERE {own}
ORDER BY n.nspname COLLATE \"C\", o.dictname COLLATE \"C\"";

const PARSERS: &str = "
SELECT 'text_search_parser' AS kind, n.nspname AS schema, o.prsname AS name, NULL{text} AS table_name,
       NULL{text} AS arguments, ARRAY[
  'definition', 's', 'CREATE TEXT SEARCH PARSER ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.prsname)
    || ' (START = ' || o.prsstart{text} || ', GETTOKEN = ' || o.prstoken{text} || ', END = ' || o.prsend{text}
    || CASE WHEN o.prsheadline <> 0 THEN ', HEADLINE = ' || o.prsheadline{text} ELSE '' END
    || ', LEXTYPES = ' || o.prslextype{text} || ');',
  'comment', 'p', pg_catalog.obj_description(o.oid, 'pg_ts_parser')]{array} AS properties
FROM pg_catalog.pg_ts_parser o JOIN pg_catalog.pg_namespace n ON n.oid = o.prsnamespace
WHERE {own}
ORDER BY n.nspname COLLATE \"C\", o.prsname COLLATE \"C\"";

const TEMPLATES: &str = "
SELECT 'text_search_template' AS kind, n.nspname AS schema, o.tmplname AS name, NULL{text} AS table_name,
       NULL{text} AS arguments, ARRAY[
  'definition', 's', 'CREATE TEXT SEARCH TEMPLATE ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.tmplname)
    || ' (' || CASE WHEN o.tmplinit <> 0 THEN 'INIT = ' || o.tmplinit{text} || ', ' ELSE '' END
    || 'LEXIZE = ' || o.tmpllexize{text} || ');',
  'comment', 'p', pg_catalog.obj_description(o.oid, 'pg_ts_template')]{array} AS properties
FROM pg_catalog.pg_ts_template o JOIN pg_catalog.pg_namespace n ON n.oid = o.tmplnamespace
WHERE {own}
ORDER BY n.nspname COLLATE \"C\", o.tmplname COLLATE \"C\"";
