//! Constraints that are not validated and indexes that are not valid, where no definitions of the source are there to say
//! so property by property.

use std::collections::HashSet;

use catalog::{Object, ObjectKind, QualifiedName, quote_ident};
use cli::{Failure, Result};
use database::postgres::health::{Unproved, read_unproved};

use super::Scene;
use crate::report::{Area, Finding, Weight};
use crate::sides::Source;

pub(super) fn look(scene: &Scene<'_>) -> Result<Vec<Finding>> {
    if scene.has_definitions {
        return Ok(Vec::new());
    }
    let found = scene
        .target
        .with_snapshot(|it| read_unproved(it.client(), scene.schemas))
        .map_err(Failure::target)?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let here = in_source(scene)?;
    Ok(found.iter().map(|it| finding(scene, it, &here)).collect())
}

/// The same of the source, by the names of the target.
fn in_source(scene: &Scene<'_>) -> Result<HashSet<Object>> {
    let Source::Postgres(live) = scene.source else {
        return Ok(HashSet::new());
    };
    let catalog = scene.source.catalog();
    let schemas: Vec<String> = catalog.schemas.iter().map(|it| it.name.clone()).collect();
    let found = live
        .with_snapshot(|it| read_unproved(it.client(), &schemas))
        .map_err(Failure::source)?;
    let is_one = |object: &Object| found.iter().any(|it| is_about(it, object));
    let pairs = catalog.objects.iter().zip(&scene.renamed.objects);
    Ok(pairs
        .filter(|(old, _)| is_one(old))
        .map(|(_, new)| new.clone())
        .collect())
}

fn is_about(unproved: &Unproved, object: &Object) -> bool {
    unproved.kind == object.kind
        && unproved.schema == object.schema
        && unproved.name == object.name
        && unproved.table == object.table
}

fn finding(scene: &Scene<'_>, it: &Unproved, here: &HashSet<Object>) -> Finding {
    let (word, property, meaning) = match it.kind {
        ObjectKind::Index => (
            "index",
            "not valid",
            "no query uses it, and it may hold two of what is unique",
        ),
        _ => ("constraint", "not validated", "rows from before may break it"),
    };
    let name = match &it.table {
        Some(table) => format!(
            "{} of {}",
            quote_ident(&it.name),
            QualifiedName::new(&it.schema, table)
        ),
        None => QualifiedName::new(&it.schema, &it.name).to_string(),
    };
    let finding = Finding::new(Area::Health, format!("{word} {name}"), property);
    if here.iter().any(|object| is_about(it, object)) {
        return finding
            .weighing(Weight::Expected)
            .with_note("nor is it in the source");
    }
    match scene.source {
        Source::Archive(archive) if archive.header.source.kind == archive::SourceKind::PostgreSql => {
            finding.weighing(Weight::Advice).with_note(format!(
                "{meaning}; the archive does not say how it is in the source"
            ))
        }
        _ => finding.with_note(meaning),
    }
}
