//! A live server: its census, and what planning needs of it.

use catalog::Table;
use cli::{Failure, Result, Ui};
use database::endpoint::PostgresEndpoint;
use database::postgres::{
    OversizedRows, Snapshot, SnapshotRequest, check_large_objects_readable, could_hold_oversized_row,
    find_oversized_row, large_object_oids, read_catalog,
};
use fingerprint::Form;
use inventory::{Engine, Inventory, LargeObjects, Server};

use super::archived::collation;
use super::{Source, from_catalog};

/// Tables up to this size are counted; of larger ones the planner's estimate is taken.
const COUNTED_BYTES_MAX: u64 = 64 << 20;

pub(super) fn take(endpoint: &PostgresEndpoint, ui: &Ui) -> Result<Source> {
    for warning in endpoint.warnings() {
        ui.warning(warning);
    }
    let mut snapshot = SnapshotRequest::new(endpoint, "coalesce assess")
        .on_interrupt(&|cancel| cli::on_interrupt(cancel).keep())
        .take()
        .map_err(Failure::source)?;
    let (oids, large_objects) = large_objects(&mut snapshot)?;
    let (client, chosen) = snapshot.parts();
    let catalog = read_catalog(client, chosen).map_err(Failure::source)?;
    let identity = snapshot.identity().clone();
    let mut inventory = Inventory {
        name: endpoint.display_name(),
        endpoint: endpoint.without_password(),
        server: Server {
            engine: Engine::Postgres,
            version: identity.server_version,
            version_number: identity.version_number.unsigned_abs(),
            database: identity.database,
            encoding: identity.encoding,
            collation: collation(&identity.collation),
            in_recovery: identity.in_recovery,
            bytes: catalog.tables.iter().map(|table| table.bytes).sum(),
            ..Server::default()
        },
        ..Inventory::default()
    };
    from_catalog::fill(&catalog, &mut inventory);
    inventory.large_objects = large_objects;
    let (mut notes, mut not_looked_through) = (Vec::new(), Vec::new());
    for (table, known) in catalog.tables.iter().zip(&mut inventory.tables) {
        (known.rows_counted, known.rows_exact) = count_rows(&mut snapshot, table)?;
        if !table.has_rows() {
            continue;
        }
        match could_hold_oversized_row(snapshot.client(), table).map_err(Failure::source)? {
            OversizedRows::Impossible => {}
            OversizedRows::Possible => notes.extend(oversized_row(&mut snapshot, table)?),
            OversizedRows::NotLookedFor => not_looked_through.push(table.qualified_name().to_string()),
        }
    }
    if !not_looked_through.is_empty() {
        notes.push(format!(
            "tables of more than 1 GiB are not looked through for rows that COPY cannot pass (1 GiB as text): {}",
            not_looked_through.join(", ")
        ));
    }
    Ok(Source {
        inventory,
        catalog,
        file: None,
        large_objects: oids,
        notes,
    })
}

fn large_objects(snapshot: &mut Snapshot) -> Result<(Vec<u32>, LargeObjects)> {
    let oids = large_object_oids(snapshot.client()).map_err(Failure::source)?;
    let mut found = from_catalog::large_objects(&oids);
    match check_large_objects_readable(snapshot.client(), None, false) {
        Ok(()) => {}
        Err(error) if error.kind() == database::ErrorKind::Unsupported => {
            found.unreadable = Some(error.to_string());
            found.way_out = error.hint().map(str::to_owned);
        }
        Err(error) => return Err(Failure::source(error)),
    }
    Ok((oids, found))
}

/// What COPY cannot pass as text.
fn oversized_row(snapshot: &mut Snapshot, table: &Table) -> Result<Option<String>> {
    let found = find_oversized_row(snapshot.client(), table, Form::Text).map_err(Failure::source)?;
    Ok(found.map(|row| {
        let way = match row.passes_as {
            Some(_) => "`dump --rows binary` passes it",
            None => "COPY cannot pass it at all",
        };
        format!(
            "{}: the row at ctid {} is longer than 1 GiB as text (column {}); {way}",
            table.qualified_name(),
            row.ctid,
            row.column
        )
    }))
}

fn count_rows(snapshot: &mut Snapshot, table: &Table) -> Result<(Option<u64>, bool)> {
    if !table.has_rows() {
        return Ok((Some(0), true));
    }
    match table.rows_estimate {
        Some(rows) if table.bytes > COUNTED_BYTES_MAX => Ok((Some(rows), false)),
        _ => {
            let rows = database::postgres::count_rows(snapshot.client(), table).map_err(Failure::source)?;
            Ok((Some(rows), true))
        }
    }
}
