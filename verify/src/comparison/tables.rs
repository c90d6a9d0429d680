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
        let numbered: HashMap<u32, &Entry<'_>> = left.iter().map(|it| (it.unit.table.number, *it)).collect();
        // To compare generated columns is to read again.
        let judged: Result<Vec<_>> = read
            .into_par_iter()
            .filter_map(|(task, both)| Some((*numbered.get(&task.unit.table.number)?, task, both)))
            .map(|(entry, task, both)| {
                let totals = both.source.total.zip(both.target.total);
                Ok((task, both, self.table(entry, totals)?))
            })
            .collect();
        let mut differing = Vec::new();
        for (task, both, result) in judged? {
            if result.has_other_rows() && self.rows > 0 {
                differing.push((task, both));
            }
            results.insert(task.unit.table.number, result);
        }
        let others = left
            .par_iter()
            .filter(|it| !results.contains_key(&it.unit.table.number));
        let others: Result<Vec<(u32, TableResult)>> = others
            .map(|entry| Ok((entry.unit.table.number, self.table(entry, None)?)))
            .collect();
        let others = self.to_be_searched(&left, &mut results, others?)?;
        differing.extend(self.read_apart(&others)?);
        let mut results: Vec<(u32, TableResult)> = results.into_iter().collect();
        self.find_rows(&mut results, differing)?;
        results.sort_by_key(|(number, _)| *number);
        let mut results: Vec<TableResult> = results.into_iter().map(|(_, result)| result).collect();
        if self.chosen.is_none() {
            results.extend(self.extra_tables(&entries)?);
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
        let mut entries: Vec<Entry<'a>> = units.map(entry).collect();
        let parts = self.merging.units().filter(|(unit, _)| {
            let mut chosen = self.chosen.iter();
            chosen.all(|it| self.merging.is_chosen(unit.table.number, it))
        });
        entries.extend(parts.map(|(unit, shared)| Entry { unit, shared }));
        entries
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
            let is_plain = !shared.is_retyped() && self.explained.extent(&entry.unit.table).is_none();
            if is_plain {
                tasks.push(self.task(entry, (shared, other), &layouts)?);
            }
        }
        Ok(tasks)
    }

    /// A table to be read on both sides with what both have.
    fn task<'t>(
        &self,
        entry: &'t Entry<'a>,
        (shared, other): (&'t Shared, &Table),
        layouts: &Layouts<'_>,
    ) -> Result<Task<'t>> {
        let mut unit = shared.unit(&entry.unit);
        unit.extent = self.extent_here(&entry.unit);
        let view = shared.view(other);
        let form = self.source.form(&unit);
        let rule = if self.rows > 0 {
            layouts.of(&unit, &view, form)?
        } else {
            Arc::new(KeyBins::whole(Vec::new()))
        };
        Ok(Task {
            unit,
            view,
            form,
            rule,
        })
    }

    /// Takes what came of tables that were not read in one go: the tasks of those whose rows are to be looked for.
    fn to_be_searched<'t>(
        &self,
        entries: &[&'t Entry<'a>],
        results: &mut HashMap<u32, TableResult>,
        compared: Vec<(u32, TableResult)>,
    ) -> Result<Vec<Task<'t>>> {
        let numbered: HashMap<u32, &'t Entry<'a>> =
            entries.iter().map(|it| (it.unit.table.number, *it)).collect();
        let mut tasks = Vec::new();
        let mut layouts = None;
        for (number, mut result) in compared {
            let entry = numbered.get(&number).copied();
            let shared = entry.and_then(|it| Some((it, it.shared.as_ref()?)));
            if let Some((entry, (shared, other))) =
                shared.filter(|_| result.has_other_rows() && self.rows > 0)
            {
                let form = self.source.form(&shared.unit(&entry.unit));
                let obstacle = if self.sample.is_some() {
                    Some("a sample does not look for rows: leave --sample out")
                } else {
                    shared.hides_rows(self.target, other, form)?
                };
                if let Some(reason) = obstacle {
                    result.set_rows(Err(reason.to_owned()));
                } else {
                    if layouts.is_none() {
                        layouts = Some(Layouts::new(self.source, self.target, self.conversions)?);
                    }
                    let layouts = layouts.as_ref();
                    tasks.extend(
                        layouts
                            .map(|it| self.task(entry, (shared, other), it))
                            .transpose()?,
                    );
                }
            }
            results.insert(number, result);
        }
        Ok(tasks)
    }

    /// Reads tables again that differ, to count their rows apart.
    fn read_apart<'t, 'u>(&self, tasks: &'t [Task<'u>]) -> Result<Vec<Read<'t, 'u>>> {
        let read = self
            .first_pass()
            .run(tasks, &AtomicBool::new(false), |task, both| Ok((task, both)))?;
        if !matches!(self.source, Source::Archive(_)) {
            return Ok(read);
        }
        read.into_iter().map(|it| self.with_source(it)).collect()
    }

    /// With what an archive that has passed says of its rows.
    fn with_source<'t, 'u>(&self, (task, mut both): Read<'t, 'u>) -> Result<Read<'t, 'u>> {
        let total = self
            .source
            .fingerprint(&task.unit, self.names, self.conversions)?;
        both.source.total = Some(total);
        Ok((task, both))
    }

    fn first_pass(&self) -> FirstPass<'_> {
        FirstPass {
            source: self.source,
            target: self.target,
            names: self.names,
            conversions: self.conversions,
            progress: self.progress,
            jobs: self.jobs,
        }
    }

    /// Reads both sides of all tasks; an archive passes once, while the target is read.
    fn read_both<'t, 'u>(&self, entries: &[&Entry<'a>], tasks: &'t [Task<'u>]) -> Result<Vec<Read<'t, 'u>>> {
        let pass = self.first_pass();
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
        let read = read?.into_iter().map(|it| self.with_source(it));
        read.map(|it| it.and_then(|(task, both)| keep(task, both)))
            .collect()
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
        let most = self.rows + self.merging.joined_most();
        let mut search: Search<'u> = Search {
            source: self.source,
            target: self.target,
            names: self.names,
            conversions: self.conversions,
            most,
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
            for (task, both) in differing {
                let number = task.unit.table.number;
                match Mismatch::of(task, &both, most) {
                    Some(mismatch) => mismatches.push(mismatch),
                    None => found.push((
                        number,
                        Err("their parts were not counted on both sides".to_owned()),
                    )),
                }
            }
        }
        let searched: Result<Vec<(u32, Found)>> = mismatches
            .par_iter()
            .map(|it| Ok((it.task.unit.table.number, search.rows(it)?)))
            .collect();
        found.extend(searched?);
        for (number, found) in found {
            let mut said = None;
            let found = match found {
                Ok(rows) => {
                    let merging = self.merging;
                    let (rows, same) = merging.without_joined(self.target, number, rows, self.rows)?;
                    said = same;
                    Ok(rows)
                }
                unknown => unknown,
            };
            if let Some((_, result)) = results.iter_mut().find(|(it, _)| *it == number) {
                match said {
                    Some(said) => result.set_same_as_cast(said),
                    None => result.set_rows(found),
                }
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

    /// What both sides have of a unit.
    fn shared(&self, unit: &Unit<'_>) -> Option<(Shared, &'a Table)> {
        let other = self.counterpart(&unit.renamed.qualified_name())?;
        let converted = conversion_of(self.conversions, unit.table.number).is_some();
        let columns = column_difference(unit.renamed, other);
        let is_readable = !converted || !columns.is_some_and(|it| it.is_unreadable());
        let calculates = matches!(self.source, Source::Postgres(_));
        is_readable.then(|| (Shared::of(unit, other, converted, calculates), other))
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
