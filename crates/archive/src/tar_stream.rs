//! Members as a tar stream: heads, padding and the end of the stream, byte for byte.

use std::io::{self, ErrorKind as IoErrorKind, Read, Write};

use tar::{EntryType, Header as TarHeader, PaxExtensions};

use crate::reader::{END_NAME, Store};
use crate::writer::Sink;
use crate::{Error, ErrorKind, MemberKind, Record, Result};

const BLOCK: usize = 512;
/// A head with all its records is far smaller.
const PAX_BYTES_MAX: u64 = 4096;
const RECORD_PREFIX: &str = "SCHILY.xattr.user.coalesce.";
const PAX_NAME: &str = "coalesce";

/// What every stream of ours begins with: the first header's name and the NUL behind it.
pub const STREAM_START: &[u8] = b"coalesce\0";

/// Writes members as a tar stream.
#[derive(Debug)]
pub struct TarSink<W> {
    output: W,
}

/// Reads members from a tar stream.
#[derive(Debug)]
pub struct TarStore<R> {
    input: R,
    /// Bytes of the current member that are still to come.
    left: u64,
    padding: usize,
    started: bool,
    position: u64,
}

impl<W: Write> TarSink<W> {
    pub fn new(output: W) -> Self {
        TarSink { output }
    }
}

impl<W: Write> Sink for TarSink<W> {
    type Output = W;

    fn member(&mut self, run: &str, record: &Record, body: &mut dyn Read) -> Result<()> {
        self.output
            .write_all(&head(run, record))
            .map_err(Error::from_write)?;
        copy_body(body, &mut self.output)?;
        self.output
            .write_all(&[0; BLOCK][..padding(record.stored)])
            .map_err(Error::from_write)
    }

    fn finish(mut self) -> Result<W> {
        self.output
            .write_all(&[0; 2 * BLOCK])
            .map_err(Error::from_write)?;
        self.output.flush().map_err(Error::from_write)?;
        Ok(self.output)
    }
}

/// Copies a member's body for a [`Sink`], keeping failures of the two sides apart.
pub fn copy_body(body: &mut dyn Read, output: &mut dyn Write) -> Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match body.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => output.write_all(&buffer[..count]).map_err(Error::from_write)?,
            Err(error) if error.kind() == IoErrorKind::Interrupted => {}
            Err(error) => return Err(unwrap_read_error(error)),
        }
    }
}

/// An [`Error`] that travelled through `Read` comes out again.
fn unwrap_read_error(error: io::Error) -> Error {
    error.downcast::<Error>().unwrap_or_else(Error::from_read)
}

impl<R: Read> TarStore<R> {
    pub fn new(input: R) -> Self {
        TarStore {
            input,
            left: 0,
            padding: 0,
            started: false,
            position: 0,
        }
    }

    /// Bytes of the stream that have been read: where the next one stands.
    pub fn position(&self) -> u64 {
        self.position
    }

    fn block(&mut self) -> Result<[u8; BLOCK]> {
        let mut bytes = Vec::with_capacity(BLOCK);
        (&mut self.input)
            .take(BLOCK as u64)
            .read_to_end(&mut bytes)
            .map_err(Error::from_read)?;
        let start = &STREAM_START[..bytes.len().min(STREAM_START.len())];
        if !self.started && !bytes.starts_with(start) {
            return Err(Error::new(ErrorKind::NotAnArchive));
        }
        let block: [u8; BLOCK] = bytes.try_into().map_err(|_| Error::new(ErrorKind::Truncated))?;
        if !self.started && !is_tar(&block) {
            return Err(Error::new(ErrorKind::NotAnArchive));
        }
        self.started = true;
        self.position += BLOCK as u64;
        Ok(block)
    }

    fn zeros(&mut self, count: usize) -> Result<()> {
        let mut padding = [0; BLOCK];
        self.input
            .read_exact(&mut padding[..count])
            .map_err(Error::from_read)?;
        self.position += count as u64;
        if padding[..count].iter().all(|&byte| byte == 0) {
            Ok(())
        } else {
            Err(Error::damaged("padding is not zero"))
        }
    }
}

impl<R: Read> Store for TarStore<R> {
    fn next(&mut self) -> Result<(String, Record)> {
        let damaged = || Error::damaged("a header is not one that a writer makes");
        let pax_block = self.block()?;
        let size = TarHeader::from_byte_slice(&pax_block)
            .entry_size()
            .map_err(|_| damaged())?;
        if size > PAX_BYTES_MAX {
            return Err(damaged());
        }
        let mut pax = vec![0; usize::try_from(size).map_err(|_| damaged())?];
        self.input.read_exact(&mut pax).map_err(Error::from_read)?;
        self.position += size;
        self.zeros(padding(size))?;
        let block = self.block()?;
        let name = TarHeader::from_byte_slice(&block).path_bytes().into_owned();
        let name = String::from_utf8(name).map_err(|_| damaged())?;
        let (run, record) = parse_pax(&pax)
            .and_then(|it| Record::from_fields(&name, &it))
            .ok_or_else(damaged)?;
        let mut found = pax_block.to_vec();
        found.extend_from_slice(&pax);
        found.resize(found.len().next_multiple_of(BLOCK), 0);
        found.extend_from_slice(&block);
        if !record.has_proper_name() || found != head(&run, &record) {
            return Err(damaged());
        }
        self.left = record.stored;
        self.padding = padding(record.stored);
        Ok((run, record))
    }

    fn body(&mut self) -> &mut dyn Read {
        self
    }

    fn end_body(&mut self) -> Result<()> {
        self.zeros(self.padding)
    }

    fn finish(&mut self) -> Result<()> {
        self.zeros(BLOCK)?;
        self.zeros(BLOCK)?;
        let mut one = [0];
        loop {
            match self.input.read(&mut one) {
                Ok(0) => return Ok(()),
                Ok(_) => return Err(Error::damaged("something follows the end of the archive")),
                Err(error) if error.kind() == IoErrorKind::Interrupted => {}
                Err(error) => return Err(Error::from_read(error)),
            }
        }
    }
}

/// The current member's bytes.
impl<R: Read> Read for TarStore<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.input.read(&mut buffer[..wanted])?;
        if count == 0 {
            return Err(IoErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        self.position += count as u64;
        Ok(count)
    }
}

fn is_tar(block: &[u8; BLOCK]) -> bool {
    block.starts_with(STREAM_START) && TarHeader::from_byte_slice(block).as_ustar().is_some()
}

fn padding(size: u64) -> usize {
    let over = usize::try_from(size % BLOCK as u64).unwrap_or_default();
    (BLOCK - over) % BLOCK
}

/// Both headers of a member with the pax records between them.
fn head(run: &str, record: &Record) -> Vec<u8> {
    let mut fields = record.fields(run);
    fields.push(("sha256", record.sha256.clone()));
    let pax: String = fields
        .iter()
        .map(|(key, value)| pax_line(&format!("{RECORD_PREFIX}{key}={value}\n")))
        .collect();
    let mut head = tar_header(PAX_NAME, EntryType::XHeader, pax.len() as u64).to_vec();
    head.extend_from_slice(pax.as_bytes());
    head.resize(head.len().next_multiple_of(BLOCK), 0);
    head.extend_from_slice(&tar_header(&record.name, EntryType::Regular, record.stored));
    head
}

/// Puts the line's length, the digits of the length included, before it.
fn pax_line(rest: &str) -> String {
    let mut length = rest.len() + 2;
    while length != rest.len() + 1 + length.to_string().len() {
        length += 1;
    }
    format!("{length} {rest}")
}

fn tar_header(name: &str, entry_type: EntryType, size: u64) -> [u8; BLOCK] {
    let mut header = TarHeader::new_ustar();
    header.set_entry_type(entry_type);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    // Names that do not fit are refused by `has_proper_name` when they are read; none that is written is longer.
    let field = &mut header.as_old_mut().name;
    let length = name.len().min(field.len());
    field[..length].copy_from_slice(&name.as_bytes()[..length]);
    header.set_cksum();
    *header.as_bytes()
}

fn parse_pax(pax: &[u8]) -> Option<Vec<(String, String)>> {
    PaxExtensions::new(pax)
        .map(|extension| {
            let extension = extension.ok()?;
            let key = extension.key().ok()?.strip_prefix(RECORD_PREFIX)?;
            Some((key.to_owned(), extension.value().ok()?.to_owned()))
        })
        .collect()
}

/// The end member is the last one, so its name tells whether a stream may stop.
pub(crate) fn is_end(record: &Record) -> bool {
    record.kind == MemberKind::End && record.name == END_NAME
}
