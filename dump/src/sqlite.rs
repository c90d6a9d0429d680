//! A SQLite file as a source.

use std::ops::ControlFlow;
use std::path::Path;

use archive::{SchemaMember, SourceIdentity, SourceKind, TableForm, Writer};
use cli::{Failure, Outcome, Ui, create_archive};
use database::sqlite::{Batch, Inspection, Note, NoteKind, RowEncoder, SqliteSource};
use fingerprint::Form;

use crate::forms::choose_forms;
use crate::packing::{Packer, pack};
use crate::rejects;
use crate::rows::Stop;
use crate::{Options, finish, header};

pub(crate) fn dump(path: &Path, options: &Options, ui: &Ui) -> cli::Result {
    if let Some(filter) = options.wanted.filters.first() {
        let message = format!("`{filter}` chooses in a PostgreSQL database, and a SQLite file is read whole");
        return Err(Failure::usage(message));
    }
    let sink = create_archive(&options.destination)?;
    let source = cli::open_sqlite(path, &options.choices, ui)?;
    let name = path
        .file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned();
    let inspection = source.inspect(&options.choices).map_err(Failure::source)?;
    let notes: Vec<String> = inspection.notes.iter().map(ToString::to_string).collect();
    say_notes(&name, &inspection, ui);
    let catalog = inspection.catalog.clone();
    let forms = choose_forms(&catalog, options);
    let is_text = |at: usize| {
        let form = forms.iter().find(|it| it.table as usize == at);
        form.is_some_and(|it| it.form == Form::Text)
    };
    inspection.refuse_long_lines(is_text).map_err(Failure::source)?;
    let mut header = header(identity(&name), catalog, forms, Vec::new(), notes, options);
    header.discards = cli::discards(&inspection);
    let rejected = rejects::set_aside(&source, &inspection, options.rejects.as_deref())?;
    let mut writer = Writer::new(sink, &header).map_err(Failure::archive)?;
    writer
        .schema(SchemaMember::PreData, &inspection.pre_data)
        .map_err(Failure::archive)?;
    writer
        .schema(SchemaMember::PostData, &inspection.post_data)
        .map_err(Failure::archive)?;
    let bytes = std::fs::metadata(path).map(|it| it.len()).ok();
    let progress = ui.progress(&name, bytes);
    pack(options, &mut writer, &progress, |packer| {
        read_tables(&source, &inspection, &header.forms, packer)
    })?;
    finish(writer, &header.catalog, &name, &progress, options, ui)?;
    let rejected = rejected.keep();
    for sentence in cli::discard_sentences(&header.discards, &header.catalog) {
        ui.finding(format_args!("{name}: {sentence}"));
    }
    for file in &rejected {
        ui.finding(format_args!("{name}: rejected rows are in {}", file.display()));
    }
    if source.lost_rows() {
        ui.finding(format_args!(
            "{name}: rows of the damaged file are lost; the notes tell which"
        ));
    }
    Ok(if rejected.is_empty() && !source.lost_rows() {
        Outcome::Done
    } else {
        Outcome::Findings
    })
}

/// What is left out or weaker on the target is said in any case; what only changes its form is counted.
fn say_notes(name: &str, inspection: &Inspection, ui: &Ui) {
    let is_form = |note: &&Note| matches!(note.kind, NoteKind::Widened | NoteKind::Changed);
    for note in inspection
        .notes
        .iter()
        .filter(|note| ui.is_verbose() || !is_form(note))
    {
        ui.status(format_args!("{name}: {note}"));
    }
    let hidden = inspection.notes.iter().filter(is_form).count();
    if hidden > 0 && !ui.is_verbose() {
        ui.status(format_args!(
            "{name}: notes on values that change their form (--verbose shows them): {hidden}"
        ));
    }
}

fn identity(name: &str) -> SourceIdentity {
    SourceIdentity {
        kind: SourceKind::Sqlite,
        database: name.to_owned(),
        server_version: database::sqlite_version().to_owned(),
        encoding: "UTF8".to_owned(),
        collation: String::new(),
        snapshot_time: jiff::Timestamp::now().to_string(),
        lsn: String::new(),
    }
}

fn read_tables<'scope>(
    source: &SqliteSource,
    inspection: &'scope Inspection,
    forms: &[TableForm],
    packer: &Packer<'_, 'scope>,
) -> cli::Result<()> {
    for (table, source_table) in inspection.catalog.tables.iter().zip(&inspection.schema.tables) {
        let form = forms.iter().find(|it| it.table == table.number);
        let encoder = RowEncoder::new(source_table, form.map_or(Form::Text, |it| it.form));
        let (mut batches, mut bytes) = (Vec::new(), 0);
        let read = source.batches(source_table, &encoder.places(), &mut |batch: Batch| {
            bytes += batch.size();
            batches.push(batch);
            if bytes < packer.chunk_bytes() {
                return ControlFlow::Continue(());
            }
            bytes = 0;
            match packer.pack(table, &encoder, std::mem::take(&mut batches)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(stop) => ControlFlow::Break(stop),
            }
        });
        let ended = match read.map_err(Failure::source)? {
            ControlFlow::Break(stop) => Err(stop),
            ControlFlow::Continue(()) => packer.pack(table, &encoder, batches),
        };
        match ended {
            Ok(()) => {}
            Err(Stop::Halted) => return Ok(()),
            Err(Stop::Failed(failure)) => return Err(failure),
        }
    }
    Ok(())
}
