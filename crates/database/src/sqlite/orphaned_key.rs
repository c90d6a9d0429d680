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
    /// The first of the rows without a parent, at most [`ORPHANS_NAMED_MAX`]: `rowid 12`.
    pub rows: Vec<String>,
    /// What their keys are, `orders (person) of rowid 12 is (404)`: row data.
    pub values: Vec<String>,
    /// What becomes of them.
    pub fate: Orphans,
}

/// How many, and the first of them.
impl fmt::Display for OrphanedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMED_MAX: usize = 5;
        let (rows, have) = if self.count == 1 {
            ("row", "has")
        } else {
            ("rows", "have")
        };
        write!(
            f,
            "{} {rows} of {} ({}) {have} no parent in {} ({})",
            self.count,
            self.table,
            self.columns.join(", "),
            self.parent,
            self.parent_columns.join(", ")
        )?;
        match self.followers {
            0 => {}
            1 => write!(f, ", and 1 loses its own")?,
            number => write!(f, ", and {number} lose theirs")?,
        }
        if self.rows.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", self.first_rows(NAMED_MAX))
    }
}

impl OrphanedKey {
    /// The first rows, and how many more there are: `rowid 12, rowid 17 and 3 more`.
    fn first_rows(&self, named_max: usize) -> String {
        let named = &self.rows[..self.rows.len().min(named_max)];
        let more = (self.count + self.followers).saturating_sub(named.len() as u64);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        format!("{}{more}", named.join(", "))
    }

    /// The same as what every choice takes away is told.
    pub(super) fn discard(&self, schema: &Schema, fate: Fate) -> Option<Discard> {
        const NAMED_MAX: usize = 3;
        let followers = match self.followers {
            0 => String::new(),
            1 => ", 1 of them because its own is left out or loses its key".to_owned(),
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
            rows: self.count + self.followers,
            examples: self.first_rows(NAMED_MAX),
        })
    }
}
