//! Runs cargo and other programs in the workspace's folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result};

/// The workspace's folder.
pub(crate) fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The cargo that runs us, in the workspace's folder.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace());
    command
}

/// Runs `command` with our own streams; a failure is an error that shows it as `cargo …` would be typed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = shown(command);
    let status = command.status().map_err(|cause| Error::Run {
        line: line.clone(),
        cause,
    })?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::Step { line })
    }
}

/// Runs `command` and returns what it prints; its stderr stays ours.
pub(crate) fn capture(command: &mut Command) -> Result<Vec<u8>> {
    let line = shown(command);
    command.stderr(std::process::Stdio::inherit());
    let output = command.output().map_err(|cause| Error::Run {
        line: line.clone(),
        cause,
    })?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(Error::Step { line })
    }
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words
        .map(|it| it.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}
