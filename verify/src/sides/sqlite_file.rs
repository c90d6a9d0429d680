//! A SQLite file as what must be there: read by its one connection, written in a form and hashed by threads beside it.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use catalog::Table;
use cli::{Exit, Failure, Result, Ui};
use conversion::RowConversion;
use database::sqlite::{Batch, Choices, Inspection, RowEncoder, SqliteSource};
use fingerprint::{
    Bins, Fingerprint, Form, KeyBins, Row, chunk_end, chunk_start, each_row, each_row_of_chunk,
    scan_chunk_into,
};

use crate::rows::gather::Gatherer;
use crate::rows::scan::{not_converted, not_framed};

/// A SQLite file in its read transaction; its one connection serves one table at a time.
pub(crate) struct SqliteFile {
    pub(crate) name: String,
    pub(crate) inspection: Inspection,
    source: Mutex<SqliteSource>,
    /// Threads that hash.
    jobs: usize,
}

impl SqliteFile {
    /// The file's name without its folder.
    pub(crate) fn file_name(&self) -> String {
        let name = Path::new(&self.name).file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    pub(crate) fn open(path: &Path, jobs: usize, choices: &Choices, ui: &Ui) -> Result<SqliteFile> {
        let source = cli::open_sqlite(path, choices, ui)?;
        let inspection = source.inspect(choices).map_err(Failure::source)?;
        Ok(SqliteFile {
            name: path.display().to_string(),
            inspection,
            source: Mutex::new(source),
            jobs,
        })
    }

    /// The table in SQLite's terms.
    pub(crate) fn own_table(&self, table: &Table) -> Option<&database::sqlite::Table> {
        let place = usize::try_from(table.number).ok()?;
        self.inspection.schema.tables.get(place)
    }

    /// Reads a table's rows in `form`, with the columns that `table` does not call generated; counts them by `rule` and
    /// gives them to `gatherer`, where there are such.
    pub(crate) fn read(
        &self,
        table: &Table,
        form: Form,
        conversion: Option<&RowConversion>,
        rule: Option<&Arc<KeyBins>>,
        gatherer: Option<Gatherer>,
    ) -> Result<Read> {
        let Some(own) = self.own_table(table) else {
            return Err(Failure::new(
                Exit::Internal,
                format!("{} is not in its file", table.qualified_name()),
            ));
        };
        let mut own = own.clone();
        for (own, column) in own.columns.iter_mut().zip(&table.columns) {
            // SQLite calculates what is compared, as any column of a query; what has an expression is not read.
            own.expression = column
                .generated
                .map(|_| own.expression.take().unwrap_or_default());
        }
        let own = &own;
        let encoder = RowEncoder::new(own, form);
        let source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let (sender, batches) = sync_channel(self.jobs);
        let (batches, failed) = (Mutex::new(batches), AtomicBool::new(false));
        thread::scope(|scope| {
            let hashers: Vec<_> = (0..self.jobs)
                .map(|_| {
                    let hasher = Hasher {
                        table,
                        encoder: encoder.clone(),
                        conversion: conversion.cloned(),
                        read: Read::new(form, rule, gatherer.clone()),
                        batches: &batches,
                        failed: &failed,
                    };
                    scope.spawn(|| hasher.run())
                })
                .collect();
            let read = source.batches(own, &encoder.places(), &mut |batch| {
                if failed.load(Ordering::Relaxed) {
                    return ControlFlow::Break(None);
                }
                match cli::check_interrupt() {
                    Err(interrupt) => ControlFlow::Break(Some(interrupt)),
                    Ok(()) if sender.send(batch).is_err() => ControlFlow::Break(None),
                    Ok(()) => ControlFlow::Continue(()),
                }
            });
            drop(sender);
            let mut total = Read::new(form, rule, gatherer);
            for hasher in hashers {
                let part = hasher
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
                total.merge(part);
            }
            match read.map_err(Failure::source)? {
                ControlFlow::Break(Some(interrupt)) => Err(interrupt),
                _ => Ok(total),
            }
        })
    }
}

/// What came of rows that were read.
pub(crate) struct Read {
    pub(crate) total: Fingerprint,
    pub(crate) bins: Option<Bins>,
    pub(crate) gatherer: Option<Gatherer>,
}

impl Read {
    fn new(form: Form, rule: Option<&Arc<KeyBins>>, gatherer: Option<Gatherer>) -> Self {
        Read {
            total: Fingerprint::empty(form),
            bins: rule.map(|rule| Bins::new(form, Arc::clone(rule))),
            gatherer,
        }
    }

    fn take(&mut self, row: Row<'_>) {
        if let Some(it) = &mut self.bins {
            it.take(row);
        }
        if let Some(it) = &mut self.gatherer {
            it.take(row);
        }
    }

    /// All are of one form, and count by one rule.
    fn merge(&mut self, part: Read) {
        let _ = self.total.merge(&part.total);
        if let Some((bins, more)) = self.bins.as_mut().zip(part.bins) {
            let _ = bins.merge(&more);
        }
        if let Some((gatherer, more)) = self.gatherer.as_mut().zip(part.gatherer) {
            gatherer.merge(more);
        }
    }
}

/// A thread that takes whichever batch comes next.
struct Hasher<'a> {
    table: &'a Table,
    encoder: RowEncoder,
    /// Gives keys the values of the target.
    conversion: Option<RowConversion>,
    read: Read,
    batches: &'a Mutex<Receiver<Batch>>,
    failed: &'a AtomicBool,
}

impl Hasher<'_> {
    fn run(mut self) -> Result<Read> {
        let mut ended = Ok(());
        let mut rows = Vec::new();
        while let Some(batch) = self.next() {
            // After a failure the rest is only taken, so that the reader does not wait for ever.
            if ended.is_ok() {
                match self.hash(&batch, &mut rows) {
                    Ok(part) => {
                        let _ = self.read.total.merge(&part);
                    }
                    Err(failure) => {
                        self.failed.store(true, Ordering::Relaxed);
                        ended = Err(failure);
                    }
                }
            }
        }
        ended.map(|()| self.read)
    }

    fn next(&self) -> Option<Batch> {
        let batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        batches.recv().ok()
    }

    /// As [`Hasher::hash`], of rows as they are after the conversion.
    fn hash_converted(
        &mut self,
        conversion: &mut RowConversion,
        batch: &Batch,
        rows: &mut Vec<u8>,
    ) -> Result<Fingerprint> {
        let form = self.encoder.form();
        rows.clear();
        self.encoder
            .encode(batch, rows, usize::MAX, |_| Ok(()))
            .map_err(|error: database::Error| Failure::source(error))?;
        let columns = self.table.stored_columns().count();
        let name = || self.table.qualified_name().to_string();
        let (mut total, mut refused) = (Fingerprint::empty(form), None);
        each_row(form, columns, rows, |row| match conversion.convert(&row) {
            Err(error) => {
                refused.get_or_insert(error);
            }
            Ok(row) => {
                let _ = total.merge(&row.fingerprint());
                self.read.take(row);
            }
        })
        .map_err(|error| not_framed(&name(), error))?;
        match refused {
            None => Ok(total),
            Some(error) => Err(not_converted(&name(), error)),
        }
    }

    fn hash(&mut self, batch: &Batch, rows: &mut Vec<u8>) -> Result<Fingerprint> {
        if let Some(mut conversion) = self.conversion.take() {
            let hashed = self.hash_converted(&mut conversion, batch, rows);
            self.conversion = Some(conversion);
            return hashed;
        }
        let form = self.encoder.form();
        let names: Vec<&str> = self.table.stored_columns().map(|it| it.name.as_str()).collect();
        rows.clear();
        rows.extend_from_slice(&chunk_start(form, names.iter().copied()));
        self.encoder
            .encode(batch, rows, usize::MAX, |_| Ok(()))
            .map_err(|error: database::Error| Failure::source(error))?;
        rows.extend_from_slice(chunk_end(form));
        let name = || self.table.qualified_name().to_string();
        let bins = self.read.bins.as_mut();
        let mut fingerprint = scan_chunk_into(form, names.iter().copied(), rows, bins);
        if let Some(gatherer) = &mut self.read.gatherer {
            let given = each_row_of_chunk(form, names.iter().copied(), rows, |row| gatherer.take(row));
            fingerprint = given.and(fingerprint);
        }
        let fingerprint = fingerprint.map_err(|error| not_framed(&name(), error));
        // A large row leaves no room behind it.
        rows.shrink_to(ROOM_BYTES_MAX);
        fingerprint
    }
}

/// Room for rows that a thread keeps: some batches' worth.
const ROOM_BYTES_MAX: usize = 8 << 20;
