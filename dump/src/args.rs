//! The arguments of `dump`.

use std::num::{NonZeroU8, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use archive::Codec;
use clap::{Parser, ValueEnum};

const EXAMPLES: &str = "  dump mandible-dev | remap-schema --to mandible | load shared-app-dev
  dump postgres://reader@db.example.com/sso -o sso.tar
  dump legacy.sqlite --compress zstd -o legacy/
  dump legacy.sqlite --type events.at=timestamptz --on-bad-value reject --rejects rejected/ -o legacy.tar
  dump --plan plan.json --source mandible -o mandible.tar
  dump mandible-dev --schema 'crm*' --exclude-table-data '*.audit_log' -o crm.tar
  dump mandible-dev --table public.orders --where \"public.orders=placed_at >= '2026-01-01'\" | load shared-app-dev";

const FINDINGS: &str = "rows of a SQLite file were rejected (--on-bad-value reject) or are lost (--salvage)";

const SELECTION: &str = "Selection (PostgreSQL)";

/// Write a database as a checksummed archive
///
/// SOURCE is a PostgreSQL database (a URL, a libpq keyword string, or a database's name) or the path of a
/// SQLite file. PostgreSQL is read under one snapshot by several sessions; its DDL comes from `pg_dump`, which
/// must not be older than the server. Nothing is written to the source; a role with `pg_read_all_data` is
/// enough, unless row level security would hide rows from it (then BYPASSRLS), or there are large objects that it may
/// not read: before PostgreSQL 19 each needs GRANT SELECT ON LARGE OBJECT. Rows of foreign tables stay where they are.
#[derive(Debug, Parser)]
#[command(name = "dump", after_help = cli::after_help(EXAMPLES, Some(FINDINGS)))]
pub(crate) struct Args {
    /// What to read: a URL, a keyword string, a database's name or a SQLite file [default: what --plan says]
    #[arg(required_unless_present = "plan")]
    pub(crate) source: Option<String>,
    #[command(flatten)]
    pub(crate) output: cli::OutputArgs,
    /// How rows are written
    #[arg(long, value_enum, default_value_t = Rows::Auto, value_name = "FORM")]
    pub(crate) rows: Rows,
    /// none, gzip[:0-9] or zstd[:1-19] [default: none into a pipe, gzip:2 into files]
    #[arg(long, value_name = "CODEC")]
    pub(crate) compress: Option<Codec>,
    /// Sessions that read rows; of a SQLite file, which one connection reads, threads that write, hash and compress them
    /// [default: the number of cores]
    #[arg(long, short, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Rows are cut into chunks of about this many MiB [default: 4, less when --jobs is above 6]
    #[arg(long, value_name = "MIB")]
    pub(crate) chunk_size: Option<NonZeroU8>,
    /// Larger tables are read in parts of about this many MiB, by several sessions; 0: never
    #[arg(long, value_name = "MIB", default_value_t = 128)]
    pub(crate) split_size: u32,
    /// How long to wait for a lock that another session holds on a table
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) lock_wait_timeout: Duration,
    #[command(flatten)]
    pub(crate) rate: cli::RateArgs,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) sqlite: cli::SqliteArgs,
    #[command(flatten)]
    pub(crate) sqlite_names: cli::SqliteNameArgs,
    /// The folder for rows that --on-bad-value reject sets aside; it is made, or is empty
    ///
    /// One CSV file for each table that has such rows, with all that they hold, the row's number and why it was set
    /// aside.
    #[arg(long, value_name = "DIR", help_heading = "SQLite")]
    pub(crate) rejects: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) plan: cli::PlanArgs,
}

/// What is read of a database. Patterns are those of `pg_dump` and psql: `*`, `?`, double quotes for names with
/// capital letters, and regular expressions.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SelectionArgs {
    /// Read these schemas alone [repeatable]
    #[arg(long, short = 'n', value_name = "PATTERN", help_heading = SELECTION)]
    pub(crate) schema: Vec<String>,
    /// Read no schema of these [repeatable]
    #[arg(long, short = 'N', value_name = "PATTERN", help_heading = SELECTION)]
    pub(crate) exclude_schema: Vec<String>,
    /// Read these tables, views and sequences alone, with what belongs to them; a partitioned table stands for its
    /// partitions [repeatable]
    #[arg(long, short = 't', value_name = "PATTERN", help_heading = SELECTION, conflicts_with_all = ["schema", "exclude_schema"])]
    pub(crate) table: Vec<String>,
    /// Read no table, view or sequence of these [repeatable]
    #[arg(long, short = 'T', value_name = "PATTERN", help_heading = SELECTION)]
    pub(crate) exclude_table: Vec<String>,
    /// Read these tables without their rows [repeatable]
    #[arg(long, value_name = "PATTERN", help_heading = SELECTION)]
    pub(crate) exclude_table_data: Vec<String>,
    /// Read only those rows of these tables for which an SQL condition is true [repeatable]
    #[arg(long = "where", value_name = "TABLE=CONDITION", help_heading = SELECTION)]
    pub(crate) conditions: Vec<String>,
    /// Read definitions without rows; sequences begin at their start
    #[arg(long, short = 's', help_heading = SELECTION)]
    pub(crate) schema_only: bool,
    /// Read rows without definitions
    #[arg(long, short = 'a', help_heading = SELECTION, conflicts_with = "schema_only")]
    pub(crate) data_only: bool,
    #[command(flatten)]
    pub(crate) beside: BesideArgs,
}

/// What stands beside the source's own tables.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct BesideArgs {
    /// Leave out large objects, as --schema, --table and --schema-only do; columns that refer to them keep their values
    #[arg(long, help_heading = SELECTION)]
    pub(crate) no_large_objects: bool,
    /// Leave out rows of extensions' configuration tables, as --schema, --table and --schema-only do
    #[arg(long, help_heading = SELECTION)]
    pub(crate) no_extension_rows: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    const SECONDS_MAX: f64 = 1e6;
    let seconds = text
        .parse::<f64>()
        .ok()
        .filter(|it| (0.001..=SECONDS_MAX).contains(it));
    let seconds = seconds.ok_or_else(|| "a number of seconds from 0.001 to 1000000 is wanted".to_owned())?;
    Ok(Duration::from_secs_f64(seconds))
}

/// The form of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Rows {
    /// Binary into a pipe where a table's types allow it, CSV otherwise
    Auto,
    /// CSV, which every tool can read
    Csv,
    /// PostgreSQL's binary COPY where a table's types allow it, CSV for the other tables
    Binary,
}

impl std::fmt::Display for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Rows::Auto => "auto",
            Rows::Csv => "csv",
            Rows::Binary => "binary",
        })
    }
}
