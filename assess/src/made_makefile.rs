//! `--make PLAN`: what a Makefile has to know of a plan, as variables for its `include`.
//!
//! Sources that cannot be loaded one after the other, since they share a schema or a merged table, are one unit: they
//! go into one archive and are loaded together. Every other source is a unit by itself. A unit's digest stands in the
//! names of what was made from it, so that a change in the plan makes again what it touches, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use cli::{Failure, Result};
use plan::{Plan, PlannedSource};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Keys of a plan by which nothing moves otherwise.
const REMARKS: [&str; 5] = ["note", "cost_per_month", "made_of", "order", "endpoint"];

#[derive(Args, Debug)]
pub(crate) struct MakeArgs {
    /// Print what `examples/consolidate.mk` has to know of a plan, as variables of make: sources, targets, order, and
    /// which sources go together
    #[arg(long, value_name = "PLAN", conflicts_with_all = ["sources", "target", "plan", "ready"])]
    pub(crate) make: Option<PathBuf>,
}

/// Sources that are loaded together.
struct Unit<'a> {
    name: String,
    target: &'a str,
    order: i64,
    sources: Vec<&'a PlannedSource>,
    digest: String,
}

/// The variables, as a file for `include`.
pub(crate) fn render(path: &Path) -> Result<String> {
    let plan = cli::read_plan(path)?;
    for source in &plan.sources {
        check_word(&source.name)?;
        check_word(target(&plan, source)?)?;
    }
    Ok(variables(&units(&plan)?))
}

/// Make parts words at blanks and knows signs of its own.
fn check_word(name: &str) -> Result<()> {
    let is_plain = |letter: char| letter.is_alphanumeric() || "_-.".contains(letter);
    if !name.is_empty() && name.chars().all(is_plain) && !name.starts_with(['-', '.']) {
        return Ok(());
    }
    Err(
        Failure::usage(format!("the plan's name `{name}` cannot stand in a Makefile"))
            .with_hint("rename it in the plan: letters, digits, `_`, `-` and `.` will do"),
    )
}

fn target<'a>(plan: &'a Plan, source: &'a PlannedSource) -> Result<&'a str> {
    let found = plan.target_of(source).map_err(|error| {
        Failure::usage(error).with_hint("make the plan with --target, or give it `targets` by hand")
    })?;
    Ok(&found.name)
}

/// What two sources of one unit have in common: schemas of one target, or merged tables.
fn bonds(plan: &Plan, source: &PlannedSource) -> Result<BTreeSet<String>> {
    let place = target(plan, source)?;
    let schemas = source.schemas.iter().map(|it| source.mapping.schema(it));
    let merges = plan.merges.iter();
    let merges = merges.filter(|it| it.tables.iter().any(|table| table.source == source.name));
    Ok(schemas
        .map(|it| format!("{place} schema {it}"))
        .chain(merges.map(|it| format!("{place} table {}", it.into)))
        .collect())
}

/// In order of their loads.
fn units(plan: &Plan) -> Result<Vec<Unit<'_>>> {
    let mut groups: Vec<(BTreeSet<String>, Vec<&PlannedSource>)> = Vec::new();
    for source in &plan.sources {
        let mut group = (bonds(plan, source)?, vec![source]);
        let (joined, apart): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|(it, _)| !it.is_disjoint(&group.0));
        for (bonds, sources) in joined.into_iter().rev() {
            group.0.extend(bonds);
            group.1.splice(0..0, sources);
        }
        groups = apart;
        groups.push(group);
    }
    let places: BTreeMap<&str, usize> = plan.sources.iter().map(|it| it.name.as_str()).zip(0..).collect();
    let mut taken: BTreeSet<String> = places.keys().map(|it| (*it).to_owned()).collect();
    let mut units: Vec<Unit<'_>> = Vec::new();
    for (_, mut sources) in groups {
        sources.sort_by_key(|it| places.get(it.name.as_str()));
        let Some(first) = sources.first() else { continue };
        let place = target(plan, first)?;
        let name = if sources.len() == 1 {
            first.name.clone()
        } else {
            free_name(&format!("{place}-together"), &mut taken)
        };
        units.push(Unit {
            target: place,
            order: sources.iter().map(|it| it.order).max().unwrap_or_default(),
            digest: digest(plan, &sources)?,
            name,
            sources,
        });
    }
    units.sort_by_key(|it| {
        (
            it.order,
            it.sources.first().and_then(|it| places.get(it.name.as_str())),
        )
    });
    Ok(units)
}

fn free_name(wanted: &str, taken: &mut BTreeSet<String>) -> String {
    let (mut name, mut number) = (wanted.to_owned(), 1);
    while !taken.insert(name.clone()) {
        number += 1;
        name = format!("{wanted}-{number}");
    }
    name
}

/// Of all that decides what becomes of these sources.
fn digest(plan: &Plan, sources: &[&PlannedSource]) -> Result<String> {
    let mut hash = Sha256::new();
    let mut enter = |place: &str, mut value: Value| {
        forget_remarks(&mut value);
        hash.update(format!("{place}\n{value}\n"));
    };
    for source in sources {
        enter(
            target(plan, source)?,
            serde_json::to_value(source).unwrap_or_default(),
        );
    }
    for merge in &plan.merges {
        let is_ours = |name: &str| sources.iter().any(|it| it.name == name);
        if merge.tables.iter().any(|it| is_ours(&it.source)) {
            enter("merge", serde_json::to_value(merge).unwrap_or_default());
        }
    }
    Ok(hash
        .finalize()
        .iter()
        .take(6)
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }))
}

fn forget_remarks(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !REMARKS.contains(&key.as_str()));
            map.values_mut().for_each(forget_remarks);
        }
        Value::Array(list) => list.iter_mut().for_each(forget_remarks),
        _ => {}
    }
}

fn variables(units: &[Unit<'_>]) -> String {
    let words = |words: Vec<&str>| words.join(" ");
    let mut text = String::from("# What the plan says, for consolidate.mk. Made by `assess --make`.\n");
    let sources = units.iter().flat_map(|it| &it.sources);
    let _ = writeln!(
        text,
        "SOURCES := {}",
        words(sources.map(|it| it.name.as_str()).collect())
    );
    let _ = writeln!(
        text,
        "UNITS := {}",
        words(units.iter().map(|it| it.name.as_str()).collect())
    );
    for unit in units {
        let name = &unit.name;
        let before = units.iter().filter(|it| it.order < unit.order);
        let of = unit.sources.iter().map(|it| it.name.as_str()).collect();
        let _ = writeln!(text, "target.{name} := {}", unit.target);
        let _ = writeln!(text, "sources.{name} := {}", words(of));
        let _ = writeln!(
            text,
            "before.{name} := {}",
            words(before.map(|it| it.name.as_str()).collect())
        );
        let _ = writeln!(text, "digest.{name} := {}", unit.digest);
    }
    for source in units.iter().flat_map(|it| &it.sources) {
        if source.on_bad_value == Some(plan::BadValues::Reject) {
            let _ = writeln!(text, "rejects.{} := yes", source.name);
        }
        if source.salvage {
            let _ = writeln!(text, "salvage.{} := yes", source.name);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(sources: &str) -> Plan {
        let targets = r#"[{"name":"t","endpoint":"t"}]"#;
        Plan::parse(&format!(
            r#"{{"version": 1, "targets": {targets}, "sources": [{sources}]}}"#
        ))
        .unwrap()
    }

    fn digest_of(sources: &str) -> String {
        units(&plan(sources)).unwrap()[0].digest.clone()
    }

    #[test]
    fn a_source_by_itself_is_a_unit_of_its_own() {
        let plan = plan(
            r#"{"name":"a","endpoint":"a","schemas":["public"],"to":"a"},
               {"name":"b","endpoint":"b","schemas":["public"],"to":"b","salvage":true}"#,
        );
        let text = variables(&units(&plan).unwrap());
        for line in [
            "SOURCES := a b",
            "UNITS := a b",
            "sources.b := b",
            "salvage.b := yes",
            "before.b := ",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}: {text}");
        }
    }

    #[test]
    fn sources_that_share_a_schema_go_together_and_after_what_is_before_them() {
        let plan = plan(
            r#"{"name":"a","endpoint":"a","schemas":["public"],"to":"x","layout":"prefix"},
               {"name":"b","endpoint":"b","schemas":["public"],"to":"b","order":-1},
               {"name":"c","endpoint":"c","schemas":["public"],"to":"x","layout":"prefix"}"#,
        );
        let text = variables(&units(&plan).unwrap());
        for line in [
            "UNITS := b t-together",
            "sources.t-together := a c",
            "before.t-together := b",
            "target.b := t",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}: {text}");
        }
    }

    #[test]
    fn a_digest_changes_with_what_moves_and_with_nothing_else() {
        let was = digest_of(r#"{"name":"a","endpoint":"a","schemas":["public"],"to":"x"}"#);
        let moved = digest_of(r#"{"name":"a","endpoint":"b","schemas":["public"],"to":"x"}"#);
        let renamed = digest_of(r#"{"name":"a","endpoint":"a","schemas":["public"],"to":"y"}"#);
        assert_eq!(was, moved);
        assert_ne!(was, renamed);
    }

    #[test]
    fn names_that_make_would_read_otherwise_are_refused() {
        for (name, is_plain) in [
            ("shop-1.old", true),
            ("müller", true),
            ("a b", false),
            ("$(x)", false),
            ("", false),
            (".x", false),
        ] {
            assert_eq!(check_word(name).is_ok(), is_plain, "{name}");
        }
    }
}
