//! Sets of rows for proofs of uniqueness and of foreign keys.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// A set of rows by 128 bits each, hashed with keys that nobody can foresee.
#[derive(Default)]
pub(super) struct Fingerprints {
    seen: HashSet<(u64, u64)>,
    first: RandomState,
    second: RandomState,
}

impl Fingerprints {
    pub(super) fn insert(&mut self, row: &[Option<&[u8]>]) -> bool {
        self.seen.insert(self.of(row))
    }

    pub(super) fn contains(&self, row: &[Option<&[u8]>]) -> bool {
        self.seen.contains(&self.of(row))
    }

    fn of(&self, row: &[Option<&[u8]>]) -> (u64, u64) {
        (self.first.hash_one(row), self.second.hash_one(row))
    }
}
