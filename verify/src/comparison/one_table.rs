//! The comparison of one table: by the servers' hashes, by fingerprints of what both sides have, by what explains the rest.

use catalog::{Column, Table, quote_ident};
use cli::{Failure, Result, Work};
use conversion::conversion_of;
use database::postgres::Extent;
use fingerprint::{Fingerprint, Form};

use super::Comparison;
use super::tables::Entry;
use crate::report::{Area, Difference, Finding, Proof, TableResult, Weight};
use crate::rows::calculated::Calculated;
use crate::rows::changed::Changed;
use crate::rows::explained::Rejected;
use crate::rows::generated::Generated;
use crate::rows::sample::{Reach, count_sql};
use crate::rows::shared::Shared;
use crate::rows::trees::Unit;
use crate::sides::Source;
/// One table on both sides.
struct Pair<'a> {
    /// As the source has it.
    whole: &'a Unit<'a>,
    /// As far as both sides have it.
    unit: Unit<'a>,
    shared: &'a Shared,
    other: &'a Table,
    reach: Reach,
}

impl Comparison<'_> {
    /// What came of a table; `totals` are those of both sides, where they were read already.
    pub(super) fn table(
        &self,
        entry: &Entry<'_>,
        totals: Option<(Fingerprint, Fingerprint)>,
    ) -> Result<TableResult> {
        let unit = &entry.unit;
        let name = unit.renamed.qualified_name();
        let label = self
            .merging
            .label(unit.table.number)
            .unwrap_or_else(|| name.to_string());
        let other = self.counterpart(&name);
        let columns = other.and_then(|it| column_difference(unit.renamed, it));
        let Some((shared, other)) = &entry.shared else {
            let expected = self.source.fingerprint(unit, self.names, self.conversions)?;
            self.advance(unit, expected.rows);
            let difference = columns.unwrap_or(Difference::MissingTable);
            return Ok(TableResult::new(label, Some(expected), None, Some(difference)));
        };
        let mut pair = Pair {
            whole: unit,
            unit: shared.unit(unit),
            shared,
            other,
            reach: Reach::default(),
        };
        pair.reach.source = self.extent_here(unit);
        let result = self.in_full(&mut pair, &label, columns, totals)?;
        if totals.is_none() {
            self.advance(unit, result.rows());
        }
        Ok(result.also_not_comparing(shared.left_out.clone()))
    }

    fn advance(&self, unit: &Unit<'_>, rows: u64) {
        let bytes = unit.bytes();
        self.progress.advance(Work { rows, bytes });
    }

    /// By the servers' own hashes; `None` where they differ, or can say nothing.
    pub(super) fn quickly(&self, entry: &Entry<'_>) -> Result<Option<TableResult>> {
        let Some((shared, other)) = &entry.shared else {
            return Ok(None);
        };
        let unit = &entry.unit;
        if self.merging.has(unit.table.number) {
            return Ok(None);
        }
        if unit.renamed.changes.is_some() {
            return Ok(None);
        }
        let columns = column_difference(unit.renamed, other);
        let reach = Reach {
            source: self.extent_here(unit),
            ..Reach::default()
        };
        let pair = Pair {
            whole: unit,
            unit: shared.unit(unit),
            shared,
            other,
            reach,
        };
        let label = unit.renamed.qualified_name().to_string();
        let table = &pair.unit.table;
        let converted = conversion_of(self.conversions, table.number).is_some();
        let maps = table.stores_names() && self.names.is_some();
        let Some(quick) = self
            .quick
            .as_ref()
            .filter(|_| columns.is_none() && !converted && !maps)
        else {
            return Ok(None);
        };
        let same = quick.same(pair.shared, pair.other, &pair.reach)?;
        let result = same.map(|rows| {
            let mut generated = Generated::of(self.source, &pair.whole.table, pair.whole.renamed);
            generated.leave_all_out(&pair.shared.renamed, "--quick does not look at it");
            self.advance(unit, rows.rows);
            TableResult::new(label.clone(), Some(rows), Some(rows), None)
                .proved_by(Proof::ServerHash)
                .not_comparing(generated.sentences(&label).collect())
                .also_not_comparing(shared.left_out.clone())
        });
        Ok(result)
    }

    /// By fingerprints of all rows, or of a sample.
    fn in_full(
        &self,
        pair: &mut Pair<'_>,
        label: &str,
        columns: Option<Difference>,
        totals: Option<(Fingerprint, Fingerprint)>,
    ) -> Result<TableResult> {
        let (proof, counts) = self.limit(pair)?;
        let expected = totals.map_or_else(|| self.expected(pair), |(it, _)| Ok(it))?;
        let (found, as_source) = self.found(pair, &expected, totals.map(|(_, it)| it))?;
        let mut proof = proof;
        let mut rows = (found != expected).then_some(Difference::Rows);
        if let Some((joined, sum)) = self.merging.with_joined(pair.unit.table.number, &found) {
            rows = (sum != Some(expected)).then_some(Difference::Rows);
            if joined > 0 {
                proof = Proof::ButJoined(joined);
            }
        }
        if rows.is_some()
            && let Some(rejected) = self.explained.rejected(&pair.unit.renamed.qualified_name())
        {
            let explains = self.rejected_explain(pair, &rejected, (&expected, &found))?;
            self.say(rejected.finding(label, explains));
            if explains {
                rows = None;
                proof = Proof::ButFor(rejected.fingerprint.rows);
            }
        } else if as_source {
            let finding = Finding::new(Area::Rows, format!("table {label}"), "same values, types differ");
            let note = format!("compared {}", pair.shared.read_as());
            self.say(finding.weighing(Weight::Advice).with_note(note));
        }
        let is_same = rows.is_none() && columns.is_none() && counts.is_none();
        let mut generated = Generated::of(self.source, &pair.whole.table, pair.whole.renamed);
        let mut difference = columns.or(rows).or(counts);
        if is_same && expected.rows > 0 {
            difference = self.generated(pair, &mut generated)?;
        }
        let mut left_out: Vec<String> = generated.sentences(label).collect();
        if difference.is_none() && pair.shared.renamed.changes.is_some() {
            let changed = Changed {
                source: self.source,
                target: self.target,
                shared: pair.shared,
                other: pair.other,
                extents: (&pair.reach.source, &pair.reach.target),
            };
            let (differing, not_compared) = changed.differing()?;
            difference = (!differing.is_empty()).then_some(Difference::ChangedValues(differing));
            left_out.extend(not_compared);
        }
        let keys = self.keys(&pair.unit, pair.other);
        let result = TableResult::new(label.to_owned(), Some(expected), Some(found), difference);
        Ok(result.not_comparing(left_out).proved_by(proof).with_keys(keys))
    }

    /// Narrows a pair to the sample, where one was asked for; a difference when the sides have not as many rows.
    fn limit(&self, pair: &mut Pair<'_>) -> Result<(Proof, Option<Difference>)> {
        let (Some(sample), Source::Postgres(source)) = (self.sample, self.source) else {
            return Ok((Proof::Fingerprint, None));
        };
        let is_filtered = pair.reach.source != Extent::default();
        let converted = conversion_of(self.conversions, pair.unit.table.number).is_some();
        let reach = if is_filtered || converted || self.merging.has(pair.unit.table.number) {
            None
        } else {
            sample.reach(source, pair.shared)?
        };
        let Some(reach) = reach else {
            return Ok((Proof::Fingerprint, None));
        };
        pair.reach = reach;
        let view = pair.shared.view(pair.other);
        let (here, there) = rayon::join(
            || source.number(&pair.unit.table, &count_sql(&pair.unit.table), Failure::source),
            || self.target.number(&view, &count_sql(&view), Failure::target),
        );
        let (here, there) = (here?, there?);
        let counts = (here != there).then_some(Difference::Counts(here, there));
        Ok((Proof::Sample { of: here }, counts))
    }

    fn expected(&self, pair: &Pair<'_>) -> Result<Fingerprint> {
        let unit = Unit {
            table: pair.unit.table.clone(),
            renamed: pair.unit.renamed,
            parts: pair.unit.parts.clone(),
            extent: pair.reach.source.clone(),
        };
        self.source.fingerprint(&unit, self.names, self.conversions)
    }

    /// The target's rows, read with the source's columns in the source's order; and whether they had to be read as the
    /// source's types.
    fn found(
        &self,
        pair: &Pair<'_>,
        expected: &Fingerprint,
        ahead: Option<Fingerprint>,
    ) -> Result<(Fingerprint, bool)> {
        let (shared, extent) = (pair.shared, &pair.reach.target);
        let read = |form| {
            self.target
                .fingerprint_of_rows(&shared.view(pair.other), form, extent)
        };
        let mut plain = ahead;
        if plain.is_none() && !shared.has_other_bytes(expected.form) {
            plain = Some(read(expected.form)?);
        }
        if plain == Some(*expected) || !shared.is_retyped() {
            return Ok((plain.map_or_else(|| read(expected.form), Ok)?, false));
        }
        let as_source = shared.found_as_source(self.target, pair.other, expected.form, extent)?;
        match (as_source, plain) {
            (Some(it), _) => Ok((it, it == *expected)),
            (None, Some(plain)) => Ok((plain, false)),
            // Nothing but its count says something about the source's.
            (None, None) => Ok((read(Form::Text)?, false)),
        }
    }

    /// Whether the rows that `load` rejected are all that the target lacks.
    fn rejected_explain(
        &self,
        pair: &Pair<'_>,
        rejected: &Rejected,
        (expected, found): (&Fingerprint, &Fingerprint),
    ) -> Result<bool> {
        let form = rejected.fingerprint.form;
        if form == expected.form || form == Form::Binary || matches!(self.source, Source::Archive(_)) {
            return Ok(rejected.explains(expected, found));
        }
        // The archive had them as text.
        let mut table = pair.unit.table.clone();
        table.columns.iter_mut().for_each(|it| it.binary_safe = false);
        let unit = Unit {
            table,
            renamed: pair.unit.renamed,
            parts: pair.unit.parts.clone(),
            extent: pair.reach.source.clone(),
        };
        let expected = self.source.fingerprint(&unit, self.names, self.conversions)?;
        let view = pair.shared.view(pair.other);
        let found = self.target.fingerprint_of_rows(&view, form, &pair.reach.target)?;
        Ok(rejected.explains(&expected, &found))
    }

    /// Whether what both sides calculate is the same, in rows that are the same.
    fn generated(&self, pair: &Pair<'_>, generated: &mut Generated) -> Result<Option<Difference>> {
        if !generated.can_be_compared() {
            return Ok(None);
        }
        if let Source::Postgres(source) = self.source {
            if conversion_of(self.conversions, pair.unit.table.number).is_some() {
                generated.leave_all_out(&pair.shared.renamed, "keys of its table become UUIDs");
                return Ok(None);
            }
            let calculated = Calculated {
                source: source.as_ref(),
                target: self.target,
                shared: pair.shared,
                other: pair.other,
                extents: (&pair.reach.source, &pair.reach.target),
            };
            let differing = calculated.differing(generated)?;
            return Ok((!differing.is_empty()).then_some(Difference::GeneratedValues(differing)));
        }
        let renamed = generated.shown(&pair.shared.renamed);
        let shown = Unit {
            table: generated.shown(&pair.unit.table),
            renamed: &renamed,
            parts: pair.unit.parts.clone(),
            extent: Extent::by_query(),
        };
        let expected = self.source.fingerprint(&shown, self.names, self.conversions)?;
        let view = Table {
            columns: called_as_there(renamed.stored_columns()),
            through_root: pair.unit.table.through_root,
            ..pair.other.clone()
        };
        let found = self
            .target
            .fingerprint_of_rows(&view, expected.form, &Extent::by_query())?;
        let differ = || Difference::GeneratedValues(generated.names(&pair.shared.renamed));
        Ok((found != expected).then(differ))
    }
}

/// Columns under the names that they have on the target.
fn called_as_there<'a>(columns: impl Iterator<Item = &'a Column>) -> Vec<Column> {
    let called = |column: &Column| Column {
        name: column.target_name().to_owned(),
        ..column.clone()
    };
    columns.map(called).collect()
}

/// Places of the columns that are compared, for those tables of an archive whose rows do not have just these in this
/// order.
pub(super) fn projections(unit: &Unit<'_>, shared: &Shared) -> Vec<(u32, Vec<usize>)> {
    let whole = [&unit.table];
    let tables = if unit.parts.is_empty() {
        whole.as_slice()
    } else {
        unit.parts.as_slice()
    };
    let places = |table: &Table| -> Vec<usize> {
        let place = |column: &Column| table.stored_columns().position(|it| it.name == column.name);
        shared.table.stored_columns().filter_map(place).collect()
    };
    let differs = |table: &&Table| {
        !places(table)
            .iter()
            .copied()
            .eq(0..table.stored_columns().count())
    };
    let differing = tables.iter().filter(|it| differs(it));
    differing.map(|it| (it.number, places(it))).collect()
}

/// The first column that only one side has, or that only one side generates.
pub(super) fn column_difference(here: &Table, there: &Table) -> Option<Difference> {
    let find = |table: &Table, name: &str| table.columns.iter().find(|it| it.target_name() == name).cloned();
    let changes = here.changes.clone().unwrap_or_default();
    for column in &here.columns {
        let name = quote_ident(column.target_name());
        if changes.drops(&column.name) {
            // Another one can have got its name.
            let is_taken = here
                .columns
                .iter()
                .any(|it| it.name != column.name && it.target_name() == column.name);
            if find(there, &column.name).is_some() && !is_taken {
                return Some(Difference::ExtraColumn(name));
            }
            continue;
        }
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
    if let Some(missing) = changes.added.iter().find(|it| find(there, &it.name).is_none()) {
        return Some(Difference::MissingColumn(quote_ident(&missing.name)));
    }
    let is_known = |it: &Column| find(here, &it.name).is_some() || changes.adds(&it.name);
    let extra = there.stored_columns().find(|it| !is_known(it))?;
    Some(Difference::ExtraColumn(quote_ident(&extra.name)))
}
