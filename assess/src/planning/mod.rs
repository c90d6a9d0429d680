//! The plan that is proposed: where each source goes, what it and its objects are called there, and why.

mod against;
mod args;
mod costs;
mod decisions;
mod made_of;
mod merges;
mod order;
mod placement;
mod prefixes;
mod schemas;

use std::path::Path;

use cli::{Exit, Failure, FailureContext, Result, Ui};
use database::sqlite::Choices;
use plan::{FORMAT_VERSION, Layout, Mapping, Plan, PlannedSource};

use crate::conflicts::{Conflict, Severity, Topic};
use crate::sources::Source;

pub(crate) use against::{Group, look};
pub(crate) use args::PlanningArgs;
pub(crate) use costs::saving;
pub(crate) use decisions::enter as enter_decisions;
pub(crate) use made_of::made_of;
pub(crate) use placement::Placement;

/// The plan, and what it had to do beyond calling each source by its own name. `placement` says where each source goes,
/// and `words` how it was named on the command line.
pub(crate) fn propose(
    sources: &[Source],
    words: &[String],
    choices: &Choices,
    placement: &Placement,
    args: &PlanningArgs,
) -> Result<(Plan, Vec<Conflict>)> {
    let layout = args.layout();
    if layout == Layout::Schema && args.into.is_some() {
        return Err(Failure::usage(
            "--into names a schema that sources share, and --layout schema gives each its own",
        )
        .with_hint("add --layout prefix or --layout merge"));
    }
    let (mut taken, mut conflicts) = (schemas::Taken::default(), Vec::new());
    let mut planned = Vec::new();
    for (at, source) in sources.iter().enumerate() {
        let wanted = schemas::schema_name(source);
        let has: Vec<String> = source.catalog.schemas.iter().map(|it| it.name.clone()).collect();
        let (name, mapping) = match layout {
            Layout::Schema => taken.place(&wanted, &has),
            Layout::Prefix | Layout::Merge => {
                (taken.name(&wanted), prefixes::shared(args.into.as_deref(), &has)?)
            }
        };
        say_placement(source, (&wanted, &name), &mapping, layout, &mut conflicts);
        let mut it = PlannedSource {
            name,
            endpoint: endpoint(words.get(at), &source.inventory.endpoint),
            note: Some(note(source)),
            target: placement.target_of(at),
            layout: (layout != Layout::Schema).then_some(layout),
            schemas: has,
            types: source
                .file
                .as_ref()
                .map(|it| it.types.clone())
                .unwrap_or_default(),
            mapping,
            roles: roles(source),
            made_of: Some(made_of(&source.inventory)),
            ..PlannedSource::default()
        };
        if source.file.is_some() {
            cli::plan_choices(choices, &mut it);
        }
        planned.push(it);
    }
    let mut plan = Plan {
        version: FORMAT_VERSION,
        targets: placement.planned_targets(),
        sources: planned,
        ..Plan::default()
    };
    order::enter(sources, &mut plan);
    if layout == Layout::Merge {
        conflicts.extend(merges::enter(sources, &mut plan));
    }
    if layout != Layout::Schema {
        conflicts.extend(prefixes::enter(sources, &mut plan));
    }
    costs::enter(args, words, sources, &mut plan)?;
    Ok((plan, conflicts))
}

/// As it was typed where it refers to the environment, which the plan may then do too; else as it was reached.
fn endpoint(words: Option<&String>, reached: &str) -> String {
    let as_typed = words.filter(|it| it.contains("${") && !plan::has_password(it));
    as_typed.map_or_else(|| reached.to_owned(), Clone::clone)
}

fn say_placement(
    source: &Source,
    (wanted, name): (&str, &str),
    mapping: &Mapping,
    layout: Layout,
    conflicts: &mut Vec<Conflict>,
) {
    if name != wanted {
        conflicts.push(Conflict::new(
            Severity::Resolved,
            Topic::Schema,
            &[name, "renamed"],
            format!(
                "{wanted}, which {} would become, is another source's",
                source.name()
            ),
            format!("the plan calls it {name}"),
        ));
    }
    if layout == Layout::Schema {
        conflicts.extend(mapping.map.iter().map(|(schema, short)| {
            Conflict::new(
                Severity::Resolved,
                Topic::Schema,
                &[name, schema, "cut"],
                format!(
                    "{name}_{schema} of {} is longer than PostgreSQL keeps",
                    source.name()
                ),
                format!("the plan calls it {short}"),
            )
        }));
    }
}

/// What the source is, in a line.
fn note(source: &Source) -> String {
    let it = &source.inventory;
    let kind = match (it.server.archive, it.is_postgres()) {
        (true, _) => "an archive".to_owned(),
        (_, true) => format!("PostgreSQL {}", it.server.version),
        (_, false) => "a SQLite file".to_owned(),
    };
    format!(
        "{}: {kind}, {} tables, {} rows when this plan was made",
        it.name,
        it.tables.len(),
        cli::count(it.rows())
    )
}

/// Every role that owns something or was granted something, each under its own name, for a person to change.
fn roles(source: &Source) -> std::collections::BTreeMap<String, Option<String>> {
    let roles = source.catalog.roles.iter().chain(&source.catalog.policy_roles);
    roles.map(|it| (it.clone(), Some(it.clone()))).collect()
}

/// Every schema that the plan makes.
fn target_schemas(plan: &Plan) -> Vec<String> {
    let schemas = plan
        .sources
        .iter()
        .flat_map(|source| source.schemas.iter().map(|it| source.mapping.schema(it)));
    let mut schemas: Vec<String> = schemas.collect();
    schemas.sort();
    schemas.dedup();
    schemas
}

/// Refuses a file that exists, before sources are read for a plan that could not be written.
pub(crate) fn refuse_existing(path: &Path) -> Result<()> {
    if path.symlink_metadata().is_err() {
        return Ok(());
    }
    let message = format!("plan `{}` cannot be written: it exists", path.display());
    Err(Failure::usage(message)
        .with_hint("name a new file, or move that one away: somebody may have edited it"))
}

/// Writes the plan to a new file.
pub(crate) fn write(path: &Path, plan: &Plan, ui: &Ui) -> Result<()> {
    let write = || {
        use std::io::Write;
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)?;
        writeln!(file, "{}", plan.to_json())
    };
    write().or_fail(Exit::Usage, || {
        format!("plan `{}` cannot be written", path.display())
    })?;
    ui.status(format_args!("plan written to {}", path.display()));
    Ok(())
}
