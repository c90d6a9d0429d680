//! The folder of pictures: names that every file system takes, and nothing written over.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use cli::{Exit, Failure, FailureContext, ReportFile, Result};

use super::Picture;

/// Of a name's part, in characters; with four bytes each and both parts a name stays below 255 bytes.
const PART_MAX: usize = 28;

/// A folder that is there and empty.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Names without their endings, in lower case: some file systems do not tell the cases apart.
    taken: HashSet<String>,
}

impl Folder {
    /// Makes it, or takes one that is empty.
    pub(crate) fn create(path: &Path) -> Result<Folder> {
        let step = || format!("folder `{}` cannot be used for pictures", path.display());
        fs::create_dir_all(path).or_fail(Exit::Usage, step)?;
        if fs::read_dir(path).or_fail(Exit::Usage, step)?.next().is_some() {
            return Err(Failure::usage(format!(
                "folder `{}` is not empty, and nothing is written over",
                path.display()
            ))
            .with_hint("name another one for --pictures, or empty it first"));
        }
        Ok(Folder {
            path: path.to_owned(),
            taken: HashSet::new(),
        })
    }

    /// Writes pictures under a name; of several each gets a number.
    pub(super) fn add_all(&mut self, name: &str, pictures: &[Picture]) -> Result<()> {
        for (number, picture) in pictures.iter().enumerate() {
            let name = if pictures.len() > 1 {
                format!("{name}.{}", number + 1)
            } else {
                name.to_owned()
            };
            let name = self.free(&name);
            for (ending, text) in [("svg", &picture.svg), ("mmd", &picture.mermaid)] {
                ReportFile::create(&self.path.join(format!("{name}.{ending}")))?.publish(text)?;
            }
        }
        Ok(())
    }

    pub(super) fn count(&self) -> usize {
        self.taken.len()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn free(&mut self, name: &str) -> String {
        let (mut free, mut number) = (name.to_owned(), 1);
        while !self.taken.insert(free.to_lowercase()) {
            number += 1;
            free = format!("{name}_{number}");
        }
        free
    }
}

/// A part of a file's name: letters, digits, `-` and `_`, all else as `_`.
pub(super) fn plain(name: &str) -> String {
    let kept = |it: char| {
        if it.is_alphanumeric() || it == '-' {
            it
        } else {
            '_'
        }
    };
    let plain: String = name.chars().take(PART_MAX).map(kept).collect();
    if plain.is_empty() { "_".to_owned() } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_lead_nowhere_else_and_differ() {
        for (name, expected) in [
            ("../etc", "___etc"),
            ("a.b/c\n", "a_b_c_"),
            ("", "_"),
            ("Größe", "Größe"),
            (".", "_"),
        ] {
            assert_eq!(plain(name), expected);
        }
        assert!(plain(&"💥ä".repeat(200)).len() <= 4 * PART_MAX);
        let mut folder = Folder {
            path: PathBuf::new(),
            taken: HashSet::new(),
        };
        let names = ["a.b", "A.b", "a.b_2"].map(|it| folder.free(it));
        assert_eq!(names, ["a.b", "A.b_2", "a.b_2_2"]);
    }
}
