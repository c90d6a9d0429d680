//! Our framing of rows in CSV against the server's: what one writes, the other reads, and both mean the same values.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::cell::RefCell;
use std::io::{Read, Write};

use fingerprint::{Fingerprint, Form, RowScanner, encode_row, scan_chunk, wrap_chunk};
use postgres::Client;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use testkit::Cluster;

type Row = (Option<String>, Option<String>);

const NAMES: [&str; 2] = ["a", "b"];

/// Text that CSV has to be careful with, and any other that a server takes.
fn value() -> impl Strategy<Value = Option<String>> {
    let piece = prop_oneof![
        Just("\"".to_owned()),
        Just(",".to_owned()),
        Just("\n".to_owned()),
        Just("\r".to_owned()),
        Just("\\.".to_owned()),
        Just("\\N".to_owned()),
        Just(" ".to_owned()),
        "[^\0]",
    ];
    prop::option::of(prop::collection::vec(piece, 0..5).prop_map(|it| it.concat()))
}

fn bytes(row: &Row) -> [Option<&[u8]>; 2] {
    [
        row.0.as_deref().map(str::as_bytes),
        row.1.as_deref().map(str::as_bytes),
    ]
}

fn encoded(rows: &[Row]) -> Vec<u8> {
    let mut csv = Vec::new();
    for row in rows {
        encode_row(bytes(row), &mut csv);
    }
    csv
}

/// What the server sends for the table, framed as it arrives in pieces.
fn scanned(client: &mut Client, form: Form) -> Fingerprint {
    let format = if form == Form::Text { "csv" } else { "binary" };
    let mut stream = Vec::new();
    let sql = format!("COPY pg_temp.t TO STDOUT (FORMAT {format})");
    client.copy_out(&sql).unwrap().read_to_end(&mut stream).unwrap();
    let mut scanner = RowScanner::new(form, 2);
    stream.chunks(7).for_each(|piece| scanner.push(piece).unwrap());
    scanner.finish().unwrap().fingerprint
}

#[test]
fn rows_mean_the_same_to_us_and_to_the_server() {
    let database = Cluster::shared().database("framing").unwrap();
    let mut client = database.admin().unwrap();
    client
        .batch_execute("CREATE TEMPORARY TABLE t (a text, b text)")
        .unwrap();
    let mut runner = TestRunner::new(Config {
        cases: 300,
        failure_persistence: None,
        ..Config::default()
    });
    let rows = prop::collection::vec((value(), value()), 0..8);
    let client = RefCell::new(client);
    runner
        .run(&rows, |rows| {
            let mut client = client.borrow_mut();
            let csv = encoded(&rows);
            let chunk = wrap_chunk(Form::Text, NAMES, csv.clone());
            client.batch_execute("TRUNCATE pg_temp.t").unwrap();
            let mut writer = client
                .copy_in("COPY pg_temp.t FROM STDIN (FORMAT csv, HEADER)")
                .unwrap();
            writer.write_all(&chunk).unwrap();
            prop_assert_eq!(writer.finish().unwrap(), rows.len() as u64);
            let mut expected = rows.clone();
            let mut stored: Vec<Row> = client
                .query("SELECT a, b FROM pg_temp.t", &[])
                .unwrap()
                .iter()
                .map(|it| (it.get(0), it.get(1)))
                .collect();
            expected.sort();
            stored.sort();
            prop_assert_eq!(stored, expected);
            let ours = scan_chunk(Form::Text, NAMES, &chunk).unwrap();
            prop_assert_eq!(scanned(&mut client, Form::Text), ours);
            // Text values have the same bytes in both forms, so even the sums agree.
            prop_assert_eq!(scanned(&mut client, Form::Binary).sum(), ours.sum());
            Ok(())
        })
        .unwrap();
}

#[test]
fn tables_without_columns_count_their_rows() {
    let database = Cluster::shared().database("framing").unwrap();
    let mut client = database.admin().unwrap();
    client
        .batch_execute("CREATE TABLE t (); INSERT INTO t DEFAULT VALUES; INSERT INTO t DEFAULT VALUES")
        .unwrap();
    for (form, format) in [(Form::Text, "csv"), (Form::Binary, "binary")] {
        let mut stream = Vec::new();
        client
            .copy_out(&format!("COPY t TO STDOUT (FORMAT {format})"))
            .unwrap()
            .read_to_end(&mut stream)
            .unwrap();
        let mut scanner = RowScanner::new(form, 0);
        scanner.push(&stream).unwrap();
        assert_eq!(scanner.finish().unwrap().fingerprint.rows, 2, "{form}");
    }
}
