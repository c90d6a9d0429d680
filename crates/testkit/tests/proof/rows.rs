//! `verify` names the rows that differ, whatever tells them apart and whatever the source is, and reads no others where
//! the tables are large enough to have bins.

use testkit::{Cluster, Output, TARGET_OWNER, Tools};

/// Rows with 400 bytes each, enough for bins; `NAME` has a key of its own kind.
const TABLES: [(&str, &str, &str); 7] = [
    ("by_int", "n AS id", "id"),
    ("by_uuid", "md5(n::text)::uuid AS id", "id"),
    (
        "by_moment",
        "'2024-01-01 00:00:00+00'::timestamptz + n * interval '1 hour' AS id",
        "id",
    ),
    (
        "by_text",
        "(CASE n % 2 WHEN 0 THEN 'a' ELSE 'B' END || n) COLLATE \"C\" AS id",
        "id",
    ),
    ("by_two", "n / 50 AS a, n % 50 AS b", "a, b"),
    (
        "skewed",
        "CASE n WHEN 1 THEN 9223372036854775807 ELSE n END::bigint AS id",
        "id",
    ),
    ("keyless", "n AS id", ""),
];

/// What differs in every table: row 7 is changed, 8 is gone, 9 has NULL for a text, and one is new.
fn tables() -> String {
    let table = |(name, key, columns): &(&str, &str, &str)| {
        let key_of = if columns.is_empty() {
            String::new()
        } else {
            let columns: Vec<&str> = columns.split(", ").collect();
            let not_null: Vec<String> = columns
                .iter()
                .map(|it| format!("ALTER {it} SET NOT NULL"))
                .collect();
            format!(
                "ALTER TABLE {name} {}; CREATE UNIQUE INDEX ON {name} ({});",
                not_null.join(", "),
                columns.join(", ")
            )
        };
        format!(
            "CREATE TABLE {name} AS SELECT {key}, n AS number, '' || (n % 10)::text AS note, 1.0 AS price,
               repeat('x', 400) AS pad FROM generate_series(1, 3000) AS n;
             {key_of}"
        )
    };
    TABLES.iter().map(table).collect()
}

fn changes() -> String {
    let change = |(name, key, columns): &(&str, &str, &str)| {
        let new = key
            .replace(" AS id", "")
            .replace(" AS a", "")
            .replace(" AS b", "");
        let columns = if columns.is_empty() { "id" } else { columns };
        format!(
            "UPDATE {name} SET price = 1.00 WHERE number = 7;
             UPDATE {name} SET note = NULL WHERE number = 9;
             DELETE FROM {name} WHERE number = 8;
             INSERT INTO {name} ({columns}, number, note, price, pad) SELECT {new}, n, 'new', 1, 'x'
               FROM generate_series(5000, 5000) AS n;"
        )
    };
    TABLES.iter().map(change).collect()
}

/// The lines of each table, without what pads them.
fn lines_of(output: &Output, table: &str) -> Vec<String> {
    let text = output.stdout_text();
    let lines = text
        .lines()
        .skip_while(|it| it.split_whitespace().next() != Some(&format!("there.{table}")))
        .skip(1);
    lines
        .take_while(|it| it.starts_with("  "))
        .map(|it| it.trim().replace(&"x".repeat(400), "pad"))
        .collect()
}

#[track_caller]
fn check_all(output: &Output) {
    output.assert_code(1);
    let moment = |hours: &str| format!("2024-01-{hours}:00:00+00");
    for (table, [seventh, eighth, ninth, new]) in [
        ("by_int", ["7", "8", "9", "5000"].map(str::to_owned)),
        (
            "by_moment",
            [
                moment("01 07"),
                moment("01 08"),
                moment("01 09"),
                "2024-07-27 08:00:00+00".to_owned(),
            ],
        ),
        ("by_text", ["B7", "a8", "B9", "a5000"].map(str::to_owned)),
        ("by_two", ["0, 7", "0, 8", "0, 9", "100, 0"].map(str::to_owned)),
        ("skewed", ["7", "8", "9", "5000"].map(str::to_owned)),
    ] {
        let mut found = lines_of(output, table);
        let mut expected = vec![
            format!("~ ({seventh}) price: 1.0 → 1.00"),
            format!("- ({eighth}) 8, 8, 1.0, pad"),
            format!("~ ({ninth}) note: 9 → NULL"),
            format!("+ ({new}) 5000, new, 1, x"),
        ];
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{table}\n{output}");
    }
    assert_eq!(lines_of(output, "by_uuid").len(), 4, "{output}");
    let mut keyless = lines_of(output, "keyless");
    keyless.sort();
    assert_eq!(
        keyless,
        [
            "+ 5000, 5000, new, 1, x",
            "+ 7, 7, 7, 1.00, pad",
            "+ 9, 9, NULL, 1.0, pad",
            "- 7, 7, 7, 1.0, pad",
            "- 8, 8, 8, 1.0, pad",
            "- 9, 9, 9, 1.0, pad",
        ],
        "{output}"
    );
}

#[test]
fn the_rows_that_differ_are_named_whatever_tells_them_apart() {
    let folder = tempfile::tempdir().unwrap();
    let source = Cluster::shared().database("rows").unwrap();
    source
        .execute(&(tables() + "ANALYZE by_int, by_moment, by_two;"))
        .unwrap();
    let target = Cluster::shared().target().unwrap();
    let made = format!(
        "CREATE SCHEMA there; SET search_path = there; {}",
        tables() + &changes()
    );
    target.client(TARGET_OWNER).unwrap().batch_execute(&made).unwrap();
    let tools = Tools::locate();
    let run = |line: &str| {
        let shell = tools
            .shell(line)
            .env("SOURCE", source.source())
            .env("TARGET", target.target());
        shell.current_dir(folder.path()).run()
    };
    let output = run("verify \"$SOURCE\" \"$TARGET\" --to there --verbose");
    check_all(&output);
    // In the order of the key.
    let found = lines_of(&output, "by_int");
    assert!(
        found[0].starts_with("~ (7)") && found[3].starts_with("+ (5000)"),
        "{output}"
    );

    let few = run("verify \"$SOURCE\" \"$TARGET\" --to there --rows 1");
    assert_eq!(
        lines_of(&few, "by_int"),
        [
            "~ (7) price: 1.0 → 1.00",
            "… and more; --rows N shows more of them"
        ],
        "{few}"
    );
    let none = run("verify \"$SOURCE\" \"$TARGET\" --to there --rows 0");
    none.assert_code(1);
    assert_eq!(lines_of(&none, "by_int"), [""; 0], "{none}");

    run("dump \"$SOURCE\" -o rows.tar --rows binary").assert_success();
    check_all(&run("verify rows.tar \"$TARGET\" --to there --verbose"));
    let stdin = run("verify - \"$TARGET\" --to there <rows.tar");
    stdin.assert_code(1);
    assert!(
        stdin
            .stdout_text()
            .contains("which rows of there.by_int differ: an archive on stdin"),
        "{stdin}"
    );
}

/// What a row of a table without a key is there more than once, and what tells values apart that look the same.
#[test]
fn rows_are_counted_and_values_that_look_alike_stay_apart() {
    const ROWS: &str = "CREATE TABLE twice (a int, b text);
      INSERT INTO twice VALUES (1, 'one'), (1, 'one'), (2, NULL), (3, '');
      CREATE TABLE alike (id int PRIMARY KEY, f float8, t text);
      INSERT INTO alike VALUES (1, 0, ''), (2, 1, 'NULL');";
    let source = Cluster::shared().database("counted").unwrap();
    source.execute(ROWS).unwrap();
    let target = Cluster::shared().target().unwrap();
    let made = format!(
        "CREATE SCHEMA there; SET search_path = there; {ROWS}
         DELETE FROM twice WHERE ctid = '(0,1)'; UPDATE twice SET b = '' WHERE a = 2;
         UPDATE alike SET f = '-0', t = NULL WHERE id = 1; UPDATE alike SET t = NULL WHERE id = 2;"
    );
    target.client(TARGET_OWNER).unwrap().batch_execute(&made).unwrap();
    let shell = Tools::locate()
        .shell("verify \"$SOURCE\" \"$TARGET\" --to there")
        .env("SOURCE", source.source())
        .env("TARGET", target.target());
    let output = shell.run();
    output.assert_code(1);
    assert_eq!(
        lines_of(&output, "alike"),
        ["~ (1) f: 0 → -0, t: '' → NULL", "~ (2) t: 'NULL' → NULL"],
        "{output}"
    );
    let mut found = lines_of(&output, "twice");
    found.sort();
    assert_eq!(found, ["+ 2, ''", "- 1, one", "- 2, NULL"], "{output}");
}

#[test]
fn rows_of_a_file_that_differ_are_named() {
    const ROWS: &str = "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
      INSERT INTO item SELECT i, 'name ' || i FROM n;";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.sqlite");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch(ROWS)
        .unwrap();
    let target = Cluster::shared().target().unwrap();
    let tools = Tools::locate();
    let run = |line: &str| {
        let shell = tools.shell(line).env("SOURCE", path.display().to_string());
        shell.env("TARGET", target.target()).run()
    };
    run("dump \"$SOURCE\" | remap-schema --to there | load \"$TARGET\"").assert_success();
    let change = "UPDATE there.item SET name = 'NAME 3' WHERE id = 3; DELETE FROM there.item WHERE id = 12;";
    target
        .client(TARGET_OWNER)
        .unwrap()
        .batch_execute(change)
        .unwrap();
    let output = run("verify \"$SOURCE\" \"$TARGET\" --to there");
    output.assert_code(1);
    assert_eq!(
        lines_of(&output, "item"),
        ["~ (3) name: name 3 → NAME 3", "- (12) name 12"],
        "{output}"
    );
}
