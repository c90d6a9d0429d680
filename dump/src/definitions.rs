//! What stands in front of the rows: the catalog, `pg_dump`'s text, what is left out and what must be known of it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use archive::{Content, RowFilter};
use catalog::{Catalog, ObjectKind, QualifiedName, ThroughRoot};
use cli::{Failure, Ui};
use database::postgres::{
    Chosen, CutForeignKey, RowFilter as Wanted, SchemaRequest, SchemaText, Snapshot, Standing, Watch,
    check_condition, find_cut_foreign_keys, hidden_tables, left_behind, read_blocks, read_catalog,
    read_schema_text, refuse_torn_trees,
};

use crate::{Options, apart, extension_rows, large_objects};

/// How soon `pg_dump` is looked after first, and how often later.
const LOOK_AFTER: Duration = Duration::from_millis(20);
const LOOK_AFTER_MAX: Duration = Duration::from_millis(320);

/// Everything that stands in front of the rows, as one snapshot shows it.
pub(crate) struct Definitions {
    pub(crate) catalog: Catalog,
    pub(crate) schema: SchemaText,
    pub(crate) notes: Vec<String>,
    pub(crate) row_filters: Vec<RowFilter>,
    pub(crate) blocks: HashMap<QualifiedName, u32>,
}

/// Reads definitions until none of them has been changed meanwhile: the server's own functions, which `pg_dump`
/// calls, show them as they are now, not as the snapshot has them. Nothing has been written yet, so that a new
/// snapshot can take the place of the old one.
pub(crate) fn read_definitions(
    snapshot: &mut Snapshot,
    options: &Options,
    ui: &Ui,
) -> cli::Result<Definitions> {
    loop {
        ui.detail(format_args!(
            "snapshot {} of {}",
            snapshot.id(),
            snapshot.endpoint().display_name()
        ));
        let (why, failure) = match read_once(snapshot, options, ui) {
            Ok(Attempt::Blocked) => {
                let why = "a session that waits for the snapshot's locks holds what pg_dump needs";
                (why, None)
            }
            Err(failure) if failure.is_lock_conflict() => {
                ("another session holds what is to be read", Some(failure))
            }
            // What the snapshot shows is not there any more.
            Err(failure) if failure.is_missing_object() && failure.exit() == cli::Exit::Source => {
                ("definitions are gone", Some(failure))
            }
            // A transaction that has failed cannot be asked.
            Err(failure) if snapshot.is_current().unwrap_or(true) => return Err(failure),
            Ok(Attempt::Read(definitions)) if snapshot.is_current().map_err(Failure::source)? => {
                snapshot.stop_watching();
                return Ok(*definitions);
            }
            Ok(Attempt::Read(_)) => ("definitions were changed while they were read", None),
            Err(failure) => ("definitions were changed while they were read", Some(failure)),
        };
        ui.detail(format_args!("{why}; a new snapshot is taken"));
        if let Err(error) = snapshot.retake() {
            // What stood in the way at last says more than that it was tried too often.
            return Err(failure.unwrap_or_else(|| Failure::source(error)));
        }
    }
}

/// What came of one snapshot.
enum Attempt {
    Read(Box<Definitions>),
    /// `pg_dump` would have waited for somebody who waits for us.
    Blocked,
}

fn read_once(snapshot: &mut Snapshot, options: &Options, ui: &Ui) -> cli::Result<Attempt> {
    let has_schema = options.wanted.content != Content::DataOnly;
    let (client, chosen) = snapshot.parts();
    let cut = if has_schema {
        find_cut_foreign_keys(client, chosen).map_err(Failure::source)?
    } else {
        Vec::new()
    };
    let request = has_schema.then(|| SchemaRequest::new(snapshot, &cut));
    let (client, chosen, watch) = snapshot.watched_parts();
    let child = Child::default();
    // Both ask the server for long where there are many tables.
    let (schema, read) = thread::scope(|scope| {
        let child = &child;
        let request = request.as_ref();
        let (working, done) = channel::<()>();
        let schema = scope.spawn(move || {
            let schema = request.map(|it| child.read_schema(it));
            drop(working);
            schema.unwrap_or_else(|| Ok(SchemaText::default()))
        });
        scope.spawn(move || {
            if let (Some(watch), Some(request)) = (watch, request) {
                child.watch(watch, request, &done, options.lock_timeout);
            }
        });
        let read = read_catalog(client, chosen)
            .and_then(|catalog| {
                Ok((
                    catalog,
                    read_blocks(client, chosen)?,
                    left_behind(client, chosen)?,
                ))
            })
            .map_err(Failure::source);
        let schema = schema
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (schema, read)
    });
    match child.end() {
        Some(Standing::InOwnWay) => return Ok(Attempt::Blocked),
        Some(Standing::Waits) => return Err(waited_too_long(options.lock_timeout)),
        Some(Standing::Free) | None => {}
    }
    let ((mut catalog, blocks, left), mut schema) = (read?, schema?);
    refuse_hidden_rows(&hidden_tables(client, &catalog, chosen).map_err(Failure::source)?)?;
    refuse_torn_trees(client, &catalog, chosen).map_err(Failure::source)?;
    leave_out(&mut catalog, &cut);
    if options.wanted.content == Content::SchemaOnly {
        forget_state(&mut catalog);
    }
    let row_filters = if options.wanted.content == Content::SchemaOnly {
        Vec::new()
    } else {
        row_filters(&catalog, chosen)?
    };
    for filter in &row_filters {
        let table = usize::try_from(filter.table)
            .ok()
            .and_then(|it| catalog.tables.get(it));
        if let (Some(table), Some(condition)) = (table, &filter.condition) {
            check_condition(client, table, condition).map_err(Failure::source)?;
        }
    }
    let mut notes = chosen.notes().to_vec();
    notes.extend(schema.warnings.iter().cloned());
    notes.extend(cut.iter().map(|key| {
        format!(
            "foreign key {} of {} is left out, since it refers to {}, which is not chosen",
            key.name, key.table, key.refers_to
        )
    }));
    notes.extend(left);
    if has_schema {
        apart::cut_passwords(&mut schema, &mut notes);
        catalog.settings = apart::settings(snapshot, &mut notes)?;
    }
    notes.extend(large_objects::add(snapshot, &mut catalog, &options.wanted, ui)?);
    notes.extend(extension_rows::add(snapshot, &mut catalog, &options.wanted)?);
    Ok(Attempt::Read(Box::new(Definitions {
        catalog,
        schema,
        notes,
        row_filters,
        blocks,
    })))
}

fn waited_too_long(timeout: Duration) -> Failure {
    let message = format!(
        "pg_dump waited {} s for a lock that another session holds, on a view or a materialized view",
        timeout.as_secs_f64()
    );
    Failure::new(cli::Exit::Source, message).with_hint(
        "pg_stat_activity and pg_blocking_pids() say which; end that session or wait for it; --lock-wait-timeout \
         allows more time",
    )
}

/// `pg_dump` at work.
#[derive(Default)]
struct Child {
    /// Ends it.
    kill: Mutex<Option<Box<dyn FnMut() + Send>>>,
    /// Why it was ended by us.
    ended: Mutex<Option<Standing>>,
}

impl Child {
    /// It ends with us.
    fn read_schema(&self, request: &SchemaRequest) -> cli::Result<SchemaText> {
        let guards = RefCell::new(Vec::new());
        let on_start = |end_program: Box<dyn FnMut() + Send>| {
            let end = Arc::new(Mutex::new(end_program));
            let call = |end: Arc<Mutex<Box<dyn FnMut() + Send>>>| {
                move || end.lock().unwrap_or_else(PoisonError::into_inner)()
            };
            guards
                .borrow_mut()
                .push(cli::on_interrupt(call(Arc::clone(&end))));
            *self.kill.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(call(end)));
        };
        read_schema_text(request, &on_start).map_err(Failure::source)
    }

    /// Ends it when it would wait for ever, or for longer than `timeout`; returns when it has ended, which `done` tells
    /// by being closed.
    fn watch(&self, mut watch: Watch<'_>, request: &SchemaRequest, done: &Receiver<()>, timeout: Duration) {
        let mut pause = LOOK_AFTER;
        let mut waits_since = None;
        while done.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            pause = (pause * 2).min(LOOK_AFTER_MAX);
            // A question that fails is no reason to end anything.
            let standing = watch.standing(request).unwrap_or(Standing::Free);
            let has_time = match standing {
                Standing::Free => {
                    waits_since = None;
                    true
                }
                Standing::Waits => waits_since.get_or_insert_with(Instant::now).elapsed() < timeout,
                Standing::InOwnWay => false,
            };
            if has_time {
                continue;
            }
            *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(standing);
            // Where it may not be cancelled it ends with its client, as soon as it has its lock.
            let _ = watch.cancel(request);
            if let Some(kill) = &mut *self.kill.lock().unwrap_or_else(PoisonError::into_inner) {
                kill();
            }
            return;
        }
    }

    /// Why it was ended by us, if it was.
    fn end(&self) -> Option<Standing> {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes foreign keys away that lead out of what was chosen.
fn leave_out(catalog: &mut Catalog, cut: &[CutForeignKey]) {
    let is_cut = |it: &catalog::Object| {
        it.kind == ObjectKind::Constraint
            && cut.iter().any(|key| {
                key.name == it.name
                    && key.table.schema == it.schema
                    && Some(&key.table.name) == it.table.as_ref()
            })
    };
    catalog.objects.retain(|it| !is_cut(it));
}

/// What sequences and materialized views hold is no definition.
fn forget_state(catalog: &mut Catalog) {
    for sequence in &mut catalog.sequences {
        (sequence.last_value, sequence.is_called) = (sequence.start, false);
    }
    for view in &mut catalog.materialized_views {
        view.populated = false;
    }
}

/// A partition whose rows are its root's is chosen with its root.
fn row_filters(catalog: &Catalog, chosen: &Chosen) -> cli::Result<Vec<RowFilter>> {
    let mut filters = Vec::new();
    for table in &catalog.tables {
        let name = table.qualified_name();
        let Some(filter) = chosen.row_filter(&name) else {
            continue;
        };
        let root = table
            .partition_of
            .as_ref()
            .filter(|_| table.through_root == Some(ThroughRoot::Below));
        if root.is_some_and(|root| chosen.row_filter(root) != Some(filter)) {
            let message = format!("rows of {name} are read through the partitioned table above it");
            return Err(Failure::usage(message).with_hint("name that one instead"));
        }
        if table.has_rows() {
            let condition = match filter {
                Wanted::None => None,
                Wanted::Where(condition) => Some(condition.clone()),
            };
            let table = table.number;
            filters.push(RowFilter { table, condition });
        }
    }
    Ok(filters)
}

/// Row level security is complete or an error, never fewer rows.
fn refuse_hidden_rows(hidden: &[QualifiedName]) -> cli::Result<()> {
    if hidden.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(
        cli::Exit::Source,
        "row level security would hide rows from this role",
    );
    let hidden: Vec<String> = hidden.iter().map(ToString::to_string).collect();
    let failure = failure.with_state(format!("of {}", hidden.join(", ")));
    Err(failure.with_hint("read with a role that has BYPASSRLS, or with the tables' owner"))
}
