//! `cargo xtask bench`: whole pipelines against what people use today, `remap-schema` against `cat`, very many tables
//! against `pg_dump` and `psql`, a SQLite file against pgloader, `verify` against the server's own sum, on the same machine
//! and in the same minute.
//!
//! All inputs are made here: rows and definitions on a throwaway server, in a folder that goes away.

mod file;
mod many;
mod memory;
mod proof;
mod whole;

use std::path::Path;
use std::time::Duration;

use testkit::bulk::{STATEMENTS_PER_TABLE, definitions, plain_dump};
use testkit::{Cluster, POSTGRES, Tools};

use crate::error::{Error, Result};
use crate::metadata::Metadata;
use crate::step::{cargo, run as run_step};

/// Tables whose definitions are measured.
const TABLE_COUNT: usize = 1000;
/// The best of so many runs counts: what else the machine does only ever adds.
const RUNS: usize = 5;
const TIME_LIMIT: Duration = Duration::from_mins(10);
/// Bytes of one row, about.
const ROW_BYTES: u32 = 100;

/// How much is measured, each 0 to leave it out.
#[derive(clap::Args)]
pub(crate) struct Sizes {
    /// Rows for `remap-schema` alone, in MiB
    #[arg(long, value_name = "N", default_value_t = 1024)]
    mib: u32,
    /// Rows for whole pipelines, in MiB
    #[arg(long, value_name = "N", default_value_t = 256)]
    load_mib: u32,
    /// Empty tables to make for `dump` and `load`
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    tables: usize,
    /// Rows of a SQLite file, in MiB
    #[arg(long, value_name = "N", default_value_t = 256)]
    file_mib: u32,
    /// Rows for `verify`, in MiB
    #[arg(long, value_name = "N", default_value_t = 569)]
    proof_mib: u32,
    /// Rows of a table in which `verify` finds the one that is wrong
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    proof_rows: u32,
}

pub(crate) fn run(sizes: &Sizes) -> Result<()> {
    run_step(cargo().args([
        "build",
        "--release",
        "-p",
        "coalesce-remap",
        "-p",
        "coalesce-dump",
        "-p",
        "coalesce-load",
        "-p",
        "coalesce-assess",
        "-p",
        "coalesce-verify",
        "--bins",
    ]))?;
    let tools = Tools::at(Metadata::read()?.target.join("release"));
    let folder = tempfile::tempdir().map_err(Error::file(Path::new("a temporary folder")))?;
    let bench = Bench {
        tools,
        folder: folder.path(),
    };
    if sizes.proof_mib > 0 {
        bench.proof(sizes.proof_mib)?;
    }
    if sizes.proof_rows > 0 {
        bench.wrong_row(sizes.proof_rows)?;
    }
    if sizes.load_mib > 0 {
        bench.whole(sizes.load_mib)?;
    }
    if sizes.file_mib > 0 {
        bench.file(sizes.file_mib)?;
    }
    if sizes.mib > 0 {
        bench.filter(sizes.mib)?;
    }
    if sizes.tables > 0 {
        bench.many_tables(sizes.tables)?;
    }
    Ok(())
}

struct Bench<'a> {
    tools: Tools,
    folder: &'a Path,
}

impl Bench<'_> {
    /// `remap-schema` against `cat`.
    fn filter(&self, mib: u32) -> Result<()> {
        self.make_inputs(mib)?;
        println!(
            "\n{:<44} {:>9} {:>11} {:>8}",
            "INPUT", "SECONDS", "MIB/S", "OF CAT"
        );
        for (name, file) in [
            ("plain SQL, rows of COPY", "copy.sql"),
            ("plain SQL, rows of INSERT", "insert.sql"),
            ("archive, rows", "rows.tar"),
        ] {
            let cat = self.best(&format!("cat {file} | cat > /dev/null"))?;
            let remap = self.best(&format!("cat {file} | remap-schema -q --to x > /dev/null"))?;
            self.tell(name, file, remap, Some(cat))?;
        }
        let from_file = self.best("remap-schema -q --to x rows.tar > /dev/null")?;
        self.tell("archive, rows, from a file", "rows.tar", from_file, None)?;
        let count = TABLE_COUNT * STATEMENTS_PER_TABLE;
        for (kind, file) in [("plain SQL", "definitions.sql"), ("archive", "definitions.tar")] {
            let remap = self.best(&format!("remap-schema -q --to x {file} > /dev/null"))?;
            self.tell(&format!("{kind}, {count} definitions"), file, remap, None)?;
        }
        Ok(())
    }

    fn make_inputs(&self, mib: u32) -> Result<()> {
        let path = self.folder.join("definitions.sql");
        let sql = plain_dump(&definitions(TABLE_COUNT));
        std::fs::write(&path, &sql).map_err(Error::file(&path))?;
        let cluster = Cluster::start()?;
        let row_count = u64::from(mib) * (1 << 20) / u64::from(ROW_BYTES);
        let rows = format!(
            "CREATE TABLE rows AS SELECT n AS id, 'name ' || n AS name, repeat('x', 60) AS filler, now() AS at
             FROM generate_series(1, {row_count}) AS n"
        );
        for (name, sql) in [("rows", &rows), ("definitions", &sql)] {
            cluster.create_database(name, POSTGRES)?;
            cluster
                .client(name, POSTGRES)?
                .batch_execute(sql)
                .map_err(|error| Error::Differs(format!("{name} could not be made: {error}")))?;
        }
        for line in [
            "pg_dump rows > copy.sql",
            "pg_dump --inserts rows > insert.sql",
            "dump -q dbname=rows | cat > rows.tar",
            "dump -q dbname=definitions | cat > definitions.tar",
        ] {
            self.run_line(line, cluster.root())?;
        }
        Ok(())
    }

    fn best(&self, line: &str) -> Result<Duration> {
        self.best_at(line, self.folder)
    }

    /// The same, on the server whose socket is in `server`.
    fn best_at(&self, line: &str, server: &Path) -> Result<Duration> {
        let mut best = Duration::MAX;
        for _ in 0..RUNS {
            best = best.min(self.run_line(line, server)?);
        }
        Ok(best)
    }

    fn run_line(&self, line: &str, server: &Path) -> Result<Duration> {
        let shell = self.tools.shell(line).current_dir(self.folder);
        let output = shell
            .env("PGHOST", server)
            .env("PGUSER", POSTGRES)
            .time_limit(TIME_LIMIT)
            .run();
        if output.success() {
            Ok(output.elapsed())
        } else {
            Err(Error::Differs(output.to_string()))
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "rates for people")]
    fn tell(&self, name: &str, file: &str, elapsed: Duration, cat: Option<Duration>) -> Result<()> {
        let path = self.folder.join(file);
        let bytes = std::fs::metadata(&path).map_err(Error::file(&path))?.len();
        let seconds = elapsed.as_secs_f64();
        let rate = bytes as f64 / f64::from(1 << 20) / seconds;
        let ratio = cat.map_or(String::new(), |cat| {
            format!("{:.1} ×", seconds / cat.as_secs_f64())
        });
        println!("{name:<44} {seconds:>9.3} {rate:>11.0} {ratio:>8}");
        Ok(())
    }
}
