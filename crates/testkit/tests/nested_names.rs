//! Names inside arrays and rows, against the server: what it writes is read, and what we write with a new name is
//! what it would have written.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::cell::RefCell;

use catalog::{
    Catalog, Column, ColumnType, NameKind, Object, ObjectKind, Schema, StoredNames, Table, TableKind,
};
use plan::Mapping;
use postgres::Client;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rewrite::{Known, NameMap, Rewriter};
use testkit::Cluster;

const NEW_SCHEMA: &str = "new, \"{(\\";

/// Qualified names in every kind of value that can hold them.
const VALUES: &str = "
WITH names AS (
  SELECT array_agg(format('%I.%I', $1::text, name) ORDER BY place) AS it
  FROM unnest($2::text[]) WITH ORDINALITY AS n (name, place))
SELECT it[1],
  it::text,
  (it || NULL::text || '-'::text)::text,
  ('[5:' || 4 + cardinality(it) || ']=' || it::text)::text[]::text,
  ARRAY[it, it]::text,
  ROW($3, it[1], it)::pair::text,
  ARRAY[NULL, ROW($3, it[1], it)::pair, ROW(NULL, NULL, '{}')::pair]::text
FROM names";

fn class() -> StoredNames {
    StoredNames::Object(NameKind::RegClass)
}

fn array(of: StoredNames) -> StoredNames {
    StoredNames::Array(Box::new(of))
}

/// Of the columns of [`VALUES`].
fn shapes() -> [StoredNames; 7] {
    let pair = || StoredNames::Composite(vec![None, Some(class()), Some(array(class()))]);
    [
        class(),
        array(class()),
        array(class()),
        array(class()),
        array(class()),
        pair(),
        array(pair()),
    ]
}

/// Schema `public` with tables of these names; the first has a column of each of the shapes.
fn catalog(names: &[String]) -> Catalog {
    let column = |names: StoredNames| Column {
        name: "what".to_owned(),
        column_type: ColumnType {
            schema: "public".to_owned(),
            name: "it".to_owned(),
            text: String::new(),
            base: None,
        },
        not_null: false,
        identity: None,
        generated: None,
        binary_safe: false,
        new_name: None,
        names: Some(names),
    };
    let table = Table {
        number: 0,
        schema: "public".to_owned(),
        name: "t".to_owned(),
        kind: TableKind::Ordinary,
        unlogged: false,
        columns: shapes().map(column).into(),
        primary_key: Vec::new(),
        partition_of: None,
        partition_key: None,
        through_root: None,
        inherits: Vec::new(),
        rows_estimate: None,
        bytes: 0,
        extension: None,
        index_bytes: None,
        origin: None,
        condition: None,
        merged: None,
        part: None,
        changes: None,
    };
    let object = |name: &String| Object {
        kind: ObjectKind::Table,
        schema: "public".to_owned(),
        name: name.clone(),
        table: None,
        indexed: false,
    };
    Catalog {
        schemas: vec![Schema {
            name: "public".to_owned(),
            comment: None,
        }],
        tables: vec![table],
        objects: names.iter().map(object).collect(),
        ..Catalog::default()
    }
}

fn values(client: &mut Client, schema: &str, names: &[String], note: Option<&str>) -> Vec<String> {
    let row = client.query_one(VALUES, &[&schema, &names, &note]).unwrap();
    (0..row.len()).map(|place| row.get(place)).collect()
}

/// Text that quoting has to be careful with, and any other that a server takes.
fn text() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec![
        "\"", "\\", "{", "}", "(", ")", ",", " ", "\n", "\t", "\u{b}", ".", "'", "NULL", "[]", "a", "-",
    ]);
    let piece = prop_oneof![3 => special.prop_map(str::to_owned), 1 => "[^\0]"];
    prop::collection::vec(piece, 1..6).prop_map(|it| it.concat())
}

#[test]
fn a_new_name_inside_a_value_is_written_as_the_server_writes_it() {
    let database = Cluster::shared().database("nested").unwrap();
    database
        .execute("CREATE TYPE pair AS (note text, what text, several text[])")
        .unwrap();
    let client = RefCell::new(database.admin().unwrap());
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(400)
    });
    let input = (prop::collection::vec(text(), 1..4), prop::option::of(text()));
    let checked = runner.run(&input, |(names, note)| {
        let catalog = catalog(&names);
        let mapping = Mapping::new(Some(NEW_SCHEMA), &[]).unwrap();
        let rewriter = Rewriter::new(mapping, Known::from_catalog(&catalog)).unwrap();
        let map = NameMap::new(rewriter, &catalog);
        let mut table = map.table(&catalog.tables[0]).unwrap();
        let mut client = client.borrow_mut();
        let old = values(&mut client, "public", &names, note.as_deref());
        let expected = values(&mut client, NEW_SCHEMA, &names, note.as_deref());
        for (place, (old, expected)) in old.iter().zip(&expected).enumerate() {
            let found = table.map(place, old.as_bytes()).map(String::from_utf8);
            prop_assert_eq!(found, Some(Ok(expected.clone())), "{}", old);
        }
        prop_assert_eq!(table.unresolved(), vec![]);
        Ok(())
    });
    if let Err(error) = checked {
        panic!("{error}");
    }
}
