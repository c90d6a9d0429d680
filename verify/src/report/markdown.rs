//! The report for a ticket or a pull request, in GitHub's Markdown.

use std::fmt::Write as _;

use super::text::{provenance, remarks, row_count, rows_of};
use super::value::line;
use super::{LargeObjects, Report, Shown, Weight, text::SECTIONS};

pub(super) fn render(report: &Report, shown: Shown) -> String {
    let verdict = if report.is_identical() {
        "identical"
    } else {
        "different"
    };
    let mut text = match &report.target {
        Some(target) => format!("# {} → {}: {verdict}\n\n", cell(&report.source), cell(target)),
        None => format!("# {}: the archive is whole\n\n", cell(&report.source)),
    };
    let _ = writeln!(text, "{}\n", cell(&report.closing()));
    tables(report, &mut text);
    for it in &report.tables {
        let lines = rows_of(it, shown);
        if !lines.is_empty() {
            let _ = writeln!(text, "\n### {}\n", cell(&line(&it.name)));
            fenced(&lines, &mut text);
        }
    }
    for (area, title) in SECTIONS {
        section(report, area, title, &mut text);
    }
    let remarks = remarks(report, shown);
    if !remarks.is_empty() {
        text.push_str("\n## Remarks\n\n");
        for it in &remarks {
            item(&mut text, it);
        }
    }
    text.push_str("\n## Provenance\n\n");
    for (head, words) in provenance(report) {
        item(&mut text, &format!("{head}: {words}"));
    }
    text.push('\n');
    text
}

fn item(text: &mut String, words: &str) {
    let _ = writeln!(text, "- {}", cell(words));
}

fn tables(report: &Report, text: &mut String) {
    if report.target.is_none() {
        text.push_str("| table | rows | form | fingerprint |\n| --- | ---: | --- | --- |\n");
        for it in &report.tables {
            let (form, sum) = it
                .source
                .map_or_else(Default::default, |it| (it.form.to_string(), it.sum()));
            row(text, &[&it.name, &row_count(it.source), &form, &sum]);
        }
        return;
    }
    text.push_str("| table | source | target | rows |\n| --- | ---: | ---: | --- |\n");
    for it in &report.tables {
        row(
            text,
            &[
                &it.name,
                &row_count(it.source),
                &row_count(it.target),
                &it.verdict(),
            ],
        );
    }
    if let Some(it) = &report.large_objects {
        let number = |it: usize| cli::count(it as u64);
        row(
            text,
            &[
                "large objects",
                &number(it.source),
                &number(it.target),
                &it.verdict(),
            ],
        );
    }
}

fn section(report: &Report, area: super::Area, title: &str, text: &mut String) {
    let findings: Vec<_> = report.findings_of(area, Weight::Difference).collect();
    let mut sentences: Vec<String> = Vec::new();
    if area == super::Area::Schema {
        sentences.extend(report.large_objects.iter().flat_map(LargeObjects::sentences));
    }
    if findings.is_empty() && sentences.is_empty() {
        return;
    }
    let (first, rest) = title.split_at(1);
    let _ = writeln!(text, "\n## {first}{}\n", rest.to_lowercase());
    for it in &sentences {
        item(text, &line(it));
    }
    if findings.is_empty() {
        return;
    }
    if !sentences.is_empty() {
        text.push('\n');
    }
    text.push_str("| object | property | source | target | note |\n| --- | --- | --- | --- | --- |\n");
    for it in findings {
        let side = |side: &Option<String>| side.clone().unwrap_or_default();
        row(
            text,
            &[
                &it.object,
                &it.property,
                &side(&it.source),
                &side(&it.target),
                &side(&it.note),
            ],
        );
    }
}

fn row(text: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|it| cell(&line(it))).collect();
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

/// Lines as they are, removed and added ones in their colours: in a fence that is longer than any in them.
fn fenced(lines: &[String], text: &mut String) {
    let longest = |line: &String| line.split(|it| it != '`').map(str::len).max().unwrap_or(0);
    let ticks = lines.iter().map(longest).max().unwrap_or(0);
    let fence = "`".repeat((ticks + 1).max(3));
    let _ = writeln!(text, "{fence}diff\n{}\n{fence}", lines.join("\n"));
}

/// Text in which Markdown sees nothing: no markup, no HTML, no mention, no end of a cell.
fn cell(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '@' => escaped.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '$' | '!' => {
                escaped.extend(['\\', letter]);
            }
            _ => escaped.push(letter),
        }
    }
    escaped
}
