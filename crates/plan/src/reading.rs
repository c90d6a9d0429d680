//! A plan out of its text: whatever is wrong is told at once, with the place and the line.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::check;
use crate::document::{Plan, PlannedConflict, PlannedTarget};
use crate::faults::{Fault, Faults, PlanError, below};
use crate::known_keys::{self, Shape};
use crate::lines::Lines;
use crate::{Merge, PlannedSource, PlannedTable};

pub(crate) fn read(json: &str) -> Result<Plan, PlanError> {
    let value: Value = serde_json::from_str(json).map_err(|error| not_json(&error))?;
    let lines = Lines::of(json);
    let mut faults = Faults(lines.doubled.0.clone());
    keys_of(&value, &known_keys::PLAN, "", &mut faults);
    let plan = if faults.0.is_empty() {
        typed(value, &mut faults)
    } else {
        None
    };
    if let Some(plan) = &plan {
        faults.0.extend(check::faults(plan));
    }
    for fault in &mut faults.0 {
        fault.line = lines.line(&fault.path);
    }
    faults.0.sort_by_key(|it| it.line);
    PlanError::unless_empty(faults.0)?;
    plan.ok_or_else(|| PlanError::one("", "it is no plan".to_owned()))
}

fn not_json(error: &serde_json::Error) -> PlanError {
    let fault = Fault {
        path: String::new(),
        line: (error.line() > 0).then_some(error.line()),
        message: format!("it is no JSON: {error}"),
    };
    match PlanError::unless_empty(vec![fault]) {
        Err(error) => error,
        Ok(()) => PlanError::one("", "it is no JSON".to_owned()),
    }
}

/// Refuses keys that nothing reads, lest a choice be lost by a slip.
fn keys_of(value: &Value, shape: &Shape, path: &str, faults: &mut Faults) {
    match (shape, value) {
        (Shape::Object(known), Value::Object(object)) => {
            for (key, value) in object {
                let place = below(path, key);
                match known.iter().find(|(name, _)| name == key) {
                    Some((_, shape)) => keys_of(value, shape, &place, faults),
                    None => faults.add(place, known_keys::unknown(key, known)),
                }
            }
        }
        (Shape::List(items), Value::Array(values)) => {
            for (index, value) in values.iter().enumerate() {
                keys_of(value, items, &format!("{path}[{index}]"), faults);
            }
        }
        (Shape::Named(items), Value::Object(object)) => {
            for (key, value) in object {
                keys_of(value, items, &below(path, key), faults);
            }
        }
        _ => {}
    }
}

/// The plan in its types; `None` after faults.
fn typed(value: Value, faults: &mut Faults) -> Option<Plan> {
    let before = faults.0.len();
    let plan = serde_json::from_value(value.clone());
    let Err(error) = plan else {
        return plan.ok();
    };
    if let Value::Object(object) = value {
        search(object, faults);
    }
    if faults.0.len() == before {
        faults.add("", error);
    }
    None
}

/// Finds the places of what does not fit: serde knows none in what it has read into values.
fn search(mut plan: Map<String, Value>, faults: &mut Faults) {
    let mut list = |key: &str| match plan.remove(key) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    let (targets, sources) = (list("targets"), list("sources"));
    let (merges, conflicts) = (list("merges"), list("conflicts"));
    for (index, target) in targets.into_iter().enumerate() {
        fits::<PlannedTarget>(target, &format!("targets[{index}]"), faults);
    }
    for (index, merge) in merges.into_iter().enumerate() {
        fits::<Merge>(merge, &format!("merges[{index}]"), faults);
    }
    for (index, conflict) in conflicts.into_iter().enumerate() {
        fits::<PlannedConflict>(conflict, &format!("conflicts[{index}]"), faults);
    }
    for (index, source) in sources.into_iter().enumerate() {
        search_source(source, &format!("sources[{index}]"), faults);
    }
}

/// Each key of a source by itself, beside what every source must have.
fn search_source(source: Value, path: &str, faults: &mut Faults) {
    let Value::Object(mut source) = source else {
        return faults.add(path, "an object is wanted");
    };
    let before = faults.0.len();
    if let Some(Value::Object(tables)) = source.remove("tables") {
        for (name, table) in tables {
            let place = below(&below(path, "tables"), &name);
            if let Err(error) = name.parse::<crate::Renamed>() {
                faults.add(&place, error);
            }
            fits::<PlannedTable>(table, &place, faults);
        }
    }
    for key in ["name", "endpoint", "schemas"] {
        if !source.contains_key(key) {
            faults.add(path, format!("`{key}` is missing"));
        }
    }
    for (key, value) in source {
        let mut alone = Map::new();
        alone.insert("name".to_owned(), "x".into());
        alone.insert("endpoint".to_owned(), "x".into());
        alone.insert("schemas".to_owned(), Value::Array(Vec::new()));
        alone.insert(key.clone(), value);
        fits::<PlannedSource>(Value::Object(alone), &below(path, &key), faults);
    }
    if faults.0.len() == before {
        faults.add(path, "it does not fit together");
    }
}

fn fits<T: DeserializeOwned>(value: Value, path: &str, faults: &mut Faults) {
    if let Err(error) = serde_json::from_value::<T>(value) {
        faults.add(path, error);
    }
}
