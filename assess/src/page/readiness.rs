//! What `--ready` looked at, what stands in the way first.

use maud::{Markup, html};

use super::text;
use crate::readiness::{Check, Mark, Verdict};

const MARKS: [Mark; 3] = [Mark::Fails, Mark::Warns, Mark::Holds];

pub(super) fn body(verdict: &Verdict) -> Markup {
    html! {
        @for mark in MARKS {
            @let checks: Vec<&Check> = verdict.checks.iter().filter(|it| it.mark == mark).collect();
            @if !checks.is_empty() {
                h3 { (title(mark)) " " span.count { (text::grouped(checks.len())) } }
                ul.checks { @for check in checks { (line(check)) } }
            }
        }
    }
}

/// How many lines have this mark.
pub(super) fn count(verdict: &Verdict, mark: Mark) -> usize {
    verdict.checks.iter().filter(|it| it.mark == mark).count()
}

fn title(mark: Mark) -> &'static str {
    match mark {
        Mark::Fails => "Stands in the way",
        Mark::Warns => "To look at",
        Mark::Holds => "Holds",
    }
}

fn line(check: &Check) -> Markup {
    let (class, sign, word) = match check.mark {
        Mark::Fails => ("blocks", "✗", "fails"),
        Mark::Warns => ("warns", "!", "look"),
        Mark::Holds => ("resolved", "✓", "holds"),
    };
    html! {
        li {
            p.head {
                span class={ "badge " (class) } { span aria-hidden="true" { (sign) } " " (word) }
                " "
                span.topic { (check.topic.word()) }
            }
            div {
                p.said { (text::name(&check.text)) }
                @if !check.way_out.is_empty() {
                    p.way { span.lead { "Way out" } " " (text::name(&check.way_out)) }
                }
            }
        }
    }
}
