//! What a file is by its first bytes, before SQLite is asked to open it: SQLite takes an empty file for an empty
//! database, and says the same of an encrypted file, a journal and a text.
//!
//! The header's fields are those of <https://sqlite.org/fileformat2.html#the_database_header>.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::sidecars::with_suffix;
use crate::{Error, ErrorKind, Result};

const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const JOURNAL_MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
/// The last bit says how its checksums are made.
const WAL_MAGIC: [u8; 4] = [0x37, 0x7f, 0x06, 0x82];

/// Bytes that are looked at: the smallest page that encrypted databases have by default.
const LOOK_BYTES: usize = 4096;
/// Pages are never smaller.
const PAGE_BYTES_MIN: u64 = 512;
/// Of 8 bits in each byte. Random bytes have 7.9 in 4 KiB and 7.5 in 512 bytes; text and code stay below 6.5.
const ENCRYPTED_BITS_MIN: f64 = 7.2;

/// What the header of a SQLite database says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) page_bytes: u32,
    /// Pages that the file should have; `None` where the field is from before SQLite 3.7, which did not keep it.
    pub(super) page_count: Option<u32>,
    /// Whether the database is in WAL mode, in which SQLite wants files beside it.
    pub(super) wal: bool,
    pub(super) file_bytes: u64,
    pub(super) encoding: Encoding,
}

/// How the file writes its texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
}

impl Header {
    /// Reads the header of the file, or says what the file is instead.
    ///
    /// Nothing but a regular file is opened: a pipe would wait for ever.
    pub(super) fn read(path: &Path) -> Result<Header> {
        let (start, file_bytes) = start_of(path)?;
        if !start.starts_with(MAGIC) || start.len() < 100 {
            return Err(what_it_is(path, &start, file_bytes));
        }
        let field = |at: usize| u32::from_be_bytes([start[at], start[at + 1], start[at + 2], start[at + 3]]);
        let page_bytes = match u32::from(start[16]) << 8 | u32::from(start[17]) {
            1 => 65_536,
            bytes => bytes,
        };
        if !page_bytes.is_power_of_two() || u64::from(page_bytes) < PAGE_BYTES_MIN {
            let message = format!(
                "{} is damaged: its header says that a page has {page_bytes} bytes",
                path.display()
            );
            return Err(Error::new(ErrorKind::File, message).with_hint(
                "pages have 512 to 65,536 bytes, a power of two: restore the file from a backup",
            ));
        }
        Ok(Header {
            page_bytes,
            page_count: (field(24) == field(92) && field(28) > 0).then(|| field(28)),
            wal: start[18] == 2 || start[19] == 2,
            file_bytes,
            encoding: match field(56) {
                2 => Encoding::Utf16Le,
                3 => Encoding::Utf16Be,
                _ => Encoding::Utf8,
            },
        })
    }

    /// Bytes that the file should have at least.
    pub(super) fn expected_bytes(&self) -> u64 {
        u64::from(self.page_count.unwrap_or_default()) * u64::from(self.page_bytes)
    }

    /// Whether the end of the file is missing. With a write-ahead log that holds something nothing can be said, since
    /// new pages may stand there alone; nor with a journal: a crash within a commit leaves a header that counts pages
    /// which never came, and the journal has the one before.
    pub(super) fn is_truncated(&self, path: &Path) -> bool {
        let log = fs::metadata(with_suffix(path, "-wal")).map_or(0, |it| it.len());
        log == 0 && self.file_bytes < self.expected_bytes() && !has_live_journal(path)
    }
}

/// Whether there is a journal that may have to be rolled back. One that is kept for later has zeros at its head.
fn has_live_journal(path: &Path) -> bool {
    let journal = with_suffix(path, "-journal");
    let mut first = [0];
    fs::metadata(&journal).is_ok_and(|it| it.is_file())
        && File::open(journal)
            .and_then(|mut it| it.read(&mut first))
            .is_ok_and(|length| length == 1 && first != [0])
}

/// Whether the file begins with SQLite's header. An empty file, which SQLite would take for an empty
/// database, does not.
pub fn is_sqlite_file(path: &Path) -> io::Result<bool> {
    let mut header = Vec::with_capacity(MAGIC.len());
    File::open(path)?
        .take(MAGIC.len() as u64)
        .read_to_end(&mut header)?;
    Ok(header == MAGIC)
}

/// Why what stands at `path` is no SQLite database; `None` where it is one. The error's hint says what it may be.
pub fn why_no_database(path: &Path) -> Option<Error> {
    match start_of(path) {
        Ok((start, _)) if start.starts_with(MAGIC) && start.len() >= 100 => None,
        Ok((start, bytes)) => Some(what_it_is(path, &start, bytes)),
        Err(error) => Some(error),
    }
}

fn start_of(path: &Path) -> Result<(Vec<u8>, u64)> {
    let shown = path.display();
    let failed = |source: io::Error| {
        let error = if source.kind() == io::ErrorKind::NotFound {
            Error::new(ErrorKind::File, format!("there is no file {shown}"))
        } else {
            Error::new(ErrorKind::File, format!("cannot read the file {shown}"))
        };
        let has_log = ["-wal", "-journal"]
            .map(|it| with_suffix(path, it))
            .into_iter()
            .find(|it| it.exists());
        match has_log {
            Some(log) if source.kind() == io::ErrorKind::NotFound => error.with_hint(format!(
                "{} alone holds only the latest changes: find the database that it belongs to",
                log.display()
            )),
            _ => error.with_source(source),
        }
    };
    let metadata = fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Err(Error::new(
            ErrorKind::File,
            format!("{shown} is a folder, no database"),
        ));
    }
    if !metadata.is_file() {
        return Err(Error::new(
            ErrorKind::File,
            format!("{shown} is a pipe, socket or device, no file"),
        )
        .with_hint("SQLite reads pages here and there: write it to a file first"));
    }
    let mut start = Vec::with_capacity(LOOK_BYTES);
    let file = File::open(path).map_err(failed)?;
    file.take(LOOK_BYTES as u64)
        .read_to_end(&mut start)
        .map_err(failed)?;
    Ok((start, metadata.len()))
}

fn what_it_is(path: &Path, start: &[u8], file_bytes: u64) -> Error {
    let shown = path.display();
    let error =
        |text: &str, hint: &str| Error::new(ErrorKind::File, format!("{shown} {text}")).with_hint(hint);
    let begins = |magic: &[u8]| start.starts_with(magic);
    if start.is_empty() {
        return error(
            "is empty",
            "SQLite would take it for a database without tables: is it the right file?",
        );
    }
    if begins(MAGIC) {
        return error("is cut within its header", "restore it from a backup");
    }
    if begins(&JOURNAL_MAGIC) {
        return error(
            "is the rollback journal of a SQLite database",
            "name the database itself, whose name has no `-journal` at the end; keep both in one folder",
        );
    }
    if begins(&WAL_MAGIC[..3]) && start.get(3).is_some_and(|it| it & !1 == WAL_MAGIC[3]) {
        return error(
            "is the write-ahead log of a SQLite database",
            "name the database itself, whose name has no `-wal` at the end; keep both in one folder",
        );
    }
    if [
        &[0x1f, 0x8b][..],
        b"PK\x03\x04",
        &[0x28, 0xb5, 0x2f, 0xfd],
        b"BZh",
        b"\xfd7zXZ",
    ]
    .into_iter()
    .any(begins)
    {
        return error("is no SQLite file", "it is compressed: unpack it first");
    }
    if file_bytes.is_multiple_of(PAGE_BYTES_MIN) && bits_per_byte(start) >= ENCRYPTED_BITS_MIN {
        return error(
            "is no SQLite file that can be read; it may be an encrypted one",
            "it has no header, whole pages and no pattern, as SQLCipher and SEE leave it: decrypt it into a new file with \
             its application's key (SQLCipher: `sqlcipher_export`, SEE: `PRAGMA rekey=''`)",
        );
    }
    error("is no SQLite file", "it does not begin with SQLite's header")
}

/// The entropy of the bytes.
fn bits_per_byte(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for &byte in bytes {
        counts[usize::from(byte)] += 1;
    }
    let total = f64::from(u32::try_from(bytes.len().max(1)).unwrap_or(u32::MAX));
    let parts = counts
        .into_iter()
        .filter(|it| *it > 0)
        .map(|it| f64::from(it) / total);
    -parts.map(|part| part * part.log2()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_by_its_first_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        let random = |length: usize| {
            let mut random = fastrand::Rng::with_seed(1);
            std::iter::repeat_with(|| random.u8(..))
                .take(length)
                .collect::<Vec<_>>()
        };
        let mut database = vec![0_u8; 512];
        database[..16].copy_from_slice(MAGIC);
        database[16..18].copy_from_slice(&[2, 0]);
        let mut lies = database.clone();
        lies[16] = 3;
        let text = "ordinary words of a text, on and on ".repeat(200).into_bytes();
        for (content, expected) in [
            (vec![], "is empty"),
            (b"SQLite format 3".to_vec(), "is no SQLite file"),
            (MAGIC.to_vec(), "cut within its header"),
            (b"PGDMP".to_vec(), "is no SQLite file"),
            (text[..4096].to_vec(), "is no SQLite file"),
            (random(4096), "encrypted"),
            (random(1024), "encrypted"),
            (random(4097), "is no SQLite file"),
            (JOURNAL_MAGIC.to_vec(), "rollback journal"),
            (vec![0x37, 0x7f, 0x06, 0x83, 0], "write-ahead log"),
            (lies, "768 bytes"),
            (database, ""),
        ] {
            fs::write(&path, &content).unwrap();
            let said = Header::read(&path)
                .err()
                .map(|it| format!("{it}; {}", it.hint().unwrap_or_default()));
            let said = said.unwrap_or_default();
            assert!(
                said.contains(expected) && said.is_empty() == expected.is_empty(),
                "{said}"
            );
        }
        assert!(
            Header::read(folder.path())
                .unwrap_err()
                .to_string()
                .contains("folder")
        );
        assert!(is_sqlite_file(&folder.path().join("absent")).is_err());
        assert!(is_sqlite_file(&path).unwrap());
        fs::rename(&path, folder.path().join("f-wal")).unwrap();
        let alone = Header::read(&path).unwrap_err();
        assert!(alone.hint().unwrap().contains("f-wal alone"), "{alone}");
    }
}
