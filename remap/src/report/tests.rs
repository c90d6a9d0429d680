//! The report and its schema keep in step.

use rewrite::{Known, Rewriter, SearchPath};

use super::*;

const SCHEMA: &str = include_str!("../../../docs/remap.schema.json");

const SQL: &str = "CREATE TABLE public.t (id int);
CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM * FROM public.t; EXECUTE g();
END$$;
FROBNICATE x;
ALTER ROLE bob PASSWORD 'CANARY';
CREATE FUNCTION public.h() RETURNS int LANGUAGE sql AS 'SELECT id FROM t';
CREATE INDEX i ON public.t USING btree (public.h());
";

fn mapping() -> Mapping {
    Mapping::new(Some("x"), &[]).expect("the name is valid")
}

fn account() -> Account {
    let mut account = Account {
        schemas: vec!["public".to_owned()],
        created_schemas: vec!["x".to_owned()],
        ..Account::default()
    };
    let mut rewriter = Rewriter::new(mapping(), Known::from_sql(SQL))
        .expect("the mapping fits")
        .with_search_path(SearchPath::Pin);
    rewriter.survey(&[SQL]);
    account.take(Some("schema/pre-data.sql"), rewriter.rewrite(SQL));
    account
}

/// What `schema` says against `value`, each with its place. Serves the words that our schemas use, and refuses
/// others.
fn check(root: &Value, schema: &Value, value: &Value, place: &str, wrong: &mut Vec<String>) {
    let rules = schema.as_object().expect("a schema is an object");
    for (word, rule) in rules {
        let holds = match word.as_str() {
            "$ref" => {
                let name = rule
                    .as_str()
                    .and_then(|it| it.strip_prefix('#'))
                    .expect("a place");
                check(
                    root,
                    root.pointer(name).expect("it is there"),
                    value,
                    place,
                    wrong,
                );
                true
            }
            "type" => {
                let types = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                types.iter().any(|it| Some(type_of(value)) == it.as_str())
            }
            "const" => rule == value,
            "enum" => rule.as_array().expect("a list").contains(value),
            "minimum" => value.as_u64().is_none_or(|it| Some(it) >= rule.as_u64()),
            "required" => rule
                .as_array()
                .expect("a list")
                .iter()
                .all(|it| value.get(it.as_str().expect("a key")).is_some()),
            "properties" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    match rule.get(key) {
                        Some(rule) => check(root, rule, value, &format!("{place}/{key}"), wrong),
                        None => wrong.push(format!("{place}/{key} is not described")),
                    }
                }
                true
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, rule, item, &format!("{place}/{index}"), wrong);
                }
                true
            }
            "additionalProperties" => rule == false,
            "$schema" | "title" | "description" | "$defs" => true,
            other => panic!("{other} is not known to this test"),
        };
        if !holds {
            wrong.push(format!("{place}: {word} {rule} does not hold for {value}"));
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn faults(report: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let mut wrong = Vec::new();
    check(&schema, &schema, report, "", &mut wrong);
    wrong
}

#[test]
fn the_schema_describes_the_report() {
    let report = account().to_json(&mapping(), "archive");
    assert_eq!(faults(&report), [""; 0]);
    for list in [
        "schemas",
        "created_schemas",
        "edits",
        "doubts",
        "notes",
        "passwords",
        "pins",
        "leaning",
    ] {
        assert!(!report[list].as_array().expect("a list").is_empty(), "{list}");
    }
}

#[test]
fn a_report_that_the_schema_does_not_describe_is_noticed() {
    let report = account().to_json(&mapping(), "archive");
    for (pointer, value) in [
        ("/version", json!(2)),
        ("/doubts/0/line", json!(0)),
        ("/edits/0", json!({})),
        ("/input", json!("stdin")),
        (
            "/counts",
            json!({"names": 1, "statements": 1, "body_names": 1, "bodies": 1, "more": 1}),
        ),
    ] {
        let mut changed = report.clone();
        *changed.pointer_mut(pointer).expect("it is there") = value;
        assert_eq!(faults(&changed).len().min(1), 1, "{pointer}");
    }
}

#[test]
fn places_in_bodies_have_the_line_of_the_body_too() {
    let report = account().to_json(&mapping(), "archive");
    let doubt = &report["doubts"][0];
    assert_eq!(
        (&doubt["line"], &doubt["body_line"], &doubt["member"]),
        (&json!(4), &json!(3), &json!("schema/pre-data.sql"))
    );
    let in_body: Vec<&Value> = report["edits"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|it| it["in_body"] == true)
        .map(|it| &it["body_line"])
        .collect();
    assert_eq!(in_body, [3]);
    assert_eq!(report["edits"][0]["body_line"], Value::Null);
    assert_eq!(report["edits"][0]["line"], 1);
}

#[test]
fn passwords_are_listed_and_never_shown() {
    let report = account().to_json(&mapping(), "sql");
    assert_eq!(report["passwords"][0]["object"], "role bob");
    assert_eq!(report["passwords"][0]["line"], 7);
    assert!(!report.to_string().contains("CANARY"));
}

#[test]
fn pinned_routines_are_told_apart_from_those_that_are_left() {
    let report = account().to_json(&mapping(), "sql");
    assert_eq!(
        (&report["pins"][0]["object"], &report["pins"][0]["path"]),
        (&json!("function public.h()"), &json!(["x", "pg_temp"]))
    );
    assert_eq!(report["leaning"][0]["object"], "function public.f()");
}
