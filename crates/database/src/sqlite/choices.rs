//! What whoever moves a SQLite file has chosen, where the file alone does not decide. All tools that read the file
//! take the same choices, so that they see the same tables and rows.

use super::source::Opening;
use super::target_type::TargetType;

/// The choices for one file; [`Choices::default`] leaves everything to the file's own values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    pub opening: Opening,
    /// Types of columns, which go before the proposed ones.
    pub types: Vec<TypeChoice>,
    pub on_bad_value: OnBadValue,
    pub orphans: Orphans,
    /// New names, by the names that the file has; they go before `names`.
    pub renames: Vec<Rename>,
    pub names: NameStyle,
    pub nocase: Nocase,
    pub full_text: FullText,
}

/// The type that a column is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeChoice {
    pub table: String,
    pub column: String,
    pub target: TargetType,
}

/// A new name for a table, or for a column of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    pub table: String,
    /// `None` renames the table itself.
    pub column: Option<String>,
    pub new_name: String,
}

/// What becomes of a value that its column's chosen type cannot hold, or that no text of PostgreSQL can hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnBadValue {
    /// Nothing is moved; the rows are named.
    #[default]
    Stop,
    /// The value becomes NULL.
    Null,
    /// The value becomes NULL, and a second column keeps what it was: of type text, or bytea where text cannot hold it.
    TextColumn,
    /// The row is set aside, as CSV with the reason.
    Reject,
}

/// What becomes of rows whose foreign key leads to no row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Orphans {
    /// Nothing is moved; the rows are named.
    #[default]
    Stop,
    /// They stay, and the foreign key becomes NOT VALID.
    Keep,
    /// They are left out, with the rows that refer to them.
    Delete,
    /// Their foreign key becomes NULL.
    Null,
}

/// How names are written on the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameStyle {
    /// As they are.
    #[default]
    Keep,
    /// `OrderItems` becomes `order_items`.
    SnakeCase,
}

/// What becomes of COLLATE NOCASE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nocase {
    /// The database's collation, which tells capital and small letters apart; it is said.
    #[default]
    Ignore,
    /// The type `citext`, of the extension of that name.
    Citext,
    /// A nondeterministic collation of ICU.
    Icu,
}

/// What becomes of full-text tables (FTS3 to FTS5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FullText {
    /// They are left out; it is said.
    #[default]
    LeaveOut,
    /// A plain table with a generated column of type `tsvector` and a GIN index.
    TsVector,
}
