//! The sentence that a report ends with: everything that was found, counted.

use std::fmt::Write as _;

use cli::count;

use super::{Area, LargeObjects, Report, Weight, counted, differ};

pub(super) fn sentence(report: &Report) -> String {
    let tables = report.tables.iter();
    let total = tables.clone().filter_map(|it| it.source).map(|it| it.rows).sum();
    let all = report.tables.len() as u64;
    if report.target.is_none() {
        let (tables, rows) = (counted(all, "table"), counted(total, "row"));
        return format!("{tables}, {rows}: the archive is whole.");
    }
    let differing = tables.filter(|it| it.difference.is_some()).count() as u64;
    let (tables, word) = (counted(all, "table"), report.scope.word());
    let mut text = if differing == 0 {
        format!("{tables} {word}, {}", counted(total, "row"))
    } else {
        let identical = count(all - differing);
        format!("{identical} of {tables} {word}, {}", differ(differing))
    };
    for (area, thing) in [
        (Area::Rows, "row finding"),
        (Area::Schema, "schema difference"),
        (Area::Sequence, "sequence difference"),
        (Area::Health, "health finding"),
        (Area::Isolation, "leak"),
        (Area::Query, "query difference"),
    ] {
        let found = report.findings_of(area, Weight::Difference).count() as u64;
        if found > 0 {
            let _ = write!(text, "; {}", counted(found, thing));
        }
    }
    if let Some(it) = &report.large_objects {
        text += &large_objects(it);
    }
    text + "."
}

fn large_objects(objects: &LargeObjects) -> String {
    let all = counted(objects.source as u64, "large object");
    if objects.are_identical() {
        format!("; {all} identical")
    } else {
        let wrong = (objects.missing.len() + objects.differing.len()) as u64;
        format!("; of {all} {}", differ(wrong))
    }
}
