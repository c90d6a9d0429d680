//! The tables of both sides: their totals, and the rows that differ.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use catalog::{Column, Table};
use cli::Result;
use conversion::{IntegerType, conversion_of};
use database::postgres::Extent;
use fingerprint::KeyBins;
use rayon::prelude::*;

use super::Comparison;
use super::one_table::{column_difference, projections};
use crate::report::{KeyKind, TableResult};
use crate::rows::first_pass::{Both, FirstPass, Task};
use crate::rows::layout::Layouts;
use crate::rows::search::{Found, Mismatch, Search};
use crate::rows::shared::Shared;
use crate::rows::trees::{Unit, units};
use crate::sides::Source;
use crate::sides::archive_rows::Passing;

/// A table, and what of it both sides have.
pub(super) struct Entry<'a> {
    pub(super) unit: Unit<'a>,
    /// `None` where the target lacks the table, or its rows cannot be read as the source's.
    pub(super) shared: Option<(Shared, &'a Table)>,
}

/// A table that both sides were read of in one go.
type Read<'t, 'u> = (&'t Task<'u>, Both);

impl<'a> Comparison<'a> {
    /// All tables with rows, the largest first on their way, in the catalog's order in the report.
    pub(super) fn tables(&self) -> Result<Vec<TableResult>> {
        let entries = self.entries();
        let mut results: HashMap<u32, TableResult> = self.all_quickly(&entries)?;
        let is_left = |it: &&Entry<'_>| !results.contains_key(&it.unit.table.number);
        let left: Vec<&Entry<'_>> = entries.iter().filter(is_left).collect();
        let tasks = self.tasks(&left)?;
        let read = self.read_both(&left, &tasks)?;
        let mut differing = Vec::new();
        for (task, both) in read {
            let number = task.unit.table.number;
            let totals = both.source.total.zip(both.target.total);
            let Some(entry) = left.iter().find(|it| it.unit.table.number == number) else {
                continue;
            };
            let result = self.table(entry, totals)?;
            if result.has_other_rows() && self.rows > 0 {
                differing.push((task, both));
            }
            results.insert(number, result);
        }
        let others = left
            .par_iter()
            .filter(|it| !results.contains_key(&it.unit.table.number));
        let others: Result<Vec<(u32, TableResult)>> = others
            .map(|entry| {
                let mut result = self.table(entry, None)?;
                if result.has_other_rows() && self.rows > 0 {
                    result.set_rows(Err(self.not_searched().to_owned()));
                }
                Ok((entry.unit.table.number, result))
            })
            .collect();
        results.extend(others?);
        let mut results: Vec<(u32, TableResult)> = results.into_iter().collect();
        self.find_rows(&mut results, differing)?;
        results.sort_by_key(|(number, _)| *number);
        let mut results: Vec<TableResult> = results.into_iter().map(|(_, result)| result).collect();
        if self.chosen.is_none() {
            results.extend(self.extra_tables()?);
        }
        Ok(results)
    }

    fn entries(&self) -> Vec<Entry<'a>> {
        let same_encoding = self.source.encoding() == self.target.identity.encoding;
        let tables = &self.source.catalog().tables;
        let units = units(tables, &self.renamed.tables, &self.there, same_encoding);
        let units = units
            .into_iter()
            .filter(|it| self.chosen.is_none_or(|chosen| chosen.has(it)));
        let entry = |unit: Unit<'a>| {
            let shared = self.shared(&unit);
            Entry { unit, shared }
        };
        units.map(entry).collect()
    }

    /// Tables that the servers' own hashes say enough of.
    fn all_quickly(&self, entries: &[Entry<'_>]) -> Result<HashMap<u32, TableResult>> {
        if self.quick.is_none() {
            return Ok(HashMap::new());
        }
        let mut entries: Vec<&Entry<'_>> = entries.iter().collect();
        entries.sort_by_key(|it| std::cmp::Reverse(it.unit.bytes()));
        let results: Result<Vec<Option<(u32, TableResult)>>> = entries
            .par_iter()
            .map(|it| Ok(self.quickly(it)?.map(|result| (it.unit.table.number, result))))
            .collect();
        Ok(results?.into_iter().flatten().collect())
    }

    /// What is to be read on both sides as it is, and how rows are told apart.
    fn tasks<'t>(&self, entries: &[&'t Entry<'a>]) -> Result<Vec<Task<'t>>> {
        if self.sample.is_some() {
            return Ok(Vec::new());
        }
        let layouts = Layouts::new(self.source, self.target, self.conversions)?;
        let mut tasks = Vec::new();
        for entry in entries {
            let Some((shared, other)) = &entry.shared else {
                continue;
            };
            let form = self.source.form(&entry.unit);
            let is_plain = !shared.is_retyped() && self.explained.extent(&entry.unit.table).is_none();
            if !is_plain {
                continue;
            }
            let unit = shared.unit(&entry.unit);
            let view = shared.view(other);
            let rule = if self.rows > 0 {
                layouts.of(&unit, &view, form)?
            } else {
                Arc::new(KeyBins::whole(Vec::new()))
            };
            tasks.push(Task {
                unit,
                view: Some(view),
                form,
                rule,
            });
        }
        Ok(tasks)
    }

    /// Reads both sides of all tasks; an archive passes once, while the target is read.
    fn read_both<'t, 'u>(&self, entries: &[&Entry<'a>], tasks: &'t [Task<'u>]) -> Result<Vec<Read<'t, 'u>>> {
        let pass = FirstPass {
            source: self.source,
            target: self.target,
            names: self.names,
            conversions: self.conversions,
            progress: self.progress,
            jobs: self.jobs,
        };
        let keep = |task: &'t Task<'u>, mut both: Both| {
            if both.source.total == both.target.total {
                both.source.bins = None;
                both.target.bins = None;
            }
            Ok((task, both))
        };
        let Source::Archive(archived) = self.source else {
            return pass.run(tasks, &AtomicBool::new(false), keep);
        };
        let pairs = entries
            .iter()
            .filter_map(|it| Some((&it.unit, it.shared.as_ref()?)));
        let passing = Passing {
            names: self.names,
            conversions: self.conversions,
            projections: pairs
                .filter(|(unit, _)| conversion_of(self.conversions, unit.table.number).is_none())
                .flat_map(|(unit, (shared, _))| projections(unit, shared))
                .collect(),
            keeps: true,
            believes: self.believes,
            jobs: self.jobs,
        };
        let failed = AtomicBool::new(false);
        let (passed, read) = std::thread::scope(|scope| {
            let passes = scope.spawn(|| {
                let passed = archived.pass(&passing);
                failed.fetch_or(passed.is_err(), Ordering::Relaxed);
                passed
            });
            let read = pass.run(tasks, &failed, |task, both| Ok((task, both)));
            let ended = passes.join();
            (
                ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                read,
            )
        });
        passed?;
        let with_source = |(task, mut both): Read<'t, 'u>| {
            both.source.total = Some(
                self.source
                    .fingerprint(&task.unit, self.names, self.conversions)?,
            );
            keep(task, both)
        };
        read?.into_iter().map(with_source).collect()
    }

    /// Looks for the rows that differ, and adds them to the tables' results.
    fn find_rows<'t, 'u>(
        &self,
        results: &mut [(u32, TableResult)],
        differing: Vec<Read<'t, 'u>>,
    ) -> Result<()>
    where
        'a: 'u,
    {
        let mut search: Search<'u> = Search {
            source: self.source,
            target: self.target,
            names: self.names,
            conversions: self.conversions,
            most: self.rows,
            ahead: Mutex::default(),
        };
        let mut found: Vec<(u32, Found)> = Vec::new();
        let mut mismatches: Vec<Mismatch<'t, 'u>> = Vec::new();
        if let Source::Archive(archived) = self.source {
            let obstacle = |task: &Task<'_>| {
                if !archived.can_be_read_again() {
                    Some("an archive on stdin cannot be read again: give it as a file to see them")
                } else if self.is_projected(task) {
                    Some("the archive has other columns, or has them in another order")
                } else {
                    None
                }
            };
            let (refused, searched): (Vec<_>, Vec<_>) = differing
                .into_iter()
                .partition(|(task, _)| obstacle(task).is_some());
            let unknown = |(task, _): Read<'_, '_>| {
                let reason = obstacle(task).unwrap_or_default();
                (task.unit.table.number, Err(reason.to_owned()))
            };
            found.extend(refused.into_iter().map(unknown));
            if !searched.is_empty() {
                mismatches = search.find_bins(archived, searched)?;
                search.ahead = Mutex::new(search.read_ahead(archived, &mismatches)?);
            }
        } else {
            let mismatch = |(task, both): Read<'t, 'u>| Mismatch::of(task, &both, self.rows);
            mismatches.extend(differing.into_iter().filter_map(mismatch));
        }
        let searched: Result<Vec<(u32, Found)>> = mismatches
            .par_iter()
            .map(|it| Ok((it.task.unit.table.number, search.rows(it)?)))
            .collect();
        found.extend(searched?);
        for (number, found) in found {
            if let Some((_, result)) = results.iter_mut().find(|(it, _)| *it == number) {
                result.set_rows(found);
            }
        }
        Ok(())
    }

    /// Whether an archive has a table otherwise than it is compared.
    fn is_projected(&self, task: &Task<'_>) -> bool {
        let own = self.source.catalog().tables.iter();
        let own = own.filter(|it| {
            let parts = &task.unit.parts;
            it.number == task.unit.table.number || parts.iter().any(|part| part.number == it.number)
        });
        let names =
            |table: &Table| -> Vec<String> { table.stored_columns().map(|it| it.name.clone()).collect() };
        let compared = names(&task.unit.table);
        let mut own = own.filter(|it| it.has_rows());
        own.any(|it| names(it) != compared)
    }

    /// Why rows of a table that was not read in one go are not looked for.
    fn not_searched(&self) -> &'static str {
        if self.sample.is_some() {
            "a sample does not look for rows: leave --sample out"
        } else {
            "types of its columns differ, or rows of it were left out"
        }
    }

    /// What both sides have of a unit.
    fn shared(&self, unit: &Unit<'_>) -> Option<(Shared, &'a Table)> {
        let other = self.counterpart(&unit.renamed.qualified_name())?;
        let converted = conversion_of(self.conversions, unit.table.number).is_some();
        let columns = column_difference(unit.renamed, other);
        let is_readable = !converted || !columns.is_some_and(|it| it.is_unreadable());
        is_readable.then(|| (Shared::of(unit, other, converted), other))
    }

    /// What is to be said of a table's keys when its rows differ.
    pub(super) fn keys(&self, unit: &Unit<'_>, other: &Table) -> KeyKind {
        if conversion_of(self.conversions, unit.table.number).is_some() {
            return KeyKind::Converted;
        }
        let is_uuid = |column: &Column| {
            let there = other.columns.iter().find(|it| it.name == column.target_name());
            there.is_some_and(|it| it.column_type.text == "uuid") && IntegerType::of(column).is_some()
        };
        if unit.renamed.columns.iter().any(is_uuid) {
            KeyKind::UuidOnTarget
        } else {
            KeyKind::AsTheyAre
        }
    }

    /// How the rows of the source are read.
    pub(super) fn extent_here(&self, unit: &Unit<'_>) -> Extent {
        self.explained.extent(&unit.table).unwrap_or_default()
    }
}
