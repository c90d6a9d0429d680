//! A pooler in front of a throwaway server: `pgbouncer`, where it is installed or can be.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::cluster::{Cluster, POSTGRES, SOURCE_READER, TARGET_OWNER};
use crate::error::{Error, ErrorKind, Result};
use crate::install::{find_or_install_pooler, is_root};
use crate::watchdog::ServerUser;

/// Each has a folder of its own.
static NUMBER: AtomicU32 = AtomicU32::new(0);

const STARTED_WITHIN: Duration = Duration::from_secs(10);

/// A running `pgbouncer`, reached by a Unix socket. A database NAME of its server is reached in each mode, as
/// `NAME_session`, `NAME_transaction` and `NAME_statement`.
#[derive(Debug)]
pub struct Pooler {
    child: Child,
    folder: PathBuf,
}

impl Pooler {
    /// Starts one for `databases` of `cluster`, with `settings` of its own on top; `None` where `pgbouncer` is missing
    /// and cannot be installed.
    pub fn start(cluster: &Cluster, databases: &[&str], settings: &[&str]) -> Result<Option<Self>> {
        let Some(program) = find_or_install_pooler() else {
            return Ok(None);
        };
        let folder = cluster.folder(&format!("pooler_{}", NUMBER.fetch_add(1, Ordering::Relaxed)))?;
        let cannot_write = Error::caused(ErrorKind::File, format!("cannot write in {}", folder.display()));
        let users = [POSTGRES, SOURCE_READER, TARGET_OWNER].map(|it| format!("\"{it}\" \"\"\n"));
        std::fs::write(folder.join("users"), users.concat())
            .and_then(|()| {
                let text = configuration(cluster.root(), &folder, databases, settings);
                std::fs::write(folder.join("ini"), text)
            })
            .map_err(cannot_write)?;
        let mut command = Command::new(program);
        command
            .arg("--quiet")
            .arg(folder.join("ini"))
            .current_dir(&folder);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if is_root() {
            // It refuses to run as root.
            let ServerUser { uid, gid } = ServerUser::find()?;
            command.uid(uid).gid(gid);
        }
        let child = command
            .spawn()
            .map_err(Error::caused(ErrorKind::Start, "cannot run pgbouncer"))?;
        let mut pooler = Pooler { child, folder };
        pooler.wait()?;
        Ok(Some(pooler))
    }

    /// A libpq keyword string for database `name` of the server in `mode`.
    pub fn conninfo(&self, name: &str, mode: &str, user: &str) -> String {
        format!(
            "host={} port=6432 dbname={name}_{mode} user={user}",
            self.folder.display()
        )
    }

    fn wait(&mut self) -> Result<()> {
        let socket = self.folder.join(".s.PGSQL.6432");
        let deadline = Instant::now() + STARTED_WITHIN;
        while !socket.exists() {
            let is_gone = !matches!(self.child.try_wait(), Ok(None));
            if is_gone || Instant::now() > deadline {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                return Err(Error::new(
                    ErrorKind::Start,
                    format!("pgbouncer did not start:\n{log}"),
                ));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(server: &Path, folder: &Path, databases: &[&str], settings: &[&str]) -> String {
    let server = server.display();
    let line = |name: &str, mode: &str| {
        format!("{name}_{mode} = host={server} port=5432 dbname={name} pool_mode={mode}\n")
    };
    let databases: String = databases
        .iter()
        .flat_map(|name| ["session", "transaction", "statement"].map(|mode| line(name, mode)))
        .collect();
    let shown = folder.display();
    format!(
        "[databases]\n{databases}[pgbouncer]\nlisten_addr =\nlisten_port = 6432\nunix_socket_dir = {shown}\n\
         auth_type = trust\nauth_file = {shown}/users\nlogfile = {shown}/log\npidfile = {shown}/pid\n{}\n",
        settings.join("\n")
    )
}
