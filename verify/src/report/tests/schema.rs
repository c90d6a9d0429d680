//! The report for programs and its schema keep in step.

use serde_json::{Value, json};

use super::{Form, SHOWN, report};

const SCHEMA: &str = include_str!("../../../../docs/verify.schema.json");

/// What `schema` says against `value`, each with its place. Serves the words that our schema uses, and refuses others.
fn check(root: &Value, schema: &Value, value: &Value, place: &str, wrong: &mut Vec<String>) {
    for (word, rule) in schema.as_object().expect("a schema is an object") {
        let listed = || rule.as_array().expect("a list");
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
            "enum" => listed().contains(value),
            "minimum" => value.as_u64().is_none_or(|it| Some(it) >= rule.as_u64()),
            "pattern" => {
                assert_eq!(
                    rule, "^[0-9a-f]{64}$",
                    "another pattern is not known to this test"
                );
                let is_hex = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
                value
                    .as_str()
                    .is_none_or(|it| it.len() == 64 && it.bytes().all(is_hex))
            }
            "required" => {
                let has = |it: &Value| value.get(it.as_str().expect("a key")).is_some();
                !value.is_object() || listed().iter().all(has)
            }
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

/// What a report has that the schema does not describe, or has otherwise.
pub(super) fn faults(report: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let mut wrong = Vec::new();
    check(&schema, &schema, report, "", &mut wrong);
    wrong
}

#[test]
fn the_schema_describes_the_report() {
    let sealed = report().render(Form::Json, SHOWN);
    let printed: Value = serde_json::from_str(&sealed.text).expect("it is JSON");
    assert_eq!(faults(&printed), [""; 0]);
    assert_eq!(printed["sha256"], json!(sealed.sha256));
    assert_eq!(printed["run"]["mode"], "quick");
    assert_eq!(printed["source_identity"]["archive"]["run"], "0190-run");
    // Values are whole, whatever they hold.
    assert_eq!(
        printed["tables"][1]["differing_rows"]["rows"][0]["source"][3],
        super::EVIL
    );
    assert_eq!(
        printed["tables"][1]["differing_rows"]["rows"][1]["differ"],
        json!(["total", "note"])
    );
    // Each key that is left out, and each that is new, is noticed.
    for key in printed.as_object().expect("it is an object").keys() {
        let mut less = printed.clone();
        less.as_object_mut().expect("it is an object").remove(key);
        assert_eq!(faults(&less).len(), 1, "{key}");
    }
    let mut more = printed.clone();
    more["tables"][1]["differing_rows"]["rows"][0]["key"] = json!(1);
    assert_eq!(faults(&more).len(), 1);
}
