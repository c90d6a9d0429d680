//! Rows of the user's in tables that belong to extensions: an extension marks such tables as its configuration and
//! may say which of their rows are the user's ("Extension Configuration Tables" in the manual).

use catalog::{Catalog, QualifiedName, Table, TableKind};
use postgres::{GenericClient, Row};

use super::introspect::column;
use super::selection::Chosen;
use super::stored_names;
use crate::{Error, Result};

const NOT_LISTED: &str = "the extensions' configuration tables could not be listed";

const TABLES: &str = "
SELECT c.oid, n.nspname AS schema, c.relname AS name, e.extname::pg_catalog.text AS extension,
       NULLIF(pg_catalog.btrim(x.condition), '') AS condition, pg_catalog.pg_table_size(c.oid) AS bytes
FROM pg_catalog.pg_extension e
CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(e.extconfig), pg_catalog.unnest(e.extcondition))
  AS x (oid, condition)
JOIN pg_catalog.pg_class c ON c.oid = x.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.oid = ANY ($1)
ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"";

const COLUMNS: &str = "
SELECT a.attname AS name, n.nspname AS type_schema, t.typname AS type_name,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS type_text, a.attnotnull AS not_null,
       a.attidentity::pg_catalog.text AS identity, a.attgenerated::pg_catalog.text AS generated, a.atttypid AS type,
       false AS binary_safe, NULL::pg_catalog.text AS type_base,
       (SELECT k.place FROM pg_catalog.pg_index i
        CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY AS k (attnum, place)
        WHERE i.indrelid = a.attrelid AND i.indisprimary AND k.attnum = a.attnum AND k.place <= i.indnkeyatts)
         AS key_place
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum";

/// Adds the configuration tables that were chosen and have rows of the user's to the catalog; such rows travel as text.
pub fn add_extension_rows(
    client: &mut impl GenericClient,
    chosen: &Chosen,
    catalog: &mut Catalog,
) -> Result<()> {
    let tables = client
        .query(TABLES, &[&chosen.configuration])
        .map_err(Error::query(NOT_LISTED))?;
    for row in tables {
        let table = configuration_table(client, &row)?;
        if has_rows(client, &table)? {
            catalog.push_table(table);
        }
    }
    Ok(())
}

/// The configuration tables that were not chosen: nobody knows whether they have rows of the user's.
pub fn extension_tables_left_out(
    client: &mut impl GenericClient,
    chosen: &Chosen,
) -> Result<Vec<QualifiedName>> {
    const OTHERS: &str = "SELECT n.nspname AS schema, c.relname AS name
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND c.oid <> ALL ($1)
          AND c.oid IN (SELECT pg_catalog.unnest(e.extconfig) FROM pg_catalog.pg_extension e)
        ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"";
    let rows = client
        .query(OTHERS, &[&chosen.configuration])
        .map_err(Error::query(NOT_LISTED))?;
    let name = |row: &Row| QualifiedName::new(row.get::<_, &str>("schema"), row.get::<_, &str>("name"));
    Ok(rows.iter().map(name).collect())
}

fn configuration_table(client: &mut impl GenericClient, row: &Row) -> Result<Table> {
    let oid: u32 = row.get("oid");
    let names = stored_names::read_shapes(client)?;
    let columns = client.query(COLUMNS, &[&oid]).map_err(Error::query(
        "the extensions' configuration tables could not be read",
    ))?;
    let mut key: Vec<(i64, String)> = columns
        .iter()
        .filter_map(|it| Some((it.get::<_, Option<i64>>("key_place")?, it.get("name"))))
        .collect();
    key.sort_unstable();
    Ok(Table {
        number: 0,
        schema: row.get("schema"),
        name: row.get("name"),
        kind: TableKind::Configuration,
        unlogged: false,
        columns: columns.iter().map(|it| column(it, &names)).collect(),
        primary_key: key.into_iter().map(|(_, name)| name).collect(),
        partition_of: None,
        partition_key: None,
        through_root: None,
        inherits: Vec::new(),
        rows_estimate: None,
        bytes: row.get::<_, i64>("bytes").unsigned_abs(),
        index_bytes: None,
        origin: None,
        extension: row.get("extension"),
        condition: row.get("condition"),
        merged: None,
        part: None,
        changes: None,
    })
}

fn has_rows(client: &mut impl GenericClient, table: &Table) -> Result<bool> {
    let name = table.qualified_name();
    let condition = table.condition.as_deref().unwrap_or_default();
    let row = client
        .query_one(
            &format!("SELECT EXISTS (SELECT FROM ONLY {name} {condition})"),
            &[],
        )
        .map_err(Error::query(format!(
            "rows of {name}, which belongs to an extension, could not be looked for"
        )))?;
    Ok(row.get(0))
}

/// What of a target a configuration table of a source finds there.
#[derive(Clone, Debug)]
pub struct ConfigurationOffer {
    /// The columns of the source that the target's table lacks, or computes.
    pub missing_columns: Vec<String>,
    /// Those of SELECT and INSERT that the role lacks.
    pub missing_privileges: Vec<String>,
    /// Policies hold the role: with `row_security` off every look at the rows is an error.
    pub has_row_security: bool,
}

/// Looks for `table` among what its extension calls its configuration; `None` when it is not there.
pub fn find_configuration_table(
    client: &mut impl GenericClient,
    table: &Table,
) -> Result<Option<ConfigurationOffer>> {
    const FOUND: &str = "
        SELECT pg_catalog.has_table_privilege(c.oid, 'SELECT') AS may_select,
          pg_catalog.has_table_privilege(c.oid, 'INSERT') AS may_insert,
          pg_catalog.row_security_active(c.oid) AS has_row_security,
          ARRAY(SELECT w.name FROM pg_catalog.unnest($4::pg_catalog.text[]) AS w (name)
                WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
                                  AND NOT a.attisdropped AND a.attgenerated = '' AND a.attname = w.name)) AS missing
        FROM pg_catalog.pg_extension e
        JOIN pg_catalog.pg_class c ON c.oid = ANY (e.extconfig) AND c.relkind = 'r'
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE e.extname = $1 AND n.nspname = $2 AND c.relname = $3";
    let columns: Vec<&str> = table.stored_columns().map(|it| it.name.as_str()).collect();
    let extension = table.extension.as_deref().unwrap_or_default();
    let row = client
        .query_opt(FOUND, &[&extension, &table.schema, &table.name, &columns])
        .map_err(Error::query(
            "the extensions' configuration tables could not be examined",
        ))?;
    Ok(row.map(|row| {
        let privileges = [("SELECT", "may_select"), ("INSERT", "may_insert")];
        let missing = privileges
            .iter()
            .filter(|(_, column)| !row.get::<_, bool>(column));
        ConfigurationOffer {
            missing_columns: row.get("missing"),
            missing_privileges: missing.map(|(name, _)| (*name).to_owned()).collect(),
            has_row_security: row.get("has_row_security"),
        }
    }))
}
