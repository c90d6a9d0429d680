//! Repairs, as text.

use std::collections::HashMap;

use catalog::{
    Catalog, Column, ColumnType, Definition, DefinitionKind, ForeignKey, GeneratedKind, IdentityKind,
    ObjectKind, Property, QualifiedName, Sequence, Table, TableKind, Value,
};

use database::postgres::Obstacles;

use super::*;

fn column(name: &str) -> Column {
    Column {
        name: name.to_owned(),
        new_name: None,
        column_type: ColumnType {
            schema: "pg_catalog".to_owned(),
            name: "text".to_owned(),
            text: "text".to_owned(),
            base: None,
        },
        not_null: false,
        identity: None,
        generated: None,
        binary_safe: true,
        names: None,
    }
}

fn table(name: &str, columns: &[&str], key: &[&str]) -> Table {
    Table {
        number: 0,
        schema: "shop".to_owned(),
        name: name.to_owned(),
        kind: TableKind::Ordinary,
        unlogged: false,
        columns: columns.iter().map(|it| column(it)).collect(),
        primary_key: strings(key),
        partition_of: None,
        partition_key: None,
        through_root: None,
        inherits: Vec::new(),
        rows_estimate: None,
        bytes: 0,
        index_bytes: None,
        origin: None,
        extension: None,
        condition: None,
        merged: None,
        part: None,
        changes: None,
    }
}

fn key(table: &str, column: &str, parent: &str) -> ForeignKey {
    ForeignKey {
        table: QualifiedName::new("shop", table),
        columns: strings(&[column]),
        parent: QualifiedName::new("shop", parent),
        parent_columns: Vec::new(),
    }
}

fn ground(tables: Vec<Table>, foreign_keys: Vec<ForeignKey>) -> Ground {
    let target = Catalog {
        tables,
        ..Catalog::default()
    };
    Ground {
        source: target.clone(),
        target,
        foreign_keys,
        obstacles: HashMap::new(),
    }
}

fn differing(name: &str, rows: RowDifferences) -> TableResult {
    TableResult::new(name.to_owned(), None, None, Some(Difference::Rows)).with_rows(Some(rows))
}

fn rows(key: &[&str], columns: &[&str], rows: Vec<RowDifference>) -> RowDifferences {
    RowDifferences {
        key: strings(key),
        columns: strings(columns),
        extra: rows.len() as u64,
        rows,
        is_complete: true,
        ..RowDifferences::default()
    }
}

/// The statements of a repair, settings and comments apart.
fn repair(tables: Vec<TableResult>, ground: Ground) -> Vec<String> {
    let text = script(tables, ground);
    let lines = text
        .lines()
        .filter(|it| !it.starts_with("--") && !it.starts_with("SET ") && !it.is_empty());
    let statements = lines.collect::<Vec<_>>().join("\n");
    statements
        .split(";\n")
        .map(|it| it.trim_end_matches(';').to_owned())
        .collect()
}

fn script(tables: Vec<TableResult>, ground: Ground) -> String {
    let report = Report::new("a".to_owned(), Some("b".to_owned()), tables);
    report
        .on_ground(Some(ground))
        .repair("5f2c")
        .expect("there is a ground")
}

#[test]
fn rows_are_repaired_by_their_key_with_what_differs_alone() {
    let mut orders = table("orders", &["id", "at", "total", "note", "twice"], &["id"]);
    orders.columns[0].identity = Some(IdentityKind::Always);
    orders.columns[4].generated = Some(GeneratedKind::Stored);
    let mut found = super::orders();
    found.columns.push("twice".to_owned());
    for row in &mut found.rows {
        match row {
            RowDifference::Missing(values) | RowDifference::Extra(values) => {
                values.push(Some("2".to_owned()));
            }
            RowDifference::Changed { columns, .. } => columns.push(4),
        }
    }
    let RowDifference::Missing(missing) = &mut found.rows[0] else {
        panic!("it is the first");
    };
    missing[3] = Some("it's a\\'b\n; -- no comment".to_owned());
    let repaired = repair(
        vec![differing("shop.orders", found)],
        ground(vec![orders], Vec::new()),
    );
    assert_eq!(
        repaired,
        [
            "BEGIN",
            "DELETE FROM ONLY shop.orders WHERE id OPERATOR(pg_catalog.=) '9'",
            "UPDATE ONLY shop.orders SET total = '5.00', note = '' WHERE id OPERATOR(pg_catalog.=) '1201'",
            "INSERT INTO shop.orders (id, at, total, note) OVERRIDING SYSTEM VALUE VALUES\n  ('1188', '2024-02-29', \
             '19.90', 'it''s a\\''b\n; -- no comment')",
            "COMMIT"
        ]
        .map(str::to_owned),
    );
}

#[test]
fn rows_without_a_key_are_repaired_one_by_one() {
    let pair = |a: &str| values(&[Some(a), None]);
    let found = rows(
        &[],
        &["a", "b"],
        vec![
            RowDifference::Extra(pair("7")),
            RowDifference::Extra(pair("7")),
            RowDifference::Missing(pair("8")),
        ],
    );
    let one = "DELETE FROM ONLY shop.t WHERE (tableoid, ctid) = (SELECT tableoid, ctid FROM ONLY shop.t WHERE \
               pg_catalog.format('%s', a) COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.=) '7' AND b IS NULL LIMIT 1)";
    let without_key = table("t", &["a", "b"], &[]);
    let repaired = repair(
        vec![differing("shop.t", found.clone())],
        ground(vec![without_key], Vec::new()),
    );
    assert_eq!(
        repaired[1..4],
        [one, one, "INSERT INTO shop.t (a, b) VALUES\n  ('8', NULL)"].map(str::to_owned)
    );
    // A key that the target does not know can be there twice.
    let by_a = RowDifferences {
        key: strings(&["a"]),
        ..found
    };
    let keyed = table("t", &["a", "b"], &["b"]);
    let repaired = repair(vec![differing("shop.t", by_a)], ground(vec![keyed], Vec::new()));
    assert!(
        repaired[1].contains("a OPERATOR(pg_catalog.=) '7' AND b IS NULL LIMIT 1)"),
        "{repaired:?}"
    );
}

#[test]
fn foreign_keys_decide_the_order() {
    let found = |column: &str| {
        rows(
            &["id"],
            &["id", column],
            vec![
                RowDifference::Missing(values(&[Some("1"), Some("1")])),
                RowDifference::Extra(values(&[Some("2"), Some("2")])),
            ],
        )
    };
    let tables = || {
        vec![
            table("child", &["id", "parent"], &["id"]),
            table("parent", &["id", "name"], &["id"]),
        ]
    };
    let keys = || vec![key("child", "parent", "parent")];
    let order = |child: RowDifferences| {
        let tables_found = vec![
            differing("shop.child", child),
            differing("shop.parent", found("name")),
        ];
        let statements = repair(tables_found, ground(tables(), keys()));
        let words = statements.iter().filter(|it| it.contains("shop."));
        let words = words.map(|it| {
            let verb = it.split(' ').next().unwrap_or_default();
            let name = if it.contains("shop.child") {
                "child"
            } else {
                "parent"
            };
            format!("{verb} {name}")
        });
        words.collect::<Vec<_>>()
    };
    assert_eq!(
        order(found("parent")),
        ["DELETE child", "DELETE parent", "INSERT parent", "INSERT child"]
    );
    // A row that refers to a parent too many is set after that one has gone: their key is set aside.
    let mut moved = found("parent");
    moved.rows.push(RowDifference::Changed {
        source: values(&[Some("3"), Some("1")]),
        target: values(&[Some("3"), Some("2")]),
        columns: vec![1],
    });
    let aside = "(VALUES ('shop.child'::pg_catalog.regclass, 'shop.parent'::pg_catalog.regclass))";
    let tables_found = vec![
        differing("shop.child", moved),
        differing("shop.parent", found("name")),
    ];
    let text = script(tables_found, ground(tables(), keys()));
    assert!(text.contains(aside), "{text}");
    let circle = vec![key("child", "parent", "parent"), key("parent", "name", "child")];
    let found = vec![
        differing("shop.child", found("parent")),
        differing("shop.parent", found("name")),
    ];
    let text = script(found, ground(tables(), circle));
    let both = "(VALUES ('shop.child'::pg_catalog.regclass, 'shop.parent'::pg_catalog.regclass), \
                ('shop.parent'::pg_catalog.regclass, 'shop.child'::pg_catalog.regclass))";
    assert!(text.contains(both), "{text}");
}

#[test]
fn rows_with_other_unique_values_are_replaced() {
    let swapped = |id: &str, here: &str, there: &str| RowDifference::Changed {
        source: values(&[Some(id), Some(here)]),
        target: values(&[Some(id), Some(there)]),
        columns: vec![1],
    };
    let found = rows(
        &["id"],
        &["id", "u"],
        vec![swapped("1", "a", "b"), swapped("2", "b", "a")],
    );
    let repaired = |columns: &[&str]| {
        let mut ground = ground(vec![table("t", columns, &["id"])], Vec::new());
        let obstacles = Obstacles {
            unique_columns: strings(&["id", "u"]),
            ..Obstacles::default()
        };
        ground
            .obstacles
            .insert(QualifiedName::new("shop", "t"), obstacles);
        repair(vec![differing("shop.t", found.clone())], ground)
    };
    assert_eq!(
        repaired(&["id", "u"])[1..4],
        [
            "DELETE FROM ONLY shop.t WHERE id OPERATOR(pg_catalog.=) '1'",
            "DELETE FROM ONLY shop.t WHERE id OPERATOR(pg_catalog.=) '2'",
            "INSERT INTO shop.t (id, u) VALUES\n  ('1', 'a'),\n  ('2', 'b')",
        ]
        .map(str::to_owned)
    );
    // What was not compared would be lost.
    assert!(repaired(&["id", "u", "more"])[1].starts_with("UPDATE"));
}

#[test]
fn names_are_quoted_and_end_no_comment() {
    let evil = "x\"; DROP TABLE y; --\n\\! ls";
    let mut orders = table(evil, &[evil], &[evil]);
    orders.columns[0].identity = Some(IdentityKind::Always);
    let name = orders.qualified_name().to_string();
    let mut found = rows(&[evil], &[evil], vec![RowDifference::Extra(values(&[Some("1")]))]);
    found.is_complete = false;
    let result = TableResult::new(name.clone(), None, None, Some(Difference::Rows)).with_rows(Some(found));
    let lost = TableResult::new(
        format!("other.{evil}"),
        None,
        None,
        Some(Difference::MissingTable),
    );
    let text = script(vec![result, lost], ground(vec![orders], Vec::new()));
    let quoted = "\"x\"\"; DROP TABLE y; --\n\\! ls\"";
    assert_eq!(name, format!("shop.{quoted}"));
    assert!(
        text.contains(&format!(
            "DELETE FROM ONLY {name} WHERE {quoted} OPERATOR(pg_catalog.=) '1';"
        )),
        "{text}"
    );
    let left = text.replace(quoted, "");
    assert!(!left.contains("\n\\!"), "{text}");
    assert!(text.contains("-- NOT ALL: shop."), "{text}");
    assert!(
        text.contains("--   table other.x\"; DROP TABLE y; --\\n\\! ls: missing on the target\n"),
        "{text}"
    );
}

#[test]
fn triggers_and_identities_give_way_for_the_time_of_the_repair() {
    let mut orders = table("orders", &["id", "at", "total", "note"], &["id"]);
    orders.columns[2].identity = Some(IdentityKind::Always);
    let mut ground = ground(vec![orders], Vec::new());
    let obstacles = Obstacles {
        is_guarded: true,
        ..Obstacles::default()
    };
    ground
        .obstacles
        .insert(QualifiedName::new("shop", "orders"), obstacles);
    let text = script(vec![differing("shop.orders", super::orders())], ground);
    let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("no {words} in {text}"));
    let places = [
        place("ARRAY['shop.orders']::pg_catalog.regclass[]"),
        place("DISABLE TRIGGER"),
        place("ALTER COLUMN total SET GENERATED BY DEFAULT;"),
        place("UPDATE ONLY shop.orders"),
        place("SET CONSTRAINTS ALL IMMEDIATE;"),
        place("ALTER COLUMN total SET GENERATED ALWAYS;"),
        place("EXECUTE it.back"),
        place("COMMIT;"),
    ];
    assert!(places.is_sorted(), "{places:?}\n{text}");
}

#[test]
fn definitions_are_made_where_they_are_at_hand() {
    let mut here = table("orders", &["id", "total"], &["id"]);
    here.columns[1].not_null = true;
    let mut ground = ground(vec![table("orders", &["id", "total"], &["id"])], Vec::new());
    ground.source.tables = vec![here];
    let sequence = |last_value| Sequence {
        schema: "shop".to_owned(),
        name: "s".to_owned(),
        owned_by: None,
        last_value,
        is_called: true,
        increment: 1,
        start: 1,
    };
    ground.source.sequences = vec![sequence(9)];
    ground.target.sequences = vec![sequence(1)];
    let definition = |kind, name: &str, property: &str, value| Definition {
        kind: DefinitionKind::Object(kind),
        schema: "shop".to_owned(),
        name: name.to_owned(),
        table: Some("orders".to_owned()),
        arguments: None,
        properties: vec![Property {
            name: property.to_owned(),
            value,
        }],
    };
    let validated = |it: &str| {
        definition(
            ObjectKind::Constraint,
            "k",
            "validated",
            Value::Plain(it.to_owned()),
        )
    };
    let create = Value::Statement("CREATE INDEX i ON shop.orders USING btree (total)".to_owned());
    ground.source.definitions = vec![
        validated("yes"),
        definition(ObjectKind::Index, "i", "definition", create),
    ];
    ground.target.definitions = vec![validated("no")];
    let finding = |object: &str, property: &str| Finding::new(Area::Schema, object, property);
    let report = Report::new("a".to_owned(), Some("b".to_owned()), Vec::new())
        .with_findings(vec![
            finding("index shop.i", "missing"),
            finding("view shop.v", "missing"),
            Finding::new(Area::Sequence, "sequence shop.s", "position"),
        ])
        .with_findings(vec![
            finding("constraint k of shop.orders", "validated"),
            finding("view shop.w", "definition"),
        ]);
    let text = report
        .on_ground(Some(ground))
        .repair("5f2c")
        .expect("there is a ground");
    for statement in [
        "SELECT pg_catalog.setval('shop.s'::pg_catalog.regclass, 9, true);",
        "ALTER TABLE shop.orders ALTER COLUMN total SET NOT NULL;",
        "ALTER TABLE shop.orders VALIDATE CONSTRAINT k;",
        "CREATE INDEX i ON shop.orders USING btree (total);",
    ] {
        assert!(text.contains(&format!("\n{statement}\n")), "{statement}\n{text}");
    }
    let (_, by_hand) = text
        .split_once("a person to decide:\n")
        .expect("something is left");
    assert_eq!(
        by_hand,
        "--   schema: view shop.v  missing\n--   schema: view shop.w  definition\n"
    );
    assert!(text.contains("report with SHA-256 5f2c.\n"), "{text}");
}
