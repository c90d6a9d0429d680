//! JSON and the schema that describes it, held against each other.

use serde_json::Value;

/// Panics with all that `schema`, the text of a JSON Schema, says against `value`.
#[track_caller]
pub fn assert_described(schema: &str, value: &Value) {
    let wrong = faults_by_schema(schema, value);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// All that `schema`, the text of a JSON Schema, says against `value`.
pub fn faults_by_schema(schema: &str, value: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(schema).expect("a schema of ours");
    let mut wrong = Vec::new();
    check(&schema, &schema, value, "", &mut wrong);
    wrong
}

/// Serves the words that the schema uses, and refuses others.
fn check(root: &Value, schema: &Value, value: &Value, place: &str, wrong: &mut Vec<String>) {
    for (word, rule) in schema.as_object().expect("a schema of ours") {
        let holds = match word.as_str() {
            "$ref" => {
                let name = rule
                    .as_str()
                    .expect("a schema of ours")
                    .strip_prefix('#')
                    .expect("a schema of ours");
                check(
                    root,
                    root.pointer(name).expect("a schema of ours"),
                    value,
                    place,
                    wrong,
                );
                true
            }
            "type" => {
                let types = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                types
                    .iter()
                    .any(|it| is_of(value, it.as_str().expect("a schema of ours")))
            }
            "const" => rule == value,
            "enum" => rule.as_array().expect("a schema of ours").contains(value),
            "anyOf" => rule.as_array().expect("a schema of ours").iter().any(|it| {
                let mut against = Vec::new();
                check(root, it, value, place, &mut against);
                against.is_empty()
            }),
            "maxItems" => value
                .as_array()
                .is_none_or(|it| it.len() as u64 <= rule.as_u64().expect("a schema of ours")),
            "minimum" => value.as_f64().is_none_or(|it| Some(it) >= rule.as_f64()),
            "required" => {
                let mut keys = rule.as_array().expect("a schema of ours").iter();
                !value.is_object()
                    || keys.all(|it| value.get(it.as_str().expect("a schema of ours")).is_some())
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
