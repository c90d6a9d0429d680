//! The report for people: one screen tells the story.

use std::fmt::Write as _;

use cli::{Table, count, duration};
use fingerprint::Fingerprint;

use super::rows::row_lines;
use super::value::line;
use super::{Area, Finding, LargeObjects, Report, Shown, TableResult, Weight, grouped};
use crate::report::Run;

/// The sections after the tables, in their order.
pub(super) const SECTIONS: [(Area, &str); 6] = [
    (Area::Rows, "ROWS"),
    (Area::Schema, "SCHEMA"),
    (Area::Sequence, "SEQUENCES"),
    (Area::Health, "HEALTH"),
    (Area::Isolation, "ISOLATION"),
    (Area::Query, "QUERIES"),
];

/// Letters of a column of findings that others are aligned by; what is longer stands out.
const ALIGNED_MAX: usize = 48;

/// Lines of a section that are shown unless all are asked for.
const LINES_MAX: usize = 100;

pub(super) fn render(report: &Report, shown: Shown) -> String {
    let mut text = String::new();
    if report.target.is_some() {
        compared_tables(report, shown, &mut text);
    } else {
        tables_alone(report, &mut text);
    }
    for (area, title) in SECTIONS {
        let lines = section(report, area);
        if !lines.is_empty() {
            let _ = writeln!(text, "{title}");
            let most = if shown.verbose { lines.len() } else { LINES_MAX };
            for it in lines.iter().take(most) {
                writeln_to(&mut text, &format!("  {it}"));
            }
            let left = lines.len().saturating_sub(most) as u64;
            if left > 0 {
                writeln_to(
                    &mut text,
                    &format!("  … and {} more; --verbose shows all", count(left)),
                );
            }
        }
    }
    for line in remarks(report, shown) {
        writeln_to(&mut text, &line);
    }
    for (head, words) in provenance(report) {
        writeln_to(&mut text, &format!("{head:<7} {words}"));
    }
    writeln_to(&mut text, &report.closing());
    text
}

fn writeln_to(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

pub(super) fn row_count(side: Option<Fingerprint>) -> String {
    side.map_or("-".to_owned(), |it| count(it.rows))
}

/// Each table with the rows that differ below it.
fn compared_tables(report: &Report, shown: Shown, text: &mut String) {
    let mut table = Table::new(&["TABLE", ">SOURCE", ">TARGET", "ROWS"]);
    for it in &report.tables {
        table.row([
            line(&it.name),
            row_count(it.source),
            row_count(it.target),
            line(&it.verdict()),
        ]);
    }
    if let Some(it) = &report.large_objects {
        let number = |number: usize| count(number as u64);
        let name = "large objects".to_owned();
        table.row([name, number(it.source), number(it.target), it.verdict()]);
    }
    let shown_table = table.to_string();
    // The head is the first line; no cell has a second one.
    let rows_below = std::iter::once(Vec::new())
        .chain(report.tables.iter().map(|it| rows_of(it, shown)))
        .chain(std::iter::repeat_with(Vec::new));
    for (line, below) in shown_table.lines().zip(rows_below) {
        writeln_to(text, line);
        for it in &below {
            writeln_to(text, &format!("  {it}"));
        }
    }
}

pub(super) fn rows_of(table: &TableResult, shown: Shown) -> Vec<String> {
    table
        .rows
        .as_ref()
        .map_or_else(Vec::new, |it| row_lines(it, shown))
}

fn tables_alone(report: &Report, text: &mut String) {
    let mut table = Table::new(&["TABLE", ">ROWS", "FORM", "FINGERPRINT"]);
    for it in &report.tables {
        let form = it.source.map_or_else(String::new, |it| it.form.to_string());
        let sum = it.source.map_or_else(String::new, |it| it.sum());
        table.row([line(&it.name), row_count(it.source), form, sum]);
    }
    text.push_str(&table.to_string());
}

/// What is not the same in a part of the proof, a line each.
pub(super) fn section(report: &Report, area: Area) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    if area == Area::Schema {
        lines.extend(report.large_objects.iter().flat_map(LargeObjects::sentences));
    }
    let findings: Vec<&Finding> = report.findings_of(area, Weight::Difference).collect();
    let letters = |text: &str| line(text).chars().count();
    let width = |of: fn(&Finding) -> &str| {
        let widths = findings.iter().map(|it| letters(of(it)));
        widths.filter(|it| *it <= ALIGNED_MAX).max().unwrap_or(0)
    };
    let (objects, properties) = (width(|it| &it.object), width(|it| &it.property));
    lines.extend(findings.iter().map(|it| {
        let (object, property) = (line(&it.object), line(&it.property));
        let words = line(&format!("{}{}", it.sides(), it.note_in_brackets()));
        format!(
            "{object:<objects$}  {property:<properties$}  {}",
            words.trim_start_matches([':', ' '])
        )
        .trim_end()
        .to_owned()
    }));
    lines
}

/// What is no difference, and what could be wrong with the question.
pub(super) fn remarks(report: &Report, shown: Shown) -> Vec<String> {
    let mut lines = Vec::new();
    for (weight, word) in grouped::WEIGHTS {
        let grouped = grouped::lines(report, weight, shown);
        lines.extend(grouped.into_iter().map(|it| format!("{word}: {it}")));
    }
    lines.extend(
        report
            .discards
            .iter()
            .map(|it| format!("by choice: {}", line(it))),
    );
    let left = report.not_compared();
    lines.extend(left.into_iter().map(|it| format!("not compared: {}", line(it))));
    lines.extend(report.scope.sentences().iter().map(|it| line(it)));
    lines.extend(report.hint().map(|it| format!("hint: {it}")));
    lines
}

/// What was compared, and how.
pub(super) fn provenance(report: &Report) -> Vec<(&'static str, String)> {
    let (source, target) = &report.sides;
    let side = |head, side: &Option<super::Identity>| side.as_ref().map(|it| (head, it.to_string()));
    let source_head = if report.target.is_none() {
        "archive"
    } else {
        "source"
    };
    let run = report.run.as_ref().map(|it| {
        let options = it.options();
        let options = if options.is_empty() {
            "no options".to_owned()
        } else {
            options
        };
        let (started, took) = (it.started(), duration(it.took()));
        let mode = it.mode();
        (
            "verify",
            format!("{}, {mode} proof, {options}, {started}, {took}", Run::version()),
        )
    });
    side(source_head, source)
        .into_iter()
        .chain(side("target", target))
        .chain(run)
        .collect()
}
