//! Rows that the target refuses: the first one ends the load with its place, or each is set aside with the server's
//! reason and all others go in.
//!
//! For each chunk the fingerprint of what went in and that of what was rejected add up to the chunk's own, counts
//! likewise; at the end the same holds for each table, with what the journal says was rejected.

mod aside;
mod cut;
mod folder;
mod found;
mod isolation;
pub(crate) mod journal;
mod keys;
mod options;
mod readable;
mod refusal;
mod search;

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use archive::{Header, RowsRecord};
use catalog::{QualifiedName, Table, TableKind};
use cli::{Exit, Failure, Result, Ui, count};
use fingerprint::{Fingerprint, FrameError};
use postgres::Client;

use crate::journal::Run;
use crate::rows::OpenedChunk;
use crate::target::Target;

use cut::Cut;
use folder::Folder;
use refusal::{Names, Refusal};

pub(crate) use found::{Found, say_rejected};
pub(crate) use keys::validation;
pub(crate) use options::RejectArgs;

/// What becomes of refused rows in this run, shared by all sessions.
pub(crate) struct Rejects {
    /// Without one the first refused row ends the load.
    folder: Option<Folder>,
    rows_max: Option<u64>,
    verbose: bool,
    /// Rows rejected so far.
    rejected: Mutex<Tally>,
    /// Rows in each chunk that is known, by table, for what a row's number in its table is.
    seen: Mutex<HashMap<u32, Vec<Option<u64>>>>,
    /// What went in and what did not, by table.
    accounts: Mutex<HashMap<u32, Account>>,
    /// Foreign keys that could not be validated without the rejected rows.
    not_valid: Mutex<Vec<String>>,
    found: OnceLock<Found>,
}

/// Numbers of rejected rows. By table and chunk, too: a chunk that is tried again counts once.
#[derive(Debug, Default)]
struct Tally {
    all: u64,
    by_chunk: HashMap<(u32, u32), u64>,
}

/// What this process did with the chunks of a table.
#[derive(Clone, Debug)]
struct Account {
    loaded: Fingerprint,
    rejected: Fingerprint,
}

impl Rejects {
    /// Looks at the folder before any work. One that is `resumed` may find its files there, which is judged when it is
    /// known what goes on.
    pub(crate) fn new(args: &RejectArgs, resumed: bool, ui: &Ui) -> Result<Self> {
        let wanted = args.wanted()?;
        let folder = wanted.as_ref().map(|it| Folder::open(it.folder, resumed));
        Ok(Rejects {
            folder: folder.transpose()?,
            rows_max: wanted.and_then(|it| it.rows_max),
            verbose: ui.is_verbose(),
            rejected: Mutex::default(),
            seen: Mutex::default(),
            accounts: Mutex::default(),
            not_valid: Mutex::default(),
            found: OnceLock::new(),
        })
    }

    /// Whether refused rows are set aside.
    pub(crate) fn are_wanted(&self) -> bool {
        self.folder.is_some()
    }

    /// Takes note of a chunk that has come, so that rows of later ones can be counted from the table's first.
    pub(crate) fn see(&self, rows: &RowsRecord) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let chunks = seen.entry(rows.table).or_default();
        // A reader refuses numbers that leave some out.
        let place = usize::try_from(rows.chunk).unwrap_or(usize::MAX);
        if place >= chunks.len() && place - chunks.len() < 1 << 20 {
            chunks.resize(place + 1, None);
        }
        if let Some(chunk) = chunks.get_mut(place) {
            *chunk = Some(rows.rows);
        }
    }

    /// Writes the rows of a chunk into `into`, but for those that are set aside, in one transaction with what the
    /// journal says of both.
    pub(crate) fn copy(
        &self,
        client: &mut Client,
        run: &Run,
        header: &Header,
        chunk: &OpenedChunk<'_>,
        into: &QualifiedName,
    ) -> Result<()> {
        self.copy_when(Names::MayBeMissing, client, run, header, chunk, into)
    }

    /// The same after everything that a value could name has been made: what is missing now never comes.
    pub(crate) fn copy_late(
        &self,
        client: &mut Client,
        run: &Run,
        header: &Header,
        chunk: &OpenedChunk<'_>,
        into: &QualifiedName,
    ) -> Result<()> {
        self.copy_when(Names::Exist, client, run, header, chunk, into)
    }

    fn copy_when(
        &self,
        names: Names,
        client: &mut Client,
        run: &Run,
        header: &Header,
        chunk: &OpenedChunk<'_>,
        into: &QualifiedName,
    ) -> Result<()> {
        let none = Fingerprint::empty(chunk.fingerprint.form);
        let failure = match chunk.copy(client, run, header, into) {
            Ok(()) => {
                if let Some(folder) = &self.folder {
                    folder.forget(chunk.table, chunk.rows.chunk)?;
                    self.count_rejected(chunk.place(), 0);
                }
                self.note(chunk.table, &chunk.fingerprint, &none);
                return Ok(());
            }
            Err(failure) => failure,
        };
        let is_of_rows = chunk.table.kind != TableKind::LargeObjects;
        let refusal = Refusal::find(&failure, chunk.table, &into.name, names);
        let Some(refusal) = refusal.filter(|_| is_of_rows) else {
            return Err(failure);
        };
        let cut = Cut::new(chunk.rows.form, chunk.table, &chunk.bytes);
        let cut = cut.map_err(|error| damaged(chunk.table, error))?;
        match &self.folder {
            // Its name says enough, and what to do is another thing.
            None if failure.is_missing_object() => Err(failure),
            None => Err(self.stop(chunk, &cut, &refusal, &failure)),
            Some(folder) => {
                let isolation = isolation::Isolation {
                    rejects: self,
                    folder,
                    run,
                    chunk,
                    cut: &cut,
                    into,
                    names,
                };
                let (loaded, rejected) = isolation.run(client, &refusal)?;
                self.note(chunk.table, &loaded, &rejected);
                Ok(())
            }
        }
    }

    /// What a refused COPY of a chunk into its table `into` says of the row.
    pub(crate) fn explain(&self, failure: Failure, chunk: &OpenedChunk<'_>, into: &QualifiedName) -> Failure {
        let refusal = Refusal::find(&failure, chunk.table, &into.name, Names::MayBeMissing);
        let Some(refusal) = refusal.filter(|_| !failure.is_missing_object()) else {
            return failure;
        };
        match Cut::new(chunk.rows.form, chunk.table, &chunk.bytes) {
            Ok(cut) => self.stop(chunk, &cut, &refusal, &failure),
            Err(error) => damaged(chunk.table, error),
        }
    }

    fn note(&self, table: &Table, loaded: &Fingerprint, rejected: &Fingerprint) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = Fingerprint::empty(loaded.form);
        let account = accounts.entry(table.number).or_insert(Account {
            loaded: empty,
            rejected: empty,
        });
        // A part in another form is left out, so that the comparison at the end fails.
        let _ = account.loaded.merge(loaded);
        let _ = account.rejected.merge(rejected);
    }

    /// For a load from the beginning: whatever lies in the folder is not its own.
    pub(crate) fn begin(&self) -> Result<()> {
        self.folder.as_ref().map_or(Ok(()), Folder::refuse_files)
    }

    /// For a run that goes on: takes what a former process of it has rejected into account, and makes sure that the
    /// folder holds nothing but that.
    pub(crate) fn recall(&self, target: &mut Target, run: &Run, header: &Header) -> Result<()> {
        let chunks = journal::read(target.client(), run)?;
        for chunk in &chunks {
            self.count_rejected((chunk.table, chunk.chunk), chunk.fingerprint.rows);
        }
        let folder = self.folder.as_ref();
        folder.map_or(Ok(()), |it| it.refuse_files_of_others(header, &chunks))
    }

    /// Notes how many rows of a chunk are rejected. Returns the number of all.
    fn count_rejected(&self, place: (u32, u32), rows: u64) -> u64 {
        let mut rejected = self.rejected.lock().unwrap_or_else(PoisonError::into_inner);
        let before = rejected.by_chunk.insert(place, rows).unwrap_or_default();
        rejected.all = rejected.all - before + rows;
        rejected.all
    }

    /// Whether so many rows may not be rejected.
    fn are_too_many(&self, rows: u64) -> bool {
        self.rows_max.is_some_and(|rows_max| rows > rows_max)
    }

    /// The failure of a load that rejects too many, `row` of the chunk being the last one.
    fn too_many(&self, chunk: &OpenedChunk<'_>, row: usize, refusal: &Refusal) -> Failure {
        let rows_max = count(self.rows_max.unwrap_or_default());
        let last = self.place(chunk, Some(row), refusal);
        Failure::new(
            Exit::Target,
            format!("more than {rows_max} rows were refused (--reject-max)"),
        )
        .with_source(refusal.reserved())
        .with_state(format!(
            "the last one is of {}: {last}",
            chunk.table.qualified_name()
        ))
        .with_hint("see why, or allow more")
    }

    /// The failure of a load that stops: which row, which column, and what the server says without its values.
    fn stop(&self, chunk: &OpenedChunk<'_>, cut: &Cut<'_>, refusal: &Refusal, failure: &Failure) -> Failure {
        const WAY_OUT: &str = "`--on-error reject --rejects DIR` sets such rows aside and loads the others";
        let row = refusal
            .line
            .and_then(|line| cut.row_of_line(&(0..cut.len()), line));
        let (name, place) = (chunk.table.qualified_name(), self.place(chunk, row, refusal));
        let stopped = Failure::new(
            Exit::Target,
            format!("rows of {name} could not be written: {place}"),
        );
        match failure.server_error().filter(|_| self.verbose) {
            Some(error) => stopped.with_source(error.clone()).with_hint(WAY_OUT),
            None => stopped
                .with_source(refusal.reserved())
                .with_hint(format!("{WAY_OUT}; --verbose shows values")),
        }
    }

    /// Where a refused row stands. Rows are counted from 1, in the order of the archive.
    fn place(&self, chunk: &OpenedChunk<'_>, row: Option<usize>, refusal: &Refusal) -> String {
        let number = chunk.rows.chunk;
        let mut place = format!("chunk {number}");
        if let Some(row) = row {
            let row = row as u64 + 1;
            place = format!("row {} of {place}", count(row));
            if let Some(before) = self.rows_before(&chunk.rows).filter(|_| number > 0) {
                place = format!("{place}, row {} of the table", count(before + row));
            }
        }
        match &refusal.column {
            Some(column) => format!("{place}, column {}", column_with_type(chunk.table, column)),
            None => place,
        }
    }

    /// Rows of the table in the chunks before this one, if all of them are known.
    fn rows_before(&self, rows: &RowsRecord) -> Option<u64> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let chunks = seen.get(&rows.table)?;
        chunks
            .get(..usize::try_from(rows.chunk).ok()?)?
            .iter()
            .copied()
            .sum()
    }
}

/// A column with its type, as SQL has both.
fn column_with_type(table: &Table, name: &str) -> String {
    let column = table.columns.iter().find(|it| it.name == name);
    let Some(column) = column else {
        return name.to_owned();
    };
    let of = &column.column_type;
    let of = if of.schema == catalog::ColumnType::BUILT_IN_SCHEMA {
        of.text.clone()
    } else {
        format!("{}{}", QualifiedName::new(&of.schema, &of.name), of.text)
    };
    format!("{name} of type {of}")
}

fn damaged(table: &Table, error: FrameError) -> Failure {
    Failure::new(
        Exit::Archive,
        format!("archive is damaged: rows of {}", table.qualified_name()),
    )
    .with_source(error)
}
