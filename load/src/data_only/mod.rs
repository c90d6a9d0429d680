//! `load --data-only`: rows into tables that exist. `docs/load.md` is the contract.
//!
//! Nothing is live half: the archive is read and proved to its end, and everything that does not fit is told, before
//! one table of the target is touched; then each table is filled, proved and noted in one transaction.

mod args;
mod census;
mod filling;
mod fit;
mod history;
mod journal;
mod kept;
mod matching;
mod obstacles;
mod order;
mod proof;
mod report;
mod sequences;
mod staging;
mod standing;

use std::collections::HashSet;
use std::time::Instant;

use archive::{Content, Header};
use catalog::QualifiedName;
use cli::{Exit, Failure, Result, Ui, open_archive};
use database::endpoint::{PostgresEndpoint, unrestrict_views};
use database::postgres::Offers;
use serde_json::json;

pub(crate) use args::DataOnlyArgs;
use args::Triggers;
use census::Census;
use filling::{Filled, Filling};
pub(crate) use fit::type_sql;
use journal::{DataRun, Earlier};
use matching::{Matched, Unit};
use order::Group;

use crate::args::Args;
use crate::target::{LATER, SOON, Target, failed};
use crate::{Texts, checks, shell_word, steps};

/// Names that a line shows.
const SHOWN: usize = 10;

/// Loads the rows of the archive.
pub(crate) fn run(endpoint: &PostgresEndpoint, args: &Args, ui: &Ui) -> Result<()> {
    let started = Instant::now();
    let mut reader = open_archive(&args.archive)?;
    // Of the definitions nothing is applied; they are read and proved all the same.
    reader.schema().map_err(Failure::archive)?;
    let header = reader.header().clone();
    crate::conversions::refuse_rows_alone(&header)?;
    crate::merging::refuse_rows_alone(&header)?;
    if header.content == Content::SchemaOnly {
        return Err(Failure::usage("the archive has definitions without rows")
            .with_hint("dump it without --schema-only"));
    }
    for filter in &header.filters {
        ui.status(format_args!(
            "the archive holds a part of {}: {filter}",
            header.source.database
        ));
    }
    let mut target = Target::connect(endpoint, 1, ui)?;
    let schemas: Vec<String> = header.catalog.schemas.iter().map(|it| it.name.clone()).collect();
    // Locked first: what the checks find must still hold when the run begins.
    target.lock_schemas(&schemas, if args.resume { LATER } else { SOON })?;
    cli::set_last_words(vec![format!("nothing was written to {}", target.name())]);
    let choices = choices(&header, args);
    let earlier = journal::earlier(target.client(), &header)?;
    let resumed = earlier.as_ref().filter(|_| args.resume);
    match resumed {
        Some(earlier) => refuse_other_run(earlier, &choices)?,
        None if args.resume => ui.status("nothing to resume: the load starts from the beginning"),
        None => {}
    }
    if resumed.is_some_and(|it| it.is_done) {
        ui.status(format_args!(
            "all of it is on {} already, as the journal says; `verify` looks at the rows",
            target.name()
        ));
        return Ok(());
    }
    let mut work = check(&mut target, &header, args, earlier.as_ref(), ui)?;
    let mut census = Census::new(&work.units);
    let (kept, end) = kept::read(reader, &header, &args.archive, &mut census, ui)?;
    refuse(&target, census.findings())?;
    let losses = staging::stage(target.client(), &header, &work.units, &kept, ui)?;
    if args.rows_alone.allow_lossy {
        for loss in losses {
            ui.warning(loss);
        }
    } else {
        let hint = "alter the columns, or accept it by --allow-lossy; nothing was written";
        refuse(&target, losses).map_err(|failure| failure.with_hint(hint))?;
    }
    let run = match resumed {
        Some(earlier) => journal::take_over(target.client(), earlier)?,
        None => journal::begin(target.client(), &header, &choices)?,
    };
    let filling = Filling {
        run: &run,
        header: &header,
        end: &end,
        units: &work.units,
        args: &args.rows_alone,
        ui,
    };
    let filled = fill(&mut target, &filling, &work.groups, &kept, args)
        .and_then(|filled| journal::end(target.client(), &run).map(|()| filled));
    let filled = filled.map_err(|failure| with_state(failure, &target, &run, &work.units, args))?;
    cli::set_last_words(Vec::new());
    work.left_alone.sort();
    let done = report::Done {
        target: &target.name(),
        header: &header,
        end: &end,
        units: &work.units,
        left_alone: &work.left_alone,
        moved: &filled.moved,
        unproved: &filled.unproved,
        elapsed: started.elapsed(),
    };
    done.say(args.format, ui)
}

/// What is to be done.
struct Work {
    units: Vec<Unit>,
    groups: Vec<Group>,
    left_alone: Vec<QualifiedName>,
}

/// What decides what an archive becomes: a run goes on with the very same.
fn choices(header: &Header, args: &Args) -> String {
    let rows = &args.rows_alone;
    let columns: Vec<String> = rows.columns.iter().map(ToString::to_string).collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"), "mappings": header.mappings, "append": rows.append,
        "truncate": rows.truncate, "columns": columns,
    })
    .to_string()
}

/// A run goes on with the same archive and the same words, or not at all.
fn refuse_other_run(earlier: &Earlier, choices: &str) -> Result<()> {
    if earlier.choices == choices {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "--resume: run {} had another version, other new names, or other options (--append, --truncate, --column)",
        earlier.id
    ))
    .with_hint("give the same again"))
}

/// Refuses what does not fit, all of it at once, as far as it can be told without the rows.
fn check(
    target: &mut Target,
    header: &Header,
    args: &Args,
    earlier: Option<&Earlier>,
    ui: &Ui,
) -> Result<Work> {
    let mut findings = session_findings(target)?;
    // None of the archive's definitions is executed.
    checks::check_server(target, header, &Texts(Vec::new()), args, &mut findings)?;
    findings.extend(crate::journal::trouble(target.client())?);
    let already_in: HashSet<String> = match earlier.filter(|_| args.resume) {
        Some(earlier) => earlier.tables.iter().cloned().collect(),
        None => HashSet::new(),
    };
    let rows_alone = &args.rows_alone;
    let Matched {
        units,
        findings: found,
        notes,
        left_alone,
    } = matching::find(target.client(), header, rows_alone, &already_in)?;
    findings.extend(found);
    findings.extend(staging::trouble(target.client(), &units)?);
    findings.extend(twice(&units, earlier.filter(|_| !args.resume), rows_alone));
    let roots: Vec<u32> = units.iter().map(|it| it.target.root).collect();
    let keys = standing::read_foreign_keys(target.client(), &roots)?;
    let (mut groups, unordered) = order::groups(&units, &keys);
    findings.extend(unordered);
    refuse(target, findings)?;
    groups.retain(|group| group.units.iter().any(|it| !units[*it].is_in));
    for note in notes {
        ui.status(note);
    }
    say_triggers(&units, rows_alone.triggers, ui);
    say_circles(&units, &groups, ui);
    if !left_alone.is_empty() {
        ui.status(format_args!(
            "histories of migrations, left alone: {}",
            listed(&left_alone)
        ));
    }
    Ok(Work {
        units,
        groups,
        left_alone,
    })
}

fn session_findings(target: &mut Target) -> Result<Vec<String>> {
    const STATE: &str = "SELECT pg_catalog.to_regnamespace('coalesce') IS NOT NULL AS has_journal,
        pg_catalog.current_setting('session_replication_role') AS replication_role";
    let offers = Offers::read(target.client(), &[]).map_err(Failure::target)?;
    let row = target
        .client()
        .query_one(STATE, &[])
        .map_err(|error| failed("the target could not be examined", error))?;
    let mut findings = Vec::new();
    if offers.in_recovery {
        findings.push("the server is a standby: name its primary".to_owned());
    } else if offers.read_only {
        findings.push("sessions are read-only (default_transaction_read_only)".to_owned());
    }
    if !offers.may_create && !row.get::<_, bool>("has_journal") {
        findings.push(format!(
            "role {} lacks CREATE on the database, which the journal (schema coalesce) needs",
            offers.role
        ));
    }
    if row.get::<_, &str>("replication_role") != "origin" {
        findings.push(
            "session_replication_role is set for the role or the database: foreign keys would not be looked at"
                .to_owned(),
        );
    }
    Ok(findings)
}

/// The same archive is not added to itself.
fn twice(units: &[Unit], earlier: Option<&Earlier>, args: &DataOnlyArgs) -> Option<String> {
    let earlier = earlier?;
    // Without --append rows that are there stop it; with it only the journal knows whose they are.
    let tables = if args.append {
        &earlier.tables_of_all
    } else {
        &earlier.tables
    };
    let is_again = |it: &&Unit| !it.truncate && tables.contains(&it.target.name.to_string());
    let again: Vec<_> = units
        .iter()
        .filter(is_again)
        .map(|it| it.target.name.clone())
        .collect();
    if again.is_empty() || earlier.is_done && !args.append {
        return None;
    }
    let way = if earlier.is_done {
        ""
    } else {
        ": go on with --resume"
    };
    Some(format!(
        "run {} or one before it has put this archive's rows into {} already{way}",
        earlier.id,
        listed(&again)
    ))
}

fn say_triggers(units: &[Unit], triggers: Triggers, ui: &Ui) {
    let what = match triggers {
        Triggers::Prove => "fire, and may change no row",
        Triggers::Fire => "fire, and may change rows",
        Triggers::Suspend => "are suspended while its rows go in",
    };
    for unit in units.iter().filter(|it| !it.is_in) {
        let names: Vec<&str> = unit.target.row_triggers().map(|it| it.name.as_str()).collect();
        if !names.is_empty() {
            ui.status(format_args!(
                "triggers of {} {what}: {}",
                unit.target.name,
                names.join(", ")
            ));
        }
    }
}

fn say_circles(units: &[Unit], groups: &[Group], ui: &Ui) {
    for group in groups.iter().filter(|it| it.deferred) {
        let names: Vec<QualifiedName> = group
            .units
            .iter()
            .map(|it| units[*it].target.name.clone())
            .collect();
        let altered: Vec<&str> = group.altered.iter().map(|it| it.name.as_str()).collect();
        let how = if altered.is_empty() {
            String::new()
        } else {
            format!("; made deferrable for that transaction: {}", altered.join(", "))
        };
        ui.status(format_args!(
            "foreign keys in a circle, filled in one transaction: {}{how}",
            listed(&names)
        ));
    }
}

fn refuse(target: &Target, findings: Vec<String>) -> Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(
        Exit::Target,
        format!("the rows do not fit into the tables on {}", target.name()),
    );
    let failure = findings.into_iter().fold(failure, Failure::with_state);
    Err(failure.with_hint("nothing was written"))
}

/// Fills group by group, and returns what became of all of them.
fn fill(
    target: &mut Target,
    filling: &Filling<'_>,
    groups: &[Group],
    kept: &kept::Kept,
    args: &Args,
) -> Result<Filled> {
    let expected = filling.header.catalog.tables.iter().map(|it| it.bytes).sum();
    let progress = filling.ui.progress("rows", Some(expected));
    // What a former run has filled while triggers fired was told then, and is not known now.
    let fires = |it: &&Unit| it.is_in && args.rows_alone.triggers == Triggers::Fire;
    let before = filling.units.iter().filter(fires);
    let before = before.filter(|it| it.target.row_triggers().next().is_some());
    let mut all = Filled {
        unproved: before.map(|it| it.target.name.clone()).collect(),
        ..Filled::default()
    };
    // Functions that triggers, defaults and checks call may read views.
    unrestrict_views(target.client()).map_err(Failure::target)?;
    for group in groups {
        cli::check_interrupt()?;
        cli::set_last_words(vec![
            "the tables before are in, this one is not".to_owned(),
            way_on(args),
        ]);
        let filled = fill_group(target, filling, group, kept)?;
        progress.advance(cli::Work {
            rows: filled.rows,
            bytes: group.units.iter().map(|it| bytes(filling, *it)).sum(),
        });
        all.rows += filled.rows;
        all.moved.extend(filled.moved);
        all.unproved.extend(filled.unproved);
    }
    progress.finish();
    Ok(all)
}

/// A group is tried again after a deadlock or a lock that was not to be had. A lost session ends the load: the temporary
/// tables are gone with it.
fn fill_group(
    target: &mut Target,
    filling: &Filling<'_>,
    group: &Group,
    kept: &kept::Kept,
) -> Result<Filled> {
    let mut filled = Filled::default();
    steps::retry(
        &mut (target, &mut filled),
        |(target, filled)| {
            **filled = filling.fill(target.client(), group, kept)?;
            Ok(())
        },
        |_, failure| Err(failure),
        |_| Ok(false),
    )?;
    Ok(filled)
}

/// Bytes of the archive's tables that a unit took, as the source counted them.
fn bytes(filling: &Filling<'_>, unit: usize) -> u64 {
    let parts = filling.units[unit].parts.iter();
    let tables = parts.filter_map(|it| kept::table_of(filling.header, it.number).ok());
    tables.map(|it| it.bytes).sum()
}

/// Says which tables are in, asking a session of its own: the one that failed may not know how its COMMIT ended.
fn with_state(failure: Failure, target: &Target, run: &DataRun, units: &[Unit], args: &Args) -> Failure {
    let asked = target.sessions(1).and_then(|mut it| {
        it.first_mut()
            .map_or(Ok(Vec::new()), |it| journal::loaded_tables(it, run.id))
    });
    let Ok(loaded) = asked else {
        return failure
            .with_state(format!(
                "coalesce.loaded_table on {} says which tables are in",
                target.name()
            ))
            .with_way_out(way_on(args));
    };
    let (with, without): (Vec<&Unit>, Vec<&Unit>) = units
        .iter()
        .partition(|it| loaded.contains(&it.target.name.to_string()));
    let names = |units: Vec<&Unit>| match units.as_slice() {
        [] => "none".to_owned(),
        units => listed(&units.iter().map(|it| it.target.name.clone()).collect::<Vec<_>>()),
    };
    failure
        .with_state(format!("in: {}; as they were: {}", names(with), names(without)))
        .with_way_out(way_on(args))
}

fn way_on(args: &Args) -> String {
    if args.archive == "-" {
        return "what came through a pipe cannot go on: load again, with --truncate for the tables that are in".to_owned();
    }
    format!(
        "`load --data-only --resume {} {}` goes on, with the same options",
        args.to.shown,
        shell_word(&args.archive)
    )
}

/// Some names, and how many more there are.
fn listed(names: &[QualifiedName]) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", shown.join(", "))
}
