//! The verdict: one line for each thing that was looked at, what stands in the way first.

use std::fmt::Write as _;

use serde::Serialize;

use crate::report::beside;

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Topic {
    Conflicts,
    Target,
    Privileges,
    Backups,
    Integrity,
}

impl Topic {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Topic::Conflicts => "conflicts",
            Topic::Target => "target",
            Topic::Privileges => "privileges",
            Topic::Backups => "backups",
            Topic::Integrity => "integrity",
        }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mark {
    /// The move cannot begin.
    Fails,
    /// Not looked at, or not as it should be, and no obstacle.
    Warns,
    Holds,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    pub(crate) topic: Topic,
    pub(crate) mark: Mark,
    /// What it is, as a sentence.
    pub(crate) text: String,
    /// What a person can do; empty where nothing is to be done.
    pub(crate) way_out: String,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Verdict {
    /// Whether nothing fails.
    pub(crate) ready: bool,
    pub(crate) checks: Vec<Check>,
}

impl Check {
    pub(super) fn new(topic: Topic, mark: Mark, text: impl Into<String>, way_out: impl Into<String>) -> Self {
        Check {
            topic,
            mark,
            text: text.into(),
            way_out: way_out.into(),
        }
    }

    pub(super) fn fails(topic: Topic, text: impl Into<String>, way_out: impl Into<String>) -> Self {
        Check::new(topic, Mark::Fails, text, way_out)
    }

    pub(super) fn warns(topic: Topic, text: impl Into<String>, way_out: impl Into<String>) -> Self {
        Check::new(topic, Mark::Warns, text, way_out)
    }

    pub(super) fn holds(topic: Topic, text: impl Into<String>) -> Self {
        Check::new(topic, Mark::Holds, text, "")
    }
}

impl Verdict {
    pub(super) fn of(mut checks: Vec<Check>) -> Self {
        checks.sort_by_key(|it| it.topic);
        Verdict {
            ready: checks.iter().all(|it| it.mark != Mark::Fails),
            checks,
        }
    }

    pub(crate) fn to_text(&self) -> String {
        let shown: Vec<&Check> = self.checks.iter().filter(|it| !self.is_repeated(it)).collect();
        let width = beside::width(shown.iter().map(|it| it.text.as_str()));
        let mut text = String::from("READINESS\n");
        for it in &shown {
            let mark = match it.mark {
                Mark::Fails => "✗",
                Mark::Warns => "!",
                Mark::Holds => "✓",
            };
            let lead = format!("  {mark} {:10}  ", it.topic.word());
            text.push_str(&beside::lines(&lead, &it.text, width, &it.way_out));
        }
        let number = |mark| shown.iter().filter(|it| it.mark == mark).count();
        let (fails, warns) = (number(Mark::Fails), number(Mark::Warns));
        let word = if self.ready { "Ready" } else { "Not ready" };
        let _ = writeln!(text, "\n{fails} in the way, {warns} to look at. {word}.");
        text
    }

    /// Whether it is a conflict with the target that the target's own lines tell.
    fn is_repeated(&self, check: &Check) -> bool {
        let mut of_target = self.checks.iter().filter(|it| it.topic == Topic::Target);
        check.topic == Topic::Conflicts && of_target.any(|it| it.text == check.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_fails_stands_in_the_way() {
        let warns = Check::warns(Topic::Backups, "nobody looked", "name them");
        let verdict = Verdict::of(vec![Check::holds(Topic::Target, "all there"), warns.clone()]);
        assert!(verdict.ready);
        assert!(
            verdict
                .to_text()
                .ends_with("\n0 in the way, 1 to look at. Ready.\n")
        );
        let verdict = Verdict::of(vec![warns, Check::fails(Topic::Privileges, "no", "GRANT")]);
        assert!(!verdict.ready);
        assert_eq!(verdict.checks[0].topic, Topic::Privileges);
    }
}
