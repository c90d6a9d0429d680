//! One database of a throwaway server, made for one test.

use std::io::Write;
use std::process::Stdio;

use postgres::Client;

use crate::cluster::{Cluster, POSTGRES, SOURCE_READER, TARGET_OWNER, identifier};
use crate::error::{Error, ErrorKind, Result};

/// A database that is dropped with its handle, sessions or not.
#[derive(Debug)]
pub struct Database<'c> {
    cluster: &'c Cluster,
    name: String,
}

impl<'c> Database<'c> {
    pub(crate) fn new(cluster: &'c Cluster, name: String) -> Self {
        Database { cluster, name }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn cluster(&self) -> &'c Cluster {
        self.cluster
    }

    /// A libpq keyword string for `user`.
    pub fn conninfo(&self, user: &str) -> String {
        self.cluster.conninfo(&self.name, user)
    }

    /// A libpq keyword string as a tool's SOURCE: for a role that may only read.
    pub fn source(&self) -> String {
        self.conninfo(SOURCE_READER)
    }

    /// A libpq keyword string as a tool's TARGET: for the role that owns targets.
    pub fn target(&self) -> String {
        self.conninfo(TARGET_OWNER)
    }

    pub fn client(&self, user: &str) -> Result<Client> {
        self.cluster.client(&self.name, user)
    }

    /// A session as superuser.
    pub fn admin(&self) -> Result<Client> {
        self.client(POSTGRES)
    }

    /// Runs statements as superuser, in one implicit transaction unless they say otherwise.
    pub fn execute(&self, sql: &str) -> Result<()> {
        let failed = Error::caused(
            ErrorKind::Sql,
            format!("a statement failed in database {}", self.name),
        );
        self.admin()?.batch_execute(sql).map_err(failed)
    }

    /// The rows of `sql` as superuser: each one line, columns apart by ` | `, NULL as `∅`.
    pub fn query(&self, sql: &str) -> Result<Vec<String>> {
        lines(&mut self.admin()?, sql)
    }

    /// Every ordinary table outside the system's schemas with its number of rows, in byte order.
    pub fn row_counts(&self) -> Result<Vec<(String, u64)>> {
        row_counts(&mut self.admin()?)
    }

    /// Runs a script in the form of `pg_dump` (with COPY data and psql's own commands) as superuser.
    pub fn psql(&self, script: &[u8]) -> Result<()> {
        let mut child = self
            .cluster
            .programs()
            .command("psql")
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-d"])
            .arg(self.conninfo(POSTGRES))
            .env("PGOPTIONS", "-c client_min_messages=warning")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(Error::caused(ErrorKind::Program, "cannot run psql"))?;
        let stdin = child.stdin.take();
        let written = std::thread::scope(|scope| {
            let writer = scope.spawn(|| stdin.map(|mut it| it.write_all(script)));
            (child.wait_with_output(), writer.join())
        });
        let output = written
            .0
            .map_err(Error::caused(ErrorKind::Program, "cannot wait for psql"))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Error::new(
            ErrorKind::Sql,
            format!("psql failed in database {}: {said}", self.name),
        ))
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        // The server is thrown away in any case; this only keeps its folder small.
        if let Ok(mut client) = self.cluster.client(POSTGRES, POSTGRES) {
            let _ = client.batch_execute("SET statement_timeout = '10s'");
            let drop = format!("DROP DATABASE {} WITH (FORCE)", identifier(&self.name));
            let _ = client.batch_execute(&drop);
        }
    }
}

/// The rows of every statement of `sql`, as [`Database::query`] shows them.
pub(crate) fn lines(client: &mut Client, sql: &str) -> Result<Vec<String>> {
    let messages = client
        .simple_query(sql)
        .map_err(Error::caused(ErrorKind::Sql, format!("`{sql}` failed")))?;
    let rows = messages.iter().filter_map(|it| match it {
        postgres::SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    Ok(rows
        .map(|row| {
            (0..row.len())
                .map(|column| row.get(column).unwrap_or("∅"))
                .collect::<Vec<_>>()
                .join(" | ")
        })
        .collect())
}

pub(crate) fn row_counts(client: &mut Client) -> Result<Vec<(String, u64)>> {
    let failed = || Error::caused(ErrorKind::Sql, "cannot count rows");
    let tables = client
        .query(
            "SELECT n.nspname, c.relname FROM pg_catalog.pg_class AS c
             JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
             WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
             ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"",
            &[],
        )
        .map_err(failed())?;
    let mut counts = Vec::new();
    for row in tables {
        let (schema, table): (String, String) = (row.get(0), row.get(1));
        let sql = format!(
            "SELECT count(*) FROM {}.{}",
            identifier(&schema),
            identifier(&table)
        );
        let count: i64 = client.query_one(&sql, &[]).map_err(failed())?.get(0);
        counts.push((format!("{schema}.{table}"), count.unsigned_abs()));
    }
    Ok(counts)
}
