//! The choices for a SQLite file, with the same options in every tool that reads one.

use database::sqlite::Choices;

use crate::Result;
use crate::sqlite_keys::SqliteKeyArgs;

/// What becomes of a SQLite file's types, values and names.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct SqliteArgs {
    #[command(flatten)]
    keys: SqliteKeyArgs,
}

impl SqliteArgs {
    /// The options as choices; files that they name are read.
    pub fn choices(&self) -> Result<Choices> {
        let mut choices = Choices::default();
        self.keys.apply(&mut choices);
        Ok(choices)
    }
}
