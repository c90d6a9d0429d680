//! PostgreSQL's own programs: where they are and how new they are.

use std::path::{Path, PathBuf};

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
    let newest = candidates()
        .filter_map(|folder| inspect(&folder))
        // Among equals the first one, which PG_BIN names.
        .reduce(|best, it| if it.version > best.version { it } else { best });
    let needed = u32::try_from(server / 10_000).unwrap_or_default();
    let hint = format!("install `postgresql-client-{needed}` or newer, or name its folder in PG_BIN");
    match newest {
        None => Err(Error::new(ErrorKind::Program, "pg_dump was not found").with_hint(hint)),
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
