//! The arguments of `verify`.

use std::num::NonZeroUsize;

use clap::Parser;
use cli::{Format, KeysArgs, MappingArgs};

const EXAMPLES: &str = "  verify mandible-dev shared-app-dev --to mandible
  verify legacy.sqlite shared-app-dev --to legacy
  verify backup.tar shared-app-dev --to mandible
  dump mandible-dev | verify - shared-app-dev --to mandible
  verify app-dev app-dev --to v2
  verify mandible-dev shared-app-dev --to mandible --quick
  verify mandible-dev shared-app-dev --to mandible --table 'public.order*' --sample 5 --seed 7
  verify --archive backup.tar";

const FINDINGS: &str = "something differs";

/// Prove that a target holds every row of a source
///
/// Compares the columns, the count and the fingerprint of every table, the positions of sequences, and the names
/// of views, functions, types, indexes, constraints, triggers and all other objects. Large objects, and rows of
/// extensions' configuration tables, must all be there; the target may hold more. Generated columns are compared unless
/// SOURCE is an archive, which has no values of them, or a server cannot calculate them; the report names those that are
/// not. A table is compared by the columns that both sides have, a column of another type by its text or as the source's
/// type. What dump left out, and rows that load rejected, are known from the archive or from the target's journal: they
/// are told, and make no difference.
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
#[command(name = "verify", after_help = cli::after_help(EXAMPLES, Some(FINDINGS)))]
pub(crate) struct Args {
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
    pub(crate) extent: ExtentArgs,
    #[command(flatten)]
    pub(crate) sqlite: cli::SqliteArgs,
    #[command(flatten)]
    pub(crate) rate: cli::RateArgs,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORM")]
    pub(crate) format: Format,
}

/// How much is compared.
#[derive(Debug, clap::Args)]
pub(crate) struct ExtentArgs {
    /// Compare counts and the servers' own hashes, between two PostgreSQL databases: faster and weaker. Blind to 1.0 and
    /// 1.00, 0 and -0, case in citext, 24:00:00 and 1 day. A table that differs is compared wholly
    #[arg(long, conflicts_with = "sample")]
    pub(crate) quick: bool,
    /// Compare the rows of these tables alone, and nothing else; patterns as those of `dump --table`, for names in the
    /// source or on the target; a partitioned table stands for its partitions [repeatable]
    #[arg(long = "table", value_name = "PATTERN")]
    pub(crate) tables: Vec<String>,
    /// Compare about this share of every table's rows, and all counts, between two PostgreSQL databases
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(crate) sample: Option<f64>,
    /// Which rows --sample chooses; the report prints it
    #[arg(long, value_name = "N", default_value_t = 0, requires = "sample")]
    pub(crate) seed: u64,
}

fn percent(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if number > 0.0 && number <= 100.0 {
        Ok(number)
    } else {
        Err("it is not above 0 and at most 100".to_owned())
    }
}

impl Args {
    pub(crate) fn jobs(&self) -> usize {
        let jobs = self.jobs.or_else(|| std::thread::available_parallelism().ok());
        jobs.map_or(2, usize::from)
    }
}
