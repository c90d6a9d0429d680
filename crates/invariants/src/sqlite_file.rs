//! A SQLite file of any bytes: it is read or refused, in bounded time, and is never written, nor is anything left
//! beside it. What `--salvage` makes of a damaged one can be read.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use database::sqlite::{Choices, Interrupter, Opening, RowEncoder, SqliteSource};
use fingerprint::Form;

use crate::Verdict;

/// Files of this corpus have a few KiB.
const TIME_MAX: Duration = Duration::from_secs(20);

pub(crate) fn check(bytes: &[u8]) -> Verdict {
    let Ok(folder) = tempfile::tempdir() else {
        panic!("no temporary folder");
    };
    let path = folder.path().join("f");
    assert!(fs::write(&path, bytes).is_ok(), "the file cannot be made");
    let begin = Instant::now();
    let plain = read(&path, false);
    let salvaged = read(&path, true);
    assert!(begin.elapsed() < TIME_MAX, "it takes too long");
    assert!(
        plain == Verdict::Refused || salvaged == Verdict::Accepted,
        "salvaging refuses a sound file"
    );
    assert!(
        fs::read(&path).is_ok_and(|it| it == bytes),
        "the file was written"
    );
    let beside = fs::read_dir(folder.path()).map_or(0, Iterator::count);
    assert_eq!(beside, 1, "something is left beside it");
    plain
}

fn read(path: &Path, salvage: bool) -> Verdict {
    let opening = Opening {
        busy_timeout: Duration::ZERO,
        salvage,
    };
    let choices = Choices {
        opening: opening.clone(),
        ..Choices::default()
    };
    let Ok(source) = SqliteSource::open_with(path, &opening, &Interrupter::default()) else {
        return Verdict::Refused;
    };
    let Ok(inspection) = source.survey(&choices) else {
        return Verdict::Refused;
    };
    let mut verdict = Verdict::Accepted;
    if !inspection.blockers.is_empty() {
        return Verdict::Refused;
    }
    for table in &inspection.schema.tables {
        let mut rows = 0;
        let mut encoder = RowEncoder::new(table, Form::Binary);
        let mut written = Vec::new();
        let read = source.batches(table, &encoder.places(), &mut |batch| {
            rows += batch.rows().count() as u64;
            written.clear();
            let done = encoder.encode::<database::Error>(&batch, &mut written, usize::MAX, |_| Ok(()));
            done.map_or_else(ControlFlow::Break, |()| ControlFlow::Continue(()))
        });
        match read {
            Ok(ControlFlow::Continue(())) => {
                assert_eq!(rows, table.row_count, "the census counted other rows");
            }
            Ok(ControlFlow::Break(error)) => panic!("the census took what is refused: {error}"),
            Err(_) => verdict = Verdict::Refused,
        }
    }
    verdict
}
