//! The report of `assess` and its schema keep in step.

use serde_json::Value;

const SCHEMA: &str = include_str!("../../../../docs/assess.schema.json");

/// Panics with all that the schema says against the report.
#[track_caller]
pub(crate) fn assert_described(report: &Value) {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut wrong = Vec::new();
    check(&schema, &schema, report, "", &mut wrong);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Serves the words that the schema uses, and refuses others.
fn check(root: &Value, schema: &Value, value: &Value, place: &str, wrong: &mut Vec<String>) {
    let rules = schema.as_object().unwrap();
    for (word, rule) in rules {
        let holds = match word.as_str() {
            "$ref" => {
                let name = rule.as_str().unwrap().strip_prefix('#').unwrap();
                check(root, root.pointer(name).unwrap(), value, place, wrong);
                true
            }
            "type" => {
                let types = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                types.iter().any(|it| is_of(value, it.as_str().unwrap()))
            }
            "const" => rule == value,
            "enum" => rule.as_array().unwrap().contains(value),
            "anyOf" => rule.as_array().unwrap().iter().any(|it| {
                let mut against = Vec::new();
                check(root, it, value, place, &mut against);
                against.is_empty()
            }),
            "maxItems" => value
                .as_array()
                .is_none_or(|it| it.len() as u64 <= rule.as_u64().unwrap()),
            "required" => {
                let mut keys = rule.as_array().unwrap().iter();
                !value.is_object() || keys.all(|it| value.get(it.as_str().unwrap()).is_some())
            }
            "properties" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    match (rule.get(key), rules.get("additionalProperties")) {
                        (Some(rule), _) => check(root, rule, value, &format!("{place}/{key}"), wrong),
                        (None, Some(Value::Bool(false))) => {
                            wrong.push(format!("{place}/{key} is not described"));
                        }
                        _ => {}
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
            "additionalProperties" if rule.is_object() => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    check(root, rule, value, &format!("{place}/{key}"), wrong);
                }
                true
            }
            "additionalProperties" | "$schema" | "title" | "description" | "$defs" => true,
            other => panic!("{other} is not known to this test"),
        };
        if !holds {
            wrong.push(format!("{place}: {word} {rule} does not hold for {value:.200}"));
        }
    }
}

fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is not known to this test"),
    }
}
