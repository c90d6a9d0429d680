//! What one source holds.

use std::path::Path;

use archive::Discard;
use catalog::{Catalog, Extension, ObjectKind, Table};
use cli::{Failure, Result, Ui};
use database::Endpoint;
use database::endpoint::PostgresEndpoint;
use database::postgres::{
    Identity, OversizedRows, Snapshot, SnapshotRequest, could_hold_oversized_row, find_oversized_row,
    read_catalog,
};
use database::sqlite::{Blocker, Choices, OrphanedKey, TableReport};
use fingerprint::Form;
use plan::PlannedType;

use crate::args::Args;
use crate::columns;
use crate::large_objects::{self, LargeObjects};

/// Tables up to this size are counted; of larger ones the planner's estimate is taken.
const COUNTED_BYTES_MAX: u64 = 64 << 20;

/// One source.
pub(crate) struct Inventory {
    /// As in messages: a database's or a file's name.
    pub(crate) name: String,
    /// How it was reached, without a password.
    pub(crate) endpoint: String,
    pub(crate) engine: Engine,
    pub(crate) catalog: Catalog,
    /// Rows of each table, by the table's number.
    pub(crate) rows: Vec<RowCount>,
    pub(crate) bytes: u64,
    /// Of a SQLite file: what its values are, and what becomes of each column.
    pub(crate) census: Vec<TableReport>,
    /// Of a SQLite file: the types that a plan names.
    pub(crate) types: Vec<PlannedType>,
    /// What the choices for its values leave out or change, and the same as sentences.
    pub(crate) discards: Vec<Discard>,
    pub(crate) discarded: Vec<String>,
    pub(crate) large_objects: LargeObjects,
    /// What will be different on the target, as sentences.
    pub(crate) notes: Vec<String>,
    /// Foreign keys of a SQLite file with rows that have no parent.
    pub(crate) orphans: Vec<OrphanedKey>,
    /// What cannot be moved as it is.
    pub(crate) blockers: Vec<Blocker>,
}

pub(crate) enum Engine {
    Postgres(Identity),
    Sqlite,
}

#[derive(Clone, Copy)]
pub(crate) struct RowCount {
    pub(crate) rows: u64,
    pub(crate) exact: bool,
}

impl Inventory {
    pub(crate) fn rows(&self) -> RowCount {
        let rows = self.rows.iter().map(|it| it.rows).sum();
        RowCount {
            rows,
            exact: self.rows.iter().all(|it| it.exact),
        }
    }

    pub(crate) fn views(&self) -> usize {
        self.catalog.count(ObjectKind::View) + self.catalog.count(ObjectKind::MaterializedView)
    }

    pub(crate) fn routines(&self) -> usize {
        [ObjectKind::Function, ObjectKind::Procedure, ObjectKind::Aggregate]
            .map(|kind| self.catalog.count(kind))
            .iter()
            .sum()
    }

    pub(crate) fn extensions(&self) -> impl Iterator<Item = &Extension> {
        without_built_in(&self.catalog.extensions)
    }
}

/// Extensions but for the one that every server has.
pub(crate) fn without_built_in(extensions: &[Extension]) -> impl Iterator<Item = &Extension> {
    extensions.iter().filter(|it| it.name != "plpgsql")
}

/// Looks at all sources in turn.
pub(crate) fn take_all(args: &Args, choices: &Choices, ui: &Ui) -> Result<Vec<Inventory>> {
    let endpoints: Vec<Endpoint> = args
        .sources
        .iter()
        .map(|it| Endpoint::parse(it, &cli::environment()).map_err(Failure::source))
        .collect::<Result<_>>()?;
    let files = endpoints
        .iter()
        .filter(|it| matches!(it, Endpoint::Sqlite(_)))
        .count();
    if files == 0 {
        args.sqlite.refuse_for(&args.sources.join(", "))?;
        args.sqlite_names.refuse_for(&args.sources.join(", "))?;
    }
    if files > 1 && args.sqlite.name_columns() {
        return Err(
            Failure::usage("--type names a column of one SQLite file, and several are given")
                .with_hint("assess that file apart from the others"),
        );
    }
    if files > 1 && args.sqlite_names.name_tables() {
        return Err(
            Failure::usage("--rename names what is in one SQLite file, and several are given")
                .with_hint("assess that file apart from the others"),
        );
    }
    endpoints.iter().map(|it| take(it, choices, ui)).collect()
}

/// Looks at a database without reading its rows, apart from counting them.
fn take(endpoint: &Endpoint, choices: &Choices, ui: &Ui) -> Result<Inventory> {
    match endpoint {
        Endpoint::Postgres(endpoint) => take_postgres(endpoint, ui),
        Endpoint::Sqlite(path) => take_sqlite(path, choices, ui),
    }
}

fn take_postgres(endpoint: &PostgresEndpoint, ui: &Ui) -> Result<Inventory> {
    for warning in endpoint.warnings() {
        ui.warning(warning);
    }
    let mut snapshot = SnapshotRequest::new(endpoint, "coalesce assess")
        .on_interrupt(&|cancel| cli::on_interrupt(cancel).keep())
        .take()
        .map_err(Failure::source)?;
    let large_objects = large_objects::take(&mut snapshot)?;
    let (client, chosen) = snapshot.parts();
    let catalog = read_catalog(client, chosen).map_err(Failure::source)?;
    let (mut rows, mut notes) = (Vec::with_capacity(catalog.tables.len()), Vec::new());
    let mut not_looked_through = Vec::new();
    for table in &catalog.tables {
        rows.push(count_rows(&mut snapshot, table)?);
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
    Ok(Inventory {
        name: endpoint.display_name(),
        endpoint: endpoint.without_password(),
        engine: Engine::Postgres(snapshot.identity().clone()),
        bytes: catalog.tables.iter().map(|table| table.bytes).sum(),
        catalog,
        rows,
        census: Vec::new(),
        types: Vec::new(),
        discards: Vec::new(),
        discarded: Vec::new(),
        large_objects,
        notes,
        orphans: Vec::new(),
        blockers: Vec::new(),
    })
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

fn count_rows(snapshot: &mut Snapshot, table: &Table) -> Result<RowCount> {
    if !table.has_rows() {
        return Ok(RowCount { rows: 0, exact: true });
    }
    match table.rows_estimate {
        Some(rows) if table.bytes > COUNTED_BYTES_MAX => Ok(RowCount { rows, exact: false }),
        _ => {
            let rows = database::postgres::count_rows(snapshot.client(), table).map_err(Failure::source)?;
            Ok(RowCount { rows, exact: true })
        }
    }
}

fn take_sqlite(path: &Path, choices: &Choices, ui: &Ui) -> Result<Inventory> {
    let source = cli::open_sqlite(path, choices, ui)?;
    let survey = source.survey(choices).map_err(Failure::source)?;
    for value in survey.blockers.iter().flat_map(Blocker::values) {
        ui.detail(value);
    }
    let counts = survey.schema.tables.iter().map(|table| RowCount {
        rows: table.row_count,
        exact: true,
    });
    let discards = cli::discards(&survey);
    let rows = if survey.catalog.tables.is_empty() {
        Vec::new()
    } else {
        counts.collect()
    };
    Ok(Inventory {
        name: path
            .file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into_owned(),
        endpoint: path.display().to_string(),
        engine: Engine::Sqlite,
        census: columns::reports(&survey),
        types: columns::planned_types(&survey),
        discarded: cli::discard_sentences(&discards, &survey.catalog),
        discards,
        rows,
        bytes: std::fs::metadata(path).map_or(0, |it| it.len()),
        large_objects: LargeObjects::default(),
        notes: survey.notes.iter().map(ToString::to_string).collect(),
        orphans: survey.orphans,
        blockers: survey.blockers,
        catalog: survey.catalog,
    })
}
