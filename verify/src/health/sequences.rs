//! Sequences that would give numbers which their columns have already.

use catalog::QualifiedName;
use cli::{Failure, Result};
use database::postgres::health::{SequenceLink, read_sequence_links};
use rayon::prelude::*;

use super::{Scene, excuse};
use crate::report::{Area, Finding, Weight};

pub(super) fn look(scene: &Scene<'_>) -> Result<Vec<Finding>> {
    let links = scene
        .target
        .with_snapshot(|it| read_sequence_links(it.client(), scene.schemas))
        .map_err(Failure::target)?;
    let groups: Vec<&[SequenceLink]> = links.chunk_by(|a, b| a.sequence == b.sequence).collect();
    let groups = groups
        .into_par_iter()
        .filter(|it| !is_told(scene, &it[0].sequence));
    let found: Result<Vec<Option<Finding>>> = groups.map(|it| behind(scene, it)).collect();
    Ok(found?.into_iter().flatten().collect())
}

/// Whether the comparison with the source's sequence has said that it stands before it.
fn is_told(scene: &Scene<'_>, sequence: &QualifiedName) -> bool {
    let object = format!("sequence {sequence}");
    let mut told = scene.findings.iter().filter(|it| it.area == Area::Sequence);
    told.any(|it| it.object == object)
}

fn behind(scene: &Scene<'_>, links: &[SequenceLink]) -> Result<Option<Finding>> {
    let first = &links[0];
    let object = format!("sequence {}", first.sequence);
    let finding = Finding::new(Area::Health, &object, "behind its columns");
    let ask = |sql: &str| {
        let what = format!("{object} could not be compared with its columns");
        let rows = scene.target.ask(sql, &what, Failure::target)?;
        let value = rows.into_iter().next().and_then(|row| row.into_iter().next()?);
        Ok(value.and_then(|it| it.parse::<i128>().ok()))
    };
    let mut reached: Vec<(i128, &SequenceLink)> = Vec::new();
    let compared = (|| {
        let Some(next) = ask(&first.next_sql())? else {
            return Ok(None);
        };
        for link in links {
            let Some(value) = ask(&link.reached_sql())? else {
                continue;
            };
            let is_behind = if link.increment < 0 {
                next >= value
            } else {
                next <= value
            };
            if is_behind {
                reached.push((value, link));
            }
        }
        Ok(Some(next))
    })();
    let next = match compared {
        Ok(next) => next,
        Err(failure) => {
            let skipped = |why| Ok(Some(finding.weighing(Weight::NotCompared).with_note(why)));
            return excuse(&failure).map_or(Err(failure), skipped);
        }
    };
    let (Some(next), false) = (next, reached.is_empty()) else {
        return Ok(None);
    };
    let columns = reached
        .iter()
        .map(|(value, it)| format!("{value} in {}.{}", it.table, catalog::quote_ident(&it.column)));
    let note = format!(
        "it gives {next} next, and there is {} already",
        columns.collect::<Vec<_>>().join(", ")
    );
    let is_source_s = is_as_in_source(scene, &first.sequence)
        && reached.iter().all(|(_, it)| scene.is_as_in_source(&it.table));
    Ok(Some(if first.cycles {
        let note = format!("{note}; it begins anew at its end");
        finding.weighing(Weight::Advice).with_note(note)
    } else if is_source_s {
        let note = format!("{note}, as in the source");
        finding.weighing(Weight::Advice).with_note(note)
    } else {
        finding.with_note(note)
    }))
}

/// Whether both sides stand at the same number.
fn is_as_in_source(scene: &Scene<'_>, name: &QualifiedName) -> bool {
    let find = |catalog: &catalog::Catalog| {
        let mut sequences = catalog.sequences.iter();
        let found = sequences.find(|it| it.schema == name.schema && it.name == name.name);
        found.map(|it| (it.last_value, it.is_called, it.increment))
    };
    let here = find(scene.renamed);
    here.is_some() && here == find(&scene.target.catalog)
}
