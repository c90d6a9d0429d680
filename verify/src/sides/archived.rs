//! An archive as a source: read through once, while the target is read beside it.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use archive::{End, Header};
use catalog::{ForeignKey, Table};
use cli::{ArchiveReader, Exit, Failure, FailureContext, Result, open_archive};
use fingerprint::Fingerprint;
use rewrite::foreign_keys;

use crate::sides::Source;
use crate::sides::archive_rows::{KeptRows, Passed, Passing, read_through};

/// An archive, whose rows are still to come or have passed.
pub(crate) struct Archived {
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

/// Opens an archive, whose rows are still to pass.
pub(crate) fn open_source(name: &str) -> Result<Source> {
    let mut reader = open_archive(name)?;
    let texts = reader.schema().map_err(Failure::archive)?;
    Ok(Source::Archive(Box::new(Archived {
        foreign_keys: texts.iter().flat_map(|(_, sql)| foreign_keys(sql)).collect(),
        header: reader.header().clone(),
        reader: Mutex::new(Some(reader)),
        passed: OnceLock::new(),
        kept: Mutex::default(),
    })))
}
