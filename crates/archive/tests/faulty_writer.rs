//! Writers that fail, that take little at a time, and that are interrupted: the same bytes or an error, and after an
//! error never an archive that a reader takes for whole.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeMap;
use std::io::{self, BufWriter, ErrorKind as IoErrorKind, Write};

use archive::{
    Codec, ErrorKind, Header, Reader, Result, SchemaMember, SourceIdentity, SourceKind, TableForm, TarSink,
    TarStore, Writer, compress, decompress,
};
use catalog::{Catalog, Schema, Table, TableKind};
use fingerprint::{Form, scan_chunk, wrap_chunk};

/// What a writer does at one call, counted from 0 over all its calls of `write` and `flush`.
#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    Error(usize, IoErrorKind),
    /// It takes nothing, as a full device may say.
    Zero(usize),
}

/// A writer that keeps what it took, at most `piece` bytes in one call; every `interrupted`th call comes to nothing and
/// has to be made again.
#[derive(Debug)]
struct FaultyWriter<'a> {
    taken: &'a mut Vec<u8>,
    calls: &'a mut usize,
    fault: Fault,
    piece: usize,
    interrupted: Option<usize>,
}

impl FaultyWriter<'_> {
    fn call(&mut self) -> io::Result<bool> {
        let call = *self.calls;
        *self.calls += 1;
        if self.interrupted.is_some_and(|it| call.is_multiple_of(it)) {
            return Err(IoErrorKind::Interrupted.into());
        }
        match self.fault {
            Fault::Error(at, kind) if at == call => Err(kind.into()),
            Fault::Zero(at) if at == call => Ok(false),
            _ => Ok(true),
        }
    }
}

impl Write for FaultyWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.call()? {
            return Ok(0);
        }
        let count = bytes.len().min(self.piece);
        self.taken.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        // A flush is not repeated by whoever asks for it, so an interrupted one would be a failure.
        if self.interrupted.is_some() {
            return Ok(());
        }
        self.call().map(drop)
    }
}

/// What came out: the outcome, the bytes that were taken, and in how many calls.
struct Written {
    outcome: Result<()>,
    bytes: Vec<u8>,
    calls: usize,
}

/// Writes an archive through a buffer of `buffer` bytes, as the tools do.
fn write(fault: Fault, piece: usize, interrupted: Option<usize>, buffer: usize) -> Written {
    let (mut bytes, mut calls) = (Vec::new(), 0);
    let writer = FaultyWriter {
        taken: &mut bytes,
        calls: &mut calls,
        fault,
        piece,
        interrupted,
    };
    let outcome = write_archive(BufWriter::with_capacity(buffer, writer));
    Written {
        outcome,
        bytes,
        calls,
    }
}

fn write_archive(output: impl Write) -> Result<()> {
    let mut writer = Writer::new(TarSink::new(output), &header())?;
    writer.schema(SchemaMember::PreData, "CREATE TABLE public.notes (note text);\n")?;
    for (codec, rows) in [
        (Codec::None, "a\n".repeat(700)),
        (Codec::Zstd(1), "b\n".repeat(700)),
    ] {
        let chunk = wrap_chunk(Form::Text, ["note"], rows.into_bytes());
        let fingerprint = scan_chunk(Form::Text, ["note"], &chunk).unwrap();
        let raw = chunk.len() as u64;
        writer.chunk(0, codec, raw, &compress(codec, chunk)?, &fingerprint)?;
    }
    writer.finish().map(drop)
}

fn header() -> Header {
    let notes = Table {
        number: 0,
        schema: "public".into(),
        name: "notes".into(),
        kind: TableKind::Ordinary,
        unlogged: false,
        columns: Vec::new(),
        primary_key: Vec::new(),
        partition_of: None,
        partition_key: None,
        through_root: None,
        extension: None,
        index_bytes: None,
        origin: None,
        condition: None,
        merged: None,
        part: None,
        changes: None,
        inherits: Vec::new(),
        rows_estimate: None,
        bytes: 0,
    };
    Header {
        format: 1,
        requires: Vec::new(),
        run: "018f0000-0000-7000-8000-000000000001".into(),
        tool: "dump".into(),
        source: SourceIdentity {
            kind: SourceKind::PostgreSql,
            database: "shop".into(),
            server_version: "15.8".into(),
            encoding: "UTF8".into(),
            collation: "c:C.UTF-8".into(),
            snapshot_time: "2024-02-29T12:00:00Z".into(),
            lsn: "0/1".into(),
        },
        options: BTreeMap::new(),
        filters: Vec::new(),
        row_filters: Vec::new(),
        discards: Vec::new(),
        content: archive::Content::Whole,
        forms: vec![TableForm {
            table: 0,
            form: Form::Text,
        }],
        catalog: Catalog {
            schemas: vec![Schema {
                name: "public".into(),
                comment: None,
            }],
            tables: vec![notes],
            ..Catalog::default()
        },
        mappings: Vec::new(),
        conversions: Vec::new(),
        merged_from: Vec::new(),
        notes: Vec::new(),
    }
}

fn read(bytes: &[u8]) -> Result<()> {
    let mut reader = Reader::new(TarStore::new(bytes))?;
    reader.schema()?;
    while let Some((rows, _)) = reader.next_chunk()? {
        let stored = reader.chunk_bytes()?;
        decompress(rows.codec, stored, rows.raw)?;
    }
    reader.finish().map(drop)
}

#[test]
fn a_writer_that_fails_at_any_call_makes_no_archive() {
    // Fault 13.
    for buffer in [0, 100, 3000] {
        let sound = write(Fault::None, 700, None, buffer);
        sound.outcome.unwrap();
        read(&sound.bytes).unwrap();
        for at in 0..sound.calls {
            let kinds = [
                IoErrorKind::StorageFull,
                IoErrorKind::BrokenPipe,
                IoErrorKind::Other,
            ];
            let faults = kinds.map(|it| Fault::Error(at, it));
            for fault in faults.into_iter().chain([Fault::Zero(at)]) {
                let failed = write(fault, 700, None, buffer);
                let is_flush = failed.bytes == sound.bytes;
                if matches!(fault, Fault::Zero(_)) && is_flush {
                    // A flush takes nothing anyway.
                    continue;
                }
                let error = failed.outcome.expect_err("an error");
                assert!(matches!(error.kind(), ErrorKind::Write(_)), "{fault:?}: {error}");
                // All bytes may have been taken when the last flush fails; the error alone tells then.
                assert!(is_flush || read(&failed.bytes).is_err(), "{fault:?} at {buffer}");
            }
        }
    }
}

#[test]
fn little_at_a_time_and_interrupted_makes_the_same_bytes() {
    // Fault 15.
    let sound = write(Fault::None, usize::MAX, None, 0);
    sound.outcome.unwrap();
    for (piece, interrupted) in [
        (1, None),
        (7, None),
        (1, Some(2)),
        (511, Some(3)),
        (usize::MAX, Some(2)),
    ] {
        for buffer in [0, 3000] {
            let written = write(Fault::None, piece, interrupted, buffer);
            written.outcome.unwrap();
            assert!(written.bytes == sound.bytes, "{piece} {interrupted:?} {buffer}");
        }
    }
}
