//! Orphans: rows whose foreign key refers to no row. Every key is looked through, also one that PostgreSQL calls valid: with
//! triggers off (`session_replication_role`, `DISABLE TRIGGER`) anything gets past it.

use std::collections::BTreeSet;

use catalog::ForeignKey;
use cli::{Failure, Result};
use database::postgres::health::{ReferenceCheck, read_reference_checks, reference_checks_for};
use database::postgres::read_foreign_keys;
use rayon::prelude::*;
use rewrite::foreign_keys;

use super::{Scene, excuse};
use crate::report::{Area, Finding, Weight, counted};
use crate::sides::Source;

pub(super) fn look(scene: &Scene<'_>) -> Result<Vec<Finding>> {
    let declared = scene
        .target
        .with_snapshot(|it| read_reference_checks(it.client(), scene.schemas))
        .map_err(Failure::target)?;
    let known: Vec<_> = declared.iter().map(|it| identity(&it.key)).collect();
    let mut meant = source_keys(scene)?;
    meant.retain(|it| !known.contains(&identity(it)));
    meant.dedup();
    let meant = scene
        .target
        .with_snapshot(|it| reference_checks_for(it.client(), &meant))
        .map_err(Failure::target)?;
    let found: Result<Vec<Option<Finding>>> = declared
        .par_iter()
        .chain(&meant)
        .map(|check| orphans_of(scene, check))
        .collect();
    Ok(found?.into_iter().flatten().collect())
}

/// The keys that the source declares, or would if it could, by the names of the target.
fn source_keys(scene: &Scene<'_>) -> Result<Vec<ForeignKey>> {
    let mut keys = match scene.source {
        Source::Postgres(live) => live
            .with_snapshot(|it| read_foreign_keys(it.client()))
            .map_err(Failure::source)?,
        Source::Sqlite(file) => foreign_keys(&file.inspection.post_data),
        Source::Archive(it) => it.foreign_keys.clone(),
    };
    let catalog = scene.source.catalog();
    keys.extend(catalog.left_out_keys.iter().cloned());
    let renamed = |key: ForeignKey| {
        let parent = catalog
            .tables
            .iter()
            .find(|it| it.qualified_name() == key.parent)?;
        let parent_columns = if key.parent_columns.is_empty() {
            &parent.primary_key
        } else {
            &key.parent_columns
        };
        if parent_columns.len() != key.columns.len() {
            return None;
        }
        let (table, columns) = scene.renamed_columns(&key.table, &key.columns)?;
        let (parent, parent_columns) = scene.renamed_columns(&key.parent, parent_columns)?;
        Some(ForeignKey {
            table,
            columns,
            parent,
            parent_columns,
        })
    };
    Ok(keys.into_iter().filter_map(renamed).collect())
}

/// What makes two keys the same, in whatever order they name their columns.
fn identity(key: &ForeignKey) -> (String, String, BTreeSet<(String, String)>) {
    let pairs = key
        .columns
        .iter()
        .cloned()
        .zip(key.parent_columns.iter().cloned());
    (key.table.to_string(), key.parent.to_string(), pairs.collect())
}

fn orphans_of(scene: &Scene<'_>, check: &ReferenceCheck) -> Result<Option<Finding>> {
    let key = &check.key;
    let object = match &check.constraint {
        Some(name) => format!("foreign key {} of {}", catalog::quote_ident(name), key.table),
        None => format!(
            "foreign key ({}) of {} to {}",
            key.columns.join(", "),
            key.table,
            key.parent
        ),
    };
    let not_compared = |why: String| {
        Finding::new(Area::Health, &object, "orphans")
            .weighing(Weight::NotCompared)
            .with_note(why)
    };
    if check.is_temporal {
        let why = "a key over periods, which several rows together can cover";
        return Ok(Some(not_compared(why.to_owned())));
    }
    let what = format!("orphans of {} could not be counted", key.table);
    let rows = match scene.target.ask(&check.count_sql(), &what, Failure::target) {
        Ok(rows) => rows,
        Err(failure) => return excuse(&failure).map_or(Err(failure), |why| Ok(Some(not_compared(why)))),
    };
    let count = rows.first().and_then(|row| row.first()?.as_deref()?.parse().ok());
    let count: u64 = count.unwrap_or_default();
    if count == 0 {
        return Ok(None);
    }
    let verb = if count == 1 { "refers" } else { "refer" };
    let mut note = format!("{} {verb} to no row of {}", counted(count, "row"), key.parent);
    if scene.examples > 0 {
        let examples = scene
            .target
            .ask(&check.examples_sql(scene.examples), &what, Failure::target)?;
        let shown = examples.iter().map(|row| {
            let values = row
                .iter()
                .map(|it| it.clone().unwrap_or_else(|| "NULL".to_owned()));
            format!("({})", values.collect::<Vec<_>>().join(", "))
        });
        note = format!("{note}: {}", shown.collect::<Vec<_>>().join(", "));
    }
    let is_source_s = scene.is_as_in_source(&key.table) && scene.is_as_in_source(&key.parent);
    let finding = Finding::new(Area::Health, &object, "orphans");
    Ok(Some(if is_source_s && !check.validated {
        finding
            .weighing(Weight::Advice)
            .with_note(format!("{note}; the source has the same rows"))
    } else {
        finding.with_note(note)
    }))
}
