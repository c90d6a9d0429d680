//! `dump`: a source as a checksummed archive.
//!
//! Reads PostgreSQL under one exported snapshot with several sessions, SQLite in one read transaction; never
//! writes to either.

mod args;
mod packing;
mod postgres;
mod readers;
mod rows;
mod sqlite;

use std::collections::BTreeMap;
use std::num::NonZeroU8;

use archive::{Codec, End, Header, TableForm, Writer};
use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};
use cli::{ArchiveSink, Destination, Failure, Outcome, Progress, Ui, count, duration, size};
use database::Endpoint;
use database::endpoint::Environment;

use args::Args;

/// The definition of the tool's arguments.
pub fn command() -> Command {
    Args::command()
}

/// Runs the tool.
pub fn run(matches: &ArgMatches, ui: &Ui) -> cli::Result {
    let args = Args::from_arg_matches(matches).map_err(Failure::usage)?;
    let options = Options::new(&args);
    if options.destination.is_null() {
        ui.status("stdout is /dev/null or closed: the archive is checked and kept nowhere");
    }
    match Endpoint::parse(&args.source, &Environment::from_process()).map_err(Failure::source)? {
        Endpoint::Postgres(endpoint) => postgres::dump(&endpoint, &options, ui),
        Endpoint::Sqlite(path) => sqlite::dump(&path, &options, ui),
    }?;
    Ok(Outcome::Done)
}

/// What was asked for, decided.
struct Options {
    destination: Destination,
    rows: args::Rows,
    codec: Codec,
    jobs: usize,
    chunk_bytes: usize,
}

impl Options {
    fn new(args: &Args) -> Self {
        let destination = args.output.destination();
        let codec = args.compress.unwrap_or(if destination.is_pipe() {
            Codec::None
        } else {
            Codec::default_gzip()
        });
        let jobs = args.jobs.map_or_else(
            || std::thread::available_parallelism().map_or(2, usize::from),
            usize::from,
        );
        Options {
            destination,
            rows: args.rows,
            codec,
            jobs,
            chunk_bytes: chunk_bytes(args.chunk_size, jobs),
        }
    }

    /// As they stand in the archive.
    fn recorded(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            ("rows".to_owned(), self.rows.to_string()),
            ("compress".to_owned(), self.codec.to_string()),
        ])
    }
}

/// Chunks of 4 MiB, of less with many readers: each holds about three at a time, and all together must stay
/// well below 128 MiB.
fn chunk_bytes(wanted: Option<NonZeroU8>, jobs: usize) -> usize {
    const DEFAULT_BYTES: usize = 4 << 20;
    const ALL_BYTES: usize = 24 << 20;
    const MIN_BYTES: usize = 256 << 10;
    wanted.map_or_else(
        || (ALL_BYTES / jobs).clamp(MIN_BYTES, DEFAULT_BYTES),
        |mebibytes| usize::from(mebibytes.get()) << 20,
    )
}

/// A header with everything that is the same for every kind of source.
fn header(
    source: archive::SourceIdentity,
    catalog: catalog::Catalog,
    forms: Vec<TableForm>,
    notes: Vec<String>,
    options: &Options,
) -> Header {
    Header {
        format: archive::FORMAT_VERSION,
        requires: Vec::new(),
        run: uuid::Uuid::now_v7().to_string(),
        tool: concat!("dump ", env!("CARGO_PKG_VERSION")).to_owned(),
        source,
        options: options.recorded(),
        filters: Vec::new(),
        forms,
        catalog,
        mappings: Vec::new(),
        notes,
    }
}

/// Ends the archive and says what it holds.
fn finish(writer: Writer<ArchiveSink>, database: &str, progress: &Progress, ui: &Ui) -> cli::Result<()> {
    let ((), end) = writer.finish().map_err(Failure::archive)?;
    progress.finish();
    ui.status(closing_line(&end, database, progress));
    Ok(())
}

fn closing_line(end: &End, database: &str, progress: &Progress) -> String {
    let work = progress.work();
    format!(
        "{database}  {} tables  {} rows  {}  in {}  fingerprint {}",
        end.tables.len(),
        count(work.rows),
        size(work.bytes),
        duration(progress.elapsed()),
        end.digest(),
    )
}
