//! VALUES.

use sqlite3_parser::ast::OneSelect;

use super::frame::Frame;
use super::refusal::Refusal;
use super::select::{Query, column, value_type_of};
use super::types::cast;
use super::{Reader, quoted};
use crate::collation::{Collated, of_comparison};
use crate::{Expression, ScopeColumn, ValueType};

impl Reader<'_> {
    /// Reads VALUES.
    pub(super) fn values(
        &self,
        select: &OneSelect<'_>,
        outer: Option<&Frame<'_>>,
        names: Option<&[String]>,
    ) -> Result<Query, Refusal> {
        let OneSelect::Values(rows) = select else {
            return Err(Refusal::Unreadable);
        };
        let frame = Frame::within(outer)?;
        let width = rows.first().map_or(0, sqlite3_parser::Vec::len);
        let mut types = vec![ValueType::Null; width];
        let mut read = Vec::new();
        for row in rows {
            let values: Result<Vec<Expression>, Refusal> =
                row.iter().map(|it| self.expression(it, &frame)).collect();
            let values = values?;
            for (known, value) in types.iter_mut().zip(&values) {
                *known = super::types::unified(*known, value_type_of(value)).ok_or(Refusal::Mixed {
                    column: "of VALUES".to_owned(),
                })?;
            }
            read.push(values);
        }
        let columns: Vec<ScopeColumn> = types
            .iter()
            .enumerate()
            .map(|(place, &value_type)| {
                let given = names.and_then(|it| it.get(place)).cloned();
                column(
                    given.unwrap_or_else(|| format!("column{}", place + 1)),
                    value_type,
                )
            })
            .collect();
        let first = rows.first().map(|row| row.iter()).into_iter().flatten();
        let collations: Vec<_> = first.map(|it| self.collation(it, &frame)).collect();
        let columns = collated(columns, &collations);
        let rows: Vec<String> = read
            .iter()
            .map(|row| {
                let values: Vec<String> = row.iter().zip(&types).map(|(it, &to)| cast(it, to)).collect();
                format!("({})", values.join(", "))
            })
            .collect();
        let names: Vec<String> = columns.iter().map(|it| quoted(&it.name)).collect();
        Ok(Query {
            collations,
            sql: format!(
                "SELECT given.*\nFROM (VALUES {}) AS given ({})",
                rows.join(",\n    "),
                names.join(", ")
            ),
            single: read.len() == 1,
            columns,
        })
    }
}

/// The columns with the collations that a query around them sees.
fn collated(columns: Vec<ScopeColumn>, collations: &[Option<Collated>]) -> Vec<ScopeColumn> {
    let both = columns.into_iter().zip(collations);
    both.map(|(column, collation)| ScopeColumn {
        collation: of_comparison(*collation, None),
        ..column
    })
    .collect()
}
