//! Where archives come from: stdin, a file, a directory.

use std::fs::File;
use std::io::{BufReader, IsTerminal, Read};
use std::path::Path;

use archive::{Reader, Record, Store, TarStore};

use crate::directory::DirectoryStore;
use crate::{Exit, Failure, FailureContext, Result};

/// A reader over whatever was named.
pub type ArchiveReader = Reader<ArchiveStore>;

/// Members of a stream or of a directory.
pub enum ArchiveStore {
    Stream(TarStore<Box<dyn Read + Send>>),
    Directory(DirectoryStore),
}

impl std::fmt::Debug for ArchiveStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ArchiveStore::Stream(_) => "Stream",
            ArchiveStore::Directory(_) => "Directory",
        })
    }
}

const BUFFER_BYTES: usize = 256 * 1024;

/// Opens an archive: `-` is stdin, a directory holds the members as files.
pub fn open_archive(name: &str) -> Result<ArchiveReader> {
    let store = if name == "-" {
        let stdin = std::io::stdin();
        if stdin.is_terminal() {
            return Err(
                Failure::usage("stdin is a terminal, and no archive comes from there")
                    .with_hint("write `dump SOURCE | …`, or name a file or directory"),
            );
        }
        stream(stdin)
    } else if Path::new(name).is_dir() {
        ArchiveStore::Directory(DirectoryStore::open(Path::new(name)).map_err(Failure::archive)?)
    } else {
        let file = File::open(name).or_fail(Exit::Usage, || format!("archive `{name}` cannot be opened"))?;
        stream(file)
    };
    Reader::new(store).map_err(Failure::archive)
}

fn stream(input: impl Read + Send + 'static) -> ArchiveStore {
    ArchiveStore::Stream(TarStore::new(Box::new(BufReader::with_capacity(
        BUFFER_BYTES,
        input,
    ))))
}

impl Store for ArchiveStore {
    fn next(&mut self) -> archive::Result<(String, Record)> {
        match self {
            ArchiveStore::Stream(it) => it.next(),
            ArchiveStore::Directory(it) => it.next(),
        }
    }

    fn body(&mut self) -> &mut dyn Read {
        match self {
            ArchiveStore::Stream(it) => it.body(),
            ArchiveStore::Directory(it) => it.body(),
        }
    }

    fn end_body(&mut self) -> archive::Result<()> {
        match self {
            ArchiveStore::Stream(it) => it.end_body(),
            ArchiveStore::Directory(it) => it.end_body(),
        }
    }

    fn finish(&mut self) -> archive::Result<()> {
        match self {
            ArchiveStore::Stream(it) => it.finish(),
            ArchiveStore::Directory(it) => it.finish(),
        }
    }
}
