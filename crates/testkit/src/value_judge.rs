//! The judge of rows that come from a SQLite file: every value as the `sqlite3` library returns it, against the same
//! value as the server returns it.
//!
//! No code of the tools takes part. Both values are brought into one plain notation by what the target's type means;
//! how is written here a second time on purpose.

mod exact;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use jiff::Span;
use jiff::civil::DateTime;
use postgres::{Client, SimpleQueryMessage};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use crate::cluster::identifier;
use crate::error::{Error, ErrorKind, Result};

const SETTINGS: &str = "SET search_path = ''; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; \
                        SET extra_float_digits = 3; SET bytea_output = 'hex'";

/// The scale stands in the lower bits of a `numeric`'s modifier.
const COLUMNS: &str = "SELECT a.attname::text, t.typname::text,
    CASE WHEN t.typname = 'numeric' AND a.atttypmod >= 0 THEN (a.atttypmod - 4) & 2047 END FROM pg_catalog.pg_attribute AS a
    JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
    JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped";

/// How a table of the file is found on the target.
#[derive(Clone, Copy, Debug)]
pub struct TablePair<'a> {
    pub table: &'a str,
    pub schema: &'a str,
    pub target: &'a str,
    /// The target's name of a column, where it is another one.
    pub renamed: &'a [(&'a str, &'a str)],
    /// Which of the file's rows are to be there, as SQLite's SQL; all of them where it is empty.
    pub condition: &'a str,
    /// Columns of the file whose values are not to be there as they were.
    pub apart_from: &'a [&'a str],
}

impl<'a> TablePair<'a> {
    /// The table of the same name in `schema`, with all columns and rows.
    pub fn same(table: &'a str, schema: &'a str) -> Self {
        TablePair {
            table,
            schema,
            target: table,
            renamed: &[],
            condition: "",
            apart_from: &[],
        }
    }
}

/// Compares all rows, order apart; returns their number, and the rows that are on one side alone (`-` the file's, `+`
/// the target's), the first few of them.
pub fn judge_values(file: &Path, client: &mut Client, pair: &TablePair<'_>) -> Result<(usize, Vec<String>)> {
    const SHOWN_MAX: usize = 20;
    let connection =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(of_file(pair))?;
    client.batch_execute(SETTINGS).map_err(of_target(pair))?;
    let columns = columns(&connection, client, pair)?;
    let mut rows: BTreeMap<String, i64> = BTreeMap::new();
    let number = read_file(&connection, pair, &columns, &mut |row| {
        *rows.entry(row).or_default() += 1;
    })?;
    read_target(client, pair, &columns, &mut |row| {
        *rows.entry(row).or_default() -= 1;
    })?;
    rows.retain(|_, count| *count != 0);
    let shown = rows.iter().take(SHOWN_MAX).map(|(row, count)| {
        let sign = if *count > 0 { '-' } else { '+' };
        format!("{sign} {row}")
    });
    Ok((number, shown.collect()))
}

/// A column on both sides.
struct Pair {
    source: String,
    target: String,
    holds: Type,
}

/// A type of the target.
#[derive(Clone)]
struct Type {
    name: String,
    /// Digits behind the point, where the column has so many.
    scale: Option<usize>,
}

fn columns(connection: &Connection, client: &mut Client, pair: &TablePair<'_>) -> Result<Vec<Pair>> {
    let types: BTreeMap<String, Type> = client
        .query(COLUMNS, &[&pair.schema, &pair.target])
        .map_err(of_target(pair))?
        .iter()
        .map(|row| {
            let scale: Option<i32> = row.get(2);
            let scale = scale.and_then(|it| usize::try_from(it).ok());
            let name = row.get(1);
            (row.get(0), Type { name, scale })
        })
        .collect();
    let mut statement = connection
        .prepare("SELECT name FROM pragma_table_xinfo(?1, 'main') WHERE hidden <> 1 ORDER BY cid")
        .map_err(of_file(pair))?;
    let names: Vec<String> = statement
        .query_map([pair.table], |row| row.get(0))
        .and_then(Iterator::collect)
        .map_err(of_file(pair))?;
    let wanted = names
        .into_iter()
        .filter(|name| !pair.apart_from.contains(&name.as_str()));
    wanted
        .map(|source| {
            let renamed = pair.renamed.iter().find(|(from, _)| *from == source);
            let target = renamed.map_or_else(|| source.clone(), |(_, to)| (*to).to_owned());
            let Some(holds) = types.get(&target).cloned() else {
                let message = format!("{}.{} has no column {target}", pair.schema, pair.target);
                return Err(Error::new(ErrorKind::Sql, message));
            };
            Ok(Pair {
                source,
                target,
                holds,
            })
        })
        .collect()
}

fn read_file(
    connection: &Connection,
    pair: &TablePair<'_>,
    columns: &[Pair],
    take: &mut dyn FnMut(String),
) -> Result<usize> {
    // SQLite itself says how it writes a number as text.
    let fields: Vec<String> = columns
        .iter()
        .map(|it| format!("s.{0}, CAST(s.{0} AS TEXT)", identifier(&it.source)))
        .collect();
    let condition = if pair.condition.is_empty() {
        "true"
    } else {
        pair.condition
    };
    let sql = format!(
        "SELECT {} FROM main.{} AS s WHERE {condition}",
        fields.join(", "),
        identifier(pair.table)
    );
    let mut statement = connection.prepare(&sql).map_err(of_file(pair))?;
    let mut rows = statement.query([]).map_err(of_file(pair))?;
    let mut number = 0;
    while let Some(row) = rows.next().map_err(of_file(pair))? {
        let mut texts = Vec::new();
        for (place, column) in columns.iter().enumerate() {
            let value = row.get_ref(2 * place).map_err(of_file(pair))?;
            let as_text = row.get_ref(2 * place + 1).map_err(of_file(pair))?;
            texts.push(of_source(value, as_text, &column.holds));
        }
        number += 1;
        take(texts.join(" | "));
    }
    Ok(number)
}

fn read_target(
    client: &mut Client,
    pair: &TablePair<'_>,
    columns: &[Pair],
    take: &mut dyn FnMut(String),
) -> Result<()> {
    let fields: Vec<String> = columns.iter().map(|it| identifier(&it.target)).collect();
    let sql = format!(
        "SELECT {} FROM {}.{}",
        fields.join(", "),
        identifier(pair.schema),
        identifier(pair.target)
    );
    for message in client.simple_query(&sql).map_err(of_target(pair))? {
        if let SimpleQueryMessage::Row(row) = message {
            let texts = columns.iter().enumerate().map(|(place, column)| {
                row.get(place)
                    .map_or_else(|| "∅".to_owned(), |it| of_server(it, &column.holds))
            });
            take(texts.collect::<Vec<_>>().join(" | "));
        }
    }
    Ok(())
}

/// A value of the file, as the type that it has on the target writes it here.
fn of_source(value: ValueRef<'_>, as_text: ValueRef<'_>, holds: &Type) -> String {
    let type_name = holds.name.as_str();
    let text = match (value, as_text) {
        (ValueRef::Null, _) => return "∅".to_owned(),
        (ValueRef::Blob(bytes), _) => return hex(bytes),
        (ValueRef::Text(bytes), _) if type_name == "bytea" => return hex(bytes),
        (ValueRef::Real(real), ValueRef::Text(bytes)) => exact::real(real, &String::from_utf8_lossy(bytes)),
        (_, ValueRef::Text(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        _ => return "no text".to_owned(),
    };
    match (type_name, value) {
        ("bytea", _) => hex(text.as_bytes()),
        ("float8", ValueRef::Real(real)) => float(real),
        #[allow(clippy::cast_precision_loss, reason = "what SQLite would do as well")]
        ("float8", ValueRef::Integer(integer)) => float(integer as f64),
        ("numeric", ValueRef::Real(real)) => of_server(&format!("{real}"), holds),
        ("bool", ValueRef::Integer(0)) => "f".to_owned(),
        ("bool", ValueRef::Integer(1)) => "t".to_owned(),
        ("bool", _) => text[..1].to_ascii_lowercase(),
        _ => of_server(&text, holds),
    }
}

/// A value as the server writes it, in the plain notation of its type.
fn of_server(text: &str, holds: &Type) -> String {
    match holds.name.as_str() {
        "float8" => text.parse().map_or_else(|_| text.to_owned(), float),
        "numeric" => exact::number(text, holds.scale).unwrap_or_else(|| text.to_owned()),
        "bytea" => text.trim_start_matches("\\x").to_owned(),
        "uuid" => text
            .chars()
            .filter(char::is_ascii_hexdigit)
            .map(|it| it.to_ascii_lowercase())
            .collect(),
        "jsonb" => exact::document(text).unwrap_or_else(|| text.to_owned()),
        "time" => time(text),
        // A date has no time of day, or one that is zero.
        "date" | "timestamp" | "timestamptz" => moment(text),
        _ => text.to_owned(),
    }
}

fn float(value: f64) -> String {
    format!("{value:e}")
}

fn time(text: &str) -> String {
    let text = if text.len() == 5 {
        format!("{text}:00")
    } else {
        text.to_owned()
    };
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A date with or without a time and an offset, in UTC.
fn moment(text: &str) -> String {
    let (date, rest) = text.split_at(text.len().min(10));
    let rest = rest.trim_start_matches(['T', ' ']);
    let (clock, minutes) = match rest.find(['Z', 'z', '+', '-']) {
        Some(at) => (&rest[..at], offset(&rest[at..])),
        None => (rest, 0),
    };
    let clock = match clock.trim_end() {
        "" => "00:00:00".to_owned(),
        clock => time(clock),
    };
    let Ok(moment) = format!("{date}T{clock}").parse::<DateTime>() else {
        return text.to_owned();
    };
    let moved = moment.checked_sub(Span::new().minutes(minutes));
    moved.map_or_else(|_| text.to_owned(), |it| it.to_string())
}

/// Minutes east of Greenwich.
fn offset(text: &str) -> i64 {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let number = |range: std::ops::Range<usize>| {
        digits
            .get(range)
            .and_then(|it| it.parse::<i64>().ok())
            .unwrap_or(0)
    };
    let minutes = number(0..2) * 60 + number(2..4);
    if text.starts_with('-') { -minutes } else { minutes }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn of_file(pair: &TablePair<'_>) -> impl FnOnce(rusqlite::Error) -> Error + use<> {
    Error::caused(
        ErrorKind::Sql,
        format!("cannot read table {} of the file", pair.table),
    )
}

fn of_target(pair: &TablePair<'_>) -> impl FnOnce(postgres::Error) -> Error + use<> {
    Error::caused(
        ErrorKind::Sql,
        format!("cannot read {}.{}", pair.schema, pair.target),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notations_meet() {
        for (source, server, type_name) in [
            (
                "2024-02-29T23:59:59+05:30",
                "2024-02-29 18:29:59+00",
                "timestamptz",
            ),
            ("2024-02-29 23:59:59.120", "2024-02-29 23:59:59.12", "timestamp"),
            ("2024-02-29", "2024-02-29 00:00:00", "timestamp"),
            ("2024-02-29T00:00", "2024-02-29", "date"),
            ("07:05", "07:05:00", "time"),
            ("0012.30", "12.30", "numeric"),
            (
                "3F333DF690A44FDA8DD39485D27CEE36",
                "3f333df6-90a4-4fda-8dd3-9485d27cee36",
                "uuid",
            ),
            (r#"{"b":1, "a":2}"#, r#"{"a": 2, "b": 1}"#, "jsonb"),
        ] {
            assert!(is_same(source, server, type_name), "{source}");
        }
        for (source, server, type_name) in [
            ("5.0", "5.00", "text"),
            ("1e-05", "1.0000000000000002e-05", "float8"),
            ("12.30", "12.3", "numeric"),
            ("2024-02-29 12:00", "2024-02-29", "date"),
            (r#"{"b":1.0}"#, r#"{"b": 1}"#, "jsonb"),
            (r#"{"b":1}"#, r#"{"b": 1}"#, "json"),
        ] {
            assert!(!is_same(source, server, type_name), "{source}");
        }
    }

    fn is_same(source: &str, server: &str, type_name: &str) -> bool {
        let (value, name) = (ValueRef::Text(source.as_bytes()), type_name.to_owned());
        let holds = Type { name, scale: None };
        of_source(value, value, &holds) == of_server(server, &holds)
    }
}
