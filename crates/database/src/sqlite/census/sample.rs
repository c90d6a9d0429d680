//! How often something occurs, and in which rows first.

use std::fmt;

/// How many values there are, with the first rows of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) count: u64,
    /// In the order of the table.
    pub(super) rows: Vec<SampledRow>,
}

/// A row by its place in the order in which SQLite gives the rows, counted from 0. Samples are compared by it, so that
/// they are the same however the table was divided.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SampledRow {
    pub(super) place: u64,
    pub(super) label: RowLabel,
}

/// What a row is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RowLabel {
    Rowid(i64),
    /// The key of a table WITHOUT ROWID, `(2, north)`.
    Key(Box<str>),
    /// The table's columns hide the rowid under all its names.
    Place,
}

impl Sample {
    /// Rows that are kept of each.
    pub(super) const ROWS_MAX: usize = 10;

    pub(super) fn add(&mut self, place: u64, label: impl FnOnce() -> RowLabel) {
        self.count += 1;
        let is_late = self.rows.last().is_some_and(|it| it.place < place);
        if self.rows.len() < Sample::ROWS_MAX || !is_late {
            self.keep(SampledRow {
                place,
                label: label(),
            });
        }
    }

    pub(super) fn merge(&mut self, other: Sample) {
        self.count += other.count;
        for row in other.rows {
            self.keep(row);
        }
    }

    /// Adds what another kind of value counted.
    pub(super) fn include(&mut self, other: &Sample) {
        self.merge(other.clone());
    }

    pub(super) fn labels(&self) -> Vec<String> {
        self.rows.iter().map(SampledRow::to_string).collect()
    }

    fn keep(&mut self, row: SampledRow) {
        let at = self.rows.partition_point(|it| it.place < row.place);
        if at < Sample::ROWS_MAX {
            self.rows.insert(at, row);
            self.rows.truncate(Sample::ROWS_MAX);
        }
    }
}

impl fmt::Display for SampledRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.label {
            RowLabel::Rowid(it) => write!(f, "{it}"),
            RowLabel::Key(it) => f.write_str(it),
            RowLabel::Place => write!(f, "{}", self.place + 1),
        }
    }
}
