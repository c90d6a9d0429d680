//! New names for an archive. All SQL text is judged before the first row passes; rows pass unopened.

use archive::{SchemaMember, Writer};
use cli::{ArchiveReader, Destination, Failure, Outcome, Ui, create_archive};
use plan::Mapping;
use rewrite::{Known, Rewriter};

use crate::args::Args;
use crate::report::{Account, Report};

pub(crate) fn remap(mut reader: ArchiveReader, mapping: &Mapping, args: &Args, ui: &Ui) -> cli::Result {
    let mut header = reader.header().clone();
    let schemas: Vec<String> = header.catalog.schemas.iter().map(|it| it.name.clone()).collect();
    mapping
        .apply(schemas.iter().map(String::as_str))
        .map_err(Failure::usage)?;
    let unknown = mapping.map.keys().find(|old| !schemas.contains(old));
    if let Some(old) = unknown {
        return Err(Failure::usage(format!("the archive has no schema `{old}`"))
            .with_hint(format!("it has {}", schemas.join(", "))));
    }
    let report = Report::create(args.report.as_deref())?;
    let texts = reader.schema().map_err(Failure::archive)?;
    let mut known = Known::from_catalog(&header.catalog);
    for (_, sql) in texts.iter().filter(|_| mapping.snake_case) {
        known.learn_columns(sql);
    }
    let mut rewriter = Rewriter::new(mapping.clone(), known)
        .map_err(Failure::usage)?
        .with_search_path(args.search_path.into());
    let all: Vec<&str> = texts.iter().map(|(_, sql)| sql.as_str()).collect();
    rewriter.survey(&all);
    // With everything that follows from it in this source.
    let mapping = rewriter.mapping();
    let mut account = Account::of(schemas);
    account.columns = rewriter.known().renamed_columns(mapping);
    let mut texts = rewrite_all(&rewriter, texts, report.is_wanted(), &mut account);
    account.say(mapping, ui);
    let is_failure = args.strict && account.has_doubts();
    if args.check {
        read_on(reader)?;
        report.publish(&account, mapping, "archive")?;
        return Ok(if is_failure {
            Outcome::Findings
        } else {
            Outcome::Done
        });
    }
    if is_failure {
        // Nothing has been written yet, so nothing downstream can have begun.
        report.publish(&account, mapping, "archive")?;
        return Ok(Outcome::Findings);
    }
    for (_, sql) in texts
        .iter_mut()
        .filter(|(member, _)| *member == SchemaMember::PostData)
    {
        for column in &account.columns {
            sql.push_str("\n");
            sql.push_str(&column.statement);
            sql.push_str("\n");
        }
    }
    header.catalog.rename(mapping);
    header.mappings.push(mapping.clone());
    let sink = create_archive(&Destination::new(args.output.as_deref()))?;
    let mut writer = Writer::new(sink, &header).map_err(Failure::archive)?;
    for (member, sql) in &texts {
        writer.schema(*member, sql).map_err(Failure::archive)?;
    }
    while let Some((rows, record)) = reader.next_chunk().map_err(Failure::archive)? {
        reader
            .chunk_stream(|body| writer.pass_chunk(rows, &record, body))
            .map_err(Failure::archive)?;
        if cli::is_interrupted() {
            return Err(Failure::new(cli::Exit::Interrupted, "interrupted"));
        }
    }
    let end = reader.finish().map_err(Failure::archive)?;
    // Before the end member: without its report the archive would be nothing to go on with.
    report.publish(&account, mapping, "archive")?;
    writer.finish_with(end.tables).map_err(Failure::archive)?;
    Ok(Outcome::Done)
}

fn rewrite_all(
    rewriter: &Rewriter,
    texts: Vec<(SchemaMember, String)>,
    wants_edits: bool,
    account: &mut Account,
) -> Vec<(SchemaMember, String)> {
    texts
        .into_iter()
        .map(|(member, sql)| {
            let mut rewritten = if member == SchemaMember::Privileges {
                rewriter.rewrite_grants(&sql)
            } else {
                rewriter.rewrite(&sql)
            };
            if !wants_edits {
                rewritten.edits.clear();
            }
            (member, account.take(Some(member.name()), rewritten))
        })
        .collect()
}

/// Reads what is left and checks it: an archive that is damaged is no good, whatever its SQL says.
fn read_on(mut reader: ArchiveReader) -> cli::Result<()> {
    while reader.next_chunk().map_err(Failure::archive)?.is_some() {
        reader
            .chunk_stream(|body| archive::copy_body(body, &mut std::io::sink()))
            .map_err(Failure::archive)?;
        cli::check_interrupt()?;
    }
    reader.finish().map(drop).map_err(Failure::archive)
}
