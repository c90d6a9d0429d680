//! Types that are chosen for a SQLite file's columns, and values that do not fit them: typed as the manual says, and
//! proved by `verify` under the same choices.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use testkit::{Desk, Output, target_word};

use crate::new_target;

const SHOP: &str = "
    CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    INSERT INTO people VALUES (1, 'Ada'), (2, 'Bob' || char(0)), (3, 'Cy');
    CREATE TABLE orders (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people, qty INTEGER NOT NULL, \"sent.at\" TEXT);
    INSERT INTO orders VALUES (10, 1, 5, '2024-01-01'), (11, 3, 'seven', '2024-01-02'), (12, 3, x'0102', 'never'),
        (13, NULL, 70000, NULL)";

const TYPES: &str = "--type orders.qty=bigint --type 'orders.\"sent.at\"=date'";

fn desk() -> Desk {
    let desk = Desk::shared();
    let file = rusqlite::Connection::open(desk.path("shop.sqlite")).unwrap();
    file.execute_batch(SHOP).unwrap();
    desk
}

#[track_caller]
fn check_refused(output: &Output, code: i32, says: &[&str]) {
    output.assert_code(code);
    for it in says {
        output.assert_stderr_contains(it);
    }
    assert!(output.stdout().is_empty(), "{output}");
}

/// Fault 45.
#[test]
fn values_that_do_not_fit_stop_a_dump_before_it_writes() {
    let desk = desk();
    let said = [
        "orders.qty: 1 text, 1 blob do not fit bigint (rowid 11, 12)",
        "orders.sent.at: 1 text does not fit date (rowid 12)",
        "1 values of people.name hold a NUL or are not UTF-8 (rowid 2)",
        "--on-bad-value null, text-column or reject",
    ];
    let output = desk.run(&format!("dump shop.sqlite {TYPES} | cat"));
    check_refused(&output, 4, &said);
    assert!(
        !output.stderr().contains("seven"),
        "values are row data: {output}"
    );
    let output = desk.run(&format!("dump -v shop.sqlite {TYPES} | cat"));
    check_refused(&output, 4, &["orders.qty of 11 is 'seven'"]);
    let ready = desk.run(&format!("assess --ready shop.sqlite {TYPES}"));
    ready.assert_code(1);
    assert!(ready.stdout_text().contains(said[0]), "{ready}");
}

/// A fate, dump's exit code, the target's rows and what dump says of it.
type Fate = (&'static str, i32, &'static [&'static str], &'static str);

const FATES: [Fate; 3] = [
    (
        "null",
        0,
        &[
            "1 | Ada | ∅ | ∅",
            "2 | ∅ | ∅ | ∅",
            "3 | Cy | ∅ | ∅",
            "10 | 1 | 5 | 2024-01-01",
            "11 | 3 | ∅ | 2024-01-02",
            "12 | 3 | ∅ | ∅",
            "13 | ∅ | 70000 | ∅",
        ],
        "orders.qty: 2 values become NULL (rowid 11, 12): 1 text, 1 blob do not fit bigint",
    ),
    (
        "text-column",
        0,
        &[
            "1 | Ada | ∅ | ∅",
            "2 | ∅ | \\x426f6200 | ∅",
            "3 | Cy | ∅ | ∅",
            "10 | 1 | 5 | 2024-01-01 | ∅ | ∅",
            "11 | 3 | ∅ | 2024-01-02 | \\x736576656e | ∅",
            "12 | 3 | ∅ | ∅ | \\x0102 | never",
            "13 | ∅ | 70000 | ∅ | ∅ | ∅",
        ],
        "orders.qty: 2 values become NULL, qty_text keeps what was there (rowid 11, 12)",
    ),
    (
        "reject --rejects aside",
        1,
        &[
            "1 | Ada | ∅ | ∅",
            "3 | Cy | ∅ | ∅",
            "10 | 1 | 5 | 2024-01-01",
            "13 | ∅ | 70000 | ∅",
        ],
        "orders.qty: 2 rows are rejected (rowid 11, 12): 1 text, 1 blob do not fit bigint",
    ),
];

#[test]
fn each_fate_of_a_bad_value_is_proved_under_the_same_choices() {
    let desk = desk();
    for (fate, code, expected, said) in FATES {
        let target = new_target();
        let word = target_word(&target);
        let dumped = desk.run(&format!(
            "dump shop.sqlite {TYPES} --on-bad-value {fate} -o shop.tar --force"
        ));
        dumped.assert_code(code).assert_stderr_contains(said);
        desk.run(&format!("remap-schema --to shop shop.tar | load {word}"))
            .assert_success();
        let names = if fate == "text-column" {
            [
                "id, name, name_text, NULL",
                "id, person, qty, \"sent.at\", qty_text, \"sent.at_text\"",
            ]
        } else {
            ["id, name, NULL, NULL", "id, person, qty, \"sent.at\""]
        };
        let mut found = Vec::new();
        for (columns, table) in names.iter().zip(["people", "orders"]) {
            found.extend(
                target
                    .query(&format!("SELECT {columns} FROM shop.{table} ORDER BY id"))
                    .unwrap(),
            );
        }
        assert_eq!(found, expected, "{fate}");
        let fate = fate.split(' ').next().unwrap();
        let flags = format!("{TYPES} --on-bad-value {fate}");
        for (source, flags) in [("shop.sqlite", flags.as_str()), ("shop.tar", "")] {
            let verified = desk.run(&format!("verify {source} {word} --to shop {flags}"));
            verified.assert_success();
            let shown = verified.stdout_text();
            assert!(
                shown.contains("identical") && shown.contains(&format!("by choice: {said}")),
                "{verified}"
            );
        }
        // Other choices are other rows.
        desk.run(&format!(
            "verify shop.sqlite {word} --to shop --type people.name=bytea"
        ))
        .assert_code(1);
    }
    let aside = |name: &str| std::fs::read_to_string(desk.path("aside").join(name)).unwrap();
    assert_eq!(
        aside("0000-orders.csv"),
        "id,person,qty,sent.at,coalesce_row,coalesce_column,coalesce_message,coalesce_hex\n\
         11,3,seven,2024-01-02,11,qty,text 'seven' does not fit bigint,\n\
         12,3,\\x0102,never,12,qty,blob \\x0102 does not fit bigint,qty\n"
    );
    assert!(aside("0001-people.csv").contains("2,\\x426f6200,2,name,"));
    let mode = std::fs::metadata(desk.path("aside"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
    let again = desk.run(&format!(
        "dump shop.sqlite {TYPES} --on-bad-value reject --rejects aside -o b.tar"
    ));
    check_refused(&again, 2, &["folder `aside` is not empty"]);
    assert!(!desk.path("b.tar").exists());
    // What a dump sets aside that fails goes with it, and the same line can be tried again.
    let line = format!("dump shop.sqlite {TYPES} --on-bad-value reject --rejects once");
    desk.run(&format!("{line} >/dev/full")).assert_code(5);
    assert!(!desk.path("once").exists());
    desk.run(&format!("{line} -o b.tar")).assert_code(1);
}

#[test]
fn a_plan_gives_types_with_their_reasons() {
    let (desk, target) = (desk(), new_target());
    let word = target_word(&target);
    let flags = format!("{TYPES} --on-bad-value null");
    let shown = desk.run(&format!("assess -v shop.sqlite {flags} --plan plan.json"));
    shown.assert_success();
    let text = shown.stdout_text();
    for it in ["TYPES of shop.sqlite", "orders.qty", "chosen", "people.id"] {
        assert!(text.contains(it), "{it}\n{shown}");
    }
    let plan: Value = serde_json::from_slice(&std::fs::read(desk.path("plan.json")).unwrap()).unwrap();
    let source = &plan["sources"][0];
    assert_eq!(source["on_bad_value"], "null");
    assert_eq!(
        source["types"],
        serde_json::json!([
            {"table": "orders", "column": "qty", "type": "bigint", "note": "chosen"},
            {"table": "orders", "column": "sent.at", "type": "date", "note": "chosen"},
        ])
    );
    let plan = "--plan plan.json --source shop";
    desk.run(&format!(
        "dump shop.sqlite {plan} | remap-schema {plan} | load {word}"
    ))
    .assert_success();
    desk.run(&format!("verify shop.sqlite {word} {plan}"))
        .assert_success();
    assert_eq!(target.query("SELECT count(qty) FROM shop.orders").unwrap(), ["2"]);
    let report = desk.run(&format!("assess shop.sqlite {flags} --format json"));
    let report: Value = serde_json::from_slice(report.assert_success().stdout()).unwrap();
    let source = &report["sources"][0];
    assert_eq!(source["discards"][0]["rows"], 2, "{report:#}");
    assert_eq!(
        source["census"][0]["columns"][2]["refused"]["rows"],
        serde_json::json!(["11", "12"])
    );
}

#[test]
fn choices_that_cannot_be_used_are_refused_before_anything() {
    let desk = desk();
    for (file, says) in [
        ("table,column\n", "its first line is not its header"),
        ("", "its first line is not its header"),
        (
            "table,column,type\norders,qty\n",
            "--types file `types.csv` cannot be used",
        ),
        ("table,column,type\n\norders,qty,widget\n", "type of orders.qty\n"),
        (
            "table,column,type\norders,qty,text\nOrders,QTY,text\n",
            "Orders.QTY is given a type twice",
        ),
        (
            "table,column,type\norders,quantity,text\n",
            "table orders has no column quantity",
        ),
    ] {
        std::fs::write(desk.path("types.csv"), file).unwrap();
        let output = desk.run("dump shop.sqlite --types types.csv | cat");
        check_refused(&output, 2, &[says]);
    }
    std::fs::write(
        desk.path("types.csv"),
        "table,column,type\npeople,name,bytea\norders,id, bigint\n",
    )
    .unwrap();
    desk.run("dump shop.sqlite --types types.csv -o fits.tar")
        .assert_success();
    for (line, says) in [
        (
            "dump shop.sqlite --type orders.qty | cat",
            "--type `orders.qty` is not TABLE.COLUMN=TYPE",
        ),
        (
            "dump shop.sqlite --type order.qty=text | cat",
            "near it is orders",
        ),
        (
            "dump shop.sqlite --on-bad-value reject | cat",
            "name a folder with --rejects DIR",
        ),
        ("dump shop.sqlite --rejects aside | cat", "--on-bad-value reject"),
        (
            "dump postgres --type a.b=text | cat",
            "--type is about a SQLite file, and postgres is none",
        ),
        (
            "verify fits.tar postgres --on-bad-value null",
            "--on-bad-value is about",
        ),
        ("assess postgres --types types.csv", "--types is about"),
        (
            "assess shop.sqlite ./shop.sqlite --type orders.qty=text",
            "several are given",
        ),
    ] {
        check_refused(&desk.run(line), 2, &[says]);
    }
}
