//! The choices for a SQLite file, with the same options in every tool that reads one.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use database::sqlite::{Choices, OnBadValue, TypeChoice};
use plan::PlannedSource;

use crate::sqlite_keys::SqliteKeyArgs;
use crate::sqlite_plan::planned_choices;
use crate::sqlite_types::{flag_types, read_types};
use crate::{Failure, Result};

const HEADING: &str = "SQLite";

/// What becomes of a SQLite file's types, values and names.
#[derive(Clone, Debug, clap::Args)]
pub struct SqliteArgs {
    /// Give a column of a SQLite file this type instead of the proposed one (repeatable)
    ///
    /// TABLE and COLUMN are the file's names; one with a dot or an equals sign stands in double quotes. TYPE is
    /// written as in PostgreSQL: `orders.total=numeric(12,2)`. `text` takes numbers as SQLite writes them,
    /// `bytea` the bytes of texts, also of those that no text of PostgreSQL can hold. All tools that read the file
    /// must be told the same. A type that the values contradict is refused with the rows, unless --on-bad-value says
    /// what becomes of them.
    #[arg(long = "type", value_name = "TABLE.COLUMN=TYPE", help_heading = HEADING)]
    types: Vec<String>,
    /// Read such types from a CSV file with the header `table,column,type`
    #[arg(long = "types", id = "types_file", value_name = "FILE", help_heading = HEADING)]
    types_file: Option<PathBuf>,
    /// What becomes of values that a chosen type cannot hold, and of texts that hold a NUL or are not UTF-8
    /// [default: stop]
    #[arg(long, value_enum, value_name = "WHAT", help_heading = HEADING)]
    on_bad_value: Option<BadValueWord>,
    #[command(flatten)]
    keys: SqliteKeyArgs,
    /// How long to wait for a writer that has the file locked
    /// [default: 10]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = HEADING)]
    busy_timeout: Option<Duration>,
    /// Read a damaged file as far as it can be read; what is lost is said table by table, and the tool ends with 1
    /// where rows are
    #[arg(long, help_heading = HEADING)]
    salvage: bool,
}

/// The words of --on-bad-value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum BadValueWord {
    /// Nothing is moved; the rows are named
    Stop,
    /// The value becomes NULL, and a column that was NOT NULL takes NULL
    Null,
    /// The value becomes NULL, and a column `COLUMN_text` behind the others keeps what it was
    TextColumn,
    /// The row is not moved; `dump --rejects` sets it aside
    Reject,
}

impl SqliteArgs {
    /// The options as choices; files that they name are read. What they do not say, the plan's source says.
    pub fn choices(&self, planned: Option<&PlannedSource>) -> Result<Choices> {
        let mut types = flag_types(&self.types)?;
        if let Some(path) = &self.types_file {
            types.extend(read_types(path)?);
        }
        let mut choices = planned.map(planned_choices).transpose()?.unwrap_or_default();
        let is_free = |it: &TypeChoice| !types.iter().any(|one| is_same_column(one, it));
        choices.types.retain(is_free);
        choices.types.splice(..0, types);
        if let Some(word) = self.on_bad_value {
            choices.on_bad_value = word.choice();
        }
        if let Some(wait) = self.busy_timeout {
            choices.opening.busy_timeout = wait;
        }
        choices.opening.salvage |= self.salvage;
        self.keys.apply(&mut choices);
        Ok(choices)
    }

    /// Refuses options that say nothing about `source`, which is no SQLite file.
    pub fn refuse_for(&self, source: &str) -> Result<()> {
        let given = [
            (!self.types.is_empty(), "--type"),
            (self.types_file.is_some(), "--types"),
            (self.on_bad_value.is_some(), "--on-bad-value"),
            (self.salvage, "--salvage"),
            (self.busy_timeout.is_some(), "--busy-timeout"),
        ];
        let given = given.into_iter().chain(self.keys.given());
        match given.into_iter().find(|(is_given, _)| *is_given) {
            Some((_, option)) => Err(Failure::usage(format!(
                "{option} is about a SQLite file, and {source} is none"
            ))),
            None => Ok(()),
        }
    }

    /// Whether the options name columns, which only one file can have.
    pub fn name_columns(&self) -> bool {
        !self.types.is_empty() || self.types_file.is_some()
    }
}

impl BadValueWord {
    fn choice(self) -> OnBadValue {
        match self {
            BadValueWord::Stop => OnBadValue::Stop,
            BadValueWord::Null => OnBadValue::Null,
            BadValueWord::TextColumn => OnBadValue::TextColumn,
            BadValueWord::Reject => OnBadValue::Reject,
        }
    }
}

fn is_same_column(one: &TypeChoice, other: &TypeChoice) -> bool {
    one.table.eq_ignore_ascii_case(&other.table) && one.column.eq_ignore_ascii_case(&other.column)
}

fn seconds(text: &str) -> std::result::Result<Duration, String> {
    const SECONDS_MAX: f64 = 1e6;
    let seconds = text
        .parse::<f64>()
        .ok()
        .filter(|it| (0.0..=SECONDS_MAX).contains(it));
    let seconds = seconds.ok_or_else(|| "a number of seconds from 0 to 1000000 is wanted".to_owned())?;
    Ok(Duration::from_secs_f64(seconds))
}
