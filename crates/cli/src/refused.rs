//! Why nothing can be written under a name.

use std::io;
use std::path::{Path, PathBuf};

use crate::Failure;

/// Why a name cannot be had; nothing has been changed.
#[derive(Debug)]
pub(crate) enum Refused {
    Io(io::Error),
    /// Something has the name.
    Exists,
    /// A folder with entries has it.
    NotEmpty,
    /// Only files are replaced by a file.
    NoFile,
    /// It is `.`, `..` or `/`.
    NoName,
    /// Only a link to a folder has the name.
    Link,
    /// Another file system begins there.
    MountPoint,
    /// The folder is no archive, so it is not replaced.
    NoArchive(archive::Error),
    /// The folder is an archive and holds this besides.
    Stranger(PathBuf),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Refused::Io(error)
    }
}

impl Refused {
    /// For the user: `kind` is what was to be written; `can_force` says that `--force` may help.
    pub(crate) fn into_failure(self, kind: &str, path: &Path, can_force: bool) -> Failure {
        const ANOTHER: &str = "name another one, or remove it first";
        let name = format!("{kind} `{}`", path.display());
        let usage = |words: &str, hint: &str| Failure::usage(format!("{name} {words}")).with_hint(hint);
        match self {
            Refused::Io(error) => Failure::usage(format!("{name} cannot be written")).with_source(error),
            Refused::Exists if can_force => usage(
                "exists already, and nothing is written over",
                "name another one, or replace it with --force",
            ),
            Refused::Exists => usage("exists already, and nothing is written over", ANOTHER),
            Refused::NotEmpty => usage(
                "is not empty, and nothing is written over",
                "name another one; --force replaces an archive",
            ),
            Refused::NoFile => usage("is no file, and only a file is replaced by one", ANOTHER),
            Refused::NoName => usage(
                "has no name of its own, which an archive could get",
                "name it from the folder above, as in -o ../NAME/",
            ),
            Refused::Link => usage(
                "is a symbolic link, which an archive does not replace",
                "name what it leads to",
            ),
            Refused::MountPoint => usage(
                "is where a file system is mounted, which an archive cannot replace",
                "name a folder in it",
            ),
            Refused::NoArchive(error) => {
                usage("is no archive, and --force replaces nothing else", ANOTHER).with_source(error)
            }
            Refused::Stranger(stranger) => usage(
                &format!(
                    "holds `{}`, which is no part of the archive there",
                    stranger.display()
                ),
                "move it away, or name another directory",
            ),
        }
    }
}
