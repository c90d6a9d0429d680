//! What a plan makes of two small sources.

use super::*;
use inventory::{ForeignKey, Key, KeyKind};
use plan::{MergedTable, PlannedColumn};

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|it| (*it).to_owned()).collect()
}

fn table(name: &str, columns: &[&str], parent: Option<&str>) -> Table {
    let column = |it: &&str| Column {
        name: (*it).to_owned(),
        type_name: "integer".to_owned(),
        not_null: true,
        ..Column::default()
    };
    let reference = |parent: &str| ForeignKey {
        name: format!("{name}_{parent}"),
        columns: owned(&["parent"]),
        parent_schema: "public".to_owned(),
        parent: parent.to_owned(),
        ..ForeignKey::default()
    };
    Table {
        schema: "public".to_owned(),
        name: name.to_owned(),
        columns: columns.iter().map(column).collect(),
        keys: vec![Key {
            kind: KeyKind::Primary,
            columns: owned(&["id"]),
            ..Key::default()
        }],
        foreign_keys: parent.map(reference).into_iter().collect(),
        rows_counted: Some(10),
        rows_exact: true,
        ..Table::default()
    }
}

/// Two shops with users, who are merged, and what refers to them.
fn shops() -> (Vec<Inventory>, Plan) {
    let one = vec![
        table("users", &["id", "age"], None),
        table("orders", &["id", "parent", "old"], Some("users")),
        table("log", &["id", "parent"], Some("users")),
    ];
    let other = vec![
        table("users", &["id", "city"], None),
        table("visits", &["id", "parent"], Some("users")),
    ];
    let source = |name: &str| {
        let mapping = plan::Mapping {
            to: Some(name.to_owned()),
            ..plan::Mapping::default()
        };
        PlannedSource {
            name: name.to_owned(),
            schemas: owned(&["public"]),
            mapping,
            ..PlannedSource::default()
        }
    };
    let inventory = |tables| Inventory {
        tables,
        ..Inventory::default()
    };
    let merged = |source: &str| MergedTable {
        source: source.to_owned(),
        table: "public.users".to_owned(),
    };
    let mut plan = Plan::parse(r#"{"version": 1, "sources": []}"#).unwrap();
    plan.sources = vec![source("one"), source("other")];
    plan.merges = vec![Merge::new("app.users", vec![merged("one"), merged("other")])];
    let renamed = |name: &str| Renamed {
        schema: "public".to_owned(),
        name: name.to_owned(),
        routine: false,
    };
    let changed = |rename: Option<&str>, drop| PlannedColumn {
        rename: rename.map(str::to_owned),
        drop,
        ..PlannedColumn::default()
    };
    let orders = PlannedTable {
        columns: [
            ("parent".to_owned(), changed(Some("user_id"), false)),
            ("old".to_owned(), changed(None, true)),
        ]
        .into(),
        ..PlannedTable::default()
    };
    let log = PlannedTable {
        leave_out: true,
        ..PlannedTable::default()
    };
    plan.sources[0].tables = [(renamed("orders"), orders), (renamed("log"), log)].into();
    (vec![inventory(one), inventory(other)], plan)
}

#[test]
fn merged_tables_stand_once_and_foreign_keys_follow_all_new_names() {
    let (sources, plan) = shops();
    let sources: Vec<&Inventory> = sources.iter().collect();
    let results = diagrams(&sources, &plan);
    let [(None, diagram)] = &results[..] else {
        panic!("one result is expected, not {results:?}");
    };
    let names: Vec<&str> = diagram.tables.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["app.users", "one.orders", "other.visits"]);
    let rows = |table: usize| -> Vec<&str> {
        diagram.tables[table]
            .rows
            .iter()
            .map(|it| it.name.as_str())
            .collect()
    };
    assert_eq!(rows(0), ["source", "id", "age", "city"]);
    assert_eq!(rows(1), ["id", "user_id"]);
    assert_eq!(diagram.tables[0].groups, [0, 1]);
    let nullable: Vec<&str> = diagram.tables[0]
        .rows
        .iter()
        .filter(|it| !it.not_null)
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(
        nullable,
        ["age", "city"],
        "rows of the other source have NULL there"
    );
    let ends: Vec<_> = diagram
        .edges
        .iter()
        .map(|it| (it.child.table, it.child.rows[0], it.parent.table))
        .collect();
    assert_eq!(ends, [(1, 1, 0), (2, 1, 0)]);
    assert_eq!(diagram.edges[0].parent.rows, [1]);
    assert!(
        diagram
            .description
            .contains("One table holds rows of several sources. One table stays behind")
    );
}
