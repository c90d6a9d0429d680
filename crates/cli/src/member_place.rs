//! Where a member of an archive stands, so that it can be read once more.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::ArchiveStore;

/// Where the bytes of one member stand in an archive that can be read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberPlace {
    /// In an archive that is one file: how many bytes stand before it.
    Offset(u64),
    /// In an archive that is a directory.
    File(PathBuf),
}

impl MemberPlace {
    /// Reads the `stored` bytes of the member; `archive` is what [`crate::open_archive`] was given. The caller compares
    /// them with what it knows of them: the archive may have changed.
    pub fn read(&self, archive: &str, stored: usize) -> io::Result<Vec<u8>> {
        let mut file = match self {
            MemberPlace::Offset(offset) => {
                let mut file = File::open(archive)?;
                file.seek(SeekFrom::Start(*offset))?;
                file
            }
            MemberPlace::File(path) => File::open(path)?,
        };
        let mut bytes = vec![0; stored];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

impl ArchiveStore {
    /// Where the next byte to be read stands; right behind [`archive::Reader::next_chunk`] that is the chunk's first.
    pub fn place(&self) -> MemberPlace {
        match self {
            ArchiveStore::Stream(it) => MemberPlace::Offset(it.position()),
            ArchiveStore::Directory(it) => MemberPlace::File(it.path()),
        }
    }
}

/// Whether what [`crate::open_archive`] takes under `archive` can be read twice: a file or a directory, not a pipe.
pub fn can_be_read_again(archive: &str) -> bool {
    let path = Path::new(archive);
    archive != "-" && (path.is_file() || path.is_dir())
}
