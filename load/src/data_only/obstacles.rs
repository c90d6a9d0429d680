//! What keeps rows out of a table that exists, as sentences that say what to do.

use std::collections::{BTreeMap, HashSet};

use archive::Header;
use catalog::{QualifiedName, Table, TableKind};
use cli::{Failure, Result, count};
use postgres::Client;

use super::args::{DataOnlyArgs, Triggers, means};
use super::matching::{Matched, Part, Unit};
use super::standing::{StandingColumn, StandingTable};
use crate::target::failed;

/// What no table of the user's takes.
pub(super) fn refuse_others(header: &Header, findings: &mut Vec<String>) {
    let objects = header.catalog.large_objects.len() as u64;
    if objects > 0 {
        findings.push(format!(
            "the archive has {} large objects, which are not loaded with rows alone: leave them out \
             (`dump --no-large-objects`)",
            count(objects)
        ));
    }
    let of_extensions = header.catalog.tables.iter();
    for table in of_extensions.filter(|it| it.kind == TableKind::Configuration) {
        findings.push(format!(
            "the archive has rows of {}, which belongs to an extension: leave them out (`dump --no-extension-rows`)",
            table.qualified_name()
        ));
    }
}

/// Words that mean no table, or several, are refused: nothing is truncated by guessing.
pub(super) fn check_words(args: &DataOnlyArgs, parts: &BTreeMap<QualifiedName, Vec<&Table>>) -> Result<()> {
    let words = args.truncate.iter().map(|it| ("--truncate", it.as_str()));
    let words = words.chain(args.columns.iter().map(|it| ("--column", it.table.as_str())));
    for (option, word) in words {
        let meant: Vec<String> = parts
            .keys()
            .filter(|it| means(word, it))
            .map(ToString::to_string)
            .collect();
        match meant.as_slice() {
            [_] => {}
            [] => {
                return Err(Failure::usage(format!(
                    "{option}: `{word}` is no table of the target for which the archive has rows"
                )));
            }
            _ => {
                return Err(Failure::usage(format!(
                    "{option}: `{word}` could be {}: name its schema",
                    meant.join(" or ")
                )));
            }
        }
    }
    Ok(())
}

/// Whether the table can take rows at all.
pub(super) fn check_table(unit: &Unit, args: &DataOnlyArgs, findings: &mut Vec<String>) -> bool {
    let table = &unit.target;
    let name = &table.name;
    let before = findings.len();
    match table.kind.as_str() {
        "v" | "m" => findings.push(format!("{name} is a view: rows go into tables alone")),
        "f" => findings.push(format!(
            "{name} is a foreign table: its rows live elsewhere, load them there"
        )),
        _ => {}
    }
    let mut missing = table.missing_privileges.clone();
    if unit.truncate && !table.may_truncate {
        missing.push("TRUNCATE".to_owned());
    }
    if !missing.is_empty() {
        findings.push(format!(
            "the role lacks {} on {name}, which belongs to {}: GRANT it",
            missing.join(", "),
            table.owner
        ));
    }
    if table.has_row_security {
        findings.push(format!(
            "row level security of {name} holds the role: load as a role that it does not hold"
        ));
    }
    if args.triggers == Triggers::Suspend && !table.owned && table.row_triggers().next().is_some() {
        findings.push(format!(
            "{name} belongs to {}, so the role may not suspend its triggers: load as that role",
            table.owner
        ));
    }
    findings.len() == before
}

/// Two columns for one place, and places that nothing fills.
pub(super) fn check_targets(target: &StandingTable, part: &Part, args: &DataOnlyArgs, matched: &mut Matched) {
    let name = &target.name;
    let mut filled: HashSet<&str> = HashSet::new();
    for place in part.pairs.iter().filter_map(|it| it.target.as_deref()) {
        if !filled.insert(place) {
            matched.findings.push(format!(
                "{name}.{place} would be filled from two columns of the archive"
            ));
        }
    }
    for choice in args.columns.iter().filter(|it| means(&it.table, name)) {
        if !part
            .pairs
            .iter()
            .any(|it| it.target.as_deref() == Some(&choice.target))
        {
            matched.findings.push(format!(
                "--column {choice}: the archive has no such column of {name}"
            ));
        }
    }
    let left: Vec<&StandingColumn> = target
        .columns
        .iter()
        .filter(|it| !it.is_generated && !filled.contains(it.name.as_str()))
        .collect();
    if filled.is_empty() && !target.columns.is_empty() {
        matched
            .findings
            .push(format!("{name}: the archive has no column that it takes"));
        return;
    }
    for column in left.iter().filter(|it| it.not_null && !it.is_filled) {
        matched.findings.push(format!(
            "{name}.{} is NOT NULL without a default, and the archive has no column for it: give it a default, or \
             name a column by --column",
            column.name
        ));
    }
    let others: Vec<&str> = left
        .iter()
        .filter(|it| !it.not_null || it.is_filled)
        .map(|it| it.name.as_str())
        .collect();
    if !others.is_empty() {
        matched.notes.push(format!(
            "{name}: not in the archive, filled by default or NULL: {}",
            others.join(", ")
        ));
    }
}

/// Partitions whose rows go into one table together must bring the same columns.
pub(super) fn check_parts(unit: &Unit, findings: &mut Vec<String>) {
    let all = unit.filled_columns().len();
    if unit.parts.iter().any(|it| it.target_columns().len() != all) {
        findings.push(format!(
            "{} would take rows of several partitions that have different columns: load them apart",
            unit.target.name
        ));
    }
}

/// Rows that are there already.
pub(super) fn check_rows(
    client: &mut Client,
    unit: &Unit,
    args: &DataOnlyArgs,
    matched: &mut Matched,
) -> Result<()> {
    let name = &unit.target.name;
    let row = client
        .query_one(
            &format!("SELECT pg_catalog.count(*) FROM {}", unit.target.own_rows()),
            &[],
        )
        .map_err(|error| failed(format!("rows of {name} could not be counted"), error))?;
    let rows = row.get::<_, i64>(0).unsigned_abs();
    if rows == 0 {
        return Ok(());
    }
    let rows = count(rows);
    if unit.truncate {
        matched
            .notes
            .push(format!("{name}: the rows that it holds are removed: {rows}"));
    } else if args.append {
        matched.notes.push(format!("{name} holds rows already: {rows}"));
    } else {
        matched.findings.push(format!(
            "{name} holds rows already: {rows}; --append adds to them, --truncate {name} removes them"
        ));
    }
    Ok(())
}
