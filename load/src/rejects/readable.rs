//! Rejected rows as text. Rows that travel as text are it already; those in binary form are read by the target, in a
//! temporary table of the same types without their constraints. What even that cannot read is shown as its bytes.

use std::io::{Read, Write};

use catalog::{QualifiedName, Table, quote_ident};
use cli::{Exit, Failure, Result};
use fingerprint::{Form, each_row, wrap_chunk};
use postgres::Transaction;

use super::cut::Cut;
use super::damaged;
use crate::target::failed;

/// Values in the order of the stored columns; `None` is NULL.
type Values = Vec<Option<Vec<u8>>>;

const STAGING: &str = "pg_temp.coalesce_rejected";

/// A row that a person can read and mend.
#[derive(Debug)]
pub(super) struct Readable {
    pub(super) values: Values,
    /// Columns whose values are bytes in hexadecimal, by their number among the stored ones.
    pub(super) hex: Vec<usize>,
}

/// The rows of `cut` with these numbers as text. The table `into` has the columns of `table`.
pub(super) fn readable(
    transaction: &mut Transaction<'_>,
    table: &Table,
    into: &QualifiedName,
    cut: &Cut<'_>,
    rows: &[usize],
) -> Result<Vec<Readable>> {
    let raw = rows.iter().map(|row| cut.values(*row));
    let raw: Vec<Values> = raw
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| damaged(table, error))?;
    if cut.form == Form::Text {
        let plain = |values| Readable {
            values,
            hex: Vec::new(),
        };
        return Ok(raw.into_iter().map(plain).collect());
    }
    let step = "rejected rows could not be made readable";
    let mut place = transaction.transaction().map_err(|error| failed(step, error))?;
    let types = base_types(&mut place, table, into)?;
    let columns = types
        .iter()
        .enumerate()
        .map(|(column, it)| format!("c{column} {it}"));
    let sql = format!(
        "CREATE TEMPORARY TABLE coalesce_rejected ({})",
        columns.collect::<Vec<_>>().join(", ")
    );
    let mut staged = Vec::new();
    if place.batch_execute(&sql).is_ok() {
        let all: Vec<usize> = (0..types.len()).collect();
        staged = match read_back(&mut place, &all, &raw)? {
            Some(values) => values.into_iter().map(|values| (values, Vec::new())).collect(),
            None => raw
                .iter()
                .map(|values| read_alone(&mut place, &all, values))
                .collect::<Result<_>>()?,
        };
    }
    place.rollback().map_err(|error| failed(step, error))?;
    if staged.len() != raw.len() {
        // Without the privilege TEMPORARY there is nothing that could read them.
        staged = raw.iter().map(all_in_hex).collect();
    }
    Ok(staged
        .into_iter()
        .map(|(values, hex)| Readable { values, hex })
        .collect())
}

/// A row that the types do not read as a whole: value by value.
fn read_alone(
    place: &mut Transaction<'_>,
    columns: &[usize],
    values: &Values,
) -> Result<(Values, Vec<usize>)> {
    cli::check_interrupt()?;
    if let Some(mut whole) = read_back(place, columns, std::slice::from_ref(values))? {
        return Ok((whole.pop().unwrap_or_default(), Vec::new()));
    }
    let (mut shown, mut hex) = (Vec::new(), Vec::new());
    for (column, value) in values.iter().enumerate() {
        let read = read_back(place, &[column], &[vec![value.clone()]])?;
        let read = read.and_then(|mut it| it.pop()).and_then(|mut it| it.pop());
        shown.push(read.unwrap_or_else(|| {
            hex.push(column);
            value.as_deref().map(in_hex)
        }));
    }
    Ok((shown, hex))
}

fn all_in_hex(values: &Values) -> (Values, Vec<usize>) {
    let shown = values.iter().map(|it| it.as_deref().map(in_hex)).collect();
    let hex = (0..values.len()).filter(|it| values[*it].is_some()).collect();
    (shown, hex)
}

/// As PostgreSQL writes a `bytea`.
fn in_hex(bytes: &[u8]) -> Vec<u8> {
    let digits = bytes.iter().flat_map(|it| format!("{it:02x}").into_bytes());
    b"\\x".iter().copied().chain(digits).collect()
}

/// Sends rows of these columns in binary form and reads them as text; none where the server refuses that.
fn read_back(place: &mut Transaction<'_>, columns: &[usize], rows: &[Values]) -> Result<Option<Vec<Values>>> {
    let step = "rejected rows could not be made readable";
    let mut attempt = place.transaction().map_err(|error| failed(step, error))?;
    let answer = exchange(&mut attempt, columns, rows);
    // Where the session is gone, nothing can be said of the rows.
    attempt.rollback().map_err(|error| failed(step, error))?;
    let Ok(csv) = answer else { return Ok(None) };
    let mut read = Vec::new();
    each_row(Form::Text, columns.len(), &csv, |row| {
        read.push(row.values().map(|it| it.map(<[u8]>::to_vec)).collect());
    })
    .map_err(|error| Failure::new(Exit::Target, step).with_source(error))?;
    Ok((read.len() == rows.len()).then_some(read))
}

fn exchange(
    attempt: &mut Transaction<'_>,
    columns: &[usize],
    rows: &[Values],
) -> std::result::Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let names = columns.iter().map(|it| format!("c{it}"));
    let names = names.collect::<Vec<_>>().join(", ");
    let mut framed = Vec::new();
    for values in rows {
        framed.extend_from_slice(&u16::try_from(columns.len())?.to_be_bytes());
        for value in values {
            let length = value.as_ref().map_or(Ok(-1), |it| i32::try_from(it.len()))?;
            framed.extend_from_slice(&length.to_be_bytes());
            framed.extend_from_slice(value.as_deref().unwrap_or_default());
        }
    }
    let mut writer = attempt.copy_in(&format!("COPY {STAGING} ({names}) FROM STDIN (FORMAT binary)"))?;
    writer.write_all(&wrap_chunk(Form::Binary, [], framed))?;
    writer.finish()?;
    let mut csv = Vec::new();
    let sql = format!("COPY (SELECT {names} FROM {STAGING} ORDER BY ctid) TO STDOUT (FORMAT csv)");
    attempt.copy_out(&sql)?.read_to_end(&mut csv)?;
    Ok(csv)
}

/// The types of the stored columns without domains, lengths and labels, as SQL.
fn base_types(place: &mut Transaction<'_>, table: &Table, into: &QualifiedName) -> Result<Vec<String>> {
    // What an enum sends is its label.
    const TYPES: &str = "
        WITH RECURSIVE base AS (
          SELECT a.attname, t.oid, t.typtype, t.typbasetype, t.typname, t.typnamespace
          FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
          WHERE a.attrelid = $1::pg_catalog.text::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped
          UNION ALL
          SELECT b.attname, t.oid, t.typtype, t.typbasetype, t.typname, t.typnamespace
          FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.typbasetype WHERE b.typtype = 'd')
        SELECT b.attname::pg_catalog.text, n.nspname::pg_catalog.text, b.typname::pg_catalog.text, b.typtype = 'e'
        FROM base b JOIN pg_catalog.pg_namespace n ON n.oid = b.typnamespace WHERE b.typtype <> 'd'";
    let rows = place
        .query(TYPES, &[&into.to_string()])
        .map_err(|error| failed(format!("the columns of {into} could not be read"), error))?;
    let type_of = |name: &str| {
        let row = rows.iter().find(|row| row.get::<_, &str>(0) == name);
        match row {
            Some(row) if !row.get::<_, bool>(3) => {
                format!("{}.{}", quote_ident(row.get(1)), quote_ident(row.get(2)))
            }
            _ => "pg_catalog.text".to_owned(),
        }
    };
    Ok(table.stored_columns().map(|it| type_of(&it.name)).collect())
}
