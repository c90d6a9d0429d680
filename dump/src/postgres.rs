//! A PostgreSQL database as a source.

use std::cell::RefCell;
use std::collections::HashMap;
use std::thread;

use archive::{Content, RowFilter, SchemaMember, SourceIdentity, SourceKind, TableForm, Writer};
use catalog::{Catalog, ObjectKind, QualifiedName, Table};
use cli::{Failure, Ui, create_archive};
use database::endpoint::PostgresEndpoint;
use database::postgres::{
    Chosen, CutForeignKey, Identity, RowFilter as Wanted, SchemaRequest, SchemaText, Snapshot,
    SnapshotRequest, check_condition, find_cut_foreign_keys, hidden_tables, left_behind, read_blocks,
    read_catalog, read_schema_text,
};
use fingerprint::Form;

use crate::args::Rows;
use crate::parts::{Cut, PartQueue};
use crate::readers::Readers;
use crate::{Options, finish, header};

pub(crate) fn dump(endpoint: &PostgresEndpoint, options: &Options, ui: &Ui) -> cli::Result<()> {
    // Opened first: a terminal or a file that exists is refused before the source is asked for anything.
    let sink = create_archive(&options.destination)?;
    for warning in endpoint.warnings() {
        ui.warning(warning);
    }
    let mut snapshot = SnapshotRequest::new(endpoint, "coalesce dump")
        .selecting(options.wanted.selection.clone())
        .lock_timeout(options.lock_timeout)
        .watching_definitions()
        .take()
        .map_err(Failure::source)?;
    let _guard = cli::on_interrupt(endpoint.canceller(snapshot.client()));
    let definitions = read_definitions(&mut snapshot, options, ui)?;
    let Definitions {
        catalog,
        schema,
        notes,
        row_filters,
        blocks,
    } = definitions;
    for note in &notes {
        ui.status(format_args!("{}: {note}", endpoint.display_name()));
    }

    let forms = choose_forms(&catalog, options);
    let header = header(
        identity(snapshot.identity()),
        catalog,
        forms,
        row_filters,
        notes,
        options,
    );
    let cut = Cut {
        blocks: &blocks,
        part_bytes: options
            .part_bytes
            .filter(|_| has_block_ranges(snapshot.identity())),
    };
    let queue = match options.wanted.content {
        Content::SchemaOnly => PartQueue::empty(),
        Content::Whole | Content::DataOnly => {
            PartQueue::new(&header.catalog, &header.forms, &header.row_filters, &cut)
        }
    };
    let bytes = header.catalog.tables.iter().map(|table| table.bytes).sum();
    // A server without room for them is met before the first byte is written.
    let readers = Readers::open(&snapshot, options.jobs.min(queue.len()), ui)?;
    let mut writer = Writer::new(sink, &header).map_err(Failure::archive)?;
    if options.wanted.content != Content::DataOnly {
        let members = [
            (SchemaMember::PreData, &schema.pre_data),
            (SchemaMember::PostData, &schema.post_data),
            (SchemaMember::Privileges, &schema.privileges),
            (SchemaMember::Apart, &schema.apart),
        ];
        for (member, sql) in members {
            writer.schema(member, sql).map_err(Failure::archive)?;
        }
    }
    let progress = ui.progress(&endpoint.display_name(), Some(bytes));
    readers.read(&queue, options, &mut writer, &progress)?;
    finish(writer, &endpoint.display_name(), &progress, ui)
}

/// Everything that stands in front of the rows, as one snapshot shows it.
struct Definitions {
    catalog: Catalog,
    schema: SchemaText,
    notes: Vec<String>,
    row_filters: Vec<RowFilter>,
    blocks: HashMap<QualifiedName, u32>,
}

/// Reads definitions until none of them has been changed meanwhile: the server's own functions, which `pg_dump`
/// calls, show them as they are now, not as the snapshot has them. Nothing has been written yet, so that a new
/// snapshot can take the place of the old one.
fn read_definitions(snapshot: &mut Snapshot, options: &Options, ui: &Ui) -> cli::Result<Definitions> {
    loop {
        ui.detail(format_args!(
            "snapshot {} of {}",
            snapshot.id(),
            snapshot.endpoint().display_name()
        ));
        let definitions = read_definitions_once(snapshot, options);
        match (snapshot.is_current(), definitions) {
            (Ok(true), definitions) => return definitions,
            // A transaction that has failed cannot be asked.
            (Err(_), Err(failure)) => return Err(failure),
            (Err(error), Ok(_)) => return Err(Failure::source(error)),
            (Ok(false), _) => {
                ui.detail("definitions were changed while they were read; a new snapshot is taken")
            }
        }
        snapshot.retake().map_err(Failure::source)?;
    }
}

fn read_definitions_once(snapshot: &mut Snapshot, options: &Options) -> cli::Result<Definitions> {
    let has_schema = options.wanted.content != Content::DataOnly;
    let (client, chosen) = snapshot.parts();
    refuse_hidden_rows(&hidden_tables(client, chosen).map_err(Failure::source)?)?;
    let cut = if has_schema {
        find_cut_foreign_keys(client, chosen).map_err(Failure::source)?
    } else {
        Vec::new()
    };
    let request = SchemaRequest::new(snapshot, &cut);
    let (client, chosen) = snapshot.parts();
    let (schema, read) = thread::scope(|scope| {
        // Both ask the server for long where there are many tables.
        let schema = scope.spawn(|| {
            if has_schema {
                read_schema(&request)
            } else {
                Ok(SchemaText::default())
            }
        });
        let read = read_catalog(client, chosen)
            .and_then(|catalog| Ok((catalog, read_blocks(client, chosen)?, left_behind(client)?)))
            .map_err(Failure::source);
        let schema = schema
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (schema, read)
    });
    let ((mut catalog, blocks, left), schema) = (read?, schema?);
    leave_out(&mut catalog, &cut);
    if options.wanted.content == Content::SchemaOnly {
        forget_state(&mut catalog);
    }
    let row_filters = row_filters(&catalog, chosen);
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
    if !schema.apart.is_empty() {
        notes.push(
            "publications, event triggers and default privileges stand apart and are not applied".to_owned(),
        );
    }
    Ok(Definitions {
        catalog,
        schema,
        notes,
        row_filters,
        blocks,
    })
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

fn row_filters(catalog: &Catalog, chosen: &Chosen) -> Vec<RowFilter> {
    let filter = |table: &Table| {
        let condition = match chosen.row_filter(&table.qualified_name())? {
            Wanted::None => None,
            Wanted::Where(condition) => Some(condition.clone()),
        };
        let table = table.number;
        Some(RowFilter { table, condition })
    };
    catalog.tables.iter().filter_map(filter).collect()
}

/// Whether the server finds rows by the blocks in which they stand without reading all others.
fn has_block_ranges(identity: &Identity) -> bool {
    const FIRST_WITH: i32 = 140_000;
    identity.version_number >= FIRST_WITH
}

/// Row level security is complete or an error, never fewer rows.
fn refuse_hidden_rows(hidden: &[String]) -> cli::Result<()> {
    if hidden.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(
        cli::Exit::Source,
        "row level security would hide rows from this role",
    );
    let failure = failure.with_state(format!("of {}", hidden.join(", ")));
    Err(failure.with_hint("read with a role that has BYPASSRLS, or with the tables' owner"))
}

/// The programs that it runs end with us.
fn read_schema(request: &SchemaRequest) -> cli::Result<SchemaText> {
    let guards = RefCell::new(Vec::new());
    let on_interrupt = |end_program| guards.borrow_mut().push(cli::on_interrupt(end_program));
    read_schema_text(request, &on_interrupt).map_err(Failure::source)
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
