//! PostgreSQL's own programs: where they are and how new they are.

use std::path::{Path, PathBuf};

use super::packages::client_package;
use crate::endpoint::command_without_endpoint;
use crate::{Error, ErrorKind, Result};

/// `pg_dump` and the `pg_restore` beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DumpPrograms {
    pub(super) pg_dump: PathBuf,
    pub(super) pg_restore: PathBuf,
    /// The major version.
    pub(super) version: u32,
}

/// The newest `pg_dump` in `PG_BIN`, `PATH` and the folders where distributions keep PostgreSQL, not older than
/// a server of version `server` (as in `server_version_num`).
pub(super) fn find_pg_dump(server: i32) -> Result<DumpPrograms> {
    choose(candidates(), u32::try_from(server / 10_000).unwrap_or_default())
}

/// The newest `pg_dump` in `folders`, the first of several, not older than `needed`.
fn choose(folders: impl Iterator<Item = PathBuf>, needed: u32) -> Result<DumpPrograms> {
    let newest = folders
        .filter_map(|folder| inspect(&folder))
        .reduce(|newest, found| {
            if found.version > newest.version {
                found
            } else {
                newest
            }
        });
    let hint = format!(
        "install `{}` or newer (PostgreSQL's own package repository has what a distribution lacks), or name its \
         folder in PG_BIN",
        client_package(needed)
    );
    match newest {
        None => Err(Error::new(ErrorKind::Program, "pg_dump and pg_restore were not found").with_hint(hint)),
        Some(found) if found.version < needed => Err(Error::new(
            ErrorKind::Program,
            format!(
                "pg_dump {} in `{}` is older than the server ({needed})",
                found.version,
                found.pg_dump.display()
            ),
        )
        .with_hint(hint)),
        Some(found) => Ok(found),
    }
}

fn candidates() -> impl Iterator<Item = PathBuf> {
    let named = std::env::var_os("PG_BIN").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let distributions = [
        ("/usr/lib/postgresql", "bin"),
        ("/usr", "bin"),
        ("/opt/homebrew/opt", "bin"),
        ("/usr/local/opt", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "bin"),
    ];
    let versions = distributions.into_iter().flat_map(|(parent, bin)| {
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
        entries.map(move |entry| entry.path().join(bin))
    });
    named.into_iter().chain(on_path).chain(versions)
}

fn inspect(folder: &Path) -> Option<DumpPrograms> {
    let (pg_dump, pg_restore) = (folder.join("pg_dump"), folder.join("pg_restore"));
    if !pg_dump.is_file() || !pg_restore.is_file() {
        return None;
    }
    let output = command_without_endpoint(&pg_dump)
        .arg("--version")
        .output()
        .ok()?;
    let version = parse_version(&String::from_utf8_lossy(&output.stdout))?;
    Some(DumpPrograms {
        pg_dump,
        pg_restore,
        version,
    })
}

/// The major version in `pg_dump (PostgreSQL) 15.8 (Debian …)`.
fn parse_version(words: &str) -> Option<u32> {
    let after = words.split("(PostgreSQL) ").nth(1)?;
    after.split(|it: char| !it.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with programs that only say their version.
    fn stub(version: &str) -> tempfile::TempDir {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        for program in ["pg_dump", "pg_restore"] {
            let path = folder.path().join(program);
            let script = format!("#!/bin/sh\necho '{program} (PostgreSQL) {version}'\n");
            std::fs::write(&path, script).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        folder
    }

    fn choose_from(folders: &[&tempfile::TempDir], needed: u32) -> Result<DumpPrograms> {
        choose(folders.iter().map(|it| it.path().to_owned()), needed)
    }

    #[test]
    fn a_missing_or_old_pg_dump_is_refused_with_the_package_to_install() {
        let (empty, old, older) = (tempfile::tempdir().unwrap(), stub("15.8"), stub("9.6.24"));
        for (folders, words) in [
            (vec![&empty], "pg_dump and pg_restore were not found".to_owned()),
            (
                vec![&empty, &older, &old],
                format!(
                    "pg_dump 15 in `{}` is older than the server (17)",
                    old.path().join("pg_dump").display()
                ),
            ),
        ] {
            let error = choose_from(&folders, 17).unwrap_err();
            assert_eq!(error.to_string(), words);
            let hint = error.hint().unwrap_or_default();
            assert!(
                hint.contains(&client_package(17)) && hint.contains("PG_BIN"),
                "{hint}"
            );
        }
    }

    #[test]
    fn a_newer_pg_dump_serves_an_older_server() {
        let (old, new, same) = (stub("14.2"), stub("18.1"), stub("18.1"));
        let found = choose_from(&[&old, &new, &same], 14).unwrap();
        assert_eq!((found.version, found.pg_dump), (18, new.path().join("pg_dump")));
    }

    #[test]
    fn a_pg_dump_without_its_pg_restore_does_not_count() {
        let folder = stub("18.1");
        std::fs::remove_file(folder.path().join("pg_restore")).unwrap();
        assert!(choose_from(&[&folder], 14).is_err());
    }

    #[test]
    fn versions_are_read() {
        for (words, expected) in [
            ("pg_dump (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)", Some(15)),
            ("pg_dump (PostgreSQL) 18beta1", Some(18)),
            ("pg_dump 15", None),
        ] {
            assert_eq!(parse_version(words), expected, "{words}");
        }
    }
}
