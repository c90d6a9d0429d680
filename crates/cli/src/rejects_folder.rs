//! A folder of rows that were set aside, as `--rejects DIR` names it: it is made, or is empty, so that the rows of two
//! runs are never mixed up, and nobody else may look into it.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use crate::{Failure, Result};

/// Bytes of a table's name in the name of a file.
const LABEL_BYTES_MAX: usize = 63;

/// Makes the folder, or takes one that is there, and hands back the names of what is in it.
pub fn open(path: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            found = names(path).map_err(|error| unusable(path, "cannot be used").with_source(error))?;
        }
        Err(error) => return Err(unusable(path, "cannot be made").with_source(error)),
    }
    // Rather now than at the first row.
    tempfile::tempfile_in(path).map_err(|error| unusable(path, "cannot be written").with_source(error))?;
    Ok(found)
}

/// The same for a folder that must be empty.
pub fn open_empty(path: &Path) -> Result<Vec<String>> {
    let found = open(path)?;
    refuse_any(path, &found)?;
    Ok(found)
}

/// Refuses a folder in which these were found.
pub fn refuse_any(path: &Path, found: &[String]) -> Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    Err(unusable(
        path,
        "is not empty, and rejected rows of two runs would be mixed up",
    )
    .with_hint("name another one with --rejects, or empty it"))
}

/// A name for people in the name of a file, which is never a path.
pub fn label(name: &str) -> String {
    let plain = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"_.-".contains(&byte) {
            byte as char
        } else {
            '_'
        }
    };
    name.bytes().take(LABEL_BYTES_MAX).map(plain).collect()
}

fn unusable(path: &Path, what: &str) -> Failure {
    Failure::usage(format!("folder `{}` {what}", path.display()))
}

fn names(path: &Path) -> io::Result<Vec<String>> {
    fs::read_dir(path)?
        .map(|it| Ok(it?.file_name().to_string_lossy().into_owned()))
        .collect()
}
