//! Rows read back in the transaction that has written them.

use std::io::BufRead;

use catalog::quote_ident;
use cli::{Exit, FailureContext, Result};
use fingerprint::{Fingerprint, Form, RowScanner};
use postgres::Transaction;

use super::matching::Unit;
use super::staging::staging;
use crate::target::failed;

/// The fingerprint of what `select` gives, a query over `columns` columns.
fn fingerprint(
    transaction: &mut Transaction<'_>,
    select: &str,
    columns: usize,
    form: Form,
) -> Result<Fingerprint> {
    let step = "rows could not be read back";
    let format = match form {
        Form::Text => "csv",
        Form::Binary => "binary",
    };
    let mut reader = transaction
        .copy_out(&format!("COPY ({select}) TO STDOUT (FORMAT {format})"))
        .map_err(|error| failed(step, error))?;
    let mut scanner = RowScanner::new(form, columns);
    let mut sum = Fingerprint::empty(form);
    loop {
        let piece = reader.fill_buf().or_fail(Exit::Target, || step)?;
        if piece.is_empty() {
            break;
        }
        let length = piece.len();
        scanner.push(piece).or_fail(Exit::Target, || step)?;
        reader.consume(length);
        let rows = scanner.take_rows();
        sum.merge(&rows.fingerprint).or_fail(Exit::Internal, || step)?;
    }
    let rows = scanner.finish().or_fail(Exit::Target, || step)?;
    sum.merge(&rows.fingerprint).or_fail(Exit::Internal, || step)?;
    Ok(sum)
}

/// What the table holds in the columns that are filled.
pub(crate) fn of_table(transaction: &mut Transaction<'_>, unit: &Unit, form: Form) -> Result<Fingerprint> {
    let columns = unit.filled_columns();
    let quoted: Vec<String> = columns.iter().map(|it| quote_ident(it)).collect();
    let select = format!("SELECT {} FROM {}", quoted.join(", "), unit.target.own_rows());
    fingerprint(transaction, &select, columns.len(), form)
}

/// What the casts make of the rows in the temporary tables of `unit`, in the order of the same columns.
pub(crate) fn of_staging(transaction: &mut Transaction<'_>, unit: &Unit) -> Result<Fingerprint> {
    let columns = unit.filled_columns();
    let mut sum = Fingerprint::empty(Form::Text);
    for part in &unit.parts {
        let value = |column: &String| {
            let pair = part.pairs.iter().find(|it| it.target.as_ref() == Some(column));
            pair.map_or("NULL".to_owned(), super::fit::Pair::assigned_value)
        };
        let values: Vec<String> = columns.iter().map(value).collect();
        let select = format!("SELECT {} FROM {} s", values.join(", "), staging(part));
        let part = fingerprint(transaction, &select, columns.len(), Form::Text)?;
        sum.merge(&part)
            .or_fail(Exit::Internal, || "rows could not be added up")?;
    }
    Ok(sum)
}
