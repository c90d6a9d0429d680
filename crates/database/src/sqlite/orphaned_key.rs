//! What is told of a foreign key whose rows have no parent.

use std::fmt;

use super::choices::Orphans;
use super::discard::{Discard, Fate};
use super::schema::Schema;

/// Rows of one foreign key that are named, at most.
pub const ORPHANS_NAMED_MAX: usize = 100;

/// A foreign key with rows that have no parent, or had to go with one that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrphanedKey {
    pub table: String,
    pub columns: Vec<String>,
    pub parent: String,
    pub parent_columns: Vec<String>,
    /// Rows whose key is complete and has no parent.
    pub count: u64,
    /// Rows that lose their parent because that is left out, or loses its own key.
    pub followers: u64,
    /// The first of the rows without a parent, at most [`ORPHANS_NAMED_MAX`]: `rowid 12 (404)`.
    pub rows: Vec<String>,
    /// What becomes of them.
    pub fate: Orphans,
}

/// How many, and the first of them.
impl fmt::Display for OrphanedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMED_MAX: usize = 5;
        write!(
            f,
            "{} rows of {} ({}) have no parent in {} ({})",
            self.count,
            self.table,
            self.columns.join(", "),
            self.parent,
            self.parent_columns.join(", ")
        )?;
        if self.followers > 0 {
            write!(f, ", and {} lose theirs", self.followers)?;
        }
        let named: Vec<&str> = self.rows.iter().take(NAMED_MAX).map(String::as_str).collect();
        if named.is_empty() {
            return Ok(());
        }
        let more = if self.count + self.followers > named.len() as u64 {
            ", …"
        } else {
            ""
        };
        write!(f, ": {}{more}", named.join(", "))
    }
}

impl OrphanedKey {
    /// The same as what every choice takes away is told.
    pub(super) fn discard(&self, schema: &Schema, fate: Fate) -> Option<Discard> {
        const NAMED_MAX: usize = 3;
        let rows = self.count + self.followers;
        let named: Vec<&str> = self.rows.iter().take(NAMED_MAX).map(String::as_str).collect();
        let more = if rows > named.len() as u64 { ", …" } else { "" };
        let followers = match self.followers {
            0 => String::new(),
            number => format!(", {number} of them because theirs is left out or loses its key"),
        };
        Some(Discard {
            table: schema.tables.iter().position(|it| it.name == self.table)?,
            column: self.columns.join(", "),
            fate,
            reason: format!(
                "no parent in {} ({}){followers}",
                self.parent,
                self.parent_columns.join(", ")
            ),
            rows,
            examples: format!("{}{more}", named.join(", ")),
        })
    }
}
