//! Installs PostgreSQL from the distribution where it is missing and we may.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use crate::error::{Error, ErrorKind, Result};
use crate::programs::Programs;

/// The extension by which tests judge PL/pgSQL bodies; no part of PostgreSQL.
pub(crate) const CHECKER: &str = "plpgsql_check";

/// With this file Debian's package makes no cluster of its own that would be left running.
const DEBIAN_SETTINGS: &str = "/etc/postgresql-common/createcluster.conf";

/// Tests start in parallel threads, and package managers do not like company.
static INSTALLING: Mutex<()> = Mutex::new(());

/// A way to get PostgreSQL, contrib extensions included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Installer {
    Apt,
    Dnf,
    Brew,
}

/// PostgreSQL's programs; where there are none, as root, the distribution's package is installed first.
///
/// Without root the error names the one command to run.
pub fn find_or_install() -> Result<Programs> {
    let guard = INSTALLING.lock();
    let missing = match Programs::find() {
        Err(error) if error.kind() == ErrorKind::PostgresMissing => error,
        found => return found,
    };
    let installer = Installer::of_this_system();
    match installer {
        Some(it) if it != Installer::Brew && is_root() && std::env::var_os("PG_BIN").is_none() => it.run()?,
        _ => {
            let command = installer.map_or(
                "install PostgreSQL with its contrib extensions",
                Installer::command,
            );
            return Err(Error::new(
                ErrorKind::PostgresMissing,
                format!("{missing}; run: {command}"),
            ));
        }
    }
    drop(guard);
    Programs::find()
}

/// Makes sure of the extension by which tests judge PL/pgSQL bodies: where it is missing, as root with
/// `apt-get` or `dnf`, it is installed.
///
/// Nothing else needs it, so where that fails the answer is the one command to run; the tests skip.
pub fn find_or_install_checker(programs: &Programs) -> Option<String> {
    let _guard = INSTALLING.lock();
    if programs.has_extension(CHECKER) {
        return None;
    }
    let command = match Installer::of_this_system()? {
        Installer::Apt => format!(
            "apt-get install --yes postgresql-{}-plpgsql-check",
            programs.major()
        ),
        Installer::Dnf => format!("dnf install --assumeyes plpgsql_check_{}", programs.major()),
        Installer::Brew => return Some(format!("build {CHECKER} from its sources; Homebrew has none")),
    };
    let may_install = is_root() && std::env::var_os("PG_BIN").is_none();
    let installed = may_install && shell(&command).is_ok_and(|it| it.status.success());
    (!installed).then_some(command)
}

/// `pgbouncer`; where it is missing, as root with `apt-get` or `dnf`, it is installed. `None` where that fails too: the
/// tests that need it skip.
pub(crate) fn find_or_install_pooler() -> Option<PathBuf> {
    let _guard = INSTALLING.lock();
    let find = || {
        let in_path = std::env::var_os("PATH").unwrap_or_default();
        // Debian keeps it where only root's PATH leads.
        let folders = std::env::split_paths(&in_path).chain([PathBuf::from("/usr/sbin")]);
        folders.map(|it| it.join("pgbouncer")).find(|it| it.is_file())
    };
    if let Some(found) = find() {
        return Some(found);
    }
    let line = match Installer::of_this_system()? {
        // Its service would be left running.
        Installer::Apt => "apt-get install --yes pgbouncer && service pgbouncer stop",
        Installer::Dnf => "dnf install --assumeyes pgbouncer",
        Installer::Brew => return None,
    };
    if is_root() {
        // Whether it is there then decides.
        let _ = shell(line);
    }
    find()
}

/// Whether this process may act as any user.
pub(crate) fn is_root() -> bool {
    user_id(&["-u"]) == Some(0)
}

/// What `id` answers to `args`, as a number.
pub(crate) fn user_id(args: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(args).output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

impl Installer {
    fn of_this_system() -> Option<Self> {
        [
            ("apt-get", Installer::Apt),
            ("dnf", Installer::Dnf),
            ("brew", Installer::Brew),
        ]
        .into_iter()
        .find(|(program, _)| Command::new(program).arg("--version").output().is_ok())
        .map(|(_, installer)| installer)
    }

    fn command(self) -> &'static str {
        match self {
            Installer::Apt => "apt-get update && apt-get install --yes postgresql",
            Installer::Dnf => "dnf install --assumeyes postgresql-server postgresql-contrib",
            Installer::Brew => "brew install postgresql@17",
        }
    }

    fn run(self) -> Result<()> {
        if self == Installer::Apt && !Path::new(DEBIAN_SETTINGS).exists() {
            let folder = Path::new(DEBIAN_SETTINGS).parent().unwrap_or(Path::new("/etc"));
            std::fs::create_dir_all(folder)
                .and_then(|()| std::fs::write(DEBIAN_SETTINGS, "create_main_cluster = false\n"))
                .map_err(Error::caused(
                    ErrorKind::File,
                    format!("cannot write {DEBIAN_SETTINGS}"),
                ))?;
        }
        let output = shell(self.command()).map_err(Error::caused(
            ErrorKind::Program,
            "cannot run sh to install PostgreSQL",
        ))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Error::new(
            ErrorKind::PostgresMissing,
            format!("`{}` failed: {said}", self.command()),
        ))
    }
}

fn shell(line: &str) -> std::io::Result<std::process::Output> {
    Command::new("sh")
        .args(["-c", line])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .output()
}
