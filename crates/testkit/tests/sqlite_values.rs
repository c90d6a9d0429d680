//! Values of SQLite in both forms of rows, with the server as the judge: what is stored from either must come out as the
//! same bytes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::io::{Read, Write};
use std::ops::ControlFlow;

use database::sqlite::{Batch, Choices, NumericBounds, RowEncoder, SqliteSource, Table, TargetType};
use fastrand::Rng;
use fingerprint::{Form, chunk_end, chunk_start};
use postgres::Client;
use rusqlite::types::{Value, ValueRef};
use testkit::{Cluster, rounds};

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
        let shown = copy_out(client, &format!("{table} TO STDOUT (FORMAT binary)"));
        compare(&tuples(&binary), &tuples(&shown), &targets);
    }
    let shown = copy_out(client, "from_text TO STDOUT (FORMAT csv)");
    let differs = text.iter().zip(&shown).position(|(ours, theirs)| ours != theirs);
    if let Some(at) = differs.or((text.len() != shown.len()).then_some(0)) {
        let near = |bytes: &[u8]| {
            String::from_utf8_lossy(&bytes[at.saturating_sub(60)..bytes.len().min(at + 40)]).into_owned()
        };
        panic!("ours: {}\ntheirs: {}", near(&text), near(&shown));
    }
}

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
    named
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
    for _ in 0..ROWS {
        let values = targets.iter().map(|target| fitting(&mut random, *target));
        insert.execute(rusqlite::params_from_iter(values)).unwrap();
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

fn copy_out(client: &mut Client, what: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut reader = client.copy_out(&format!("COPY {what}")).unwrap();
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

/// A value that `target` holds, or NULL.
fn fitting(random: &mut Rng, target: TargetType) -> Value {
    if random.u8(..20) == 0 {
        return Value::Null;
    }
    (0..20)
        .map(|_| value(random, target))
        .find(|it| target.holds(ValueRef::from(it)))
        .unwrap_or(Value::Null)
}

fn value(random: &mut Rng, target: TargetType) -> Value {
    match target {
        TargetType::SmallInt => Value::Integer(i64::from(random.i16(..))),
        TargetType::Integer => Value::Integer(i64::from(random.i32(..) >> random.u8(..32))),
        TargetType::BigInt => integer(random),
        TargetType::Boolean => match random.u8(..3) {
            0 => Value::Integer(i64::from(random.bool())),
            _ => Value::Text(random.choice(["t", "FALSE", "True", "f"]).unwrap().to_owned()),
        },
        TargetType::Double if random.u8(..4) > 0 => Value::Real(real(random)),
        TargetType::Double => integer(random),
        TargetType::Numeric(Some(NumericBounds { scale: 2, .. })) => {
            let cents = random.i64(-999_999_999_999..=999_999_999_999) >> random.u8(..40);
            Value::Real(cents as f64 / 100.0)
        }
        TargetType::Numeric(_) if random.bool() => integer(random),
        TargetType::Numeric(_) => Value::Real(real(random)),
        TargetType::MixedNumeric(_) => match random.u8(..4) {
            0 => integer(random),
            1 => Value::Real(real(random)),
            _ => Value::Text(decimal(random)),
        },
        TargetType::Text | TargetType::Varchar(_) | TargetType::Citext => Value::Text(text(random)),
        TargetType::Bytea => blob(random, 30),
        TargetType::MixedText => match random.u8(..3) {
            0 => integer(random),
            1 => Value::Real(real(random)),
            _ => Value::Text(text(random)),
        },
        TargetType::MixedBytea => match random.u8(..4) {
            0 => integer(random),
            1 => Value::Real(real(random)),
            2 => blob(random, 30),
            _ => Value::Text(text(random)),
        },
        TargetType::Date => Value::Text(date(random)),
        TargetType::Time => Value::Text(time(random)),
        TargetType::Timestamp if random.u8(..5) == 0 => Value::Text(date(random)),
        TargetType::Timestamp => Value::Text(format!("{}{}{}", date(random), joint(random), time(random))),
        TargetType::TimestampTz => {
            let offset = random
                .choice([
                    "Z", "z", "+00", "-08", "+0530", "+05:30", "-00:45", "+15:59", "-12:00",
                ])
                .unwrap();
            Value::Text(format!(
                "{}{}{}{offset}",
                date(random),
                joint(random),
                time(random)
            ))
        }
        TargetType::DateFrom(_) => Value::Real(f64::from(random.i32(1_700_000..5_400_000)) + 0.5),
        TargetType::TimestampFrom(reading) if reading.to_string() == "seconds" => moment(random, 1.0),
        TargetType::TimestampFrom(_) => moment(random, 1000.0),
        TargetType::TimestampTzFrom(_) => Value::Real(random.f64() * 3_660_000.0 + 1_720_000.0),
        TargetType::Json | TargetType::Jsonb if random.u8(..10) == 0 => Value::Real(real(random)),
        TargetType::Json | TargetType::Jsonb => {
            let mut out = String::new();
            json(random, 0, &mut out);
            Value::Text(out)
        }
        TargetType::Uuid => uuid(random),
        other => panic!("no values for {other}"),
    }
}

fn integer(random: &mut Rng) -> Value {
    let bounds = [
        0,
        1,
        -1,
        i64::MIN,
        i64::MAX,
        10_000,
        99_999_999,
        -10_000,
        1 << 53,
        (1 << 53) + 1,
    ];
    Value::Integer(match random.u8(..8) {
        0 => random.choice(bounds).unwrap(),
        1 => 10_i64.pow(random.u32(..19)) * (random.i64(..9) + 1),
        _ => random.i64(..) >> random.u8(..64),
    })
}

fn real(random: &mut Rng) -> f64 {
    let sign = if random.bool() { 1.0 } else { -1.0 };
    sign * match random.u8(..9) {
        0 => f64::from_bits(random.u64(..1 << 52)),
        // Halves between decimals and between doubles.
        1 => (1_u64 << random.u8(48..54)) as f64 + f64::from(random.u8(..8)) / 4.0,
        2 => format!("1e{}", random.i32(-330..310)).parse().unwrap(),
        3 => random
            .choice([0.0, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY, 5e-324])
            .unwrap(),
        4 => 2_f64.powi(random.i32(-1074..1023)),
        5 => random.i64(..1 << 40) as f64 / 10_f64.powi(random.i32(..9)),
        _ => {
            let value = f64::from_bits(random.u64(..) >> 1);
            if value.is_nan() { 1.5 } else { value }
        }
    }
}

fn decimal(random: &mut Rng) -> String {
    let mut out = String::new();
    out.push_str(random.choice(["", "", "-", "+"]).unwrap());
    let long = if random.u8(..100) == 0 { 1000 } else { 25 };
    let digits = |random: &mut Rng, out: &mut String| {
        let zeros = random.u8(..4) == 0;
        for _ in 0..random.usize(..long) {
            out.push(if zeros && random.u8(..4) > 0 {
                '0'
            } else {
                random.digit(10)
            });
        }
    };
    digits(random, &mut out);
    if random.bool() {
        out.push('.');
        digits(random, &mut out);
    }
    if random.u8(..4) == 0 {
        let exponent = if random.u8(..50) == 0 { 20_000 } else { 40 };
        out.push_str(&format!("e{}", random.i32(-exponent..exponent)));
    }
    out
}

fn text(random: &mut Rng) -> String {
    const ODD: [&str; 18] = [
        ",", "\"", "\n", "\r", "\\", "\\N", "\t", "é", "日", "𝄞", "e\u{301}", "\u{feff}", "'", " ", "\u{7f}",
        "NULL", "A", "z",
    ];
    let len = if random.u8(..200) == 0 {
        5000
    } else {
        random.usize(..15)
    };
    let mut out = String::new();
    for _ in 0..len {
        match random.u8(..3) {
            0 => out.push_str(random.choice(ODD).unwrap()),
            1 => out.push(random.alphanumeric()),
            _ => out.push(random.char('\u{1}'..='\u{2ff}')),
        }
    }
    // Quoted by us wherever it stands, by older servers only where it stands alone.
    if out == "\\." { String::new() } else { out }
}

fn blob(random: &mut Rng, len: usize) -> Value {
    let len = random.usize(..len);
    Value::Blob((0..len).map(|_| random.u8(..)).collect())
}

fn date(random: &mut Rng) -> String {
    if random.u8(..20) == 0 {
        let bounds = [
            "0001-01-01",
            "9999-12-31",
            "2000-02-29",
            "1900-02-28",
            "1999-12-31",
            "0004-02-29",
        ];
        return random.choice(bounds).unwrap().to_owned();
    }
    let year = random.u16(1..=9999);
    format!("{year:04}-{:02}-{:02}", random.u8(1..=12), random.u8(1..=31))
}

fn joint(random: &mut Rng) -> char {
    random.choice(['T', ' ']).unwrap()
}

fn time(random: &mut Rng) -> String {
    let minutes = format!("{:02}:{:02}", random.u8(..24), random.u8(..60));
    match random.u8(..4) {
        0 => minutes,
        1 => format!("{minutes}:{:02}", random.u8(..60)),
        2 => "23:59:59.999999".to_owned(),
        _ => {
            let (second, micros) = (random.u8(..60), random.u32(..1_000_000));
            format!(
                "{minutes}:{second:02}.{:.*}",
                random.usize(1..=6),
                format!("{micros:06}")
            )
        }
    }
}

/// A number of seconds, times `factor`, around the years that are read.
fn moment(random: &mut Rng, factor: f64) -> Value {
    let seconds = random.i64(-62_200_000_000..253_500_000_000) >> random.u8(..30);
    match random.u8(..3) {
        0 => Value::Real((seconds >> 8) as f64 * factor + f64::from(random.u8(..64)) / 64.0),
        1 => Value::Text(format!("{seconds}.{}", random.u16(..1000))),
        _ => Value::Integer(seconds * factor as i64 + random.i64(..factor as i64)),
    }
}

fn json(random: &mut Rng, depth: usize, out: &mut String) {
    let blank = |random: &mut Rng, out: &mut String| {
        out.push_str(random.choice(["", "", "", " ", "\n\t", "\r "]).unwrap());
    };
    blank(random, out);
    let kinds = if depth > 4 { 4 } else { 8 };
    match random.u8(..kinds) {
        0 => out.push_str(random.choice(["null", "true", "false"]).unwrap()),
        1 => json_text(random, out),
        2 | 3 => json_number(random, out),
        4 | 5 => {
            out.push('[');
            for place in 0..random.u8(..5) {
                if place > 0 {
                    out.push(',');
                }
                json(random, depth + 1, out);
            }
            out.push(']');
        }
        _ => {
            out.push('{');
            for place in 0..random.u8(..8) {
                if place > 0 {
                    out.push(',');
                }
                blank(random, out);
                match random.u8(..3) {
                    0 => json_text(random, out),
                    // Names that come twice, that differ in length alone, and that are the same without escapes.
                    1 => out.push_str(
                        random
                            .choice(["\"a\"", "\"\\u0061\"", "\"b\"", "\"aa\"", "\"\""])
                            .unwrap(),
                    ),
                    _ => out.push_str(&format!("\"{}\"", random.alphabetic())),
                }
                blank(random, out);
                out.push(':');
                json(random, depth + 1, out);
            }
            out.push('}');
        }
    }
    blank(random, out);
}

fn json_text(random: &mut Rng, out: &mut String) {
    const ESCAPES: [&str; 14] = [
        "\\\"",
        "\\\\",
        "\\/",
        "\\b",
        "\\f",
        "\\n",
        "\\r",
        "\\t",
        "\\u0001",
        "\\u001F",
        "\\u00e9",
        "\\uD834\\uDD1E",
        "\\u005c",
        "\\u2028",
    ];
    out.push('"');
    for _ in 0..random.u8(..8) {
        match random.u8(..3) {
            0 => out.push_str(random.choice(ESCAPES).unwrap()),
            // What jsonb refuses, and what json keeps.
            _ if random.u16(..2000) == 0 => out.push_str(random.choice(["\\u0000", "\\ud834"]).unwrap()),
            1 => out.push(random.alphanumeric()),
            _ => {
                let letter = random.char(' '..='\u{ffff}');
                out.push(if matches!(letter, '"' | '\\') {
                    '\u{7f}'
                } else {
                    letter
                });
            }
        }
    }
    out.push('"');
}

fn json_number(random: &mut Rng, out: &mut String) {
    let number = match random.u8(..4) {
        0 => format!("{}", random.i32(-100..100)),
        1 => format!("-0.{}", random.u16(..)),
        2 => format!("{}.{:05}e{}", random.u8(..), random.u16(..), random.i8(-40..40)),
        _ => format!(
            "{}E+{}",
            random.u64(..),
            random.u16(..if random.u8(..50) == 0 { 400 } else { 20 })
        ),
    };
    out.push_str(&number);
}

fn uuid(random: &mut Rng) -> Value {
    let bytes: Vec<u8> = (0..16).map(|_| random.u8(..)).collect();
    let hex: String = bytes.iter().map(|it| format!("{it:02x}")).collect();
    let hyphenated = format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    );
    match random.u8(..5) {
        0 => Value::Blob(bytes),
        1 => Value::Text(hex),
        2 => Value::Text(format!("{{{hyphenated}}}")),
        3 => Value::Text(hyphenated.to_uppercase()),
        _ => Value::Text(hyphenated),
    }
}
