//! How the rows of a table are told apart, on both sides alike: by which columns, and in which bins.

use std::collections::HashMap;
use std::sync::Arc;

use catalog::{Column, QualifiedName, Table, TableKind};
use cli::{Failure, Result};
use conversion::{TableConversion, conversion_of};
use database::postgres::{ordered_kind, read_bounds, read_unique_keys};
use fingerprint::{BINS_MAX, Form, KeyBins, OrderedKind};

use crate::rows::trees::Unit;
use crate::sides::{Live, Source};

/// A table that has fewer bytes is read again as a whole: that costs less than to count its rows apart.
const DIVIDED_BYTES_MIN: u64 = 1 << 20;
/// And one that has more in as many bins as there can be.
const FINE_BYTES_MIN: u64 = 32 << 20;

/// Chooses what tells rows apart.
pub(crate) struct Layouts<'a> {
    source: &'a Source,
    target: &'a Live,
    conversions: &'a [TableConversion],
    /// Keys of tables without a primary key, by the names of the side that was asked: the source, where it is a server.
    unique: HashMap<QualifiedName, Vec<String>>,
}

impl<'a> Layouts<'a> {
    pub(crate) fn new(
        source: &'a Source,
        target: &'a Live,
        conversions: &'a [TableConversion],
    ) -> Result<Self> {
        let unique = match source {
            Source::Postgres(live) => live
                .with_snapshot(|it| read_unique_keys(it.client()))
                .map_err(Failure::source)?,
            Source::Sqlite(_) | Source::Archive(_) => target
                .with_snapshot(|it| read_unique_keys(it.client()))
                .map_err(Failure::target)?,
        };
        Ok(Layouts {
            source,
            target,
            conversions,
            unique,
        })
    }

    /// The bins of a table whose rows travel in `form`; `other` is the target's.
    pub(crate) fn of(&self, unit: &Unit<'_>, other: &Table, form: Form) -> Result<Arc<KeyBins>> {
        let key = self.key(unit, other);
        let bytes = unit.bytes().max(other.bytes);
        if bytes < DIVIDED_BYTES_MIN {
            return Ok(Arc::new(KeyBins::whole(key)));
        }
        let (count, digits) = if bytes < FINE_BYTES_MIN {
            (256, 2)
        } else {
            (BINS_MAX, 3)
        };
        let ranges = self.ranges(unit, other, form, &key, count)?;
        Ok(Arc::new(match ranges {
            Some((kind, bounds)) => KeyBins::ranges(key, kind, bounds),
            None => KeyBins::hashed(key, 0, digits),
        }))
    }

    /// Places of the key's columns among those that are read; none without a key that both sides have columns for.
    fn key(&self, unit: &Unit<'_>, other: &Table) -> Vec<usize> {
        let places = |names: &[String], called: fn(&Column) -> &str, table: &Table| -> Option<Vec<usize>> {
            let place = |name: &String| {
                let mut columns = table.stored_columns();
                let place = columns.position(|it| called(it) == name)?;
                let there = unit.renamed.stored_columns().nth(place)?;
                let mut others = other.stored_columns();
                others.any(|it| it.name == there.target_name()).then_some(place)
            };
            names.iter().map(place).collect()
        };
        let named: fn(&Column) -> &str = |it| &it.name;
        let primary = places(&unit.table.primary_key, named, &unit.table);
        let unique = || match self.source {
            Source::Postgres(_) => {
                let key = self.unique.get(&unit.table.qualified_name())?;
                places(key, named, &unit.table)
            }
            Source::Sqlite(_) | Source::Archive(_) => places(
                self.unique.get(&other.qualified_name())?,
                Column::target_name,
                unit.renamed,
            ),
        };
        let key = primary.filter(|it| !it.is_empty()).or_else(unique);
        key.unwrap_or_default()
    }

    fn ranges(
        &self,
        unit: &Unit<'_>,
        other: &Table,
        form: Form,
        key: &[usize],
        count: usize,
    ) -> Result<Option<(OrderedKind, Vec<u128>)>> {
        let column = |table: &Table, name: fn(&Column) -> &str| {
            let place = key.first().copied()?;
            table.stored_columns().nth(place).map(|it| name(it).to_owned())
        };
        let here = column(&unit.table, |it| &it.name);
        let (Some(here), Some(there)) = (here, column(unit.renamed, Column::target_name)) else {
            return Ok(None);
        };
        let is_alone = key.len() == 1;
        if other.kind == TableKind::Part {
            // What its columns are called there is no column of a table.
            return Ok(None);
        }
        let Some(kind) = ordered_kind(other, &there).filter(|it| it.is_ordered_in(form)) else {
            return Ok(None);
        };
        let is_converted =
            conversion_of(self.conversions, unit.table.number).is_some_and(|it| it.column(&here).is_some());
        if is_converted {
            // A hash makes these UUIDs.
            let even = |it: usize| u128::MAX / count as u128 * it as u128;
            return Ok(
                (kind == OrderedKind::Uuid && is_alone).then(|| (kind, (1..count).map(even).collect()))
            );
        }
        if ordered_kind(&unit.table, &here) != Some(kind) {
            return Ok(None);
        }
        let bounds = match self.source {
            Source::Postgres(live) => live
                .with_snapshot(|it| read_bounds(it.client(), &unit.table, &here, kind, is_alone, count))
                .map_err(Failure::source)?,
            Source::Sqlite(_) | Source::Archive(_) => self
                .target
                .with_snapshot(|it| read_bounds(it.client(), other, &there, kind, is_alone, count))
                .map_err(Failure::target)?,
        };
        Ok(bounds.map(|bounds| (kind, bounds)))
    }
}
