//! What a merge must say, which keys stay apart, and which types have one in common.

use super::*;

fn source(name: &str) -> PlannedSource {
    let json = format!(r#"{{"name":"{name}","endpoint":"{name}","schemas":["public"]}}"#);
    serde_json::from_str(&json).expect("the source is whole")
}

fn merge(json: &str) -> Merge {
    serde_json::from_str(json).expect("the merge is whole")
}

fn problems(merges: &[&str]) -> Vec<String> {
    let merges: Vec<Merge> = merges.iter().map(|it| merge(it)).collect();
    let found = check_merges(&merges, &[source("a"), source("b")]);
    found.iter().map(ToString::to_string).collect()
}

const USERS: &str = r#"{"into":"app.users","tables":[{"source":"a","table":"public.users"},
    {"source":"b","table":"public.users"}],"offsets":{"a":0,"b":1000000},"dedupe":["email"],"wins":["b"]}"#;

#[test]
fn whole_merge_has_no_problems_and_is_read_back() {
    assert_eq!(problems(&[USERS]), Vec::<String>::new());
    let it = merge(USERS);
    let json = serde_json::to_string(&it).expect("a merge holds strings");
    assert_eq!(merge(&json), it);
    assert_eq!(
        (it.source_column.as_str(), it.order()),
        ("source", vec!["b", "a"])
    );
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_its_place() {
    let second = r#"{"into":"app.users","keys":"offset","offsets":{"a":5,"c":5},"source_column":"email",
        "tables":[{"source":"a","table":"public.users"},{"source":"c","table":"other.users"},{"source":"b","table":"users"}],
        "dedupe":["email"],"wins":["d"]}"#;
    assert_eq!(
        problems(&[USERS, second]),
        [
            "merges[1].into: merges[0] makes app.users already",
            "merges[1].tables[0].table: public.users of `a` is merged by merges[0].tables[0] already",
            "merges[1].tables[1].source: the plan has no source `c`; it has a, b",
            "merges[1].tables[2].table: `users` is no schema and table, as in `public.users`",
            "merges[1].offsets.c: sources `a` and `c` have the same offset, so their keys meet",
            "merges[1].offsets: source `b` has no offset; `assess --plan` proposes one, and 0 keeps its keys",
            "merges[1].wins[0]: source `d` has no table in this merge",
            "merges[1].dedupe[0]: rows of two sources never have the same source",
        ]
    );
    let composite = r#"{"into":"app.t","keys":"composite","offsets":{"a":1},"tables":[{"source":"a","table":"public.t"}]}"#;
    assert_eq!(
        problems(&[composite]),
        ["merges[0].offsets: offsets are for keys that are kept apart by \"offset\""]
    );
}

#[test]
fn proposed_offsets_leave_room_for_as_many_keys_again() {
    let greatest = |keys: &[Option<i64>]| -> Vec<(String, Option<i64>)> {
        let names = ["a", "b", "c", "d"].into_iter().map(str::to_owned);
        names.zip(keys.iter().copied()).collect()
    };
    let offsets = |keys: &[Option<i64>]| {
        let offsets = propose_offsets(&greatest(keys))?;
        Some(offsets.into_values().collect::<Vec<_>>())
    };
    assert_eq!(
        offsets(&[Some(12), None, Some(700_000), Some(1)]),
        Some(vec![0, 1_000_000, 2_000_000, 4_000_000])
    );
    assert_eq!(offsets(&[Some(312_000_000), Some(5)]), Some(vec![0, 630_000_000]));
    assert_eq!(offsets(&[Some(i64::MAX), Some(5)]), None);
}

#[test]
fn types_unite_only_where_nothing_is_lost() {
    let column_type = |text: &str| ColumnType {
        schema: ColumnType::BUILT_IN_SCHEMA.to_owned(),
        name: text.to_owned(),
        text: text.to_owned(),
        base: None,
    };
    for (one, other, expected) in [
        ("integer", "integer", Some("integer")),
        ("smallint", "bigint", Some("bigint")),
        ("numeric", "integer", Some("numeric")),
        ("numeric(10,2)", "integer", None),
        (
            "character varying(20)",
            "character varying(80)",
            Some("character varying(80)"),
        ),
        (
            "character varying(20)",
            "character varying",
            Some("character varying"),
        ),
        ("character varying", "text", Some("text")),
        ("text", "character varying(20)", Some("text")),
        ("character(3)", "character(4)", None),
        ("timestamp without time zone", "timestamp with time zone", None),
        ("text", "integer", None),
    ] {
        for (one, other) in [(one, other), (other, one)] {
            let united = unite_types(&column_type(one), &column_type(other));
            assert_eq!(united.map(|it| it.text).as_deref(), expected, "{one}, {other}");
        }
    }
}
