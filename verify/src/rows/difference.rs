//! Which rows of a table differ, as far as they were looked for.

/// Rows of one table that are not the same on both sides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RowDifferences {
    /// The target's names of the columns that identify a row, in the key's order; empty where rows have no key and are
    /// told apart by all their values.
    pub(crate) key: Vec<String>,
    /// The target's names of all columns that were compared, in the order of the values.
    pub(crate) columns: Vec<String>,
    /// The first of them, at most as many as were asked for.
    pub(crate) rows: Vec<RowDifference>,
    /// How many there are of each kind; at least so many unless `is_complete`.
    pub(crate) missing: u64,
    pub(crate) extra: u64,
    pub(crate) changed: u64,
    /// Whether all differing rows were counted, also those that are not in `rows`.
    pub(crate) is_complete: bool,
}

/// One row; values are the server's own text, `None` is NULL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RowDifference {
    /// Only the source has it; all its values, in the order of [`RowDifferences::columns`].
    Missing(Vec<Option<String>>),
    /// Only the target has it.
    Extra(Vec<Option<String>>),
    /// Both have it under the same key, with other values.
    Changed {
        /// All values of the source's row.
        source: Vec<Option<String>>,
        /// All values of the target's row.
        target: Vec<Option<String>>,
        /// Places of the columns whose values differ. Their texts can be the same: what differs then is the form.
        columns: Vec<usize>,
    },
}
