//! What stands beside the source's own tables: large objects, and rows of the user's in extensions' configuration
//! tables. The target holds others' too, so they are compared one by one: each of the source's must be there.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use catalog::{Catalog, Table, TableKind, oid_ranges};
use cli::{Exit, Failure, Progress, Result, Work, count};
use database::postgres::{
    Extent, check_large_objects_readable, find_configuration_table, large_object_oids, large_object_parts,
    large_objects_among,
};
use fingerprint::{Fingerprint, Form, Row, RowBag};
use rayon::prelude::*;
use rewrite::NameMap;
use serde_json::{Value, json};

use crate::report::{Difference, TableResult};
use crate::rows::scan::Scan;
use crate::sides::{Live, Source};

/// Large objects that are read in one go on the target.
const READ_AT_ONCE: usize = 1000;

/// Rows that are kept one by one, as their hashes.
pub(crate) enum Kept {
    /// The fingerprints of large objects by their OIDs; one without bytes has no rows and is not here.
    Objects(HashMap<u32, Fingerprint>),
    /// How often each row is there, and all together.
    Rows(RowBag, Fingerprint),
    /// Rows that have not been met yet, how often each is still to come, and all that were met together.
    Sought(RowBag, Fingerprint),
}

impl Kept {
    /// For the rows of `table` in `form`; `None` for a table that is compared as a whole.
    pub(crate) fn of_table(table: &Table, form: Form) -> Option<Kept> {
        match table.kind {
            TableKind::LargeObjects => Some(Kept::Objects(HashMap::new())),
            TableKind::Configuration => Some(Kept::Rows(RowBag::default(), Fingerprint::empty(form))),
            _ => None,
        }
    }

    pub(crate) fn take(&mut self, row: Row<'_>) {
        // Rows of one table have one form.
        match self {
            Kept::Rows(rows, all) => {
                rows.add(row);
                let _ = all.merge(&row.fingerprint());
            }
            Kept::Sought(left, all) => {
                left.remove(row);
                let _ = all.merge(&row.fingerprint());
            }
            Kept::Objects(objects) => {
                let part = row.fingerprint();
                let whole = objects
                    .entry(oid_of(row).unwrap_or_default())
                    .or_insert_with(|| Fingerprint::empty(part.form));
                let _ = whole.merge(&part);
            }
        }
    }

    /// How many rows were met.
    fn rows(&self) -> u64 {
        match self {
            Kept::Rows(_, all) | Kept::Sought(_, all) => all.rows,
            Kept::Objects(objects) => objects.values().map(|it| it.rows).sum(),
        }
    }

    fn into_objects(self) -> HashMap<u32, Fingerprint> {
        match self {
            Kept::Objects(objects) => objects,
            Kept::Rows(..) | Kept::Sought(..) => HashMap::new(),
        }
    }
}

/// The large object whose piece a row is.
fn oid_of(row: Row<'_>) -> Option<u32> {
    let value = row.values().next()??;
    match row.form() {
        Form::Binary => Some(u32::from_be_bytes(value.try_into().ok()?)),
        Form::Text => std::str::from_utf8(value).ok()?.parse().ok(),
    }
}

/// What came of the large objects.
#[derive(Debug)]
pub(crate) struct LargeObjects {
    pub(crate) source: usize,
    /// Those of the source's that the target has.
    pub(crate) target: usize,
    /// Ascending OIDs.
    pub(crate) missing: Vec<u32>,
    pub(crate) differing: Vec<u32>,
}

impl LargeObjects {
    pub(crate) fn are_identical(&self) -> bool {
        self.missing.is_empty() && self.differing.is_empty()
    }

    pub(crate) fn verdict(&self) -> String {
        let part = |oids: &[u32], what: &str| {
            (!oids.is_empty()).then(|| format!("{} {what}", count(oids.len() as u64)))
        };
        let parts = [part(&self.missing, "missing"), part(&self.differing, "differ")];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            "identical".to_owned()
        } else {
            parts.join(", ")
        }
    }

    /// The OIDs of those that are not identical.
    pub(crate) fn sentences(&self) -> Vec<String> {
        let sentence = |oids: &[u32], what: &str| {
            (!oids.is_empty()).then(|| format!("large objects that {what}: {}", oid_ranges(oids).join(", ")))
        };
        let sentences = [
            sentence(&self.missing, "are missing on the target"),
            sentence(&self.differing, "differ"),
        ];
        sentences.into_iter().flatten().collect()
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "source": self.source, "target": self.target, "missing": self.missing, "differing": self.differing,
        })
    }
}

/// Compares the bytes of all large objects of the source; `None` when it has none.
pub(crate) fn large_objects(
    source: &Source,
    target: &Live,
    progress: &Progress,
) -> Result<Option<LargeObjects>> {
    let catalog = source.catalog();
    let Some(table) = catalog.large_objects_table() else {
        return Ok(None);
    };
    let there = target
        .with_snapshot(|it| large_object_oids(it.client()))
        .map_err(Failure::target)?;
    let is_there = |oid: &u32| there.binary_search(oid).is_ok();
    let wanted: Vec<u32> = catalog.large_objects.iter().map(|it| it.oid).collect();
    let (present, missing): (Vec<u32>, Vec<u32>) = wanted.iter().copied().partition(is_there);
    target
        .with_snapshot(|it| check_large_objects_readable(it.client(), Some(&present), false))
        .map_err(Failure::target)?;
    let (form, here) = objects_of_source(source, table)?;
    progress.advance(Work {
        rows: here.values().map(|it| it.rows).sum(),
        bytes: table.bytes,
    });
    let parts: Vec<Extent> = present.chunks(READ_AT_ONCE).map(large_objects_among).collect();
    let found = read_objects(target, table, &parts, form, Failure::target)?;
    let differing = present
        .iter()
        .copied()
        .filter(|oid| here.get(oid) != found.get(oid));
    Ok(Some(LargeObjects {
        source: wanted.len(),
        target: present.len(),
        missing,
        differing: differing.collect(),
    }))
}

fn objects_of_source(source: &Source, table: &Table) -> Result<(Form, HashMap<u32, Fingerprint>)> {
    if let Source::Postgres(live) = source {
        let parts = large_object_parts(&source.catalog().large_objects);
        let objects = read_objects(live, table, &parts, Form::Binary, Failure::source)?;
        return Ok((Form::Binary, objects));
    }
    let (form, kept) = source.kept(table, None)?;
    Ok((form, kept.into_objects()))
}

fn read_objects(
    live: &Live,
    table: &Table,
    parts: &[Extent],
    form: Form,
    failure: fn(database::Error) -> Failure,
) -> Result<HashMap<u32, Fingerprint>> {
    let all = Mutex::new(HashMap::new());
    parts.par_iter().try_for_each(|part| {
        let kept = live.kept(Scan::new(table, form, None), table, part, failure)?;
        all.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(kept.into_objects());
        Ok::<(), Failure>(())
    })?;
    Ok(all.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Looks for every row of the source in the target's configuration tables; `renamed` is the source's catalog under
/// the names of the target.
pub(crate) fn extension_rows(
    source: &Source,
    target: &Live,
    renamed: &Catalog,
    names: Option<&NameMap>,
    progress: &Progress,
) -> Result<Vec<TableResult>> {
    let pairs = source.catalog().tables.iter().zip(&renamed.tables);
    let pairs = pairs.filter(|(table, _)| table.kind == TableKind::Configuration);
    pairs
        .map(|(table, renamed)| {
            let (form, kept) = source.kept(table, names)?;
            progress.advance(Work {
                rows: kept.rows(),
                bytes: table.bytes,
            });
            rows_of_extension(target, renamed, form, kept)
        })
        .collect()
}

fn rows_of_extension(target: &Live, renamed: &Table, form: Form, kept: Kept) -> Result<TableResult> {
    let label = renamed.qualified_name().to_string();
    let Kept::Rows(wanted, expected) = kept else {
        return Err(Failure::new(
            Exit::Internal,
            format!("rows of {label} were not kept"),
        ));
    };
    let found = target
        .with_snapshot(|it| find_configuration_table(it.client(), renamed))
        .map_err(Failure::target)?;
    let lacking = |difference| {
        Ok(TableResult::new(
            label.clone(),
            Some(expected),
            None,
            Some(difference),
        ))
    };
    let Some(found) = found else {
        return lacking(Difference::MissingTable);
    };
    if let Some(column) = found.missing_columns.first() {
        return lacking(Difference::MissingColumn(column.clone()));
    }
    let whole = Table {
        index_bytes: None,
        origin: None,
        condition: None,
        merged: None,
        part: None,
        changes: None,
        ..renamed.clone()
    };
    // Nothing is kept of the target, which can have many more.
    let mut scan = Scan::new(&whole, form, None);
    scan.keep_in(Some(Kept::Sought(wanted, Fingerprint::empty(form))));
    let there = target.kept(scan, &whole, &Extent::default(), Failure::target)?;
    let Kept::Sought(left, all) = there else {
        return Err(Failure::new(
            Exit::Internal,
            format!("rows of {label} were not kept"),
        ));
    };
    let absent = left.rows();
    let difference = (absent > 0).then_some(Difference::Absent(absent));
    Ok(TableResult::new(label, Some(expected), Some(all), difference).of_many())
}

/// Adds what stands beside the tables of a live source to its catalog, as far as it is wanted.
pub(crate) fn complete(source: &mut Source, large_objects: bool, verbose: bool) -> Result<()> {
    let Source::Postgres(live) = source else {
        return Ok(());
    };
    let mut catalog = std::mem::take(&mut live.catalog);
    let added = live.with_snapshot(|snapshot| {
        let (client, chosen) = snapshot.parts();
        if large_objects {
            check_large_objects_readable(client, None, verbose)?;
            database::postgres::add_large_objects(client, &mut catalog)?;
        }
        database::postgres::add_extension_rows(client, chosen, &mut catalog)
    });
    live.catalog = catalog;
    added.map_err(Failure::source)
}
