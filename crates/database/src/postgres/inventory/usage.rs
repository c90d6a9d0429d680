//! How the database is used: what its tables are asked, who is connected, which statements take its time.

use ::inventory::{Connections, Inventory, Statement, TableUsage};
use catalog::quote_ident;

use super::session::Session;
use super::{own, unsigned};
use crate::Result;
use crate::endpoint::unrestrict_views;

/// The heaviest statements that are kept.
const STATEMENTS_MAX: i64 = 100;

/// What stands for the text of somebody else's statement.
const HIDDEN: &str = "<insufficient privilege>";

/// Reads of an index count for its table. `{used}` is there since PostgreSQL 16.
const TABLES: &str = "
WITH scans AS (
  SELECT i.indrelid AS oid, pg_catalog.sum(pg_catalog.pg_stat_get_numscans(i.indexrelid))::pg_catalog.int8 AS scans,
         pg_catalog.sum(pg_catalog.pg_stat_get_tuples_fetched(i.indexrelid))::pg_catalog.int8 AS fetched, {index_used} AS used
  FROM pg_catalog.pg_index i GROUP BY i.indrelid
)
SELECT n.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS name,
       pg_catalog.pg_stat_get_numscans(c.oid) AS sequential_scans, COALESCE(s.scans, 0) AS index_scans,
       pg_catalog.pg_stat_get_tuples_returned(c.oid) + pg_catalog.pg_stat_get_tuples_fetched(c.oid)
         + COALESCE(s.fetched, 0) AS rows_read,
       pg_catalog.pg_stat_get_tuples_inserted(c.oid) + pg_catalog.pg_stat_get_tuples_updated(c.oid)
         + pg_catalog.pg_stat_get_tuples_deleted(c.oid) AS rows_written,
       pg_catalog.to_char(GREATEST({table_used}, s.used) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS last_used
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN scans s ON s.oid = c.oid
WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND {own}
ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"";

/// Without the right to see others' sessions only their roles are shown.
const CONNECTIONS: &str = "
SELECT COALESCE(a.application_name, '') AS application, COALESCE(a.usename::pg_catalog.text, '') AS role,
       pg_catalog.host(a.client_addr) AS client, pg_catalog.count(*) AS count,
       pg_catalog.count(*) FILTER (WHERE a.state = 'active') AS active,
       pg_catalog.bool_or(a.query = '<insufficient privilege>') AS hidden,
       a.datname = pg_catalog.current_database() AS here
FROM pg_catalog.pg_stat_activity a
WHERE a.pid <> pg_catalog.pg_backend_pid() AND a.usename IS NOT NULL AND a.datname IS NOT NULL
  AND COALESCE(a.backend_type, 'client backend') = 'client backend'
  AND COALESCE(a.application_name, '') !~ '^coalesce '
GROUP BY a.application_name, a.usename, a.client_addr, 7
ORDER BY pg_catalog.count(*) DESC, a.usename, a.application_name, a.client_addr";

const STATEMENTS_PLACE: &str = "
SELECT n.nspname::pg_catalog.text AS schema,
       ARRAY(SELECT a.attname::pg_catalog.text FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = e.extname
WHERE e.extname = 'pg_stat_statements'";

pub(super) fn read(session: &mut Session<'_>, inventory: &mut Inventory) -> Result<()> {
    let mut is_hidden = false;
    for row in session.ask("the connections", CONNECTIONS, &[])? {
        let count = unsigned(row.get("count"));
        let connections = u32::try_from(count).unwrap_or(u32::MAX);
        is_hidden |= row.get::<_, Option<bool>>("hidden").unwrap_or(false);
        inventory.server.server_connections += connections;
        if row.get("here") {
            inventory.server.connections += connections;
            inventory.connections.push(Connections {
                application: row.get("application"),
                role: row.get("role"),
                client: row.get("client"),
                count,
                active: unsigned(row.get("active")),
            });
        }
    }
    if is_hidden {
        session.add_unread(
            "what connections of other roles are and do is not shown: GRANT pg_read_all_stats TO the role that asks",
        );
    }
    inventory.statements = read_statements(session)?;
    Ok(())
}

pub(super) fn read_tables(session: &mut Session<'_>, inventory: &mut Inventory) -> Result<()> {
    let (index_used, table_used) = if session.major >= 16 {
        (
            "pg_catalog.max(pg_catalog.pg_stat_get_lastscan(i.indexrelid))",
            "pg_catalog.pg_stat_get_lastscan(c.oid)",
        )
    } else {
        let never = "NULL::pg_catalog.timestamptz";
        (never, never)
    };
    let sql = TABLES
        .replace("{own}", &own("pg_class"))
        .replace("{index_used}", index_used)
        .replace("{table_used}", table_used);
    let mut rows = session
        .ask("the use of tables", &sql, &[])?
        .into_iter()
        .peekable();
    // Both are in the order of schema and name.
    for table in &mut inventory.tables {
        let is_it = |row: &postgres::Row| {
            (row.get::<_, &str>("schema"), row.get::<_, &str>("name")) == (&table.schema, &table.name)
        };
        if let Some(row) = rows.next_if(is_it) {
            table.usage = Some(TableUsage {
                sequential_scans: unsigned(row.get("sequential_scans")),
                index_scans: unsigned(row.get("index_scans")),
                rows_read: unsigned(row.get("rows_read")),
                rows_written: unsigned(row.get("rows_written")),
                last_used: row.get("last_used"),
            });
        }
    }
    Ok(())
}

/// What roles and connections are given as they are made can hold a password, and the server cuts constants out of
/// queries alone; such statements are left out, and what asks the server's own catalogs, as a census does.
fn read_statements(session: &mut Session<'_>) -> Result<Option<Vec<Statement>>> {
    let rows = session.ask("the heaviest statements", STATEMENTS_PLACE, &[])?;
    let Some(place) = rows.first() else {
        session.add_unread(
            "the heaviest statements are not known: extension pg_stat_statements is not in this database",
        );
        return Ok(None);
    };
    let (schema, columns): (String, Vec<String>) = (place.get("schema"), place.get("columns"));
    let has = |name: &str| columns.iter().any(|it| it == name);
    let time = if has("total_exec_time") {
        "total_exec_time"
    } else {
        "total_time"
    };
    let outermost = if has("toplevel") { "AND s.toplevel" } else { "" };
    let sql = format!(
        "SELECT s.query, pg_catalog.sum(s.calls)::pg_catalog.int8 AS calls, \
                pg_catalog.sum(s.{time})::pg_catalog.int8 AS time, pg_catalog.sum(s.rows)::pg_catalog.int8 AS rows \
         FROM {}.pg_stat_statements AS s \
         JOIN pg_catalog.pg_database AS d ON d.oid OPERATOR(pg_catalog.=) s.dbid \
         WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database() {outermost} AND s.query IS NOT NULL \
           AND s.query !~* 'password|user mapping|connection' AND pg_catalog.strpos(s.query, 'pg_catalog.') = 0 \
         GROUP BY s.query ORDER BY 3 DESC, 1 LIMIT {STATEMENTS_MAX}",
        quote_ident(&schema)
    );
    let rows = session.guarded("the heaviest statements", |client| {
        unrestrict_views(client)?;
        client
            .query(&sql, &[])
            .map_err(super::failed("the heaviest statements"))
    })?;
    let Some(rows) = rows else {
        return Ok(None);
    };
    let count = rows.len();
    let statements = rows.iter().map(|row| Statement {
        text: row.get("query"),
        calls: unsigned(row.get("calls")),
        total_milliseconds: unsigned(row.get("time")),
        rows: unsigned(row.get("rows")),
    });
    let statements: Vec<Statement> = statements.filter(|it| it.text != HIDDEN).collect();
    if statements.len() < count {
        session.add_unread(
            "statements of other roles are not shown: GRANT pg_read_all_stats TO the role that asks",
        );
    }
    Ok(Some(statements))
}
