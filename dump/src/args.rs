//! The arguments of `dump`.

use std::num::{NonZeroU8, NonZeroUsize};

use archive::Codec;
use clap::{Parser, ValueEnum};

const EXAMPLES: &str = "  dump mandible-dev | remap-schema --to mandible | load shared-app-dev
  dump postgres://reader@db.example.com/sso -o sso.tar
  dump legacy.sqlite --compress zstd -o legacy/";

/// Write a database as a checksummed archive
///
/// SOURCE is a PostgreSQL database (a URL, a libpq keyword string, or a database's name) or the path of a
/// SQLite file. PostgreSQL is read under one snapshot by several sessions; its DDL comes from `pg_dump`, which
/// must not be older than the server. Nothing is written to the source; a role with `pg_read_all_data` is
/// enough, unless row level security would hide rows from it (then BYPASSRLS).
#[derive(Debug, Parser)]
#[command(name = "dump", after_help = cli::after_help(EXAMPLES, None))]
pub(crate) struct Args {
    /// What to read: a URL, a keyword string, a database's name or a SQLite file
    pub(crate) source: String,
    #[command(flatten)]
    pub(crate) output: cli::OutputArgs,
    /// How rows are written
    #[arg(long, value_enum, default_value_t = Rows::Auto, value_name = "FORM")]
    pub(crate) rows: Rows,
    /// none, gzip[:0-9] or zstd[:1-19] [default: none into a pipe, gzip:2 into files]
    #[arg(long, value_name = "CODEC")]
    pub(crate) compress: Option<Codec>,
    /// Sessions that read rows; of a SQLite file, which one connection reads, threads that hash and compress them
    /// [default: the number of cores]
    #[arg(long, short, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Rows are cut into chunks of about this many MiB [default: 4, less when --jobs is above 6]
    #[arg(long, value_name = "MIB")]
    pub(crate) chunk_size: Option<NonZeroU8>,
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
