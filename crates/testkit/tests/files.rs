//! SQLite files of all kinds, from the first look to the proof; then every value on the target is compared with what the
//! `sqlite3` library returns, by code that no tool shares.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

#[path = "files/awkward.rs"]
mod awkward;
#[path = "files/dirty.rs"]
mod dirty;

use std::path::Path;

use rusqlite::Connection;
use testkit::data::SqliteData;
use testkit::fixtures::{ANALYTICS, SHOP, Scale};
use testkit::{Cluster, Database, Output, TablePair, Tools, judge_values};

#[test]
fn clean_files_arrive_value_by_value() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::new(folder.path());
    for fixture in [&SHOP, &ANALYTICS] {
        let path = fixture.create(folder.path(), Scale::Small).unwrap();
        lab.move_file(&path, fixture.name(), "").assert_success();
        lab.check_all(&path, fixture.name());
    }
}

#[test]
fn files_in_the_wild_arrive_value_by_value() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::new(folder.path());
    for data in SqliteData::ALL {
        let Ok(path) = data.file(folder.path()) else {
            return;
        };
        lab.move_file(&path, data.name(), "").assert_success();
        lab.check_all(&path, data.name());
    }
}

/// Tools, a target, and a folder with the files.
struct Lab<'a> {
    tools: Tools,
    target: Database<'static>,
    folder: &'a Path,
}

impl<'a> Lab<'a> {
    fn new(folder: &'a Path) -> Self {
        Lab {
            tools: Tools::locate(),
            target: Cluster::shared().target().unwrap(),
            folder,
        }
    }

    /// From the first look to the proof, as typed.
    fn move_file(&self, path: &Path, schema: &str, choices: &str) -> Output {
        let line = format!(
            "assess \"$FILE\" {choices} --format json >{schema}.json && \
             dump \"$FILE\" {choices} | remap-schema -q --to {schema} | load -q \"$TARGET\" && \
             verify \"$FILE\" \"$TARGET\" {choices} --to {schema} >{schema}.proof"
        );
        self.run(&line, path)
    }

    /// A line of which `$FILE` is the file and `$TARGET` the target.
    fn run(&self, line: &str, path: &Path) -> Output {
        self.tools
            .shell(line)
            .env("FILE", path)
            .env("TARGET", self.target.target())
            .current_dir(self.folder)
            .run()
    }

    /// Every value of every table.
    #[track_caller]
    fn check_all(&self, path: &Path, schema: &str) {
        let connection = Connection::open(path).unwrap();
        let sql = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'";
        let mut statement = connection.prepare(sql).unwrap();
        let tables = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        let mut rows = 0;
        for table in tables {
            rows += self.check(path, &TablePair::same(&table.unwrap(), schema));
        }
        assert!(rows > 100, "{rows} rows");
    }

    /// What the target answers to `there` is what the file answers to `here`; the number of rows.
    #[track_caller]
    fn check_same(&self, path: &Path, here: &str, there: &str) -> usize {
        let connection = Connection::open(path).unwrap();
        let mut statement = connection.prepare(here).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        let expected: Vec<String> = rows.map(Result::unwrap).collect();
        assert_eq!(self.target.query(there).unwrap(), expected, "{there}");
        expected.len()
    }

    #[track_caller]
    fn check(&self, path: &Path, pair: &TablePair<'_>) -> usize {
        let mut client = self.target.admin().unwrap();
        let (rows, differing) = judge_values(path, &mut client, pair).unwrap();
        assert!(differing.is_empty(), "{}: {differing:#?}", pair.table);
        rows
    }
}
