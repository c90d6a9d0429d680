//! The two sides of a comparison, each able to give a table's fingerprint in a given form.

pub(crate) mod archive_alone;
pub(crate) mod archive_rows;
pub(crate) mod archived;
mod asking;
mod scanning;
pub(crate) mod sqlite_file;
pub(crate) mod with_table;

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use archive::SourceKind;
use catalog::{Catalog, Table};
use cli::{Exit, Failure, Pace, Result, Ui};
use database::Endpoint;
use database::endpoint::PostgresEndpoint;
use database::postgres::{
    Extent, Identity, Selection, Snapshot, SnapshotRequest, SnapshotSession, read_catalog, read_rows,
};
use database::sqlite::{Choices, NoteKind};
use fingerprint::{Fingerprint, Form};
use plan::Mapping;
use rewrite::{Known, NameMap, Rewriter};

use crate::report::{Area, Finding};
use crate::rows::beside::Kept;
use crate::rows::scan::{Scan, Scanned};
use crate::sides::archived::{Archived, open_source};
use crate::sides::sqlite_file::SqliteFile;

/// What must be there.
pub(crate) enum Source {
    Postgres(Box<Live>),
    Sqlite(Box<SqliteFile>),
    Archive(Box<Archived>),
}

/// A PostgreSQL database under a snapshot, read by several sessions.
pub(crate) struct Live {
    pub(crate) name: String,
    pub(crate) catalog: Catalog,
    pub(crate) identity: Identity,
    sessions: Mutex<Vec<SnapshotSession>>,
    /// Holds the snapshot and its locks.
    snapshot: Mutex<Snapshot>,
    /// How fast rows may pass.
    pub(crate) pace: Arc<Pace>,
}

impl Source {
    /// Opens a database, a SQLite file or an archive.
    pub(crate) fn open(
        words: &str,
        jobs: usize,
        extension_rows: bool,
        choices: &Choices,
        ui: &Ui,
    ) -> Result<Source> {
        if is_archive(words) {
            return open_source(words);
        }
        match Endpoint::parse(words, &cli::environment()).map_err(Failure::source)? {
            Endpoint::Postgres(endpoint) => {
                endpoint.warnings().iter().for_each(|it| ui.warning(it));
                let everything = Selection {
                    extension_rows,
                    ..Selection::default()
                };
                Live::open(&endpoint, everything, jobs, Failure::source)
                    .map(|live| Source::Postgres(Box::new(live)))
            }
            Endpoint::Sqlite(path) => {
                SqliteFile::open(&path, jobs, choices, ui).map(|file| Source::Sqlite(Box::new(file)))
            }
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Source::Postgres(live) => &live.name,
            Source::Sqlite(file) => &file.name,
            Source::Archive(it) => &it.header.source.database,
        }
    }

    /// What of a damaged file could not be read, as sentences.
    pub(crate) fn lost(&self) -> Vec<Finding> {
        let Source::Sqlite(file) = self else {
            return Vec::new();
        };
        let lost = file
            .inspection
            .notes
            .iter()
            .filter(|it| it.kind == NoteKind::Lost);
        let finding = |it: &database::sqlite::Note| {
            let note = format!("the source is damaged: {it}");
            Finding::new(Area::Rows, format!("table {}", it.object), "rows are lost").with_note(note)
        };
        lost.map(finding).collect()
    }

    /// What its database is called, or its file, as loads note it.
    pub(crate) fn database(&self) -> String {
        match self {
            Source::Postgres(live) => live.identity.database.clone(),
            Source::Sqlite(file) => file.file_name(),
            Source::Archive(it) => it.header.source.database.clone(),
        }
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        match self {
            Source::Postgres(live) => &live.catalog,
            Source::Sqlite(file) => &file.inspection.catalog,
            Source::Archive(it) => &it.header.catalog,
        }
    }

    pub(crate) fn catalog_mut(&mut self) -> &mut Catalog {
        match self {
            Source::Postgres(live) => &mut live.catalog,
            Source::Sqlite(file) => &mut file.inspection.catalog,
            Source::Archive(it) => &mut it.header.catalog,
        }
    }

    /// New names that an archive has been given already, in their order.
    pub(crate) fn earlier_mappings(&self) -> &[Mapping] {
        match self {
            Source::Archive(it) => &it.header.mappings,
            Source::Postgres(_) | Source::Sqlite(_) => &[],
        }
    }

    /// Whether its definitions speak of converted keys already.
    pub(crate) fn is_converted(&self) -> bool {
        matches!(self, Source::Archive(it) if !it.header.conversions.is_empty())
    }

    /// What its dump leaves out or changes because of values, as sentences.
    pub(crate) fn discards(&self) -> Vec<String> {
        match self {
            Source::Postgres(_) => Vec::new(),
            Source::Sqlite(file) => cli::discard_sentences(&cli::discards(&file.inspection), self.catalog()),
            Source::Archive(it) => cli::discard_sentences(&it.header.discards, self.catalog()),
        }
    }

    /// The major version of the PostgreSQL that it is or comes from.
    pub(crate) fn major(&self) -> Option<u32> {
        match self {
            Source::Postgres(live) => live.major(),
            Source::Archive(it) if it.header.source.kind == SourceKind::PostgreSql => {
                let version = &it.header.source.server_version;
                version.split('.').next().and_then(|it| it.parse().ok())
            }
            Source::Sqlite(_) | Source::Archive(_) => None,
        }
    }

    /// In a database that is its own target, takes those schemas away that others are mapped to: they are what is
    /// to be proved. Refuses when nothing is left.
    pub(crate) fn leave_out_targets(&mut self, mapping: &Mapping, target: &Live) -> Result<()> {
        let Source::Postgres(live) = self else {
            return Ok(());
        };
        if live.identity.instance != target.identity.instance {
            return Ok(());
        }
        let catalog = &mut live.catalog;
        let targets: HashSet<String> = catalog
            .schemas
            .iter()
            .map(|it| (mapping.schema(&it.name), &it.name))
            .filter(|(target, schema)| target != *schema)
            .map(|(target, _)| target)
            .collect();
        let had_schemas = !catalog.schemas.is_empty();
        catalog.schemas.retain(|it| !targets.contains(&it.name));
        catalog.tables.retain(|it| !targets.contains(&it.schema));
        catalog.sequences.retain(|it| !targets.contains(&it.schema));
        catalog.objects.retain(|it| !targets.contains(&it.schema));
        if had_schemas && catalog.schemas.is_empty() {
            let message = format!("each schema of {} would be the target of another one", live.name);
            return Err(Failure::usage(message));
        }
        Ok(())
    }

    /// The encoding of its text.
    pub(crate) fn encoding(&self) -> &str {
        match self {
            Source::Postgres(live) => &live.identity.encoding,
            Source::Sqlite(_) => "UTF8",
            Source::Archive(it) => &it.header.source.encoding,
        }
    }
}

impl Source {
    /// The rows of a table that are compared one by one, and the form in which this source has or reads them. They
    /// are given away, and asked for once.
    pub(crate) fn kept(&self, table: &Table, names: Option<&NameMap>) -> Result<(Form, Kept)> {
        let kept = match self {
            Source::Postgres(live) => {
                let scan = Scan::new(table, Form::Text, names.and_then(|it| it.table(table)));
                let kept = live.kept(scan, table, &Extent::default(), Failure::source)?;
                return Ok((Form::Text, kept));
            }
            Source::Archive(it) => {
                let mut kept = it.kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.remove(&table.number).zip(it.header.form(table.number))
            }
            Source::Sqlite(_) => None,
        };
        let (kept, form) = kept.ok_or_else(|| {
            let message = format!("rows of {} were not kept", table.qualified_name());
            Failure::new(Exit::Internal, message)
        })?;
        Ok((form, kept))
    }
}

impl Live {
    /// `selection` limits what is locked and read; `failure` says which side this is.
    pub(crate) fn open(
        endpoint: &PostgresEndpoint,
        selection: Selection,
        jobs: usize,
        failure: fn(database::Error) -> Failure,
    ) -> Result<Live> {
        let mut snapshot = SnapshotRequest::new(endpoint, "coalesce verify")
            .selecting(selection)
            .on_interrupt(&|cancel| cli::on_interrupt(cancel).keep())
            .take()
            .map_err(failure)?;
        let (client, chosen) = snapshot.parts();
        let catalog = read_catalog(client, chosen).map_err(failure)?;
        snapshot.wait_for_locks().map_err(failure)?;
        let identity = snapshot.identity().clone();
        let sessions = (0..jobs)
            .map(|_| snapshot.session().map_err(failure))
            .collect::<Result<Vec<_>>>()?;
        for session in &sessions {
            cli::on_interrupt(session.canceller()).keep();
        }
        let (sessions, snapshot) = (Mutex::new(sessions), Mutex::new(snapshot));
        Ok(Live {
            name: endpoint.display_name(),
            catalog,
            identity,
            sessions,
            snapshot,
            pace: Arc::default(),
        })
    }

    /// Makes sure that the tables' locks were held until now; see [`Snapshot::confirm`].
    pub(crate) fn confirm(&self, failure: fn(database::Error) -> Failure) -> Result<()> {
        let mut snapshot = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        snapshot.confirm().map_err(failure)
    }

    pub(crate) fn major(&self) -> Option<u32> {
        u32::try_from(self.identity.version_number / 10_000).ok()
    }

    /// Reads the table once, as it is.
    pub(crate) fn fingerprint_of_rows(
        &self,
        table: &Table,
        form: Form,
        extent: &Extent,
    ) -> Result<Fingerprint> {
        let scan = Scan::new(table, form, None);
        Ok(self.scan(scan, table, extent, Failure::target)?.total)
    }

    /// Reads rows of the table once.
    pub(crate) fn scan(
        &self,
        mut scan: Scan<'_>,
        table: &Table,
        extent: &Extent,
        failure: fn(database::Error) -> Failure,
    ) -> Result<Scanned> {
        self.read(&mut scan, table, extent, failure)?;
        scan.finish()
    }

    fn read(
        &self,
        scan: &mut Scan<'_>,
        table: &Table,
        extent: &Extent,
        failure: fn(database::Error) -> Failure,
    ) -> Result<()> {
        let form = scan.form();
        // There is a session for each thread that asks.
        let session = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut session =
            session.ok_or_else(|| Failure::new(Exit::Internal, "more readers than sessions"))?;
        let locked = session.lock(table).map_err(failure);
        let read = if locked.as_ref().is_err_and(Failure::is_lock_conflict) {
            // Somebody waits for the lock that the snapshot's own session holds, and we would wait behind them.
            let mut snapshot = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
            session
                .renew()
                .and_then(|()| {
                    read_rows(snapshot.client(), table, form, extent, |piece| {
                        self.pass(scan, piece)
                    })
                })
                .map_err(failure)
        } else {
            locked.and_then(|()| {
                read_rows(session.client(), table, form, extent, |piece| {
                    self.pass(scan, piece)
                })
                .map_err(failure)
            })
        };
        // Given back in any case: else another reader would be told of that, and not of what went wrong here.
        self.sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(session);
        read?
    }

    /// Lets a piece of a table's rows pass, when its time has come.
    fn pass(&self, scan: &mut Scan<'_>, piece: &[u8]) -> Result<()> {
        self.pace.wait(piece.len())?;
        scan.push(piece)
    }

    /// Reads rows that are compared one by one.
    pub(crate) fn kept(
        &self,
        mut scan: Scan<'_>,
        table: &Table,
        extent: &Extent,
        failure: fn(database::Error) -> Failure,
    ) -> Result<Kept> {
        scan.keep_in(Kept::of_table(table, scan.form()));
        self.read(&mut scan, table, extent, failure)?;
        let name = scan.name.clone();
        let kept = scan.finish()?.kept;
        kept.ok_or_else(|| Failure::new(Exit::Internal, format!("rows of {name} were not kept")))
    }

    /// Lets the session that holds the snapshot be asked.
    pub(crate) fn with_snapshot<T>(&self, ask: impl FnOnce(&mut Snapshot) -> T) -> T {
        let mut snapshot = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        ask(&mut snapshot)
    }
}

/// Whether the words name a SQLite file.
pub(crate) fn is_sqlite(words: &str) -> bool {
    !is_archive(words)
        && matches!(
            Endpoint::parse(words, &cli::environment()),
            Ok(Endpoint::Sqlite(_))
        )
}

/// Whether the words name an archive rather than a database: stdin, a folder with an end member, or a file that
/// begins like one.
fn is_archive(words: &str) -> bool {
    if words == "-" {
        return true;
    }
    let path = Path::new(words);
    let begins_like_one = || {
        use std::io::Read;
        let mut start = Vec::new();
        let file = std::fs::File::open(path).ok();
        let read = file.and_then(|file| {
            file.take(archive::STREAM_START.len() as u64)
                .read_to_end(&mut start)
                .ok()
        });
        read.is_some() && start == archive::STREAM_START
    };
    if path.is_dir() {
        path.join("end.json").is_file()
    } else {
        path.is_file() && begins_like_one()
    }
}

/// New names for values, as `remap-schema` gives them; `None` when nothing is renamed.
pub(crate) fn name_map(mapping: &Mapping, catalog: &Catalog) -> Result<Option<NameMap>> {
    if mapping.is_empty() || !catalog.tables.iter().any(Table::stores_names) {
        return Ok(None);
    }
    let rewriter = Rewriter::new(mapping.clone(), Known::from_catalog(catalog)).map_err(Failure::usage)?;
    Ok(Some(NameMap::new(rewriter, catalog)))
}
