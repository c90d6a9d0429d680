//! `--read-back`: every table as the target has it, against the fingerprints of the archive, before anything is live.
//!
//! What was sent is proved while it is sent. What stands in the tables when everything has been built can be something
//! else: functions of the archive have run by then, and others may write who may.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use archive::{End, Header};
use catalog::{Table, TableKind, quote_literal};
use cli::{Exit, Failure, Pace, Progress, Result, Ui, Work, count};
use database::postgres::{Extent, large_objects_among, read_rows};
use fingerprint::{Fingerprint, FrameError, RowBag, RowStream, as_they_are, each_row};
use postgres::{Client, IsolationLevel, Transaction};
use serde_json::{Value, json};

use super::units::{Unit, units};
use crate::journal::{self, Run};
use crate::rejects;
use crate::rows::LateRows;
use crate::rows::Routes;
use crate::target::{Target, failed};

/// Larger tables are read in parts of this size, by several sessions.
const PART_BYTES: u64 = 64 << 20;

/// Large objects that are read in one go.
const OBJECTS_AT_ONCE: usize = 1000;

/// What was proved.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReadBack {
    pub(crate) rows: u64,
    pub(crate) elapsed: Duration,
}

impl ReadBack {
    pub(crate) fn json(&self) -> Value {
        json!({"rows": self.rows, "seconds": self.elapsed.as_secs_f64()})
    }

    /// Reads everything that the load has filled, as one moment shows it, but for tables whose columns have changed since. Must come before row level security is
    /// switched on, which would stand in the way of reading.
    pub(crate) fn of_tables(
        target: &mut Target,
        run: &Run,
        header: &Header,
        end: &End,
        ui: &Ui,
    ) -> Result<Self> {
        Self::read(target, run, (header, end), |it| it.changes.is_none(), ui)
    }

    /// Reads the tables whose columns are about to change, as they were sent.
    pub(crate) fn before_changes(
        target: &mut Target,
        run: &Run,
        header: &Header,
        end: &End,
        ui: &Ui,
    ) -> Result<Self> {
        let mut header = header.clone();
        let columns = header.catalog.tables.iter_mut().flat_map(|it| &mut it.columns);
        columns.for_each(|it| it.new_name = None);
        Self::read(target, run, (&header, end), |it| it.changes.is_some(), ui)
    }

    fn read(
        target: &mut Target,
        run: &Run,
        (header, end): (&Header, &End),
        is_meant: fn(&Table) -> bool,
        ui: &Ui,
    ) -> Result<Self> {
        let started = Instant::now();
        let routes = Routes::find(target.client(), header)?;
        let units = units(header, end, &routes, is_meant)?;
        let parts = parts(target, header, &units)?;
        let bytes = units.iter().map(|it| it.bytes).sum();
        let progress = ui.progress_of_phase(&run.schemas.join(", "), "read back", Some(bytes));
        let mut found = read_all(target, run, &units, &parts, &progress)?;
        progress.finish();
        add_rejected(target, run, &units, &mut found)?;
        if let Err(failure) = compare(target, &units, &found, ui) {
            journal::note_difference(target.client(), run)?;
            return Err(failure);
        }
        Ok(ReadBack {
            rows: found.iter().map(|it| it.rows).sum(),
            elapsed: started.elapsed(),
        })
    }

    /// Looks for the rows of extensions' tables, in the transaction that adds them: each must be there.
    pub(crate) fn of_extension_rows(
        &mut self,
        transaction: &mut Transaction<'_>,
        header: &Header,
        kept: &LateRows,
        pace: &Pace,
    ) -> Result<()> {
        let started = Instant::now();
        let tables = header.catalog.tables.iter();
        for table in tables.filter(|it| it.kind == TableKind::Configuration && it.has_rows()) {
            self.rows += find_rows(transaction, header, table, kept, pace)?;
        }
        self.elapsed += started.elapsed();
        Ok(())
    }
}

/// What one session reads in one go.
struct Part {
    /// The place of the unit.
    unit: usize,
    extent: Extent,
    bytes: u64,
}

/// The largest first, so that no session is left alone with one at the end.
fn parts(target: &mut Target, header: &Header, units: &[Unit]) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    for (place, unit) in units.iter().enumerate() {
        let extents = if unit.view.kind == TableKind::LargeObjects {
            let oids: Vec<u32> = header.catalog.large_objects.iter().map(|it| it.oid).collect();
            oids.chunks(OBJECTS_AT_ONCE).map(large_objects_among).collect()
        } else if unit.bytes > PART_BYTES {
            block_ranges(target, &unit.view)?
        } else {
            vec![Extent::default()]
        };
        let bytes = unit.bytes / extents.len().max(1) as u64;
        parts.extend(extents.into_iter().map(|extent| Part {
            unit: place,
            extent,
            bytes,
        }));
    }
    parts.sort_by_key(|it| std::cmp::Reverse(it.bytes));
    Ok(parts)
}

/// Ranges of blocks of a large heap; all rows at once where the server could not go straight to a range (before
/// PostgreSQL 14), or where the table is no heap.
fn block_ranges(target: &mut Target, view: &Table) -> Result<Vec<Extent>> {
    const BLOCKS: &str = "
        SELECT pg_catalog.pg_relation_size(c.oid), pg_catalog.current_setting('block_size')::pg_catalog.int8
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_am a ON a.oid = c.relam AND a.amname = 'heap'
        WHERE c.oid = $1::pg_catalog.text::pg_catalog.regclass AND c.relkind = 'r'
          AND pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 140000";
    let name = view.qualified_name().to_string();
    let row = target
        .client()
        .query_opt(BLOCKS, &[&name])
        .map_err(|error| failed(format!("the size of {name} could not be read"), error))?;
    let Some(row) = row else {
        return Ok(vec![Extent::default()]);
    };
    let (bytes, block_bytes) = (
        row.get::<_, i64>(0).unsigned_abs(),
        row.get::<_, i64>(1).unsigned_abs(),
    );
    let in_part = u32::try_from(PART_BYTES / block_bytes.max(1)).unwrap_or(u32::MAX);
    let number = u32::try_from(bytes.div_ceil(PART_BYTES))
        .unwrap_or(u32::MAX)
        .max(1);
    let range = |part: u32| Extent {
        // What was added behind the last block belongs to the last range.
        blocks: Some((part * in_part, (part + 1 < number).then(|| (part + 1) * in_part))),
        condition: None,
    };
    Ok((0..number).map(range).collect())
}

/// The fingerprints that the target's rows have, in the order of the units.
fn read_all(
    target: &mut Target,
    run: &Run,
    units: &[Unit],
    parts: &[Part],
    progress: &Progress,
) -> Result<Vec<Fingerprint>> {
    let step = "the tables could not be read back";
    let mut sessions = target.sessions(parts.len())?;
    let pace = target.pace();
    // All sessions see one moment, so that a row which moves is not met twice or never.
    let mut keeper = target
        .client()
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .start()
        .map_err(|error| failed(step, error))?;
    let snapshot: String = keeper
        .query_one("SELECT pg_catalog.pg_export_snapshot()", &[])
        .map_err(|error| failed(step, error))?
        .get(0);
    let reading = Reading {
        run,
        units,
        parts,
        snapshot: &snapshot,
        next: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        found: Mutex::new(units.iter().map(|it| Fingerprint::empty(it.form())).collect()),
        pace: &pace,
        progress,
    };
    thread::scope(|scope| {
        let reading = &reading;
        let readers: Vec<_> = sessions
            .iter_mut()
            .map(|client| scope.spawn(move || reading.read_parts(client)))
            .collect();
        // Every session is waited for, also after a failure.
        let mut ended = Ok(());
        for reader in readers {
            let read = reader.join();
            ended = ended.and(read.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        ended
    })?;
    let found = reading.found.into_inner().unwrap_or_else(PoisonError::into_inner);
    keeper.rollback().map_err(|error| failed(step, error))?;
    Ok(found)
}

/// What all sessions share.
struct Reading<'a> {
    run: &'a Run,
    units: &'a [Unit],
    parts: &'a [Part],
    snapshot: &'a str,
    next: AtomicUsize,
    stop: AtomicBool,
    found: Mutex<Vec<Fingerprint>>,
    pace: &'a Pace,
    progress: &'a Progress,
}

impl Reading<'_> {
    /// The work of one session.
    fn read_parts(&self, client: &mut Client) -> Result<()> {
        while !self.stop.load(Ordering::Relaxed) {
            cli::check_interrupt()?;
            let Some(part) = self.parts.get(self.next.fetch_add(1, Ordering::Relaxed)) else {
                return Ok(());
            };
            let read = self.read_part(client, part);
            let read = read.inspect_err(|_| self.stop.store(true, Ordering::Relaxed))?;
            let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(whole) = found.get_mut(part.unit) {
                let _ = whole.merge(&read);
            }
            self.progress.advance(Work {
                rows: read.rows,
                bytes: part.bytes,
            });
        }
        Ok(())
    }

    fn read_part(&self, client: &mut Client, part: &Part) -> Result<Fingerprint> {
        let unit = &self.units[part.unit];
        let step = || format!("{} could not be read back", unit.name());
        // One for each part: a transaction keeps the locks of all that it has read.
        let mut transaction = client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .start()
            .map_err(|error| failed(step(), error))?;
        let snapshot = quote_literal(self.snapshot);
        transaction
            .batch_execute(&format!("SET TRANSACTION SNAPSHOT {snapshot}"))
            .map_err(|error| failed(step(), error))?;
        journal::hold(&mut transaction, self.run)?;
        let read = fingerprint(&mut transaction, unit, &part.extent, self.pace)?;
        transaction.commit().map_err(|error| failed(step(), error))?;
        Ok(read)
    }
}

fn fingerprint(
    transaction: &mut Transaction<'_>,
    unit: &Unit,
    extent: &Extent,
    pace: &Pace,
) -> Result<Fingerprint> {
    let not_framed = |error| not_framed(&unit.name(), error);
    let columns = unit.view.stored_columns().count();
    let mut stream = RowStream::new(unit.form(), columns);
    let read = read_rows(transaction, &unit.view, unit.form(), extent, |piece| {
        pace.wait(piece.len())?;
        stream.push(piece, as_they_are).map_err(not_framed)
    });
    read.map_err(Failure::target)??;
    stream.finish(as_they_are).map_err(not_framed)
}

fn not_framed(name: &str, error: FrameError) -> Failure {
    let message = format!("rows of {name} are not framed as they should be");
    Failure::new(Exit::Target, message).with_source(error)
}

/// What was rejected is in the archive's fingerprints and not on the target.
fn add_rejected(target: &mut Target, run: &Run, units: &[Unit], found: &mut [Fingerprint]) -> Result<()> {
    for chunk in rejects::journal::read(target.client(), run)? {
        let mut of_units = units.iter().zip(&mut *found);
        if let Some((_, found)) = of_units.find(|(unit, _)| unit.name() == chunk.into) {
            // A part in another form is left out, so that the comparison fails.
            let _ = found.merge(&chunk.fingerprint);
        }
    }
    Ok(())
}

/// Names every table that is not what the archive has.
fn compare(target: &Target, units: &[Unit], found: &[Fingerprint], ui: &Ui) -> Result<()> {
    for unit in units.iter().filter(|it| !it.has_one_order) {
        ui.status(format_args!(
            "{}: its rows were counted alone, since its partitions have their columns in different orders",
            unit.name()
        ));
    }
    let difference = |(unit, found): (&Unit, &Fingerprint)| {
        let expected = &unit.expected;
        let is_same = if unit.has_one_order {
            found == expected
        } else {
            found.rows == expected.rows
        };
        (!is_same).then(|| difference(&unit.name(), expected.rows, found.rows))
    };
    let differences: Vec<String> = units.iter().zip(found).filter_map(difference).collect();
    if differences.is_empty() {
        return Ok(());
    }
    Err(differ(&target.name(), differences))
}

fn difference(name: &str, expected: u64, found: u64) -> String {
    let (archive, here) = (count(expected), count(found));
    if expected == found {
        format!("{name}: {archive} rows in the archive and on the target, but with other values")
    } else {
        format!("{name}: {archive} rows in the archive, {here} on the target")
    }
}

fn differ(target: &str, differences: Vec<String>) -> Failure {
    let message = format!("read back, {target} does not hold what the archive has");
    let failure = Failure::new(Exit::Target, message);
    let failure = differences.into_iter().fold(failure, Failure::with_state);
    failure.with_hint(
        "rows were changed after they had been sent: by a function that a materialized view or an index calls, or by \
         another session",
    )
}

/// Looks for every row of an extension's table, which holds others' too; returns how many.
fn find_rows(
    transaction: &mut Transaction<'_>,
    header: &Header,
    table: &Table,
    kept: &LateRows,
    pace: &Pace,
) -> Result<u64> {
    let name = table.qualified_name().to_string();
    let not_framed = |error| not_framed(&name, error);
    let Some(form) = header.form(table.number) else {
        return Ok(0);
    };
    let mut left = RowBag::default();
    kept.each(header, |chunk, _| {
        if chunk.table.number != table.number {
            return Ok(());
        }
        chunk.each_row(|row| left.add(row))
    })?;
    let wanted = left.rows();
    if wanted == 0 {
        return Ok(0);
    }
    let whole = Table {
        condition: None,
        ..table.clone()
    };
    let columns = whole.stored_columns().count();
    let mut stream = RowStream::new(form, columns);
    let mut take = |rows: &fingerprint::Rows| {
        each_row(form, columns, &rows.bytes, |row| left.remove(row))?;
        Ok::<_, FrameError>(rows.fingerprint)
    };
    let read = read_rows(transaction, &whole, form, &Extent::default(), |piece| {
        pace.wait(piece.len())?;
        stream.push(piece, &mut take).map_err(not_framed)
    });
    read.map_err(Failure::target)??;
    stream.finish(&mut take).map_err(not_framed)?;
    let absent = left.rows();
    if absent == 0 {
        return Ok(wanted);
    }
    let message = format!(
        "{name}: rows of the archive that the target does not have: {}",
        count(absent)
    );
    Err(differ("the target", vec![message]))
}
