//! New names for an archive. All SQL text is judged before the first row passes; rows pass unopened, but for
//! those of tables whose values hold names of objects.

use archive::{Header, SchemaMember, Writer};
use cli::{ArchiveReader, ArchiveSink, Failure, Outcome, Progress, Ui, Work, create_archive};
use plan::{Keys, Mapping};
use rewrite::{Known, NameMap, Rewriter};

use crate::args::Args;
use crate::converted_keys;
use crate::opened_rows::{self, OpenedTables};
use crate::planned;
use crate::report::{Account, Report};
use crate::roles::{self, Roles};

pub(crate) fn remap(
    mut reader: ArchiveReader,
    mapping: &Mapping,
    (keys, roles): (Option<&Keys>, &Roles),
    args: &Args,
    ui: &Ui,
) -> cli::Result {
    let mut source = reader.header().clone();
    refuse_merged(&source)?;
    let schemas: Vec<String> = source.catalog.schemas.iter().map(|it| it.name.clone()).collect();
    check_schemas(mapping, &schemas)?;
    let report = Report::create(args.report.as_deref())?;
    let mut texts = reader.schema().map_err(Failure::archive)?;
    let mut account = Account::of(schemas);
    let wants_edits = report.is_wanted();
    let told = roles.rename(&mut source.catalog, &mut texts, wants_edits, &mut account)?;
    if let Some(keys) = keys {
        texts = converted_keys::convert(&mut source, texts, keys, wants_edits, &mut account)?;
    }
    planned::change_columns(args.mapping.planned()?, &mut source, &mut texts)?;
    // What the definitions speak of; the rows have the source's types.
    let mut defined = source.catalog.clone();
    conversion::reshape(&mut defined, &source.conversions);
    let mut known = Known::from_catalog(&defined);
    for (_, sql) in texts.iter().filter(|_| mapping.renames_objects()) {
        known.learn_details(sql);
    }
    let mut rewriter = Rewriter::new(mapping.clone(), known)
        .map_err(Failure::usage)?
        .with_search_path(args.search_path.into());
    let all: Vec<&str> = texts.iter().map(|(_, sql)| sql.as_str()).collect();
    rewriter.survey(&all);
    // With everything that follows from it in this source.
    let mapping = rewriter.mapping();
    account.columns = rewriter.known().renamed_columns(mapping);
    let texts = rewrite_all(&rewriter, texts, wants_edits, &mut account);
    account.doubt(opened_rows::doubts(&source));
    let mut settings = source.catalog.settings.clone();
    let doubts = settings.iter_mut().flat_map(|it| rewriter.rename_setting(it));
    account.doubt(doubts.collect());
    account.say(mapping, ui);
    roles::say(&told, ui);
    opened_rows::mention_oids(&source, ui);
    if args.strict && account.has_doubts() && !args.check {
        // Nothing has been written yet, so nothing downstream can have begun.
        report.publish(&account, mapping, "archive")?;
        return Ok(Outcome::Findings);
    }
    let mut writer = if args.check {
        None
    } else {
        let mut header = source.clone();
        rewriter.rewrite_definitions(&mut header.catalog.definitions);
        header.catalog.rename(mapping);
        planned::rename_changes(&mut header.catalog, &rewriter);
        conversion::rename_kept(&mut header.conversions, mapping);
        header.catalog.settings.clone_from(&settings);
        if !mapping.is_empty() {
            header.mappings.push(mapping.clone());
        }
        let sink = create_archive(&args.output.destination())?;
        let mut writer = Writer::new(sink, &header).map_err(Failure::archive)?;
        for (member, sql) in &texts {
            writer.schema(*member, sql).map_err(Failure::archive)?;
        }
        Some(writer)
    };
    let names = NameMap::new(rewriter.clone(), &source.catalog);
    let mut opened = OpenedTables::new(&source, &names);
    let bytes = source.catalog.tables.iter().map(|table| table.bytes).sum();
    let progress = ui.progress(&source.source.database, Some(bytes));
    pass_rows(&mut reader, &mut opened, writer.as_mut(), &progress)?;
    progress.finish();
    let mut end = reader.finish().map_err(Failure::archive)?;
    opened.settle(&mut end.tables)?;
    account.take_unresolved(opened.unresolved(), ui);
    // Before the end member: without its report the archive would be nothing to go on with.
    report.publish(&account, mapping, "archive")?;
    if args.strict && account.has_doubts() {
        // Where rows have passed, the archive must not have its end.
        return Ok(Outcome::Findings);
    }
    if let Some(writer) = writer {
        writer.finish_with(end.tables).map_err(Failure::archive)?;
    }
    Ok(Outcome::Done)
}

fn refuse_merged(source: &Header) -> cli::Result<()> {
    if source.merged_from.is_empty() {
        return Ok(());
    }
    Err(
        Failure::usage("the archive is merged of several sources, and has the names that their plan gives")
            .with_hint("change the plan and merge the archives of the sources again"),
    )
}

/// Refuses new names that meet, and those of schemas that the archive does not have.
fn check_schemas(mapping: &Mapping, schemas: &[String]) -> cli::Result<()> {
    mapping
        .apply(schemas.iter().map(String::as_str))
        .map_err(Failure::usage)?;
    let unknown = mapping.map.keys().find(|old| !schemas.contains(old));
    unknown.map_or(Ok(()), |old| {
        Err(Failure::usage(format!("the archive has no schema `{old}`"))
            .with_hint(format!("it has {}", schemas.join(", "))))
    })
}

/// Passes every chunk, or only reads and checks it where nothing is written.
fn pass_rows(
    reader: &mut ArchiveReader,
    opened: &mut OpenedTables<'_>,
    mut writer: Option<&mut Writer<ArchiveSink>>,
    progress: &Progress,
) -> cli::Result<()> {
    while let Some((rows, record)) = reader.next_chunk().map_err(Failure::archive)? {
        if opened.holds(rows.table) {
            let stored = reader.chunk_bytes().map_err(Failure::archive)?;
            opened.pass_chunk(rows, &record, &stored, writer.as_deref_mut())?;
        } else {
            let passed = match &mut writer {
                Some(writer) => reader.chunk_stream(|body| writer.pass_chunk(rows, &record, body)),
                None => reader.chunk_stream(|body| archive::copy_body(body, &mut std::io::sink())),
            };
            passed.map_err(Failure::archive)?;
        }
        progress.advance(Work {
            rows: rows.rows,
            bytes: rows.raw,
        });
        cli::check_interrupt()?;
    }
    Ok(())
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
            let mut text = account.take(Some(member.name()), rewritten);
            if member == SchemaMember::PostData {
                for column in &account.columns {
                    text.extend(["\n", &column.statement, "\n"]);
                }
            }
            (member, text)
        })
        .collect()
}
