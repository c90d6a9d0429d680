//! What a report of `verify` says beside rows, a line for each finding.

use serde_json::Value;

/// `area: object  property: source → target (note)` of each finding that weighs one of `weights`, in the report's order.
pub fn finding_lines(report: &Value, weights: &[&str]) -> Vec<String> {
    let findings = report["findings"].as_array().cloned().unwrap_or_default();
    let is_wanted = |it: &&Value| weights.iter().any(|weight| it["weight"] == *weight);
    findings.iter().filter(is_wanted).map(line).collect()
}

fn line(finding: &Value) -> String {
    let word = |name: &str| finding[name].as_str();
    let sides = match (word("source"), word("target")) {
        (Some(source), Some(target)) => format!(": {source} → {target}"),
        (Some(source), None) => format!(": {source} in the source only"),
        (None, Some(target)) => format!(": {target} on the target only"),
        (None, None) => String::new(),
    };
    let note = word("note").map_or_else(String::new, |it| format!(" ({it})"));
    let text = |name| word(name).unwrap_or_default();
    format!(
        "{}: {}  {}{sides}{note}",
        text("area"),
        text("object"),
        text("property")
    )
}
