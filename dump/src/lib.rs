//! `dump`: a source as a checksummed archive.
//!
//! Reads PostgreSQL under one exported snapshot with several sessions, SQLite in one read transaction; never
//! writes to either.

mod apart;
mod args;
mod carried;
mod chunk_queue;
mod definitions;
mod extension_rows;
mod forms;
mod large_objects;
mod origin;
mod packing;
mod parts;
mod pg_dump;
mod postgres;
mod readers;
mod rejects;
mod rows;
mod selection;
mod sqlite;

use std::collections::BTreeMap;
use std::num::NonZeroU8;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use archive::{Codec, End, Header, RowFilter, TableForm, Writer};
use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};
use cli::{ArchiveSink, Destination, Failure, Outcome, Pace, Progress, Ui, count, duration, size};
use database::Endpoint;
use database::sqlite::{Choices, OnBadValue};
use plan::PlannedSource;

use args::Args;
use origin::Origin;
use selection::Wanted;

/// The definition of the tool's arguments.
pub fn command() -> Command {
    Args::command()
}

/// Runs the tool.
pub fn run(matches: &ArgMatches, ui: &Ui) -> cli::Result {
    let args = Args::from_arg_matches(matches).map_err(Failure::usage)?;
    let origin = Origin::find(&args)?;
    let options = Options::new(&args, &origin)?;
    if options.destination.is_null() {
        ui.status("stdout is /dev/null or closed: the archive is checked and kept nowhere");
    }
    match Endpoint::parse(&origin.words, &cli::environment()).map_err(Failure::source)? {
        Endpoint::Postgres(endpoint) => {
            refuse_choices(&args, &origin)?;
            postgres::dump(&endpoint, &options, ui)?;
            Ok(Outcome::Done)
        }
        Endpoint::Sqlite(path) => {
            cli::compare_planned_file(origin.planned.as_ref(), &path, ui);
            origin.refuse_for_file()?;
            sqlite::dump(&path, &options, ui)
        }
    }
}

/// Refuses options about a SQLite file for a source that is none.
fn refuse_choices(args: &Args, origin: &Origin) -> cli::Result<()> {
    args.sqlite.refuse_for(&origin.shown)?;
    args.sqlite_names.refuse_for(&origin.shown)?;
    match &args.rejects {
        Some(_) => Err(Failure::usage(format!(
            "--rejects is about the rows of a SQLite file, and {} is none",
            origin.shown
        ))),
        None => Ok(()),
    }
}

/// What was asked for, decided.
struct Options {
    destination: Destination,
    rows: args::Rows,
    codec: Codec,
    jobs: usize,
    chunk_bytes: usize,
    /// Larger tables are read in parts of this size; `None` reads all of them whole.
    part_bytes: Option<u64>,
    lock_timeout: Duration,
    pace: Pace,
    wanted: Wanted,
    choices: Choices,
    /// Where rows go that are set aside.
    rejects: Option<PathBuf>,
    started: Instant,
}

impl Options {
    fn new(args: &Args, origin: &Origin) -> cli::Result<Self> {
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
        Ok(Options {
            destination,
            rows: args.rows,
            codec,
            jobs,
            chunk_bytes: chunk_bytes(args.chunk_size, jobs),
            part_bytes: (args.split_size > 0).then(|| u64::from(args.split_size) << 20),
            lock_timeout: args.lock_wait_timeout,
            pace: args.rate.pace(),
            wanted: Wanted::new(&args.selection, origin.planned.as_ref())?,
            choices: choices(args, origin.planned.as_ref())?,
            rejects: args.rejects.clone(),
            started: Instant::now(),
        })
    }

    /// As they stand in the archive.
    fn recorded(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            ("rows".to_owned(), self.rows.to_string()),
            ("compress".to_owned(), self.codec.to_string()),
        ])
    }
}

fn choices(args: &Args, planned: Option<&PlannedSource>) -> cli::Result<Choices> {
    let mut choices = args.sqlite.choices(planned)?;
    args.sqlite_names.apply(&mut choices)?;
    match (choices.on_bad_value, &args.rejects) {
        (OnBadValue::Reject, None) => Err(Failure::usage(
            "--on-bad-value reject sets rows aside, and nobody says where",
        )
        .with_hint("name a folder with --rejects DIR")),
        (OnBadValue::Reject, Some(_)) | (_, None) => Ok(choices),
        (_, Some(_)) => Err(Failure::usage(
            "--rejects is the folder for rows of --on-bad-value reject",
        )),
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
    row_filters: Vec<RowFilter>,
    notes: Vec<String>,
    options: &Options,
) -> Header {
    Header {
        format: archive::FORMAT_VERSION,
        requires: Header::features(&catalog),
        run: uuid::Uuid::now_v7().to_string(),
        tool: concat!("dump ", env!("CARGO_PKG_VERSION")).to_owned(),
        source,
        options: options.recorded(),
        filters: options.wanted.filters.clone(),
        row_filters,
        discards: Vec::new(),
        content: options.wanted.content,
        forms,
        catalog,
        mappings: Vec::new(),
        conversions: Vec::new(),
        merged_from: Vec::new(),
        notes,
    }
}

/// Ends the archive and says what it holds.
fn finish(
    writer: Writer<ArchiveSink>,
    catalog: &catalog::Catalog,
    database: &str,
    progress: &Progress,
    options: &Options,
    ui: &Ui,
) -> cli::Result<()> {
    let ((), end) = writer.finish().map_err(Failure::archive)?;
    progress.finish();
    ui.status(closing_line(
        &end,
        catalog,
        database,
        progress,
        options.started.elapsed(),
    ));
    Ok(())
}

fn closing_line(
    end: &End,
    catalog: &catalog::Catalog,
    database: &str,
    progress: &Progress,
    elapsed: Duration,
) -> String {
    let tally = end.tally(catalog);
    let large_objects = match tally.large_objects {
        0 => String::new(),
        number => format!("  {} large objects", count(number)),
    };
    format!(
        "{database}  {} tables  {} rows{large_objects}  {}  in {}  fingerprint {}",
        tally.tables,
        count(tally.rows),
        size(progress.work().bytes),
        duration(elapsed),
        end.digest(),
    )
}
