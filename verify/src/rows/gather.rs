//! Rows of a few bins, kept one by one until it is known which of them the other side has too.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use database::postgres::{ColumnShape, bins_condition};
use fingerprint::{Bins, Fingerprint, Form, KeyBins, Row};

/// Bytes of rows that are kept of one table on one side; of those that come then, only the hash.
const KEPT_BYTES_MAX: usize = 32 << 20;

/// Where rows are looked for: in bins, and in bins of those.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Bins in ascending order; a row must be in one of each rule's.
    steps: Vec<(Arc<KeyBins>, Vec<usize>)>,
}

/// Takes the rows of a place.
#[derive(Clone)]
pub(crate) struct Gatherer {
    place: Arc<Place>,
    /// Of all rows of the place.
    pub(crate) total: Fingerprint,
    goal: Goal,
    room: Vec<u8>,
}

/// What becomes of the rows of a place.
#[derive(Clone)]
enum Goal {
    /// They are counted apart from each other.
    Divide(Bins),
    /// They are kept, as long as there is room.
    Keep(Rows),
    /// Only these are kept.
    Recall(Arc<HashSet<[u8; 32]>>, Rows),
}

/// Rows by their hashes.
#[derive(Clone, Default)]
pub(crate) struct Rows {
    rows: HashMap<[u8; 32], Kept>,
    bytes: usize,
}

/// A row, and how often it is there.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) times: u64,
    /// In its canonical framing; `None` when there was no room for it.
    pub(crate) framed: Option<Box<[u8]>>,
}

impl Place {
    /// The rows of this place that are in these bins, given in ascending order.
    pub(crate) fn within(&self, rule: &Arc<KeyBins>, bins: Vec<usize>) -> Place {
        let mut steps = self.steps.clone();
        steps.push((Arc::clone(rule), bins));
        Place { steps }
    }

    /// SQL for a side whose read columns have these shapes; `None` where the server cannot tell.
    pub(crate) fn condition(&self, form: Form, columns: &[ColumnShape]) -> Option<String> {
        let conditions: Option<Vec<String>> = self
            .steps
            .iter()
            .filter(|(rule, _)| rule.count() > 1)
            .map(|(rule, bins)| {
                let key: Option<Vec<&ColumnShape>> = if rule.key().is_empty() {
                    Some(columns.iter().collect())
                } else {
                    rule.key().iter().map(|&place| columns.get(place)).collect()
                };
                bins_condition(rule, bins, form, &key?)
            })
            .collect();
        let conditions = conditions?;
        (!conditions.is_empty()).then(|| conditions.join(" AND "))
    }

    fn holds(&self, row: Row<'_>, room: &mut Vec<u8>) -> bool {
        self.steps.iter().all(|(rule, bins)| {
            let bin = rule.bin(row.form(), row.framed(), || row.hash(), room);
            bins.binary_search(&bin).is_ok()
        })
    }
}

impl Gatherer {
    fn new(form: Form, place: &Arc<Place>, goal: Goal) -> Self {
        Gatherer {
            place: Arc::clone(place),
            total: Fingerprint::empty(form),
            goal,
            room: Vec::new(),
        }
    }

    /// Counts rows by `rule`.
    pub(crate) fn dividing(form: Form, place: &Arc<Place>, rule: &Arc<KeyBins>) -> Self {
        Gatherer::new(form, place, Goal::Divide(Bins::new(form, Arc::clone(rule))))
    }

    /// Keeps rows.
    pub(crate) fn keeping(form: Form, place: &Arc<Place>) -> Self {
        Gatherer::new(form, place, Goal::Keep(Rows::default()))
    }

    /// Keeps rows with these hashes.
    pub(crate) fn recalling(form: Form, place: &Arc<Place>, hashes: Arc<HashSet<[u8; 32]>>) -> Self {
        Gatherer::new(form, place, Goal::Recall(hashes, Rows::default()))
    }

    pub(crate) fn take(&mut self, row: Row<'_>) {
        if !self.place.holds(row, &mut self.room) {
            return;
        }
        // Rows of one table have one form.
        let _ = self.total.merge(&row.fingerprint());
        match &mut self.goal {
            Goal::Divide(bins) => bins.take(row),
            Goal::Keep(rows) => rows.add(row.hash(), row.framed()),
            Goal::Recall(wanted, rows) => {
                let hash = row.hash();
                if wanted.contains(&hash) {
                    rows.add(hash, row.framed());
                }
            }
        }
    }

    /// Adds what another one of the same kind has taken.
    pub(crate) fn merge(&mut self, other: Gatherer) {
        let _ = self.total.merge(&other.total);
        match (&mut self.goal, other.goal) {
            (Goal::Divide(bins), Goal::Divide(more)) => {
                let _ = bins.merge(&more);
            }
            (Goal::Keep(rows) | Goal::Recall(_, rows), Goal::Keep(more) | Goal::Recall(_, more)) => {
                rows.extend(more);
            }
            _ => {}
        }
    }

    pub(crate) fn into_bins(self) -> Option<Bins> {
        match self.goal {
            Goal::Divide(bins) => Some(bins),
            Goal::Keep(_) | Goal::Recall(..) => None,
        }
    }

    pub(crate) fn into_rows(self) -> Rows {
        match self.goal {
            Goal::Keep(rows) | Goal::Recall(_, rows) => rows,
            Goal::Divide(_) => Rows::default(),
        }
    }
}

impl Rows {
    fn add(&mut self, hash: [u8; 32], framed: &[u8]) {
        // One row always has room, whatever its size.
        let has_room = self.bytes == 0 || self.bytes + framed.len() <= KEPT_BYTES_MAX;
        let bytes = &mut self.bytes;
        let kept = self.rows.entry(hash).or_insert_with(|| {
            *bytes += if has_room { framed.len() } else { 0 };
            let framed = has_room.then(|| framed.into());
            Kept { times: 0, framed }
        });
        kept.times += 1;
    }

    fn extend(&mut self, more: Rows) {
        self.bytes += more.bytes;
        for (hash, more) in more.rows {
            let kept = self.rows.entry(hash).or_insert(Kept {
                times: 0,
                framed: None,
            });
            kept.times += more.times;
            kept.framed = kept.framed.take().or(more.framed);
        }
    }

    /// Takes out of both what both have, each row as often as both have it.
    pub(crate) fn cancel(&mut self, other: &mut Rows) {
        self.rows.retain(|hash, kept| {
            if let Some(found) = other.rows.get_mut(hash) {
                let both = kept.times.min(found.times);
                kept.times -= both;
                found.times -= both;
            }
            kept.times > 0
        });
        other.rows.retain(|_, kept| kept.times > 0);
    }

    /// The hashes of rows for which there was no room.
    pub(crate) fn forgotten(&self) -> impl Iterator<Item = [u8; 32]> {
        let forgotten = self.rows.iter().filter(|(_, kept)| kept.framed.is_none());
        forgotten.map(|(hash, _)| *hash)
    }

    /// Takes the bytes of rows that were forgotten.
    pub(crate) fn remember(&mut self, mut recalled: Rows) {
        for (hash, kept) in &mut self.rows {
            if kept.framed.is_none() {
                kept.framed = recalled.rows.remove(hash).and_then(|it| it.framed);
            }
        }
    }

    pub(crate) fn into_kept(self) -> impl Iterator<Item = Kept> {
        self.rows.into_values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fingerprint::each_row;

    fn rows(csv: &str) -> Rows {
        let place = Arc::new(Place::default());
        let mut gatherer = Gatherer::keeping(Form::Text, &place);
        each_row(Form::Text, 2, csv.as_bytes(), |row| gatherer.take(row)).unwrap();
        gatherer.into_rows()
    }

    #[test]
    fn what_both_have_equally_often_cancels() {
        let (mut source, mut target) = (rows("1,a\n2,b\n2,b\n3,c\n"), rows("2,b\n1,a\n3,C\n"));
        source.cancel(&mut target);
        let mut left: Vec<u64> = source.into_kept().map(|it| it.times).collect();
        left.sort_unstable();
        assert_eq!(left, [1, 1]);
        assert_eq!(target.into_kept().count(), 1);
    }

    #[test]
    fn only_rows_of_the_place_are_taken() {
        let rule = Arc::new(KeyBins::hashed(vec![0], 0, 3));
        let bin = |key: &str| {
            let mut found = None;
            let row = format!("{key},x\n");
            each_row(Form::Text, 2, row.as_bytes(), |row| {
                found = Some(rule.bin(row.form(), row.framed(), || row.hash(), &mut Vec::new()));
            })
            .unwrap();
            found.unwrap()
        };
        assert_ne!(bin("1"), bin("2"));
        let place = Arc::new(Place::default().within(&rule, vec![bin("2")]));
        let mut gatherer = Gatherer::keeping(Form::Text, &place);
        each_row(Form::Text, 2, b"1,a\n2,b\n", |row| gatherer.take(row)).unwrap();
        assert_eq!(gatherer.total.rows, 1);
        assert_eq!(gatherer.into_rows().into_kept().count(), 1);
    }
}
