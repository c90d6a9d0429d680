//! The rows of a table as they are loaded, for questions in SQLite's own SQL: without those that are left out or set
//! aside, and with NULL where a value becomes NULL.
//!
//! Rows that stay as they are, are read where they stand. Those with a value that becomes NULL are copied into SQLite's
//! temporary database, into a table whose columns have the same affinities and collations: an expression in place of
//! a column has neither, and would be compared otherwise. Columns that the target calculates are calculated there.

use std::collections::BTreeMap;

use dialect::{Affinity, TableDefinition, table_definition};
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};

use super::collisions::label;
use super::keyed_rows::comparable;
use super::nocase::Comparison;
use super::orphans::Omission;
use super::rows::{itself, quote, scan_sql};
use super::rule::OnMisfit;
use super::schema::{Column, Table};
use super::scope::{affinity, column_definition};
use super::scratch::{Scratch, failed};
use crate::Result;

/// The name of a row, beside the table's own columns.
const ROW: &str = "coalesce_row";

/// The rows of one table as they are loaded.
#[derive(Debug)]
pub(super) struct MovedRows<'c, 't> {
    connection: &'c Connection,
    table: &'t Table,
    at: usize,
    /// The rows that stay as they are, as a FROM clause has them.
    same: String,
    /// Those of which a value becomes NULL.
    changed: Option<Scratch<'c>>,
    /// The name of a row in both.
    row: String,
}

impl Table {
    /// Whether the values of the column at `place` may become NULL on their way.
    pub(super) fn loses_values_at(&self, place: usize) -> bool {
        self.columns[place].on_misfit == OnMisfit::Null
            || self.omission.nulls.iter().any(|(it, _)| *it == place)
    }
}

impl<'c, 't> MovedRows<'c, 't> {
    /// Of the table at `at`.
    pub(super) fn of(connection: &'c Connection, at: usize, table: &'t Table) -> Result<MovedRows<'c, 't>> {
        let mut moved = MovedRows {
            connection,
            table,
            at,
            same: itself(table, &quote(&table.name)),
            changed: None,
            row: table
                .row_name(&quote(&table.name))
                .unwrap_or_else(|| "NULL".to_owned()),
        };
        let has_misfits = table.columns.iter().any(|it| it.on_misfit != OnMisfit::Fail);
        if !has_misfits && table.omission == Omission::default() {
            return Ok(moved);
        }
        let mut kept: Vec<String> = table.omission.condition.clone().into_iter().collect();
        let mut nulls: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for (place, when) in &table.omission.nulls {
            nulls.entry(*place).or_default().push(when.clone());
        }
        for (place, column) in table.own_columns() {
            if column.on_misfit == OnMisfit::Fail {
                continue;
            }
            let value = format!("s.{}", quote(&column.name));
            let is_misfit = format!("{value} IS NOT NULL AND NOT {}({value})", moved.fits(place)?);
            match column.on_misfit {
                OnMisfit::Reject => kept.push(format!("NOT ({is_misfit})")),
                _ => nulls.entry(place).or_default().push(is_misfit),
            }
        }
        let nulls: BTreeMap<usize, String> = nulls
            .into_iter()
            .map(|(place, when)| (place, format!("({})", when.join(") OR ("))))
            .collect();
        let changes: Vec<String> = nulls.values().map(|it| format!("({it})")).collect();
        let changes = changes.join(" OR ");
        let kept = if kept.is_empty() {
            "true".to_owned()
        } else {
            format!("({})", kept.join(") AND ("))
        };
        let mut condition = kept.clone();
        if !changes.is_empty() {
            condition = format!("{kept} AND NOT ({changes})");
            moved.changed = Some(moved.changed_rows(&nulls, &format!("{kept} AND ({changes})"))?);
        }
        let same = moved.select(&BTreeMap::new(), &|_| true);
        moved.same = format!("({same} WHERE {condition}) AS {}", quote(&table.name));
        ROW.clone_into(&mut moved.row);
        Ok(moved)
    }

    /// How many rows break each of `conditions`, of which NULL breaks none.
    pub(super) fn broken(&self, conditions: &[&str]) -> rusqlite::Result<Vec<u64>> {
        let mut counts = vec![0; conditions.len()];
        if conditions.is_empty() {
            return Ok(counts);
        }
        let sums: Vec<String> = conditions
            .iter()
            .map(|it| format!("coalesce(sum(NOT coalesce(({it}), 1)), 0)"))
            .collect();
        for rows in self.parts() {
            let sql = format!("SELECT {} FROM {rows}", sums.join(", "));
            self.connection.query_row(&sql, [], |row| {
                for (place, count) in counts.iter_mut().enumerate() {
                    *count += row.get::<_, i64>(place)?.unsigned_abs();
                }
                Ok(())
            })?;
        }
        Ok(counts)
    }

    /// Two rows for which all `terms` are the same by their collations and none is NULL, as `rowid 3 and rowid 7`; among those rows for
    /// which `predicate` is true.
    pub(super) fn meeting(
        &self,
        terms: &[(String, &str)],
        predicate: Option<&str>,
    ) -> rusqlite::Result<Option<String>> {
        let names: Vec<String> = (0..terms.len()).map(|it| format!("coalesce_{it}")).collect();
        let columns: Vec<String> = terms
            .iter()
            .zip(&names)
            .map(|((sql, _), name)| format!("{sql} AS {name}"))
            .collect();
        let groups: Vec<String> = terms
            .iter()
            .zip(&names)
            .map(|((_, collation), name)| format!("{name} COLLATE {collation}"))
            .collect();
        let parts = self.parts().into_iter().map(|rows| {
            let condition = predicate.map(|it| format!(" WHERE ({it})")).unwrap_or_default();
            let row = &self.row;
            format!(
                "SELECT {row} AS {ROW}, {} FROM {rows}{condition}",
                columns.join(", ")
            )
        });
        let parts: Vec<String> = parts.collect();
        let complete: Vec<String> = names.iter().map(|it| format!("{it} IS NOT NULL")).collect();
        let sql = format!(
            "SELECT min({ROW}), max({ROW}) FROM ({}) WHERE {} GROUP BY {} HAVING count(*) > 1 LIMIT 1",
            parts.join(" UNION ALL "),
            complete.join(" AND "),
            groups.join(", ")
        );
        let rows = self.connection.query_row(&sql, [], |row| {
            let (first, second) = (row.get(0)?, row.get(1)?);
            Ok(format!(
                "{} and {}",
                label(self.table, &first),
                label(self.table, &second)
            ))
        });
        rows.optional()
    }

    /// SQL for what the value of a column is on the target, as bytes that are equal where the target takes the values
    /// as equal.
    pub(super) fn key_of(&self, place: usize) -> Result<String> {
        let target = self.table.columns[place].target;
        let name = format!("coalesce_key_{}_{place}", self.at);
        self.function(&name, move |value| {
            let mut text = Vec::new();
            target.write(value, &mut text).ok()?;
            comparable(target, Comparison::Exact, &mut text);
            Some(text)
        })?;
        Ok(format!("{name}({})", quote(&self.table.columns[place].name)))
    }

    /// Removes what was written down of them.
    pub(super) fn forget(self) -> Result<()> {
        self.changed.map_or(Ok(()), Scratch::remove)
    }

    /// As FROM clauses have them, under the table's own name.
    fn parts(&self) -> Vec<String> {
        let changed = self.changed.iter();
        let changed = changed.map(|it| format!("{} AS {}", it.sql(), quote(&self.table.name)));
        std::iter::once(self.same.clone()).chain(changed).collect()
    }

    /// The name of a function that tells whether a value fits its column.
    fn fits(&self, place: usize) -> Result<String> {
        let target = self.table.columns[place].target;
        let name = format!("coalesce_fits_{}_{place}", self.at);
        self.function(&name, move |value| target.write(value, &mut Vec::new()).is_ok())?;
        Ok(name)
    }

    fn function<T: rusqlite::types::ToSql + 'static>(
        &self,
        name: &str,
        answer: impl Fn(ValueRef<'_>) -> T + Send + 'static,
    ) -> Result<()> {
        // Nothing in the file may call it.
        let flags = FunctionFlags::SQLITE_UTF8
            | FunctionFlags::SQLITE_DETERMINISTIC
            | FunctionFlags::SQLITE_DIRECTONLY;
        self.connection
            .create_scalar_function(name, 1, flags, move |context| Ok(answer(context.get_raw(0))))
            .map_err(failed)
    }

    /// Reads the rows with their names; `nulls` says by place when a value becomes NULL.
    fn select(&self, nulls: &BTreeMap<usize, String>, is_read: &dyn Fn(&Column) -> bool) -> String {
        let own = self.table.own_columns().filter(|(_, it)| is_read(it));
        let mut columns: Vec<String> = own
            .map(|(place, column)| {
                let name = quote(&column.name);
                match nulls.get(&place) {
                    Some(when) => format!("CASE WHEN {when} THEN NULL ELSE s.{name} END"),
                    None => format!("s.{name} AS {name}"),
                }
            })
            .collect();
        let name = self.table.row_name("s");
        columns.push(format!("{} AS {ROW}", name.as_deref().unwrap_or("NULL")));
        scan_sql(self.table, &columns)
    }

    fn changed_rows(&self, nulls: &BTreeMap<usize, String>, condition: &str) -> Result<Scratch<'c>> {
        let written = table_definition(&self.table.sql).unwrap_or_default();
        let own = self.table.own_columns();
        let columns: Vec<String> = own.map(|(_, it)| definition(self.table, it, &written)).collect();
        let scratch = Scratch::create(
            self.connection,
            &format!("moved_{}", self.at),
            &format!("({}, {ROW})", columns.join(", ")),
        )?;
        let is_stored = |it: &Column| it.expression.is_none();
        scratch.fill(&format!("{} WHERE {condition}", self.select(nulls, &is_stored)))?;
        Ok(scratch)
    }
}

/// A column with the same affinity and collation.
fn definition(table: &Table, column: &Column, written: &TableDefinition) -> String {
    let affinity = match affinity(table, column) {
        Affinity::Integer => " INTEGER",
        Affinity::Real => " REAL",
        Affinity::Numeric => " NUMERIC",
        Affinity::Text => " TEXT",
        Affinity::Blob => "",
    };
    let mut definition = vec![quote(&column.name) + affinity];
    if ["NOCASE", "RTRIM"].contains(&column.collation.to_ascii_uppercase().as_str()) {
        definition.push(format!("COLLATE {}", column.collation));
    }
    let generated = column_definition(written, &column.name).and_then(|it| it.generated.as_ref());
    if let Some(generated) = generated.filter(|_| column.expression.is_some()) {
        definition.push(format!("AS ({})", generated.expression));
    }
    definition.join(" ")
}
