//! Rows of a SQLite file in the forms in which rows travel: CSV and binary COPY. Any thread can do it.

use std::sync::Arc;

use fingerprint::{Form, encode_value};
use rusqlite::types::ValueRef;

use super::batch::{Batch, BatchRow};
use super::rule::{ColumnRule, Taken};
use super::schema::Table;
use super::target_type::{Misfit, TargetType, unproved};
use crate::{Error, Result};

/// Writes the rows of one table, each value as the server itself would print or send it.
#[derive(Clone, Debug)]
pub struct RowEncoder {
    form: Form,
    table: Arc<str>,
    places: Arc<[usize]>,
    columns: Arc<[(String, ColumnRule)]>,
    /// A text that may need quotes.
    text: Vec<u8>,
}

impl RowEncoder {
    /// For batches of all columns of `table` but those that PostgreSQL calculates, as found by [`super::SqliteSource::inspect`].
    pub fn new(table: &Table, form: Form) -> RowEncoder {
        let places = table.stored_places();
        let columns = places
            .iter()
            .map(|&place| (table.columns[place].name.clone(), table.rule(place)));
        RowEncoder {
            form,
            table: table.name.as_str().into(),
            columns: columns.collect(),
            places: places.into(),
            text: Vec::new(),
        }
    }

    pub fn form(&self) -> Form {
        self.form
    }

    /// The columns that [`super::SqliteSource::batches`] is to be asked for.
    pub fn places(&self) -> Vec<usize> {
        self.places.to_vec()
    }

    /// Appends the rows of `batch` that are not set aside to `rows`. Whenever `rows` has `bytes` or more, it is given to `full`, which may take
    /// them out.
    pub fn encode<E: From<Error>>(
        &mut self,
        batch: &Batch,
        rows: &mut Vec<u8>,
        bytes: usize,
        mut full: impl FnMut(&mut Vec<u8>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        for row in batch.rows() {
            match self.form {
                Form::Text => self.csv(row, rows),
                Form::Binary => self.binary(row, rows),
            }?;
            if rows.len() >= bytes {
                full(rows)?;
            }
        }
        Ok(())
    }

    fn csv(&mut self, row: BatchRow<'_>, rows: &mut Vec<u8>) -> Result<()> {
        let begin = rows.len();
        for (place, (value, (_, rule))) in row.values().zip(&*self.columns).enumerate() {
            if place > 0 {
                rows.push(b',');
            }
            if value == ValueRef::Null {
                continue;
            }
            let taken = if rule.target.is_plain() {
                rule.take(value, rows, TargetType::write)
            } else {
                self.text.clear();
                let taken = rule.take(value, &mut self.text, TargetType::write);
                if taken == Ok(Taken::Value) {
                    encode_value(&self.text, rows);
                }
                taken
            };
            if taken.map_err(|misfit| self.misfit(place, misfit))? == Taken::Rejected {
                rows.truncate(begin);
                return Ok(());
            }
        }
        rows.push(b'\n');
        Ok(())
    }

    fn binary(&mut self, row: BatchRow<'_>, rows: &mut Vec<u8>) -> Result<()> {
        const NULL: [u8; 4] = (-1_i32).to_be_bytes();
        // A table has at most 1600 columns.
        let count = u16::try_from(self.columns.len()).unwrap_or(u16::MAX);
        let begin = rows.len();
        rows.extend_from_slice(&count.to_be_bytes());
        for (place, (value, (_, rule))) in row.values().zip(&*self.columns).enumerate() {
            let start = rows.len();
            rows.extend_from_slice(&NULL);
            if value == ValueRef::Null {
                continue;
            }
            let sent = rule.take(value, rows, TargetType::send).and_then(|taken| {
                if taken == Taken::Value {
                    let length = i32::try_from(rows.len() - start - NULL.len()).map_err(|_| Misfit)?;
                    rows[start..start + NULL.len()].copy_from_slice(&length.to_be_bytes());
                }
                Ok(taken)
            });
            if sent.map_err(|misfit| self.misfit(place, misfit))? == Taken::Rejected {
                rows.truncate(begin);
                return Ok(());
            }
        }
        Ok(())
    }

    fn misfit(&self, place: usize, _: Misfit) -> Error {
        let (column, rule) = &self.columns[place];
        unproved(&self.table, column, rule.target)
    }
}
