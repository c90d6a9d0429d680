//! Which database of which server a session is in, and at which moment.

use postgres::Client;

use crate::{Error, Result};

/// Which database, which server, which moment.
#[derive(Clone, Debug)]
pub struct Identity {
    pub database: String,
    /// The same for two sessions only if they are in one database of one running server.
    pub instance: String,
    /// As in `server_version_num`: 150008 for 15.8.
    pub version_number: i32,
    pub server_version: String,
    pub encoding: String,
    /// `provider:locale@version`.
    pub collation: String,
    /// ISO 8601 in UTC.
    pub snapshot_time: String,
    pub lsn: String,
    pub in_recovery: bool,
}

impl Identity {
    /// Whether the server finds rows by the blocks in which they stand without reading all others.
    pub fn has_block_ranges(&self) -> bool {
        const FIRST_WITH: i32 = 140_000;
        self.version_number >= FIRST_WITH
    }
}

pub(super) fn read_identity(client: &mut Client) -> Result<Identity> {
    // Columns that only some versions have are looked up by name in the row's JSON.
    const IDENTITY: &str = "SELECT pg_catalog.current_database()::pg_catalog.text AS database,
          pg_catalog.concat_ws(' ', d.oid, pg_catalog.pg_postmaster_start_time()) AS instance,
          pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS version_number,
          pg_catalog.current_setting('server_version') AS server_version,
          pg_catalog.pg_encoding_to_char(d.encoding)::pg_catalog.text AS encoding,
          d.datcollate::pg_catalog.text AS collate,
          pg_catalog.to_jsonb(d) ->> 'datlocprovider' AS provider,
          COALESCE(pg_catalog.to_jsonb(d) ->> 'datlocale', pg_catalog.to_jsonb(d) ->> 'daticulocale') AS locale,
          pg_catalog.to_jsonb(d) ->> 'datcollversion' AS collation_version,
          pg_catalog.to_char(pg_catalog.now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS snapshot_time,
          pg_catalog.pg_is_in_recovery() AS in_recovery,
          (CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
                ELSE pg_catalog.pg_current_wal_lsn() END)::pg_catalog.text AS lsn
        FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()";
    let row = client
        .query_one(IDENTITY, &[])
        .map_err(Error::query("the server could not be identified"))?;
    let provider = match row.get::<_, Option<&str>>("provider") {
        Some("i") => "icu",
        Some("b") => "builtin",
        _ => "libc",
    };
    let locale = match row.get::<_, Option<&str>>("locale") {
        Some(locale) if provider != "libc" => locale,
        _ => row.get("collate"),
    };
    let version = row
        .get::<_, Option<&str>>("collation_version")
        .map_or(String::new(), |it| format!("@{it}"));
    Ok(Identity {
        database: row.get("database"),
        instance: row.get("instance"),
        version_number: row.get("version_number"),
        server_version: row
            .get::<_, &str>("server_version")
            .split(' ')
            .next()
            .unwrap_or_default()
            .to_owned(),
        encoding: row.get("encoding"),
        collation: format!("{provider}:{locale}{version}"),
        snapshot_time: row.get("snapshot_time"),
        lsn: row.get::<_, Option<String>>("lsn").unwrap_or_default(),
        in_recovery: row.get("in_recovery"),
    })
}
