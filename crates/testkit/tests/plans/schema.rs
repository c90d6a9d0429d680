//! Plans and their schema keep in step.

use serde_json::Value;

const SCHEMA: &str = include_str!("../../../../docs/plan.schema.json");

/// Panics with all that the schema says against the plan.
#[track_caller]
pub(crate) fn assert_described(plan: &Value) {
    let wrong = faults(plan);
    assert!(wrong.is_empty(), "{wrong:#?}\n{plan:#}");
}

pub(crate) fn faults(plan: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut wrong = Vec::new();
    check(&schema, &schema, plan, "", &mut wrong);
    wrong
}

/// Serves the words that the schema uses, and refuses others.
fn check(root: &Value, schema: &Value, value: &Value, place: &str, wrong: &mut Vec<String>) {
    for (word, rule) in schema.as_object().unwrap() {
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
            "minimum" => value.as_f64().is_none_or(|it| Some(it) >= rule.as_f64()),
            "required" => {
                let mut keys = rule.as_array().unwrap().iter();
                keys.all(|it| value.get(it.as_str().unwrap()).is_some())
            }
            "properties" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    if let Some(rule) = rule.get(key) {
                        check(root, rule, value, &format!("{place}/{key}"), wrong);
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                let others = value.as_object().into_iter().flatten();
                for (key, value) in others.filter(|(key, _)| known.is_none_or(|it| !it.contains_key(*key))) {
                    let place = format!("{place}/{key}");
                    match rule {
                        Value::Bool(false) => wrong.push(format!("{place} is not described")),
                        rule => check(root, rule, value, &place, wrong),
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
            "$schema" | "title" | "description" | "$defs" => true,
            other => panic!("{other} is not known to this test"),
        };
        if !holds {
            wrong.push(format!("{place}: {word} {rule} does not hold for {value}"));
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
