//! Plans and their schema keep in step.

use serde_json::Value;

const SCHEMA: &str = include_str!("../../../../docs/plan.schema.json");

/// Panics with all that the schema says against it.
#[track_caller]
pub(crate) fn assert_described(value: &Value) {
    testkit::assert_described(SCHEMA, value);
}

pub(crate) fn faults(plan: &Value) -> Vec<String> {
    testkit::faults_by_schema(SCHEMA, plan)
}
