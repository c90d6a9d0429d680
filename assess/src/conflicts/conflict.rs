//! One thing that sources, or a source and the target, do not agree on.

use serde::Serialize;

/// How many objects a conflict names; of all others it says how many there are.
const EVIDENCE_MAX: usize = 20;

/// A conflict with all that a person needs to decide.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Conflict {
    /// Topic and objects: the same in every run as long as they have the same names, so that a plan can refer to it.
    pub(crate) id: String,
    pub(crate) severity: Severity,
    pub(crate) topic: Topic,
    /// What it is, as a sentence with its evidence.
    pub(crate) text: String,
    /// The objects, the first of them.
    pub(crate) evidence: Vec<String>,
    /// How many objects there are.
    pub(crate) evidence_total: usize,
    /// What resolves it.
    pub(crate) way_out: String,
    /// What a plan's `resolution` may say; the first is proposed.
    pub(crate) choices: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    /// A load would fail, or put something wrong in the place of something right.
    Blocks,
    /// A load works, and something is otherwise than it was: a person has to look.
    Warns,
    /// Worth knowing; nothing has to be done before the move.
    Notes,
    /// The plan takes care of it, or a tool does.
    Resolved,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Topic {
    Server,
    Feature,
    Role,
    Encoding,
    Collation,
    Extension,
    Schema,
    LargeObject,
    Values,
    Merge,
    Replication,
    ForeignServer,
    SearchPath,
    Setting,
    Connections,
    Space,
    Application,
    Name,
}

/// Words for what becomes of a conflict, as a plan's `resolution` has them.
pub(crate) mod choices {
    /// Somebody does what the way out says before the load, and `assess` looks again.
    pub(crate) const FIX: &[&str] = &["fix"];
    /// Known and wanted, or mended.
    pub(crate) const ACCEPT_OR_FIX: &[&str] = &["accept", "fix"];
    /// Mended, or known and wanted.
    pub(crate) const FIX_OR_ACCEPT: &[&str] = &["fix", "accept"];
    /// Made again on the target by hand, or known and given up.
    pub(crate) const RECREATE_OR_DROP: &[&str] = &["recreate", "drop"];
    /// Another name in the plan, or what stands in the way goes.
    pub(crate) const RENAME_OR_FIX: &[&str] = &["rename", "fix"];
    /// What is in the way stays behind, or is mended.
    pub(crate) const LEAVE_OUT_OR_FIX: &[&str] = &["leave-out", "fix"];
    /// The tools do it.
    pub(crate) const BY_PLAN: &[&str] = &["plan"];
}

impl Conflict {
    /// A conflict over `objects`, which tell it from others of its topic.
    pub(crate) fn new(
        severity: Severity,
        topic: Topic,
        objects: &[&str],
        text: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Self {
        Conflict {
            id: format!("{}:{}", topic.key(), objects.join(":")),
            severity,
            topic,
            text: text.into(),
            evidence: Vec::new(),
            evidence_total: 0,
            way_out: way_out.into(),
            choices: match severity {
                Severity::Blocks => choices::FIX,
                Severity::Warns => choices::FIX_OR_ACCEPT,
                Severity::Notes => choices::ACCEPT_OR_FIX,
                Severity::Resolved => choices::BY_PLAN,
            },
        }
    }

    /// Whether it is a schema that a load of this very source has made.
    pub(crate) fn is_loaded(&self) -> bool {
        let object = self.id.split('@').next().unwrap_or_default();
        self.topic == Topic::Schema && object.ends_with(":loaded")
    }

    /// The same with the objects that it is about.
    pub(crate) fn with_evidence(mut self, objects: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut objects: Vec<String> = objects.into_iter().map(Into::into).collect();
        self.evidence_total = objects.len();
        objects.truncate(EVIDENCE_MAX);
        self.evidence = objects;
        self
    }

    /// The same with other words for a plan's `resolution`.
    pub(crate) fn with_choices(mut self, choices: &'static [&'static str]) -> Self {
        self.choices = choices;
        self
    }
}

impl Topic {
    /// As people read it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Topic::Server => "server",
            Topic::Feature => "feature",
            Topic::Role => "role",
            Topic::Encoding => "encoding",
            Topic::Collation => "collation",
            Topic::Extension => "extension",
            Topic::Schema => "schema",
            Topic::LargeObject => "large object",
            Topic::Values => "values",
            Topic::Merge => "merge",
            Topic::Replication => "replication",
            Topic::ForeignServer => "foreign server",
            Topic::SearchPath => "search_path",
            Topic::Setting => "setting",
            Topic::Connections => "connections",
            Topic::Space => "space",
            Topic::Application => "application",
            Topic::Name => "name",
        }
    }

    /// As an id begins with.
    pub(crate) fn key(self) -> String {
        self.word().replace(' ', "_")
    }
}

/// `a`, `a and b`, `a, b and c`; of more than `most` the first and how many others there are.
pub(crate) fn list<T: AsRef<str>>(items: &[T], most: usize) -> String {
    let shown: Vec<&str> = items.iter().take(most).map(AsRef::as_ref).collect();
    let hidden = items.len() - shown.len();
    match (shown.as_slice(), hidden) {
        ([], _) => String::new(),
        ([only], 0) => (*only).to_owned(),
        ([before @ .., last], 0) => format!("{} and {last}", before.join(", ")),
        (shown, hidden) => format!("{} and {} more", shown.join(", "), cli::count(hidden as u64)),
    }
}

/// `1 table`, `2,048 tables`.
pub(crate) fn number_of(number: usize, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        cli::count(number as u64),
        if number == 1 { one } else { many }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_say_how_much_they_leave_out() {
        assert_eq!(list(&["a"], 3), "a");
        assert_eq!(list(&["a", "b", "c"], 3), "a, b and c");
        assert_eq!(list(&["a", "b", "c", "d"], 2), "a, b and 2 more");
        assert_eq!(list::<&str>(&[], 2), "");
    }

    #[test]
    fn evidence_is_cut_and_counted() {
        let it = Conflict::new(Severity::Warns, Topic::ForeignServer, &["a", "b"], "t", "w")
            .with_evidence((0..50).map(|it| it.to_string()));
        assert_eq!((it.evidence.len(), it.evidence_total), (EVIDENCE_MAX, 50));
        assert_eq!(it.id, "foreign_server:a:b");
    }
}
