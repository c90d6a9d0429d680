//! The report for CI, in `JUnit`'s XML: a suite for the tables and one for each other part of the proof.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::rows::row_lines;
use super::text::{SECTIONS, provenance, row_count, section};
use super::value::line;
use super::{Area, Report, Shown, TableResult, Weight, grouped};

/// A test case: what was looked at, and what came of it.
struct Case {
    name: String,
    /// In a few words, with the lines; `None` where nothing is wrong.
    failure: Option<(String, Vec<String>)>,
    /// What is worth knowing and no failure.
    remarks: Vec<String>,
}

pub(super) fn render(report: &Report, shown: Shown) -> String {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    // Nothing is written but to memory.
    let _ = suites(report, shown, &mut xml);
    let text = String::from_utf8(xml.into_inner());
    text.unwrap_or_default() + "\n"
}

fn suites(report: &Report, shown: Shown, xml: &mut Writer<Vec<u8>>) -> io::Result<()> {
    let mut suites = vec![("tables", table_cases(report, shown))];
    for (area, _) in SECTIONS {
        suites.extend(area_case(report, area, shown).map(|case| (suite_name(area), vec![case])));
    }
    let tests: usize = suites.iter().map(|(_, cases)| cases.len()).sum();
    let failures: usize = suites.iter().map(|(_, cases)| failures(cases)).sum();
    let time = report.run.as_ref().map_or(0.0, |it| it.took().as_secs_f64());
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.write_indent()?;
    let name = match &report.target {
        Some(target) => format!("verify {} {target}", report.source),
        None => format!("verify --archive {}", report.source),
    };
    xml.create_element("testsuites")
        .with_attributes([
            ("name", attribute(&name).as_str()),
            ("tests", &tests.to_string()),
            ("failures", &failures.to_string()),
            ("errors", "0"),
            ("time", &format!("{time:.3}")),
        ])
        .write_inner_content(|xml| {
            suites
                .iter()
                .try_for_each(|(name, cases)| suite(report, name, cases, xml))
        })?;
    Ok(())
}

fn suite_name(area: Area) -> &'static str {
    match area {
        Area::Rows => "rows",
        Area::Schema => "schema",
        Area::Sequence => "sequences",
        Area::Health => "health",
        Area::Isolation => "isolation",
        Area::Query => "queries",
    }
}

fn failures(cases: &[Case]) -> usize {
    cases.iter().filter(|it| it.failure.is_some()).count()
}

fn suite(report: &Report, name: &str, cases: &[Case], xml: &mut Writer<Vec<u8>>) -> io::Result<()> {
    let timestamp = report.run.as_ref().map(super::Run::started).unwrap_or_default();
    let (tests, failed) = (cases.len().to_string(), failures(cases).to_string());
    let mut attributes = vec![
        ("name", name),
        ("tests", &tests),
        ("failures", &failed),
        ("errors", "0"),
    ];
    let timestamp = timestamp.trim_end_matches('Z');
    attributes.extend(Some(("timestamp", timestamp)).filter(|_| !timestamp.is_empty()));
    xml.create_element("testsuite")
        .with_attributes(attributes)
        .write_inner_content(|xml| {
            if name == "tables" {
                properties(report, xml)?;
            }
            cases.iter().try_for_each(|it| case(name, it, xml))
        })?;
    Ok(())
}

/// What was compared, and how.
fn properties(report: &Report, xml: &mut Writer<Vec<u8>>) -> io::Result<()> {
    xml.create_element("properties").write_inner_content(|xml| {
        let all = provenance(report)
            .into_iter()
            .chain([("summary", report.closing())]);
        all.into_iter().try_for_each(|(name, value)| {
            let attributes = [("name", name), ("value", &attribute(&value))];
            xml.create_element("property")
                .with_attributes(attributes)
                .write_empty()?;
            Ok(())
        })
    })?;
    Ok(())
}

fn case(suite: &str, case: &Case, xml: &mut Writer<Vec<u8>>) -> io::Result<()> {
    let class = format!("verify.{suite}");
    let name = attribute(&case.name);
    let element = xml
        .create_element("testcase")
        .with_attributes([("classname", class.as_str()), ("name", &name)]);
    if case.failure.is_none() && case.remarks.is_empty() {
        element.write_empty()?;
        return Ok(());
    }
    element.write_inner_content(|xml| {
        if let Some((message, lines)) = &case.failure {
            xml.create_element("failure")
                .with_attributes([("message", attribute(message).as_str()), ("type", "difference")])
                .write_text_content(BytesText::new(&text(&lines.join("\n"))))?;
        }
        if !case.remarks.is_empty() {
            xml.create_element("system-out")
                .write_text_content(BytesText::new(&text(&case.remarks.join("\n"))))?;
        }
        Ok(())
    })?;
    Ok(())
}

fn table_cases(report: &Report, shown: Shown) -> Vec<Case> {
    let mut cases: Vec<Case> = report.tables.iter().map(|it| table_case(it, shown)).collect();
    cases.extend(report.large_objects.as_ref().map(|it| Case {
        name: "large objects".to_owned(),
        failure: (!it.are_identical()).then(|| (it.verdict(), it.sentences())),
        remarks: Vec::new(),
    }));
    cases
}

fn table_case(it: &TableResult, shown: Shown) -> Case {
    let counts = format!(
        "rows: {} in the source, {} on the target",
        row_count(it.source),
        row_count(it.target)
    );
    let rows = it.rows.as_ref().map_or_else(Vec::new, |it| row_lines(it, shown));
    let lines = std::iter::once(counts).chain(rows).collect();
    Case {
        name: it.name.clone(),
        failure: it.difference.is_some().then(|| (it.verdict(), lines)),
        remarks: it
            .not_compared
            .iter()
            .map(|it| format!("not compared: {}", line(it)))
            .collect(),
    }
}

/// One case for a part of the proof; `None` where it was not asked for.
fn area_case(report: &Report, area: Area, shown: Shown) -> Option<Case> {
    let is_always_looked_at = matches!(area, Area::Schema | Area::Sequence) && report.target.is_some();
    let mut lines = section(report, area);
    if area == Area::Schema
        && let Some(objects) = &report.large_objects
    {
        // They have a case of their own.
        let own = objects.sentences();
        lines.retain(|it| !own.contains(it));
    }
    let mut remarks = Vec::new();
    for (weight, word) in grouped::WEIGHTS {
        let of_area = grouped::lines_of(report, weight, shown, Some(area));
        remarks.extend(of_area.into_iter().map(|it| format!("{word}: {it}")));
    }
    let is_there = report.findings.iter().any(|it| it.area == area) || !lines.is_empty();
    if !is_always_looked_at && !is_there {
        return None;
    }
    let things = if matches!(area, Area::Health | Area::Isolation) {
        "finding"
    } else {
        "difference"
    };
    let failure = report.findings_of(area, Weight::Difference).next().is_some() || !lines.is_empty();
    Some(Case {
        name: suite_name(area).to_owned(),
        failure: failure.then(|| (super::counted(lines.len() as u64, things), lines)),
        remarks,
    })
}

/// What XML 1.0 takes: it has no way to write the other letters, not even as references.
fn text(words: &str) -> String {
    let is_valid = |it: char| matches!(it, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    let escaped = |it: char| {
        let (taken, left) = if is_valid(it) {
            (Some(it), None)
        } else {
            (None, Some(it.escape_unicode()))
        };
        taken.into_iter().chain(left.into_iter().flatten())
    };
    words.chars().flat_map(escaped).collect()
}

/// The same on one line: a parser makes spaces of an attribute's ends of lines.
fn attribute(words: &str) -> String {
    text(&line(words))
}
