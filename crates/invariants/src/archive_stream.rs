//! The archive reader: bytes that it takes for a whole archive are those that a writer of it would have written.

use std::io::{self, Read};

use archive::{
    End, Header, MemberKind, Reader, Result, RowsRecord, SchemaMember, Sink, Store, TarSink, TarStore,
    decompress,
};
use fingerprint::scan_chunk;

use crate::Verdict;

/// Chunks above this size are not decompressed: a fuzzer loves the largest size that is allowed.
const RAW_BYTES_MAX: u64 = 1 << 20;

/// Bits turned over in an archive that was accepted.
const FLIPS: usize = 16;

pub(crate) fn check(bytes: &[u8]) -> Verdict {
    let outcome = read(bytes);
    let slowly = read(OneByOne(bytes));
    assert_eq!(
        outcome.as_ref().map_err(ToString::to_string),
        slowly.as_ref().map_err(ToString::to_string),
        "pieces of one byte are read otherwise"
    );
    if outcome.is_err() {
        return Verdict::Refused;
    }
    assert_eq!(
        copy(bytes).as_deref().ok(),
        Some(bytes),
        "a writer writes it otherwise"
    );
    for cut in (0..bytes.len()).rev().step_by(bytes.len() / 40 + 1) {
        assert!(
            read(&bytes[..cut]).is_err(),
            "its first {cut} bytes are an archive too"
        );
    }
    assert!(
        read([bytes, &[0]].concat().as_slice()).is_err(),
        "a byte more is not noticed"
    );
    for place in (0..bytes.len()).step_by(bytes.len() / FLIPS + 1) {
        let mut flipped = bytes.to_vec();
        flipped[place] ^= 1 << (place % 8);
        assert!(
            read(flipped.as_slice()).is_err(),
            "byte {place} may have another value"
        );
    }
    Verdict::Accepted
}

/// What there is in an archive.
#[derive(Debug, PartialEq)]
struct Contents {
    header: Header,
    texts: Vec<(SchemaMember, String)>,
    chunks: Vec<RowsRecord>,
    end: End,
}

fn read(input: impl Read) -> Result<Contents> {
    let mut reader = Reader::new(TarStore::new(input))?;
    let header = reader.header().clone();
    let texts = reader.schema()?;
    let mut chunks = Vec::new();
    while let Some((rows, _)) = reader.next_chunk()? {
        let stored = reader.chunk_bytes()?;
        open(&header, rows, stored);
        chunks.push(rows);
    }
    let end = reader.finish()?;
    Ok(Contents {
        header,
        texts,
        chunks,
        end,
    })
}

/// As `load` does, and with rows that may be no rows.
fn open(header: &Header, rows: RowsRecord, stored: Vec<u8>) {
    if rows.raw > RAW_BYTES_MAX {
        return;
    }
    let Ok(chunk) = decompress(rows.codec, stored, rows.raw) else {
        return;
    };
    assert_eq!(chunk.len() as u64, rows.raw, "another size than was declared");
    let table = header.catalog.tables.iter().find(|it| it.number == rows.table);
    if let Some(table) = table {
        let names: Vec<&str> = table.stored_columns().map(|it| it.name.as_str()).collect();
        let _ = scan_chunk(rows.form, names, &chunk);
    }
}

/// The members written again, without a look at what they mean.
fn copy(bytes: &[u8]) -> Result<Vec<u8>> {
    let (mut store, mut sink) = (TarStore::new(bytes), TarSink::new(Vec::new()));
    loop {
        let (run, record) = store.next()?;
        let mut body = Vec::new();
        store
            .body()
            .read_to_end(&mut body)
            .map_err(archive::Error::from_read)?;
        store.end_body()?;
        sink.member(&run, &record, &mut body.as_slice())?;
        if record.kind == MemberKind::End {
            return sink.finish();
        }
    }
}

/// Gives one byte at a time.
struct OneByOne<'a>(&'a [u8]);

impl Read for OneByOne<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(1);
        self.0.read(&mut buffer[..count])
    }
}
