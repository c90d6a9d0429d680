//! SQLite files as they are in life, through the tools as typed: each is moved, or refused with its name, its state
//! and a way out, and none is written.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use rusqlite::Connection;
use testkit::{Cluster, Desk, target_word};

const ROWS: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);
    WITH RECURSIVE n(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n WHERE x < 300)
    INSERT INTO t SELECT x, 'some text that fills the pages ' || x FROM n;
    CREATE TABLE whole AS SELECT id FROM t;";

fn make(path: &Path, sql: &str) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(sql).unwrap();
    connection
}

/// Everything in a folder, as it is.
fn listing(folder: &Path) -> Vec<(PathBuf, Vec<u8>, SystemTime)> {
    let paths = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    // What readers and writers share is memory of theirs.
    let files = paths.filter(|it| it.is_file() && !it.to_string_lossy().ends_with("-shm"));
    let mut files: Vec<_> = files
        .map(|it| {
            (
                it.clone(),
                fs::read(&it).unwrap(),
                fs::metadata(&it).unwrap().modified().unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

/// Runs the line in a folder with nothing but the file's own, and holds the folder against what it was.
#[track_caller]
fn check(desk: &Desk, line: &str, code: i32, said: &[&str]) {
    let before = listing(desk.folder());
    let temporary = desk.path("tmp");
    fs::create_dir_all(&temporary).unwrap();
    let output = desk.shell(line).env("TMPDIR", &temporary).run();
    output.assert_code(code);
    for text in said {
        output.assert_stderr_contains(text);
    }
    assert!(listing(desk.folder()) == before, "`{line}` wrote to the folder");
    assert_eq!(
        fs::read_dir(&temporary).unwrap().count(),
        0,
        "`{line}` left a copy"
    );
}

#[test]
fn what_is_no_database_is_refused_as_what_it_is() {
    // Fault 47.
    let desk = Desk::shared();
    let mut random = fastrand::Rng::with_seed(7);
    let encrypted: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(8192).collect();
    fs::write(desk.path("encrypted.db"), encrypted).unwrap();
    fs::write(desk.path("empty.db"), "").unwrap();
    fs::write(desk.path("left.db-wal"), [0x37, 0x7f, 0x06, 0x82, 0, 0]).unwrap();
    fs::create_dir(desk.path("folder.db")).unwrap();
    fs::create_dir(desk.path("dd.sqlite")).unwrap();
    let _ = Command::new("mkfifo").arg(desk.path("pipe.db")).status().unwrap();
    std::os::unix::fs::symlink("gone", desk.path("link.db")).unwrap();
    for (name, said) in [
        ("encrypted.db", "sqlcipher_export"),
        ("empty.db", "empty.db is empty"),
        ("left.db-wal", "is the write-ahead log of a SQLite database"),
        ("./left.db", "there is no file ./left.db"),
        ("./folder.db", "is a folder, no database"),
        ("dd.sqlite", "dd.sqlite is a folder, no database"),
        ("pipe.db", "is a pipe, socket or device"),
        ("./link.db", "there is no file"),
    ] {
        check(&desk, &format!("dump {name} -o out.tar"), 2, &[said]);
    }
}

#[test]
fn files_of_every_state_are_moved_whole_and_stay_as_they_are() {
    // Fault 46.
    let (cluster, desk) = (Cluster::shared(), Desk::shared());
    let writer = make(
        &desk.path("live.db"),
        &format!("PRAGMA journal_mode = WAL; {ROWS}"),
    );
    writer
        .execute_batch("PRAGMA wal_autocheckpoint = 0; DELETE FROM t WHERE id > 290")
        .unwrap();
    drop(make(
        &desk.path("closed.db"),
        &format!("PRAGMA journal_mode = WAL; {ROWS}"),
    ));
    drop(make(
        &desk.path("wide.db"),
        &format!("PRAGMA encoding = 'UTF-16be'; {ROWS}"),
    ));
    let hot = make(
        &desk.path("busy.db"),
        &format!("{ROWS} PRAGMA cache_size = 1; PRAGMA cache_spill = 1"),
    );
    hot.execute_batch("BEGIN; UPDATE t SET a = a || hex(randomblob(3000))")
        .unwrap();
    for suffix in ["", "-journal"] {
        fs::copy(
            desk.path(&format!("busy.db{suffix}")),
            desk.path(&format!("hot.db{suffix}")),
        )
        .unwrap();
    }
    let target = cluster.target().unwrap();
    let word = target_word(&target);
    for (file, said) in [
        ("live.db", ""),
        ("closed.db", ""),
        ("wide.db", ""),
        ("hot.db", "hot.db: read from a copy"),
    ] {
        let schema = file.trim_end_matches(".db");
        check(
            &desk,
            &format!("dump {file} | remap-schema --to {schema} | load {word}"),
            0,
            &[said],
        );
    }
    check(
        &desk,
        &format!("verify hot.db {word} --to hot"),
        0,
        &["read from a copy"],
    );
    let counts = "SELECT concat_ws(' ', (SELECT count(*) FROM live.t), (SELECT count(*) FROM closed.t),
                  (SELECT string_agg(a, '' ORDER BY id) FROM wide.t) = (SELECT string_agg(a, '' ORDER BY id) FROM hot.t))";
    assert_eq!(target.query(counts).unwrap(), ["290 300 t"]);
    assert!(!desk.path("closed.db-shm").exists());

    // Fault 48. Whoever opens and closes the file in this process takes the locks from its connection.
    hot.execute_batch("ROLLBACK; BEGIN EXCLUSIVE").unwrap();
    let output = desk.run("dump busy.db --busy-timeout 0.05 -o out.tar");
    output
        .assert_code(4)
        .assert_stderr_contains("is locked: a writer has an exclusive lock (process")
        .assert_stderr_contains("--busy-timeout");
    // Fault 17: nor is it waited for after Ctrl-C.
    let output = desk.run("timeout --preserve-status -s INT 0.3 dump busy.db --busy-timeout 50 -o out.tar");
    output.assert_code(130).assert_stderr_contains("interrupted");
}

#[test]
fn a_read_only_folder_is_read_through_a_copy() {
    // Fault 46.
    let desk = Desk::shared();
    let folder = desk.path("media");
    fs::create_dir(&folder).unwrap();
    drop(make(
        &folder.join("w.db"),
        &format!("PRAGMA journal_mode = WAL; {ROWS}"),
    ));
    fs::create_dir(desk.path("tmp")).unwrap();
    fs::set_permissions(desk.path("tmp"), fs::Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(desk.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    // The superuser may write everywhere.
    let drop_rights = "$(test $(id -u) = 0 && echo setpriv --reuid 65534 --regid 65534 --clear-groups)";
    let line = format!("{drop_rights} dump media/w.db >out.tar");
    fs::write(desk.path("out.tar"), "").unwrap();
    let temporary = desk.path("tmp");
    let output = desk.shell(&line).env("TMPDIR", &temporary).run();
    output
        .assert_success()
        .assert_stderr_contains("w.db: read from a copy");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_damaged_file_is_moved_as_far_as_it_can_be_read_and_never_silently() {
    // Fault 47.
    let (cluster, desk) = (Cluster::shared(), Desk::shared());
    let path = desk.path("d.db");
    let connection = make(&path, &format!("PRAGMA page_size = 512; {ROWS}"));
    let leaf =
        "SELECT pageno FROM dbstat WHERE name = 't' AND pagetype = 'leaf' ORDER BY path LIMIT 1 OFFSET 9";
    let page: u32 = connection.query_row(leaf, [], |row| row.get(0)).unwrap();
    drop(connection);
    let spoil = |path: &Path| {
        let file = fs::OpenOptions::new().write(true).open(path).unwrap();
        file.write_all_at(&[0x5a; 512], u64::from(page - 1) * 512)
            .unwrap();
    };
    // The same pages, and rows that refer to theirs.
    let family = desk.path("family.db");
    fs::copy(&path, &family).unwrap();
    drop(make(
        &family,
        "CREATE TABLE child (t INT REFERENCES t (id)); INSERT INTO child SELECT id FROM whole",
    ));
    spoil(&family);
    spoil(&path);
    check(
        &desk,
        "dump family.db --salvage -o out.tar",
        4,
        &[
            "family.db is damaged: t: rows are lost: those of rowid",
            "what is left cannot be moved as it is",
            "rows without a parent may have one among the lost rows of t",
        ],
    );
    let target = cluster.target().unwrap();
    let word = target_word(&target);
    check(
        &desk,
        "dump d.db -o out.tar",
        4,
        &["d.db is damaged: table t", "--salvage"],
    );
    check(
        &desk,
        &format!("verify d.db {word}"),
        4,
        &["d.db is damaged: table t"],
    );
    let lost = format!("(page {page})");
    let line = format!("dump d.db --salvage | remap-schema --to d | load {word}; exit ${{PIPESTATUS[0]}}");
    check(
        &desk,
        &line,
        1,
        &["d.db: t: rows are lost: those of rowid", &lost],
    );
    let counts = "SELECT (SELECT count(*) BETWEEN 280 AND 299 FROM d.t), (SELECT count(*) FROM d.whole)";
    assert_eq!(target.query(counts).unwrap(), ["t | 300"]);
    let output = desk.run(&format!("verify d.db {word} --to d --salvage"));
    let shown = output.assert_code(1).stdout_text();
    assert!(
        shown.contains("rows are lost") && shown.contains("2 tables identical"),
        "{output}"
    );
    let output = desk.run("assess d.db --salvage");
    assert!(
        output.assert_success().stdout_text().contains("rows are lost"),
        "{output}"
    );
}

#[test]
fn hostile_definitions_are_data() {
    // Fault 47.
    let (cluster, desk) = (Cluster::shared(), Desk::shared());
    let columns: Vec<String> = (0..1999).map(|it| format!("c{it}")).collect();
    drop(make(
        &desk.path("wide.db"),
        &format!("CREATE TABLE t ({})", columns.join(", ")),
    ));
    check(&desk, "dump wide.db -o out.tar", 4, &["table t has 1999 columns"]);

    // What only an application has, or a file may not call.
    let unknown = make(
        &desk.path("unknown.db"),
        "CREATE TABLE t (a, b AS (abs(a))); INSERT INTO t VALUES (1)",
    );
    unknown
        .execute_batch(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = replace(sql, 'abs(a)', 'load_extension(a)')",
        )
        .unwrap();
    drop(unknown);
    check(
        &desk,
        "dump unknown.db -o out.tar",
        4,
        &["unsafe use of load_extension", "make it an ordinary column"],
    );

    let long = format!("CREATE TABLE t (a /* {} */)", " ".repeat(1_100_000));
    drop(make(&desk.path("long.db"), &long));
    check(
        &desk,
        "dump long.db -o out.tar",
        4,
        &["cannot read the schema of long.db", "shorten or simplify it"],
    );
    let deep = make(&desk.path("deep.db"), "CREATE TABLE t (a CHECK (1))");
    let update = "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '1', '";
    deep.execute_batch(&format!("{update}{}1')", "NOT ".repeat(1200)))
        .unwrap();
    drop(deep);
    check(
        &desk,
        "dump deep.db -o out.tar",
        4,
        &["cannot read the schema of deep.db", "shorten or simplify it"],
    );

    // Names and texts that would be something else if they were not data.
    let odd = make(
        &desk.path("odd.db"),
        "CREATE TABLE \"select\" (\"a\nb\" TEXT, \"'; DROP SCHEMA public; --\" INT);
         INSERT INTO \"select\" VALUES ('x', 1);
         CREATE TABLE s (id INTEGER PRIMARY KEY AUTOINCREMENT);
         INSERT INTO s VALUES (7);
         UPDATE sqlite_sequence SET seq = 'nonsense';
         CREATE VIEW endless AS WITH RECURSIVE n(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n) SELECT x FROM n;
         CREATE TABLE plain (a);
         PRAGMA writable_schema = ON;
         INSERT INTO sqlite_schema VALUES
           ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING no_such_module(a)');",
    );
    drop(odd);
    let target = cluster.target().unwrap();
    let word = target_word(&target);
    let line = format!("dump odd.db | remap-schema --to odd | load {word}");
    check(
        &desk,
        &line,
        0,
        &["v: the virtual table of module no_such_module is left out"],
    );
    assert_eq!(target.query("SELECT * FROM odd.\"select\"").unwrap(), ["x | 1"]);
}
