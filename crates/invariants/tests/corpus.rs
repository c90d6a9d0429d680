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
fn every_corpus_has_its_invariant() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let folders = std::fs::read_dir(corpus).unwrap();
    let found: BTreeSet<String> = folders
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, INVARIANTS.map(|it| it.name.to_owned()).into());
    assert!(invariants::find("nothing").is_none());
}
