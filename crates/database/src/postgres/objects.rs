//! Every named object, from all the catalogs that hold one.

use catalog::{Extension, Member, Object, ObjectKind};
use postgres::GenericClient;

use crate::{Error, Result};

/// A system catalog that holds named objects.
struct Source {
    /// The catalog's name.
    class: &'static str,
    /// SQL for the object's kind as a word of [`kind_of`], its name, its schema's OID and its table's name.
    kind: &'static str,
    name: &'static str,
    namespace: &'static str,
    table: &'static str,
    filter: &'static str,
}

/// A source whose objects belong to no table.
const fn plain(
    class: &'static str,
    kind: &'static str,
    name: &'static str,
    namespace: &'static str,
) -> Source {
    Source {
        class,
        kind,
        name,
        namespace,
        table: "NULL",
        filter: "true",
    }
}

const SOURCES: &[Source] = &[
    Source {
        class: "pg_class",
        kind: "CASE o.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'f' THEN 'foreign_table'
               WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized_view' WHEN 'S' THEN 'sequence'
               WHEN 'c' THEN 'type' ELSE 'index' END",
        name: "o.relname",
        namespace: "o.relnamespace",
        table: "(SELECT t.relname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
                 WHERE i.indexrelid = o.oid)",
        // An extension's composite type belongs to it as a type, not as a relation.
        filter: "o.relkind <> 't' AND o.relpersistence <> 't'
                 AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE o.relkind = 'c' AND d.deptype = 'e'
                                 AND d.objid = o.reltype AND d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass)",
    },
    Source {
        class: "pg_constraint",
        kind: "CASE WHEN o.contype IN ('p', 'u', 'x') THEN 'indexed_constraint' ELSE 'constraint' END",
        name: "o.conname",
        namespace: "o.connamespace",
        table: "(SELECT t.relname FROM pg_catalog.pg_class t WHERE t.oid = o.conrelid)",
        filter: "true",
    },
    Source {
        class: "pg_trigger",
        kind: "'trigger'",
        name: "o.tgname",
        namespace: "(SELECT t.relnamespace FROM pg_catalog.pg_class t WHERE t.oid = o.tgrelid)",
        table: "(SELECT t.relname FROM pg_catalog.pg_class t WHERE t.oid = o.tgrelid)",
        filter: "NOT o.tgisinternal",
    },
    Source {
        class: "pg_rewrite",
        kind: "'rule'",
        name: "o.rulename",
        namespace: "(SELECT t.relnamespace FROM pg_catalog.pg_class t WHERE t.oid = o.ev_class)",
        table: "(SELECT t.relname FROM pg_catalog.pg_class t WHERE t.oid = o.ev_class)",
        filter: "o.rulename <> '_RETURN'",
    },
    Source {
        class: "pg_policy",
        kind: "'policy'",
        name: "o.polname",
        namespace: "(SELECT t.relnamespace FROM pg_catalog.pg_class t WHERE t.oid = o.polrelid)",
        table: "(SELECT t.relname FROM pg_catalog.pg_class t WHERE t.oid = o.polrelid)",
        filter: "true",
    },
    Source {
        class: "pg_type",
        kind: "CASE o.typtype WHEN 'd' THEN 'domain' ELSE 'type' END",
        name: "o.typname",
        namespace: "o.typnamespace",
        table: "NULL",
        // Array types and row types follow what they belong to; composites come from `pg_class`.
        filter: "o.typtype IN ('b', 'd', 'e', 'm', 'p', 'r')
                 AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = o.oid)",
    },
    Source {
        class: "pg_proc",
        kind: "CASE o.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END",
        name: "o.proname",
        namespace: "o.pronamespace",
        table: "NULL",
        filter: "true",
    },
    plain("pg_operator", "'operator'", "o.oprname", "o.oprnamespace"),
    plain("pg_opclass", "'operator_class'", "o.opcname", "o.opcnamespace"),
    plain("pg_opfamily", "'operator_family'", "o.opfname", "o.opfnamespace"),
    plain("pg_collation", "'collation'", "o.collname", "o.collnamespace"),
    plain("pg_conversion", "'conversion'", "o.conname", "o.connamespace"),
    plain(
        "pg_ts_config",
        "'text_search_configuration'",
        "o.cfgname",
        "o.cfgnamespace",
    ),
    plain(
        "pg_ts_dict",
        "'text_search_dictionary'",
        "o.dictname",
        "o.dictnamespace",
    ),
    plain(
        "pg_ts_parser",
        "'text_search_parser'",
        "o.prsname",
        "o.prsnamespace",
    ),
    plain(
        "pg_ts_template",
        "'text_search_template'",
        "o.tmplname",
        "o.tmplnamespace",
    ),
    plain("pg_statistic_ext", "'statistics'", "o.stxname", "o.stxnamespace"),
];

/// The word for a constraint that is called like its index.
const INDEXED_CONSTRAINT: &str = "indexed_constraint";

/// All objects in the user's schemas that belong to no extension.
pub(super) fn read_objects(
    client: &mut impl GenericClient,
    schemas: Option<&[String]>,
) -> Result<Vec<Object>> {
    let branches: Vec<String> = SOURCES
        .iter()
        .map(|it| {
            format!(
                "SELECT {kind} AS kind, n.nspname AS schema, ({name})::pg_catalog.text AS name, \
                   ({table})::pg_catalog.text AS table_name
                 FROM pg_catalog.{class} o JOIN pg_catalog.pg_namespace n ON n.oid = {namespace}
                 WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
                   AND ($1::pg_catalog.text[] IS NULL OR n.nspname = ANY ($1)) AND {filter}
                   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e' AND d.objid = o.oid
                                   AND d.classid = 'pg_catalog.{class}'::pg_catalog.regclass)",
                kind = it.kind,
                name = it.name,
                table = it.table,
                class = it.class,
                namespace = it.namespace,
                filter = it.filter,
            )
        })
        .collect();
    let rows = client
        .query(&branches.join(" UNION ALL "), &[&schemas])
        .map_err(Error::query("the objects could not be listed"))?;
    let mut objects: Vec<Object> = rows
        .iter()
        .map(|row| Object {
            kind: kind_of(row.get("kind")),
            schema: row.get("schema"),
            name: row.get("name"),
            table: row.get("table_name"),
            indexed: row.get::<_, &str>("kind") == INDEXED_CONSTRAINT,
        })
        .collect();
    objects.sort();
    Ok(objects)
}

/// Fills in what belongs to each extension; `oids` are those of `extensions`, in order.
pub(super) fn read_members(
    client: &mut impl GenericClient,
    oids: &[u32],
    extensions: &mut [Extension],
) -> Result<()> {
    let branches: Vec<String> = SOURCES
        .iter()
        .map(|it| {
            format!(
                "SELECT d.refobjid AS extension, {kind} AS kind, n.nspname AS schema, \
                   ({name})::pg_catalog.text AS name
                 FROM pg_catalog.pg_depend d JOIN pg_catalog.{class} o ON o.oid = d.objid
                 JOIN pg_catalog.pg_namespace n ON n.oid = {namespace}
                 WHERE d.deptype = 'e' AND d.classid = 'pg_catalog.{class}'::pg_catalog.regclass
                   AND n.nspname <> 'pg_catalog'",
                kind = it.kind,
                name = it.name,
                class = it.class,
                namespace = it.namespace,
            )
        })
        .collect();
    let rows = client
        .query(&branches.join(" UNION ALL "), &[])
        .map_err(Error::query("the extensions' members could not be listed"))?;
    for row in rows {
        let oid: u32 = row.get("extension");
        let Some(index) = oids.iter().position(|it| *it == oid) else {
            continue;
        };
        let kind = match kind_of(row.get("kind")) {
            ObjectKind::Domain => ObjectKind::Type,
            kind => kind,
        };
        extensions[index].members.push(Member {
            kind,
            schema: row.get("schema"),
            name: row.get("name"),
        });
    }
    for extension in extensions {
        extension
            .members
            .sort_by(|a, b| (a.kind, &a.schema, &a.name).cmp(&(b.kind, &b.schema, &b.name)));
        extension.members.dedup();
    }
    Ok(())
}

pub(super) fn kind_of(word: &str) -> ObjectKind {
    match word {
        "table" => ObjectKind::Table,
        "foreign_table" => ObjectKind::ForeignTable,
        "view" => ObjectKind::View,
        "materialized_view" => ObjectKind::MaterializedView,
        "sequence" => ObjectKind::Sequence,
        "constraint" | INDEXED_CONSTRAINT => ObjectKind::Constraint,
        "trigger" => ObjectKind::Trigger,
        "rule" => ObjectKind::Rule,
        "policy" => ObjectKind::Policy,
        "type" => ObjectKind::Type,
        "domain" => ObjectKind::Domain,
        "function" => ObjectKind::Function,
        "procedure" => ObjectKind::Procedure,
        "aggregate" => ObjectKind::Aggregate,
        "operator" => ObjectKind::Operator,
        "operator_class" => ObjectKind::OperatorClass,
        "operator_family" => ObjectKind::OperatorFamily,
        "collation" => ObjectKind::Collation,
        "conversion" => ObjectKind::Conversion,
        "text_search_configuration" => ObjectKind::TextSearchConfiguration,
        "text_search_dictionary" => ObjectKind::TextSearchDictionary,
        "text_search_parser" => ObjectKind::TextSearchParser,
        "text_search_template" => ObjectKind::TextSearchTemplate,
        "statistics" => ObjectKind::Statistics,
        _ => ObjectKind::Index,
    }
}
