//! What a SQLite file's definitions say beyond names and types, on the target.

use rusqlite::Connection;
use testkit::{Database, Desk, TARGET_OWNER, target_word};

use crate::{consolidate, new_target};

const SOURCE: &str = r#"
PRAGMA ignore_check_constraints = ON;
CREATE TABLE items (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL DEFAULT 'a' CHECK (kind IN ('a', 'b')),
  code TEXT CONSTRAINT "code's form" CHECK (code GLOB '[A-Z][0-9]*'),
  lo INTEGER, hi INTEGER, active BOOLEAN DEFAULT TRUE CHECK (active IN (0, 1)),
  price REAL, qty INTEGER DEFAULT (2 * 3),
  total REAL AS (price * qty) STORED,
  label TEXT AS (id || ':' || coalesce(qty, '?')),
  twice TEXT AS (label || label),
  short TEXT CHECK (length(short) < 5),
  made TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  token TEXT DEFAULT (lower(hex(randomblob(8)))),
  doc JSON CHECK (json_valid(doc)), body TEXT CHECK (body IS NULL OR json_valid(body)),
  name AS (json_extract(doc, '$.name')),
  CONSTRAINT "in order" CHECK (lo <= hi), CHECK (round(price, 2) < 100)
);
CREATE UNIQUE INDEX items_code ON items (lower(code)) WHERE hi > 0;
CREATE INDEX items_name ON items (json_extract(doc, '$.name'), id DESC);
CREATE INDEX items_real ON items (price || '');
INSERT INTO items (kind, code, lo, hi, price, qty, short, doc) VALUES
  ('a', 'A1', 1, 2, 0.1, 3, 'abc', '{"name":"Ann"}'), ('b', 'B2', NULL, 5, 19.99, NULL, 'far too long', NULL),
  ('a', 'C3', 7, 7, NULL, 2, NULL, '{"name":null}');
"#;

#[test]
fn definitions_of_a_sqlite_file_hold_on_the_target() {
    let (desk, target) = (Desk::shared(), new_target());
    let path = desk.path("definitions.sqlite");
    let sqlite = Connection::open(&path).unwrap();
    sqlite.execute_batch(SOURCE).unwrap();
    consolidate(&desk, "definitions.sqlite", "shop", &target);
    let noted = desk.run("dump definitions.sqlite -o definitions.tar").stderr();
    for part in [
        "items: 1 row breaks the CHECK constraint items_short_check",
        "items: CHECK constraint (round (price, 2) < 100) is left out",
        "items.twice: virtual generated column (label || label): becomes an ordinary one",
        "items_real: the index on items is left out",
    ] {
        assert!(noted.contains(part), "no `{part}` in {noted}");
    }
    let ask = |sql: &str| target.query(sql).unwrap();
    assert_eq!(
        ask(
            "SELECT conname, convalidated FROM pg_constraint WHERE conrelid = 'shop.items'::regclass AND contype = 'c' ORDER BY 1"
        ),
        [
            "code's form | t",
            "in order | t",
            "items_active_check | t",
            "items_body_check | t",
            "items_doc_check | t",
            "items_kind_check | t",
            "items_short_check | f"
        ]
    );
    assert_eq!(
        ask("SELECT attname FROM pg_attribute WHERE attgenerated = 's' ORDER BY 1"),
        ["label", "name", "total"]
    );
    let values = "SELECT id, total, label, twice, name FROM";
    let mut statement = sqlite.prepare(&format!("{values} items ORDER BY id")).unwrap();
    let theirs = statement.query_map([], |row| {
        let field = |at: usize| {
            Ok(match row.get::<_, rusqlite::types::Value>(at)? {
                rusqlite::types::Value::Null => "∅".to_owned(),
                rusqlite::types::Value::Integer(it) => it.to_string(),
                rusqlite::types::Value::Real(it) => it.to_string(),
                rusqlite::types::Value::Text(it) => it,
                rusqlite::types::Value::Blob(it) => format!("{it:?}"),
            })
        };
        let fields: rusqlite::Result<Vec<String>> = (0..5).map(field).collect();
        Ok(fields?.join(" | "))
    });
    let theirs: rusqlite::Result<Vec<String>> = theirs.unwrap().collect();
    assert_eq!(ask(&format!("{values} shop.items ORDER BY id")), theirs.unwrap());
    check_new_rows(&target);
    check_other_calculation(&desk, &target);
}

/// Rows that come later go by the defaults and constraints.
fn check_new_rows(target: &Database<'_>) {
    let mut client = target.client(TARGET_OWNER).unwrap();
    let row = client
        .query_one(
            "INSERT INTO shop.items (code, price) VALUES ('D4', 0.5)
             RETURNING kind, total, length(token), made::timestamptz > now() - interval '1 hour', active",
            &[],
        )
        .unwrap();
    assert_eq!(row.get::<_, &str>(0), "a");
    assert_eq!((row.get::<_, f64>(1), row.get::<_, i32>(2)), (3.0, 16));
    assert!(row.get::<_, bool>(3) && row.get::<_, bool>(4));
    for (column, value, fault) in [
        ("kind", "'c'", "items_kind_check"),
        ("code", "'no'", "code's form"),
        ("short", "'too long'", "items_short_check"),
        ("code, hi", "'A1', 9", "items_code"),
    ] {
        let error = client
            .batch_execute(&format!("INSERT INTO shop.items ({column}) VALUES ({value})"))
            .unwrap_err();
        let constraint = error.as_db_error().unwrap().constraint().unwrap().to_owned();
        assert_eq!(constraint, fault);
    }
}

/// What the target calculates is compared with what the file does; an archive has no such values.
fn check_other_calculation(desk: &Desk, target: &Database<'_>) {
    let mut client = target.client(TARGET_OWNER).unwrap();
    client
        .batch_execute(
            "DELETE FROM shop.items WHERE code = 'D4'; ALTER TABLE shop.items DROP COLUMN total;
             ALTER TABLE shop.items ADD COLUMN total double precision GENERATED ALWAYS AS (price * qty + 1) STORED",
        )
        .unwrap();
    let word = target_word(target);
    for (source, exit, words) in [
        (
            "definitions.sqlite",
            1,
            "values of generated columns differ: total, label, name",
        ),
        (
            "definitions.tar",
            1,
            "not compared: generated column total of shop.items: the archive does not have its values",
        ),
    ] {
        let found = desk.run(&format!("verify {source} {word} --to shop"));
        found.assert_code(exit);
        assert!(found.stdout_text().contains(words), "{found}");
    }
}
