//! New names for an archive. All SQL text is judged before the first row passes; rows pass unopened.

use archive::{SchemaMember, Writer};
use cli::{ArchiveReader, Destination, Failure, Outcome, Ui, create_archive};
use plan::Mapping;
use rewrite::{Counts, Doubt, Known, Leaning, Pin, Rewriter};

use crate::args::Args;
use crate::{path_report, report};

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
    let (mut pins, mut leaning) = (Vec::new(), Vec::new());
    let (mut texts, counts, doubts) = rewrite_all(&rewriter, texts, &mut pins, &mut leaning);
    report::say(mapping, &schemas, counts, &doubts, ui);
    path_report::say(&pins, &leaning, ui);
    if args.strict && !doubts.is_empty() {
        // Nothing has been written yet, so nothing downstream can have begun.
        return Ok(Outcome::Findings);
    }
    let columns = rewriter.known().renamed_columns(mapping);
    for (_, sql) in texts
        .iter_mut()
        .filter(|(member, _)| *member == SchemaMember::PostData)
    {
        for column in &columns {
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
    writer.finish_with(end.tables).map_err(Failure::archive)?;
    Ok(Outcome::Done)
}

fn rewrite_all(
    rewriter: &Rewriter,
    texts: Vec<(SchemaMember, String)>,
    pins: &mut Vec<Pin>,
    leaning: &mut Vec<Leaning>,
) -> (Vec<(SchemaMember, String)>, Counts, Vec<Doubt>) {
    let (mut counts, mut doubts) = (Counts::default(), Vec::new());
    let texts = texts
        .into_iter()
        .map(|(member, sql)| {
            let rewritten = if member == SchemaMember::Privileges {
                rewriter.rewrite_grants(&sql)
            } else {
                rewriter.rewrite(&sql)
            };
            counts += rewritten.counts;
            doubts.extend(rewritten.doubts);
            pins.extend(rewritten.pins);
            leaning.extend(rewritten.leaning);
            (member, rewritten.text)
        })
        .collect();
    (texts, counts, doubts)
}
