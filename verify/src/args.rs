//! The arguments of `verify`.

use std::num::NonZeroUsize;

use clap::{Parser, Subcommand};
use cli::{Format, KeysArgs, MappingArgs};

use crate::queries::QueriesArgs;

const EXAMPLES: &str = "  verify mandible-dev shared-app-dev --to mandible
  verify legacy.sqlite shared-app-dev --to legacy
  verify backup.tar shared-app-dev --to mandible
  dump mandible-dev | verify - shared-app-dev --to mandible
  verify app-dev app-dev --to v2
  verify --archive backup.tar
  verify queries mandible-dev shared-app-dev --to mandible --file daily.sql";

const FINDINGS: &str = "something differs";

/// Prove that a target holds every row of a source
///
/// Compares the columns, the count and the fingerprint of every table, the positions of sequences, and the names
/// of views, functions, types, indexes, constraints, triggers and all other objects. Large objects, and rows of
/// extensions' configuration tables, must all be there; the target may hold more. Generated columns are compared where
/// SOURCE is a SQLite file; the report names those that are not.
///
/// Not compared: what objects are defined as (the text of views and functions, what a constraint, an index or a trigger of
/// the same name says, whether it is on, valid or unique), defaults, NOT NULL, identities and types of columns as long as the
/// values are the same, privileges, owners, comments, row level security, settings, and what the target has more than
/// the source, but for tables with rows and columns.
///
/// SOURCE is a PostgreSQL
/// database, a SQLite file, or an archive (`-` for stdin, a file or a directory); names are translated as
/// `remap-schema` does, so give the same --to and --map. SOURCE and TARGET may be one database: schemas that
/// others are mapped to are then no part of the source. An archive that has been through `remap-schema` has its new names,
/// and says which keys became UUIDs; for other sources give the same --uuid-keys. A SQLite file is read by the choices
/// that `dump` had: give the same options, among which --rename and --snake-case are as those of `dump`, too.
/// With --archive, an archive alone is checked: every SHA-256, count and fingerprint in it. Nothing is written.
#[derive(Debug, Parser)]
#[command(
    name = "verify",
    args_conflicts_with_subcommands = true,
    // A database may be called `help`.
    disable_help_subcommand = true,
    after_help = cli::after_help(EXAMPLES, Some(FINDINGS))
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// What must be there: a database, a SQLite file or an archive; `-` is an archive on stdin
    pub(crate) source: Option<String>,
    /// Where it must be: a PostgreSQL database
    #[arg(requires = "source")]
    pub(crate) target: Option<String>,
    /// Check this archive alone; `-` is stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["source", "target"])]
    pub(crate) archive: Option<String>,
    #[command(flatten)]
    pub(crate) mapping: MappingArgs,
    #[command(flatten)]
    pub(crate) keys: KeysArgs,
    /// Tables that are read at once, each by one session on each side [default: the number of cores]
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Do not look at large objects of a live source, as `dump` with this flag
    #[arg(long)]
    pub(crate) no_large_objects: bool,
    /// Do not look at rows of extensions' configuration tables of a live source, as `dump` with this flag
    #[arg(long)]
    pub(crate) no_extension_rows: bool,
    #[command(flatten)]
    pub(crate) sqlite: cli::SqliteArgs,
    #[command(flatten)]
    pub(crate) rate: cli::RateArgs,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORM")]
    pub(crate) format: Format,
}

/// What can be asked for beside tables.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Queries(Box<QueriesArgs>),
}

impl Args {
    pub(crate) fn jobs(&self) -> usize {
        let jobs = self.jobs.or_else(|| std::thread::available_parallelism().ok());
        jobs.map_or(2, usize::from)
    }
}
