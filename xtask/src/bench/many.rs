//! How long `dump` and `load` take for very many tables, against `pg_dump --schema-only` and `psql` in the same minute.

use testkit::{Cluster, POSTGRES};

use super::Bench;
use crate::error::{Error, Result};

/// Tables in one schema.
const TABLES_PER_SCHEMA: usize = 50;

impl Bench<'_> {
    /// Prints both times and their ratio, for about `table_count` empty tables.
    pub(super) fn many_tables(&self, table_count: usize) -> Result<()> {
        let schema_count = table_count.div_ceil(TABLES_PER_SCHEMA);
        let locks = (64 + table_count / 50).to_string();
        let cluster = Cluster::start_with(&[("max_locks_per_transaction", &locks)])?;
        cluster.create_database("many", POSTGRES)?;
        let mut client = cluster.client("many", POSTGRES)?;
        for schema in 0..schema_count {
            let tables = (0..TABLES_PER_SCHEMA).map(|table| {
                format!(
                    "CREATE TABLE s{schema}.t{table} (id bigint PRIMARY KEY, name text NOT NULL, at timestamptz);"
                )
            });
            let sql: String = std::iter::once(format!("CREATE SCHEMA s{schema};"))
                .chain(tables)
                .collect();
            client
                .batch_execute(&sql)
                .map_err(|error| Error::Differs(format!("schema s{schema} could not be made: {error}")))?;
        }
        client
            .batch_execute("ANALYZE")
            .map_err(|error| Error::Differs(format!("the tables could not be analyzed: {error}")))?;
        let peer = self.best_at("pg_dump -s many | cat > /dev/null", cluster.root())?;
        let ours = self.best_at("dump -q dbname=many | cat > /dev/null", cluster.root())?;
        let count = schema_count * TABLES_PER_SCHEMA;
        println!(
            "dump, {count} tables in {schema_count} schemas: {:.1} s, {:.2} of pg_dump -s ({:.1} s)",
            ours.as_secs_f64(),
            ours.as_secs_f64() / peer.as_secs_f64(),
            peer.as_secs_f64()
        );
        for (name, line) in [
            ("many.sql", "pg_dump -s many > many.sql"),
            ("many.tar", "dump -q dbname=many | cat > many.tar"),
        ] {
            self.run_line(&format!("rm -f {name} && {line}"), cluster.root())?;
        }
        let peer = self.fill_new(
            &cluster,
            "psql -q -o /dev/null -v ON_ERROR_STOP=1 -f many.sql $INTO",
        )?;
        let ours = self.fill_new(&cluster, "load -q dbname=$INTO many.tar")?;
        println!(
            "load, {count} tables in {schema_count} schemas: {ours:.1} s, {:.2} of psql ({peer:.1} s)",
            ours / peer
        );
        Ok(())
    }

    /// Seconds that a line needs to fill the new database `$INTO`.
    fn fill_new(&self, cluster: &Cluster, line: &str) -> Result<f64> {
        let target = cluster.database_owned_by(POSTGRES)?;
        let line = format!("export INTO={}; {line}", target.name());
        Ok(self.run_line(&line, cluster.root())?.as_secs_f64())
    }
}
