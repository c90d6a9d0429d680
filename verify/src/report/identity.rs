//! What was compared: both sides as they were at that moment, and the run that did it.

use std::fmt;

use archive::{Header, SourceKind};
use database::postgres::Identity as ServerIdentity;
use serde_json::{Value, json};

use super::value::line;
use crate::sides::Source;

/// One side of a comparison, as far as it can be told from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    Postgres(Server),
    Sqlite(File),
    Archive(Archive),
}

/// A PostgreSQL database at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) database: String,
    pub(crate) version: String,
    pub(crate) encoding: String,
    /// `provider:locale@version`.
    pub(crate) collation: String,
    /// ISO 8601 in UTC.
    pub(crate) snapshot_time: String,
    pub(crate) lsn: String,
    /// Whether it is a standby; `None` where nobody wrote it down.
    pub(crate) is_standby: Option<bool>,
}

/// A SQLite file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) name: String,
    /// `None` where the file itself is not there.
    pub(crate) bytes: Option<u64>,
    /// Of the library that read it.
    pub(crate) version: String,
    /// ISO 8601 in UTC; empty where nobody wrote it down.
    pub(crate) snapshot_time: String,
}

/// An archive, and what it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Archive {
    /// The run of `dump` that made it.
    pub(crate) run: String,
    /// The tool with its version.
    pub(crate) tool: String,
    pub(crate) format: u32,
    pub(crate) source: Box<Identity>,
}

impl Identity {
    /// Of a source that is open.
    pub(crate) fn of_source(source: &Source) -> Self {
        match source {
            Source::Postgres(live) => Identity::of_server(&live.identity),
            Source::Archive(archive) => Identity::of_archive(&archive.header),
            Source::Sqlite(file) => Identity::Sqlite(File {
                name: file.name.clone(),
                bytes: std::fs::metadata(&file.name).ok().map(|it| it.len()),
                version: database::sqlite_version().to_owned(),
                snapshot_time: String::new(),
            }),
        }
    }

    /// Of a database under a snapshot.
    pub(crate) fn of_server(identity: &ServerIdentity) -> Self {
        Identity::Postgres(Server {
            database: identity.database.clone(),
            version: identity.server_version.clone(),
            encoding: identity.encoding.clone(),
            collation: identity.collation.clone(),
            snapshot_time: identity.snapshot_time.clone(),
            lsn: identity.lsn.clone(),
            is_standby: Some(identity.in_recovery),
        })
    }

    /// As an archive's header says.
    pub(crate) fn of_archive(header: &Header) -> Self {
        let source = header.source.clone();
        let of = match source.kind {
            SourceKind::PostgreSql => Identity::Postgres(Server {
                database: source.database,
                version: source.server_version,
                encoding: source.encoding,
                collation: source.collation,
                snapshot_time: source.snapshot_time,
                lsn: source.lsn,
                is_standby: None,
            }),
            SourceKind::Sqlite => Identity::Sqlite(File {
                name: source.database,
                bytes: None,
                version: source.server_version,
                snapshot_time: source.snapshot_time,
            }),
        };
        Identity::Archive(Archive {
            run: header.run.clone(),
            tool: header.tool.clone(),
            format: header.format,
            source: Box::new(of),
        })
    }

    pub(super) fn json(&self) -> Value {
        let text = |it: &str| Some(it.to_owned()).filter(|it| !it.is_empty());
        match self {
            Identity::Postgres(it) => json!({
                "kind": "postgresql", "database": it.database, "version": it.version, "encoding": text(&it.encoding),
                "collation": text(&it.collation), "snapshot_time": text(&it.snapshot_time), "lsn": text(&it.lsn),
                "standby": it.is_standby, "bytes": null, "archive": null,
            }),
            Identity::Sqlite(it) => json!({
                "kind": "sqlite", "database": it.name, "version": it.version, "encoding": null, "collation": null,
                "snapshot_time": text(&it.snapshot_time), "lsn": null, "standby": null, "bytes": it.bytes,
                "archive": null,
            }),
            Identity::Archive(it) => {
                let mut of = it.source.json();
                of["archive"] = json!({"run": it.run, "tool": it.tool, "format": it.format});
                of
            }
        }
    }
}

/// On one line, the most telling first.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = match self {
            Identity::Postgres(it) => vec![
                it.database.clone(),
                format!("PostgreSQL {}", it.version),
                it.encoding.clone(),
                it.collation.clone(),
                format!("snapshot {}", it.snapshot_time),
                format!("LSN {}", it.lsn),
                it.is_standby
                    .filter(|it| *it)
                    .map_or_else(String::new, |_| "standby".to_owned()),
            ],
            Identity::Sqlite(it) => {
                let snapshot = if it.snapshot_time.is_empty() {
                    String::new()
                } else {
                    format!("snapshot {}", it.snapshot_time)
                };
                vec![
                    it.name.clone(),
                    format!("SQLite {}", it.version),
                    it.bytes.map_or_else(String::new, cli::size),
                    snapshot,
                ]
            }
            Identity::Archive(it) => vec![
                format!("archive of {}", it.source),
                format!("run {}", it.run),
                it.tool.clone(),
            ],
        };
        let parts: Vec<String> = parts.into_iter().filter(|it| !it.is_empty()).collect();
        f.write_str(&line(&parts.join(", ")))
    }
}
