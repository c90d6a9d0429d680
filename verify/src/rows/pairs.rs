//! What is left of both sides, row by row: a row that only one has, or two with one key.

use std::cmp::Ordering;
use std::collections::HashMap;

use fingerprint::{Form, OrderedKind, Row};

use crate::rows::gather::{Kept, Rows};

/// A row that differs, in its canonical framing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FramedDifference {
    Missing(Box<[u8]>),
    Extra(Box<[u8]>),
    Changed(Box<[u8]>, Box<[u8]>),
}

/// Rows with one key, of the source and of the target.
type OfKey = (Vec<Kept>, Vec<Kept>);

/// How rows are told apart, and in which order they come.
pub(crate) struct RowOrder {
    pub(crate) form: Form,
    /// Places of the key's columns, each with what orders its values; empty where the whole row is its key.
    pub(crate) key: Vec<(usize, Option<OrderedKind>)>,
}

/// Rows that differ, and how many of each kind there are.
#[derive(Default)]
pub(crate) struct Pairs {
    pub(crate) rows: Vec<FramedDifference>,
    pub(crate) missing: u64,
    pub(crate) extra: u64,
    pub(crate) changed: u64,
}

impl Pairs {
    /// Adds what is left of the rows of one place: rows that both have were taken out. At most `most` are kept.
    pub(crate) fn add(&mut self, source: Rows, target: Rows, order: &RowOrder, most: usize) {
        let mut found = Vec::new();
        if order.key.is_empty() {
            for kept in source.into_kept() {
                self.missing += kept.times;
                repeat(kept, most, FramedDifference::Missing, &mut found);
            }
            for kept in target.into_kept() {
                self.extra += kept.times;
                repeat(kept, most, FramedDifference::Extra, &mut found);
            }
        } else {
            self.add_by_key(source, target, order, most, &mut found);
        }
        found.sort_by(|a, b| order.compare(a, b));
        self.rows.extend(found);
        self.rows.truncate(most);
    }

    fn add_by_key(
        &mut self,
        source: Rows,
        target: Rows,
        order: &RowOrder,
        most: usize,
        found: &mut Vec<FramedDifference>,
    ) {
        let mut keys: HashMap<Option<Vec<u8>>, OfKey> = HashMap::new();
        for kept in source.into_kept() {
            keys.entry(order.key_of(&kept)).or_default().0.push(kept);
        }
        for kept in target.into_kept() {
            keys.entry(order.key_of(&kept)).or_default().1.push(kept);
        }
        for (key, (mut here, mut there)) in keys {
            here.sort_by(|a, b| a.framed.cmp(&b.framed));
            there.sort_by(|a, b| a.framed.cmp(&b.framed));
            // Rows whose bytes are not known have no key that is known.
            while let (Some(a), Some(b), true) = (here.last_mut(), there.last_mut(), key.is_some()) {
                let times = a.times.min(b.times);
                self.changed += times;
                let pair = a.framed.clone().zip(b.framed.clone());
                found.extend(pair.map(|(a, b)| FramedDifference::Changed(a, b)));
                a.times -= times;
                b.times -= times;
                here.pop_if(|it| it.times == 0);
                there.pop_if(|it| it.times == 0);
            }
            for kept in here {
                self.missing += kept.times;
                repeat(kept, most, FramedDifference::Missing, found);
            }
            for kept in there {
                self.extra += kept.times;
                repeat(kept, most, FramedDifference::Extra, found);
            }
        }
    }
}

/// A row as often as it is there, and no more often than it can be shown.
fn repeat(
    kept: Kept,
    most: usize,
    difference: fn(Box<[u8]>) -> FramedDifference,
    found: &mut Vec<FramedDifference>,
) {
    let times = usize::try_from(kept.times).unwrap_or(most).min(most);
    if let Some(framed) = kept.framed {
        found.extend(std::iter::repeat_n(framed, times).map(difference));
    }
}

impl RowOrder {
    fn key_of(&self, kept: &Kept) -> Option<Vec<u8>> {
        let row = Row::from_framed(self.form, kept.framed.as_deref()?);
        let mut key = Vec::new();
        for (place, _) in &self.key {
            let value = row.values().nth(*place).flatten();
            key.push(u8::from(value.is_some()));
            key.extend_from_slice(&value.map_or(0, <[u8]>::len).to_be_bytes());
            key.extend_from_slice(value.unwrap_or_default());
        }
        Some(key)
    }

    fn compare(&self, a: &FramedDifference, b: &FramedDifference) -> Ordering {
        let (first, second) = (framed(a), framed(b));
        let value = |framed, place| Row::from_framed(self.form, framed).values().nth(place).flatten();
        let by_key = self.key.iter().map(|&(place, kind)| {
            let (first, second) = (value(first, place), value(second, place));
            let number = |value: Option<&[u8]>| kind.and_then(|it| it.number(self.form, value?));
            number(first)
                .cmp(&number(second))
                .then_with(|| first.cmp(&second))
        });
        by_key
            .fold(Ordering::Equal, Ordering::then)
            .then_with(|| first.cmp(second))
    }
}

fn framed(difference: &FramedDifference) -> &[u8] {
    match difference {
        FramedDifference::Missing(framed)
        | FramedDifference::Extra(framed)
        | FramedDifference::Changed(framed, _) => framed,
    }
}
