//! `load`: an archive into PostgreSQL, all or nothing. The only tool that changes a database.
//!
//! The new schema has no grants to anyone until the end member has been read and every fingerprint holds; a
//! failure leaves nothing live.

mod abandon;
mod after;
mod apart;
mod args;
mod beside;
mod checks;
mod data_only;
mod dry_run;
mod extension_rows;
mod extension_sequences;
mod grants;
mod hints;
mod indexes;
mod journal;
mod keys;
mod large_objects;
mod prepare;
mod promised;
mod proofs;
mod rejects;
mod report;
mod resume;
mod roles;
mod rows;
mod script;
mod settle;
mod statements;
mod steps;
mod target;
mod toast;

use std::time::Instant;

use archive::{Content, End, Header, SchemaMember};
use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};
use cli::{ArchiveReader, Failure, Outcome, Ui, open_archive};
use database::Endpoint;
use database::endpoint::PostgresEndpoint;

use after::After;
use apart::Apart;
use args::{Args, Privileges};
use extension_rows::ExtensionRows;
use journal::{Loaded, Origin};
use proofs::{ReadBack, Scratch};
use rejects::Rejects;
use resume::Start;
use rows::{Filled, Filling};
use steps::Steps;
use target::Target;

/// The definition of the tool's arguments.
pub fn command() -> Command {
    Args::command()
}

/// Runs the tool.
pub fn run(matches: &ArgMatches, ui: &Ui) -> cli::Result {
    let args = Args::from_arg_matches(matches).map_err(Failure::usage)?;
    let endpoint = match Endpoint::parse(&args.target, &cli::environment()).map_err(Failure::target)? {
        Endpoint::Postgres(endpoint) => endpoint,
        Endpoint::Sqlite(path) => {
            return Err(Failure::usage(format!(
                "`{}` is a SQLite file, and only PostgreSQL is written",
                path.display()
            )));
        }
    };
    for warning in endpoint.warnings() {
        ui.warning(warning);
    }
    script::record(&args.script, || match &args.abandon {
        Some(schema) => abandon::abandon(&endpoint, schema, ui).map(|()| Outcome::Done),
        None if args.rows_alone.data_only => data_only::run(&endpoint, &args, ui).map(|()| Outcome::Done),
        None if args.proofs.restore_test => proofs::restore_test(&endpoint, &args, ui),
        None => load_archive(&endpoint, open_archive(&args.archive)?, &args, None, ui),
    })
}

/// An archive's SQL text, by member.
struct Texts(Vec<(SchemaMember, String)>);

impl Texts {
    fn get(&self, member: SchemaMember) -> &str {
        self.0
            .iter()
            .find(|(it, _)| *it == member)
            .map_or("", |(_, sql)| sql)
    }
}

/// `scratch` is the database, where it is there for this load alone.
fn load_archive(
    endpoint: &PostgresEndpoint,
    mut reader: ArchiveReader,
    args: &Args,
    scratch: Option<&Scratch>,
    ui: &Ui,
) -> cli::Result {
    let started = Instant::now();
    let after = After::read(&args.after)?;
    let rejects = Rejects::new(&args.rejects, args.resume, ui)?;
    let mut texts = Texts(reader.schema().map_err(Failure::archive)?);
    let mut header = reader.header().clone();
    refuse_rows_alone(&header)?;
    args.roles.check()?;
    say_filters(&header, ui);
    let schemas: Vec<String> = header.catalog.schemas.iter().map(|it| it.name.clone()).collect();

    let mut target = Target::connect(endpoint, args.jobs(), ui)?.with_pace(args.proofs.rate.pace());
    let untested = match scratch {
        Some(_) => proofs::leave_out(&mut target, &mut header, &mut texts)?,
        None => Vec::new(),
    };
    // Locked first: what the checks find must still hold when the run begins.
    let places = places(&schemas, &header);
    target.lock_schemas(&places)?;
    let apart = Apart::new(&header, texts.get(SchemaMember::Apart), &args.apply);
    let origin = Origin::new(&header, &texts);
    let start = if args.resume {
        resume::take_up(&mut target, &header, &origin, &places, &args.archive, ui)?
    } else {
        Start::Fresh
    };
    let (run, loaded) = match start {
        Start::AlreadyLive => {
            ui.status(format_args!(
                "{} is live on {} already: this archive has been loaded",
                places.join(", "),
                target.name()
            ));
            return Ok(Outcome::Done);
        }
        Start::Fresh => {
            let existing = checks::check(&mut target, &header, &texts, (&apart, &after), args, ui)?;
            if args.dry_run.dry_run {
                let work = dry_run::Work {
                    header: &header,
                    texts: &texts,
                    apart: &apart,
                    existing: &existing,
                    args,
                };
                return work.rehearse(&mut target, reader, ui).map(|()| Outcome::Done);
            }
            target.open_sessions_for_rows(rows::sessions_wanted(&header), ui)?;
            let run = journal::begin(&mut target, &header, &origin, &existing)?;
            (run, Loaded::default())
        }
        Start::GoesOn(found) => {
            checks::check_wishes(&mut target, &header, &found.0, &after, args)?;
            target.open_sessions_for_rows(rows::sessions_wanted(&header), ui)?;
            *found
        }
    };
    target.enter_run(&run, &header)?;
    if scratch.is_none() {
        cli::set_last_words(last_words(&target, &places, args));
    }
    let steps = Steps {
        run: &run,
        loaded: &loaded,
    };
    let parts = (&texts, &apart, &after, &rejects);
    let ended = load_run(&mut target, steps, reader, &header, parts, args, ui);
    let (end, read_back) = ended.map_err(|failure| {
        if scratch.is_some() {
            return failure;
        }
        state_left(&target, &places)
            .into_iter()
            .fold(failure, Failure::with_state)
            .with_way_out(way_out(&places, args))
    })?;
    if scratch.is_none() {
        cli::set_last_words(Vec::new());
    }
    let live = report::Live {
        target: &target.name(),
        schemas: &schemas,
        header: &header,
        end: &end,
        apart: &apart,
        rejected: &rejects.found(),
        read_back: read_back.as_ref(),
        is_restore_test: scratch.is_some(),
        untested: &untested,
        elapsed: started.elapsed(),
    };
    live.say(args.format, ui)?;
    Ok(live.outcome())
}

/// Says that the archive is a part.
fn say_filters(header: &Header, ui: &Ui) {
    for filter in &header.filters {
        ui.status(format_args!(
            "the archive holds a part of {}: {filter}",
            header.source.database
        ));
    }
}

/// What a load is known by: its schemas, or the word for large objects where there is nothing else.
fn places(schemas: &[String], header: &Header) -> Vec<String> {
    if schemas.is_empty() && !header.catalog.large_objects.is_empty() {
        vec![journal::LARGE_OBJECTS.to_owned()]
    } else {
        schemas.to_vec()
    }
}

/// Rows need tables, and those come from the archive.
fn refuse_rows_alone(header: &Header) -> cli::Result<()> {
    if header.content != Content::DataOnly {
        return Ok(());
    }
    Err(
        Failure::usage("the archive has rows without definitions, so that no table can be made")
            .with_hint("dump it without --data-only, or load it with --data-only into tables that exist"),
    )
}

/// Everything between the journal's entry and the moment at which the schemas are live.
fn load_run(
    target: &mut Target,
    steps: Steps<'_>,
    reader: ArchiveReader,
    header: &Header,
    (texts, apart, after, rejects): (&Texts, &Apart, &After, &Rejects),
    args: &Args,
    ui: &Ui,
) -> cli::Result<(End, Option<ReadBack>)> {
    let run = steps.run;
    prepare::create(target, steps, header, texts.get(SchemaMember::PreData), ui)?;
    large_objects::create(target, steps, header)?;
    let extension_rows = ExtensionRows::new(target, header)?;
    let filling = Filling {
        archive: &args.archive,
        whole_max: args.whole_bytes_max(),
        rejects,
    };
    rejects.recall(target, run)?;
    let Filled {
        end,
        late,
        of_extensions,
    } = filling.fill(target, steps, reader, header, ui)?;
    extension_rows.compare(target, &of_extensions, ui)?;
    let row_security = indexes::build(
        target,
        steps,
        header,
        texts.get(SchemaMember::PostData),
        (late, rejects),
        ui,
    )?;
    settle::settle(target, steps, header, &end, ui)?;
    // Before row level security, which would stand in the way.
    let mut read_back = if args.proofs.reads_back() {
        Some(ReadBack::of_tables(target, run, header, &end, ui)?)
    } else {
        None
    };
    row_security.enable(target, steps)?;
    rejects.finish(target, run, header, &end)?;
    after.run(target, steps, header, ui)?;
    let privileges = texts.get(SchemaMember::Privileges);
    let keep = args.privileges == Privileges::Keep;
    if keep {
        grants::say_public(run, header, privileges, ui);
    } else {
        grants::mention(privileges, large_objects::grants(header), ui);
    }
    cli::check_interrupt()?;
    if !args.proofs.restore_test {
        cli::set_last_words(vec![
            "whether it is live already is not known here: `load --resume` says so".to_owned(),
        ]);
    }
    let pace = target.pace();
    journal::go_live(target, run, |transaction| {
        roles::create(transaction, &args.roles)?;
        grants::open(transaction, run, header, privileges, keep)?;
        large_objects::open(transaction, header, keep)?;
        extension_rows.add(transaction, &of_extensions, ui)?;
        roles::settle(transaction, run, header, &args.roles, |transaction| {
            after.grant(transaction, run, header, ui)
        })?;
        if let Some(read_back) = &mut read_back {
            read_back.of_extension_rows(transaction, header, &of_extensions, &pace)?;
        }
        apart.apply(transaction)
    })?;
    roles::say(run, header, &args.roles, ui);
    apart.say(ui);
    Ok((end, read_back))
}

/// What a load that does not end well leaves.
fn state_left(target: &Target, schemas: &[String]) -> [String; 2] {
    [
        format!("nothing is live on {}", target.name()),
        format!("what was loaded before is in {}", schemas.join(", ")),
    ]
}

fn way_out(schemas: &[String], args: &Args) -> String {
    let schema = shell_word(schemas.first().map_or("SCHEMA", String::as_str));
    let target = shown_target(&args.target);
    let goes_on = if args.archive == "-" {
        format!("`… | load --resume {target}` begins again")
    } else {
        format!("`load --resume {target} {}` goes on", shell_word(&args.archive))
    };
    format!("{goes_on}, `load --abandon {schema} {target}` removes it")
}

/// For a load that is interrupted and cannot end by itself.
fn last_words(target: &Target, schemas: &[String], args: &Args) -> Vec<String> {
    let left = state_left(target, schemas);
    left.into_iter().chain([way_out(schemas, args)]).collect()
}

/// The target as it was typed, unless a password could stand in the words.
fn shown_target(words: &str) -> String {
    let could_hold_password = words.contains(['@', '%']) || words.to_ascii_lowercase().contains("password");
    if could_hold_password {
        "TARGET".to_owned()
    } else {
        shell_word(words)
    }
}

/// A word as a shell takes it.
fn shell_word(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=@".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_with_a_password_is_not_repeated() {
        for (words, shown) in [
            ("shared", "shared"),
            ("dbname=shared user=it", "'dbname=shared user=it'"),
            (
                "postgres://db.example.com/shared",
                "postgres://db.example.com/shared",
            ),
            ("dbname=shared PassWord=secret", "TARGET"),
            ("postgres://it:secret@db.example.com/shared", "TARGET"),
            ("postgres:///shared?pass%77ord=secret", "TARGET"),
        ] {
            assert_eq!(shown_target(words), shown);
        }
    }
}
