//! The archive reader behind its checksums: members whose bytes are anything, sealed as a writer would seal them.
//!
//! An input has parts with [`CUT`] between them: the header, the tables of the end member, one text for each schema
//! member in order (nothing for none), then the chunks. A chunk is its record as JSON, a line break and its bytes.

use archive::{End, MemberKind, Record, RowsRecord, SchemaMember, Sink, TableEnd, TarSink};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{Verdict, archive_stream};

const CUT: &[u8] = b"\n-- 8< --\n";

pub(crate) fn check(bytes: &[u8]) -> Verdict {
    match forge(bytes) {
        Some(archive) => archive_stream::check(&archive),
        None => Verdict::Refused,
    }
}

/// The archive that an input of this kind stands for, every checksum in it right; `None` where the input has no parts
/// that could be sealed.
pub fn forge(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut parts = parts(bytes).into_iter();
    let (header, tables) = (parts.next()?, parts.next()?);
    let run = serde_json::from_slice::<Value>(header)
        .ok()?
        .get("run")?
        .as_str()?
        .to_owned();
    let tables: Vec<TableEnd> = serde_json::from_slice(tables).ok()?;
    let mut members = vec![(
        seal("archive.json", MemberKind::Header, None, &run, header),
        header,
    )];
    for member in SchemaMember::ALL {
        if let Some(text) = parts.next().filter(|it| !it.is_empty()) {
            members.push((seal(member.name(), MemberKind::Schema, None, &run, text), text));
        }
    }
    for part in parts {
        let line = part.iter().position(|it| *it == b'\n')?;
        let (record, body) = (&part[..line], &part[line + 1..]);
        let rows: RowsRecord = serde_json::from_slice(record).ok()?;
        members.push((
            seal(&label(&rows), MemberKind::Rows, Some(rows), &run, body),
            body,
        ));
    }
    let end = End {
        run: run.clone(),
        members: members.iter().map(|(record, _)| record.clone()).collect(),
        tables,
    };
    let end_json = seal_end(&end)?;
    let end_record = end.record(&end_json);
    members.push((end_record, &end_json));
    let mut sink = TarSink::new(Vec::new());
    for (record, body) in &members {
        sink.member(&run, record, &mut &**body).ok()?;
    }
    sink.finish().ok()
}

fn parts(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut parts, mut rest) = (Vec::new(), bytes);
    while let Some(at) = rest.windows(CUT.len()).position(|it| it == CUT) {
        parts.push(&rest[..at]);
        rest = &rest[at + CUT.len()..];
    }
    parts.push(rest);
    parts
}

/// The label of a chunk of a table without a name.
fn label(rows: &RowsRecord) -> String {
    let extension = match rows.form {
        fingerprint::Form::Text => "csv",
        fingerprint::Form::Binary => "bin",
    };
    let suffix = match rows.codec {
        archive::Codec::None => "",
        archive::Codec::Gzip(_) => ".gz",
        archive::Codec::Zstd(_) => ".zst",
    };
    format!("data/{:04}-x/{:05}.{extension}{suffix}", rows.table, rows.chunk)
}

/// A record with the checksum that `docs/archive-format.md` describes, computed here once more.
fn seal(name: &str, kind: MemberKind, rows: Option<RowsRecord>, run: &str, body: &[u8]) -> Record {
    let word = match kind {
        MemberKind::Header => "header",
        MemberKind::Schema => "schema",
        MemberKind::Rows => "rows",
        MemberKind::End => "end",
    };
    let of_rows = rows.map_or(String::new(), |rows| {
        let codec = rows.codec.to_string();
        let codec = codec.split(':').next().unwrap_or_default();
        format!(
            "table={}\nchunk={}\nform={}\ncodec={codec}\nrows={}\nraw={}\n",
            rows.table, rows.chunk, rows.form, rows.rows, rows.raw
        )
    });
    let of_schema = if kind == MemberKind::Schema {
        format!("name={name}\n")
    } else {
        String::new()
    };
    let stored = body.len();
    let lines = format!("run={run}\nkind={word}\n{of_rows}stored={stored}\n{of_schema}\n");
    let hasher = Sha256::new().chain_update(lines).chain_update(body);
    Record {
        name: name.to_owned(),
        kind,
        rows,
        stored: body.len() as u64,
        sha256: hex(&hasher.finalize()),
    }
}

/// The bytes of an end member, with its own checksum at its end.
pub fn seal_end(end: &End) -> Option<Vec<u8>> {
    let mut json = serde_json::to_vec(end).ok()?;
    json.pop();
    let checksum = hex(&Sha256::digest(&json));
    json.extend_from_slice(format!(",\"sha256\":\"{checksum}\"}}").as_bytes());
    Some(json)
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|it| format!("{it:02x}")).collect();
    digits.concat()
}
