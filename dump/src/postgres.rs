//! A PostgreSQL database as a source.

use std::cell::RefCell;

use archive::{SchemaMember, SourceIdentity, SourceKind, TableForm, Writer};
use catalog::{Catalog, Table};
use cli::{Failure, Ui, create_archive};
use database::endpoint::PostgresEndpoint;
use database::postgres::{
    Identity, SchemaText, Snapshot, hidden_tables, left_behind, read_catalog, read_schema_text,
};
use fingerprint::Form;

use crate::args::Rows;
use crate::readers::{Readers, TableQueue};
use crate::{Options, extension_rows, finish, header, large_objects};

pub(crate) fn dump(endpoint: &PostgresEndpoint, options: &Options, ui: &Ui) -> cli::Result<()> {
    // Opened first: a terminal or a file that exists is refused before the source is asked for anything.
    let sink = create_archive(&options.destination)?;
    for warning in endpoint.warnings() {
        ui.warning(warning);
    }
    let mut snapshot = Snapshot::take(endpoint, "coalesce dump", None).map_err(Failure::source)?;
    let _guard = cli::on_interrupt(endpoint.canceller(snapshot.client()));
    ui.detail(format_args!(
        "snapshot {} of {}",
        snapshot.id(),
        endpoint.display_name()
    ));
    refuse_hidden_rows(&mut snapshot)?;
    let mut catalog = read_catalog(snapshot.client(), None).map_err(Failure::source)?;
    let mut filters = Vec::new();
    filters.extend(large_objects::add(
        &mut snapshot,
        &mut catalog,
        options.large_objects,
        ui,
    )?);
    filters.extend(extension_rows::add(
        &mut snapshot,
        &mut catalog,
        options.extension_rows,
        ui,
    )?);
    let schema = read_schema(&snapshot)?;
    let forms = choose_forms(&catalog, options);
    let mut notes = schema.warnings.clone();
    notes.extend(left_behind(snapshot.client()).map_err(Failure::source)?);
    if !schema.apart.is_empty() {
        notes.push(
            "publications, event triggers and default privileges stand apart and are not applied".to_owned(),
        );
    }
    for note in &notes {
        ui.status(format_args!("{}: {note}", endpoint.display_name()));
    }

    let mut header = header(identity(snapshot.identity()), catalog, forms, notes, options);
    header.filters.extend(filters);
    let bytes = header.catalog.tables.iter().map(|table| table.bytes).sum();
    let large_objects = large_objects::parts(&header.catalog);
    let queue = TableQueue::new(&header.catalog, &large_objects, &header.forms);
    // A server without room for them is met before the first byte is written.
    let readers = Readers::open(&snapshot, options.jobs.min(queue.len()), ui)?;
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
    readers.read(&queue, options, &mut writer, &progress)?;
    finish(writer, &header.catalog, &endpoint.display_name(), &progress, ui)
}

/// Row level security is complete or an error, never fewer rows.
fn refuse_hidden_rows(snapshot: &mut Snapshot) -> cli::Result<()> {
    let hidden = hidden_tables(snapshot.client()).map_err(Failure::source)?;
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
fn read_schema(snapshot: &Snapshot) -> cli::Result<SchemaText> {
    let guards = RefCell::new(Vec::new());
    let on_interrupt = |end_program| guards.borrow_mut().push(cli::on_interrupt(end_program));
    read_schema_text(snapshot, &on_interrupt).map_err(Failure::source)
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
