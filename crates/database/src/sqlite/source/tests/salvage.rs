//! Tables of every kind in damaged files.

use super::*;

#[test]
fn rows_around_a_damaged_page_are_addressed_by_whatever_they_have() {
    // Fault 47.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    drop(make(
        &path,
        "PRAGMA page_size = 512;
         CREATE TABLE \"a SELECT b\" (\"SELECT \" INTEGER, \"x,y\" TEXT, d, PRIMARY KEY (\"x,y\" COLLATE NOCASE DESC, d)) WITHOUT ROWID;
         CREATE INDEX narrow ON \"a SELECT b\" (\"SELECT \");
         CREATE TABLE hidden (rowid, _rowid_, oid TEXT PRIMARY KEY);
         CREATE TABLE named (rowid TEXT, _rowid_, oid, id INTEGER PRIMARY KEY);
         WITH RECURSIVE n(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n WHERE x < 300)
         INSERT INTO \"a SELECT b\" SELECT x, 'Some text that fills the pages ' || x, 1 FROM n;
         INSERT INTO hidden SELECT \"SELECT \", 'some text that fills the pages', \"SELECT \" FROM \"a SELECT b\" ORDER BY 1;
         INSERT INTO named SELECT 'some text that fills the pages', 1, 2, \"SELECT \" FROM \"a SELECT b\" ORDER BY 4;",
    ));
    for tree in ["a SELECT b", "hidden", "named"] {
        let leaves = leaves(&path, tree);
        spoil(&path, leaves[leaves.len() * 2 / 3]);
    }
    let source = SqliteSource::open_with(&path, &salvaging(), &Interrupter::default()).unwrap();
    let inspection = source.inspect(&crate::sqlite::Choices::default()).unwrap();
    let notes: Vec<String> = source.damage_notes().iter().map(ToString::to_string).collect();
    let check = |table: usize, least: u64, said: &str| {
        let table = &inspection.schema.tables[table];
        assert!(
            (least..300).contains(&table.row_count),
            "{}: {}",
            table.name,
            table.row_count
        );
        let start = format!("{}: rows are lost: {said}", table.name);
        assert!(notes.iter().any(|it| it.starts_with(&start)), "{notes:#?}");
    };
    check(0, 270, "all but the first ");
    check(1, 150, "all behind the first ");
    check(2, 270, "those of rowid ");
    let rows = crate::sqlite::tests::rows(&source, &inspection.schema.tables[0]);
    let ends = [&rows[0], &rows[rows.len() - 1]].map(|it| it[0].clone().unwrap());
    assert_eq!(ends, ["99", "1"]);
}
