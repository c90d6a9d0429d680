//! The row framers: rows are the same however their bytes come, and whoever frames them.
//!
//! An input's first byte says what its rest is: bit 0 the form, bits 1 to 3 the columns, bits 4 to 7 the size of the
//! pieces in which it comes.

use fingerprint::{
    Fingerprint, Form, FrameError, RowScanner, Rows, each_row, each_row_of_chunk, encode_row, map_chunk,
    scan_chunk, wrap_chunk,
};

use crate::Verdict;

const NAMES: [&str; 7] = ["id", "note", "at", "a b", "\"", "ü", ","];

pub(crate) fn check(bytes: &[u8]) -> Verdict {
    let Some((first, stream)) = bytes.split_first() else {
        return Verdict::Refused;
    };
    let form = if first & 1 == 0 { Form::Text } else { Form::Binary };
    let columns = usize::from(first >> 1 & 7);
    let names = &NAMES[..columns];
    let whole = scan(form, columns, stream, usize::MAX);
    let pieces = scan(form, columns, stream, usize::from(first >> 4) + 1);
    let shown = |it: &Result<Rows, FrameError>| it.as_ref().ok().map(|it| (it.bytes.clone(), it.fingerprint));
    assert_eq!(shown(&whole), shown(&pieces), "rows in pieces are other rows");
    // What a reader of chunks is given may be anything too.
    let of_chunk = scan_chunk(form, names.iter().copied(), stream);
    let one_by_one = each_of_chunk(form, names, stream);
    assert_eq!(
        of_chunk.as_ref().ok(),
        one_by_one.as_ref().ok(),
        "one by one they are others"
    );
    if form == Form::Text {
        let unchanged = map_chunk(names.iter().copied(), stream, |_, _| None);
        assert_eq!(
            of_chunk.as_ref().ok(),
            unchanged.as_ref().ok().map(|it| &it.before)
        );
    }
    match whole {
        Ok(rows) => {
            check_rows(names, rows);
            Verdict::Accepted
        }
        Err(_) => Verdict::Refused,
    }
}

/// The rows of a stream that comes in pieces of this size. They are taken away between the pieces, as `dump` does.
fn scan(form: Form, columns: usize, stream: &[u8], size: usize) -> Result<Rows, FrameError> {
    let mut scanner = RowScanner::new(form, columns);
    let mut bytes = Vec::new();
    let mut fingerprint = Fingerprint::empty(form);
    let mut keep = |rows: Rows| {
        bytes.extend(rows.bytes);
        fingerprint.merge(&rows.fingerprint).is_ok()
    };
    for (number, piece) in stream.chunks(size.min(stream.len().max(1))).enumerate() {
        scanner.push(piece)?;
        if number % 3 == 2 {
            assert!(keep(scanner.take_rows()), "another form");
        }
    }
    assert!(keep(scanner.finish()?), "another form");
    Ok(Rows { bytes, fingerprint })
}

fn each_of_chunk(form: Form, names: &[&str], chunk: &[u8]) -> Result<Fingerprint, FrameError> {
    let mut sum = Fingerprint::empty(form);
    each_row_of_chunk(form, names.iter().copied(), chunk, |row| {
        assert_eq!(row.values().count(), names.len(), "a row of other columns");
        assert!(sum.merge(&row.fingerprint()).is_ok(), "another form");
    })?;
    Ok(sum)
}

fn check_rows(names: &[&str], rows: Rows) {
    let Rows { bytes, fingerprint } = rows;
    let form = fingerprint.form;
    let (mut sum, mut written) = (Fingerprint::empty(form), Vec::new());
    let framed = each_row(form, names.len(), &bytes, |row| {
        assert!(sum.merge(&row.fingerprint()).is_ok(), "another form");
        encode_row(row.values(), &mut written);
    });
    assert!(
        framed.is_ok(),
        "rows that were framed once cannot be framed again"
    );
    assert_eq!(sum, fingerprint, "rows one by one add up to something else");
    let chunk = wrap_chunk(form, names.iter().copied(), bytes);
    let of_chunk = scan_chunk(form, names.iter().copied(), &chunk);
    assert_eq!(of_chunk.ok(), Some(fingerprint), "a chunk of the same rows");
    if form == Form::Text {
        let chunk_again = wrap_chunk(form, names.iter().copied(), written);
        let again = scan_chunk(form, names.iter().copied(), &chunk_again);
        assert_eq!(again.ok(), Some(fingerprint), "written again they are other rows");
        check_mapping(names, &chunk, fingerprint);
    }
}

/// Values mapped are hashed as if they had come so.
fn check_mapping(names: &[&str], chunk: &[u8], fingerprint: Fingerprint) {
    let same = map_chunk(names.iter().copied(), chunk, |_, _| None);
    let same = same.map(|it| (it.changed, it.before, it.after));
    assert_eq!(
        same.ok(),
        Some((None, fingerprint, fingerprint)),
        "nothing was to change"
    );
    let longer = |column: usize, value: &[u8]| {
        (column == 0 || value.first() == Some(&b'm')).then(|| [b"\"x,\n", value].concat())
    };
    let mapped = map_chunk(names.iter().copied(), chunk, longer);
    let Ok(mapped) = mapped else {
        panic!("rows that were framed cannot be mapped");
    };
    assert_eq!(mapped.before, fingerprint, "before the mapping they are others");
    let after = scan_chunk(
        Form::Text,
        names.iter().copied(),
        mapped.changed.as_deref().unwrap_or(chunk),
    );
    assert_eq!(
        after.ok(),
        Some(mapped.after),
        "after the mapping they are others"
    );
}
