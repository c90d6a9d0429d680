//! Rows that name what is made only after the rows: a value of type `regclass` may name an index, and COPY refuses
//! it before the index is there. Their chunks wait in a temporary file, so that memory stays bounded and the archive
//! can be read on; so do rows for tables of extensions, which are not this load's to fill before everything is live.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};

use archive::{Header, RowsRecord};
use catalog::QualifiedName;
use cli::{Exit, Failure, FailureContext, Result, Ui, count};
use fingerprint::Fingerprint;

use super::chunk::{Chunk, OpenedChunk, table_of};
use crate::journal::Run;
use crate::rejects::Rejects;
use crate::target::Target;

/// Chunks that wait, as they were stored.
#[derive(Default)]
pub(crate) struct LateRows(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    /// Made when the first chunk comes; it has no name, so nothing of it stays behind.
    file: Option<File>,
    chunks: Vec<WaitingChunk>,
}

struct WaitingChunk {
    rows: RowsRecord,
    /// The table that takes them.
    into: QualifiedName,
    /// Where its bytes begin in the file, and how many there are.
    start: u64,
    stored: usize,
    fingerprint: Fingerprint,
}

impl LateRows {
    /// Puts a chunk aside, whose rows have `fingerprint` and go into the table `into`.
    pub(crate) fn keep(
        &self,
        rows: RowsRecord,
        into: QualifiedName,
        stored: &[u8],
        fingerprint: Fingerprint,
    ) -> Result<()> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let start = waiting.write(stored).or_fail(
            Exit::Target,
            || "rows that must wait could not be kept in a temporary file",
        )?;
        waiting.chunks.push(WaitingChunk {
            rows,
            into,
            start,
            stored: stored.len(),
            fingerprint,
        });
        Ok(())
    }

    /// Writes what was put aside, in the order of tables and chunks.
    pub(crate) fn fill(
        self,
        target: &mut Target,
        run: &Run,
        header: &Header,
        rejects: &Rejects,
        ui: &Ui,
    ) -> Result<()> {
        let rows = self.each(header, |chunk, into| {
            let copied = rejects.copy_late(target.client(), run, header, chunk, into);
            copied.map_err(|failure| {
                if failure.is_missing_object() {
                    failure.with_hint(
                        "a value names an object that the archive does not have; `remap-schema` lists such values",
                    )
                } else {
                    failure
                }
            })
        })?;
        if rows > 0 {
            ui.detail(format_args!(
                "{} rows came in after the indexes, since they name some",
                count(rows)
            ));
        }
        Ok(())
    }

    /// Gives each chunk and the table that takes it to `take`, in the order of tables and chunks, and counts the rows. They stay here.
    pub(crate) fn each(
        &self,
        header: &Header,
        mut take: impl FnMut(&OpenedChunk<'_>, &QualifiedName) -> Result<()>,
    ) -> Result<u64> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut chunks = std::mem::take(&mut waiting.chunks);
        chunks.sort_by_key(|it| (it.rows.table, it.rows.chunk));
        for chunk in &chunks {
            cli::check_interrupt()?;
            let table = table_of(header, &chunk.rows)?;
            let name = table.qualified_name();
            let lost = || format!("rows of {name} could not be read back from a temporary file");
            let stored = waiting.read(chunk).or_fail(Exit::Target, lost)?;
            let rows = chunk.rows;
            let opened = OpenedChunk::new(table, Chunk { rows, stored })?;
            if opened.fingerprint != chunk.fingerprint {
                return Err(Failure::new(Exit::Internal, lost()));
            }
            take(&opened, &chunk.into)?;
        }
        let rows = chunks.iter().map(|it| it.rows.rows).sum();
        waiting.chunks = chunks;
        Ok(rows)
    }
}

impl Waiting {
    fn write(&mut self, stored: &[u8]) -> io::Result<u64> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        let start = file.stream_position()?;
        file.write_all(stored)?;
        Ok(start)
    }

    fn read(&mut self, chunk: &WaitingChunk) -> io::Result<Vec<u8>> {
        let file = self.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        file.seek(SeekFrom::Start(chunk.start))?;
        let mut stored = vec![0; chunk.stored];
        file.read_exact(&mut stored)?;
        Ok(stored)
    }
}
