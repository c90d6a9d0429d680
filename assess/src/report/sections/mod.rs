//! What a report says of the sources below its first table: only what there is something to say of.

mod health;
mod outside;
mod people;
mod server;
mod verbose;

use super::Report;
use super::section::Section;
use crate::sources::Source;
use crate::{columns, large_objects};

/// Rows of a section that people see without `--verbose`.
const SHOWN: usize = 5;

pub(super) fn all(report: &Report<'_>) -> Vec<Section> {
    let (sources, is_verbose) = (report.sources, report.is_verbose);
    let shown = if is_verbose { usize::MAX } else { SHOWN };
    let mut sections: Vec<Option<Section>> = vec![
        server::servers(report),
        server::settings(sources, is_verbose),
        Section::lines("Large objects", large_objects::lines(sources)),
        people::roles(sources, shown),
        people::connections(sources, shown),
        people::statements(sources, is_verbose),
        health::unused_indexes(sources, shown),
        health::repeated_indexes(sources, shown),
        health::bloat(sources, shown),
        health::never_analyzed(sources, is_verbose),
        outside::row_security(sources),
        outside::replication(sources),
        outside::foreign_servers(sources, shown),
    ];
    if is_verbose {
        sections.extend(sources.iter().flat_map(verbose::of));
    }
    if is_verbose {
        sections.extend(sources.iter().map(types_of));
    } else {
        sections.push(types(sources));
    }
    sections.push(Section::lines("Not read", not_read(report)));
    sections.into_iter().flatten().collect()
}

/// What becomes of the columns of a SQLite file.
fn types_of(source: &Source) -> Option<Section> {
    let file = source.file.as_ref().filter(|it| !it.census.is_empty())?;
    let title = format!("Types of {}", source.name());
    Section::rows(&title, &columns::HEADS, columns::rows(&file.census), usize::MAX)
}

/// The same in a line for each file.
fn types(sources: &[Source]) -> Option<Section> {
    let files = sources
        .iter()
        .filter_map(|it| Some((it.name(), it.file.as_ref()?)));
    let lines = files.filter(|(_, it)| !it.census.is_empty()).map(|(name, it)| {
        format!(
            "{name}: {} columns, {} of a type that their declaration does not tell (--verbose shows all)",
            cli::count(columns::count_of(&it.census)),
            cli::count(it.types.len() as u64)
        )
    });
    Section::lines("Types", lines.collect())
}

fn not_read(report: &Report<'_>) -> Vec<String> {
    let of = |it: &Source| {
        let name = it.name().to_owned();
        let sentences = it.inventory.unread.clone();
        sentences
            .into_iter()
            .map(move |sentence| format!("{name}: {sentence}"))
    };
    report.sources.iter().flat_map(of).collect()
}
