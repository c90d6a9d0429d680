//! Indexes of tables, and which of them another one makes needless.

use std::collections::HashMap;

use ::inventory::{Index, IndexFlags, Inventory, Table};
use postgres::Row;

use super::duplicates::{self, Shape};
use super::index_text::{DefaultClasses, PlainIndex};
use super::own;
use super::session::Session;
use super::tables::Relations;
use super::unsigned;
use crate::Result;

const INDEXES: &str = "
SELECT i.indexrelid AS index, i.indrelid AS relation, x.relname::pg_catalog.text AS name, m.amname::pg_catalog.text AS method,
       i.indkey::pg_catalog.int2[] AS columns, i.indnkeyatts AS key_columns, i.indclass::pg_catalog.oid[] AS classes,
       i.indcollation::pg_catalog.oid[] AS collations, i.indoption::pg_catalog.int2[] AS options,
       i.indisunique AS is_unique, i.indisvalid AS is_valid, {nulls_alike} AS nulls_not_distinct,
       i.indpred IS NOT NULL AS is_partial, i.indexprs IS NOT NULL AS has_expressions,
       x.reloptions IS NOT NULL AS has_parameters, x.relkind = 'I' AS is_partitioned,
       k.oid IS NOT NULL AS of_constraint, pg_catalog.pg_stat_get_numscans(i.indexrelid) AS scans
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid JOIN pg_catalog.pg_am m ON m.oid = x.relam
JOIN pg_catalog.pg_class c ON c.oid = i.indrelid AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
WHERE {own}
ORDER BY i.indrelid, x.relname COLLATE \"C\"";

/// An expression or a predicate is told only by opening the table.
const DEFINITIONS: &str = "
SELECT i.indexrelid AS index, pg_catalog.pg_get_indexdef(i.indexrelid) AS definition
FROM pg_catalog.pg_index i
WHERE i.indexrelid = ANY ($2::pg_catalog.oid[]) AND NOT ((i.indpred IS NOT NULL OR i.indexprs IS NOT NULL)
  AND COALESCE(i.indrelid = ANY ($1::pg_catalog.oid[]) OR i.indexrelid = ANY ($1::pg_catalog.oid[]), true))";

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
        .replace("{nulls_alike}", nulls_alike)
        .replace("{own}", &own("pg_class"));
    let defaults = DefaultClasses::read(session)?;
    let rows = session.ask("the indexes", &sql, &[])?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let relation = row.get("relation");
        if let Some(place) = relations.table(relation) {
            let definition = plain_definition(&row, &inventory.tables[place], relations, &defaults);
            found.push((row, place, definition));
        }
    }
    let asked: Vec<u32> = found
        .iter()
        .filter(|(.., definition)| definition.is_none())
        .map(|(row, ..)| row.get("index"))
        .collect();
    let rows = session.ask_in_portions("the definitions of indexes", DEFINITIONS, &asked)?;
    let mut told: HashMap<u32, Option<String>> = rows
        .iter()
        .map(|row| (row.get("index"), row.get("definition")))
        .collect();
    let mut shapes: Vec<(usize, Shape)> = Vec::with_capacity(found.len());
    for (row, place, definition) in found {
        let of_index: u32 = row.get("index");
        let definition = definition.or_else(|| told.remove(&of_index).flatten());
        let (index, shape) = index_and_shape(&row, definition.unwrap_or_default(), relations);
        let indexes = &mut inventory.tables[place].indexes;
        relations.indexes.insert(of_index, (place, indexes.len()));
        shapes.push((place, shape));
        indexes.push(index);
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

/// `None` where the server has to say it.
fn plain_definition(
    row: &Row,
    table: &Table,
    relations: &Relations,
    defaults: &DefaultClasses,
) -> Option<String> {
    let says = |name: &str| row.get::<_, bool>(name);
    if says("is_partial")
        || says("has_expressions")
        || says("has_parameters")
        || row.get::<_, &str>("method") != "btree"
    {
        return None;
    }
    let (columns, options): (Vec<i16>, Vec<i16>) = (row.get("columns"), row.get("options"));
    let (classes, collations): (Vec<u32>, Vec<u32>) = (row.get("classes"), row.get("collations"));
    let index = PlainIndex {
        name: row.get("name"),
        unique: says("is_unique"),
        nulls_not_distinct: says("nulls_not_distinct"),
        partitioned: says("is_partitioned"),
        columns: &columns,
        classes: &classes,
        collations: &collations,
        options: &options,
    };
    index.definition(table, row.get("relation"), relations, defaults)
}

fn index_and_shape(row: &Row, definition: String, relations: &Relations) -> (Index, Shape) {
    let numbers: Vec<i16> = row.get("columns");
    let of_key = usize::try_from(row.get::<_, i16>("key_columns")).unwrap_or(numbers.len());
    let columns = relations.names(row.get("relation"), &numbers[..of_key.min(numbers.len())]);
    let flags = IndexFlags {
        unique: row.get("is_unique"),
        constraint: row.get("of_constraint"),
        partial: row.get("is_partial"),
        valid: row.get("is_valid"),
    };
    let has_expressions: bool = row.get("has_expressions");
    let shape = Shape {
        name: row.get("name"),
        key: [
            row.get("method"),
            format!("{numbers:?} {of_key}"),
            format!("{:?}", row.get::<_, Vec<u32>>("classes")),
            format!("{:?}", row.get::<_, Vec<u32>>("collations")),
            format!("{:?}", row.get::<_, Vec<i16>>("options")),
        ],
        expressions: (flags.partial || has_expressions).then(|| after_table(&definition)),
        flags,
    };
    let index = Index {
        name: row.get("name"),
        columns,
        definition,
        method: row.get("method"),
        flags,
        bytes: 0,
        scans: Some(unsigned(row.get("scans"))),
        duplicate_of: None,
    };
    (index, shape)
}

/// Of a definition what follows the table's name: method, columns, expressions and predicate.
fn after_table(definition: &str) -> String {
    let after = definition.split_once(" USING ").map(|it| it.1);
    after.unwrap_or_default().to_owned()
}
