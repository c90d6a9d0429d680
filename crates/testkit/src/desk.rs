//! A place at which lines are typed: the built tools, the shared server by its variables, a folder of its own.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::cluster::{Cluster, SOURCE_READER, TARGET_OWNER};
use crate::database::Database;
use crate::output::Output;
use crate::shell::Shell;
use crate::tools::Tools;

/// Lines run in an empty folder, as [`SOURCE_READER`] where they name no other role, so that a source is typed
/// as a bare name.
#[derive(Debug)]
pub struct Desk {
    tools: Tools,
    folder: TempDir,
}

impl Desk {
    /// Panics where the tools are not built or no server starts.
    pub fn shared() -> Self {
        let folder = match tempfile::tempdir() {
            Ok(folder) => folder,
            Err(error) => panic!("cannot make a folder: {error}"),
        };
        Desk {
            tools: Tools::locate(),
            folder,
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a line as a user types it, and waits for all its stages.
    pub fn run(&self, line: &str) -> Output {
        self.shell(line).run()
    }

    /// A line to which surroundings can be added before it runs.
    pub fn shell(&self, line: &str) -> Shell {
        self.tools
            .shell(line)
            .current_dir(self.folder())
            .env("PGHOST", Cluster::shared().root())
            .env("PGPORT", "5432")
            .env("PGUSER", SOURCE_READER)
    }
}

/// What a user types for `database` as TARGET, quoted for the shell.
pub fn target_word(database: &Database<'_>) -> String {
    format!("'dbname={} user={TARGET_OWNER}'", database.name())
}
