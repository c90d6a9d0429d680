//! Findings that change nothing about the result, told in groups: a consolidation has hundreds of them.

use super::value::line;
use super::{Area, Finding, Report, Shown, Weight, counted};

/// Objects that a group names unless all are asked for.
const NAMED_MAX: usize = 3;

/// A weight with the word that begins its lines.
pub(super) const WEIGHTS: [(Weight, &str); 3] = [
    (Weight::Advice, "advice"),
    (Weight::Expected, "expected"),
    (Weight::NotCompared, "not compared"),
];

/// What the findings of a group have in common.
type Key<'a> = (Area, &'a str, Option<&'a str>);

/// A line for each group of findings that say the same of several objects; with `verbose` one for each.
pub(super) fn lines(report: &Report, weight: Weight, shown: Shown) -> Vec<String> {
    lines_of(report, weight, shown, None)
}

/// The same for one area alone.
pub(super) fn lines_of(report: &Report, weight: Weight, shown: Shown, area: Option<Area>) -> Vec<String> {
    let findings = report.findings.iter().filter(|it| it.weight == weight);
    let findings = findings.filter(|it| area.is_none_or(|area| it.area == area));
    if shown.verbose || weight == Weight::Advice {
        return findings.map(|it| line(&format!("{}: {it}", it.area))).collect();
    }
    let mut groups: Vec<(Key<'_>, Vec<&Finding>)> = Vec::new();
    for finding in findings {
        let key = (finding.area, finding.property.as_str(), finding.note.as_deref());
        match groups.iter_mut().find(|(it, _)| *it == key) {
            Some((_, group)) => group.push(finding),
            None => groups.push((key, vec![finding])),
        }
    }
    groups
        .iter()
        .map(|(key, group)| line(&group_line(*key, group)))
        .collect()
}

fn group_line((area, property, note): Key<'_>, group: &[&Finding]) -> String {
    if let [finding] = group {
        return format!("{area}: {finding}");
    }
    let named: Vec<&str> = group
        .iter()
        .take(NAMED_MAX)
        .map(|it| it.object.as_str())
        .collect();
    let mut text = format!(
        "{area}: {property} of {}: {}",
        counted(group.len() as u64, "object"),
        named.join(", ")
    );
    if group.len() > NAMED_MAX {
        text += ", … (--verbose names all)";
    }
    match note {
        Some(note) => format!("{text} ({note})"),
        None => text,
    }
}
