//! Disks that fill, names that are taken, and archives that replace others: what has a name is whole, and is given up
//! for nothing less.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use testkit::{Cluster, Database, Output, Skipped, Tools};

/// About 4 MiB of rows that no codec makes much smaller.
const SOURCE: &str =
    "CREATE TABLE t AS SELECT n AS id, md5(n::text) || md5((-n)::text) || md5((n * 7)::text) AS text
    FROM generate_series(1, 40000) AS n;";

#[test]
fn a_full_disk_leaves_what_was_there() {
    // Fault 13.
    let lab = Lab::new();
    fs::copy(archive(), lab.folder.path().join("big.tar")).unwrap();
    let Some(disk) = SmallDisk::mount(&lab.folder.path().join("disk")) else {
        let _ = Skipped::because("only root can mount a small file system");
        return;
    };
    for line in ["dump few.sqlite -o disk/old.tar", "dump few.sqlite -o disk/old/"] {
        lab.run(line).assert_success();
    }
    let before = lab.entries("disk");
    for (line, code) in [
        ("dump \"$SOURCE\" -o disk/x.tar", 5),
        ("dump \"$SOURCE\" -o disk/x/ --compress zstd", 5),
        ("dump \"$SOURCE\" -o disk/old.tar --force", 5),
        ("dump \"$SOURCE\" -o disk/old/ --force", 5),
        ("remap-schema --to x big.tar -o disk/old.tar --force", 5),
    ] {
        lab.run(line)
            .assert_code(code)
            .assert_stderr_contains("No space left on device");
        assert_eq!(lab.entries("disk"), before, "{line}");
    }
    for line in ["verify --archive disk/old.tar", "verify --archive disk/old/"] {
        lab.run(line).assert_success();
    }
    lab.run("dump \"$SOURCE\" >disk/x.tar")
        .assert_code(5)
        .assert_stderr_contains("No space left on device");
    lab.run("verify --archive disk/x.tar").assert_code(6);
    drop(disk);
    lab.run("dump few.sqlite >/dev/full")
        .assert_code(5)
        .assert_stderr_contains("No space left on device");
}

#[test]
fn force_replaces_archives_and_nothing_else() {
    let lab = Lab::new();
    let folder = lab.folder.path();
    lab.run("dump few.sqlite -o few.tar").assert_success();
    for (destination, place) in [("x.tar", "x.tar"), ("x/", "x")] {
        lab.run(&format!("dump few.sqlite -o {destination}"))
            .assert_success();
        for line in [
            format!("dump few.sqlite -o {destination}"),
            format!("remap-schema --to y few.tar -o {destination}"),
        ] {
            let refused = lab.run(&line);
            refused.assert_code(2).assert_stderr_contains("--force");
            let before = header_of(&lab, place);
            lab.run(&format!("{line} --force")).assert_success();
            assert_ne!(header_of(&lab, place), before, "{line}");
        }
        assert!(lab.run(&format!("verify --archive {place}")).success());
    }
    fs::create_dir(folder.join("mine")).unwrap();
    fs::write(folder.join("mine/file"), "precious").unwrap();
    fs::write(folder.join("x/notes.txt"), "precious").unwrap();
    std::os::unix::fs::symlink("x.tar", folder.join("link.tar")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.join("dangling.tar")).unwrap();
    let before = lab.entries(".");
    for (arguments, words) in [
        ("-o mine/ --force", "is no archive"),
        ("-o x/ --force", "holds `x/notes.txt`"),
        ("-o link.tar --force", "is no file"),
        ("-o dangling.tar", "exists already"),
        ("-o . --force", "no name of its own"),
        ("-o /dev/null --force", "is no file"),
        ("-o x.tar/ --force", "Not a directory"),
        ("-o nowhere/x.tar --force", "No such file"),
        ("--force", "--output"),
    ] {
        lab.run(&format!("dump few.sqlite {arguments}"))
            .assert_code(2)
            .assert_stderr_contains(words);
        assert_eq!(lab.entries("."), before, "{arguments}");
    }
}

/// The bytes that tell one archive from another: its header holds its run and its mappings.
fn header_of(lab: &Lab, archive: &str) -> String {
    let line = format!("cat {archive}/archive.json 2>/dev/null || head -c 4096 {archive}");
    lab.run(&line).stdout_text()
}

#[test]
fn a_name_that_is_taken_meanwhile_is_not_taken_away() {
    // Fault 13: the rename fails.
    for (destination, take) in [
        ("out/x.tar", "echo mine >out/x.tar"),
        ("out/x/", "mkdir out/x; echo mine >out/x/file"),
    ] {
        let lab = Lab::new();
        let line = format!(
            "mkdir out; (while ! ls -A out | grep -q .; do sleep 0.01; done; {take}) & \
             dump \"$SOURCE\" --compress gzip:9 -o {destination}"
        );
        lab.run(&line)
            .assert_code(5)
            .assert_stderr_contains("archive cannot be written");
        let left = lab.run("cat out/x.tar out/x/file 2>/dev/null; ls -A out");
        assert_eq!(
            left.stdout_text().replace('/', ""),
            format!("mine\n{}\n", destination[4..].replace('/', ""))
        );
    }
}

/// A folder with a small file; the large source is one for all.
struct Lab {
    folder: tempfile::TempDir,
}

impl Lab {
    fn new() -> Self {
        let lab = Lab {
            folder: tempfile::tempdir().unwrap(),
        };
        rusqlite::Connection::open(lab.folder.path().join("few.sqlite"))
            .unwrap()
            .execute_batch(
                "CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT); INSERT INTO t VALUES (1, 'one')",
            )
            .unwrap();
        lab
    }

    fn run(&self, line: &str) -> Output {
        Tools::locate()
            .shell(line)
            .env("SOURCE", source().source())
            .current_dir(self.folder.path())
            .run()
    }

    fn entries(&self, folder: &str) -> Vec<String> {
        let line = format!("find {folder} | sort");
        let output = self.run(&line);
        output.stdout_text().lines().map(str::to_owned).collect()
    }
}

fn source() -> &'static Database<'static> {
    static DATABASE: OnceLock<Database<'static>> = OnceLock::new();
    DATABASE.get_or_init(|| {
        let database = Cluster::shared().database("disks").unwrap();
        database.execute(SOURCE).unwrap();
        database
    })
}

/// The source's archive, in the server's own folder, which goes with it.
fn archive() -> &'static Path {
    static ARCHIVE: OnceLock<PathBuf> = OnceLock::new();
    ARCHIVE.get_or_init(|| {
        let path = Cluster::shared().folder("archive").unwrap().join("big.tar");
        Tools::locate()
            .shell("dump \"$SOURCE\" -o \"$ARCHIVE\"")
            .env("SOURCE", source().source())
            .env("ARCHIVE", &path)
            .run()
            .assert_success();
        path
    })
}

/// A file system of one MiB in memory.
struct SmallDisk {
    place: PathBuf,
}

impl SmallDisk {
    /// `None` where we may not mount.
    fn mount(place: &Path) -> Option<Self> {
        fs::create_dir(place).unwrap();
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "coalesce"])
            .arg(place)
            .output();
        if !status.is_ok_and(|it| it.status.success()) {
            return None;
        }
        fs::set_permissions(place, fs::Permissions::from_mode(0o755)).unwrap();
        Some(SmallDisk {
            place: place.to_owned(),
        })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.place).status();
    }
}
