//! What does not reach the target on request: rows set aside and values replaced, counted and named.

/// Rows of one table that something was taken of, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discard {
    /// The table's place in [`super::Schema::tables`], which is its number in the catalog.
    pub table: usize,
    /// The file's name of the column.
    pub column: String,
    pub fate: Fate,
    /// What the values are, such as `2 texts do not fit bigint`.
    pub reason: String,
    /// How many rows; one that was set aside for several columns counts for the first of them.
    pub rows: u64,
    /// The first of the rows, such as `rowid 17, 44, 102, …`.
    pub examples: String,
}

/// What became of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The rows are set aside: a value of theirs does not fit.
    Rejected,
    /// The rows are not moved, with what refers to them.
    LeftOut,
    /// The values became NULL.
    Null,
    /// The values became NULL, and stand in this column of the target.
    Kept { column: String },
}
