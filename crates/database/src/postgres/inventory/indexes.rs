//! Indexes of tables, and which of them another one makes needless.

use ::inventory::{Index, IndexFlags, Inventory};

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
       EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
         AS of_constraint,
       pg_catalog.pg_stat_get_numscans(i.indexrelid) AS scans,
       CASE WHEN (i.indpred IS NOT NULL OR i.indexprs IS NOT NULL)
              AND COALESCE(i.indrelid = ANY ($1::pg_catalog.oid[]) OR i.indexrelid = ANY ($1::pg_catalog.oid[]), true)
            THEN NULL ELSE pg_catalog.pg_get_indexdef(i.indexrelid) END AS definition
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid JOIN pg_catalog.pg_am m ON m.oid = x.relam
JOIN pg_catalog.pg_class c ON c.oid = i.indrelid AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE {own}
ORDER BY i.indrelid, x.relname COLLATE \"C\"";

pub(super) fn read(
    session: &mut Session<'_>,
    inventory: &mut Inventory,
    relations: &mut Relations,
) -> Result<()> {
    let rows = session.ask_unheld("the indexes", &INDEXES.replace("{own}", &own("pg_class")))?;
    let mut shapes: Vec<(usize, Shape)> = Vec::with_capacity(rows.len());
    for row in &rows {
        let oid = row.get("relation");
        let Some(place) = relations.table(oid) else {
            continue;
        };
        let numbers: Vec<i16> = row.get("columns");
        let of_key = usize::try_from(row.get::<_, i16>("key_columns")).unwrap_or(numbers.len());
        let definition = row.get::<_, Option<String>>("definition").unwrap_or_default();
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
            columns: relations.names(oid, &numbers[..of_key.min(numbers.len())]),
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

/// Of a definition what follows the table's name: method, columns, expressions and predicate.
fn after_table(definition: &str) -> String {
    let after = definition.split_once(" USING ").map(|it| it.1);
    after.unwrap_or_default().to_owned()
}
