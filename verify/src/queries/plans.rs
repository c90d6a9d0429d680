//! Plans as EXPLAIN tells them, by the names of the target, and where they part.

use catalog::QualifiedName;
use rewrite::{Chance, Query};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::names::Names;
use crate::report::{Area, Finding, Weight};

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// How deep it stands.
    pub(crate) depth: usize,
    /// `Hash Join`, `Seq Scan`.
    pub(crate) kind: String,
    pub(crate) schema: Option<String>,
    pub(crate) relation: Option<String>,
    pub(crate) index: Option<String>,
}

/// The steps of a plan in their order; `None` when the text is no plan.
pub(crate) fn steps(json: &str) -> Option<Vec<Step>> {
    let plan: Value = serde_json::from_str(json).ok()?;
    let mut steps = Vec::new();
    collect(plan.get(0)?.get("Plan")?, 0, (None, None), &mut steps);
    Some(steps)
}

fn collect(node: &Value, depth: usize, around: (Option<&str>, Option<&str>), steps: &mut Vec<Step>) {
    let said = |key: &str| node.get(key).and_then(Value::as_str);
    let kind = said("Node Type").unwrap_or_default();
    let (mut schema, mut relation) = (said("Schema"), said("Relation Name"));
    if kind == "Bitmap Index Scan" {
        // The relation is told by the scan of the heap above.
        (schema, relation) = around;
    }
    let owned = |it: Option<&str>| it.map(str::to_owned);
    steps.push(Step {
        depth,
        kind: match said("Join Type") {
            Some(join) if join != "Inner" => format!("{kind} ({join})"),
            _ => kind.to_owned(),
        },
        schema: owned(schema),
        relation: owned(relation),
        index: owned(said("Index Name")),
    });
    let below = if relation.is_some() {
        (schema, relation)
    } else {
        around
    };
    for child in node.get("Plans").and_then(Value::as_array).into_iter().flatten() {
        collect(child, depth + 1, below, steps);
    }
}

/// What the plan of `query` leaves to chance and its text does not show, because it stands in a view.
pub(crate) fn hidden_chance(json: &str, query: &Query) -> Option<String> {
    let plan: Value = serde_json::from_str(json).ok()?;
    let says_limit = query
        .chances()
        .iter()
        .any(|it| matches!(it, Chance::UnorderedLimit | Chance::InnerLimit));
    let mut nodes = vec![plan.get(0)?.get("Plan")?];
    while let Some(node) = nodes.pop() {
        nodes.extend(node.get("Plans").and_then(Value::as_array).into_iter().flatten());
        if node.get("Node Type").and_then(Value::as_str) == Some("Limit") && !says_limit && !query.is_cut() {
            return Some("a view in it takes some rows by LIMIT".to_owned());
        }
        let outputs = node.get("Output").and_then(Value::as_array).into_iter().flatten();
        for output in outputs.filter_map(Value::as_str) {
            if let Some(name) = Chance::in_order_of_rows(output) {
                return Some(format!("{name} in a view puts values together in any order"));
            }
        }
    }
    None
}

impl Step {
    /// By the names of the target.
    fn renamed(&self, names: &Names) -> Step {
        let (Some(schema), Some(relation)) = (&self.schema, &self.relation) else {
            return self.clone();
        };
        let new = names.relation(&QualifiedName::new(schema, relation));
        Step {
            index: self.index.as_ref().map(|it| names.index(schema, it)),
            schema: Some(new.schema),
            relation: Some(new.name),
            ..self.clone()
        }
    }

    fn place(&self) -> Option<QualifiedName> {
        Some(QualifiedName::new(
            self.schema.as_deref()?,
            self.relation.as_deref()?,
        ))
    }
}

/// `Index Scan on shop.orders using orders_pkey`
impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.kind)?;
        if let Some(place) = self.place() {
            write!(f, " on {place}")?;
        }
        match &self.index {
            Some(index) => write!(f, " using {}", catalog::quote_ident(index)),
            None => Ok(()),
        }
    }
}

/// Where the plan of `object` on the target parts from the source's. Whether an index is on the target `has_index` says
/// by schema and name: without it the difference is the index's, else it can be that of statistics.
pub(crate) fn compare(
    object: &str,
    source: &[Step],
    target: &[Step],
    names: &Names,
    has_index: impl Fn(&str, &str) -> bool,
) -> Vec<Finding> {
    let source: Vec<Step> = source.iter().map(|it| it.renamed(names)).collect();
    if source == target {
        return Vec::new();
    }
    let mut findings: Vec<Finding> = Vec::new();
    for step in source.iter().filter(|it| it.index.is_some()) {
        let (Some(place), Some(index)) = (step.place(), &step.index) else {
            continue;
        };
        let on = |it: &&Step| it.place().as_ref() == Some(&place);
        let scan = target.iter().filter(on).find(|it| it.kind == "Seq Scan");
        let still_used = target.iter().filter(on).any(|it| it.index.is_some());
        let Some(scan) = scan.filter(|_| !still_used) else {
            continue;
        };
        let is_there = has_index(&place.schema, index);
        let finding = Finding::new(Area::Query, object, "sequential scan")
            .between(Some(step.to_string()), Some(scan.to_string()));
        findings.push(if is_there {
            finding
                .weighing(Weight::Advice)
                .with_note("the index is there; ANALYZE and the planner's settings decide")
        } else {
            finding.with_note("the target has no such index")
        });
    }
    findings.dedup();
    if findings.is_empty() {
        let first = source.iter().zip(target).position(|(here, there)| here != there);
        let first = first.unwrap_or_else(|| source.len().min(target.len()));
        let shown = |steps: &[Step]| {
            let step = steps.get(first);
            Some(step.map_or_else(|| "no further step".to_owned(), ToString::to_string))
        };
        findings.push(
            Finding::new(Area::Query, object, "plan")
                .between(shown(&source), shown(target))
                .weighing(Weight::Advice)
                .with_note("where both plans part; statistics and settings can be the reason"),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_a_bitmap_know_their_relation() {
        let json = r#"[{"Plan": {"Node Type": "Bitmap Heap Scan", "Schema": "s", "Relation Name": "t",
            "Plans": [{"Node Type": "Bitmap Index Scan", "Index Name": "i"}]}}]"#;
        let steps = steps(json).expect("a plan");
        let shown: Vec<String> = steps.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            ["Bitmap Heap Scan on s.t", "Bitmap Index Scan on s.t using i"]
        );
    }
}
