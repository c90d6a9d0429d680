//! Whole pipelines against what people use today, side by side on one throwaway server: rows of many kinds, one table
//! that dominates, compressed files; what a tool needs of memory; whether twice the rows take twice the time.

use std::path::Path;
use std::time::Duration;

use testkit::{Cluster, Database, POSTGRES};

use super::Bench;
use super::memory::Peak;
use crate::error::{Error, Result};

/// The best of so many runs counts.
const RUNS: usize = 3;

/// Rows for each mebibyte of [`MIXED`], `N` in it.
pub(super) const MIXED: &str = "
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY, placed_at timestamptz NOT NULL, status text NOT NULL,
  total numeric(12,2), remark text);
INSERT INTO orders (placed_at, status, total, remark)
  SELECT timestamptz '2024-01-01' + n * interval '1 second', (ARRAY['new', 'paid', 'sent'])[1 + n % 3], n % 10000 / 7.0,
         CASE WHEN n % 4 = 0 THEN md5(n::text) END FROM generate_series(1, 1500 * N) n;
CREATE TABLE items (order_id bigint NOT NULL, line_no integer NOT NULL, sku text NOT NULL, price numeric(10,2), pieces integer);
INSERT INTO items SELECT 1 + n / 3, 1 + n % 3, 'sku-' || n % 5000, n % 997 / 10.0, n % 9 FROM generate_series(0, 4499 * N) n;
CREATE TABLE events (id uuid NOT NULL, kind text NOT NULL, at timestamptz NOT NULL, payload jsonb);
INSERT INTO events SELECT md5(n::text)::uuid, 'kind-' || n % 20, timestamptz '2024-01-01' + n * interval '3 second',
  jsonb_build_object('n', n, 'text', md5(n::text), 'list', ARRAY[n, n + 1]) FROM generate_series(1, 1500 * N) n;
CREATE TABLE documents (id integer NOT NULL, owner uuid, body text);
INSERT INTO documents SELECT n, md5(n::text)::uuid, (SELECT string_agg(md5((n + i)::text) || ' some words ', '')
  FROM generate_series(1, 90) i) FROM generate_series(1, 60 * N) n;
ALTER TABLE orders ADD PRIMARY KEY (id);
ALTER TABLE items ADD PRIMARY KEY (order_id, line_no);
ALTER TABLE items ADD FOREIGN KEY (order_id) REFERENCES orders DEFERRABLE;
ALTER TABLE events ADD PRIMARY KEY (id);
ALTER TABLE documents ADD PRIMARY KEY (id);
CREATE INDEX ON orders (placed_at) WHERE status <> 'sent';
CREATE INDEX ON items (sku);
CREATE INDEX ON events (at);
CREATE INDEX ON events (kind, at DESC);
CREATE INDEX ON events USING gin (payload);
CREATE INDEX ON documents (owner);
ANALYZE;";

/// One large table and two small ones, as `pgbench` makes them.
const DOMINATED: &str = "
CREATE TABLE accounts (aid integer NOT NULL, bid integer, abalance integer, filler char(84));
INSERT INTO accounts SELECT n, n / 100000, 0, '' FROM generate_series(1, 8000 * N) n;
CREATE TABLE branches (bid integer PRIMARY KEY, filler char(88));
INSERT INTO branches SELECT n, '' FROM generate_series(0, 50) n;
CREATE TABLE tellers (tid integer PRIMARY KEY, bid integer REFERENCES branches);
INSERT INTO tellers SELECT n, n / 10 FROM generate_series(1, 500) n;
ALTER TABLE accounts ADD PRIMARY KEY (aid);
ANALYZE;";

const OURS: &str = "dump -q dbname=$FROM | remap-schema -q --to m | load -q dbname=$INTO";
const PLAIN: &str = "pg_dump $FROM | psql -q -o /dev/null -v ON_ERROR_STOP=1 $INTO";
const CLONE: &str = "rm -rf clone && pgcopydb clone --table-jobs 2 --index-jobs 2 --dir clone --source dbname=$FROM --target dbname=$INTO";
const HAND: &str = "pg_dump -Fc -s -f hand $FROM && pg_restore --section=pre-data -f - hand | psql -q -o /dev/null $INTO && \
    psql -XAtc \"SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
    ORDER BY pg_table_size(oid) DESC\" $FROM | xargs -P 2 -I @ sh -c 'psql -Xqc \"COPY @ TO STDOUT (FORMAT binary)\" $FROM | \
    psql -Xqc \"COPY @ FROM STDIN (FORMAT binary)\" $INTO' && pg_restore --section=post-data -j 2 -d $INTO hand";
const FILES: &str = "rm -rf folder && pg_dump -Fd -j 2 -f folder $FROM && pg_restore -j 2 -d $INTO folder";
const OUR_FILES: &str = "rm -rf ours && dump -q dbname=$FROM -o ours && load -q dbname=$INTO ours";

impl Bench<'_> {
    /// Prints a table of ratios for databases of about `mib` MiB.
    pub(super) fn whole(&self, mib: u32) -> Result<()> {
        let cluster = Cluster::start_with(&[
            ("shared_buffers", "256MB"),
            ("maintenance_work_mem", "256MB"),
            ("max_wal_size", "8GB"),
            ("wal_level", "replica"),
        ])?;
        println!(
            "\n{:<34} {:<30} {:>8} {:>8}",
            "DATABASE", "WAY", "SECONDS", "RATIO"
        );
        let mixed = make(&cluster, MIXED, mib)?;
        let name = format!("mixed, {mib} MiB");
        self.compare(
            &mixed,
            &name,
            OURS,
            &[
                ("pg_dump | psql", PLAIN),
                ("pgcopydb clone", CLONE),
                ("hand-made binary COPY", HAND),
            ],
        )?;
        self.compare(
            &mixed,
            "mixed, compressed files",
            OUR_FILES,
            &[("pg_dump -Fd, pg_restore -j2", FILES)],
        )?;
        let (ours, theirs) = (self.bytes_in("ours")?, self.bytes_in("folder")?);
        println!(
            "{:<34} {:<30} {:>8} {:>8.2}",
            "",
            "bytes of the archive",
            "",
            share(ours, theirs)
        );
        let dominated = make(&cluster, DOMINATED, mib)?;
        self.compare(
            &dominated,
            "one table dominates",
            OURS,
            &[("pg_dump | psql", PLAIN)],
        )?;
        let mut small: Option<f64> = None;
        for factor in [1, 4, 16] {
            let mib = (mib / 16).max(1) * factor;
            let elapsed = self.measure(&make(&cluster, MIXED, mib)?, OURS)?;
            let cost = elapsed.as_secs_f64() / f64::from(mib);
            let first = *small.get_or_insert(cost);
            println!(
                "{:<34} {:<30} {:>8.2} {:>8.2}",
                format!("growth: {factor} x, {mib} MiB"),
                "cost of a MiB, to that of 1 x",
                elapsed.as_secs_f64(),
                cost / first
            );
        }
        Ok(())
    }

    fn compare(&self, source: &Database<'_>, name: &str, ours: &str, peers: &[(&str, &str)]) -> Result<()> {
        let peak = Peak::watch(self.tools.folder());
        let our_time = self.measure(source, ours)?;
        println!("{name:<34} {:<30} {:>8.2}", "ours", our_time.as_secs_f64());
        for (tool, mib) in peak.end() {
            println!("{:<34} {:<30} {mib:>5} MiB", "", format!("peak memory of {tool}"));
        }
        for (peer, line) in peers {
            let program = line
                .split_whitespace()
                .find(|it| *it == "pgcopydb")
                .unwrap_or("sh");
            if self
                .run_line(&format!("command -v {program}"), source.cluster().root())
                .is_err()
            {
                println!("{:<34} {peer:<30} SKIPPED: {program} is not installed", "");
                continue;
            }
            let time = self.measure(source, line)?;
            let ratio = our_time.as_secs_f64() / time.as_secs_f64();
            println!("{:<34} {peer:<30} {:>8.2} {ratio:>8.2}", "", time.as_secs_f64());
        }
        Ok(())
    }

    /// The best time of a line, each run with a new target.
    fn measure(&self, source: &Database<'_>, line: &str) -> Result<Duration> {
        let mut best = Duration::MAX;
        for _ in 0..RUNS {
            let cluster = source.cluster();
            let target = cluster.database_owned_by(POSTGRES)?;
            target.execute("CHECKPOINT")?;
            let names = format!("export FROM={} INTO={}; {line}", source.name(), target.name());
            best = best.min(self.run_line(&names, cluster.root())?);
        }
        Ok(best)
    }

    fn bytes_in(&self, folder: &str) -> Result<u64> {
        let path = self.folder.join(folder);
        let entries = std::fs::read_dir(&path).map_err(Error::file(&path))?;
        let sizes = entries.map(|entry| entry?.metadata().map(|it| it.len()));
        sizes
            .sum::<std::io::Result<u64>>()
            .map_err(Error::file(Path::new(folder)))
    }
}

pub(super) fn make<'c>(cluster: &'c Cluster, sql: &str, mib: u32) -> Result<Database<'c>> {
    let database = cluster.database("bench")?;
    database.execute(&sql.replace("* N", &format!("* {mib}")))?;
    Ok(database)
}

#[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}
