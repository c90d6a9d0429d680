//! An archive as a source of rows that differ: it is read again, once to count what differs apart, once for its rows,
//! for all tables together.

use std::sync::Arc;

use cli::Result;
use conversion::{RowConversion, conversion_of};
use fingerprint::Bins;

use crate::rows::first_pass::{Both, Task};
use crate::rows::gather::{Gatherer, Place};
use crate::rows::scan::{Scan, Scanned};
use crate::rows::search::{Mismatch, Search, first_batch};
use crate::sides::archived::Archived;

/// Rows of a table that were read before they were asked for.
pub(crate) struct Ahead {
    pub(crate) table: u32,
    pub(crate) place: Arc<Place>,
    pub(crate) gatherer: Gatherer,
}

impl<'a> Search<'a> {
    /// Counts the bins of an archive's tables whose totals differ, and says which bins those are.
    pub(crate) fn find_bins<'t>(
        &self,
        archived: &Archived,
        differing: Vec<(&'t Task<'a>, Both)>,
    ) -> Result<Vec<Mismatch<'t, 'a>>> {
        let is_divided = |it: &&(&Task<'_>, Both)| it.1.target.bins.is_some();
        let tasks: Vec<&Task<'_>> = differing
            .iter()
            .filter(is_divided)
            .map(|(task, _)| *task)
            .collect();
        let begin = |task: &Task<'_>| self.scan_of_archive(task).binning_again(&task.rule);
        let mut counted: Vec<Option<Bins>> = Vec::new();
        if !tasks.is_empty() {
            let scanned = read_all(archived, &tasks, begin)?;
            counted.extend(scanned.into_iter().map(|it| it.bins));
        }
        let mut counted = counted.into_iter();
        let mismatches = differing.into_iter().filter_map(|(task, mut both)| {
            if both.target.bins.is_some() {
                both.source.bins = counted.next().flatten();
            }
            Mismatch::of(task, &both, self.most)
        });
        Ok(mismatches.collect())
    }

    /// Reads what will be asked for first of each table.
    pub(crate) fn read_ahead(
        &self,
        archived: &Archived,
        mismatches: &[Mismatch<'_, 'a>],
    ) -> Result<Vec<Ahead>> {
        let places: Vec<(&Task<'_>, Arc<Place>)> = mismatches
            .iter()
            .filter_map(|it| {
                let batch = first_batch(&it.bins, self.most)?;
                let bins = batch.iter().map(|it| it.bin).collect();
                Some((it.task, Arc::new(Place::default().within(&it.task.rule, bins))))
            })
            .collect();
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let tasks: Vec<&Task<'_>> = places.iter().map(|(task, _)| *task).collect();
        let mut next = places.iter();
        let begin = |task: &Task<'_>| {
            let place = next
                .next()
                .map(|(_, place)| Arc::clone(place))
                .unwrap_or_default();
            self.scan_of_archive(task)
                .gathering(Gatherer::keeping(task.form, &place))
        };
        let scanned = read_all(archived, &tasks, begin)?;
        let ahead = places.iter().zip(scanned).filter_map(|((task, place), scanned)| {
            Some(Ahead {
                table: task.unit.table.number,
                place: Arc::clone(place),
                gatherer: scanned.gatherer?,
            })
        });
        Ok(ahead.collect())
    }

    /// Reads one table again.
    pub(crate) fn read_archive(
        &self,
        archived: &Archived,
        task: &Task<'_>,
        gatherer: Gatherer,
    ) -> Result<Option<Gatherer>> {
        let mut gatherer = Some(gatherer);
        let begin = |task: &Task<'_>| match gatherer.take() {
            Some(gatherer) => self.scan_of_archive(task).gathering(gatherer),
            None => self.scan_of_archive(task),
        };
        let scanned = read_all(archived, &[task], begin)?;
        Ok(scanned.into_iter().find_map(|it| it.gatherer))
    }

    fn scan_of_archive(&self, task: &Task<'_>) -> Scan<'a> {
        let table = &task.unit.table;
        // A tree's rows are those of its partitions, which have its columns.
        let names = self.names.and_then(|it| it.table(table));
        let conversion = conversion_of(self.conversions, table.number);
        let conversion = conversion.map(|it| RowConversion::new(table, it));
        Scan::new(table, task.form, names).converting(conversion)
    }
}

/// Reads the archive through once.
fn read_all<'a>(
    archived: &Archived,
    tasks: &[&Task<'_>],
    begin: impl FnMut(&Task<'_>) -> Scan<'a>,
) -> Result<Vec<Scanned>> {
    let mut scans: Vec<Scan<'a>> = tasks.iter().copied().map(begin).collect();
    let place = |number: u32| {
        tasks.iter().position(|task| {
            let parts = &task.unit.parts;
            if parts.is_empty() {
                task.unit.table.number == number
            } else {
                parts.iter().any(|it| it.number == number)
            }
        })
    };
    archived.read_again(&mut scans, place)?;
    scans.into_iter().map(Scan::finish).collect()
}
