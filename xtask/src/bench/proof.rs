//! `verify` beside the server's own way to add up all rows, and beside pgcopydb; and what it costs to find one wrong row
//! among millions.

use std::path::{Path, PathBuf};

use testkit::{Cluster, Database, POSTGRES};

use super::Bench;
use super::whole::{MIXED, make};
use crate::error::Result;

/// A script for psql that makes a realistic database, where it lies beside the workspace; `scale` 1 gives so many MiB.
const REALISTIC: &str = "../shared/bench/make_pg_mixed.sql";
const REALISTIC_MIB: f64 = 569.0;

/// What the server itself can say of all its rows, under two parallel workers.
const SERVER: &str = "psql -XAtqc \"SELECT format('SELECT count(*), sum(hashtextextended(whole::text, 0)::numeric) FROM %s AS whole;', \
    c.oid::regclass) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE relkind = 'r' AND nspname !~ \
    '^pg_' AND nspname NOT IN ('information_schema', 'coalesce')\" $INTO | PGOPTIONS='-c max_parallel_workers_per_gather=2 \
    -c parallel_setup_cost=0' psql -Xqo /dev/null -v ON_ERROR_STOP=1 $INTO";
const PGCOPYDB: &str =
    "rm -rf compared && pgcopydb compare data --dir compared --source dbname=$FROM --target dbname=$INTO";
const LIVE: &str = "verify -q dbname=$FROM dbname=$INTO";
const ARCHIVE: &str = "verify -q proof.tar dbname=$INTO";
const QUICK: &str = "verify -q --quick dbname=$FROM dbname=$INTO";

/// A table whose key has ranges, and one without a key.
const ROWS: &str = "CREATE TABLE t (id bigint, name text NOT NULL, total numeric(12,2), at timestamptz);
INSERT INTO t SELECT n, 'name ' || n, n % 10000 / 7.0, timestamptz '2024-01-01' + n * interval '1 second'
  FROM generate_series(1, N_ROWS) AS n;";
const KEYED: &str = "ALTER TABLE t ADD PRIMARY KEY (id);";
const WRONG: &str = "UPDATE t SET total = total + 0.01 WHERE id = (SELECT max(id) / 2 FROM t)";

impl Bench<'_> {
    /// Prints a table of ratios for a database of about `mib` MiB.
    pub(super) fn proof(&self, mib: u32) -> Result<()> {
        let cluster = server()?;
        let (source, name) = self.realistic(&cluster, mib)?;
        let target = cluster.database_owned_by(POSTGRES)?;
        let pair = Pair {
            bench: self,
            cluster: &cluster,
            names: format!("export FROM={} INTO={};", source.name(), target.name()),
        };
        pair.once("dump -q dbname=$FROM -o proof.tar && load -q dbname=$INTO proof.tar")?;
        target.execute("ANALYZE; CHECKPOINT")?;
        println!("\n{:<34} {:<30} {:>8} {:>8}", "PROOF", "TO", "SECONDS", "RATIO");
        let server = pair.best(SERVER)?;
        tell(&name, "the server's own sum", server, None);
        let archive = pair.best(ARCHIVE)?;
        tell("", "verify ARCHIVE TARGET", archive, Some(server));
        let live = pair.best(LIVE)?;
        tell("", "verify SOURCE TARGET", live, Some(server));
        if pair.once("pgcopydb help 2>&1 | grep -q compare").is_err() {
            let what = "SKIPPED: no pgcopydb with `compare` is installed";
            println!("{:<34} {:<30} {what}", "", "pgcopydb compare data");
        } else {
            let peer = pair.best(PGCOPYDB)?;
            tell("", "pgcopydb compare data", peer, None);
            tell("", "verify SOURCE TARGET to that", live, Some(peer));
        }
        if pair.once("verify --help | grep -q -- --quick").is_err() {
            println!(
                "{:<34} {:<30} SKIPPED: this verify has none",
                "", "verify --quick"
            );
        } else {
            let quick = pair.best(QUICK)?;
            tell("", "verify --quick to the full proof", quick, Some(live));
        }
        Ok(())
    }

    /// Prints what one wrong row among `rows` adds to the time of a comparison that finds none.
    pub(super) fn wrong_row(&self, rows: u32) -> Result<()> {
        let cluster = server()?;
        println!(
            "\n{:<34} {:<30} {:>8} {:>8}",
            "ONE WRONG ROW", "", "SECONDS", "RATIO"
        );
        for (name, key) in [("key with ranges", KEYED), ("no key", "")] {
            let source = cluster.database("bench")?;
            source.execute(&(ROWS.replace("N_ROWS", &rows.to_string()) + key))?;
            let target = cluster.database_owned_by(POSTGRES)?;
            let pair = Pair {
                bench: self,
                cluster: &cluster,
                names: format!("export FROM={} INTO={};", source.name(), target.name()),
            };
            pair.once("dump -q dbname=$FROM | load -q dbname=$INTO")?;
            for database in [&source, &target] {
                database.execute("VACUUM ANALYZE t")?;
            }
            let same = pair.best(LIVE)?;
            tell(&format!("{rows} rows, {name}"), "identical", same, None);
            target.execute(WRONG)?;
            let wrong = pair.best(&format!("{LIVE} >wrong.txt; [ $? -eq 1 ]"))?;
            tell("", "one differs", wrong, Some(same));
        }
        Ok(())
    }

    fn realistic<'c>(&self, cluster: &'c Cluster, mib: u32) -> Result<(Database<'c>, String)> {
        let Some(script) = realistic_script() else {
            return Ok((make(cluster, MIXED, mib)?, format!("mixed, {mib} MiB")));
        };
        let database = cluster.database("bench")?;
        let scale = f64::from(mib) / REALISTIC_MIB;
        let line = format!(
            "psql -Xqo /dev/null -v scale={scale} -f '{}' {}",
            script.display(),
            database.name()
        );
        self.run_line(&line, cluster.root())?;
        Ok((database, format!("realistic, {mib} MiB")))
    }
}

/// Two databases of one server, and lines about them.
struct Pair<'a> {
    bench: &'a Bench<'a>,
    cluster: &'a Cluster,
    names: String,
}

impl Pair<'_> {
    fn once(&self, line: &str) -> Result<f64> {
        let line = format!("{} {line}", self.names);
        Ok(self.bench.run_line(&line, self.cluster.root())?.as_secs_f64())
    }

    fn best(&self, line: &str) -> Result<f64> {
        let line = format!("{} {line}", self.names);
        Ok(self.bench.best_at(&line, self.cluster.root())?.as_secs_f64())
    }
}

fn tell(what: &str, way: &str, seconds: f64, to: Option<f64>) {
    let ratio = to.map_or(String::new(), |it| format!("{:.2}", seconds / it));
    println!("{what:<34} {way:<30} {seconds:>8.2} {ratio:>8}");
}

fn server() -> Result<Cluster> {
    Ok(Cluster::start_with(&[
        ("shared_buffers", "1GB"),
        ("maintenance_work_mem", "256MB"),
        ("max_wal_size", "8GB"),
        ("max_parallel_workers", "2"),
    ])?)
}

fn realistic_script() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(REALISTIC);
    path.is_file().then_some(path)
}
