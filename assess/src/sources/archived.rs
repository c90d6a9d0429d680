//! An archive that `dump` wrote: its header and its end member as an inventory. Chunks are passed over, their sums
//! checked on the way.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use archive::{End, Header, SourceKind};
use cli::{Failure, Result};
use inventory::{Collation, Engine, Inventory, Server};

use super::{Source, from_catalog};

/// The member by which a folder is known to be one.
const END_NAME: &str = "end.json";

/// Whether what is there begins like an archive, or is a folder that ends like one.
pub(super) fn is_archive(path: &Path) -> bool {
    let Ok(metadata) = path.metadata() else {
        return false;
    };
    if metadata.is_dir() {
        return path.join(END_NAME).is_file();
    }
    // Opening a pipe or a device could wait forever.
    if !metadata.is_file() {
        return false;
    }
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| {
        file.take(archive::STREAM_START.len() as u64)
            .read_to_end(&mut start)
    });
    read.is_ok() && start == archive::STREAM_START
}

pub(super) fn take(name: &str) -> Result<Source> {
    let mut reader = cli::open_archive(name)?;
    reader.schema().map_err(Failure::archive)?;
    while reader.next_chunk().map_err(Failure::archive)?.is_some() {
        cli::check_interrupt()?;
        let pass = |body: &mut dyn Read| {
            std::io::copy(body, &mut std::io::sink())
                .map(drop)
                .map_err(|error| error.downcast().unwrap_or_else(archive::Error::from_read))
        };
        reader.chunk_stream(pass).map_err(Failure::archive)?;
    }
    let header = reader.header().clone();
    let end = reader.finish().map_err(Failure::archive)?;
    let inventory = inventory(name, &header, &end);
    let mut catalog = header.catalog;
    let large_objects = catalog.large_objects.iter().map(|it| it.oid).collect();
    catalog.tables.retain(catalog::Table::is_own);
    Ok(Source {
        inventory,
        catalog,
        file: None,
        large_objects,
        notes: header.notes,
    })
}

fn inventory(name: &str, header: &Header, end: &End) -> Inventory {
    let source = &header.source;
    let path = Path::new(name);
    let label = match path.file_name() {
        Some(file) if name != "-" => file.to_string_lossy().into_owned(),
        _ => source.database.clone(),
    };
    let mut inventory = Inventory {
        name: label,
        endpoint: name.to_owned(),
        server: Server {
            engine: match source.kind {
                SourceKind::PostgreSql => Engine::Postgres,
                SourceKind::Sqlite => Engine::Sqlite,
            },
            archive: true,
            version: source.server_version.clone(),
            version_number: version_number(&source.server_version),
            database: source.database.clone(),
            encoding: source.encoding.clone(),
            collation: collation(&source.collation),
            bytes: end.members.iter().map(|it| it.stored).sum(),
            ..Server::default()
        },
        ..Inventory::default()
    };
    from_catalog::fill(&header.catalog, &mut inventory);
    let own = header.catalog.tables.iter().filter(|it| it.is_own());
    for (table, known) in inventory.tables.iter_mut().zip(own) {
        let rows = end.table(known.number).map_or(0, |it| it.fingerprint.rows);
        table.rows_counted = Some(rows);
        table.rows_exact = true;
    }
    inventory
        .unread
        .push("an archive says nothing of how its source was used".to_owned());
    inventory
}

/// `150008` for `15.8`; 0 for what is no version of PostgreSQL.
fn version_number(version: &str) -> u32 {
    let mut parts = version.split('.').map(|it| it.parse::<u32>().ok());
    match (parts.next().flatten(), parts.next()) {
        (Some(major @ 10..), minor) => major * 10_000 + minor.flatten().unwrap_or(0),
        _ => 0,
    }
}

/// Of `provider:locale@version`.
pub(super) fn collation(text: &str) -> Collation {
    let known = catalog::Collation {
        schema: String::new(),
        name: String::new(),
        order: text.to_owned(),
        indexes: 0,
    };
    let name = known.locale().to_owned();
    let version = text
        .rsplit_once('@')
        .filter(|(before, _)| before.ends_with(&name) && !name.is_empty());
    Collation {
        provider: known.provider().to_owned(),
        version: version.map(|(_, it)| it.to_owned()),
        name,
        actual_version: None,
    }
}
