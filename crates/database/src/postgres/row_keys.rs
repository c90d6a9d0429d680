//! What tells the rows of a table apart, and how its values lie: for whoever compares rows on two servers.

use std::collections::HashMap;

use catalog::{ColumnType, QualifiedName, Table, TableKind, ThroughRoot, quote_ident, quote_literal};
use fingerprint::{Form, OrderedKind};
use postgres::Client;

use crate::{Error, Result};

/// How a column's values travel and are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnShape {
    pub name: String,
    /// The function that makes the binary form, as SQL; `None` for a type without one.
    pub send: Option<String>,
    /// The type as SQL, without a modifier; of a domain the type below it.
    pub type_sql: String,
}

/// The columns of a unique key without NULL for each table that has one beside its primary key, or without one: the
/// one with the fewest columns.
pub fn read_unique_keys(client: &mut Client) -> Result<HashMap<QualifiedName, Vec<String>>> {
    const KEYS: &str = "SELECT n.nspname AS schema, c.relname AS name, key.columns
        FROM pg_catalog.pg_index i
        JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL (
          SELECT pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY k.place) AS columns,
            pg_catalog.bool_and(a.attnotnull) AS not_null
          FROM pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY AS k (number, place)
          JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
          WHERE k.place <= i.indnkeyatts) AS key
        WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND key.not_null
          AND n.nspname !~ '^pg_'
        ORDER BY i.indisprimary, i.indnkeyatts DESC, i.indexrelid DESC";
    let rows = client
        .query(KEYS, &[])
        .map_err(Error::query("the tables' unique keys could not be read"))?;
    let key = |row: &postgres::Row| {
        let name = QualifiedName::new(row.get::<_, &str>("schema"), row.get::<_, &str>("name"));
        (name, row.get::<_, Vec<String>>("columns"))
    };
    Ok(rows.iter().map(key).collect())
}

/// The columns of a table with what their types are made of, in the table's order.
pub fn read_column_shapes(client: &mut Client, table: &QualifiedName) -> Result<Vec<ColumnShape>> {
    const SHAPES: &str = "SELECT a.attname::pg_catalog.text AS name,
          pg_catalog.quote_ident(sn.nspname) || '.' || pg_catalog.quote_ident(s.proname) AS send,
          pg_catalog.format('%I.\"%s\"', bn.nspname, pg_catalog.replace(b.typname::pg_catalog.text, '\"', '\"\"')) AS type
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        CROSS JOIN LATERAL (
          WITH RECURSIVE below (oid, base) AS (
            SELECT t.oid, t.typbasetype FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid
            UNION ALL
            SELECT t.oid, t.typbasetype FROM below JOIN pg_catalog.pg_type t ON t.oid = below.base)
          SELECT oid FROM below WHERE base = 0) AS lowest
        JOIN pg_catalog.pg_type b ON b.oid = lowest.oid
        JOIN pg_catalog.pg_namespace bn ON bn.oid = b.typnamespace
        LEFT JOIN pg_catalog.pg_proc s ON s.oid = b.typsend::pg_catalog.oid
        LEFT JOIN pg_catalog.pg_namespace sn ON sn.oid = s.pronamespace
        WHERE n.nspname = $1 AND c.relname = $2
        ORDER BY a.attnum";
    let rows = client
        .query(SHAPES, &[&table.schema, &table.name])
        .map_err(Error::query(format!(
            "the types of {table}'s columns could not be read"
        )))?;
    let shape = |row: &postgres::Row| ColumnShape {
        name: row.get("name"),
        send: row.get("send"),
        type_sql: row.get("type"),
    };
    Ok(rows.iter().map(shape).collect())
}

/// Asks something that may fail without harm to the session's transaction; `None` where it did.
pub(super) fn try_to_ask<T>(
    client: &mut Client,
    ask: impl FnOnce(&mut Client) -> std::result::Result<T, postgres::Error>,
) -> Result<Option<T>> {
    client
        .batch_execute("SAVEPOINT coalesce_question")
        .map_err(Error::query("a question beside the rows could not be asked"))?;
    let answer = ask(client).ok();
    client
        .batch_execute("ROLLBACK TO SAVEPOINT coalesce_question; RELEASE SAVEPOINT coalesce_question")
        .map_err(Error::query("a question beside the rows could not be ended"))?;
    Ok(answer)
}

/// Whether the server can plan a query for a table's own rows. Some tables can only be copied whole: the planner looks
/// into functions that their indexes use, and does not find there what is named by a search path alone.
pub fn can_be_queried(client: &mut Client, table: &Table) -> Result<bool> {
    if table.kind == TableKind::Part {
        // What its columns are called there is no column of a table.
        return Ok(false);
    }
    let sql = format!("EXPLAIN SELECT FROM {}", from(table));
    let planned = try_to_ask(client, |client| client.simple_query(&sql).map(drop))?;
    Ok(planned.is_some())
}

/// Values of a key's first column that cut the table into about `count` equal ranges, ascending; `None` where the
/// column has too few different values, or where nothing is known of them. `is_alone` says that the column is the whole
/// key, so that no value is there twice.
pub fn read_bounds(
    client: &mut Client,
    table: &Table,
    column: &str,
    kind: OrderedKind,
    is_alone: bool,
    count: usize,
) -> Result<Option<Vec<u128>>> {
    let Some((element, send)) = element(table, column) else {
        return Ok(None);
    };
    let sql = format!(
        "SELECT s.n_distinct::pg_catalog.float8, COALESCE(s.most_common_freqs[1], 0)::pg_catalog.float8,
           GREATEST(c.reltuples, 1)::pg_catalog.float8,
           ARRAY(SELECT {send}(bound) FROM pg_catalog.unnest(s.histogram_bounds::pg_catalog.text::{element}[]) AS bound)
         FROM pg_catalog.pg_stats s
         JOIN pg_catalog.pg_namespace n ON n.nspname = s.schemaname
         JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename
         WHERE s.schemaname = $1 AND s.tablename = $2 AND s.attname = $3 AND s.histogram_bounds IS NOT NULL
         ORDER BY s.inherited DESC LIMIT 1"
    );
    let known = try_to_ask(client, |client| {
        client.query_opt(&sql, &[&table.schema, &table.name, &column])
    })?;
    if let Some(row) = known.flatten() {
        let (distinct, most_common, rows): (f64, f64, f64) = (row.get(0), row.get(1), row.get(2));
        let distinct = if distinct < 0.0 {
            -distinct * rows
        } else {
            distinct
        };
        let bins = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        if !is_alone && (distinct < bins * 2.0 || most_common > 2.0 / bins) {
            return Ok(None);
        }
        let values: Vec<Vec<u8>> = row.get(3);
        let bounds = cut(&numbers(kind, &values), count);
        if !bounds.is_empty() {
            return Ok(Some(bounds));
        }
    }
    if !is_alone {
        return Ok(None);
    }
    let (from, column) = (from(table), quote_ident(column));
    let end =
        |order| format!("SELECT {send}({column}::{element}) FROM {from} ORDER BY {column} {order} LIMIT 1");
    let sql = format!("SELECT ARRAY[({}), ({})]", end("ASC"), end("DESC"));
    let ends = try_to_ask(client, |client| client.query_one(&sql, &[]))?;
    let ends: Vec<Vec<u8>> = ends
        .and_then(|row| row.try_get::<_, Vec<Option<Vec<u8>>>>(0).ok())
        .map_or_else(Vec::new, |ends| ends.into_iter().flatten().collect());
    Ok(Some(cut(&numbers(kind, &ends), count)).filter(|it| !it.is_empty()))
}

/// The type's name and its send function, as SQL.
fn element(table: &Table, column: &str) -> Option<(String, String)> {
    let column = table.columns.iter().find(|it| it.name == column)?;
    let name = column
        .column_type
        .base
        .as_deref()
        .unwrap_or(&column.column_type.name);
    let (name, send) = match name {
        "int2" | "smallint" => ("int2", "int2send"),
        "int4" | "integer" => ("int4", "int4send"),
        "int8" | "bigint" => ("int8", "int8send"),
        "uuid" => ("uuid", "uuid_send"),
        "date" => ("date", "date_send"),
        "timestamp" | "timestamp without time zone" => ("timestamp", "timestamp_send"),
        "timestamptz" | "timestamp with time zone" => ("timestamptz", "timestamptz_send"),
        _ => return None,
    };
    Some((format!("pg_catalog.{name}"), format!("pg_catalog.{send}")))
}

/// What a column's values are ordered by in every database, if anything.
pub fn ordered_kind(table: &Table, column: &str) -> Option<OrderedKind> {
    let (name, _) = element(table, column)?;
    let column = table.columns.iter().find(|it| it.name == column)?;
    let it = &column.column_type;
    let is_built_in = it.schema == ColumnType::BUILT_IN_SCHEMA && !it.text.ends_with("[]");
    (is_built_in || it.base.is_some())
        .then(|| OrderedKind::of_type(name.strip_prefix("pg_catalog.")?))
        .flatten()
}

/// The table as what is read from.
fn from(table: &Table) -> String {
    let only = if table.through_root == Some(ThroughRoot::Root) {
        ""
    } else {
        "ONLY "
    };
    format!("{only}{}", table.qualified_name())
}

/// Without the infinities of moments, which no arithmetic reaches.
fn numbers(kind: OrderedKind, values: &[Vec<u8>]) -> Vec<u128> {
    let last = match kind {
        OrderedKind::Date => i64::from(i32::MAX),
        _ => i64::MAX,
    };
    let first = match kind {
        OrderedKind::Date => i64::from(i32::MIN),
        _ => i64::MIN,
    };
    let is_moment = matches!(kind, OrderedKind::Date | OrderedKind::Timestamp);
    let is_finite = |number: &u128| !is_moment || ![first, last].contains(&OrderedKind::to_integer(*number));
    let numbers = values.iter().filter_map(|it| kind.number(Form::Binary, it));
    numbers.filter(is_finite).collect()
}

/// Cuts what lies between some values, as many rows between each two of them, into `count` ranges; the bounds between
/// these, and one below and one above all of them.
fn cut(values: &[u128], count: usize) -> Vec<u128> {
    let Some(last) = values.len().checked_sub(1).filter(|it| *it > 0) else {
        return Vec::new();
    };
    let ranges = count.saturating_sub(2).max(1);
    let bound = |place: usize| {
        let at = place * last;
        let (value, part) = (at / ranges, at % ranges);
        let low = values.get(value).copied().unwrap_or_default();
        let high = values.get(value + 1).copied().unwrap_or(low);
        let gap = high.saturating_sub(low);
        let (part, ranges) = (part as u128, ranges as u128);
        low + gap / ranges * part + gap % ranges * part / ranges
    };
    let mut bounds: Vec<u128> = (0..=ranges).map(bound).collect();
    bounds.dedup();
    bounds
}

/// A value of a key as SQL; the other way round than [`OrderedKind::number`].
pub(super) fn literal(kind: OrderedKind, number: u128) -> String {
    let integer = OrderedKind::to_integer(number);
    match kind {
        OrderedKind::SmallInt | OrderedKind::Integer | OrderedKind::BigInt => {
            format!("'{integer}'::pg_catalog.int8")
        }
        OrderedKind::Uuid => {
            let uuid = quote_literal(&format!("{number:032x}"));
            format!("{uuid}::pg_catalog.uuid")
        }
        OrderedKind::Date => {
            format!("('2000-01-01'::pg_catalog.date OPERATOR(pg_catalog.+) ({integer}))")
        }
        OrderedKind::Timestamp => {
            const DAY: i64 = 86_400_000_000;
            let (days, rest) = (integer.div_euclid(DAY), integer.rem_euclid(DAY));
            let (seconds, fraction) = (rest / 1_000_000, rest % 1_000_000);
            format!(
                "('2000-01-01 00:00:00'::pg_catalog.timestamp OPERATOR(pg_catalog.+) \
                 pg_catalog.make_interval(days => {days}, secs => {seconds}.{fraction:06}))"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_lie_evenly_between_the_values_that_are_known() {
        assert_eq!(cut(&[0, 100], 7), [0, 20, 40, 60, 80, 100]);
        assert_eq!(cut(&[0, 10, 1000], 4), [0, 10, 1000]);
        assert_eq!(cut(&[7], 4), []);
        assert_eq!(cut(&[0, u128::MAX], 4), [0, u128::MAX / 2, u128::MAX]);
        assert_eq!(cut(&[5, 6], 4096), [5, 6]);
    }

    #[test]
    fn values_are_written_as_the_server_reads_them() {
        let number = |it| OrderedKind::from_integer(it);
        assert_eq!(literal(OrderedKind::Integer, number(-5)), "'-5'::pg_catalog.int8");
        let moment = literal(OrderedKind::Timestamp, number(-1));
        assert!(
            moment.ends_with("make_interval(days => -1, secs => 86399.999999))"),
            "{moment}"
        );
        assert_eq!(
            numbers(OrderedKind::Timestamp, &[i64::MAX.to_be_bytes().to_vec()]),
            []
        );
    }
}
