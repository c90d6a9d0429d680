//! Plans are read back as they were written, and whatever is wrong with one is told with its place.

use super::*;

fn plan(sources: &str) -> Result<Plan, PlanError> {
    Plan::parse(&format!(r#"{{"version": 1, "sources": [{sources}]}}"#))
}

/// The faults of a plan whose text is `json`, as `line path: message`.
fn faults(json: &str) -> Vec<String> {
    let error = Plan::parse(json).expect_err(json);
    let line = |it: &Fault| it.line.map_or_else(String::new, |line| line.to_string());
    error
        .faults()
        .iter()
        .map(|it| format!("{} {it}", line(it)))
        .collect()
}

#[track_caller]
fn refused(sources: &str, expected: &str) {
    let error = plan(sources).expect_err(sources);
    assert!(error.to_string().contains(expected), "{error}");
}

const EVERYTHING: &str = r#"{"version": 1, "note": "why",
  "targets": [{"name": "t", "endpoint": "postgres://app:${P}@db/t", "cost_per_month": 12.5, "note": "n"}],
  "sources": [{"name": "a", "endpoint": "a", "note": "n", "target": "t", "layout": "prefix", "order": -2,
    "cost_per_month": 40, "schemas": ["public"], "to": "x", "map": {"public": "x"}, "prefix": "a_",
    "rename": {"public.users": "accounts", "public.f()": "g"}, "snake_case": true, "extensions": "leave",
    "extensions_schema": "ext", "extension_schemas": {"citext": "e"},
    "types": [{"table": "t", "column": "c", "type": "date", "note": "all are dates"}], "on_bad_value": "text-column",
    "orphans": "delete", "nocase": "citext", "full_text": "tsvector", "salvage": true,
    "names": {"snake_case": true, "rename": [{"table": "t", "column": "c", "name": "d", "note": "n"}], "note": "n"},
    "keys": {"uuid": ["*"], "keep_old": "_old", "source": "s", "note": "n"},
    "roles": {"old": "new", "gone": null},
    "tables": {"public.users": {"where": "id > 1", "note": "n",
        "columns": {"a": {"rename": "b", "type": "int", "using": "a::int", "note": "n"}, "c": {"drop": true}},
        "add": {"d": {"type": "text", "value": "'x'", "note": "n"}}},
      "public.\"Old.One\"": {"leave_out": true}},
    "made_of": {"counts": {"views": 1}, "extensions": {"citext": "1.6"}, "roles": ["app"],
      "tables": {"public.users": {"columns": ["a int"], "definition": "0123456789ab"}}}}],
  "merges": [{"into": "x.u", "tables": [{"source": "a", "table": "public.u"}], "keys": "offset", "offsets": {"a": 0},
    "source_column": "origin", "dedupe": ["email"], "wins": ["a"], "columns": {"c": "text"}, "note": "n"}],
  "conflicts": [{"id": "i", "severity": "warns", "topic": "name", "text": "t", "proposed": "p", "choices": ["p"],
    "resolution": "p", "note": "n"}]}"#;

#[test]
fn every_key_is_read_back() {
    let read = Plan::parse(EVERYTHING).unwrap();
    assert_eq!(Plan::parse(&read.to_json()).unwrap(), read);
    let given: serde_json::Value = serde_json::from_str(EVERYTHING).unwrap();
    let written: serde_json::Value = serde_json::from_str(&read.to_json()).unwrap();
    assert_eq!(written, given);
    assert_eq!(read.sources[0].left_out().count(), 1);
    assert_eq!(read.target_of(&read.sources[0]).unwrap().name, "t");
    assert_eq!(read.costs(), Some((40.0, 12.5)));
}

#[test]
fn every_object_may_have_a_note_and_no_unknown_key() {
    // Puts an unknown key into each object of the plan whose keys are fixed, one after the other.
    let value: serde_json::Value = serde_json::from_str(EVERYTHING).unwrap();
    for pointer in [
        "",
        "/targets/0",
        "/sources/0",
        "/sources/0/types/0",
        "/sources/0/names",
        "/sources/0/names/rename/0",
        "/sources/0/keys",
        "/sources/0/tables/public.users",
        "/sources/0/tables/public.users/columns/a",
        "/sources/0/tables/public.users/add/d",
        "/merges/0",
        "/conflicts/0",
    ] {
        let mut with_note = value.clone();
        with_note.pointer_mut(pointer).unwrap()["note"] = "a comment".into();
        Plan::parse(&with_note.to_string()).unwrap();
        let mut with_slip = value.clone();
        with_slip.pointer_mut(pointer).unwrap()["noet"] = "a comment".into();
        let error = Plan::parse(&with_slip.to_string())
            .expect_err(pointer)
            .to_string();
        assert!(
            error.contains("noet: unknown key; did you mean `note`?"),
            "{error}"
        );
    }
}

#[test]
fn faults_are_told_all_at_once_with_their_lines() {
    let json = "{\n\"version\": 1,\n\"sources\": [\n{\"name\": \"a\", \"endpoint\": \"a\",\n\"schemas\": [\"public\"],\n\"map\": 3},\n{\"name\": \"b\",\n \"endpoint\": \"b\",\n \"order\": \"x\"}]}";
    let found = faults(json);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(
        found[0].starts_with("6 sources[0].map: invalid type"),
        "{found:?}"
    );
    assert!(
        found.iter().any(|it| it == "7 sources[1]: `schemas` is missing"),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .any(|it| it.starts_with("9 sources[1].order: invalid type")),
        "{found:?}"
    );
    let json = "{\"version\": 1, \"sources\": [\n{\"name\": \"a\", \"endpoint\": \"u:p@h password=x\",\n\"schemas\": [], \"target\": \"t\"},\n{\"name\": \"a\", \"endpoint\": \"a\", \"schemas\": [\"s\"], \"to\": \"pg_x\",\n\"tables\": {\"s.t\": {\"leave_out\": true, \"where\": \"true\"}}}]}";
    let found = faults(json);
    assert_eq!(found.len(), 5, "{found:?}");
    assert!(found.iter().all(|it| !it.contains("u:p@h")), "{found:?}");
    assert_eq!(found[0].split(':').next(), Some("2 sources[0].endpoint"));
    assert!(
        found[4].starts_with("5 sources[1].tables[\"s.t\"]: "),
        "{found:?}"
    );
    assert!(faults("{\n\"version\": 1,\n}")[0].starts_with("3 it is no JSON"));
    assert!(faults("{\"version\": 1, \"sources\": [],\n\"version\": 1}")[0].contains("twice"));
    assert!(!faults("3").is_empty());
    assert!(faults(r#"{"version": 2, "sources": []}"#)[0].contains("version 2"));
}

#[test]
fn two_sources_share_a_schema_only_where_both_are_meant_to() {
    let two = |first: &str, second: &str| {
        format!(
            r#"{{"name":"a","endpoint":"a","schemas":["public"],"to":"x"{first}}},
               {{"name":"b","endpoint":"b","schemas":["x"]{second}}}"#
        )
    };
    refused(&two("", ""), "sources `a` and `b` would both become schema `x`");
    refused(
        &two(r#","layout":"prefix""#, ""),
        "sources `a` and `b` would both become schema `x`",
    );
    plan(&two(r#","layout":"prefix""#, r#","layout":"merge""#)).unwrap();
    let targets = r#""targets": [{"name":"p","endpoint":"p"},{"name":"q","endpoint":"q"}]"#;
    let sources = two(r#","target":"p""#, r#","target":"q""#);
    Plan::parse(&format!(r#"{{"version": 1, {targets}, "sources": [{sources}]}}"#)).unwrap();
    let sources = two(r#","target":"p""#, "");
    let error = Plan::parse(&format!(r#"{{"version": 1, {targets}, "sources": [{sources}]}}"#));
    assert!(error.unwrap_err().to_string().contains("names none"));
}

#[test]
fn a_column_of_a_file_has_one_type_and_one_name() {
    let with = |type_of: &str, name_of: &str| {
        format!(
            r#"{{"name":"a","endpoint":"a.sqlite","schemas":["public"],"types":[
               {{"table":"t","column":"c","type":"date"}},{{"table":"T","column":"{type_of}","type":"text"}}],
               "names":{{"rename":[{{"table":"t","name":"u"}},{{"table":"t","column":"c","name":"d"}},
               {{"table":"T","column":"{name_of}","name":"e"}}]}}}}"#
        )
    };
    plan(&with("d", "d")).unwrap();
    refused(&with("C", "d"), "the plan gives T.C of source `a` two types");
    refused(&with("d", "C"), "the plan gives T.C of source `a` two names");
}

#[test]
fn what_is_said_of_columns_does_not_contradict_itself() {
    let with = |table: &str| {
        format!(r#"{{"name":"a","endpoint":"a","schemas":["public"],"tables":{{"public.t":{table}}}}}"#)
    };
    for (table, expected) in [
        (r#"{"columns":{"a":{"drop":true,"type":"int"}}}"#, "is dropped"),
        (r#"{"columns":{"a":{"using":"1"}}}"#, "there is no `type`"),
        (r#"{"columns":{"a":{"rename":""}}}"#, "cannot be empty"),
        (
            r#"{"columns":{"a":{"rename":"x"},"b":{"rename":"x"}}}"#,
            "would both become `x`",
        ),
        (
            r#"{"columns":{"a":{"rename":"x"}},"add":{"x":{"type":"int","value":"1"}}}"#,
            "another column becomes `x`",
        ),
        (r#"{"where":" "}"#, "it is empty"),
    ] {
        refused(&with(table), expected);
    }
    refused(
        r#"{"name":"a","endpoint":"a","schemas":["public"],"tables":{"other.t":{}}}"#,
        "no schema `other`",
    );
}

#[test]
fn unknown_names_are_told_with_those_that_exist() {
    let it = plan(r#"{"name":"a","endpoint":"a","schemas":[]}"#).unwrap();
    assert!(
        it.source("b")
            .unwrap_err()
            .to_string()
            .ends_with("the plan has no source `b`; it has a")
    );
    assert!(it.target("b").is_err());
    assert!(it.target_of(&it.sources[0]).is_err());
}
