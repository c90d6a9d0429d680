//! Values that are names of objects: each gets the new name of what it means, or is told to mean nothing.

use catalog::{
    Catalog, Column, ColumnType, Extension, Member, NameKind, Object, ObjectKind, Schema, StoredNames, Table,
    TableKind,
};
use plan::Mapping;
use rewrite::{Known, NameMap, Rewriter};

use NameKind::{
    RegClass, RegCollation, RegConfig, RegDictionary, RegNamespace, RegOper, RegOperator, RegProc,
    RegProcedure, RegType,
};

const OBJECTS: [(ObjectKind, &str); 16] = [
    (ObjectKind::Table, "t"),
    (ObjectKind::Table, "a.b"),
    (ObjectKind::Table, "quo\"te"),
    (ObjectKind::Index, "t_pkey"),
    (ObjectKind::View, "v"),
    (ObjectKind::Sequence, "q"),
    (ObjectKind::Type, "mood"),
    (ObjectKind::Domain, "small"),
    (ObjectKind::Function, "f"),
    (ObjectKind::Function, "twice"),
    (ObjectKind::Aggregate, "twice"),
    (ObjectKind::Operator, "==="),
    (ObjectKind::Operator, "!!"),
    (ObjectKind::Collation, "De"),
    (ObjectKind::TextSearchConfiguration, "conf"),
    (ObjectKind::TextSearchDictionary, "dict"),
];

/// `public` with [`OBJECTS`] and with an extension.
fn catalog(names: StoredNames) -> Catalog {
    let column = |name: &str, names| Column {
        name: name.into(),
        column_type: ColumnType {
            schema: "pg_catalog".into(),
            name: "text".into(),
            text: "text".into(),
            base: None,
        },
        not_null: false,
        identity: None,
        generated: None,
        binary_safe: false,
        new_name: None,
        names,
    };
    let table = Table {
        number: 0,
        schema: "public".into(),
        name: "t".into(),
        kind: TableKind::Ordinary,
        unlogged: false,
        columns: vec![column("id", None), column("what", Some(names))],
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
    let member = |kind, name: &str| Member {
        kind,
        schema: "public".into(),
        name: name.into(),
    };
    Catalog {
        schemas: ["public", "stays"]
            .map(|name| Schema {
                name: name.into(),
                comment: None,
            })
            .into(),
        tables: vec![table],
        objects: OBJECTS
            .iter()
            .map(|(kind, name)| Object {
                kind: *kind,
                schema: "public".into(),
                name: (*name).to_owned(),
                table: None,
                indexed: false,
            })
            .collect(),
        extensions: vec![Extension {
            name: "citext".into(),
            version: "1.6".into(),
            schema: "public".into(),
            trusted: true,
            members: vec![
                member(ObjectKind::Type, "citext"),
                member(ObjectKind::Function, "citext_hash"),
                member(ObjectKind::Operator, "~~"),
            ],
        }],
        ..Catalog::default()
    }
}

/// What becomes of `text` when `public` becomes `x`, and why it means nothing.
fn mapped(names: StoredNames, text: &str) -> (Option<String>, Option<String>) {
    let mapping = Mapping::new(None, &["public=x".to_owned(), "stays=stays".to_owned()])
        .and_then(|it| it.with_extensions_schemas(&["ext".to_owned()]))
        .expect("the mapping is valid");
    mapped_by(mapping, names, text)
}

fn mapped_by(mapping: Mapping, names: StoredNames, text: &str) -> (Option<String>, Option<String>) {
    let catalog = catalog(names);
    let rewriter = Rewriter::new(mapping, Known::from_catalog(&catalog)).expect("the names fit");
    let map = NameMap::new(rewriter, &catalog);
    let mut table = map.table(&catalog.tables[0]).expect("it stores names");
    assert_eq!(
        table.map(0, b"public.t"),
        None,
        "only the column with names is mapped"
    );
    let new = table.map(1, text.as_bytes());
    // What is remembered is the same.
    assert_eq!(table.map(1, text.as_bytes()), new, "{text}");
    let new = new.map(|it| String::from_utf8(it).expect("names are UTF-8"));
    let unresolved = table.unresolved();
    assert!(unresolved.iter().all(|it| it.values == 2 && it.column == "what"));
    (new, unresolved.into_iter().next().map(|it| it.reason))
}

#[track_caller]
fn check(kind: NameKind, text: &str, expected: &str) {
    let new = (text != expected).then(|| expected.to_owned());
    assert_eq!(
        mapped(StoredNames::Object(kind), text),
        (new, None),
        "{kind} {text}"
    );
}

#[track_caller]
fn check_unresolved(kind: NameKind, text: &str, reason: &str) {
    let found = mapped(StoredNames::Object(kind), text);
    assert_eq!(found, (None, Some(reason.to_owned())), "{kind} {text}");
}

#[test]
fn names_of_every_kind_get_the_new_schema() {
    for (kind, text, expected) in [
        (RegClass, "public.t", "x.t"),
        (RegClass, "public.\"a.b\"", "x.\"a.b\""),
        (RegClass, "public.\"quo\"\"te\"", "x.\"quo\"\"te\""),
        (RegClass, "public.t_pkey", "x.t_pkey"),
        (RegClass, "public.v", "x.v"),
        (RegClass, "public.q", "x.q"),
        (RegType, "public.mood", "x.mood"),
        (RegType, "public.mood[]", "x.mood[]"),
        (RegType, "public.t[]", "x.t[]"),
        (RegType, "public.small", "x.small"),
        (RegProc, "public.f", "x.f"),
        (RegProcedure, "public.f()", "x.f()"),
        (
            RegProcedure,
            "public.f(public.t,integer,public.mood[],character varying,\"any\")",
            "x.f(x.t,integer,x.mood[],character varying,\"any\")",
        ),
        (RegProcedure, "public.twice(public.citext)", "x.twice(ext.citext)"),
        (RegOper, "public.===", "x.==="),
        (RegOperator, "public.===(public.mood,text)", "x.===(x.mood,text)"),
        (RegOperator, "public.!!(NONE,public.mood)", "x.!!(NONE,x.mood)"),
        (RegCollation, "public.\"De\"", "x.\"De\""),
        (RegConfig, "public.conf", "x.conf"),
        (RegDictionary, "public.dict", "x.dict"),
        (RegNamespace, "public", "x"),
    ] {
        check(kind, text, expected);
    }
}

#[test]
fn objects_get_their_new_names_with_the_schema() {
    let mapping = || {
        Mapping::new(Some("x"), &[])
            .and_then(|it| it.with_prefix(Some("P_")))
            .and_then(|it| it.with_renames(&["public.v=views".to_owned()]))
            .expect("the mapping is valid")
    };
    for (kind, text, expected) in [
        (RegClass, "public.t", "x.\"P_t\""),
        (RegClass, "public.t_pkey", "x.\"P_t_pkey\""),
        (RegClass, "public.v", "x.views"),
        (RegType, "public.mood[]", "x.\"P_mood\"[]"),
        (
            RegProcedure,
            "public.f(public.t,integer)",
            "x.\"P_f\"(x.\"P_t\",integer)",
        ),
        (RegType, "public.citext", "public.citext"),
        (RegType, "integer", "integer"),
        (RegClass, "pg_class", "pg_class"),
    ] {
        let new = (text != expected).then(|| expected.to_owned());
        let found = mapped_by(mapping(), StoredNames::Object(kind), text);
        assert_eq!(found, (new, None), "{kind} {text}");
    }
}

#[test]
fn what_belongs_to_an_extension_goes_where_the_target_keeps_it() {
    check(RegType, "public.citext", "ext.citext");
    check(RegProc, "public.citext_hash", "ext.citext_hash");
    check(
        RegOperator,
        "public.~~(public.citext,text)",
        "ext.~~(ext.citext,text)",
    );
}

#[test]
fn what_is_the_systems_stays() {
    for (kind, text) in [
        (RegClass, "pg_class"),
        (RegClass, "information_schema.tables"),
        (RegClass, "pg_toast.pg_toast_1255"),
        (RegClass, "-"),
        (RegOper, "0"),
        (RegOper, "&&&"),
        (RegType, "timestamp with time zone[]"),
        (RegType, "\"char\""),
        (RegProcedure, "abs(integer)"),
        (RegCollation, "\"C.utf8\""),
        (RegNamespace, "pg_catalog"),
        (RegNamespace, "stays"),
    ] {
        check(kind, text, text);
    }
}

#[test]
fn what_is_not_there_is_told() {
    for (kind, text, reason) in [
        (RegClass, "16412", "the object is gone"),
        (RegClass, "public.other", "public.other is not in the archive"),
        (RegClass, "stays.t", "stays.t is not in the archive"),
        (RegClass, "nowhere.t", "nowhere.t is not in the archive"),
        (RegType, "public.other[]", "public.other is not in the archive"),
        (
            RegProcedure,
            "public.f(public.other)",
            "public.other is not in the archive",
        ),
        (RegNamespace, "nowhere", "schema nowhere is not in the archive"),
        (
            RegClass,
            "pg_toast.pg_toast_16412",
            "it belongs to one database alone",
        ),
        (RegClass, "pg_temp_3.t", "it belongs to one database alone"),
        (RegProc, "public.twice", "there are several public.twice"),
        (RegOper, "pg_catalog.+", "there are several pg_catalog.+"),
        (RegClass, "a.b.(", "it cannot be read as a name"),
    ] {
        check_unresolved(kind, text, reason);
    }
}

#[test]
fn names_inside_values_are_found() {
    let class = || StoredNames::Object(RegClass);
    let array = |of| StoredNames::Array(Box::new(of));
    let pair = || StoredNames::Composite(vec![None, Some(class())]);
    for (shape, text, expected) in [
        (array(class()), "[2:3]={public.t,NULL}", "[2:3]={x.t,NULL}"),
        (
            array(class()),
            "{{public.t,\"public.\\\"a.b\\\"\"}}",
            "{{x.t,\"x.\\\"a.b\\\"\"}}",
        ),
        (pair(), "(public.t,public.v)", "(public.t,x.v)"),
        (
            array(pair()),
            "{\"(public.t,\\\"public.\\\"\\\"a.b\\\"\\\"\\\")\",\"(,)\"}",
            "{\"(public.t,\\\"x.\\\"\\\"a.b\\\"\\\"\\\")\",\"(,)\"}",
        ),
        (array(array(class())), "{\"{public.t,-}\"}", "{\"{x.t,-}\"}"),
    ] {
        assert_eq!(mapped(shape, text), (Some(expected.to_owned()), None), "{text}");
    }
    let partly = mapped(array(class()), "{public.t,public.other,16412}");
    let reason = "public.other is not in the archive".to_owned();
    assert_eq!(
        partly,
        (Some("{x.t,public.other,16412}".to_owned()), Some(reason))
    );
    for (shape, text) in [
        (array(class()), "public.t"),
        (pair(), "(public.t)"),
        (StoredNames::Range, "[a,b)"),
    ] {
        let (new, reason) = mapped(shape, text);
        assert!(new.is_none() && reason.is_some(), "{text}");
    }
}

#[test]
fn a_column_of_names_is_a_doubt_only_where_rows_are_not_opened() {
    let sql = "CREATE TABLE public.t (id integer, what regclass[]);";
    let doubts = |known| {
        let mapping = Mapping::new(Some("x"), &[]).expect("the mapping is valid");
        let rewriter = Rewriter::new(mapping, known).expect("the names fit");
        rewriter.rewrite(sql).doubts.len()
    };
    let opened = Known::from_catalog(&catalog(StoredNames::Object(RegClass)));
    assert_eq!((doubts(Known::from_sql(sql)), doubts(opened)), (1, 0));
}

#[test]
fn what_is_told_of_a_value_is_the_name_in_it_alone() {
    let class = || StoredNames::Object(RegClass);
    let pair = || StoredNames::Composite(vec![None, Some(class())]);
    let long = format!("public.\"{}é\"", "n".repeat(200));
    for (shape, text, example) in [
        (class(), "public.other", Some("public.other")),
        (class(), long.as_str(), Some(&long[..127])),
        (pair(), "(CANARY,public.other)", Some("public.other")),
        (pair(), "(CANARY,public.other", None),
        (StoredNames::Array(Box::new(class())), "CANARY", None),
        (StoredNames::Range, "[CANARY,)", None),
        (class(), "CANARY\u{fffd}", None),
    ] {
        let catalog = catalog(shape);
        let rewriter =
            Rewriter::new(Mapping::default(), Known::from_catalog(&catalog)).expect("the names fit");
        let map = NameMap::new(rewriter, &catalog);
        let mut table = map.table(&catalog.tables[0]).expect("it stores names");
        // The last one stands for a value that is no UTF-8.
        let value: Vec<u8> = match text.strip_suffix('\u{fffd}') {
            Some(start) => [start.as_bytes(), b"\xff"].concat(),
            None => text.into(),
        };
        table.map(1, &value);
        let [unresolved] = table.unresolved().try_into().expect("it means nothing");
        assert_eq!(unresolved.example.as_deref(), example, "{text}");
        assert!(!unresolved.to_string().contains("CANARY"), "{unresolved}");
    }
}
