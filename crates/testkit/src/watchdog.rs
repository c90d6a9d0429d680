//! The process that starts a throwaway server and outlives its owner by just as long as it takes to clean up.
//!
//! Nothing in the owner's hands survives SIGKILL, and statics are never dropped; a pipe that closes does the
//! work in every case.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::error::{Error, ErrorKind, Result};
use crate::install::user_id;
use crate::programs::{Programs, forget_endpoints};

const SCRIPT: &str = include_str!("watchdog.sh");

/// A user other than root, as which PostgreSQL agrees to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerUser {
    pub uid: u32,
    pub gid: u32,
}

/// A running server and the shell that holds it.
#[derive(Debug)]
pub(crate) struct Watchdog {
    child: Child,
}

impl ServerUser {
    /// `postgres`, or `nobody` where it does not exist.
    pub(crate) fn find() -> Result<Self> {
        let ids = |name: &str| {
            Some(ServerUser {
                uid: user_id(&["-u", name])?,
                gid: user_id(&["-g", name])?,
            })
        };
        ids("postgres")
            .or_else(|| ids("nobody"))
            .ok_or_else(|| Error::new(ErrorKind::Start, "neither the user postgres nor nobody exists"))
    }
}

impl Watchdog {
    /// Makes and starts a server in `root`, which holds a file `settings`. As root, `user` runs it.
    pub(crate) fn start(root: &Path, programs: &Programs, user: Option<ServerUser>) -> Result<Self> {
        Watchdog::run(SCRIPT, root, programs, user, "")
    }

    /// Starts the server that `script` makes in `root`, which gets the last word as its third argument.
    pub(crate) fn run(
        script: &str,
        root: &Path,
        programs: &Programs,
        user: Option<ServerUser>,
        last: &str,
    ) -> Result<Self> {
        let mut command = Command::new("sh");
        command
            .args(["-c", script, "watchdog"])
            .arg(root)
            .arg(programs.folder())
            .arg(last);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        forget_endpoints(&mut command);
        command.env("LC_ALL", "C").process_group(0);
        if let Some(ServerUser { uid, gid }) = user {
            command.uid(uid).gid(gid);
        }
        let mut child = command
            .spawn()
            .map_err(Error::caused(ErrorKind::Start, "cannot run sh"))?;
        let mut word = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout)
                .read_line(&mut word)
                .map_err(Error::caused(
                    ErrorKind::Start,
                    "cannot read what the server's shell says",
                ))?;
        }
        let mut watchdog = Watchdog { child };
        if word.trim() == "ready" {
            return Ok(watchdog);
        }
        let log = std::fs::read_to_string(root.join("log")).unwrap_or_default();
        watchdog.release(None);
        Err(Error::new(
            ErrorKind::Start,
            format!("PostgreSQL did not start in {}:\n{log}", root.display()),
        ))
    }

    /// Stops the server, removes its folder, and waits until that is done.
    pub(crate) fn stop(&mut self) {
        self.release(None);
    }

    /// Leaves the server running for good.
    pub(crate) fn keep(&mut self) {
        self.release(Some("keep\n"));
    }

    fn release(&mut self, word: Option<&str>) {
        if let Some(mut stdin) = self.child.stdin.take() {
            // A shell that is gone already cannot be told; it has cleaned up.
            let _ = stdin.write_all(word.unwrap_or_default().as_bytes());
        }
        let _ = self.child.wait();
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.stop();
    }
}
