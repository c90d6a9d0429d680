//! Reads an archive, member by member, and believes nothing: every body is checked against its record, every
//! record against the end member.

use std::collections::HashMap;
use std::io::{self, Read};

use sha2::Sha256;

use crate::record::hex;
use crate::tar_stream::is_end;
use crate::{End, Error, ErrorKind, Header, MemberKind, Record, Result, RowsRecord, SchemaMember};

pub(crate) const HEADER_NAME: &str = "archive.json";
pub(crate) const END_NAME: &str = "end.json";

/// Members other than chunks are read whole; no catalog comes near this.
const TEXT_BYTES_MAX: u64 = 1 << 30;

/// Where members come from: a tar stream, or files in a directory.
pub trait Store {
    /// The next member's run and record, with a proper name. Never called after the end member.
    fn next(&mut self) -> Result<(String, Record)>;

    /// The bytes of the member that `next` returned.
    fn body(&mut self) -> &mut dyn Read;

    /// Called when the body has been read.
    fn end_body(&mut self) -> Result<()>;

    /// Called after the end member: refuses whatever follows.
    fn finish(&mut self) -> Result<()>;
}

/// Reads the members in order: [`Reader::new`] the header, [`Reader::schema`] all SQL text, then
/// [`Reader::next_chunk`] with one of the `chunk_…` methods for each chunk, [`Reader::finish`] at last.
#[derive(Debug)]
pub struct Reader<S> {
    store: S,
    header: Header,
    seen: Vec<Record>,
    /// The member after the last one that was used.
    ahead: Record,
    /// By table: chunks and rows so far.
    tables: HashMap<u32, (u32, u64)>,
}

impl<S: Store> Reader<S> {
    pub fn new(mut store: S) -> Result<Self> {
        let (run, record) = store.next()?;
        if record.kind != MemberKind::Header {
            return Err(Error::damaged("it does not begin with its header").in_member(&record.name));
        }
        let json = read_text(&mut store, &run, &record)?;
        let header = Header::parse(&json).map_err(|error| error.in_member(HEADER_NAME))?;
        if header.run != run {
            return Err(Error::damaged("it belongs to another run").in_member(HEADER_NAME));
        }
        let tables = header.forms.iter().map(|it| (it.table, (0, 0))).collect();
        let mut reader = Reader {
            store,
            header,
            seen: Vec::new(),
            ahead: record,
            tables,
        };
        reader.advance()?;
        Ok(reader)
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Where the members come from. After [`Reader::next_chunk`] it stands at the chunk's first byte.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// All SQL text, in the archive's order. Read once, before the first chunk.
    pub fn schema(&mut self) -> Result<Vec<(SchemaMember, String)>> {
        let mut members: Vec<(SchemaMember, String)> = Vec::new();
        while self.ahead.kind == MemberKind::Schema {
            let record = self.ahead.clone();
            let misplaced =
                || Error::damaged("a schema member twice or out of order").in_member(&record.name);
            let member = SchemaMember::from_name(&record.name).ok_or_else(misplaced)?;
            if members.last().is_some_and(|(last, _)| *last >= member) {
                return Err(misplaced());
            }
            let sql = String::from_utf8(read_text(&mut self.store, &self.header.run, &record)?)
                .map_err(|_| Error::damaged("SQL text is not UTF-8").in_member(&record.name))?;
            members.push((member, sql));
            self.advance()?;
        }
        Ok(members)
    }

    /// The next chunk's record, or `None` when the end member is next. The chunk must then be read.
    pub fn next_chunk(&mut self) -> Result<Option<(RowsRecord, Record)>> {
        let record = &self.ahead;
        match (record.kind, record.rows) {
            (MemberKind::End, _) => Ok(None),
            (MemberKind::Rows, Some(rows)) => {
                let form = self.header.form(rows.table);
                let table = self
                    .tables
                    .get_mut(&rows.table)
                    .filter(|(chunks, _)| *chunks == rows.chunk);
                let (Some((chunks, count)), true) = (table, form == Some(rows.form)) else {
                    return Err(Error::damaged("a chunk that does not belong here").in_member(&record.name));
                };
                *chunks += 1;
                *count = count.saturating_add(rows.rows);
                Ok(Some((rows, record.clone())))
            }
            _ => Err(Error::damaged("a member that does not belong here").in_member(&record.name)),
        }
    }

    /// The chunk that was announced, as it is stored, checked.
    pub fn chunk_bytes(&mut self) -> Result<Vec<u8>> {
        let record = self.ahead.clone();
        let mut stored = Vec::new();
        let body = Checked::new(&mut self.store, &self.header.run, &record);
        read_to_end(body, &record, &mut stored)?;
        self.advance()?;
        Ok(stored)
    }

    /// Gives the announced chunk's bytes to `take` as a stream that fails at its end when they do not match.
    pub fn chunk_stream(&mut self, take: impl FnOnce(&mut dyn Read) -> Result<()>) -> Result<()> {
        let record = self.ahead.clone();
        let mut body = Checked::new(&mut self.store, &self.header.run, &record);
        take(&mut body)?;
        if !body.done {
            return Err(Error::damaged("a chunk was not read to its end").in_member(&record.name));
        }
        self.advance()
    }

    /// Reads the end member and compares everything with it.
    pub fn finish(mut self) -> Result<End> {
        let record = self.ahead.clone();
        if !is_end(&record) {
            return Err(Error::damaged("a member that does not belong here").in_member(&record.name));
        }
        let json = read_text(&mut self.store, &self.header.run, &record)?;
        let end = End::parse(&json).map_err(|error| error.in_member(END_NAME))?;
        self.store.finish()?;
        self.compare(&end).map_err(|error| error.in_member(END_NAME))?;
        Ok(end)
    }

    fn compare(&self, end: &End) -> Result<()> {
        if end.run != self.header.run {
            return Err(Error::damaged("it belongs to another run"));
        }
        if end.members != self.seen {
            return Err(Error::damaged("its records are not those of the members"));
        }
        let expected = self.header.forms.iter().map(|it| it.table);
        if !expected.eq(end.tables.iter().map(|it| it.table)) {
            return Err(Error::damaged("its tables are not those of the header"));
        }
        let agrees = |it: &&crate::TableEnd| {
            self.tables.get(&it.table) == Some(&(it.chunks, it.fingerprint.rows))
                && self.header.form(it.table) == Some(it.fingerprint.form)
                && it.source_fingerprint.is_none_or(|source| {
                    (source.form, source.rows) == (it.fingerprint.form, it.fingerprint.rows)
                })
        };
        if end.tables.iter().filter(agrees).count() == end.tables.len() {
            Ok(())
        } else {
            Err(Error::damaged("its counts are not those of the chunks"))
        }
    }

    fn advance(&mut self) -> Result<()> {
        let (run, record) = self.store.next()?;
        if run != self.header.run {
            return Err(Error::damaged("it belongs to another run").in_member(&record.name));
        }
        self.seen.push(std::mem::replace(&mut self.ahead, record));
        Ok(())
    }
}

fn read_text(store: &mut impl Store, run: &str, record: &Record) -> Result<Vec<u8>> {
    if record.stored > TEXT_BYTES_MAX {
        return Err(Error::damaged("a member is larger than it can be").in_member(&record.name));
    }
    let mut text = Vec::new();
    read_to_end(Checked::new(store, run, record), record, &mut text)?;
    Ok(text)
}

fn read_to_end<S: Store>(mut body: Checked<'_, S>, record: &Record, bytes: &mut Vec<u8>) -> Result<()> {
    // Reserved only up to what an honest chunk has: a declared length must not allocate.
    const TRUSTED_BYTES_MAX: u64 = 16 << 20;
    bytes.reserve(usize::try_from(record.stored.min(TRUSTED_BYTES_MAX)).unwrap_or_default());
    match body.read_to_end(bytes) {
        Ok(_) => Ok(()),
        Err(error) => {
            let error = error.downcast::<Error>().unwrap_or_else(Error::from_read);
            Err(error.in_member(&record.name))
        }
    }
}

/// A member's bytes; the last read fails when they are not those that the record was made for.
struct Checked<'a, S> {
    store: &'a mut S,
    record: &'a Record,
    hasher: Option<Sha256>,
    left: u64,
    done: bool,
}

impl<'a, S: Store> Checked<'a, S> {
    fn new(store: &'a mut S, run: &str, record: &'a Record) -> Self {
        Checked {
            store,
            record,
            hasher: Some(record.hasher(run)),
            left: record.stored,
            done: false,
        }
    }

    fn end(&mut self) -> Result<()> {
        let Some(hasher) = self.hasher.take() else {
            return Ok(());
        };
        if hex(&sha2::Digest::finalize(hasher)) != self.record.sha256 {
            return Err(Error::new(ErrorKind::Checksum).in_member(&self.record.name));
        }
        self.store.end_body()?;
        self.done = true;
        Ok(())
    }
}

impl<S: Store> Read for Checked<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            self.end().map_err(io::Error::other)?;
            return Ok(0);
        }
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.store.body().read(&mut buffer[..wanted])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        if let Some(hasher) = &mut self.hasher {
            sha2::Digest::update(hasher, &buffer[..count]);
        }
        Ok(count)
    }
}
