//! Rows that differ as text, as the target writes their values.

use catalog::{Column, Table, TableKind};
use cli::{Failure, Result};
use database::postgres::{read_column_shapes, render_values, sent_types};
use fingerprint::{Form, Row};

use crate::rows::difference::RowDifference;
use crate::rows::first_pass::Task;
use crate::rows::pairs::FramedDifference;
use crate::sides::Live;

/// Makes text of values.
pub(crate) struct Texts<'s> {
    target: &'s Live,
    form: Form,
    /// Types of the values, as the target calls them.
    source_types: Vec<String>,
    target_types: Vec<String>,
}

impl<'s> Texts<'s> {
    /// For rows of `task`, whose table on the target is `view`.
    pub(crate) fn new(target: &'s Live, task: &Task<'_>, view: &Table) -> Result<Self> {
        let shapes = if view.kind == TableKind::Part {
            // Its columns are no table's.
            Vec::new()
        } else {
            target
                .with_snapshot(|it| read_column_shapes(it.client(), &view.qualified_name()))
                .map_err(Failure::target)?
        };
        let there = |name: &str| {
            let column = view.stored_columns().find(|it| it.name == name)?;
            Some((column, shapes.iter().find(|it| it.name == name)?))
        };
        let types = |columns: Vec<&Column>| {
            let columns: Vec<_> = columns
                .into_iter()
                .map(|it| (it, there(it.target_name())))
                .collect();
            sent_types(&columns)
        };
        Ok(Texts {
            target,
            form: task.form,
            source_types: types(task.unit.renamed.stored_columns().collect()),
            target_types: types(view.stored_columns().collect()),
        })
    }

    /// All values of a row that differs.
    pub(crate) fn difference(&self, difference: &FramedDifference) -> Result<RowDifference> {
        Ok(match difference {
            FramedDifference::Missing(row) => RowDifference::Missing(self.row(row, &self.source_types)?),
            FramedDifference::Extra(row) => RowDifference::Extra(self.row(row, &self.target_types)?),
            FramedDifference::Changed(here, there) => {
                let (first, second) = (
                    Row::from_framed(self.form, here),
                    Row::from_framed(self.form, there),
                );
                let pairs = first.values().zip(second.values()).enumerate();
                let columns = pairs
                    .filter(|(_, (a, b))| a != b)
                    .map(|(place, _)| place)
                    .collect();
                RowDifference::Changed {
                    source: self.row(here, &self.source_types)?,
                    target: self.row(there, &self.target_types)?,
                    columns,
                }
            }
        })
    }

    fn row(&self, framed: &[u8], types: &[String]) -> Result<Vec<Option<String>>> {
        let values: Vec<Option<&[u8]>> = Row::from_framed(self.form, framed).values().collect();
        match self.form {
            Form::Text => {
                let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
                Ok(values.into_iter().map(|it| it.map(text)).collect())
            }
            Form::Binary => self
                .target
                .with_snapshot(|it| render_values(it.client(), types, &values))
                .map_err(Failure::target),
        }
    }
}
