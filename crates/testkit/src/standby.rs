//! A throwaway standby of a throwaway server, gone like that when its owner goes.

use std::path::Path;

use tempfile::TempDir;

use crate::error::{Error, ErrorKind, Result};
use crate::programs::Programs;
use crate::watchdog::{ServerUser, Watchdog};

const SCRIPT: &str = include_str!("standby.sh");

/// A standby, reached by a Unix socket in its folder.
#[derive(Debug)]
pub struct Standby {
    // Fields drop in this order: the server is stopped before its folder goes.
    _watchdog: Watchdog,
    root: TempDir,
}

impl Standby {
    pub(crate) fn start(
        root: TempDir,
        programs: &Programs,
        user: Option<ServerUser>,
        primary: &str,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let line = |(name, value): &(&str, &str)| format!("{name} = '{}'\n", value.replace('\'', "''"));
        let folder = root.path().display().to_string();
        let ours = [
            ("listen_addresses", ""),
            ("unix_socket_directories", folder.as_str()),
        ];
        let text: String = ours.iter().chain(settings).map(line).collect();
        let file = root.path().join("settings");
        std::fs::write(&file, text).map_err(Error::caused(
            ErrorKind::File,
            format!("cannot write {}", file.display()),
        ))?;
        let watchdog = Watchdog::run(SCRIPT, root.path(), programs, user, primary)?;
        Ok(Standby {
            _watchdog: watchdog,
            root,
        })
    }

    /// The folder that holds the socket, the data and the log.
    pub fn root(&self) -> &Path {
        self.root.path()
    }
}
