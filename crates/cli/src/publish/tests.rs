//! Every step of publishing fails once, and the machine stops before every step: what had the name is never lost,
//! and what gets it is whole.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::Write;
use std::rc::Rc;

use archive::{Header, SchemaMember, SourceIdentity, SourceKind, Writer};
use catalog::Catalog;

use super::*;
use crate::directory::DirectorySink;
use crate::file::AtomicFile;

/// A file system whose steps fail as planned; the real one does the others.
#[derive(Clone, Debug)]
struct FaultyDisk {
    steps: Rc<Cell<u32>>,
    /// The step that fails, counted from 0.
    at: u32,
    mode: Mode,
    exchanges: bool,
}

/// What becomes of the steps after the one that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// They are done.
    Once,
    /// They fail, but something can be removed, as from a full disk.
    ForGood,
    /// They fail, as for a process that is gone.
    Crash,
}

impl FaultyDisk {
    /// One that works.
    fn sound() -> Self {
        FaultyDisk::new(u32::MAX, Mode::Once, true)
    }

    fn new(at: u32, mode: Mode, exchanges: bool) -> Self {
        FaultyDisk {
            steps: Rc::default(),
            at,
            mode,
            exchanges,
        }
    }

    fn step<T>(&self, done: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let step = self.steps.replace(self.steps.get() + 1);
        if step == self.at || self.mode != Mode::Once && step > self.at {
            return Err(Errno::IO.into());
        }
        done()
    }
}

/// The process has one list of what an interrupt does, and another test looks into it.
fn unguarded() -> Staged {
    Staged {
        state: Arc::new(Mutex::new(State::UnderWay)),
        _guard: None,
    }
}

impl Disk for FaultyDisk {
    /// Takes a half each time.
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<usize> {
        self.step(|| RealDisk.write(file, &bytes[..bytes.len().div_ceil(2)]))
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.step(|| file.metadata().map(drop))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.step(|| folder.metadata().map(drop))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(|| RealDisk.rename(from, to))
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(|| RealDisk.rename_new(from, to))
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        if !self.exchanges {
            return Err(Errno::INVAL.into());
        }
        self.step(|| RealDisk.exchange(one, other))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if self.mode == Mode::ForGood {
            return RealDisk.remove(path);
        }
        self.step(|| RealDisk.remove(path))
    }

    fn stage(&self, _path: &Path) -> Staged {
        unguarded()
    }
}

/// What is made, and the way to write it: `words` tells the old one from the new one.
#[derive(Clone, Copy, Debug)]
enum Kind {
    File,
    Directory,
}

impl Kind {
    fn write(self, disk: impl Disk, path: &Path, words: &str, existing: Existing) -> Result<(), String> {
        match self {
            Kind::File => {
                let mut file = AtomicFile::create_on(disk, path, existing).map_err(|it| format!("{it:?}"))?;
                let written = file.write_all(words.as_bytes());
                written.and_then(|()| file.publish()).map_err(|it| it.to_string())
            }
            Kind::Directory => {
                let sink = DirectorySink::create_on(disk, path, existing).map_err(|it| format!("{it:?}"))?;
                write_members(sink, words).map_err(|it| format!("{it:?}"))
            }
        }
    }

    /// The words under this name, where it holds all of them.
    fn read(self, path: &Path) -> Option<String> {
        match self {
            Kind::File => fs::read_to_string(path).ok(),
            Kind::Directory => {
                crate::directory::DirectoryStore::open(path).ok()?;
                let read = |name: &str| fs::read_to_string(path.join(name)).ok();
                let (one, other) = (read("archive.json")?, read("schema/pre-data.sql")?);
                one.contains(&format!("\"{other}\"")).then_some(other)
            }
        }
    }
}

/// An archive of two members, one of them in a folder, and its end.
fn write_members(sink: DirectorySink<impl Disk>, words: &str) -> archive::Result<()> {
    let header = Header {
        format: archive::FORMAT_VERSION,
        requires: Vec::new(),
        run: "018f0000-0000-7000-8000-000000000001".to_owned(),
        tool: words.to_owned(),
        source: SourceIdentity {
            kind: SourceKind::Sqlite,
            database: String::new(),
            server_version: String::new(),
            encoding: String::new(),
            collation: String::new(),
            snapshot_time: String::new(),
            lsn: String::new(),
        },
        options: BTreeMap::new(),
        filters: Vec::new(),
        row_filters: Vec::new(),
        discards: Vec::new(),
        content: archive::Content::Whole,
        forms: Vec::new(),
        catalog: Catalog::default(),
        mappings: Vec::new(),
        conversions: Vec::new(),
        merged_from: Vec::new(),
        notes: Vec::new(),
    };
    let mut writer = Writer::new(sink, &header)?;
    writer.schema(SchemaMember::PreData, words)?;
    writer.finish().map(|_| ())
}

/// Whatever has a temporary name in `folder`.
fn temporary(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    entries
        .filter(|it| {
            it.file_name()
                .unwrap()
                .as_encoded_bytes()
                .starts_with(PREFIX.as_bytes())
        })
        .collect()
}

/// Writes over nothing, or over an old one, with the step `at` failing; true when nothing was left to fail.
fn check(kind: Kind, replaces: bool, disk: &FaultyDisk) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    if replaces {
        kind.write(FaultyDisk::sound(), &path, "old", Existing::Kept)
            .unwrap();
    }
    let before = replaces.then(|| "old".to_owned());
    let written = kind.write(disk.clone(), &path, "new", Existing::Replaced);
    let context = format!("{kind:?} {replaces} {disk:?} {written:?}");
    let (found, left) = (kind.read(&path), temporary(folder.path()));
    if written.is_ok() {
        assert_eq!(found.as_deref(), Some("new"), "{context}");
        assert!(left.is_empty(), "{context}: {left:?}");
        return disk.steps.get() <= disk.at;
    }
    if disk.mode == Mode::Crash {
        let mut all: Vec<_> = left
            .iter()
            .chain([&path])
            .filter_map(|it| kind.read(it))
            .collect();
        all.sort();
        assert!(
            !replaces || all.iter().any(|it| it == "old" || it == "new"),
            "{context}: lost"
        );
        assert!(
            path.exists() || !replaces || all == ["new", "old"],
            "{context}: {all:?}"
        );
    } else if written.as_ref().is_err_and(|it| it.contains("in place")) {
        // All that failed was to remove what had the name.
        assert_eq!(found.as_deref(), Some("new"), "{context}");
    } else if written.as_ref().is_err_and(|it| it.contains("and called")) {
        // The former one could not get its name back.
        let kept: Vec<_> = left.iter().filter_map(|it| kind.read(it)).collect();
        assert_eq!((found, kept), (None, vec!["old".to_owned()]), "{context}");
    } else if found != before {
        // Where a file cannot be exchanged it is gone once the new one has its name.
        assert!(
            matches!(kind, Kind::File) && !disk.exchanges,
            "{context}: {found:?}"
        );
        assert_eq!(found.as_deref(), Some("new"), "{context}");
    } else {
        assert!(left.is_empty(), "{context}: {left:?}");
    }
    false
}

#[test]
fn every_step_that_fails_leaves_what_was_there() {
    // Fault 13.
    for kind in [Kind::File, Kind::Directory] {
        for replaces in [false, true] {
            for mode in [Mode::Once, Mode::ForGood, Mode::Crash] {
                for exchanges in [true, false] {
                    let steps =
                        (0..90).find(|&at| check(kind, replaces, &FaultyDisk::new(at, mode, exchanges)));
                    // A file is written in two pieces and synced, as is the folder that holds it, and renamed.
                    assert!(
                        steps.is_some_and(|it| it >= 5),
                        "{kind:?} {replaces} {mode:?}: {steps:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_file_and_folder_is_synced_before_the_name_is_given() {
    #[derive(Clone, Debug, Default)]
    struct Told(Rc<RefCell<Vec<String>>>);
    impl Told {
        fn tell(&self, words: String) {
            self.0.borrow_mut().push(words);
        }
    }
    impl Disk for Told {
        fn sync(&self, file: &File) -> io::Result<()> {
            self.tell("file".to_owned());
            RealDisk.sync(file)
        }
        fn sync_folder(&self, folder: &Path) -> io::Result<()> {
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            self.tell(if name.starts_with(PREFIX) {
                "staging".to_owned()
            } else {
                name
            });
            RealDisk.sync_folder(folder)
        }
        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            self.tell("rename".to_owned());
            RealDisk.rename(from, to)
        }
        fn stage(&self, _path: &Path) -> Staged {
            unguarded()
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let outer = folder.path().join("outer");
    fs::create_dir(&outer).unwrap();
    let told = Told::default();
    let sink = DirectorySink::create_on(told.clone(), &outer.join("x"), Existing::Kept).unwrap();
    write_members(sink, "new").unwrap();
    let expected = ["file", "file", "file", "schema", "staging", "rename", "outer"];
    assert_eq!(told.0.take(), expected);
}

#[test]
fn what_is_no_archive_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    let refused = |words: &str| {
        let outcome = Kind::Directory.write(FaultyDisk::sound(), &path, "new", Existing::Replaced);
        assert!(
            outcome.as_ref().is_err_and(|it| it.contains(words)),
            "no `{words}` in {outcome:?}"
        );
        assert!(temporary(folder.path()).is_empty());
    };
    fs::create_dir(&path).unwrap();
    fs::write(path.join("mine"), "precious").unwrap();
    refused("NoArchive");
    fs::write(path.join("end.json"), "{}").unwrap();
    refused("NoArchive");
    fs::remove_dir_all(&path).unwrap();

    Kind::Directory
        .write(FaultyDisk::sound(), &path, "old", Existing::Kept)
        .unwrap();
    for stranger in ["mine", "schema/mine"] {
        fs::write(path.join(stranger), "precious").unwrap();
        refused(&format!("Stranger(\"{}\")", path.join(stranger).display()));
        fs::remove_file(path.join(stranger)).unwrap();
    }
    fs::create_dir(path.join("empty")).unwrap();
    refused("Stranger");
    fs::remove_dir(path.join("empty")).unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    for (kind, name, words) in [
        (Kind::Directory, "link/", "Link"),
        (Kind::File, "link", "NoFile"),
        (Kind::File, "x", "NoFile"),
        (Kind::Directory, "x/..", "NoName"),
        (Kind::File, "..", "NoName"),
    ] {
        let outcome = kind.write(
            FaultyDisk::sound(),
            &folder.path().join(name),
            "new",
            Existing::Replaced,
        );
        assert_eq!(outcome, Err(words.to_owned()), "{name}");
    }
    assert_eq!(Kind::Directory.read(&path).as_deref(), Some("old"));
    // A damaged archive is one too, as long as it tells what belongs to it.
    fs::remove_file(path.join("schema/pre-data.sql")).unwrap();
    Kind::Directory
        .write(FaultyDisk::sound(), &path, "new", Existing::Replaced)
        .unwrap();
    assert_eq!(Kind::Directory.read(&path).as_deref(), Some("new"));
}

#[test]
fn a_file_finds_out_at_the_end_whether_there_is_one_to_replace() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archive");
    let begin = || {
        let mut file = AtomicFile::create_on(FaultyDisk::sound(), &path, Existing::Replaced).unwrap();
        file.write_all(b"new").unwrap();
        file
    };
    let appears = begin();
    fs::write(&path, "old").unwrap();
    appears.publish().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    let vanishes = begin();
    fs::remove_file(&path).unwrap();
    vanishes.publish().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_name_that_cannot_be_kept_free_is_looked_at_first() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    fs::write(&from, "new").unwrap();
    std::os::unix::fs::symlink("nowhere", &to).unwrap();
    let refused = rename_if_free(&from, &to).map_err(|it| it.kind());
    assert_eq!(refused, Err(io::ErrorKind::AlreadyExists));
    fs::remove_file(&to).unwrap();
    rename_if_free(&from, &to).unwrap();
    assert_eq!(fs::read_to_string(&to).unwrap(), "new");
}
