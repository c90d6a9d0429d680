//! What a selection needs of what it leaves out: a part of a database can be made elsewhere only if it stands alone.

use catalog::{Catalog, QualifiedName, Table, ThroughRoot};
use postgres::GenericClient;

use super::locks::some_of;
use super::selection::Chosen;
use crate::{Error, ErrorKind, Result};

/// A foreign key that is left out, since it refers to a table that is not chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutForeignKey {
    /// Of `pg_constraint`.
    pub(super) oid: u32,
    pub table: QualifiedName,
    pub name: String,
    pub refers_to: String,
}

/// Catalogs whose objects stand in schemas: each with the column that names the schema, and which objects count.
const IN_SCHEMAS: &[(&str, &str, &str)] = &[
    ("pg_proc", "pronamespace", "true"),
    (
        "pg_type",
        "typnamespace",
        // Row types and arrays of them follow their relations.
        "NOT EXISTS (SELECT FROM pg_catalog.pg_type e JOIN pg_catalog.pg_class c ON c.oid = e.typrelid
                     WHERE c.relkind <> 'c' AND o.oid IN (e.oid, e.typarray))",
    ),
    ("pg_class", "relnamespace", "o.relkind = 'c'"),
    ("pg_operator", "oprnamespace", "true"),
    ("pg_opclass", "opcnamespace", "true"),
    ("pg_opfamily", "opfnamespace", "true"),
    ("pg_collation", "collnamespace", "true"),
    ("pg_conversion", "connamespace", "true"),
    ("pg_ts_config", "cfgnamespace", "true"),
    ("pg_ts_dict", "dictnamespace", "true"),
    ("pg_ts_parser", "prsnamespace", "true"),
    ("pg_ts_template", "tmplnamespace", "true"),
];

/// Catalogs whose objects belong to a relation: each with the column that says to which.
const ON_RELATIONS: &[(&str, &str)] = &[
    ("pg_attrdef", "adrelid"),
    ("pg_constraint", "conrelid"),
    ("pg_trigger", "tgrelid"),
    ("pg_rewrite", "ev_class"),
    ("pg_policy", "polrelid"),
    ("pg_statistic_ext", "stxrelid"),
];

/// Foreign keys that lead out of what is chosen. An error names everything else that does.
pub fn find_cut_foreign_keys(client: &mut impl GenericClient, chosen: &Chosen) -> Result<Vec<CutForeignKey>> {
    if chosen.schemas.is_none() && chosen.relation_oids().is_none() {
        return Ok(Vec::new());
    }
    let rows = client
        .query(&query(chosen), &[&chosen.schemas, &chosen.relation_oids()])
        .map_err(Error::query("what the selection depends on could not be listed"))?;
    let (keys, others): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.get("is_foreign_key"));
    if !others.is_empty() {
        let sentence = |row: &&postgres::Row| {
            format!(
                "{} needs {}",
                row.get::<_, &str>("who"),
                row.get::<_, &str>("what")
            )
        };
        let sentences: Vec<String> = others.iter().map(sentence).collect();
        let message = format!("the selection does not stand alone: {}", some_of(&sentences));
        return Err(Error::new(ErrorKind::Selection, message).with_names(sentences).with_hint(
            "choose that too; functions, types and what else is no table, view or sequence come with their schema \
             (--schema), from which --exclude-table leaves tables out; or take the rows alone by --data-only",
        ));
    }
    Ok(keys
        .into_iter()
        .map(|row| CutForeignKey {
            oid: row.get("oid"),
            table: QualifiedName::new(row.get::<_, &str>("schema"), row.get::<_, &str>("table_name")),
            name: row.get("name"),
            refers_to: row.get("what"),
        })
        .collect())
}

/// Partitions of chosen tables that are not chosen, as notes where an option names them. Otherwise they are an error:
/// their rows would be missed, since a partitioned table stands for its partitions.
pub fn find_left_out_partitions(client: &mut impl GenericClient, chosen: &Chosen) -> Result<Vec<String>> {
    const LEFT_OUT: &str = "SELECT n.nspname AS schema, c.relname AS name,
          i.inhparent::pg_catalog.regclass::pg_catalog.text AS parent
        FROM pg_catalog.pg_inherits i
        JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid AND c.relispartition AND c.relkind <> 'i' AND c.relkind <> 'I'
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
        JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
        WHERE ($1::pg_catalog.text[] IS NULL OR pn.nspname = ANY ($1))
          AND ($2::pg_catalog.oid[] IS NULL OR p.oid = ANY ($2))
          AND (n.nspname <> ALL ($1) OR c.oid <> ALL ($2))
        ORDER BY 3, 1, 2";
    let rows = client
        .query(LEFT_OUT, &[&chosen.schemas, &chosen.relation_oids()])
        .map_err(Error::query("partitions that are left out could not be listed"))?;
    let name =
        |row: &postgres::Row| QualifiedName::new(row.get::<_, &str>("schema"), row.get::<_, &str>("name"));
    let (named, missed): (Vec<_>, Vec<_>) = rows.iter().partition(|row| chosen.is_excluded(&name(row)));
    let sentence = |row: &&postgres::Row| format!("{} of {}", name(row), row.get::<_, &str>("parent"));
    if !missed.is_empty() {
        let missed: Vec<String> = missed.iter().map(sentence).collect();
        let message = format!("partitions of chosen tables are not chosen: {}", some_of(&missed));
        return Err(Error::new(ErrorKind::Selection, message)
            .with_hint("choose their schemas too, or leave them out by their names (--exclude-table)"));
    }
    let note = |row: &postgres::Row| {
        let parent = row.get::<_, &str>("parent");
        format!(
            "partition {} of {parent} is left out, and rows that belong there have no place",
            name(row)
        )
    };
    Ok(named.into_iter().map(note).collect())
}

/// Foreign keys that refer to one of `tables`, of which rows are left out: each with its table and what it refers to.
pub fn find_keys_in_doubt(
    client: &mut impl GenericClient,
    tables: &[QualifiedName],
) -> Result<Vec<(QualifiedName, String)>> {
    const KEYS: &str = "SELECT n.nspname AS schema, c.relname AS name, 'foreign key ' || f.conname || ' of '
          || f.conrelid::pg_catalog.regclass::pg_catalog.text || ' refers to '
          || f.confrelid::pg_catalog.regclass::pg_catalog.text AS sentence
        FROM pg_catalog.pg_constraint f JOIN pg_catalog.pg_class c ON c.oid = f.conrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE f.contype = 'f' AND f.confrelid = ANY ($1::pg_catalog.text[]::pg_catalog.regclass[])
        ORDER BY 3";
    let tables: Vec<String> = tables.iter().map(ToString::to_string).collect();
    let rows = client
        .query(KEYS, &[&tables])
        .map_err(Error::query("foreign keys to chosen rows could not be listed"))?;
    let key = |row: &postgres::Row| {
        let table = QualifiedName::new(row.get::<_, &str>("schema"), row.get::<_, &str>("name"));
        (table, row.get("sentence"))
    };
    Ok(rows.iter().map(key).collect())
}

/// Refuses to read a tree of partitions through its root when not all of it is chosen: rows of the rest would come too,
/// and have no partition where they go.
pub fn refuse_torn_trees(client: &mut impl GenericClient, catalog: &Catalog, chosen: &Chosen) -> Result<()> {
    const LEFT_OUT: &str = "SELECT pg_catalog.count(*) FROM pg_catalog.pg_partition_tree($1::pg_catalog.text::pg_catalog.regclass) t
        JOIN pg_catalog.pg_class c ON c.oid = t.relid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid <> ALL ($2) OR n.nspname <> ALL ($3)";
    let oids = chosen.relation_oids();
    if oids.is_none() && chosen.schemas.is_none() {
        return Ok(());
    }
    let is_root = |it: &&Table| it.through_root == Some(ThroughRoot::Root);
    for root in catalog.tables.iter().filter(is_root) {
        let name = root.qualified_name().to_string();
        let row = client
            .query_one(LEFT_OUT, &[&name, &oids, &chosen.schemas])
            .map_err(Error::query(format!(
                "the partitions of {name} could not be listed"
            )))?;
        if row.get::<_, i64>(0) > 0 {
            let message =
                format!("not all partitions of {name} are chosen, and its rows can be read through it alone");
            return Err(Error::new(ErrorKind::Selection, message)
                .with_hint("choose all of them; an enum's hash, which divides its rows, differs from database to database"));
        }
    }
    Ok(())
}

/// `$1`: the schemas chosen or NULL, `$2`: the relations chosen or NULL.
fn query(chosen: &Chosen) -> String {
    let on_relations = ON_RELATIONS.iter().map(|(catalog, column)| {
        format!(
            "SELECT 'pg_catalog.{catalog}'::pg_catalog.regclass::pg_catalog.oid, o.oid, o.{column} \
             FROM pg_catalog.{catalog} o JOIN relations r ON r.oid = o.{column}"
        )
    });
    let in_schemas = IN_SCHEMAS.iter().map(|(catalog, column, filter)| {
        format!(
            "SELECT 'pg_catalog.{catalog}'::pg_catalog.regclass::pg_catalog.oid, o.oid, NULL::pg_catalog.oid \
             FROM pg_catalog.{catalog} o JOIN schemas s ON s.oid = o.{column} WHERE {filter}"
        )
    });
    let in_schemas: Vec<String> = if chosen.only_relations() {
        Vec::new()
    } else {
        in_schemas.collect()
    };
    let members: Vec<String> = on_relations.chain(in_schemas).collect();
    format!(
        "WITH schemas AS (
           SELECT n.oid FROM pg_catalog.pg_namespace n
           WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
             AND ($1::pg_catalog.text[] IS NULL OR n.nspname = ANY ($1))
         ), relations AS (
           SELECT c.oid, c.reltype FROM pg_catalog.pg_class c JOIN schemas s ON s.oid = c.relnamespace
           WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
             AND ($2::pg_catalog.oid[] IS NULL OR c.oid = ANY ($2))
         ), members (class, oid, relation) AS (
           SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, r.oid, r.oid FROM relations r
           UNION ALL
           SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid, i.indrelid
           FROM pg_catalog.pg_index i JOIN relations r ON r.oid = i.indrelid
           UNION ALL
           SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, r.oid
           FROM relations r JOIN pg_catalog.pg_type t ON r.reltype <> 0 AND r.reltype IN (t.oid, t.typelem)
           UNION ALL {}
         )
         SELECT DISTINCT w.type || ' ' || w.identity AS who, x.type || ' ' || x.identity AS what,
           f.oid IS NOT NULL AS is_foreign_key, f.oid, f.conname AS name, t.relname AS table_name, tn.nspname AS schema
         FROM members m
         JOIN pg_catalog.pg_depend d ON d.classid = m.class AND d.objid = m.oid AND d.deptype IN ('n', 'a', 'i')
         JOIN LATERAL (SELECT COALESCE(
             (SELECT i.indrelid FROM pg_catalog.pg_index i WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
               AND i.indexrelid = d.refobjid), d.refobjid) AS oid) AS target ON true
         LEFT JOIN pg_catalog.pg_constraint f ON f.oid = d.objid AND f.contype = 'f'
           AND d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
         LEFT JOIN pg_catalog.pg_class t ON t.oid = f.conrelid
         LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
         CROSS JOIN LATERAL pg_catalog.pg_identify_object(
             CASE WHEN m.relation IS NULL THEN m.class ELSE 'pg_catalog.pg_class'::pg_catalog.regclass END,
             COALESCE(m.relation, m.oid), 0) AS w
         CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.refclassid, target.oid, 0) AS x
         WHERE d.refobjid >= 16384
           AND d.refclassid IN ('pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass,
             'pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass,
             'pg_catalog.pg_opclass'::pg_catalog.regclass, 'pg_catalog.pg_opfamily'::pg_catalog.regclass,
             'pg_catalog.pg_collation'::pg_catalog.regclass, 'pg_catalog.pg_ts_config'::pg_catalog.regclass,
             'pg_catalog.pg_ts_dict'::pg_catalog.regclass)
           AND NOT EXISTS (SELECT FROM members o WHERE o.class = d.refclassid AND o.oid = target.oid)
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                           WHERE e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype = 'e')
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_class q WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                           AND q.oid = d.objid AND q.relkind = 'S')
         ORDER BY 1, 2",
        members.join(" UNION ALL ")
    )
}
