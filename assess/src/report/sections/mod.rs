//! What a report says of the sources below its first table: only what there is something to say of.

mod health;
mod outside;
mod people;
mod server;
mod verbose;

use super::Report;
use super::section::Section;
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
    sections.extend(sources.iter().map(|it| types(it, is_verbose)));
    sections.push(Section::lines("Not read", not_read(report)));
    sections.into_iter().flatten().collect()
}

/// What becomes of the columns of a SQLite file.
fn types(source: &crate::sources::Source, is_verbose: bool) -> Option<Section> {
    let file = source.file.as_ref().filter(|it| !it.census.is_empty())?;
    if is_verbose {
        let title = format!("Types of {}", source.name());
        return Section::rows(&title, &columns::HEADS, columns::rows(&file.census), usize::MAX);
    }
    let (all, others) = (columns::count_of(&file.census), file.types.len() as u64);
    let line = format!(
        "{}: {} columns, {} of a type that their declaration does not tell (--verbose shows all)",
        source.name(),
        cli::count(all),
        cli::count(others)
    );
    Section::lines("Types", vec![line])
}

fn not_read(report: &Report<'_>) -> Vec<String> {
    let of = |it: &crate::sources::Source| {
        let name = it.name().to_owned();
        let sentences = it.inventory.unread.clone();
        sentences
            .into_iter()
            .map(move |sentence| format!("{name}: {sentence}"))
    };
    report.sources.iter().flat_map(of).collect()
}
