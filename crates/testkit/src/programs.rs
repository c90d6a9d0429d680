//! Where PostgreSQL's programs are on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, ErrorKind, Result};

/// Fixtures use SQL that older servers do not know (`BEGIN ATOMIC`, `pg_read_all_data`).
const MAJOR_MIN: u32 = 14;

/// A server needs all of these.
const NEEDED: [&str; 3] = ["initdb", "postgres", "pg_ctl"];

/// Where packages put PostgreSQL; the last part may hold one `*` of digits and dots.
const FOLDERS: [&str; 8] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/bin",
    "/usr/local/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
];

/// One installation of PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    folder: PathBuf,
    major: u32,
}

impl Programs {
    /// The folder that `PG_BIN` names, else the newest installation in `PATH` or the usual folders.
    pub fn find() -> Result<Self> {
        if let Some(folder) = std::env::var_os("PG_BIN") {
            let folder = PathBuf::from(folder);
            return Programs::at(&folder)
                .filter(|it| it.major >= MAJOR_MIN)
                .ok_or_else(|| {
                    let message = format!(
                        "PG_BIN is {}, where no PostgreSQL {MAJOR_MIN} or later with {} can be run",
                        folder.display(),
                        NEEDED.join(", ")
                    );
                    Error::new(ErrorKind::PostgresMissing, message)
                });
        }
        let newest = usual_folders()
            .filter_map(|it| Programs::at(&it))
            .filter(|it| it.major >= MAJOR_MIN)
            .reduce(
                |newest, found| {
                    if found.major > newest.major { found } else { newest }
                },
            );
        newest.ok_or_else(|| {
            Error::new(
                ErrorKind::PostgresMissing,
                format!("no PostgreSQL {MAJOR_MIN} or later is installed"),
            )
        })
    }

    /// The installations in `named` folders, and after them those that [`Programs::find`] chooses from.
    pub fn all(named: &[PathBuf]) -> Vec<Self> {
        let pg_bin = std::env::var_os("PG_BIN").map(PathBuf::from);
        let folders = named.iter().cloned().chain(pg_bin).chain(usual_folders());
        folders.filter_map(|it| Programs::at(&it)).collect()
    }

    /// The installation whose programs are in `folder`, of whatever version; none when it has no server.
    pub fn at(folder: &Path) -> Option<Self> {
        if !NEEDED.iter().all(|it| folder.join(it).is_file()) {
            return None;
        }
        let output = Command::new(folder.join("postgres"))
            .arg("--version")
            .output()
            .ok()?;
        Some(Programs {
            folder: folder.to_owned(),
            major: major_version(&String::from_utf8_lossy(&output.stdout))?,
        })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The server's major version.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// Whether the server can create `extension`.
    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        let shared = self.command("pg_config").arg("--sharedir").output();
        shared.is_ok_and(|it| {
            let folder = String::from_utf8_lossy(&it.stdout).trim().to_owned();
            Path::new(&folder)
                .join(format!("extension/{extension}.control"))
                .is_file()
        })
    }

    /// A command for `program` of this installation; one that it lacks is looked for in `PATH`. It knows
    /// nothing of the databases that the developer's own shell names.
    pub fn command(&self, program: &str) -> Command {
        let path = self.folder.join(program);
        let mut command = if path.is_file() {
            Command::new(path)
        } else {
            Command::new(program)
        };
        forget_endpoints(&mut command);
        command
    }
}

/// Takes libpq's variables away from a command: `PGPORT` would even move a server to another port.
pub(crate) fn forget_endpoints(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") && name != "PG_BIN" {
            command.env_remove(name);
        }
    }
}

/// `postgres (PostgreSQL) 15.18 (Debian …)` to 15; also `16beta1`.
fn major_version(text: &str) -> Option<u32> {
    let version = text.split_once(") ")?.1;
    let digits = version
        .find(|it: char| !it.is_ascii_digit())
        .unwrap_or(version.len());
    version[..digits].parse().ok()
}

fn usual_folders() -> impl Iterator<Item = PathBuf> {
    let in_path = std::env::var_os("PATH").unwrap_or_default();
    let in_path: Vec<PathBuf> = std::env::split_paths(&in_path).collect();
    in_path
        .into_iter()
        .chain(FOLDERS.iter().flat_map(|it| expand(it)))
}

/// Folders that `pattern` stands for: itself, or each that has a version for its `*`.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else {
        return vec![PathBuf::from(pattern)];
    };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or((".", before));
    let Ok(entries) = std::fs::read_dir(parent) else {
        return Vec::new();
    };
    let names = entries.filter_map(|it| it.ok()?.file_name().into_string().ok());
    let versions = names.filter(|it| {
        it.strip_prefix(prefix)
            .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
    });
    versions
        .map(|it| PathBuf::from(format!("{parent}/{it}{after}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_postgres_says() {
        for (text, expected) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 18beta2\n", Some(18)),
            ("postgres (PostgreSQL) 17\n", Some(17)),
            ("postgres", None),
            ("postgres (PostgreSQL) devel", None),
        ] {
            assert_eq!(major_version(text), expected, "{text}");
        }
    }

    #[test]
    fn a_star_stands_for_versions_only() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["pgsql-15", "pgsql-9.6", "pgsql-old", "other-15"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let mut found = expand(&format!("{}/pgsql-*/bin", folder.path().display()));
        found.sort();
        assert_eq!(
            found,
            [
                folder.path().join("pgsql-15/bin"),
                folder.path().join("pgsql-9.6/bin")
            ]
        );
    }

    #[test]
    fn a_folder_without_a_server_is_not_an_installation() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Programs::at(folder.path()), None);
    }
}
