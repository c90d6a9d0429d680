//! Folders for temporary files that can hold passwords or rows: nobody but their owner may look into them.

use std::env;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::{Builder, TempDir};

/// The user's folder in memory, where there is one: what is in it reaches no disk.
pub(crate) fn in_memory() -> Option<PathBuf> {
    env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from)
}

/// A folder for something small, in memory where that can be.
pub(crate) fn small_private_folder() -> io::Result<TempDir> {
    in_memory()
        .and_then(|it| builder().tempdir_in(it).ok())
        .map_or_else(private_folder, Ok)
}

/// A folder among the temporary files of the machine.
pub(crate) fn private_folder() -> io::Result<TempDir> {
    builder().tempdir()
}

/// Without the mode a folder gets what the umask leaves, which lets others in almost everywhere.
fn builder() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder
        .prefix("coalesce-")
        .permissions(Permissions::from_mode(0o700));
    builder
}
