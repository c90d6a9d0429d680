//! What `load --data-only` is asked for.

use std::fmt;
use std::str::FromStr;

use catalog::QualifiedName;
use clap::{Args, ValueEnum};

/// Arguments for rows that go into tables which exist.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rows alone")]
pub(crate) struct DataOnlyArgs {
    /// Load the rows alone, into tables that exist
    ///
    /// Tables are found by their schema and name, columns by their names; of the archive's definitions nothing is
    /// applied. The whole archive is read and proved first: what comes through a pipe waits in a temporary file. Then
    /// one session fills each table in one transaction, in the order of foreign keys. Rows go straight in where all types are
    /// the same, else through a temporary table and assignment casts. What does not fit is told before any row.
    /// Migrations' tables of EF Core, Prisma, Drizzle, Alembic, Rails, Flyway, Django and the like are left alone.
    #[arg(long, conflicts_with_all = ["jobs", "privileges", "apply", "abandon", "dry_run", "space", "whole_max", "toast_compression", "after", "RejectArgs", "RoleArgs", "ProofArgs", "rate_limit"])]
    pub(crate) data_only: bool,
    /// Add to the rows that tables hold already
    #[arg(long, requires = "data_only")]
    pub(crate) append: bool,
    /// Remove the rows that TABLE holds, in the transaction that fills it; may be given several times
    #[arg(long, value_name = "TABLE", requires = "data_only")]
    pub(crate) truncate: Vec<String>,
    /// Fill the column TARGET from the archive's column SOURCE; TABLE is the target's; may be given several times
    #[arg(long = "column", value_name = "TABLE.SOURCE=TARGET", requires = "data_only")]
    pub(crate) columns: Vec<ColumnChoice>,
    /// What the target's own triggers do to the rows
    #[arg(long, value_enum, default_value_t = Triggers::Prove, value_name = "WHAT", requires = "data_only")]
    pub(crate) triggers: Triggers,
    /// Accept values that a cast changes: digits, times and the like that the target's type does not hold
    #[arg(long, requires = "data_only")]
    pub(crate) allow_lossy: bool,
}

/// What becomes of triggers on tables that are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Triggers {
    /// They fire, and rows that one changes or drops stop the load
    Prove,
    /// They fire, and what they change is told
    Fire,
    /// They are disabled for the transaction that fills the table; only its owner may
    Suspend,
}

/// A column of the archive under another name on the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ColumnChoice {
    pub(crate) table: String,
    pub(crate) source: String,
    pub(crate) target: String,
}

/// Words that are no [`ColumnChoice`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParseColumnError(String);

impl FromStr for ColumnChoice {
    type Err = ParseColumnError;

    fn from_str(words: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (place, target) = words.split_once('=')?;
            let (table, source) = place.rsplit_once('.')?;
            let is_whole = [table, source, target].iter().all(|it| !it.is_empty());
            is_whole.then(|| ColumnChoice {
                table: table.to_owned(),
                source: source.to_owned(),
                target: target.to_owned(),
            })
        };
        parse().ok_or_else(|| ParseColumnError(words.to_owned()))
    }
}

impl fmt::Display for ParseColumnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not TABLE.SOURCE=TARGET", self.0)
    }
}

impl std::error::Error for ParseColumnError {}

impl fmt::Display for ColumnChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}={}", self.table, self.source, self.target)
    }
}

/// Whether a person who writes `word` can mean the table `name`: with or without its schema, quoted as in SQL or not.
pub(crate) fn means(word: &str, name: &QualifiedName) -> bool {
    word == name.name || word == name.to_string() || word == format!("{}.{}", name.schema, name.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(words: &str, expected: Option<[&str; 3]>) {
        let found = words.parse::<ColumnChoice>().ok();
        let found = found.as_ref().map(|it| [&*it.table, &*it.source, &*it.target]);
        assert_eq!(found, expected, "{words}");
    }

    #[test]
    fn a_column_is_named_behind_its_table() {
        check("users.mail=Email", Some(["users", "mail", "Email"]));
        check("shop.users.mail=e=mail", Some(["shop.users", "mail", "e=mail"]));
        for words in ["users.mail", "mail=Email", ".mail=x", "users.=x", "users.mail="] {
            check(words, None);
        }
    }

    #[test]
    fn a_table_is_meant_with_or_without_its_schema() {
        let name = QualifiedName::new("shop", "Order Lines");
        for (word, expected) in [
            ("Order Lines", true),
            ("shop.Order Lines", true),
            ("shop.\"Order Lines\"", true),
            ("order lines", false),
            ("lines", false),
        ] {
            assert_eq!(means(word, &name), expected, "{word}");
        }
    }
}
