//! A PostgreSQL database as a source.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use archive::{SchemaMember, SourceIdentity, SourceKind, TableForm, Writer};
use catalog::{Catalog, Table, TableKind};
use cli::{Failure, Ui, count, create_archive};
use database::endpoint::PostgresEndpoint;
use database::postgres::{
    Identity, Snapshot, SnapshotSession, count_large_objects, read_catalog, read_rows, read_schema_text,
};
use fingerprint::Form;

use crate::args::Rows;
use crate::rows::{Chunk, Chunker, Stop, WAITING_CHUNKS, write_chunks};
use crate::{Options, finish, header};

pub(crate) fn dump(endpoint: &PostgresEndpoint, options: &Options, ui: &Ui) -> cli::Result<()> {
    // Opened first: a terminal or a file that exists is refused before the source is asked for anything.
    let sink = create_archive(&options.destination)?;
    for warning in endpoint.warnings() {
        ui.warning(warning);
    }
    let mut snapshot = Snapshot::take(endpoint, "coalesce dump", None).map_err(Failure::source)?;
    cli::on_interrupt(endpoint.canceller(snapshot.client()));
    ui.detail(format_args!(
        "snapshot {} of {}",
        snapshot.id(),
        endpoint.display_name()
    ));
    let catalog = read_catalog(snapshot.client(), None).map_err(Failure::source)?;
    let schema = read_schema_text(&snapshot, &|end_program| cli::on_interrupt(end_program))
        .map_err(Failure::source)?;
    let forms = choose_forms(&catalog, options);
    let mut notes = schema.warnings.clone();
    notes.extend(what_stays(&mut snapshot, &catalog)?);
    if !schema.apart.is_empty() {
        notes.push(
            "publications, subscriptions and event triggers stand apart and are not applied".to_owned(),
        );
    }
    for note in &notes {
        ui.status(format_args!("{}: {note}", endpoint.display_name()));
    }

    let header = header(identity(snapshot.identity()), catalog, forms, notes, options);
    let bytes = header.catalog.tables.iter().map(|table| table.bytes).sum();
    let mut writer = Writer::new(sink, &header).map_err(Failure::archive)?;
    let members = [
        (SchemaMember::PreData, &schema.pre_data),
        (SchemaMember::PostData, &schema.post_data),
        (SchemaMember::Privileges, &schema.privileges),
        (SchemaMember::Apart, &schema.apart),
    ];
    for (member, sql) in members {
        writer.schema(member, sql).map_err(Failure::archive)?;
    }
    let progress = ui.progress(&endpoint.display_name(), Some(bytes));
    let queue = TableQueue::new(&header.catalog, &header.forms);
    let sessions = open_sessions(&snapshot, options.jobs.min(queue.len()))?;
    thread::scope(|scope| {
        let (sender, chunks) = sync_channel(WAITING_CHUNKS);
        let readers: Vec<_> = sessions
            .into_iter()
            .map(|session| {
                let (sender, queue) = (sender.clone(), &queue);
                scope.spawn(move || read_tables(session, queue, options, &sender))
            })
            .collect();
        drop(sender);
        let written = write_chunks(&mut writer, chunks, &progress);
        let read: Vec<_> = readers
            .into_iter()
            .map(|reader| reader.join().map_err(std::panic::resume_unwind))
            .collect();
        written?;
        read.into_iter()
            .try_for_each(|it| it.unwrap_or_else(|never| never))
    })?;
    finish(writer, &endpoint.display_name(), &progress, ui)
}

/// What the source holds and the archive does not, as sentences.
fn what_stays(snapshot: &mut Snapshot, catalog: &Catalog) -> cli::Result<Vec<String>> {
    let mut stays = Vec::new();
    let large_objects = count_large_objects(snapshot.client()).map_err(Failure::source)?;
    if large_objects > 0 {
        stays.push(format!(
            "{} large objects are not in the archive",
            count(large_objects)
        ));
    }
    let foreign = catalog
        .tables
        .iter()
        .filter(|table| table.kind == TableKind::Foreign);
    stays.extend(foreign.map(|table| {
        format!(
            "foreign table {} is in the archive without its rows",
            table.qualified_name()
        )
    }));
    Ok(stays)
}

fn identity(identity: &Identity) -> SourceIdentity {
    SourceIdentity {
        kind: SourceKind::PostgreSql,
        database: identity.database.clone(),
        server_version: identity.server_version.clone(),
        encoding: identity.encoding.clone(),
        collation: identity.collation.clone(),
        snapshot_time: identity.snapshot_time.clone(),
        lsn: identity.lsn.clone(),
    }
}

/// Binary where every stored column allows it and the rows go straight on, text elsewhere.
fn choose_forms(catalog: &Catalog, options: &Options) -> Vec<TableForm> {
    let wanted = match options.rows {
        Rows::Auto => options.destination.is_pipe(),
        Rows::Csv => false,
        Rows::Binary => true,
    };
    let form = |table: &Table| {
        let binary = wanted && table.stored_columns().all(|column| column.binary_safe);
        TableForm {
            table: table.number,
            form: if binary { Form::Binary } else { Form::Text },
        }
    };
    catalog
        .tables
        .iter()
        .filter(|table| table.has_rows())
        .map(form)
        .collect()
}

/// Tables that wait for a reader, the largest first.
struct TableQueue<'a> {
    tables: Vec<(&'a Table, Form)>,
    next: AtomicUsize,
    failed: Mutex<bool>,
}

impl<'a> TableQueue<'a> {
    fn new(catalog: &'a Catalog, forms: &[TableForm]) -> Self {
        let mut tables: Vec<(&Table, Form)> = forms
            .iter()
            .filter_map(|it| Some((catalog.tables.get(usize::try_from(it.table).ok()?)?, it.form)))
            .collect();
        tables.sort_by_key(|(table, _)| std::cmp::Reverse(table.bytes));
        TableQueue {
            tables,
            next: AtomicUsize::new(0),
            failed: Mutex::new(false),
        }
    }

    fn len(&self) -> usize {
        self.tables.len()
    }

    /// The next table, unless another reader has failed.
    fn take(&self) -> Option<(&'a Table, Form)> {
        if *self.failed.lock().unwrap_or_else(PoisonError::into_inner) || cli::is_interrupted() {
            return None;
        }
        self.tables
            .get(self.next.fetch_add(1, Ordering::Relaxed))
            .copied()
    }

    fn stop(&self) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }
}

fn open_sessions(snapshot: &Snapshot, count: usize) -> cli::Result<Vec<SnapshotSession>> {
    let open = |_| {
        let session = snapshot.session().map_err(Failure::source)?;
        cli::on_interrupt(session.canceller(snapshot.endpoint()));
        Ok(session)
    };
    (0..count).map(open).collect()
}

/// The work of one reader.
fn read_tables(
    mut session: SnapshotSession,
    queue: &TableQueue<'_>,
    options: &Options,
    chunks: &SyncSender<Chunk>,
) -> cli::Result<()> {
    while let Some((table, form)) = queue.take() {
        let mut chunker = Chunker::new(table, form, options.codec, options.chunk_bytes, chunks);
        let read = read_rows(session.client(), table, form, |piece| chunker.push(piece));
        let ended = match read {
            Err(error) => Err(Stop::Failed(Failure::source(error))),
            Ok(stopped) => stopped.and_then(|()| chunker.finish()),
        };
        match ended {
            Ok(()) => {}
            Err(stop) => {
                queue.stop();
                return match stop {
                    Stop::WriterGone => Ok(()),
                    Stop::Failed(failure) => Err(failure),
                };
            }
        }
    }
    if cli::is_interrupted() {
        Err(Failure::new(cli::Exit::Interrupted, "interrupted"))
    } else {
        Ok(())
    }
}
