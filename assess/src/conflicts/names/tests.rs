//! Names of several sources in one schema of the target.

use catalog::{Catalog, Object, ObjectKind, Sequence, SequenceOwner};
use inventory::{Inventory, Routine};
use plan::Plan;

use super::*;

/// What a source has, each as `kind schema.name`, for what belongs to a table with ` of table` behind it, for functions
/// with their arguments in parentheses.
struct Has(Catalog, Inventory);

impl Has {
    fn new(objects: &[&str]) -> Self {
        let (mut catalog, mut inventory) = (Catalog::default(), Inventory::default());
        inventory.schemas.push(inventory::Schema {
            name: "public".to_owned(),
            ..inventory::Schema::default()
        });
        for text in objects {
            let (kind, rest) = text.split_once(' ').unwrap();
            let (name, table) = match rest.split_once(" of ") {
                Some((name, table)) => (name, Some(table.to_owned())),
                None => (rest, None),
            };
            if let Some((name, arguments)) = name.split_once('(') {
                inventory.routines.push(Routine {
                    schema: "public".to_owned(),
                    name: name.to_owned(),
                    kind: kind.to_owned(),
                    arguments: arguments.trim_end_matches(')').to_owned(),
                    ..Routine::default()
                });
                continue;
            }
            let kind = match kind {
                "table" => ObjectKind::Table,
                "view" => ObjectKind::View,
                "index" => ObjectKind::Index,
                "sequence" => ObjectKind::Sequence,
                "type" => ObjectKind::Type,
                "operator" => ObjectKind::Operator,
                other => panic!("{other}"),
            };
            if let (ObjectKind::Sequence, Some(table)) = (kind, &table) {
                catalog.sequences.push(sequence(name, table));
            }
            catalog.objects.push(Object {
                kind,
                schema: "public".to_owned(),
                name: name.to_owned(),
                table: table.filter(|_| kind == ObjectKind::Index),
                indexed: false,
            });
        }
        Has(catalog, inventory)
    }
}

fn sequence(name: &str, table: &str) -> Sequence {
    let json = serde_json::json!({
        "schema": "public", "name": name, "owned_by": null, "last_value": 1, "is_called": false, "increment": 1
    });
    let mut sequence: Sequence = serde_json::from_value(json).unwrap();
    sequence.owned_by = Some(SequenceOwner {
        table: QualifiedName::new("public", table),
        column: "id".to_owned(),
    });
    sequence
}

/// Two sources in schema `app`, with more words for each in the plan; every conflict but those that are resolved, or all.
fn check(one: (&[&str], &str), other: (&[&str], &str), expected: &[&str]) {
    let source = |name: &str, more: &str| {
        format!(
            r#"{{"name":"{name}","endpoint":"{name}","schemas":["public"],"layout":"prefix","map":{{"public":"app"}}{more}}}"#
        )
    };
    let json = format!(
        r#"{{"version":1,"sources":[{},{}]}}"#,
        source("a", one.1),
        source("b", other.1)
    );
    let plan = Plan::parse(&json).unwrap();
    let (a, b) = (Has::new(one.0), Has::new(other.0));
    let scene = Scene {
        sides: vec![
            Side::new("a", &a.1, &a.0, &plan.sources[0]),
            Side::new("b", &b.1, &b.0, &plan.sources[1]),
        ],
        target: None,
        plan: &plan,
    };
    let mut conflicts = Vec::new();
    find(&scene, &mut conflicts);
    let mut found: Vec<String> = conflicts
        .iter()
        .map(|it| format!("{:?} {}", it.severity, it.text))
        .collect();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn tables_that_become_one_block_and_carry_what_belongs_to_them() {
    let has: &[&str] = &[
        "table users",
        "index users_pkey of users",
        "sequence users_id_seq of users",
    ];
    check(
        (has, ""),
        (has, ""),
        &["Blocks table public.users of a and table public.users of b both become app.users"],
    );
    check(
        (has, ""),
        (has, r#","rename":{"public.users":"b_users"}"#),
        &["Resolved table users in a, b"],
    );
    check(
        (has, ""),
        (has, r#","prefix":"b_""#),
        &["Resolved table users in a, b"],
    );
}

#[test]
fn an_index_that_does_not_follow_its_table_blocks() {
    check(
        (&["table users", "index by_name of users"], ""),
        (
            &["table users", "index by_name of users"],
            r#","rename":{"public.users":"b_users"}"#,
        ),
        &[
            "Blocks index public.by_name of a and index public.by_name of b both become app.by_name",
            "Resolved table users in a, b",
        ],
    );
}

#[test]
fn kinds_share_names_as_the_server_s_catalogs_do() {
    check(
        (&["table t"], ""),
        (&["type t"], ""),
        &["Blocks table public.t of a and type public.t of b both become app.t"],
    );
    // An index has no row type.
    check((&["table x", "index t of x"], ""), (&["type t"], ""), &[]);
    check(
        (&["view v"], ""),
        (&["table v"], ""),
        &["Blocks view public.v of a and table public.v of b both become app.v"],
    );
    check(
        (&["operator +"], ""),
        (&["operator +"], ""),
        &["Warns operator public.+ of a and operator public.+ of b may both become app.+"],
    );
}

#[test]
fn functions_meet_by_their_arguments() {
    check(
        (
            &["function f(integer)", "function g(public.mood[])", "type mood"],
            "",
        ),
        (
            &["function f(text)", "function g(public.mood[])", "type mood"],
            r#","rename":{"public.mood":"b_mood"}"#,
        ),
        &[
            "Resolved function f in a, b",
            "Resolved function g in a, b",
            "Resolved type mood in a, b",
        ],
    );
    check(
        (&["function f(integer, text)"], ""),
        (&["function f(integer, text)"], ""),
        &[
            "Blocks function public.f(integer, text) of a and function public.f(integer, text) of b both become app.f(integer, text)",
        ],
    );
}

#[test]
fn names_meet_where_they_are_cut() {
    let long = "n".repeat(60);
    let (one, other) = (format!("table {long}1"), format!("table {long}2"));
    check(
        (&[&one], r#","prefix":"shop_""#),
        (&[&other], r#","prefix":"shop_""#),
        &[&format!(
            "Blocks table public.{long}1 of a and table public.{long}2 of b both become app.shop_{}, cut at 63 bytes",
            "n".repeat(58)
        )],
    );
}

#[test]
fn names_that_differ_by_case_alone_are_told() {
    check(
        (&["table Users"], ""),
        (&["table users"], ""),
        &["Warns in schema app, names differ by case alone: Users of a and users of b"],
    );
}

#[test]
fn tables_that_the_plan_merges_do_not_meet() {
    let has: &[&str] = &["table users", "index users_pkey of users"];
    let merges = r#"{"name":"a","endpoint":"a","schemas":["public"],"layout":"merge","map":{"public":"app"}},
        {"name":"b","endpoint":"b","schemas":["public"],"layout":"merge","map":{"public":"app"}}],
        "merges":[{"into":"app.users","keys":"composite","tables":[{"source":"a","table":"public.users"},{"source":"b","table":"public.users"}]}]"#;
    let plan = Plan::parse(&format!(r#"{{"version":1,"sources":[{merges}}}"#)).unwrap();
    let (a, b) = (Has::new(has), Has::new(has));
    let scene = Scene {
        sides: vec![
            Side::new("a", &a.1, &a.0, &plan.sources[0]),
            Side::new("b", &b.1, &b.0, &plan.sources[1]),
        ],
        target: None,
        plan: &plan,
    };
    let mut conflicts = Vec::new();
    find(&scene, &mut conflicts);
    assert!(conflicts.is_empty(), "{conflicts:#?}");
}
