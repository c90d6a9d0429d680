//! Conflicts with their way out, the worst first.

use maud::{Markup, html};

use super::text;

/// How much a finding stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    Blocks,
    Warns,
    Notes,
    Resolved,
}

/// A conflict as the page shows it.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    pub(super) topic: String,
    pub(super) text: String,
    /// The objects that it is about, or the first of them.
    pub(super) evidence: Vec<String>,
    /// How many objects there are.
    pub(super) evidence_total: usize,
    pub(super) way_out: String,
    /// By which a plan refers to it.
    pub(super) id: String,
    /// What a plan may say of it.
    pub(super) choices: &'static [&'static str],
    /// What the plan says of it.
    pub(super) resolution: Option<String>,
}

impl Severity {
    pub(super) const ALL: [Severity; 4] = [
        Severity::Blocks,
        Severity::Warns,
        Severity::Notes,
        Severity::Resolved,
    ];

    pub(super) fn word(self) -> &'static str {
        match self {
            Severity::Blocks => "blocks",
            Severity::Warns => "warns",
            Severity::Notes => "note",
            Severity::Resolved => "resolved",
        }
    }

    fn mark(self) -> &'static str {
        match self {
            Severity::Blocks => "✗",
            Severity::Warns => "!",
            Severity::Notes => "i",
            Severity::Resolved => "✓",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Severity::Blocks => "Blocks the consolidation",
            Severity::Warns => "Look before you move",
            Severity::Notes => "Good to know",
            Severity::Resolved => "Resolved by the plan",
        }
    }

    /// How many are shown at once: nobody has to do anything about what the plan resolves.
    fn open_max(self) -> usize {
        match self {
            Severity::Blocks | Severity::Warns => 30,
            Severity::Notes => 6,
            Severity::Resolved => 0,
        }
    }

    /// What stands before the way out: what is resolved has been let out already.
    fn lead(self) -> &'static str {
        match self {
            Severity::Blocks | Severity::Warns | Severity::Notes => "Way out",
            Severity::Resolved => "How",
        }
    }

    /// The mark and the word, which say the same.
    pub(super) fn badge(self) -> Markup {
        html! {
            span class={ "badge " (self.word()) } {
                span aria-hidden="true" { (self.mark()) } " " (self.word())
            }
        }
    }
}

pub(super) fn count(findings: &[Finding], severity: Severity) -> usize {
    findings.iter().filter(|it| it.severity == severity).count()
}

pub(super) fn body(findings: &[Finding]) -> Markup {
    if findings.is_empty() {
        return html! { p.quiet { "Nothing was found that stands in the way." } };
    }
    html! {
        @for severity in Severity::ALL {
            @let count = count(findings, severity);
            @if count > 0 {
                h3 { (severity.title()) " " span.count { (text::grouped(count)) } }
                (list(severity, findings, count))
            }
        }
    }
}

fn list(severity: Severity, findings: &[Finding], count: usize) -> Markup {
    let of_severity = || findings.iter().filter(|it| it.severity == severity);
    let open = severity.open_max();
    html! {
        @if open > 0 { ul.findings { @for finding in of_severity().take(open) { (item(finding)) } } }
        @if count > open {
            details.more {
                summary { "Show " (text::grouped(count - open)) @if open > 0 { " more" } }
                ul.findings { @for finding in of_severity().skip(open) { (item(finding)) } }
            }
        }
    }
}

fn item(finding: &Finding) -> Markup {
    html! {
        li {
            p.head { (finding.severity.badge()) " " span.topic { (finding.topic) } }
            p.said { (text::name(&finding.text)) }
            @if !finding.way_out.is_empty() {
                p.way { span.lead { (finding.severity.lead()) } " " (text::name(&finding.way_out)) }
            }
            @if !finding.evidence.is_empty() {
                details {
                    summary { "Evidence " span.count { (text::grouped(finding.evidence_total)) } }
                    ul.evidence {
                        @for line in &finding.evidence { li { (text::name(line)) } }
                        @if finding.evidence_total > finding.evidence.len() {
                            li.quiet { "and " (text::grouped(finding.evidence_total - finding.evidence.len())) " more" }
                        }
                    }
                }
            }
            (decision(finding))
        }
    }
}

/// Where a person decides otherwise: the conflict's id in the plan, what it says, and what else it may say.
fn decision(finding: &Finding) -> Markup {
    if finding.severity == Severity::Resolved || finding.choices.is_empty() {
        return html! { p.decision { "In the plan " code { (text::name(&finding.id)) } } };
    }
    let chosen = finding.resolution.as_deref();
    html! {
        p.decision {
            "In the plan " code { (text::name(&finding.id)) } ": "
            @if let Some(word) = chosen { code { (word) } } @else { "nothing decided" }
            @let others: Vec<&str> = finding.choices.iter().copied().filter(|it| Some(*it) != chosen).collect();
            @if !others.is_empty() {
                ", may be "
                @for (number, word) in others.iter().enumerate() {
                    @if number > 0 { " or " }
                    code { (word) }
                }
            }
        }
    }
}
