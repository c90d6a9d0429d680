//! A SQLite file into PostgreSQL: ours beside pgloader and beside what people write by hand; and how fast every value of
//! the file is looked at.

use std::time::Duration;

use testkit::bulk::sqlite_file;
use testkit::{Cluster, POSTGRES};

use super::{Bench, RUNS};
use crate::error::{Error, Result};

const OURS: &str = "dump -q f.sqlite | load -q dbname=$INTO";
const CENSUS: &str = "assess f.sqlite >/dev/null";
const PGLOADER: &str =
    "rm -rf l && pgloader --root-dir l sqlite://f.sqlite \"postgresql://postgres@unix:$PGHOST:5432/$INTO\"";
/// CSV out, COPY in; blobs travel as hex. No foreign keys, no checks.
const HAND: &str = r#"
q() { sqlite3 f.sqlite "$1"; }
for t in $(q "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'"); do
  columns=$(q "select group_concat(name || ' ' || case when type like '%int%' then 'bigint'
    when type = 'real' then 'double precision' when type like 'decimal%' then 'numeric' when type = 'datetime' then
    'timestamp' when type = 'json' then 'jsonb' when type in ('boolean', 'date') then type when type = 'blob' then 'bytea'
    else 'text' end) from pragma_table_info('$t')")
  values=$(q "select group_concat(case when type = 'blob' then '''\x''||hex(' || name || ')' else name end)
    from pragma_table_info('$t')")
  key=$(q "select group_concat(name) from (select name from pragma_table_info('$t') where pk order by pk)")
  sqlite3 -csv f.sqlite "select $values from $t" |
    psql -q1 -c "create table $t ($columns)" -c "copy $t from stdin (format csv, freeze)" $INTO
  psql -qc "alter table $t add primary key ($key)" $INTO
done
q "select sql || ';' from sqlite_schema where type = 'index' and sql <> ''" | psql -q $INTO"#;

impl Bench<'_> {
    /// Prints a table of ratios for a file of about `mib` MiB.
    pub(super) fn file(&self, mib: u32) -> Result<()> {
        let cluster = Cluster::start_with(&[
            ("shared_buffers", "256MB"),
            ("maintenance_work_mem", "256MB"),
            ("max_wal_size", "8GB"),
        ])?;
        let path = self.folder.join("f.sqlite");
        sqlite_file(&path, mib)?;
        let bytes = std::fs::metadata(&path).map_err(Error::file(&path))?.len();
        let mib = u32::try_from(bytes >> 20).unwrap_or(u32::MAX);
        let ours = self.measure_file(&cluster, OURS)?;
        println!("\n{:<34} {:<30} {:>8} {:>8}", "FILE", "WAY", "SECONDS", "RATIO");
        println!(
            "{:<34} {:<30} {:>8.2}",
            format!("SQLite, {mib} MiB"),
            "ours",
            ours.as_secs_f64()
        );
        for (peer, program, line) in [
            ("pgloader", "pgloader", PGLOADER),
            ("hand-made: sqlite3 CSV, psql", "sqlite3", HAND),
        ] {
            if self
                .run_line(&format!("command -v {program}"), cluster.root())
                .is_err()
            {
                println!("{:<34} {peer:<30} SKIPPED: {program} is not installed", "");
                continue;
            }
            let time = self.measure_file(&cluster, line)?;
            let ratio = ours.as_secs_f64() / time.as_secs_f64();
            println!("{:<34} {peer:<30} {:>8.2} {ratio:>8.2}", "", time.as_secs_f64());
        }
        let census = self.best_at(CENSUS, cluster.root())?.as_secs_f64();
        println!(
            "{:<34} {:<30} {census:>8.2} {:>5.0} MiB/s",
            "",
            "census (assess)",
            f64::from(mib) / census
        );
        Ok(())
    }

    /// The best time of a line, each run with a new target.
    fn measure_file(&self, cluster: &Cluster, line: &str) -> Result<Duration> {
        let mut best = Duration::MAX;
        for _ in 0..RUNS {
            let target = cluster.database_owned_by(POSTGRES)?;
            target.execute("CHECKPOINT")?;
            let line = format!("export INTO={}; {line}", target.name());
            best = best.min(self.run_line(&line, cluster.root())?);
        }
        Ok(best)
    }
}
