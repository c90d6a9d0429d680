//! The tables of both sides: their totals, and the rows that differ.

use std::sync::{Arc, Mutex};

use catalog::{Column, Table, quote_ident};
use cli::Result;
use conversion::{IntegerType, conversion_of};
use database::postgres::Extent;
use fingerprint::{Fingerprint, Form, KeyBins};
use rayon::prelude::*;

use super::Comparison;
use crate::report::{Difference, KeyKind, TableResult};
use crate::rows::first_pass::{Both, FirstPass, Task};
use crate::rows::generated::Generated;
use crate::rows::layout::Layouts;
use crate::rows::search::{Found, Mismatch, Search};
use crate::rows::trees::{Unit, units};
use crate::sides::Source;

impl<'a> Comparison<'a> {
    /// All tables with rows, the largest first on their way, in the catalog's order in the report.
    pub(super) fn tables(&self) -> Result<Vec<TableResult>> {
        let tasks = self.tasks()?;
        let pass = FirstPass {
            source: self.source,
            target: self.target,
            names: self.names,
            conversions: self.conversions,
            progress: self.progress,
            jobs: self.jobs,
        };
        let is_archive = matches!(self.source, Source::Archive(_));
        let most = self.rows;
        let compared = pass.run(&tasks, |task, both| {
            let (result, differs) = self.table(task, &both)?;
            // Of tables that are the same, or that nobody asks about, nothing is kept.
            let both = (differs && most > 0).then_some(both);
            let (both, mismatch) = match both {
                Some(both) if !is_archive => (None, Mismatch::of(task, &both, most)),
                both => (both, None),
            };
            Ok((task, result, both, mismatch))
        })?;
        let (mut results, mut differing, mut mismatches) = (Vec::new(), Vec::new(), Vec::new());
        for (task, result, both, mismatch) in compared {
            results.push((task.unit.table.number, result));
            differing.extend(both.map(|both| (task, both)));
            mismatches.extend(mismatch);
        }
        self.find_rows(&mut results, differing, mismatches)?;
        results.sort_by_key(|(number, _)| *number);
        let mut results: Vec<TableResult> = results.into_iter().map(|(_, result)| result).collect();
        results.extend(self.extra_tables()?);
        Ok(results)
    }

    /// What is to be read on both sides, and how rows are told apart.
    fn tasks(&self) -> Result<Vec<Task<'a>>> {
        let same_encoding = self.source.encoding() == self.target.identity.encoding;
        let units = units(
            &self.source.catalog().tables,
            &self.renamed.tables,
            &self.there,
            same_encoding,
            self.source.reads_through_roots(),
        );
        let layouts = Layouts::new(self.source, self.target, self.conversions)?;
        let task = |unit: Unit<'a>| {
            let form = self.source.form(&unit);
            let other = self.there.get(&unit.renamed.qualified_name()).copied();
            let other = other.filter(|other| {
                let columns = column_difference(unit.renamed, other);
                !columns.as_ref().is_some_and(Difference::is_unreadable)
            });
            let rule = match other {
                Some(other) if self.rows > 0 => layouts.of(&unit, other, form)?,
                _ => Arc::new(KeyBins::whole(Vec::new())),
            };
            let view = other.map(|other| view(&unit, other));
            Ok(Task {
                unit,
                view,
                form,
                rule,
            })
        };
        units.into_iter().map(task).collect()
    }

    /// What came of a table, and whether its rows are to be looked for.
    fn table(&self, task: &Task<'_>, both: &Both) -> Result<(TableResult, bool)> {
        let unit = &task.unit;
        let renamed = unit.renamed;
        let name = renamed.qualified_name();
        let label = name.to_string();
        let expected = both.source.total.unwrap_or(Fingerprint::empty(task.form));
        let Some(other) = self.there.get(&name) else {
            let missing = Some(Difference::MissingTable);
            return Ok((TableResult::new(label, Some(expected), None, missing), false));
        };
        let columns = column_difference(renamed, other);
        let Some(found) = both.target.total else {
            return Ok((TableResult::new(label, Some(expected), None, columns), false));
        };
        let differs = found != expected;
        let rows = differs.then_some(Difference::Rows);
        let generated = Generated::of(self.source, &unit.table, renamed);
        let difference = match columns.or(rows) {
            None if expected.rows > 0 => self.generated(unit, other, &generated)?,
            difference => difference,
        };
        let not_compared = generated.sentences(&label).collect();
        let keys = self.keys(unit, other);
        let result = TableResult::new(label, Some(expected), Some(found), difference)
            .not_comparing(not_compared)
            .with_keys(keys);
        Ok((result, differs))
    }

    /// Looks for the rows that differ, and adds them to the tables' results.
    fn find_rows<'t>(
        &self,
        results: &mut [(u32, TableResult)],
        differing: Vec<(&'t Task<'a>, Both)>,
        mut mismatches: Vec<Mismatch<'t, 'a>>,
    ) -> Result<()> {
        let mut search = Search {
            source: self.source,
            target: self.target,
            names: self.names,
            conversions: self.conversions,
            most: self.rows,
            ahead: Mutex::default(),
        };
        let mut found: Vec<(u32, Found)> = Vec::new();
        if let Source::Archive(archived) = self.source {
            if archived.can_be_read_again() {
                mismatches = search.find_bins(archived, differing)?;
                search.ahead = Mutex::new(search.read_ahead(archived, &mismatches)?);
            } else {
                let reason = "an archive on stdin cannot be read again: give it as a file to see them";
                let unknown = |(task, _): (&Task<'_>, Both)| (task.unit.table.number, Err(reason.to_owned()));
                found.extend(differing.into_iter().map(unknown));
            }
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

    /// The target's rows, read with the source's columns in the source's order.
    fn found(&self, unit: &Unit<'_>, other: &Table, form: Form) -> Result<Fingerprint> {
        let mut view = other.clone();
        let called = |column: &Column| Column {
            name: column.target_name().to_owned(),
            ..column.clone()
        };
        view.columns = unit.renamed.stored_columns().map(called).collect();
        view.through_root = unit.table.through_root;
        self.target.fingerprint_of_rows(&view, form, &unit.extent)
    }

    /// Whether what both sides calculate is the same, in rows that are the same.
    fn generated(&self, unit: &Unit<'_>, other: &Table, generated: &Generated) -> Result<Option<Difference>> {
        if !generated.can_be_compared() {
            return Ok(None);
        }
        let renamed = generated.shown(unit.renamed);
        let shown = Unit {
            table: generated.shown(&unit.table),
            renamed: &renamed,
            parts: unit.parts.clone(),
            extent: Extent::by_query(),
        };
        let expected = self.source.fingerprint(&shown, self.names, self.conversions)?;
        let found = self.found(&shown, other, expected.form)?;
        let differ = || Difference::GeneratedValues(generated.names(unit.renamed));
        Ok((found != expected).then(differ))
    }

    /// What is to be said of a table's keys when its rows differ.
    fn keys(&self, unit: &Unit<'_>, other: &Table) -> KeyKind {
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
}

/// The target's table with the source's columns in the source's order.
fn view(unit: &Unit<'_>, other: &Table) -> Table {
    let there = |column: &Column| {
        let found = other.columns.iter().find(|it| it.name == column.target_name());
        found.unwrap_or(column).clone()
    };
    Table {
        columns: unit.renamed.stored_columns().map(there).collect(),
        through_root: unit.table.through_root,
        ..other.clone()
    }
}

/// The first column that only one side has, or that only one side generates.
fn column_difference(here: &Table, there: &Table) -> Option<Difference> {
    let find = |table: &Table, name: &str| table.columns.iter().find(|it| it.target_name() == name).cloned();
    for column in &here.columns {
        let name = quote_ident(column.target_name());
        match find(there, column.target_name()) {
            None => return Some(Difference::MissingColumn(name)),
            Some(found) if column.generated.is_some() && found.generated.is_none() => {
                return Some(Difference::NotGenerated(name));
            }
            Some(found) if column.generated.is_none() && found.generated.is_some() => {
                return Some(Difference::Generated(name));
            }
            Some(_) => {}
        }
    }
    let extra = there.stored_columns().find(|it| find(here, &it.name).is_none())?;
    Some(Difference::ExtraColumn(quote_ident(&extra.name)))
}
