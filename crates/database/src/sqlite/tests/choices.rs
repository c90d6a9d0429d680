//! Facts about types that somebody has chosen, and about what becomes of values that do not fit them.

use super::super::*;
use super::{rows, source};

fn types(choices: &[(&str, &str, &str)]) -> Vec<TypeChoice> {
    let choice = |&(table, column, target): &(&str, &str, &str)| TypeChoice {
        table: table.to_owned(),
        column: column.to_owned(),
        target: target.parse().unwrap(),
    };
    choices.iter().map(choice).collect()
}

fn choices(chosen: &[(&str, &str, &str)], on_bad_value: OnBadValue) -> Choices {
    Choices {
        types: types(chosen),
        on_bad_value,
        orphans: Orphans::Keep,
        ..Choices::default()
    }
}

const ORDERS: &str = "
    CREATE TABLE orders (id INTEGER PRIMARY KEY, qty INTEGER NOT NULL, qty_text TEXT, \"at\" TEXT);
    INSERT INTO orders VALUES (1, 5, 'a', '2024-01-01'), (2, 'seven', 'b', 'never'), (3, 70000, NULL, NULL),
        (4, 1.5, 'd' || char(0), '2024-01-02')";

/// What becomes of the orders' columns and rows, and what is said of it.
fn check(
    on_bad_value: OnBadValue,
    columns: &[&str],
    expected: &[&[Option<&str>]],
    said: &[(&str, u64, Fate)],
) {
    let (source, _folder) = source(ORDERS);
    let chosen = choices(
        &[("Orders", "QTY", "smallint"), ("orders", "at", "date")],
        on_bad_value,
    );
    let found = source.inspect(&chosen).unwrap();
    let (table, in_catalog) = (&found.schema.tables[0], &found.catalog.tables[0]);
    let types: Vec<String> = in_catalog
        .columns
        .iter()
        .map(|it| {
            let null = if it.not_null { " NOT NULL" } else { "" };
            format!("{} {}{null}", it.name, it.column_type.text)
        })
        .collect();
    assert_eq!(types, columns, "{on_bad_value:?}");
    let strings: Vec<Vec<Option<&str>>> = expected.iter().map(|it| it.to_vec()).collect();
    let read = rows(&source, table);
    let read: Vec<Vec<Option<&str>>> = read
        .iter()
        .map(|it| it.iter().map(Option::as_deref).collect())
        .collect();
    assert_eq!(read, strings, "{on_bad_value:?}");
    assert_eq!(table.row_count, expected.len() as u64);
    let discards: Vec<(&str, u64, Fate)> = found
        .discards
        .iter()
        .map(|it| (it.column.as_str(), it.rows, it.fate.clone()))
        .collect();
    assert_eq!(discards, said, "{on_bad_value:?}");
}

#[test]
fn values_that_do_not_fit_get_the_fate_that_was_chosen() {
    check(
        OnBadValue::Null,
        &["id bigint NOT NULL", "qty smallint", "qty_text text", "at date"],
        &[
            &[Some("1"), Some("5"), Some("a"), Some("2024-01-01")],
            &[Some("2"), None, Some("b"), None],
            &[Some("3"), None, None, None],
            &[Some("4"), None, None, Some("2024-01-02")],
        ],
        &[
            ("qty", 3, Fate::Null),
            ("qty_text", 1, Fate::Null),
            ("at", 1, Fate::Null),
        ],
    );
    let kept = |column: &str| Fate::Kept {
        column: column.to_owned(),
    };
    check(
        OnBadValue::TextColumn,
        &[
            "id bigint NOT NULL",
            "qty smallint",
            "qty_text text",
            "at date",
            "qty_text2 text",
            "qty_text_text bytea",
            "at_text text",
        ],
        &[
            &[
                Some("1"),
                Some("5"),
                Some("a"),
                Some("2024-01-01"),
                None,
                None,
                None,
            ],
            &[
                Some("2"),
                None,
                Some("b"),
                None,
                Some("seven"),
                None,
                Some("never"),
            ],
            &[Some("3"), None, None, None, Some("70000"), None, None],
            &[
                Some("4"),
                None,
                None,
                Some("2024-01-02"),
                Some("1.5"),
                Some("\\x6400"),
                None,
            ],
        ],
        &[
            ("qty", 3, kept("qty_text2")),
            ("qty_text", 1, kept("qty_text_text")),
            ("at", 1, kept("at_text")),
        ],
    );
    // A row that several columns reject counts for the first of them.
    check(
        OnBadValue::Reject,
        &[
            "id bigint NOT NULL",
            "qty smallint NOT NULL",
            "qty_text text",
            "at date",
        ],
        &[&[Some("1"), Some("5"), Some("a"), Some("2024-01-01")]],
        &[("qty", 3, Fate::Rejected)],
    );
}

#[test]
fn a_type_that_values_contradict_is_refused_with_rows_and_without_values() {
    let (source, _folder) = source(ORDERS);
    let error = source
        .inspect(&choices(&[("orders", "qty", "smallint")], OnBadValue::Stop))
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("orders.qty: 1 integer, 1 real, 1 text do not fit smallint (rowid 2, 3, 4)")
            && text.contains("orders.qty_text hold a NUL"),
        "{text}"
    );
    assert!(
        !text.contains("seven") && error.hint().unwrap().contains("--on-bad-value"),
        "{text}"
    );
    assert_eq!(error.names()[0], "orders.qty of 2 is 'seven'");
}

/// Fault 45.
#[test]
fn texts_of_any_bytes_fit_bytea_and_numbers_fit_text() {
    let (source, _folder) = source(ORDERS);
    let chosen = choices(
        &[("orders", "qty_text", "bytea"), ("orders", "qty", "text")],
        OnBadValue::Stop,
    );
    let found = source.inspect(&chosen).unwrap();
    assert_eq!(found.discards, []);
    assert_eq!(
        rows(&source, &found.schema.tables[0])[3],
        [Some("4"), Some("1.5"), Some("\\x6400"), Some("2024-01-02")].map(|it| it.map(str::to_owned))
    );
}

#[test]
fn a_choice_of_what_is_not_there_names_what_is_near() {
    let (source, _folder) = source(&format!("{ORDERS}; CREATE VIEW recent AS SELECT 1"));
    for (table, column, says) in [
        (
            "order",
            "qty",
            "the file has no table order, which is given a type (near it is orders)",
        ),
        (
            "orders",
            "quty",
            "table orders has no column quty, which is given a type (near it is qty)",
        ),
        (
            "recent",
            "qty",
            "recent is no table whose rows are moved, which is given a type (",
        ),
    ] {
        let error = source
            .survey(&choices(&[(table, column, "text")], OnBadValue::Stop))
            .unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Selection);
        let text = format!("{error} ({})", error.hint().unwrap_or_default());
        assert!(text.starts_with(says), "{text}");
    }
    let twice = choices(
        &[("orders", "qty", "text"), ("ORDERS", "Qty", "text")],
        OnBadValue::Stop,
    );
    assert_eq!(
        source.survey(&twice).unwrap_err().to_string(),
        "ORDERS.Qty is given a type twice"
    );
}

#[test]
fn keys_are_judged_by_the_rows_that_are_moved() {
    let (source, _folder) = source(
        "CREATE TABLE parents (id INTEGER PRIMARY KEY, code TEXT UNIQUE, n INT);
         INSERT INTO parents VALUES (1, 'a', 1), (2, 'b', 'x'), (3, NULL, 3);
         CREATE TABLE children (a INT, b TEXT, parent INT REFERENCES parents, PRIMARY KEY (a, b)) WITHOUT ROWID;
         INSERT INTO children VALUES (1, 'x', 1), (2, 'y', 2), (3, 'z', 3);
         CREATE TABLE hidden (rowid TEXT, _rowid_ INT, oid INT); INSERT INTO hidden VALUES ('a', 1, 1), ('b', 2, 'c')",
    );
    let chosen = [
        ("parents", "n", "bigint"),
        ("children", "b", "date"),
        ("hidden", "oid", "bigint"),
    ];
    let found = source
        .inspect(&choices(&chosen[..1], OnBadValue::Reject))
        .unwrap();
    assert!(
        found.post_data.contains("NOT VALID"),
        "its parent is rejected: {}",
        found.post_data
    );
    let mut rejected = Vec::new();
    let read = source.rejected_rows::<()>(&found.schema.tables[2], &mut |row| {
        rejected.push(row.clone());
        std::ops::ControlFlow::Continue(())
    });
    assert!(read.unwrap().is_continue());
    assert_eq!(
        rejected,
        [RejectedRow {
            label: "2".to_owned(),
            column: "n".to_owned(),
            reason: "text 'x' does not fit bigint".to_owned(),
            values: ["2", "b", "x"].map(|it| Some(it.to_owned())).to_vec(),
            hex: Vec::new(),
        }]
    );
    let found = source.survey(&choices(&chosen, OnBadValue::Stop)).unwrap();
    let said: Vec<String> = found.blockers.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "children.b: 3 texts do not fit date (key (1, x), (2, y), (3, z))",
            "hidden.oid: 1 text does not fit bigint (row 2)",
            "parents.n: 1 text does not fit bigint (rowid 2)",
        ]
    );
}

#[test]
fn a_key_of_another_type_counts_no_longer() {
    let (source, _folder) = source(
        "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (7), (40000);
         CREATE TABLE u (id INTEGER PRIMARY KEY); INSERT INTO u VALUES (7)",
    );
    let identity = |target: &str, on_bad_value| {
        let found = source
            .inspect(&choices(
                &[("t", "id", target), ("u", "id", target)],
                on_bad_value,
            ))
            .unwrap();
        let columns = found
            .catalog
            .tables
            .iter()
            .map(|it| it.columns[0].identity.is_some());
        columns.collect::<Vec<_>>()
    };
    assert_eq!(identity("text", OnBadValue::Stop), [false, false]);
    assert_eq!(identity("smallint", OnBadValue::Null), [false, true]);
    assert_eq!(identity("smallint", OnBadValue::Reject), [true, true]);
}

/// Fault 45.
#[test]
fn blobs_among_more_texts_are_bad_values_where_texts_are_declared() {
    let (source, _folder) = source(
        "CREATE TABLE t (few VARCHAR(9), many TEXT, loose);
         INSERT INTO t VALUES ('a', x'01', 'c'), (x'ff', x'02', x'03'), ('b', 'x', 'd')",
    );
    let check = |on_bad_value, types: [&str; 3], said: &[(&str, u64, Fate)]| {
        let found = source.inspect(&choices(&[], on_bad_value)).unwrap();
        let columns = found.catalog.tables[0].columns.iter();
        let found_types: Vec<&str> = columns.map(|it| it.column_type.text.as_str()).take(3).collect();
        assert_eq!(found_types, types, "{on_bad_value:?}");
        let discards: Vec<(&str, u64, Fate)> = found
            .discards
            .iter()
            .map(|it| (it.column.as_str(), it.rows, it.fate.clone()))
            .collect();
        assert_eq!(discards, said, "{on_bad_value:?}");
        let bytes = found.notes.iter().filter(|it| it.kind == NoteKind::Bytes);
        bytes.map(ToString::to_string).collect::<Vec<_>>()
    };
    let notes = check(OnBadValue::Stop, ["bytea"; 3], &[]);
    assert_eq!(notes.len(), 3, "{notes:?}");
    assert!(
        notes[0].contains("1 of 3 values do not fit character varying(9) (rowid 2): becomes bytea")
            && notes[0].contains("--on-bad-value"),
        "{notes:?}"
    );
    assert!(!notes[1].contains("--on-bad-value"), "{notes:?}");
    let types = ["character varying(9)", "bytea", "bytea"];
    check(OnBadValue::Null, types, &[("few", 1, Fate::Null)]);
    check(OnBadValue::Reject, types, &[("few", 1, Fate::Rejected)]);
    let kept = Fate::Kept {
        column: "few_text".to_owned(),
    };
    check(OnBadValue::TextColumn, types, &[("few", 1, kept)]);
}

#[test]
fn everything_in_the_way_is_told_at_once() {
    let (source, _folder) = source(
        "CREATE TABLE parents (id INTEGER PRIMARY KEY, code TEXT UNIQUE, ctid INT, n TEXT);
         INSERT INTO parents VALUES (1, 'a', 1, '1'), (2, 'b' || char(0), 2, 'x');
         CREATE TABLE children (parent INT REFERENCES parents, code TEXT REFERENCES parents (code));
         INSERT INTO children VALUES (7, 'a'), (1, 'c')",
    );
    let choices = Choices {
        types: types(&[("parents", "n", "bigint")]),
        ..Choices::default()
    };
    let found = source.survey(&choices).unwrap();
    let said: Vec<String> = found.blockers.iter().map(ToString::to_string).collect();
    // Who has a parent among texts that stand in the way is open.
    assert_eq!(
        said,
        [
            "1 values of parents.code hold a NUL or are not UTF-8 (rowid 2)",
            "parents.n: 2 texts do not fit bigint (rowid 1, 2)",
            "parents.ctid has the name of a system column",
            "1 row of children (parent) has no parent in parents (id): rowid 1",
        ]
    );
    assert_eq!((found.catalog.tables.len(), found.orphans.len()), (2, 1));
}
