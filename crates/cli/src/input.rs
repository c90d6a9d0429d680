//! Where archives come from: stdin, a file, a directory.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, IsTerminal, Read};
use std::path::Path;

use archive::{Reader, Record, Store, TarStore};

use crate::directory::DirectoryStore;
use crate::{Exit, Failure, FailureContext, Result, pipe};

/// A reader over whatever was named.
pub type ArchiveReader = Reader<ArchiveStore>;

/// Members of a stream or of a directory.
pub enum ArchiveStore {
    Stream(TarStore<Box<dyn BufRead + Send>>),
    Directory(DirectoryStore),
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Input::Archive(_) => "Archive",
            Input::Text(_) => "Text",
        })
    }
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

/// Input that is an archive, or text.
pub enum Input {
    Archive(Box<ArchiveReader>),
    Text(Box<dyn BufRead + Send>),
}

/// Opens an archive: `-` is stdin, a directory holds the members as files.
pub fn open_archive(name: &str) -> Result<ArchiveReader> {
    match open_input(name)? {
        Input::Archive(reader) => Ok(*reader),
        // Text goes to the archive's reader too, which knows what to say about it.
        Input::Text(text) => read_stream(text),
    }
}

/// Opens what was named and looks at its first bytes: whatever does not begin like an archive is text.
pub fn open_input(name: &str) -> Result<Input> {
    let input: Box<dyn Read + Send> = if name == "-" {
        let stdin = std::io::stdin();
        if stdin.is_terminal() {
            return Err(
                Failure::usage("stdin is a terminal, and nothing comes from there")
                    .with_hint("write `dump SOURCE | …`, or name a file or directory"),
            );
        }
        pipe::widen(&stdin);
        Box::new(stdin)
    } else if Path::new(name).is_dir() {
        let store = DirectoryStore::open(Path::new(name)).map_err(Failure::archive)?;
        let reader = Reader::new(ArchiveStore::Directory(store)).map_err(Failure::archive)?;
        return Ok(Input::Archive(Box::new(reader)));
    } else {
        Box::new(File::open(name).or_fail(Exit::Usage, || format!("input `{name}` cannot be opened"))?)
    };
    let mut start = Vec::new();
    let mut input = BufReader::with_capacity(BUFFER_BYTES, input);
    (&mut input)
        .take(archive::STREAM_START.len() as u64)
        .read_to_end(&mut start)
        .or_fail(Exit::Source, || format!("input `{name}` cannot be read"))?;
    let is_archive = start == archive::STREAM_START;
    let whole = Box::new(Cursor::new(start).chain(input));
    if is_archive {
        read_stream(whole).map(|reader| Input::Archive(Box::new(reader)))
    } else {
        Ok(Input::Text(whole))
    }
}

fn read_stream(input: Box<dyn BufRead + Send>) -> Result<ArchiveReader> {
    Reader::new(ArchiveStore::Stream(TarStore::new(input))).map_err(Failure::archive)
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
