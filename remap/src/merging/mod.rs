//! Archives of several sources become one, in which tables that the plan merges are one table each. `docs/merging.md` is
//! the contract.
//!
//! Each source gets its new names first, by the rewriter that every archive goes through, and merged tables get the name
//! and the schema of the table that they become: then what two sources say of one table can be compared word by word.
//! Everything is decided before the first byte is written.

mod args;
mod foreign_keys;
mod group;
mod header;
mod notices;
mod numbering;
mod one_table;
mod report;
mod shape;
mod source;
mod statements;
mod unfit;
mod united_catalog;
mod values;

use std::collections::BTreeSet;

use archive::{Header, SchemaMember, TableEnd, Writer};
use cli::{ArchiveSink, Exit, Failure, Outcome, Progress, Ui, Work, create_archive};
use plan::Plan;
use rewrite::table_statements;

use crate::args::Args;
use crate::report::Report;
pub(crate) use args::MergeArgs;
use group::Groups;
use header::{Numbers, Whole};
use shape::Found;
use source::Source;
use statements::Parsed;

pub(crate) fn merge(args: &Args, ui: &Ui) -> cli::Result {
    let (plan, json) = read_plan(args)?;
    let report = Report::create(args.report.as_deref())?;
    let mut sources = open_sources(args, &plan)?;
    let texts: Vec<_> = sources
        .iter_mut()
        .map(|it| std::mem::take(&mut it.texts))
        .collect();
    let texts: Vec<Parsed<'_>> = texts.iter().map(|it| parse(it)).collect();
    let groups = Groups::find(&plan, &sources, &texts)?;
    let mut found = Found::default();
    let shapes = unite_tables(&groups, &sources, &texts, &mut found);
    header::refuse(&found)?;
    let united = statements::unite(&groups, &shapes, &sources, &texts, &mut found);
    let whole = Whole {
        groups: &groups,
        shapes: &shapes,
        sources: &sources,
        united: &united,
    };
    let (header, numbers) = whole.header(&json, &mut found);
    header::refuse(&found)?;
    report::say(&header, &sources, &found, ui);
    let has_doubts = !found.doubts.is_empty() || sources.iter().any(|it| it.account.has_doubts());
    report::publish(report, &header, &sources, &found)?;
    if args.strict && has_doubts {
        return Ok(Outcome::Findings);
    }
    let mut writer = None;
    if !args.check {
        let sink = create_archive(&args.output.destination())?;
        let mut made = Writer::new(sink, &header).map_err(Failure::archive)?;
        for (member, sql) in &united.texts {
            made.schema(*member, sql).map_err(Failure::archive)?;
        }
        writer = Some(made);
    }
    pass(sources, &header, &numbers, writer, ui)
}

fn parse(texts: &[(SchemaMember, String)]) -> Parsed<'_> {
    let members = texts.iter();
    members
        .map(|(member, sql)| (*member, table_statements(sql)))
        .collect()
}

fn read_plan(args: &Args) -> cli::Result<(Plan, String)> {
    let Some(path) = &args.mapping.plan else {
        return Err(
            Failure::usage("--merge needs the plan that says what becomes one table")
                .with_hint("give it with --plan FILE"),
        );
    };
    // A plan that merges no tables will do: sources can share a schema, which one load has to fill.
    let mut plan = cli::read_plan(path)?;
    // What is merged on other targets concerns other archives.
    let given = |name: &str| args.inputs.iter().any(|it| it.split('=').next() == Some(name));
    plan.merges
        .retain(|it| it.tables.iter().any(|table| given(&table.source)));
    let json = plan.to_json();
    Ok((plan, json))
}

fn open_sources(args: &Args, plan: &Plan) -> cli::Result<Vec<Source>> {
    let mut given: Vec<(&str, &str)> = Vec::new();
    for pair in &args.inputs {
        let Some((name, archive)) = pair.split_once('=') else {
            return Err(Failure::usage(format!("`{pair}` is no NAME=ARCHIVE")).with_hint(
                "NAME is the source's name in the plan, ARCHIVE a file or a directory that `dump` wrote",
            ));
        };
        if archive == "-" {
            return Err(
                Failure::usage(format!("the archive of source `{name}` cannot come from stdin"))
                    .with_hint("several archives are read at once: write each to a file"),
            );
        }
        if given.iter().any(|(known, _)| *known == name) {
            return Err(Failure::usage(format!("source `{name}` is given twice")));
        }
        given.push((name, archive));
    }
    let wanted = plan
        .merges
        .iter()
        .flat_map(|it| &it.tables)
        .map(|it| it.source.as_str());
    let lacking: BTreeSet<&str> = wanted
        .filter(|name| !given.iter().any(|(it, _)| it == name))
        .collect();
    if !lacking.is_empty() {
        let lacking: Vec<String> = lacking.iter().map(|it| format!("{it}=ARCHIVE")).collect();
        return Err(
            Failure::usage("the plan merges tables of sources whose archives are not given")
                .with_hint(format!("give {} too", lacking.join(" "))),
        );
    }
    given
        .into_iter()
        .map(|(name, archive)| Source::open(name, archive, plan, args))
        .collect()
}

fn unite_tables(
    groups: &Groups,
    sources: &[Source],
    texts: &[Parsed<'_>],
    found: &mut Found,
) -> Vec<shape::Shape> {
    let mut shapes = Vec::new();
    for group in &groups.all {
        let definitions = group
            .parts
            .iter()
            .map(|part| statements::definition_of(sources, texts, *part));
        let Some(definitions) = definitions.collect::<Option<Vec<_>>>() else {
            found.refused.push(format!(
                "{}: a definition of it cannot be read, or is not in the archive",
                group.target
            ));
            continue;
        };
        shapes.push(shape::unite(group, groups, sources, &definitions, found));
    }
    shapes
}

/// Passes the chunks of all archives on, unopened, under their new numbers.
fn pass(
    sources: Vec<Source>,
    header: &Header,
    numbers: &[Numbers],
    mut writer: Option<Writer<ArchiveSink>>,
    ui: &Ui,
) -> cli::Result {
    let bytes = sources
        .iter()
        .flat_map(|it| &it.header.catalog.tables)
        .map(|it| it.bytes)
        .sum();
    let progress = ui.progress(&header.source.database, Some(bytes));
    let mut ends: Vec<TableEnd> = Vec::new();
    for (mut source, numbers) in sources.into_iter().zip(numbers) {
        pass_chunks(&mut source, numbers, writer.as_mut(), &progress)?;
        let end = source.reader.finish().map_err(Failure::archive)?;
        for mut table in end.tables {
            table.table = new_number(numbers, table.table)?;
            ends.push(table);
        }
    }
    progress.finish();
    if let Some(writer) = writer {
        ends.sort_by_key(|it| it.table);
        writer.finish_with(ends).map_err(Failure::archive)?;
    }
    Ok(Outcome::Done)
}

fn pass_chunks(
    source: &mut Source,
    numbers: &Numbers,
    mut writer: Option<&mut Writer<ArchiveSink>>,
    progress: &Progress,
) -> cli::Result<()> {
    while let Some((mut rows, _)) = source.reader.next_chunk().map_err(Failure::archive)? {
        // Checked as it is read, since its record is made anew.
        let stored = source.reader.chunk_bytes().map_err(Failure::archive)?;
        rows.table = new_number(numbers, rows.table)?;
        if let Some(writer) = &mut writer {
            writer.changed_chunk(rows, &stored).map_err(Failure::archive)?;
        }
        progress.advance(Work {
            rows: rows.rows,
            bytes: rows.raw,
        });
        cli::check_interrupt()?;
    }
    Ok(())
}

fn new_number(numbers: &Numbers, old: u32) -> cli::Result<u32> {
    let damaged = || {
        Failure::new(
            Exit::Archive,
            "archive is damaged: rows of a table that it does not have",
        )
    };
    numbers.get(&old).copied().ok_or_else(damaged)
}
