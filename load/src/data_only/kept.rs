//! The archive's rows, proved to the end before one of them is written, and read again in the order of tables: from the
//! archive itself where it is a file or a directory, else from a temporary file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use archive::{End, Header, RowsRecord, decompress};
use catalog::Table;
use cli::{
    ArchiveReader, Exit, Failure, FailureContext, MemberPlace, Result, Ui, Work, can_be_read_again, size,
};
use fingerprint::{Fingerprint, Form, scan_chunk, wrap_chunk};
use postgres::GenericClient;

use super::census::Census;
use crate::target::failed;

/// Rows handed to the connection at once; it copies what it is given.
const PIECE_BYTES: usize = 64 << 10;

/// What a binary COPY ends with, in bytes.
const TRAILER_BYTES: usize = 2;

/// All chunks, by table and number.
#[derive(Debug)]
pub(crate) struct Kept {
    archive: String,
    /// Made when the first chunk must wait; it has no name, so nothing of it stays behind.
    file: Option<File>,
    chunks: HashMap<u32, Vec<KeptChunk>>,
}

#[derive(Debug)]
struct KeptChunk {
    rows: RowsRecord,
    at: At,
    stored: usize,
    fingerprint: Fingerprint,
}

#[derive(Debug)]
enum At {
    Archive(MemberPlace),
    /// Where its bytes begin in the temporary file.
    File(u64),
}

/// Reads the archive to its end member and proves all of it. Chunks of tables that `census` knows are kept.
pub(crate) fn read(
    mut reader: ArchiveReader,
    header: &Header,
    archive: &str,
    census: &mut Census,
    ui: &Ui,
) -> Result<(Kept, End)> {
    let again = can_be_read_again(archive);
    let expected = header.catalog.tables.iter().map(|it| it.bytes).sum();
    let progress = ui.progress("reading", Some(expected));
    let mut kept = Kept {
        archive: archive.to_owned(),
        file: None,
        chunks: HashMap::new(),
    };
    let mut sums: HashMap<u32, Fingerprint> = HashMap::new();
    let mut waiting_bytes = 0;
    while let Some((rows, _)) = reader.next_chunk().map_err(Failure::archive)? {
        cli::check_interrupt()?;
        let place = reader.store().place();
        let stored = reader.chunk_bytes().map_err(Failure::archive)?;
        let (table, length) = (table_of(header, rows.table)?, stored.len());
        let at = if again {
            Some(At::Archive(place))
        } else if census.wants(rows.table) {
            waiting_bytes += length as u64;
            Some(At::File(kept.write(&stored)?))
        } else {
            None
        };
        let bytes = decompress(rows.codec, stored, rows.raw).map_err(Failure::archive)?;
        let fingerprint = scan(table, &rows, &bytes)?;
        census.look(table, &rows, &bytes)?;
        let sum = sums.entry(rows.table).or_insert(Fingerprint::empty(rows.form));
        sum.merge(&fingerprint).or_fail(Exit::Archive, || {
            format!(
                "archive is damaged: {} has rows in two forms",
                table.qualified_name()
            )
        })?;
        let chunk = at.map(|at| KeptChunk {
            rows,
            at,
            stored: length,
            fingerprint,
        });
        kept.chunks.entry(rows.table).or_default().extend(chunk);
        progress.advance(Work {
            rows: rows.rows,
            bytes: rows.raw,
        });
    }
    let end = reader.finish().map_err(Failure::archive)?;
    progress.finish();
    compare(header, &sums, &end)?;
    if waiting_bytes > 0 {
        ui.status(format_args!(
            "{} of rows came through a pipe and wait in a temporary file",
            size(waiting_bytes)
        ));
    }
    Ok((kept, end))
}

fn compare(header: &Header, sums: &HashMap<u32, Fingerprint>, end: &End) -> Result<()> {
    for form in &header.forms {
        let empty = Fingerprint::empty(form.form);
        let found = sums.get(&form.table).copied().unwrap_or(empty);
        if end.table(form.table).map(|it| it.fingerprint) != Some(found) {
            let name = table_of(header, form.table)?.qualified_name();
            let message = format!("archive is damaged: rows of {name} have another fingerprint than it says");
            return Err(Failure::new(Exit::Archive, message));
        }
    }
    Ok(())
}

/// The archive's table of this number.
pub(crate) fn table_of(header: &Header, number: u32) -> Result<&Table> {
    let place = usize::try_from(number).unwrap_or(usize::MAX);
    let damaged = || {
        Failure::new(
            Exit::Archive,
            format!("archive is damaged: it has no table {number}"),
        )
    };
    header.catalog.tables.get(place).ok_or_else(damaged)
}

pub(crate) fn column_names(table: &Table) -> Vec<&str> {
    table.stored_columns().map(|it| it.name.as_str()).collect()
}

/// Frames and hashes a chunk.
fn scan(table: &Table, rows: &RowsRecord, bytes: &[u8]) -> Result<Fingerprint> {
    let damaged = || {
        let name = table.qualified_name();
        format!("archive is damaged: chunk {} of {name}", rows.chunk)
    };
    let fingerprint = scan_chunk(rows.form, column_names(table), bytes).or_fail(Exit::Archive, damaged)?;
    if fingerprint.rows == rows.rows {
        Ok(fingerprint)
    } else {
        let message = format!("{} has another number of rows", damaged());
        Err(Failure::new(Exit::Archive, message))
    }
}

impl Kept {
    /// How many rows the archive has of a table.
    pub(crate) fn rows(&self, table: u32) -> u64 {
        let chunks = self.chunks.get(&table).into_iter().flatten();
        chunks.map(|it| it.rows.rows).sum()
    }

    /// Writes all rows of `table` into `into` by one statement, and returns how many the server took. Keys that refer
    /// to the same table are looked at when the statement ends.
    pub(crate) fn copy(
        &self,
        client: &mut impl GenericClient,
        table: &Table,
        form: Form,
        into: &str,
    ) -> Result<u64> {
        let name = table.qualified_name();
        let step = || format!("rows of {name} could not be written");
        let Some(chunks) = self.chunks.get(&table.number).filter(|it| !it.is_empty()) else {
            return Ok(0);
        };
        let (format, tail_bytes) = match form {
            Form::Text => ("FORMAT csv, HEADER", 0),
            Form::Binary => ("FORMAT binary", TRAILER_BYTES),
        };
        let empty = wrap_chunk(form, column_names(table), Vec::new());
        let (head, tail) = empty.split_at(empty.len() - tail_bytes);
        let mut writer = client
            .copy_in(&format!("COPY {into} FROM STDIN ({format})"))
            .map_err(|error| failed(step(), error))?;
        writer.write_all(head).or_fail(Exit::Target, step)?;
        for chunk in chunks {
            cli::check_interrupt()?;
            let bytes = self.read(table, chunk)?;
            let rows = bytes
                .get(head.len()..bytes.len() - tail.len())
                .unwrap_or_default();
            for piece in rows.chunks(PIECE_BYTES) {
                writer.write_all(piece).or_fail(Exit::Target, step)?;
            }
        }
        writer.write_all(tail).or_fail(Exit::Target, step)?;
        writer.finish().map_err(|error| failed(step(), error))
    }

    /// A chunk's rows, which must be what they were when they were proved.
    fn read(&self, table: &Table, chunk: &KeptChunk) -> Result<Vec<u8>> {
        let name = table.qualified_name();
        let lost = || format!("rows of {name} could not be read a second time");
        let stored = match (&chunk.at, &self.file) {
            (At::Archive(place), _) => place.read(&self.archive, chunk.stored),
            (At::File(start), Some(file)) => read_at(file, *start, chunk.stored),
            (At::File(_), None) => Err(io::ErrorKind::NotFound.into()),
        };
        let stored = stored.or_fail(Exit::Source, lost)?;
        let changed = || {
            Failure::new(
                Exit::Archive,
                format!("the archive has changed while it was read: rows of {name}"),
            )
        };
        let bytes = decompress(chunk.rows.codec, stored, chunk.rows.raw).map_err(|_| changed())?;
        match scan(table, &chunk.rows, &bytes) {
            Ok(fingerprint) if fingerprint == chunk.fingerprint => Ok(bytes),
            _ => Err(changed()),
        }
    }

    fn write(&mut self, stored: &[u8]) -> Result<u64> {
        let file = &mut self.file;
        let write = || {
            let file = match file {
                Some(file) => file,
                none => none.insert(tempfile::tempfile()?),
            };
            let start = file.seek(SeekFrom::End(0))?;
            file.write_all(stored)?;
            Ok(start)
        };
        let written: io::Result<u64> = write();
        written.or_fail(
            Exit::Target,
            || "rows from a pipe could not be kept in a temporary file (TMPDIR says where)",
        )
    }
}

fn read_at(mut file: &File, start: u64, length: usize) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = vec![0; length];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}
