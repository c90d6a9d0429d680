//! The merged tables as they stand on the target, column by column, against what the archive made them.

use std::collections::BTreeMap;

use catalog::{QualifiedName, Table, quote_ident, quote_literal};
use cli::{Failure, Result};

use super::views::type_sql;
use crate::report::{Area, Finding};
use crate::sides::Live;

/// The columns of a table that is there.
pub(super) struct Standing(BTreeMap<String, StandingColumn>);

struct StandingColumn {
    type_sql: String,
    not_null: bool,
}

impl Standing {
    /// Asks the target for a table; `None` where there is none of that name.
    pub(super) fn ask(target: &Live, table: &QualifiedName) -> Result<Option<Self>> {
        let sql = format!(
            "SELECT a.attname::pg_catalog.text, pg_catalog.format_type(a.atttypid, a.atttypmod),
               a.attnotnull::pg_catalog.text
             FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
             WHERE c.oid = pg_catalog.to_regclass({}) AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped",
            quote_literal(&table.to_string())
        );
        let what = "the columns of a merged table could not be read";
        let rows = target.ask(&sql, what, Failure::target)?;
        let column = |row: &Vec<Option<String>>| {
            let text = |place: usize| row.get(place).cloned().flatten();
            let column = StandingColumn {
                type_sql: text(1)?,
                not_null: text(2)? == "true",
            };
            Some((text(0)?, column))
        };
        let columns: BTreeMap<_, _> = rows.iter().filter_map(column).collect();
        Ok((!columns.is_empty()).then_some(Standing(columns)))
    }

    /// Whether the rows can be read as those of `table`.
    pub(super) fn has_all(&self, table: &Table) -> bool {
        let mut columns = table.stored_columns();
        columns.all(|it| self.0.contains_key(it.target_name()))
    }

    /// What of the columns is not as the archive has it.
    pub(super) fn differences(&self, table: &Table) -> Vec<Finding> {
        let name = table.qualified_name();
        let finding = |column: &str, property: &str| {
            let object = format!("column {} of {name}", quote_ident(column));
            Finding::new(Area::Schema, object, property)
        };
        let mut findings = Vec::new();
        for column in &table.columns {
            let called = column.target_name();
            let Some(found) = self.0.get(called) else {
                findings.push(finding(called, "missing"));
                continue;
            };
            let wanted = type_sql(&column.column_type);
            if found.type_sql != wanted {
                let sides = (Some(wanted), Some(found.type_sql.clone()));
                findings.push(finding(called, "type").between(sides.0, sides.1));
            }
            if column.not_null && !found.not_null {
                findings.push(finding(called, "not null").between(Some("not null".to_owned()), None));
            }
        }
        let is_known = |name: &String| table.columns.iter().any(|it| it.target_name() == *name);
        let extra = self.0.keys().filter(|it| !is_known(it));
        findings.extend(extra.map(|it| finding(it, "not in the source")));
        findings
    }
}
