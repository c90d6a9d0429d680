//! What was found beside rows: one line for each.

use std::fmt;

/// Which part of the proof a finding belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Area {
    /// Something is defined otherwise than in the source, or not at all.
    Schema,
    /// A sequence would give numbers again.
    Sequence,
    /// Something is wrong with the target itself, whatever the source is like.
    Health,
    /// A role can see or touch what is not its own.
    Isolation,
    /// A statement answers otherwise, or later.
    Query,
    /// Rows that are not there, or could not be compared, for a reason that is known.
    Rows,
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Weight {
    /// Both sides are not the same: exit status 1.
    Difference,
    /// A difference that has to be, because of what was asked for; the note says why. Exit status 0.
    Expected,
    /// Nothing of it could be compared; the note says why. Exit status 0.
    NotCompared,
    /// What somebody should look at, and what makes nothing different. Exit status 0.
    Advice,
}

/// One line of the report: an object, what of it, and what both sides say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) area: Area,
    pub(crate) weight: Weight,
    /// Kind and name on the target, as SQL: `view shop.open_orders`, `column total of shop.orders`.
    pub(crate) object: String,
    /// What of the object: `definition`, `default`, `not null`, `validated`; `missing` and `not in the source` stand alone.
    pub(crate) property: String,
    /// What it is in the source, in a few words or as SQL on one line.
    pub(crate) source: Option<String>,
    /// What it is on the target.
    pub(crate) target: Option<String>,
    /// Why, or what to do.
    pub(crate) note: Option<String>,
}

impl Finding {
    /// A difference of which only the object and its property are known.
    pub(crate) fn new(area: Area, object: impl Into<String>, property: impl Into<String>) -> Self {
        Finding {
            area,
            weight: Weight::Difference,
            object: object.into(),
            property: property.into(),
            source: None,
            target: None,
            note: None,
        }
    }

    /// With what both sides have; `None` where a side has nothing.
    #[must_use]
    pub(crate) fn between(self, source: Option<String>, target: Option<String>) -> Self {
        Finding {
            source,
            target,
            ..self
        }
    }

    #[must_use]
    pub(crate) fn weighing(self, weight: Weight) -> Self {
        Finding { weight, ..self }
    }

    #[must_use]
    pub(crate) fn with_note(self, note: impl Into<String>) -> Self {
        Finding {
            note: Some(note.into()),
            ..self
        }
    }

    /// What both sides say, after a colon; nothing where neither does.
    pub(super) fn sides(&self) -> String {
        match (&self.source, &self.target) {
            (Some(source), Some(target)) => format!(": {source} → {target}"),
            (Some(source), None) => format!(": {source} in the source only"),
            (None, Some(target)) => format!(": {target} on the target only"),
            (None, None) => String::new(),
        }
    }

    pub(super) fn note_in_brackets(&self) -> String {
        self.note
            .as_ref()
            .map_or_else(String::new, |it| format!(" ({it})"))
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Area::Schema => "schema",
            Area::Sequence => "sequence",
            Area::Health => "health",
            Area::Isolation => "isolation",
            Area::Query => "query",
            Area::Rows => "rows",
        })
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Weight::Difference => "difference",
            Weight::Expected => "expected",
            Weight::NotCompared => "not compared",
            Weight::Advice => "advice",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sides, note) = (self.sides(), self.note_in_brackets());
        write!(f, "{}  {}{sides}{note}", self.object, self.property)
    }
}
