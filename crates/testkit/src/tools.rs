//! The built tools, and the shell lines that use them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::output::Output;
use crate::programs::Programs;
use crate::shell::Shell;

/// Every tool by the name that a user types.
pub const TOOLS: [&str; 5] = ["assess", "dump", "remap-schema", "load", "verify"];

/// The folder with the built tools.
#[derive(Clone, Debug)]
pub struct Tools {
    folder: PathBuf,
}

impl Tools {
    /// The tools built beside the running test. Panics where one is missing, naming the command that builds it.
    pub fn locate() -> Self {
        let test = match std::env::current_exe() {
            Ok(path) => path,
            Err(error) => panic!("cannot tell where this test was built: {error}"),
        };
        // Tests are built into target/<profile>/deps, programs one folder above.
        let folder = test.parent().and_then(Path::parent).unwrap_or(Path::new("."));
        let tools = Tools::at(folder);
        let missing = tools.missing();
        assert!(
            missing.is_empty(),
            "{} not built in {}; run `cargo xtask test`, or `cargo build --workspace --bins` first",
            missing.join(", "),
            folder.display()
        );
        tools
    }

    /// The tools in `folder`, whether they are there or not.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Tools {
            folder: folder.into(),
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Tools that are not in the folder.
    pub fn missing(&self) -> Vec<&'static str> {
        TOOLS
            .into_iter()
            .filter(|it| !self.folder.join(it).is_file())
            .collect()
    }

    /// A `PATH` on which our tools come first, and PostgreSQL's programs last.
    pub fn path(&self) -> OsString {
        let before = std::env::var_os("PATH").unwrap_or_default();
        let programs = Programs::find().ok().map(|it| it.folder().to_owned());
        let folders = std::iter::once(self.folder.clone())
            .chain(std::env::split_paths(&before))
            .chain(programs);
        std::env::join_paths(folders).unwrap_or(before)
    }

    /// Runs a line as a user types it, and waits for all its stages.
    pub fn pipeline(&self, line: &str) -> Output {
        self.shell(line).run()
    }

    /// A line as a user types it, to which surroundings can be added before it runs.
    pub fn shell(&self, line: &str) -> Shell {
        Shell::new(line, self.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_tools_are_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("dump"), "").unwrap();
        let tools = Tools::at(folder.path());
        assert_eq!(tools.missing(), ["assess", "remap-schema", "load", "verify"]);
    }
}
