//! Rows as the target has them after their conversion, in both forms.

use std::fmt;

use catalog::Table;
use fingerprint::{Fingerprint, Form, Row};

use crate::namespace::uuid_text;
use crate::{ColumnConversion, IntegerType, Namespace, TableConversion};

/// What becomes of each row of a table: its stored columns, and behind them those that keep old values.
#[derive(Clone, Debug)]
pub struct RowConversion {
    /// By the place of the column; `None` for those that stay.
    columns: Vec<Option<(IntegerType, Namespace)>>,
    /// Places of the columns whose old values are kept.
    kept: Vec<usize>,
    framed: Vec<u8>,
}

/// A value is no integer of its column's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotConvertible {
    /// The column's place.
    pub column: usize,
}

impl RowConversion {
    /// For rows of `table` with its stored columns in their order.
    pub fn new(table: &Table, conversion: &TableConversion) -> Self {
        let place = |it: &ColumnConversion| (it.from, it.namespace.clone());
        let columns: Vec<_> = table
            .stored_columns()
            .map(|column| conversion.column(&column.name).map(place))
            .collect();
        let place_of = |name: &str| table.stored_columns().position(|it| it.name == name);
        let kept = conversion
            .kept()
            .filter_map(|(it, _)| place_of(&it.column))
            .collect();
        RowConversion {
            columns,
            kept,
            framed: Vec::new(),
        }
    }

    /// The row after its conversion, in the form that it has.
    pub fn convert<'a>(&'a mut self, row: &Row<'_>) -> Result<Row<'a>, NotConvertible> {
        let form = row.form();
        self.framed.clear();
        let columns = u16::try_from(self.columns.len() + self.kept.len()).unwrap_or(u16::MAX);
        self.framed.extend_from_slice(&columns.to_be_bytes());
        for (column, value) in row.values().enumerate() {
            match (value, self.columns.get(column).and_then(Option::as_ref)) {
                (Some(value), Some((from, namespace))) => {
                    let key = integer(form, *from, value).ok_or(NotConvertible { column })?;
                    let uuid = namespace.uuid(key);
                    match form {
                        Form::Binary => frame(Some(&uuid), &mut self.framed),
                        Form::Text => frame(Some(uuid_text(uuid).as_bytes()), &mut self.framed),
                    }
                }
                (value, _) => frame(value, &mut self.framed),
            }
        }
        for place in &self.kept {
            frame(row.values().nth(*place).flatten(), &mut self.framed);
        }
        Ok(Row::from_framed(form, &self.framed))
    }

    /// The fingerprint after their conversion of all rows, of one form, that `each` hands out. The outer result is that
    /// of `each`; the inner one names the first value that cannot be converted.
    pub fn fingerprint<E>(
        &mut self,
        form: Form,
        each: impl FnOnce(&mut dyn FnMut(Row<'_>)) -> Result<(), E>,
    ) -> Result<Result<Fingerprint, NotConvertible>, E> {
        let mut total = Ok(Fingerprint::empty(form));
        each(&mut |row| {
            if let Ok(sum) = &mut total {
                match self.convert(&row) {
                    // Of one form, since the row is.
                    Ok(row) => drop(sum.merge(&row.fingerprint())),
                    Err(error) => total = Err(error),
                }
            }
        })?;
        Ok(total)
    }
}

fn frame(value: Option<&[u8]>, framed: &mut Vec<u8>) {
    // No value of PostgreSQL has more than a gigabyte.
    let length = value.map_or(-1, |it| i32::try_from(it.len()).unwrap_or(i32::MAX));
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(value.unwrap_or_default());
}

fn integer(form: Form, from: IntegerType, value: &[u8]) -> Option<i64> {
    match (form, from) {
        (Form::Text, _) => std::str::from_utf8(value).ok()?.parse().ok(),
        (Form::Binary, IntegerType::SmallInt) => Some(i16::from_be_bytes(value.try_into().ok()?).into()),
        (Form::Binary, IntegerType::Integer) => Some(i32::from_be_bytes(value.try_into().ok()?).into()),
        (Form::Binary, IntegerType::BigInt) => Some(i64::from_be_bytes(value.try_into().ok()?)),
    }
}

impl fmt::Display for NotConvertible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the value of column {} is no integer", self.column + 1)
    }
}

impl std::error::Error for NotConvertible {}
