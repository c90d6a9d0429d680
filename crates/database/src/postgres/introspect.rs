//! Reads a whole catalog in a fixed number of queries, however many objects there are.

use std::collections::{HashMap, HashSet};

use catalog::{
    Catalog, Column, ColumnType, Extension, GeneratedKind, IdentityKind, JOURNAL_COMMENT, JOURNAL_SCHEMA,
    MaterializedView, QualifiedName, Schema, Sequence, SequenceOwner, StoredNames, Table, TableKind,
    dependency_order, parse_search_path, quote_ident,
};
use postgres::{GenericClient, Row};

use super::collations::read_collations;
use super::selection::{Chosen, RowFilter};
use super::{binary_safe, catalog_queries as queries, objects, partitions, settings, stored_names};
use crate::{Error, ErrorKind, Result};

/// Sequences whose position is read in one query.
const SEQUENCE_BATCH: usize = 500;

/// The comment that `initdb` gives to `public`.
const PUBLIC_COMMENT: &str = "standard public schema";

/// Reads what the session sees of what was chosen.
pub fn read_catalog(client: &mut impl GenericClient, chosen: &Chosen) -> Result<Catalog> {
    refuse_other_journal(client)?;
    let schemas = chosen.schemas.as_deref();
    let tables = read_tables(client, schemas)?;
    let objects = objects::read_objects(client, schemas)?;
    let rows = client
        .query(queries::SCHEMAS, &[&schemas])
        .map_err(Error::query("the schemas could not be listed"))?;
    let mut found: Vec<Schema> = rows.iter().map(schema).collect();
    // Every database has it from the start, so that it is there and empty means nothing.
    found.retain(|it| it.name != "public" || objects.iter().any(|object| object.schema == it.name));
    let mut catalog = Catalog {
        schemas: found,
        tables,
        sequences: read_sequences(client, schemas)?,
        materialized_views: read_materialized_views(client, schemas)?,
        extensions: read_extensions(client)?,
        objects,
        roles: read_names(client, queries::ROLES, schemas, "the roles could not be listed")?,
        policy_roles: read_policy_roles(client, chosen)?,
        search_path: read_search_path(client)?,
        public_usage: settings::read_public_usage(client)?,
        settings: Vec::new(),
        large_objects: Vec::new(),
        collations: read_collations(client, schemas)?,
        left_out_keys: Vec::new(),
        definitions: Vec::new(),
    };
    chosen.narrow(&mut catalog);
    let is_own = |name: &String| catalog.schemas.iter().any(|it| it.name == *name);
    let usage = std::mem::take(&mut catalog.public_usage).into_iter();
    catalog.public_usage = usage.filter(|it| is_own(&it.schema)).collect();
    catalog.read_through_roots();
    Ok(catalog)
}

/// Our journal is no part of a source; a user's schema that is called like it would be overlooked with it.
pub(super) fn refuse_other_journal(client: &mut impl GenericClient) -> Result<()> {
    let row = client
        .query_opt(queries::JOURNAL, &[])
        .map_err(Error::query("the schemas could not be listed"))?;
    match row.map(|row| row.get::<_, Option<String>>("comment")) {
        Some(comment) if comment.as_deref() != Some(JOURNAL_COMMENT) => Err(Error::new(
            ErrorKind::Unsupported,
            format!("schema {JOURNAL_SCHEMA} is not the journal of Coalesce, whose name it has"),
        )
        .with_hint("give the schema another name in the source")),
        _ => Ok(()),
    }
}

/// The path as it takes effect: what does not exist is no part of it.
fn read_search_path(client: &mut impl GenericClient) -> Result<Vec<String>> {
    let row = client
        .query_one(queries::SEARCH_PATH, &[])
        .map_err(Error::query("the search_path could not be read"))?;
    let existing: Vec<String> = row.get("schemas");
    let mut path = parse_search_path(row.get("setting"), row.get("owner"));
    path.retain(|it| existing.contains(it));
    Ok(path)
}

fn schema(row: &Row) -> Schema {
    let name: String = row.get("name");
    let comment: Option<String> = row.get("comment");
    let comment = comment.filter(|it| !(name == "public" && it == PUBLIC_COMMENT));
    Schema { name, comment }
}

fn read_names(
    client: &mut impl GenericClient,
    query: &str,
    schemas: Option<&[String]>,
    failure: &str,
) -> Result<Vec<String>> {
    let rows = client.query(query, &[&schemas]).map_err(Error::query(failure))?;
    Ok(rows.iter().map(|row| row.get("name")).collect())
}

fn read_policy_roles(client: &mut impl GenericClient, chosen: &Chosen) -> Result<Vec<String>> {
    let rows = client
        .query(queries::POLICY_ROLES, &[&chosen.schemas, &chosen.relation_oids()])
        .map_err(Error::query("the policies could not be listed"))?;
    Ok(rows.iter().map(|row| row.get("name")).collect())
}

fn read_tables(client: &mut impl GenericClient, schemas: Option<&[String]>) -> Result<Vec<Table>> {
    let failed = || Error::query("the tables could not be read from the catalog");
    let mut columns: HashMap<u32, Vec<Column>> = HashMap::new();
    let names = stored_names::read_shapes(client)?;
    for row in client
        .query(queries::COLUMNS, &[&schemas, &binary_safe::TYPES])
        .map_err(failed())?
    {
        columns
            .entry(row.get("relation"))
            .or_default()
            .push(column(&row, &names));
    }
    let mut keys: HashMap<u32, Vec<String>> = HashMap::new();
    for row in client.query(queries::PRIMARY_KEYS, &[]).map_err(failed())? {
        keys.entry(row.get("relation")).or_default().push(row.get("name"));
    }
    let mut parents: HashMap<u32, (Option<QualifiedName>, Vec<QualifiedName>)> = HashMap::new();
    for row in client.query(queries::PARENTS, &[]).map_err(failed())? {
        let parent = QualifiedName::new(row.get::<_, &str>("schema"), row.get::<_, &str>("name"));
        let entry = parents.entry(row.get("relation")).or_default();
        if row.get("is_partition") {
            entry.0 = Some(parent);
        } else {
            entry.1.push(parent);
        }
    }
    let mut partition_keys = partitions::read_keys(client)?;
    let mut tables = Vec::new();
    for (row, number) in client
        .query(queries::TABLES, &[&schemas])
        .map_err(failed())?
        .iter()
        .zip(0..)
    {
        let oid: u32 = row.get("oid");
        let (partition_of, inherits) = parents.remove(&oid).unwrap_or_default();
        tables.push(Table {
            number,
            schema: row.get("schema"),
            name: row.get("name"),
            kind: match row.get("kind") {
                "p" => TableKind::Partitioned,
                "f" => TableKind::Foreign,
                _ => TableKind::Ordinary,
            },
            unlogged: row.get("unlogged"),
            columns: columns.remove(&oid).unwrap_or_default(),
            primary_key: keys.remove(&oid).unwrap_or_default(),
            partition_of,
            partition_key: partition_keys.remove(&oid),
            through_root: None,
            inherits,
            // -1 before the first ANALYZE.
            rows_estimate: u64::try_from(row.get::<_, i64>("rows_estimate")).ok(),
            bytes: u64::try_from(row.get::<_, i64>("bytes")).unwrap_or_default(),
            extension: None,
            index_bytes: u64::try_from(row.get::<_, i64>("index_bytes")).ok(),
            origin: None,
            condition: None,
            merged: None,
            part: None,
            changes: None,
        });
    }
    Ok(tables)
}

/// `row` has what [`Column`] has, each by its name.
pub(super) fn column(row: &Row, names: &HashMap<u32, StoredNames>) -> Column {
    let (schema, name): (String, String) = (row.get("type_schema"), row.get("type_name"));
    let text = row.get("type_text");
    Column {
        name: row.get("name"),
        new_name: None,
        column_type: ColumnType {
            schema,
            name,
            text,
            base: row.get("type_base"),
        },
        not_null: row.get("not_null"),
        identity: match row.get("identity") {
            "a" => Some(IdentityKind::Always),
            "d" => Some(IdentityKind::ByDefault),
            _ => None,
        },
        generated: match row.get("generated") {
            "s" => Some(GeneratedKind::Stored),
            "v" => Some(GeneratedKind::Virtual),
            _ => None,
        },
        binary_safe: row.get("binary_safe"),
        names: names.get(&row.get("type")).cloned(),
    }
}

fn read_sequences(client: &mut impl GenericClient, schemas: Option<&[String]>) -> Result<Vec<Sequence>> {
    let rows = client
        .query(queries::SEQUENCES, &[&schemas])
        .map_err(Error::query("the sequences could not be listed"))?;
    let mut sequences: Vec<Sequence> = rows
        .iter()
        .map(|row| Sequence {
            schema: row.get("schema"),
            name: row.get("name"),
            owned_by: row
                .get::<_, Option<String>>("owner_column")
                .map(|column| SequenceOwner {
                    table: QualifiedName::new(
                        row.get::<_, &str>("owner_schema"),
                        row.get::<_, &str>("owner_table"),
                    ),
                    column,
                }),
            last_value: 0,
            is_called: false,
            increment: row.get("increment"),
            start: row.get("start"),
        })
        .collect();
    for batch in sequences.chunks_mut(SEQUENCE_BATCH) {
        let branches: Vec<String> = batch
            .iter()
            .enumerate()
            .map(|(place, it)| {
                let name = format!("{}.{}", quote_ident(&it.schema), quote_ident(&it.name));
                format!("SELECT {place}::pg_catalog.int8 AS place, last_value, is_called FROM {name}")
            })
            .collect();
        let positions = client
            .query(&branches.join(" UNION ALL "), &[])
            .map_err(Error::query("the sequences' positions could not be read"))?;
        for row in positions {
            let place = usize::try_from(row.get::<_, i64>("place")).unwrap_or(usize::MAX);
            if let Some(sequence) = batch.get_mut(place) {
                sequence.last_value = row.get("last_value");
                sequence.is_called = row.get("is_called");
            }
        }
    }
    Ok(sequences)
}

fn read_materialized_views(
    client: &mut impl GenericClient,
    schemas: Option<&[String]>,
) -> Result<Vec<MaterializedView>> {
    let failed = || Error::query("the views could not be read from the catalog");
    let views = client.query(queries::VIEWS, &[&schemas]).map_err(failed())?;
    let places: HashMap<u32, usize> = views
        .iter()
        .zip(0..)
        .map(|(row, place)| (row.get("oid"), place))
        .collect();
    let edges: Vec<(usize, usize)> = client
        .query(queries::VIEW_DEPENDENCIES, &[])
        .map_err(failed())?
        .iter()
        .filter_map(|row| {
            Some((
                *places.get(&row.get("view"))?,
                *places.get(&row.get("depends_on"))?,
            ))
        })
        .collect();
    let order = dependency_order(views.len(), &edges).map_err(|cycle| {
        let names: Vec<&str> = cycle
            .nodes
            .iter()
            .map(|&place| views[place].get("name"))
            .collect();
        Error::new(
            ErrorKind::Unsupported,
            format!("views depend on each other in a circle: {}", names.join(", ")),
        )
    })?;
    let in_order = order
        .into_iter()
        .map(|place| &views[place])
        .filter(|row| row.get("materialized"));
    Ok(in_order
        .map(|row| MaterializedView {
            schema: row.get("schema"),
            name: row.get("name"),
            populated: row.get("populated"),
            bytes: u64::try_from(row.get::<_, i64>("bytes")).ok(),
        })
        .collect())
}

pub(super) fn read_extensions(client: &mut impl GenericClient) -> Result<Vec<Extension>> {
    let rows = client
        .query(queries::EXTENSIONS, &[])
        .map_err(Error::query("the extensions could not be listed"))?;
    let oids: Vec<u32> = rows.iter().map(|row| row.get("oid")).collect();
    let mut extensions: Vec<Extension> = rows
        .iter()
        .map(|row| Extension {
            name: row.get("name"),
            version: row.get("version"),
            schema: row.get("schema"),
            trusted: row.get("trusted"),
            members: Vec::new(),
        })
        .collect();
    objects::read_members(client, &oids, &mut extensions)?;
    Ok(extensions)
}

/// What the database holds and an archive does not, as sentences.
pub fn left_behind(client: &mut impl GenericClient, chosen: &Chosen) -> Result<Vec<String>> {
    let rows = client
        .query(queries::LEFT_BEHIND, &[&chosen.schemas, &chosen.relation_oids()])
        .map_err(Error::query("what stays behind could not be listed"))?;
    Ok(rows.iter().map(|row| row.get("sentence")).collect())
}

/// Those of the tables with rows in `catalog` whose rows row level security would hide from this role; reading one of
/// them is an error.
pub fn hidden_tables(
    client: &mut impl GenericClient,
    catalog: &Catalog,
    chosen: &Chosen,
) -> Result<Vec<QualifiedName>> {
    let failed = "the tables with row level security could not be listed";
    let rows = client
        .query(
            queries::HIDDEN_TABLES,
            &[&chosen.schemas, &chosen.relation_oids()],
        )
        .map_err(Error::query(failed))?;
    let mut hidden: Vec<QualifiedName> = rows
        .iter()
        .map(|row| QualifiedName::new(row.get::<_, &str>("schema"), row.get::<_, &str>("name")))
        .collect();
    if !hidden.is_empty() {
        let with_rows = catalog.tables.iter().filter(|it| it.has_rows());
        let read: HashSet<QualifiedName> = with_rows.map(Table::qualified_name).collect();
        hidden.retain(|it| read.contains(it) && chosen.row_filter(it) != Some(&RowFilter::None));
    }
    Ok(hidden)
}
