//! An archive as a source: read through once, while the target is read beside it.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use archive::{End, Header, decompress};
use catalog::{ForeignKey, Table};
use cli::{ArchiveReader, Exit, Failure, FailureContext, Result, open_archive};
use fingerprint::{Fingerprint, chunk_end, chunk_start};
use rewrite::foreign_keys;

use crate::rows::scan::Scan;
use crate::sides::Source;
use crate::sides::archive_rows::{KeptRows, Passed, Passing, read_through};

/// An archive, whose rows are still to come or have passed.
pub(crate) struct Archived {
    /// As it was named; `-` is stdin.
    name: String,
    pub(crate) header: Header,
    /// By the names that the archive has.
    pub(crate) foreign_keys: Vec<ForeignKey>,
    /// `None` once the rows have passed.
    reader: Mutex<Option<ArchiveReader>>,
    /// The end member, and the fingerprints of tables whose rows count otherwise than they are.
    passed: OnceLock<(End, HashMap<u32, Fingerprint>)>,
    pub(crate) kept: Mutex<KeptRows>,
}

impl Archived {
    /// Reads all that is left of the archive, so that its fingerprints can be believed.
    pub(crate) fn pass(&self, passing: &Passing<'_>) -> Result<()> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(reader) = reader else { return Ok(()) };
        let Passed { end, changed, kept } = read_through(reader, &self.header, passing)?;
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        self.passed
            .set((end, changed))
            .map_err(|_| Failure::new(Exit::Internal, "an archive was read twice"))
    }

    pub(crate) fn fingerprint(&self, table: &Table) -> Result<Fingerprint> {
        let (end, changed) = self
            .passed
            .get()
            .ok_or_else(|| Failure::new(Exit::Internal, "an archive was asked before it was read"))?;
        let as_stored = || end.table(table.number).map(|it| it.fingerprint);
        let known = changed.get(&table.number).copied().or_else(as_stored);
        known.ok_or_else(|| {
            Failure::new(
                Exit::Archive,
                format!("archive has no rows of {}", table.qualified_name()),
            )
        })
    }

    pub(crate) fn fingerprint_of_all(&self, parts: &[&Table]) -> Result<Fingerprint> {
        let mut whole: Option<Fingerprint> = None;
        for part in parts {
            let part_of_it = self.fingerprint(part)?;
            match &mut whole {
                None => whole = Some(part_of_it),
                Some(whole) => whole.merge(&part_of_it).or_fail(Exit::Archive, || {
                    format!("fingerprints of {} cannot be added", part.qualified_name())
                })?,
            }
        }
        whole.ok_or_else(|| Failure::new(Exit::Internal, "a partition tree without partitions was compared"))
    }
}

impl Archived {
    /// Whether its rows can be read once more.
    pub(crate) fn can_be_read_again(&self) -> bool {
        self.name != "-"
    }

    /// Gives the rows of some tables once more to whoever is at their number.
    pub(crate) fn read_again(
        &self,
        scans: &mut [Scan<'_>],
        place: impl Fn(u32) -> Option<usize>,
    ) -> Result<()> {
        let changed = || {
            let message = format!(
                "archive `{}` is not the one any more that was read before",
                self.name
            );
            Failure::new(Exit::Archive, message)
        };
        let mut reader = open_archive(&self.name)?;
        reader.schema().map_err(Failure::archive)?;
        if *reader.header() != self.header {
            return Err(changed());
        }
        while let Some((rows, _)) = reader.next_chunk().map_err(Failure::archive)? {
            cli::check_interrupt()?;
            let stored = reader.chunk_bytes().map_err(Failure::archive)?;
            let Some(scan) = place(rows.table).and_then(|it| scans.get_mut(it)) else {
                continue;
            };
            let table = usize::try_from(rows.table).ok();
            let table = table.and_then(|it| self.header.catalog.tables.get(it));
            let names = table.into_iter().flat_map(Table::stored_columns);
            let start = chunk_start(rows.form, names.map(|it| it.name.as_str())).len();
            let bytes = decompress(rows.codec, stored, rows.raw).map_err(Failure::archive)?;
            let end = bytes.len().saturating_sub(chunk_end(rows.form).len());
            scan.take_again(bytes.get(start..end).ok_or_else(changed)?)?;
        }
        let end = reader.finish().map_err(Failure::archive)?;
        let is_same = self.passed.get().is_some_and(|(before, _)| *before == end);
        if is_same { Ok(()) } else { Err(changed()) }
    }
}

/// Opens an archive, whose rows are still to pass.
pub(crate) fn open_source(name: &str) -> Result<Source> {
    let mut reader = open_archive(name)?;
    let texts = reader.schema().map_err(Failure::archive)?;
    Ok(Source::Archive(Box::new(Archived {
        name: name.to_owned(),
        foreign_keys: texts.iter().flat_map(|(_, sql)| foreign_keys(sql)).collect(),
        header: reader.header().clone(),
        reader: Mutex::new(Some(reader)),
        passed: OnceLock::new(),
        kept: Mutex::default(),
    })))
}
