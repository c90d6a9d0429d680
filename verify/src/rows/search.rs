//! The second pass: which rows differ. Of a table that is not the same only those bins are read again that differ, until
//! as many rows are known as were asked for.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use catalog::{Column, Table};
use cli::{Exit, Failure, Result};
use conversion::{TableConversion, conversion_of};
use database::postgres::{ColumnShape, Extent, can_be_queried, ordered_kind, read_column_shapes};
use fingerprint::{Bins, Fingerprint, KeyBins};
use rewrite::NameMap;

use crate::rows::archive_again::Ahead;
use crate::rows::difference::{RowDifference, RowDifferences};
use crate::rows::first_pass::{Both, Task};
use crate::rows::gather::{Gatherer, Place, Rows};
use crate::rows::pairs::{Pairs, RowOrder};
use crate::rows::scan::Scan;
use crate::rows::texts::Texts;
use crate::sides::{Live, Source};

/// Rows of one side that are looked at one by one; where a bin has more, it is divided first.
const ROWS_MAX: u64 = 200_000;
/// How often a bin is divided.
const DEPTH_MAX: usize = 4;

/// A table that differs, and where.
pub(crate) struct Mismatch<'t, 'a> {
    pub(crate) task: &'t Task<'a>,
    /// Bins that differ, ascending; the first of them where there are more.
    pub(crate) bins: Vec<BinPair>,
    pub(crate) has_more: bool,
}

/// A bin on both sides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BinPair {
    pub(crate) bin: usize,
    source: Fingerprint,
    target: Fingerprint,
}

/// Finds rows.
pub(crate) struct Search<'a> {
    pub(crate) source: &'a Source,
    pub(crate) target: &'a Live,
    pub(crate) names: Option<&'a NameMap>,
    pub(crate) conversions: &'a [TableConversion],
    /// How many rows are wanted of each table.
    pub(crate) most: usize,
    /// Rows of an archive that were read for all tables together.
    pub(crate) ahead: Mutex<Vec<Ahead>>,
}

/// The rows that differ, or why they are not known.
pub(crate) type Found = std::result::Result<RowDifferences, String>;

/// What is done with rows that are read again.
#[derive(Clone)]
enum Goal {
    Divide(Arc<KeyBins>),
    Keep,
    Recall(Arc<HashSet<[u8; 32]>>),
}

/// One table while it is searched.
struct TableSearch<'s, 't, 'a> {
    search: &'s Search<'a>,
    task: &'t Task<'a>,
    view: &'t Table,
    order: RowOrder,
    /// How the servers may be asked for some rows; `None` where they cannot be.
    source_shapes: Option<Vec<ColumnShape>>,
    target_shapes: Option<Vec<ColumnShape>>,
    pairs: Pairs,
    /// Whether rows were left out that differ, or could.
    is_partial: bool,
}

/// The bins that differ, at most `most` of them, and whether there are more.
pub(crate) fn differing_bins(source: &Bins, target: &Bins, most: usize) -> (Vec<BinPair>, bool) {
    let pairs = source.sums().iter().zip(target.sums()).enumerate();
    let mut pairs = pairs.filter(|(_, (source, target))| source != target);
    let pair = |(bin, (source, target)): (usize, (&Fingerprint, &Fingerprint))| BinPair {
        bin,
        source: *source,
        target: *target,
    };
    let bins = pairs.by_ref().take(most).map(pair).collect();
    (bins, pairs.next().is_some())
}

/// The bins that are read in one go, where `most` rows are wanted: each of them has one that differs.
pub(crate) fn first_batch(bins: &[BinPair], most: usize) -> Option<&[BinPair]> {
    let (mut taken, mut rows) = (0, 0);
    while let Some(pair) = bins.get(taken) {
        if taken > 0 && (taken >= most || rows + pair.rows() > ROWS_MAX) {
            break;
        }
        (taken, rows) = (taken + 1, rows + pair.rows());
    }
    bins.get(..taken).filter(|it| !it.is_empty())
}

impl<'t, 'a> Mismatch<'t, 'a> {
    /// Where both sides differ; `None` where one was not read.
    pub(crate) fn of(task: &'t Task<'a>, both: &Both, most: usize) -> Option<Self> {
        let (bins, has_more) = match (&both.source.bins, &both.target.bins) {
            (Some(source), Some(target)) => differing_bins(source, target, most),
            _ if task.rule.count() > 1 => return None,
            _ => {
                let whole = BinPair {
                    bin: 0,
                    source: both.source.total?,
                    target: both.target.total?,
                };
                (vec![whole], false)
            }
        };
        Some(Mismatch { task, bins, has_more })
    }
}

impl BinPair {
    fn rows(&self) -> u64 {
        self.source.rows.max(self.target.rows)
    }
}

impl<'a> Search<'a> {
    /// The rows that differ in one table.
    pub(crate) fn rows(&self, mismatch: &Mismatch<'_, 'a>) -> Result<Found> {
        let mut table = self.table(mismatch.task)?;
        table.is_partial = mismatch.has_more;
        let rule = Arc::clone(&mismatch.task.rule);
        match table.search(&Place::default(), &rule, &mismatch.bins, 0)? {
            Err(reason) => Ok(Err(reason)),
            Ok(()) => table.finish().map(Ok),
        }
    }

    fn table<'s, 't>(&'s self, task: &'t Task<'a>) -> Result<TableSearch<'s, 't, 'a>> {
        let view = &task.view;
        let unit = &task.unit;
        let kinds: Vec<_> = view
            .stored_columns()
            .map(|it| ordered_kind(view, &it.name))
            .collect();
        let key = task.rule.key().iter();
        let order = RowOrder {
            form: task.form,
            key: key.map(|&it| (it, kinds.get(it).copied().flatten())).collect(),
        };
        let changes_rows = self.names.is_some_and(|it| it.table(&unit.table).is_some())
            || conversion_of(self.conversions, unit.table.number).is_some();
        let source_shapes = match self.source {
            Source::Postgres(live) if !changes_rows => shapes(live, &unit.table, Failure::source)?,
            _ => None,
        };
        Ok(TableSearch {
            search: self,
            task,
            view,
            order,
            source_shapes,
            target_shapes: shapes(self.target, view, Failure::target)?,
            pairs: Pairs::default(),
            is_partial: false,
        })
    }

    fn changes(&self) -> (Option<&'a NameMap>, &'a [TableConversion]) {
        (self.names, self.conversions)
    }
}

/// The shapes of the columns that are read, in their order; `None` where the server can only copy the table whole.
fn shapes(
    live: &Live,
    table: &Table,
    failure: fn(database::Error) -> Failure,
) -> Result<Option<Vec<ColumnShape>>> {
    let known = live.with_snapshot(|snapshot| {
        let client = snapshot.client();
        if !can_be_queried(client, table)? {
            return Ok(None);
        }
        read_column_shapes(client, &table.qualified_name()).map(Some)
    });
    let Some(known) = known.map_err(failure)? else {
        return Ok(None);
    };
    let shape = |column: &Column| known.iter().find(|it| it.name == column.name).cloned();
    Ok(table.stored_columns().map(shape).collect())
}

impl TableSearch<'_, '_, '_> {
    /// Looks through bins until enough rows are known.
    fn search(
        &mut self,
        place: &Place,
        rule: &Arc<KeyBins>,
        bins: &[BinPair],
        depth: usize,
    ) -> Result<std::result::Result<(), String>> {
        let mut rest = bins;
        while !rest.is_empty() {
            let missing = self.search.most.saturating_sub(self.pairs.rows.len());
            if missing == 0 {
                self.is_partial = true;
                break;
            }
            let batch = first_batch(rest, missing).unwrap_or(rest);
            rest = rest.get(batch.len()..).unwrap_or_default();
            let rows: u64 = batch.iter().map(BinPair::rows).sum();
            let found = match rule.within() {
                Some(finer) if rows > ROWS_MAX && depth < DEPTH_MAX => {
                    self.divide(place, rule, batch, &Arc::new(finer), depth)?
                }
                _ => self.compare(place, rule, batch)?,
            };
            if found.is_err() {
                return Ok(found);
            }
        }
        Ok(Ok(()))
    }

    /// Looks through the bins of a bin.
    fn divide(
        &mut self,
        place: &Place,
        rule: &Arc<KeyBins>,
        batch: &[BinPair],
        finer: &Arc<KeyBins>,
        depth: usize,
    ) -> Result<std::result::Result<(), String>> {
        let place = Arc::new(place.within(rule, batch.iter().map(|it| it.bin).collect()));
        let both = self.both(&place, batch, &Goal::Divide(Arc::clone(finer)))?;
        let (source, target) = match both {
            Ok(both) => both,
            Err(reason) => return Ok(Err(reason)),
        };
        let Some((source, target)) = source.into_bins().zip(target.into_bins()) else {
            return Err(Failure::new(Exit::Internal, "rows were not counted apart"));
        };
        let (bins, has_more) = differing_bins(&source, &target, self.search.most);
        self.is_partial |= has_more;
        self.search(&place, finer, &bins, depth + 1)
    }

    /// Compares the rows of some bins one by one.
    fn compare(
        &mut self,
        place: &Place,
        rule: &Arc<KeyBins>,
        batch: &[BinPair],
    ) -> Result<std::result::Result<(), String>> {
        let place = Arc::new(place.within(rule, batch.iter().map(|it| it.bin).collect()));
        let (source, target) = match self.both(&place, batch, &Goal::Keep)? {
            Ok(both) => both,
            Err(reason) => return Ok(Err(reason)),
        };
        let (mut source, mut target) = (source.into_rows(), target.into_rows());
        source.cancel(&mut target);
        let forgotten: HashSet<[u8; 32]> = source.forgotten().chain(target.forgotten()).collect();
        if !forgotten.is_empty() {
            match self.both(&place, batch, &Goal::Recall(Arc::new(forgotten)))? {
                Ok((here, there)) => {
                    source.remember(here.into_rows());
                    target.remember(there.into_rows());
                }
                Err(reason) => return Ok(Err(reason)),
            }
        }
        let is_forgotten = |rows: &Rows| rows.forgotten().next().is_some();
        self.is_partial |= is_forgotten(&source) || is_forgotten(&target);
        self.pairs.add(source, target, &self.order, self.search.most);
        Ok(Ok(()))
    }

    /// Reads the bins of a batch on both sides at once. What is read must be what was counted in the first pass.
    fn both(
        &self,
        place: &Arc<Place>,
        batch: &[BinPair],
        goal: &Goal,
    ) -> Result<std::result::Result<(Gatherer, Gatherer), String>> {
        let sum = |side: fn(&BinPair) -> Fingerprint| {
            let mut total = Fingerprint::empty(self.task.form);
            for pair in batch {
                // All are of one form.
                let _ = total.merge(&side(pair));
            }
            total
        };
        let (here, there) = (sum(|it| it.source), sum(|it| it.target));
        let read_source = || match self.ahead(place, goal).filter(|it| it.total == here) {
            Some(source) => Ok(Some(source)),
            None => self.read(
                self.source_shapes.as_deref(),
                place,
                goal,
                here,
                |condition, it| self.read_source(condition, it),
            ),
        };
        let read_target = || {
            self.read(
                self.target_shapes.as_deref(),
                place,
                goal,
                there,
                |condition, it| self.read_target(condition, it),
            )
        };
        let (source, target) = rayon::join(read_source, read_target);
        let (source, target) = (source?, target?);
        let reason =
            || "the rows of the bins that differ could not be read again as they were counted".to_owned();
        Ok(source.zip(target).ok_or_else(reason))
    }

    /// `None` where other rows came than were counted.
    fn read(
        &self,
        shapes: Option<&[ColumnShape]>,
        place: &Arc<Place>,
        goal: &Goal,
        expected: Fingerprint,
        read: impl Fn(Option<String>, Gatherer) -> Result<Gatherer>,
    ) -> Result<Option<Gatherer>> {
        let form = self.task.form;
        let gatherer = || match goal {
            Goal::Divide(rule) => Gatherer::dividing(form, place, rule),
            Goal::Keep => Gatherer::keeping(form, place),
            Goal::Recall(hashes) => Gatherer::recalling(form, place, Arc::clone(hashes)),
        };
        let condition = shapes.and_then(|it| place.condition(form, it));
        if condition.is_some() {
            let read = read(condition, gatherer())?;
            if read.total == expected {
                return Ok(Some(read));
            }
        }
        // A server that counts otherwise than we do is not believed.
        let read = read(None, gatherer())?;
        Ok((read.total == expected).then_some(read))
    }

    fn read_source(&self, condition: Option<String>, gatherer: Gatherer) -> Result<Gatherer> {
        let search = self.search;
        let unit = &self.task.unit;
        let read = match search.source {
            Source::Archive(archived) => search.read_archive(archived, self.task, gatherer)?,
            source => source.gather(unit, search.changes(), condition, gatherer)?,
        };
        read.ok_or_else(not_gathered)
    }

    /// What was read before it was asked for.
    fn ahead(&self, place: &Arc<Place>, goal: &Goal) -> Option<Gatherer> {
        if !matches!(goal, Goal::Keep) {
            return None;
        }
        let mut ahead = self.search.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let number = self.task.unit.table.number;
        let found = ahead
            .iter()
            .position(|it| it.table == number && it.place == *place)?;
        Some(ahead.swap_remove(found).gatherer)
    }

    fn read_target(&self, condition: Option<String>, gatherer: Gatherer) -> Result<Gatherer> {
        let extent = Extent::default().and(condition);
        let scan = Scan::new(self.view, self.task.form, None).gathering(gatherer);
        let scanned = self
            .search
            .target
            .scan(scan, self.view, &extent, Failure::target)?;
        scanned.gatherer.ok_or_else(not_gathered)
    }

    /// The rows as text.
    fn finish(self) -> Result<RowDifferences> {
        let columns: Vec<String> = self.view.stored_columns().map(|it| it.name.clone()).collect();
        let name = |&(place, _): &(usize, _)| columns.get(place).cloned();
        let key = self.order.key.iter().filter_map(name).collect();
        let texts = Texts::new(self.search.target, self.task, self.view)?;
        let rows: Result<Vec<RowDifference>> =
            self.pairs.rows.iter().map(|it| texts.difference(it)).collect();
        Ok(RowDifferences {
            key,
            columns,
            rows: rows?,
            missing: self.pairs.missing,
            extra: self.pairs.extra,
            changed: self.pairs.changed,
            is_complete: !self.is_partial,
        })
    }
}

fn not_gathered() -> Failure {
    Failure::new(Exit::Internal, "rows were not gathered")
}
