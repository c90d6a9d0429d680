//! The choices for a SQLite file, with the same options in every tool that reads one.

use std::time::Duration;

use database::sqlite::{Choices, Opening};

use crate::Result;

/// What becomes of a SQLite file's types, values and names.
#[derive(Clone, Debug, clap::Args)]
pub struct SqliteArgs {
    /// How long to wait for a writer that has the file locked
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds, help_heading = SQLITE)]
    pub busy_timeout: Duration,
    /// Read a damaged file as far as it can be read; what is lost is said table by table, and the tool ends with 1
    /// where rows are
    #[arg(long, help_heading = SQLITE)]
    pub salvage: bool,
}

const SQLITE: &str = "SQLite";

impl SqliteArgs {
    /// The options as choices; files that they name are read.
    pub fn choices(&self) -> Result<Choices> {
        Ok(Choices {
            opening: Opening {
                busy_timeout: self.busy_timeout,
                salvage: self.salvage,
            },
            ..Choices::default()
        })
    }
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
