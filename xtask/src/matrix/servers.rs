//! Servers and `pg_dump`s at hand: named, installed, or fetched before.

use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::{Cluster, Programs};

/// Installations, each major version once.
pub(super) struct Servers(Vec<Programs>);

impl Servers {
    /// Those in `named` folders first, then those of this machine, then what was fetched into `cache`.
    pub(super) fn find(cache: &Path, named: &[PathBuf]) -> Self {
        let mut found: Vec<Programs> = Vec::new();
        let fetched = server_folders(cache)
            .into_iter()
            .filter_map(|it| Programs::at(&it));
        for programs in Programs::all(named).into_iter().chain(fetched) {
            if found.iter().all(|it| it.major() != programs.major()) {
                found.push(programs);
            }
        }
        Servers(found)
    }

    pub(super) fn get(&self, major: u32) -> Option<&Programs> {
        self.0.iter().find(|it| it.major() == major)
    }

    /// Starts a server of version `major`, or says why not.
    pub(super) fn start(&self, major: u32) -> Result<Cluster, String> {
        let programs = self.get(major).ok_or_else(|| {
            format!("no server of version {major}: give --install, or --bin with the folder of its programs")
        })?;
        Cluster::start_of(programs.clone(), &[]).map_err(|error| {
            // The whole log would fill the table.
            let words = error.chain();
            let last = words.lines().next_back().unwrap_or_default();
            format!(
                "its server does not start from {}: {last}",
                programs.folder().display()
            )
        })
    }

    /// A line for each server that will be used.
    pub(super) fn told(&self, versions: &[u32]) -> Vec<String> {
        let known = versions.iter().filter_map(|it| self.get(*it));
        known
            .map(|it| format!("PostgreSQL {} in {}", it.major(), it.folder().display()))
            .collect()
    }
}

/// The newest `pg_dump` at hand, which the tools are pointed to.
pub(super) struct Dumper {
    /// Its folder and its major version.
    newest: Option<(PathBuf, u32)>,
}

impl Dumper {
    pub(super) fn newest(cache: &Path, named: &[PathBuf], servers: &Servers) -> Self {
        let of_servers = servers.0.iter().map(|it| it.folder().to_owned());
        let folders = named
            .iter()
            .cloned()
            .chain(client_folders(cache))
            .chain(of_servers);
        Dumper {
            newest: folders
                .filter_map(|it| Some((it.clone(), pg_dump_major(&it)?)))
                .max_by_key(|(_, major)| *major),
        }
    }

    pub(super) fn folder(&self) -> Option<&Path> {
        self.newest.as_ref().map(|(folder, _)| folder.as_path())
    }

    pub(super) fn major(&self) -> u32 {
        self.newest.as_ref().map_or(0, |(_, major)| *major)
    }

    /// Whether `psql` stands beside it.
    pub(super) fn has_psql(&self) -> bool {
        self.folder().is_some_and(|it| it.join("psql").is_file())
    }

    /// Why a source of version `major` cannot be dumped, if it cannot.
    pub(super) fn too_old_for(&self, major: u32) -> Option<String> {
        (self.major() < major).then(|| {
            format!("no pg_dump {major} or newer: give --install, or --bin with its folder, or install postgresql-client-{major}")
        })
    }

    pub(super) fn told(&self) -> String {
        self.newest
            .as_ref()
            .map_or("no pg_dump".to_owned(), |(folder, major)| {
                format!("pg_dump {major} in {}", folder.display())
            })
    }
}

/// Where a server of version `major` is put by [`super::fetch`].
pub(super) fn server_folder(cache: &Path, major: u32) -> PathBuf {
    cache.join(format!("server-{major}"))
}

/// Where clients are put by [`super::fetch`].
pub(super) fn client_folder(cache: &Path) -> PathBuf {
    cache.join("clients")
}

fn server_folders(cache: &Path) -> Vec<PathBuf> {
    let folders = folders_in(cache).into_iter();
    folders
        .map(|it| it.join("package/native/bin"))
        .filter(|it| it.is_dir())
        .collect()
}

/// A package can hold several versions, each in a folder of its own.
fn client_folders(cache: &Path) -> Vec<PathBuf> {
    let packages = folders_in(&client_folder(cache)).into_iter();
    let versions = packages.flat_map(|it| folders_in(&it));
    versions
        .map(|it| it.join("bin"))
        .filter(|it| it.join("pg_dump").is_file())
        .collect()
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|it| it.path()).filter(|it| it.is_dir()).collect();
    folders.sort();
    folders
}

/// The major version that `pg_dump` in `folder` says; `pg_restore` must stand beside it.
fn pg_dump_major(folder: &Path) -> Option<u32> {
    if !folder.join("pg_restore").is_file() {
        return None;
    }
    let output = Command::new(folder.join("pg_dump"))
        .arg("--version")
        .output()
        .ok()?;
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    let digits = words.split_once(") ")?.1;
    digits.split(|it: char| !it.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_with_the_way_to_get_it() {
        let empty = tempfile::tempdir().unwrap();
        let servers = Servers(Vec::new());
        assert!(
            servers
                .start(16)
                .is_err_and(|it| it.contains("--install") && it.contains("16"))
        );
        let dumper = Dumper::newest(empty.path(), &[], &servers);
        assert!(
            dumper
                .too_old_for(18)
                .is_some_and(|it| it.contains("postgresql-client-18"))
        );
    }

    #[test]
    fn the_newest_pg_dump_of_a_package_is_taken() {
        use std::os::unix::fs::PermissionsExt;
        let cache = tempfile::tempdir().unwrap();
        for version in [16, 18] {
            let bin = client_folder(cache.path()).join(format!("package/install{version}/bin"));
            std::fs::create_dir_all(&bin).unwrap();
            std::fs::write(bin.join("pg_restore"), "").unwrap();
            let pg_dump = bin.join("pg_dump");
            std::fs::write(
                &pg_dump,
                format!("#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}.4'\n"),
            )
            .unwrap();
            std::fs::set_permissions(&pg_dump, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let dumper = Dumper::newest(cache.path(), &[], &Servers(Vec::new()));
        assert_eq!(dumper.major(), 18);
        assert_eq!(dumper.too_old_for(18), None);
    }
}
