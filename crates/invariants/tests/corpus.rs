//! Every input that is kept is tried again, and each corpus has inputs that come through and inputs that do not.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeSet;
use std::path::Path;

use invariants::{INVARIANTS, Verdict};

#[test]
fn every_kept_input_keeps_its_invariant() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for invariant in INVARIANTS {
        let mut verdicts = BTreeSet::new();
        for entry in std::fs::read_dir(corpus.join(invariant.name)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            // A panic below does not say which input it was.
            let checked = std::panic::catch_unwind(|| (invariant.check)(&bytes));
            let verdict = checked.unwrap_or_else(|_| panic!("{}", path.display()));
            verdicts.insert(verdict);
        }
        let both = BTreeSet::from([Verdict::Accepted, Verdict::Refused]);
        assert_eq!(
            verdicts, both,
            "{}: one sort of inputs is missing",
            invariant.name
        );
    }
}

#[test]
fn sqlite_files_with_changed_bytes_are_read_or_refused() {
    // Fault 47.
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/sqlite");
    let mut paths: Vec<_> = std::fs::read_dir(corpus)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    paths.sort();
    let files: Vec<Vec<u8>> = paths.iter().map(|it| std::fs::read(it).unwrap()).collect();
    let invariant = invariants::find("sqlite").unwrap();
    let mut verdicts = BTreeSet::new();
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut bytes = random.choice(&files).unwrap().clone();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..bytes.len().max(1));
            match random.u8(..4) {
                0 => bytes.truncate(at),
                1 => bytes[at..].iter_mut().take(64).for_each(|it| *it = 0),
                // Most of what a page is stands at its beginning.
                2 if !bytes.is_empty() => bytes[at / 512 * 512 + at % 16] = random.u8(..),
                _ if !bytes.is_empty() => bytes[at] = random.u8(..),
                _ => {}
            }
        }
        let checked = std::panic::catch_unwind(|| (invariant.check)(&bytes));
        verdicts.insert(checked.unwrap_or_else(|_| panic!("seed {seed}")));
    }
    assert_eq!(verdicts.len(), 2);
}

#[test]
fn every_corpus_has_its_invariant() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let folders = std::fs::read_dir(corpus).unwrap();
    let found: BTreeSet<String> = folders
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, INVARIANTS.map(|it| it.name.to_owned()).into());
    assert!(invariants::find("nothing").is_none());
}
