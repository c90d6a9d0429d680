//! A PostgreSQL database as a source.

use archive::{Content, SchemaMember, SourceIdentity, SourceKind, Writer};
use cli::{Failure, Ui, create_archive};
use database::endpoint::PostgresEndpoint;
use database::postgres::{Identity, SnapshotRequest};

use crate::definitions::{Definitions, read_definitions};
use crate::forms::choose_forms;
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
        .on_interrupt(&|cancel| cli::on_interrupt(cancel).keep())
        .take()
        .map_err(Failure::source)?;
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
            .filter(|_| snapshot.identity().has_block_ranges()),
    };
    let queue = match options.wanted.content {
        Content::SchemaOnly => PartQueue::empty(),
        Content::Whole | Content::DataOnly => {
            PartQueue::new(&header.catalog, &header.forms, &header.row_filters, &cut)
        }
    };
    let bytes = header.catalog.tables.iter().map(|table| table.bytes).sum();
    // A server without room for them is met before the first byte is written.
    let readers = Readers::open(&mut snapshot, options.jobs.min(queue.len()), ui)?;
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
    readers.read(&mut snapshot, &queue, options, &mut writer, &progress)?;
    // Before the end member, without which nobody takes the archive.
    snapshot.confirm().map_err(Failure::source)?;
    finish(
        writer,
        &header.catalog,
        &endpoint.display_name(),
        &progress,
        options,
        ui,
    )
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
