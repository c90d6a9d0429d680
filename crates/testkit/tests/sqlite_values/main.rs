//! Values of SQLite in both forms of rows, with the server as the judge: what is stored from either must come out as the
//! same bytes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]
#![allow(clippy::print_stdout, reason = "a test says with which seed it began")]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "any number will do as a random one"
)]

mod documents;
mod random_values;

use std::io::{Read, Write};
use std::ops::ControlFlow;

use database::sqlite::{Batch, Choices, NumericBounds, RowEncoder, SqliteSource, Table, TargetType};
use fastrand::Rng;
use fingerprint::{Form, chunk_end, chunk_start};
use postgres::Client;
use rusqlite::types::Value;
use testkit::{Cluster, rounds};

use crate::random_values::fitting;

/// Values of each type in one round.
const ROWS: usize = 20_000;
/// A million of them: there is no use in more rounds.
const ROUNDS_MAX: usize = 50;

#[test]
fn the_server_stores_and_shows_every_value_as_we_write_it() {
    // Faults 36 and 44.
    let database = Cluster::shared().database("values").unwrap();
    database.execute("CREATE EXTENSION citext").unwrap();
    for _ in 0..rounds(1).min(ROUNDS_MAX) {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        check(&mut database.admin().unwrap(), seed);
    }
}

fn check(client: &mut Client, seed: u64) {
    let targets = targets();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("values.sqlite");
    let (text, binary) = encoded(&path, &targets, seed);
    let columns: Vec<String> = (0..)
        .zip(&targets)
        .map(|(at, it)| format!("c{at} {}", it.to_sql()))
        .collect();
    let columns = columns.join(", ");
    client
        .batch_execute(&format!(
            "SET timezone = 'UTC'; DROP TABLE IF EXISTS from_text, from_binary;
             CREATE UNLOGGED TABLE from_text ({columns}); CREATE UNLOGGED TABLE from_binary ({columns})"
        ))
        .unwrap();
    copy_in(client, "from_text FROM STDIN (FORMAT csv)", &text);
    copy_in(client, "from_binary FROM STDIN (FORMAT binary)", &binary);
    for table in ["from_text", "from_binary"] {
        let shown = copy_out(client, table, "binary");
        compare(&tuples(&binary), &tuples(&shown), &targets);
    }
    let shown = copy_out(client, "from_text", "csv");
    let differs = text.iter().zip(&shown).position(|(ours, theirs)| ours != theirs);
    if let Some(at) = differs.or((text.len() != shown.len()).then_some(0)) {
        let near = |bytes: &[u8]| {
            String::from_utf8_lossy(&bytes[at.saturating_sub(60)..bytes.len().min(at + 40)]).into_owned()
        };
        panic!("ours: {}\ntheirs: {}", near(&text), near(&shown));
    }
}

/// The first column numbers the rows.
fn targets() -> Vec<TargetType> {
    let named = "smallint; integer; bigint; boolean; double precision; numeric; numeric(12,2); numeric(1000,500); text; \
                 varchar(12); citext; bytea; date; time; timestamp; timestamptz; json; jsonb; uuid; \
                 date from julian days; timestamp from seconds; timestamp from milliseconds; \
                 timestamptz from julian days";
    let bounds = NumericBounds {
        precision: 40,
        scale: 20,
    };
    let named = named.split(';').map(|it| it.parse().unwrap());
    [TargetType::BigInt]
        .into_iter()
        .chain(named)
        .chain([
            TargetType::MixedNumeric(None),
            TargetType::MixedNumeric(Some(bounds)),
            TargetType::MixedText,
            TargetType::MixedBytea,
        ])
        .collect()
}

/// A file with random values in columns for these types, read again in both forms.
fn encoded(path: &std::path::Path, targets: &[TargetType], seed: u64) -> (Vec<u8>, Vec<u8>) {
    let columns: Vec<String> = (0..targets.len()).map(|at| format!("c{at}")).collect();
    let mut connection = rusqlite::Connection::open(path).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA synchronous = OFF; CREATE TABLE t ({})",
            columns.join(", ")
        ))
        .unwrap();
    // Looked at while it is empty: which types its values would get is not asked here.
    let inspection = SqliteSource::open(path)
        .unwrap()
        .inspect(&Choices::default())
        .unwrap();
    let mut table = inspection.schema.tables[0].clone();
    for (column, target) in table.columns.iter_mut().zip(targets) {
        column.target = *target;
    }
    let transaction = connection.transaction().unwrap();
    let marks = vec!["?"; targets.len()].join(", ");
    let mut insert = transaction
        .prepare(&format!("INSERT INTO t VALUES ({marks})"))
        .unwrap();
    let mut random = Rng::with_seed(seed);
    for number in 0..ROWS {
        let number = Value::Integer(i64::try_from(number).unwrap());
        let values = targets[1..].iter().map(|target| fitting(&mut random, *target));
        insert
            .execute(rusqlite::params_from_iter([number].into_iter().chain(values)))
            .unwrap();
    }
    drop(insert);
    transaction.commit().unwrap();
    let source = SqliteSource::open(path).unwrap();
    let text = rows_of(&source, &table, Form::Text);
    let start = chunk_start(Form::Binary, []);
    let binary = [
        &start,
        &*rows_of(&source, &table, Form::Binary),
        chunk_end(Form::Binary),
    ]
    .concat();
    (text, binary)
}

fn rows_of(source: &SqliteSource, table: &Table, form: Form) -> Vec<u8> {
    let mut encoder = RowEncoder::new(table, form);
    let mut rows = Vec::new();
    let places = encoder.places();
    let read = source.batches(table, &places, &mut |batch: Batch| match encoder.encode(
        &batch,
        &mut rows,
        usize::MAX,
        |_| Ok(()),
    ) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::<database::Error>::Break(error),
    });
    assert!(matches!(read.unwrap(), ControlFlow::Continue(())));
    rows
}

fn copy_in(client: &mut Client, what: &str, bytes: &[u8]) {
    let mut writer = client.copy_in(&format!("COPY {what}")).unwrap();
    writer.write_all(bytes).unwrap();
    assert_eq!(writer.finish().unwrap(), ROWS as u64, "{what}");
}

/// In the order of the first column: rows of different lengths do not stay in the order in which they came.
fn copy_out(client: &mut Client, table: &str, form: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let copy = format!("COPY (TABLE {table} ORDER BY c0) TO STDOUT (FORMAT {form})");
    let mut reader = client.copy_out(&copy).unwrap();
    reader.read_to_end(&mut bytes).unwrap();
    bytes
}

/// The values of all rows, one after the other.
fn tuples(mut rest: &[u8]) -> Vec<Option<&[u8]>> {
    const HEADER_LEN: usize = 19;
    let mut values = Vec::new();
    rest = &rest[HEADER_LEN..];
    loop {
        let (count, after) = rest.split_first_chunk::<2>().unwrap();
        rest = after;
        let Ok(count) = u16::try_from(i16::from_be_bytes(*count)) else {
            assert!(rest.is_empty());
            return values;
        };
        for _ in 0..count {
            let (length, after) = rest.split_first_chunk::<4>().unwrap();
            let length = usize::try_from(i32::from_be_bytes(*length)).ok();
            let (value, after) = after.split_at(length.unwrap_or(0));
            values.push(length.map(|_| value));
            rest = after;
        }
    }
}

fn compare(ours: &[Option<&[u8]>], theirs: &[Option<&[u8]>], targets: &[TargetType]) {
    assert_eq!(ours.len(), theirs.len());
    for (at, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        let target = targets[at % targets.len()];
        assert_eq!(ours, theirs, "{target} in row {}", at / targets.len());
    }
}
