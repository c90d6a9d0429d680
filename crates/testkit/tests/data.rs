//! Databases that exist in the wild load, where their files are there.

use testkit::Cluster;
use testkit::data::{PostgresData, SqliteData};
use testkit::fixtures::SqliteFixture;

#[test]
fn postgres_data_loads_with_the_rows_it_is_known_for() {
    for (data, expected) in [
        (PostgresData::Pagila, 49_636),
        (PostgresData::Chinook, 15_607),
        (PostgresData::Northwind, 3_362),
    ] {
        let Ok(database) = data.database(Cluster::shared()) else {
            return;
        };
        let rows: u64 = database.row_counts().unwrap().iter().map(|(_, rows)| rows).sum();
        assert_eq!(rows, expected, "{}", data.name());
    }
}

#[test]
fn sqlite_data_loads_with_the_rows_it_is_known_for() {
    let folder = tempfile::tempdir().unwrap();
    for (data, expected) in [(SqliteData::Chinook, 15_607), (SqliteData::Sakila, 46_273)] {
        let Ok(path) = data.file(folder.path()) else {
            return;
        };
        let rows: u64 = SqliteFixture::row_counts(&path)
            .unwrap()
            .iter()
            .map(|(_, rows)| rows)
            .sum();
        assert_eq!(rows, expected, "{}", data.name());
    }
}

#[test]
fn missing_data_is_a_skip_that_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sqlite_data_loads_with_the_rows_it_is_known_for"])
        .env("COALESCE_DATA", folder.path().join("nowhere"))
        .env(testkit::SKIPPED_LOG, &log)
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let reasons = std::fs::read_to_string(&log).unwrap();
    assert!(
        reasons.starts_with("no test data in ") && reasons.lines().count() == 1,
        "{reasons}"
    );
}
