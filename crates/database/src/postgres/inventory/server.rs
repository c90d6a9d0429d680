//! The server itself, and the settings that change what text or SQL means.

use std::collections::HashSet;

use ::inventory::{Collation, Engine, Inventory, Scope, Server, Setting};
use postgres::Row;

use super::session::Session;
use super::unsigned;
use crate::{Error, ErrorKind, Result};

/// Columns that only some versions have are looked up by name in the row's JSON.
const SERVER: &str = "
SELECT pg_catalog.current_database()::pg_catalog.text AS database,
       pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1) AS version,
       pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS version_number,
       pg_catalog.pg_encoding_to_char(d.encoding)::pg_catalog.text AS encoding,
       d.datcollate::pg_catalog.text AS collate, d.datctype::pg_catalog.text AS ctype,
       pg_catalog.to_jsonb(d) ->> 'datlocprovider' AS provider,
       COALESCE(pg_catalog.to_jsonb(d) ->> 'datlocale', pg_catalog.to_jsonb(d) ->> 'daticulocale') AS locale,
       pg_catalog.to_jsonb(d) ->> 'datcollversion' AS collation_version, {actual} AS actual_version,
       pg_catalog.pg_get_userbyid(d.datdba)::pg_catalog.text AS owner, d.datconnlimit AS connection_limit,
       pg_catalog.current_setting('max_connections')::pg_catalog.int4 AS max_connections,
       pg_catalog.current_setting('superuser_reserved_connections')::pg_catalog.int4 AS reserved,
       (SELECT s.reset_val FROM pg_catalog.pg_settings s WHERE s.name = 'TimeZone') AS time_zone,
       pg_catalog.host(pg_catalog.inet_server_addr()) AS address,
       pg_catalog.current_setting('port') AS port, (
         SELECT s.setting FROM pg_catalog.pg_settings s WHERE s.name = 'unix_socket_directories') AS folder
FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()";

/// Settings that change what text, or the same SQL, means; `$1` names them. Our session has its own values of some, so
/// what it would fall back to is asked for.
const SERVER_SETTINGS: &str = "
SELECT s.name::pg_catalog.text AS name, s.reset_val AS value FROM pg_catalog.pg_settings s
WHERE s.name = ANY ($1) AND s.reset_val IS NOT NULL ORDER BY s.name COLLATE \"C\"";

const MEANINGFUL: [&str; 28] = [
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "array_nulls",
    "backslash_quote",
    "bytea_output",
    "default_table_access_method",
    "default_text_search_config",
    "default_toast_compression",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "escape_string_warning",
    "extra_float_digits",
    "lc_messages",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "lo_compat_privileges",
    "quote_all_identifiers",
    "row_security",
    "search_path",
    "session_replication_role",
    "standard_conforming_strings",
    "timezone_abbreviations",
    "transform_null_equals",
    "wal_level",
    "xmlbinary",
    "xmloption",
];

const SET: &str = "
SELECT s.setdatabase <> 0 AS here, r.rolname::pg_catalog.text AS role, s.setrole <> 0 AS of_role,
       s.setrole = (SELECT o.oid FROM pg_catalog.pg_roles o WHERE o.rolname = SESSION_USER) AS is_ours,
       pg_catalog.split_part(c.entry, '=', 1) AS name,
       pg_catalog.substr(c.entry, pg_catalog.strpos(c.entry, '=') + 1) AS value
FROM pg_catalog.pg_db_role_setting s
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) WITH ORDINALITY AS c (entry, place)
WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
ORDER BY s.setdatabase <> 0, r.rolname COLLATE \"C\" NULLS FIRST, c.place";

pub(super) fn read(session: &mut Session<'_>, inventory: &mut Inventory) -> Result<()> {
    let actual = if session.major >= 15 {
        "pg_catalog.pg_database_collation_actual_version(d.oid)"
    } else {
        "NULL::pg_catalog.text"
    };
    let rows = session.must_ask("the server's properties", &SERVER.replace("{actual}", actual))?;
    let Some(row) = rows.first() else {
        let message = format!("the server of {} does not say what it is", inventory.name);
        return Err(Error::new(ErrorKind::Query, message));
    };
    inventory.server = Server {
        in_recovery: session.in_recovery,
        ..server(row)
    };
    let rows = session.ask(
        "the cluster's identifiers",
        "SELECT c.system_identifier::pg_catalog.text FROM pg_catalog.pg_control_system() c",
        &[],
    )?;
    inventory.server.cluster = rows.first().map(|row| row.get(0));
    let size = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database())";
    let rows = session.ask("the bytes of the database", size, &[])?;
    inventory.server.bytes = rows.first().map_or(0, |row| unsigned(row.get(0)));
    read_settings(session, inventory)
}

fn server(row: &Row) -> Server {
    let provider = match row.get::<_, Option<&str>>("provider") {
        Some("i") => "icu",
        Some("b") => "builtin",
        _ => "libc",
    };
    let name = match row.get::<_, Option<String>>("locale") {
        Some(locale) if provider != "libc" => locale,
        _ => row.get("collate"),
    };
    let port: String = row.get("port");
    let place = row
        .get::<_, Option<String>>("address")
        .or_else(|| row.get("folder"));
    Server {
        engine: Engine::Postgres,
        version: row.get("version"),
        version_number: row.get::<_, i32>("version_number").unsigned_abs(),
        database: row.get("database"),
        address: Some(place.map_or_else(|| format!("port {port}"), |it| format!("{it}:{port}"))),
        encoding: row.get("encoding"),
        collation: Collation {
            provider: provider.to_owned(),
            name,
            version: row.get("collation_version"),
            actual_version: row.get("actual_version"),
        },
        ctype: row.get("ctype"),
        time_zone: row.get::<_, Option<String>>("time_zone").unwrap_or_default(),
        owner: row.get("owner"),
        max_connections: row.get::<_, i32>("max_connections").unsigned_abs(),
        superuser_reserved_connections: row.get::<_, i32>("reserved").unsigned_abs(),
        connection_limit: u32::try_from(row.get::<_, i32>("connection_limit")).ok(),
        ..Server::default()
    }
}

fn read_settings(session: &mut Session<'_>, inventory: &mut Inventory) -> Result<()> {
    let mut overridden = HashSet::new();
    let mut narrower = Vec::new();
    for row in session.ask("settings of databases and roles", SET, &[])? {
        let (here, of_role): (bool, bool) = (row.get("here"), row.get("of_role"));
        let setting = Setting {
            scope: match (here, of_role) {
                (true, true) => Scope::RoleInDatabase,
                (true, false) => Scope::Database,
                (false, true) => Scope::Role,
                (false, false) => Scope::Server,
            },
            role: row.get("role"),
            name: row.get("name"),
            value: row.get("value"),
        };
        if !of_role || row.get::<_, Option<bool>>("is_ours") == Some(true) {
            overridden.insert(setting.name.to_lowercase());
        }
        narrower.push(setting);
    }
    let wanted: &[&str] = &MEANINGFUL;
    for row in session.ask("the server's settings", SERVER_SETTINGS, &[&wanted])? {
        let name: String = row.get("name");
        // What a session of ours would get is then not what the server says of itself.
        if !overridden.contains(&name.to_lowercase()) {
            inventory.settings.push(Setting {
                scope: Scope::Server,
                role: None,
                name,
                value: row.get("value"),
            });
        }
    }
    inventory.settings.extend(narrower);
    Ok(())
}
