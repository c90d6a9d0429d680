//! Indexes of tables, and which of them another one makes needless.

use ::inventory::{Index, IndexFlags, Inventory, Table};
use catalog::quote_ident;

use super::duplicates::{self, Shape};
use super::own;
use super::session::Session;
use super::tables::Relations;
use super::unsigned;
use crate::Result;

const INDEXES: &str = "
SELECT i.indexrelid AS index, i.indrelid AS relation, x.relname::pg_catalog.text AS name, m.amname::pg_catalog.text AS method,
       i.indkey::pg_catalog.int2[] AS columns, i.indnkeyatts AS key_columns,
       i.indclass::pg_catalog.text AS classes, i.indcollation::pg_catalog.text AS collations,
       i.indoption::pg_catalog.text AS options, i.indisunique AS is_unique, i.indisvalid AS is_valid,
       i.indpred IS NOT NULL AS is_partial, i.indexprs IS NOT NULL AS has_expressions,
       k.oid IS NOT NULL AS of_constraint, {plain} AS is_plain,
       pg_catalog.pg_stat_get_numscans(i.indexrelid) AS scans,
       CASE WHEN {plain} THEN NULL WHEN (i.indpred IS NOT NULL OR i.indexprs IS NOT NULL)
              AND COALESCE(i.indrelid = ANY ($1::pg_catalog.oid[]) OR i.indexrelid = ANY ($1::pg_catalog.oid[]), true)
            THEN NULL ELSE pg_catalog.pg_get_indexdef(i.indexrelid) END AS definition
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid JOIN pg_catalog.pg_am m ON m.oid = x.relam
JOIN pg_catalog.pg_class c ON c.oid = i.indrelid AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
WHERE {own}
ORDER BY i.indrelid, x.relname COLLATE \"C\"";

/// What a key's index is defined as follows from its columns, unless it was given more to do. Most indexes are such, and
/// to have the server write down each takes longer than all the rest.
const PLAIN: &str =
    "(k.contype IN ('p', 'u') AND m.amname = 'btree' AND x.reloptions IS NULL AND c.relkind = 'r'
         AND i.indnatts = i.indnkeyatts AND NOT {nulls_alike}) IS TRUE";

pub(super) fn read(
    session: &mut Session<'_>,
    inventory: &mut Inventory,
    relations: &mut Relations,
) -> Result<()> {
    let nulls_alike = if session.major >= 15 {
        "i.indnullsnotdistinct"
    } else {
        "false"
    };
    let sql = INDEXES
        .replace("{plain}", PLAIN)
        .replace("{nulls_alike}", nulls_alike)
        .replace("{own}", &own("pg_class"));
    let rows = session.ask_unheld("the indexes", &sql)?;
    let mut shapes: Vec<(usize, Shape)> = Vec::with_capacity(rows.len());
    for row in &rows {
        let oid = row.get("relation");
        let Some(place) = relations.table(oid) else {
            continue;
        };
        let numbers: Vec<i16> = row.get("columns");
        let of_key = usize::try_from(row.get::<_, i16>("key_columns")).unwrap_or(numbers.len());
        let columns = relations.names(oid, &numbers[..of_key.min(numbers.len())]);
        let definition = if row.get("is_plain") {
            plain_definition(&inventory.tables[place], row.get("name"), &columns)
        } else {
            row.get::<_, Option<String>>("definition").unwrap_or_default()
        };
        let flags = IndexFlags {
            unique: row.get("is_unique"),
            constraint: row.get("of_constraint"),
            partial: row.get("is_partial"),
            valid: row.get("is_valid"),
        };
        let has_expressions: bool = row.get("has_expressions");
        let indexes = &mut inventory.tables[place].indexes;
        relations.indexes.insert(row.get("index"), (place, indexes.len()));
        shapes.push((
            place,
            Shape {
                name: row.get("name"),
                key: [
                    row.get("method"),
                    format!("{numbers:?} {of_key}"),
                    row.get("classes"),
                    row.get("collations"),
                    row.get("options"),
                ],
                expressions: (flags.partial || has_expressions).then(|| after_table(&definition)),
                flags,
            },
        ));
        indexes.push(Index {
            name: row.get("name"),
            columns,
            definition,
            method: row.get("method"),
            flags,
            bytes: 0,
            scans: Some(unsigned(row.get("scans"))),
            duplicate_of: None,
        });
    }
    // The rows are in the order of tables, and each table's shapes in that of its indexes.
    for of_table in shapes.chunk_by(|one, other| one.0 == other.0) {
        let table = &mut inventory.tables[of_table[0].0];
        let shapes: Vec<&Shape> = of_table.iter().map(|(_, shape)| shape).collect();
        for (index, duplicate_of) in table.indexes.iter_mut().zip(duplicates::find(&shapes)) {
            index.duplicate_of = duplicate_of;
        }
    }
    Ok(())
}

/// As `pg_get_indexdef` writes it.
fn plain_definition(table: &Table, name: &str, columns: &[String]) -> String {
    let columns: Vec<String> = columns.iter().map(|it| quote_ident(it)).collect();
    format!(
        "CREATE UNIQUE INDEX {} ON {}.{} USING btree ({})",
        quote_ident(name),
        quote_ident(&table.schema),
        quote_ident(&table.name),
        columns.join(", ")
    )
}

/// Of a definition what follows the table's name: method, columns, expressions and predicate.
fn after_table(definition: &str) -> String {
    let after = definition.split_once(" USING ").map(|it| it.1);
    after.unwrap_or_default().to_owned()
}
