//! What need not be moved, or not as it is: indexes that nobody uses, bloat, tables of which nothing is known.

use std::cmp::Reverse;

use cli::{count, size};
use inventory::{Index, Table};

use crate::report::section::Section;
use crate::sources::Source;

/// Less than this, or a smaller part of a table, is no bloat worth a line.
const BLOAT_BYTES_MIN: u64 = 1 << 20;
const BLOAT_PERCENT_MIN: u64 = 20;

/// Tables named in a line.
const NAMED_MAX: usize = 5;

/// Indexes that serve no constraint and were not read, of tables that were.
pub(super) fn unused_indexes(sources: &[Source], shown: usize) -> Option<Section> {
    let mut rows = Vec::new();
    for source in sources {
        for table in source.inventory.tables.iter().filter(|it| is_used(it)) {
            let unused = |it: &&Index| it.scans == Some(0) && !it.flags.constraint && !it.flags.unique;
            for it in table.indexes.iter().filter(unused) {
                let row = vec![
                    source.name().to_owned(),
                    table.label(),
                    it.name.clone(),
                    size(it.bytes),
                ];
                rows.push((it.bytes, row));
            }
        }
    }
    rows.sort_by_key(|(bytes, _)| Reverse(*bytes));
    let rows = rows.into_iter().map(|(_, row)| row).collect();
    let heads = ["SOURCE", "TABLE", "INDEX", ">SIZE"];
    Section::rows(
        "Indexes without a scan since statistics are kept",
        &heads,
        rows,
        shown,
    )
}

fn is_used(it: &Table) -> bool {
    let usage = it.usage.as_ref();
    usage.is_some_and(|it| it.sequential_scans + it.index_scans > 0)
}

pub(super) fn repeated_indexes(sources: &[Source], shown: usize) -> Option<Section> {
    let mut rows = Vec::new();
    for source in sources {
        for table in &source.inventory.tables {
            for it in &table.indexes {
                if let Some(other) = &it.duplicate_of {
                    let row = vec![
                        source.name().to_owned(),
                        table.label(),
                        it.name.clone(),
                        other.clone(),
                        size(it.bytes),
                    ];
                    rows.push((it.bytes, row));
                }
            }
        }
    }
    rows.sort_by_key(|(bytes, _)| Reverse(*bytes));
    let rows = rows.into_iter().map(|(_, row)| row).collect();
    let heads = ["SOURCE", "TABLE", "INDEX", "REPEATS", ">SIZE"];
    Section::rows("Indexes that repeat another", &heads, rows, shown)
}

pub(super) fn bloat(sources: &[Source], shown: usize) -> Option<Section> {
    let mut rows = Vec::new();
    for source in sources {
        for it in &source.inventory.tables {
            let bytes = it.bloat_bytes.unwrap_or(0);
            if bytes >= BLOAT_BYTES_MIN && bytes * 100 >= it.heap_bytes * BLOAT_PERCENT_MIN {
                let row = vec![
                    source.name().to_owned(),
                    it.label(),
                    size(it.heap_bytes),
                    format!("~{}", size(bytes)),
                    count(it.dead_rows.unwrap_or(0)),
                ];
                rows.push((bytes, row));
            }
        }
    }
    rows.sort_by_key(|(bytes, _)| Reverse(*bytes));
    let rows = rows.into_iter().map(|(_, row)| row).collect();
    let heads = ["SOURCE", "TABLE", ">SIZE", ">BLOAT", ">DEAD ROWS"];
    Section::rows("Bloat", &heads, rows, shown)
}

/// Their rows are not known, or only by what came and went.
pub(super) fn never_analyzed(sources: &[Source], is_verbose: bool) -> Option<Section> {
    let mut lines = Vec::new();
    for source in sources {
        let tables = source.inventory.tables.iter();
        let without: Vec<&Table> = tables
            .filter(|it| !it.rows_exact && it.rows_estimate.is_none())
            .collect();
        if without.is_empty() {
            continue;
        }
        let shown = if is_verbose {
            without.len()
        } else {
            NAMED_MAX.min(without.len())
        };
        let names: Vec<String> = without[..shown].iter().map(|it| it.label()).collect();
        let more = match without.len() - shown {
            0 => String::new(),
            more => format!(" and {} more", count(more as u64)),
        };
        lines.push(format!(
            "{}: {} of {} tables, their rows are guessed (ANALYZE them, or count with --exact): {}{more}",
            source.name(),
            count(without.len() as u64),
            count(source.inventory.tables.len() as u64),
            names.join(", ")
        ));
    }
    Section::lines("Never analyzed", lines)
}
