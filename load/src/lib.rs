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
mod conversions;
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
mod merging;
mod order;
mod phases;
mod planned;
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
mod unlogged;
mod withheld;

use std::cell::Cell;
use std::path::Path;
use std::time::Instant;

use archive::{Content, Header, SchemaMember};
use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};
use cli::{ArchiveReader, Failure, Outcome, Ui, open_archive, shell_word};
use database::Endpoint;
use database::endpoint::PostgresEndpoint;

use after::After;
use apart::Apart;
use args::Args;
use order::{Begun, Load};
use proofs::Scratch;
use rejects::Rejects;
use target::{LATER, SOON, Target};

/// The definition of the tool's arguments.
pub fn command() -> Command {
    Args::command()
}

/// Runs the tool.
pub fn run(matches: &ArgMatches, ui: &Ui) -> cli::Result {
    let mut args = Args::from_arg_matches(matches).map_err(Failure::usage)?;
    planned::settle(&mut args)?;
    let endpoint = match Endpoint::parse(&args.to.words, &cli::environment())
        .map_err(|error| no_target(&args, error))?
    {
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

/// An archive in the place of the target is the words in another order.
fn no_target(args: &Args, error: database::Error) -> Failure {
    let Some(word) = args.target.as_ref().filter(|it| Path::new(it).is_file()) else {
        return Failure::target(error);
    };
    let message = format!("`{word}` is a file, and the first word names the database that is written");
    Failure::usage(message).with_hint("write `load TARGET ARCHIVE`; a database of that name is `dbname=…`")
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
    conversions::refuse_rejects(&header, &rejects)?;
    merging::refuse_what_cannot_be(&header, &rejects)?;
    let joined = merging::Joined::create(&args.merging)?;
    args.roles.check()?;
    say_filters(&header, ui);
    let mut target = Target::connect(endpoint, args.jobs(), ui)?.with_pace(args.proofs.rate.pace());
    let untested = match scratch {
        Some(_) => proofs::leave_out(&mut target, &mut header, &mut texts)?,
        None => Vec::new(),
    };
    let load = Load {
        header: &header,
        texts: &texts,
        apart: &Apart::new(&header, texts.get(SchemaMember::Apart), &args.apply),
        after: &after,
        rejects: &rejects,
        joined: &joined,
        places: places(&header),
        is_restore_test: scratch.is_some(),
        args,
        ui,
        ending_is_known: Cell::new(true),
    };
    // Locked first: what the checks find must still hold when the run begins.
    target.lock_schemas(&load.places, if args.resume { LATER } else { SOON })?;
    if args.dry_run.dry_run {
        return load.rehearse(&mut target, reader);
    }
    let (run, loaded) = match load.begin(&mut target)? {
        Begun::Writes(begun) => *begun,
        Begun::Ended(outcome, text) => return joined.publish(&text).map(|()| outcome),
    };
    let (end, read_back, (merged, text)) = load.run_to_its_end(&mut target, &run, &loaded, reader)?;
    let live = report::Live {
        target: &target.name(),
        schemas: &run.schemas,
        header: &header,
        end: &end,
        apart: load.apart,
        rejected: &rejects.found(),
        read_back: read_back.as_ref(),
        merged: &merged,
        is_restore_test: scratch.is_some(),
        untested: &untested,
        elapsed: started.elapsed(),
    };
    live.say(args.format, ui)?;
    let outcome = live.outcome();
    joined.publish(&text).map(|()| outcome)
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
fn places(header: &Header) -> Vec<String> {
    let schemas: Vec<String> = header.catalog.schemas.iter().map(|it| it.name.clone()).collect();
    if schemas.is_empty() && !header.catalog.large_objects.is_empty() {
        vec![journal::LARGE_OBJECTS.to_owned()]
    } else {
        schemas
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

/// The target as it was typed, unless a password could stand in the words.
fn shown_target(words: &str) -> String {
    let could_hold_password = words.contains(['@', '%']) || words.to_ascii_lowercase().contains("password");
    if could_hold_password {
        "TARGET".to_owned()
    } else {
        shell_word(words)
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
