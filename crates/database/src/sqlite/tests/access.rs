//! Rows come from their tables, whatever stands in indexes.

use super::*;

/// Makes a file, and then changes rows behind the back of these indexes, which keep what they had.
fn stale(path: &Path, sql: &str, indexes: &[&str], changes: &str) {
    make(path, sql);
    let names: Vec<String> = indexes.iter().map(|it| format!("'{it}'")).collect();
    let names = names.join(", ");
    let hidden = "CREATE TEMP TABLE hidden AS SELECT * FROM main.sqlite_schema WHERE name IN";
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(&format!(
            "{hidden} ({names}); PRAGMA writable_schema = ON; DELETE FROM main.sqlite_schema WHERE name IN ({names});"
        ))
        .unwrap();
    make(path, changes);
    // The schema is read anew, without the indexes.
    connection
        .execute_batch("INSERT INTO main.sqlite_schema SELECT * FROM hidden")
        .unwrap();
}

#[test]
fn an_index_that_does_not_agree_with_its_table_changes_nothing() {
    // Fault 47.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    // As many rows as before: their number is what `quick_check` asks of an index.
    stale(
        &path,
        "CREATE TABLE w (k TEXT, v INT, UNIQUE (v, k), PRIMARY KEY (k)) WITHOUT ROWID; CREATE INDEX wv ON w (v);
         INSERT INTO w VALUES ('a', 1), ('b', 2);
         CREATE TABLE d (id INTEGER PRIMARY KEY, day DATE, name TEXT NOT NULL COLLATE NOCASE, CHECK (length(name) < 3));
         CREATE UNIQUE INDEX dd ON d (day); CREATE UNIQUE INDEX dn ON d (name);
         INSERT INTO d VALUES (1, '2024-01-01', 'x'), (9, NULL, 'y');
         CREATE TABLE c (id INTEGER PRIMARY KEY, n TEXT REFERENCES p (n)); CREATE TABLE p (n TEXT, m);
         CREATE UNIQUE INDEX pn ON p (n); CREATE INDEX cn ON c (n); INSERT INTO p VALUES ('old', 1), ('kept', 2);
         INSERT INTO c VALUES (1, 'kept'), (8, NULL), (9, NULL)",
        &["wv", "dd", "dn", "pn", "cn"],
        "INSERT INTO w VALUES ('c', 3); DELETE FROM w WHERE k = 'a'; DELETE FROM d WHERE id = 9; DELETE FROM c WHERE id > 7;
         INSERT INTO d VALUES (2, '2024-01-01 00:00:00', 'é'); INSERT INTO p VALUES ('new', 1);
         DELETE FROM p WHERE n = 'old'; INSERT INTO c VALUES (2, 'new'), (3, 'old')",
    );
    let stale: i64 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT count(*) FROM w NOT INDEXED WHERE v = 1", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(stale, 1, "SQLite itself is to be led astray by the index");
    let source = SqliteSource::open(&path).unwrap();
    let orphans = |orphans| Choices {
        orphans,
        ..Choices::default()
    };
    let inspection = source.inspect(&orphans(Orphans::Delete)).unwrap();
    let table = |name: &str| {
        inspection
            .schema
            .tables
            .iter()
            .find(|it| it.name == name)
            .unwrap()
    };
    assert_eq!(
        rows(&source, table("w")),
        [["b", "2"], ["c", "3"]].map(|it| it.map(|it| Some(it.to_owned())).to_vec())
    );
    let children: Vec<_> = rows(&source, table("c"))
        .into_iter()
        .map(|it| it[1].clone())
        .collect();
    assert_eq!(children, [Some("kept".to_owned()), Some("new".to_owned())]);
    assert_eq!(inspection.orphans[0].rows, ["rowid 3"]);
    let notes: Vec<String> = inspection.notes.iter().map(ToString::to_string).collect();
    let says = |text: &str| assert!(notes.iter().any(|it| it.contains(text)), "{text}: {notes:#?}");
    says("rowid 1 and rowid 2");
}

#[test]
fn keys_with_a_nul_are_told_apart() {
    // Fault 45.
    let (source, _folder) = source(
        "CREATE TABLE w (k TEXT PRIMARY KEY, p INT REFERENCES p (id)) WITHOUT ROWID; CREATE TABLE p (id INTEGER PRIMARY KEY);
         INSERT INTO p VALUES (1);
         INSERT INTO w VALUES (CAST(x'610062' AS TEXT), 1), (CAST(x'610063' AS TEXT), 7), (CAST(x'ff' AS TEXT), 8), (x'ff', 1)",
    );
    let bytes = TypeChoice {
        table: "w".to_owned(),
        column: "k".to_owned(),
        target: TargetType::Bytea,
    };
    let choices = Choices {
        types: vec![bytes],
        orphans: Orphans::Delete,
        ..Choices::default()
    };
    let inspection = source.inspect(&choices).unwrap();
    let table = inspection.schema.tables.iter().find(|it| it.name == "w").unwrap();
    assert_eq!(table.row_count, 2);
    let rows: Vec<_> = rows(&source, table)
        .into_iter()
        .map(|it| it[0].clone().unwrap())
        .collect();
    assert_eq!(rows, ["\\x610062", "\\xff"]);
    assert!(
        inspection.orphans[0].rows[0].starts_with("key (CAST(X'610063' AS TEXT))"),
        "{:?}",
        inspection.orphans
    );
}

#[test]
fn orphans_that_come_from_what_is_not_moved_are_told_with_it() {
    let (source, _folder) = source(
        "CREATE TABLE p (id INTEGER PRIMARY KEY, n); CREATE TABLE c (p INT REFERENCES p (id));
         INSERT INTO p VALUES (1, 'seven'), (2, 8); INSERT INTO c VALUES (1), (2)",
    );
    let chosen = TypeChoice {
        table: "p".to_owned(),
        column: "n".to_owned(),
        target: TargetType::BigInt,
    };
    let choices = Choices {
        types: vec![chosen],
        on_bad_value: OnBadValue::Reject,
        ..Choices::default()
    };
    let error = source.inspect(&choices).unwrap_err().to_string();
    assert!(
        error.ends_with("may have one among the rows of p that --on-bad-value reject sets aside"),
        "{error}"
    );
}
