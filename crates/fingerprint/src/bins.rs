//! The rows of a table apart from each other: a fingerprint for each bin, so that a table which differs says where.
//!
//! The bin of a row is that of its key: the range that it lies in, or the first digits of SHA-256 over its framed
//! values, which a server can calculate too. The key of a row without one is the whole row.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::csv;
use crate::ordered::OrderedKind;
use crate::{Fingerprint, Form, FormMismatch};

/// So many bins a table has at most.
pub const BINS_MAX: usize = 4096;

/// Hexadecimal digits of a hash that tell [`BINS_MAX`] bins apart.
const DIGITS_MAX: usize = 3;

/// Which bin a row belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyBins {
    /// Places of the key's columns; empty where the whole row is its key.
    key: Vec<usize>,
    rule: BinRule,
}

/// How the bin follows from the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BinRule {
    /// All rows are in one bin.
    Whole,
    /// Bin `n` begins at `bounds[n - 1]`, ascending and each one once; values of the key's first column.
    Ranges { kind: OrderedKind, bounds: Vec<u128> },
    /// By so many hexadecimal digits of the key's SHA-256, the first `skipped` of them left out.
    Hash { skipped: usize, digits: usize },
}

/// A fingerprint for each bin.
#[derive(Clone, Debug)]
pub struct Bins {
    rule: Arc<KeyBins>,
    sums: Vec<Fingerprint>,
    /// Rows come in the order of their key, more often than not.
    last: usize,
    framed_key: Vec<u8>,
}

impl KeyBins {
    /// All rows of a table in one bin.
    pub fn whole(key: Vec<usize>) -> Self {
        let rule = BinRule::Whole;
        KeyBins { key, rule }
    }

    /// Ranges of the first column of `key`; at most [`BINS_MAX`] of them.
    pub fn ranges(key: Vec<usize>, kind: OrderedKind, mut bounds: Vec<u128>) -> Self {
        bounds.sort_unstable();
        bounds.dedup();
        bounds.truncate(BINS_MAX - 1);
        let rule = BinRule::Ranges { kind, bounds };
        KeyBins { key, rule }
    }

    /// By the hash of the key, in 16, 256 or [`BINS_MAX`] bins.
    pub fn hashed(key: Vec<usize>, skipped: usize, digits: usize) -> Self {
        let digits = digits.clamp(1, DIGITS_MAX);
        let rule = BinRule::Hash { skipped, digits };
        KeyBins { key, rule }
    }

    /// What divides one of these bins further; `None` when no digit of the hash is left.
    #[must_use]
    pub fn within(&self) -> Option<KeyBins> {
        let skipped = match self.rule {
            BinRule::Hash { skipped, digits } => skipped + digits,
            BinRule::Whole | BinRule::Ranges { .. } => 0,
        };
        (skipped + DIGITS_MAX <= 64).then(|| KeyBins::hashed(self.key.clone(), skipped, DIGITS_MAX))
    }

    /// Places of the key's columns; empty where the whole row is its key.
    pub fn key(&self) -> &[usize] {
        &self.key
    }

    pub fn rule(&self) -> &BinRule {
        &self.rule
    }

    /// How many bins there are.
    pub fn count(&self) -> usize {
        match &self.rule {
            BinRule::Whole => 1,
            BinRule::Ranges { bounds, .. } => bounds.len() + 1,
            BinRule::Hash { digits, .. } => 1 << (4 * digits),
        }
    }

    /// The bin of a row in its canonical framing; `hash` is SHA-256 over it, and `room` is used again and again.
    pub fn bin(
        &self,
        form: Form,
        framed: &[u8],
        hash: impl FnOnce() -> [u8; 32],
        room: &mut Vec<u8>,
    ) -> usize {
        match &self.rule {
            BinRule::Whole => 0,
            BinRule::Ranges { kind, bounds } => {
                let place = self.key.first().copied().unwrap_or_default();
                let number = number(*kind, form, framed, place);
                bounds.partition_point(|bound| *bound <= number)
            }
            BinRule::Hash { skipped, digits } => {
                let hash = if self.key.is_empty() {
                    hash()
                } else {
                    frame_key(framed, &self.key, room);
                    Sha256::digest(room.as_slice()).into()
                };
                digits_of(&hash, *skipped, *digits)
            }
        }
    }
}

impl Bins {
    /// Without any row.
    pub fn new(form: Form, rule: Arc<KeyBins>) -> Self {
        Bins {
            sums: vec![Fingerprint::empty(form); rule.count()],
            rule,
            last: 0,
            framed_key: Vec::new(),
        }
    }

    pub fn rule(&self) -> &Arc<KeyBins> {
        &self.rule
    }

    /// Adds a row in its canonical framing, whose SHA-256 is known.
    pub(crate) fn add(&mut self, framed: &[u8], hash: [u8; 32]) {
        let bin = self.bin_of(framed, hash);
        self.last = bin;
        if let Some(sum) = self.sums.get_mut(bin) {
            sum.add_row(hash);
        }
    }

    /// Adds a row.
    pub fn take(&mut self, row: crate::Row<'_>) {
        self.add(row.framed(), row.hash());
    }

    fn bin_of(&mut self, framed: &[u8], hash: [u8; 32]) -> usize {
        let form = self.sums.first().map_or(Form::Text, |it| it.form);
        if let BinRule::Ranges { kind, bounds } = &self.rule.rule {
            let place = self.rule.key.first().copied().unwrap_or_default();
            let number = number(*kind, form, framed, place);
            let begins = self
                .last
                .checked_sub(1)
                .and_then(|it| bounds.get(it))
                .is_none_or(|it| *it <= number);
            if begins && bounds.get(self.last).is_none_or(|it| number < *it) {
                return self.last;
            }
            return bounds.partition_point(|bound| *bound <= number);
        }
        self.rule.bin(form, framed, || hash, &mut self.framed_key)
    }

    /// Adds what was counted of another part of the same table, by the same rule.
    pub fn merge(&mut self, part: &Bins) -> Result<(), FormMismatch> {
        if self.rule != part.rule {
            return Err(FormMismatch);
        }
        let mut sums = self.sums.iter_mut().zip(&part.sums);
        sums.try_for_each(|(sum, more)| sum.merge(more))
    }

    /// The bins in their order.
    pub fn sums(&self) -> &[Fingerprint] {
        &self.sums
    }
}

/// Where a value has no place in the order it lies before all others.
fn number(kind: OrderedKind, form: Form, framed: &[u8], place: usize) -> u128 {
    let value = csv::framed_values(framed).nth(place).flatten();
    value.and_then(|it| kind.number(form, it)).unwrap_or_default()
}

/// The key's values, framed as a row of their own.
pub(crate) fn frame_key(framed: &[u8], key: &[usize], room: &mut Vec<u8>) {
    room.clear();
    let columns = u16::try_from(key.len()).unwrap_or(u16::MAX);
    room.extend_from_slice(&columns.to_be_bytes());
    for &place in key {
        let value = csv::framed_values(framed).nth(place).flatten();
        // No value of PostgreSQL has more than a gigabyte.
        let length = value.map_or(-1, |it| i32::try_from(it.len()).unwrap_or(i32::MAX));
        room.extend_from_slice(&length.to_be_bytes());
        room.extend_from_slice(value.unwrap_or_default());
    }
}

fn digits_of(hash: &[u8; 32], skipped: usize, digits: usize) -> usize {
    let digit = |place: usize| {
        let byte = hash.get(place / 2).copied().unwrap_or_default();
        usize::from(if place % 2 == 0 { byte >> 4 } else { byte & 15 })
    };
    (skipped..skipped + digits).fold(0, |number, place| number << 4 | digit(place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RowStream, as_they_are, encode_row};
    use proptest::prelude::*;

    fn rows(values: &[(i64, u8)]) -> Vec<u8> {
        let mut csv = Vec::new();
        for (key, value) in values {
            let (key, value) = (key.to_string(), value.to_string());
            encode_row([Some(key.as_bytes()), Some(value.as_bytes())], &mut csv);
        }
        csv
    }

    fn bins(rule: &Arc<KeyBins>, csv: &[u8]) -> (Fingerprint, Bins) {
        let mut stream = RowStream::binning(Form::Text, 2, Some(Arc::clone(rule)));
        stream.push(csv, as_they_are).unwrap();
        let (total, bins) = stream.end(as_they_are).unwrap();
        (total, bins.unwrap())
    }

    fn rules() -> [Arc<KeyBins>; 5] {
        let bounds = [-50, 0, 1, 700].map(OrderedKind::from_integer).to_vec();
        [
            KeyBins::whole(vec![0]),
            KeyBins::ranges(vec![0], OrderedKind::BigInt, bounds),
            KeyBins::hashed(vec![0], 0, 3),
            KeyBins::hashed(vec![1, 0], 3, 1),
            KeyBins::hashed(Vec::new(), 0, 2),
        ]
        .map(Arc::new)
    }

    proptest! {
        #[test]
        fn bins_add_up_to_the_whole_however_it_is_cut(
            values in prop::collection::vec((-1000_i64..1000, any::<u8>()), 0..60), cut in 0_usize..60
        ) {
            let cut = cut.min(values.len());
            for rule in rules() {
                let (total, whole) = bins(&rule, &rows(&values));
                let mut sum = Fingerprint::empty(Form::Text);
                whole.sums().iter().for_each(|it| sum.merge(it).unwrap());
                prop_assert_eq!(sum, total);
                let (mut head, tail) = (bins(&rule, &rows(&values[..cut])).1, bins(&rule, &rows(&values[cut..])).1);
                head.merge(&tail).unwrap();
                prop_assert_eq!(head.sums(), whole.sums());
            }
        }

        #[test]
        fn a_changed_value_changes_the_bin_of_its_key_alone(
            mut values in prop::collection::vec((-1000_i64..1000, any::<u8>()), 1..60), at in 0_usize..60
        ) {
            let before = values.clone();
            let at = at % values.len();
            values[at].1 ^= 1;
            for rule in &rules()[..3] {
                let (old, new) = (bins(rule, &rows(&before)).1, bins(rule, &rows(&values)).1);
                let differing = old.sums().iter().zip(new.sums()).filter(|(a, b)| a != b).count();
                prop_assert_eq!(differing, 1);
            }
        }
    }

    #[test]
    fn a_row_lies_in_the_range_that_begins_at_it() {
        let [_, rule, ..] = rules();
        let found = |key: i64| {
            let (_, bins) = bins(&rule, &rows(&[(key, 1)]));
            bins.sums().iter().position(|it| it.rows == 1)
        };
        for (key, bin) in [
            (-51, 0),
            (-50, 1),
            (-1, 1),
            (0, 2),
            (1, 3),
            (699, 3),
            (700, 4),
            (i64::MAX, 4),
        ] {
            assert_eq!(found(key), Some(bin), "{key}");
        }
    }

    #[test]
    fn a_bin_is_divided_by_further_digits() {
        let mut rule = KeyBins::hashed(vec![0], 0, 3);
        let mut divided = 0;
        while let Some(next) = rule.within() {
            rule = next;
            divided += 1;
        }
        assert_eq!(divided, 20);
        assert_eq!(digits_of(&[0x12; 32], 0, 3), 0x121);
        assert_eq!(digits_of(&[0x12; 32], 3, 1), 0x2);
    }
}
