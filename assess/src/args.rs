//! The arguments of `assess`.

use std::path::PathBuf;

use clap::Parser;

use crate::made_makefile::MakeArgs;
use crate::pictures::PictureArgs;
use crate::readiness::ReadyArgs;
use crate::report::Format;
use crate::sources::CensusArgs;

const EXAMPLES: &str = "  assess mandible-dev sso-dev legacy.sqlite
  assess --ready mandible-dev sso-dev legacy.sqlite --target shared-app-dev --plan plan.json
  assess mandible-dev --format json | jq '.sources[0].extensions'";

const FINDINGS: &str = "--ready, and something blocks";

/// Take stock of sources and find what conflicts between them
///
/// Each SOURCE is a PostgreSQL database, a SQLite file or an archive. Shows the server, encoding, collation, extensions,
/// schemas, tables, rows, bytes, views, functions and sequences of each, and every name that several of them
/// use. With --target, what the target lacks. Nothing is written but the plan.
#[derive(Debug, Parser)]
#[command(name = "assess", after_help = cli::after_help(EXAMPLES, Some(FINDINGS)))]
pub(crate) struct Args {
    /// Databases, SQLite files, or archives that `dump` wrote (a file, a directory, or `-`)
    #[arg(required_unless_present_any = ["make"])]
    pub(crate) sources: Vec<String>,
    /// The database that is to take them all
    #[arg(long, value_name = "TARGET")]
    pub(crate) target: Option<String>,
    /// Write a plan to this new file: every source in a schema of its own, and all choices for SQLite files
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) readiness: ReadyArgs,
    #[command(flatten)]
    pub(crate) made_makefile: MakeArgs,
    #[command(flatten)]
    pub(crate) sqlite: cli::SqliteArgs,
    #[command(flatten)]
    pub(crate) sqlite_names: cli::SqliteNameArgs,
    #[command(flatten)]
    pub(crate) census: CensusArgs,
    #[command(flatten)]
    pub(crate) pictures: PictureArgs,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORM")]
    pub(crate) format: Format,
}
