//! Facts about the one pass: the counts say of every type what it would refuse, whoever counted which part.

use proptest::prelude::*;
use rusqlite::Connection;
use rusqlite::types::{Value, ValueRef};

use super::kind::Traits;
use super::pass;
use super::profile::Profile;
use super::sample::RowLabel;
use crate::sqlite::schema::Schema;
use crate::sqlite::{NumericBounds, OnBadValue, Reading, TargetType};

/// Every type, with the bounds that tell values apart.
fn targets() -> Vec<TargetType> {
    let numeric = |precision, scale| TargetType::Numeric(Some(NumericBounds { precision, scale }));
    let mut all = vec![
        TargetType::SmallInt,
        TargetType::BigInt,
        TargetType::Boolean,
        TargetType::Double,
        TargetType::Numeric(None),
        numeric(1, 0),
        numeric(5, 2),
        numeric(10, 10),
        numeric(18, 3),
        numeric(400, 330),
        TargetType::Text,
        TargetType::MixedText,
        TargetType::Varchar(1),
        TargetType::Varchar(7),
        TargetType::Varchar(36),
        TargetType::Bytea,
        TargetType::MixedBytea,
        TargetType::Date,
        TargetType::Time,
        TargetType::Timestamp,
        TargetType::TimestampTz,
        TargetType::Json,
        TargetType::Jsonb,
        TargetType::Integer,
        TargetType::Citext,
        TargetType::MixedNumeric(None),
        TargetType::MixedNumeric(Some(NumericBounds {
            precision: 8,
            scale: 3,
        })),
        TargetType::Uuid,
    ];
    for reading in Reading::ALL {
        all.extend([
            TargetType::DateFrom(reading),
            TargetType::TimestampFrom(reading),
            TargetType::TimestampTzFrom(reading),
        ]);
    }
    all
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        prop_oneof![
            any::<i64>(),
            -3_i64..4,
            any::<i16>().prop_map(i64::from),
            any::<i32>().prop_map(i64::from),
            (0_u32..63, -2_i64..3).prop_map(|(bits, step)| (1_i64 << bits).wrapping_add(step)),
            (0_u32..63, -2_i64..3).prop_map(|(bits, step)| (-1_i64 << bits).wrapping_add(step)),
            -100_000_000_000_000_i64..1_000_000_000_000_000,
            // Moments, and the first and last of them.
            (edge(), prop_oneof![Just(1_i64), Just(1000)], -2_i64..3)
                .prop_map(|(edge, unit, step)| edge * unit + step),
            (
                -800_000_i64..3_000_000,
                prop_oneof![Just(86_400_i64), Just(86_400_000)]
            )
                .prop_map(|(day, unit)| day * unit),
            1_721_420_i64..1_721_430,
            5_373_480_i64..5_373_490,
        ]
        .prop_map(Value::Integer),
        prop_oneof![
            any::<f64>().prop_filter("SQLite has no NaN", |it| !it.is_nan()),
            (any::<i32>(), 0_i32..7).prop_map(|(digits, scale)| f64::from(digits) / 10_f64.powi(scale)),
            ("-?[0-9]{1,18}e-[0-9]").prop_map(|it| it.parse().unwrap()),
            Just(0.0),
            Just(-0.0),
            Just(0.1 + 0.2),
            Just(f64::INFINITY),
            Just(f64::NEG_INFINITY),
            2_400_000.0..2_500_000.0,
            (edge(), -4_i32..5)
                .prop_map(|(edge, step)| edge.to_string().parse::<f64>().unwrap() + f64::from(step) / 4.0),
            (1_721_420_i32..1_721_430, 0_i32..5)
                .prop_map(|(day, step)| f64::from(day) + f64::from(step) / 4.0),
            (5_373_482_i32..5_373_487, -3_i32..4)
                .prop_map(|(day, step)| f64::from(day) + 0.5 + f64::from(step) * 1e-9),
            (2_400_000_i32..2_500_000).prop_map(|day| f64::from(day) + 0.5),
            (any::<i32>(), 0_i32..8)
                .prop_map(|(digits, scale)| 1.7e9 + f64::from(digits) / 10_f64.powi(scale)),
            0.0..5e12,
        ]
        .prop_map(Value::Real),
        text().prop_map(Value::Text),
        prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..20),
            proptest::collection::vec(any::<u8>(), 16)
        ]
        .prop_map(Value::Blob),
    ]
}

/// The first and the last second of the years that are read, since 1970.
fn edge() -> impl Strategy<Value = i64> {
    prop_oneof![Just(-62_135_596_800_i64), Just(253_402_300_800)]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        "[a-z]{0,8}",
        "[tTfF]|[tT][rR][uU][eE]|[fF]alse|null|yes",
        "[+-]?[0-9]{0,22}(\\.[0-9]{0,6})?([eE][+-]?[0-9]{1,3})?",
        "1?[0-9]{9,12}(\\.[0-9]{1,7})?|24[0-9]{5}(\\.5)?|[.][0-9]{1,3}|[0-9]{1,3}[.]|0e-?[0-9]{1,6}",
        "[ 0]?[0-9]{1,40}( |\\.5)?",
        "[0-2][0-9]{3}-[01][0-9]-[0-3][0-9]",
        "[0-2][0-9]{3}-[01][0-9]-[0-3][0-9][T ]([01][0-9]:[0-5][0-9]|00:00)(:00|:[0-6][0-9](\\.[0-9]{1,8})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?",
        "000[01]-01-01 00:00(Z|\\+01|-01)?|9999-12-31 23:59:59(Z|\\+01|-01)?",
        "[0-2]?[0-9]:[0-6][0-9](:[0-6][0-9](\\.[0-9]{1,7})?)?Z?",
        "\\{?[0-9a-fA-F]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\\}?",
        "[0-9a-f]{31,33}",
        document().prop_map(|it| it.to_string()),
        document().prop_map(|it| format!(" {it:#}\n")),
        "[{\\[\"]?(\"[ab]\": ?[0-9]e?[0-9]{0,3},? ?){0,3}[}\\]\"]?",
        "\"(a|\\\\u0000|\\\\ud800|\\\\ud83d\\\\ude00|\\\\n|\\\\q)*\"",
        Just("a\0b".to_owned()),
        Just("[".repeat(200)),
        "[a-zä]{1020,1100}",
    ]
}

fn document() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "\\PC{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            proptest::collection::vec(("[a-c]{1,2}", inner), 0..4)
                .prop_map(|it| serde_json::Value::Object(it.into_iter().collect())),
        ]
    })
}

fn profile_of(values: &[Value], first: usize) -> Profile {
    let mut profile = Profile::default();
    for (at, value) in values.iter().enumerate() {
        let place = (first + at) as u64;
        profile.add(ValueRef::from(value), place, || RowLabel::Place);
    }
    profile
}

/// Text whose bytes are none, which only the file can hold.
const MALFORMED: [&[u8]; 4] = [
    b"caf\xe9",
    b"\xed\xa0\x80",
    b"2024-01-01\xff",
    b"{\"a\": \"\xff\"}",
];

proptest! {
    /// This is the proof that one pass is enough.
    #[test]
    fn profile_tells_what_every_type_refuses(values in proptest::collection::vec(value(), 1..40)) {
        let profile = profile_of(&values, 0);
        for target in targets() {
            let refused = |value: &Value| {
                *value != Value::Null && target.write(ValueRef::from(value), &mut Vec::new()).is_err()
            };
            let rows: Vec<String> = (1..).zip(&values).filter(|(_, it)| refused(it)).map(|(at, _)| at.to_string()).collect();
            let misfits = profile.misfits(target);
            prop_assert_eq!(misfits.count, rows.len() as u64, "{:?} of {:?}", target, values);
            prop_assert_eq!(&misfits.rows[..], &rows[..rows.len().min(10)]);
            prop_assert_eq!(profile.fits(target), rows.is_empty());
        }
    }

    #[test]
    fn parts_make_the_same_profile_in_any_order(
        values in proptest::collection::vec(value(), 1..60),
        cuts in proptest::collection::vec(0_usize..60, 0..5),
        order in any::<proptest::sample::Index>(),
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|it| it.min(values.len())).chain([0, values.len()]).collect();
        cuts.sort_unstable();
        let mut parts: Vec<Profile> = cuts.windows(2).map(|it| profile_of(&values[it[0]..it[1]], it[0])).collect();
        let turn = order.index(parts.len());
        parts.rotate_left(turn);
        parts.reverse();
        let mut merged = Profile::default();
        for part in parts {
            merged.merge(part);
        }
        prop_assert_eq!(merged.sorted(), profile_of(&values, 0).sorted());
    }

    /// Where lengths share a class, zero is still exact.
    #[test]
    fn longest_text_decides(lengths in proptest::collection::vec(1000_usize..3000, 1..5), most in 900_u32..3100) {
        let values: Vec<Value> = lengths.iter().map(|&it| Value::Text("x".repeat(it))).collect();
        let over = lengths.iter().filter(|&&it| it > most as usize).count() as u64;
        let misfits = profile_of(&values, 0).misfits(TargetType::Varchar(most)).count;
        prop_assert!(misfits >= over && (misfits == 0) == (over == 0));
    }
}

/// Fault 44. The table is larger than what one thread takes at a time.
#[test]
fn rows_are_named_alike_however_many_threads_look() {
    let numbers = "WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n WHERE x < 6000)";
    let value = "CASE WHEN x % 500 = 0 THEN 'bad' ELSE zeroblob(700) END FROM n";
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch(&format!(
            "CREATE TABLE a (v BLOB);
             CREATE TABLE b (k TEXT, n INT, v BLOB, PRIMARY KEY (n, k)) WITHOUT ROWID;
             CREATE TABLE c (rowid INT, _rowid_ INT, oid BLOB);
             INSERT INTO a(rowid, v) {numbers} SELECT x + 100, {value};
             INSERT INTO b {numbers} SELECT 'k' || x, -x, {value};
             INSERT INTO c {numbers} SELECT 0, 0, {value}"
        ))
        .unwrap();
    let expected = [
        ["600", "1100", "1600", "2100"],
        [
            "(-6000, k6000)",
            "(-5500, k5500)",
            "(-5000, k5000)",
            "(-4500, k4500)",
        ],
        ["500", "1000", "1500", "2000"],
    ];
    let tables = Schema::read(&connection).unwrap().tables;
    for (table, expected) in tables.iter().zip(expected) {
        let (rows, profiles, _) = pass::read(&connection, table).unwrap();
        assert_eq!(rows, 6000);
        let misfits = profiles.last().unwrap().misfits(TargetType::Bytea);
        assert_eq!(
            (misfits.count, &misfits.rows[..4]),
            (12, &expected.map(str::to_owned)[..])
        );
        assert_eq!(misfits.rows.len(), 10);
    }
}

#[test]
fn report_names_what_the_declared_type_refuses() {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch(
            "CREATE TABLE t (n INTEGER, s TEXT(3));
             INSERT INTO t(rowid, n, s) VALUES (1, 5, 'abc'), (2, 'x', 'abcd'), (9, NULL, '')",
        )
        .unwrap();
    let mut tables = Schema::read(&connection).unwrap().tables;
    let census = super::take(
        &connection,
        &mut tables[0],
        &[None, None],
        super::OnBadValue::Stop,
    )
    .unwrap();
    let on_bad_value = OnBadValue::default();
    super::settle(
        &mut tables[0],
        &census,
        on_bad_value,
        &mut Vec::new(),
        &mut Vec::new(),
    );
    let report = serde_json::to_value(census.report(&tables[0])).unwrap();
    let (n, s) = (&report["columns"][0], &report["columns"][1]);
    assert_eq!(report["rows"], 3);
    assert_eq!(report["rows_by"], "rowid");
    assert_eq!(
        n["refused"],
        serde_json::json!({"type": "bigint", "count": 1, "rows": ["2"]})
    );
    assert_eq!(n["becomes"], "text");
    assert_eq!(n["reason"], "1 of 2 values do not fit bigint (rowid 2)");
    assert_eq!(n["kinds"]["null"]["rows"], serde_json::json!(["9"]));
    assert_eq!(
        s["beyond_declared_length"],
        serde_json::json!({"count": 1, "rows": ["2"]})
    );
    assert_eq!(s["kinds"]["empty_text"]["count"], 1);
    assert_eq!(s["reason"], "all 3 values fit the declared type");
}

#[test]
fn malformed_text_is_held_as_bytes_alone() {
    for text in MALFORMED {
        for target in targets() {
            let mut profile = Profile::default();
            profile.add(ValueRef::Text(text), 0, || RowLabel::Rowid(7));
            let fits = target.write(ValueRef::Text(text), &mut Vec::new()).is_ok();
            assert_eq!(profile.fits(target), fits, "{target:?} of {text:?}");
            assert_eq!(fits, target == TargetType::MixedBytea);
        }
        assert!(Traits::of(ValueRef::Text(text)).is_some());
    }
}
