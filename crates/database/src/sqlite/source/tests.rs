//! Files as they are in life: each is read, or refused by name, and stays as it is.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use super::sidecars::with_suffix;
use super::*;
use crate::ErrorKind;

mod crashes;
mod salvage;

fn make(path: &Path, sql: &str) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(sql).unwrap();
    connection
}

fn count(source: &SqliteSource) -> i64 {
    source
        .connection()
        .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
        .unwrap()
}

#[test]
fn absent_file_is_not_created() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("absent");
    assert_eq!(SqliteSource::open(&path).unwrap_err().kind(), ErrorKind::File);
    assert!(!path.exists());
}

#[test]
fn writes_after_the_opening_are_not_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wal");
    let writer = make(
        &path,
        "PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)",
    );
    let source = SqliteSource::open(&path).unwrap();
    writer.execute("INSERT INTO t VALUES (2)", []).unwrap();
    assert_eq!(count(&source), 1);
    assert_eq!(count(&SqliteSource::open(&path).unwrap()), 2);
    assert!(!source.copied());
}

#[test]
fn source_cannot_be_written_through() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    drop(make(&path, "CREATE TABLE t (a)"));
    let source = SqliteSource::open(&path).unwrap();
    assert!(
        source
            .connection()
            .execute("INSERT INTO t VALUES (1)", [])
            .is_err()
    );
}

#[test]
fn hot_journal_is_rolled_back_in_a_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live");
    let writer = make(
        &path,
        "CREATE TABLE t (a); INSERT INTO t VALUES (1); PRAGMA cache_size = 1; PRAGMA cache_spill = 1",
    );
    writer
        .execute_batch(
            "BEGIN; INSERT INTO t WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n WHERE x < 5000)
             SELECT randomblob(500) FROM n",
        )
        .unwrap();
    let crashed = folder.path().join("crashed");
    fs::copy(&path, &crashed).unwrap();
    fs::copy(with_suffix(&path, "-journal"), with_suffix(&crashed, "-journal")).unwrap();
    let before = fs::read(&crashed).unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&crashed, &link).unwrap();
    assert_eq!(count(&SqliteSource::open(&link).unwrap()), 1);
    let source = SqliteSource::open(&crashed).unwrap();
    assert!(source.copied());
    let copy = source.copy.as_ref().unwrap().folder();
    assert_eq!(fs::metadata(copy).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(count(&source), 1);
    assert!(fs::read(&crashed).unwrap() == before, "the file was written");
    assert!(with_suffix(&crashed, "-journal").exists());
}

/// Bytes and times of everything in the folder.
fn listing(folder: &Path) -> Vec<(PathBuf, Vec<u8>, std::time::SystemTime)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().path())
        // Readers and writers share it: it is memory, not data.
        .filter(|it| it.is_file() && !it.to_string_lossy().ends_with("-shm"))
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

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn salvaging() -> Opening {
    Opening {
        salvage: true,
        ..Opening::default()
    }
}

#[test]
fn nothing_is_left_beside_a_database_in_wal_mode() {
    // Fault 46.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w");
    drop(make(
        &path,
        "PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)",
    ));
    assert_eq!(names(folder.path()), ["w"]);
    let before = listing(folder.path());
    let source = SqliteSource::open(&path).unwrap();
    source.damage_check_beside().unwrap().run().unwrap();
    assert_eq!((count(&source), source.copied()), (1, false));
    drop(source);
    assert_eq!(names(folder.path()), ["w"]);
    assert!(listing(folder.path()) == before);

    // A log that its application left, with rows that are nowhere else.
    let writer = make(&path, "PRAGMA wal_autocheckpoint = 0; INSERT INTO t VALUES (2)");
    let left = folder.path().join("left");
    fs::create_dir(&left).unwrap();
    for suffix in ["", "-wal"] {
        fs::copy(with_suffix(&path, suffix), with_suffix(&left.join("w"), suffix)).unwrap();
    }
    drop(writer);
    let before = listing(&left);
    let source = SqliteSource::open(&left.join("w")).unwrap();
    assert_eq!(count(&source), 2);
    drop(source);
    assert_eq!(names(&left), ["w", "w-wal"]);
    assert!(listing(&left) == before);
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(left.join("w"), &link).unwrap();
    assert_eq!(count(&SqliteSource::open(&link).unwrap()), 2);
}

#[test]
fn a_locked_file_is_told_with_its_holder_and_no_longer_waited_for_than_asked() {
    // Fault 48.
    let folder = tempfile::tempdir().unwrap();
    let opening = Opening {
        busy_timeout: Duration::from_millis(60),
        ..Opening::default()
    };
    for mode in ["DELETE", "WAL"] {
        let path = folder.path().join(mode);
        let writer = make(
            &path,
            &format!(
                "PRAGMA journal_mode = {mode}; CREATE TABLE t (a); PRAGMA locking_mode = EXCLUSIVE;
                 BEGIN IMMEDIATE; INSERT INTO t VALUES (1); COMMIT"
            ),
        );
        let begin = Instant::now();
        let error = SqliteSource::open_with(&path, &opening, &Interrupter::default()).unwrap_err();
        // The library's own waiting would be five seconds.
        assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
        assert!(
            error.to_string().contains("is locked") && error.to_string().contains("waited 0.06 s"),
            "{error}"
        );
        assert!(error.hint().is_some());
        drop(writer);
        assert_eq!(count(&SqliteSource::open(&path).unwrap()), 1);
    }
}

const TABLES: &str = "PRAGMA page_size = 512;
    CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT NOT NULL, b AS (length(a)));
    CREATE INDEX i ON t (a);
    CREATE TABLE w (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
    CREATE TABLE whole (x);
    WITH RECURSIVE n(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n WHERE x < 600)
    INSERT INTO t (a) SELECT 'some text that fills the pages ' || x FROM n;
    INSERT INTO w SELECT a, id FROM t; INSERT INTO whole SELECT id FROM t;
    UPDATE sqlite_sequence SET seq = 5000";

/// Pages of a tree that are no interior ones, from left to right as they were filled.
fn leaves(path: &Path, name: &str) -> Vec<u32> {
    let connection = Connection::open(path).unwrap();
    let sql = "SELECT pageno FROM dbstat WHERE name = ?1 AND pagetype = 'leaf' ORDER BY path";
    let mut statement = connection.prepare(sql).unwrap();
    let pages = statement.query_map([name], |row| row.get(0)).unwrap();
    pages.map(|it| it.unwrap()).collect()
}

fn spoil(path: &Path, page: u32) {
    use std::os::unix::fs::FileExt;
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(&[0x5a; 512], u64::from(page - 1) * 512)
        .unwrap();
}

#[test]
fn a_damaged_file_is_refused_by_what_is_damaged_and_salvaged_on_request() {
    // Fault 47.
    let folder = tempfile::tempdir().unwrap();
    let sound = folder.path().join("sound");
    drop(make(&sound, TABLES));
    let check = |trees: &[&str], refusal: &str, lost: bool| {
        let path = folder.path().join("damaged");
        fs::copy(&sound, &path).unwrap();
        for tree in trees {
            let leaves = leaves(&path, tree);
            spoil(&path, leaves[leaves.len() / 2]);
        }
        let before = listing(folder.path());
        let source = SqliteSource::open(&path).unwrap();
        let error = source.inspect(&crate::sqlite::Choices::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::File);
        assert!(error.to_string().ends_with(refusal), "{error}");
        assert!(error.hint().unwrap().contains("--salvage"));
        drop(source);
        let source = SqliteSource::open_with(&path, &salvaging(), &Interrupter::default()).unwrap();
        assert_eq!(
            (source.lost_rows(), source.salvaged()),
            (lost, true),
            "{:?}",
            source.damage_notes()
        );
        let inspection = source.inspect(&crate::sqlite::Choices::default()).unwrap();
        let rows: Vec<u64> = inspection.schema.tables.iter().map(|it| it.row_count).collect();
        assert_eq!(inspection.schema.tables[0].sequence, Some(5000));
        assert_eq!(inspection.schema.tables[0].indexes.len(), 1);
        let notes: Vec<String> = source.damage_notes().iter().map(ToString::to_string).collect();
        let copy = source.copy.as_ref().unwrap().folder().to_owned();
        drop(source);
        assert!(!copy.exists());
        assert!(listing(folder.path()) == before, "the file was written");
        (rows, notes.join("\n"))
    };
    let (rows, notes) = check(&["t"], "is damaged: table t", true);
    assert!(
        (580..600).contains(&rows[0]) && rows[1..] == [600, 600],
        "{rows:?}"
    );
    let read = format!("rows read: {}", rows[0]);
    assert!(
        notes.starts_with("t: rows are lost: those of rowid ") && notes.ends_with(&read),
        "{notes}"
    );

    let (rows, notes) = check(&["i"], "is damaged: index i of table t", false);
    assert_eq!(rows, [600, 600, 600]);
    assert_eq!(notes, "i: the index is damaged; it is made from the rows again");

    let (rows, notes) = check(&["w"], "is damaged: table w", true);
    assert!(
        rows[0] == 600 && (1..600).contains(&rows[1]) && rows[2] == 600,
        "{rows:?}"
    );
    assert!(notes.contains("w: rows are lost: all but the first"), "{notes}");

    let (rows, _) = check(&["t", "whole"], "is damaged: table t, table whole", true);
    assert!(rows[0] < 600 && rows[1] == 600 && rows[2] < 600, "{rows:?}");
}

#[test]
fn the_end_of_a_file_can_be_missing() {
    // Fault 47.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    drop(make(&path, TABLES));
    let length = fs::metadata(&path).unwrap().len();
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(length * 2 / 3 + 100)
        .unwrap();
    let error = SqliteSource::open(&path).unwrap_err();
    assert!(error.to_string().contains("is truncated: "), "{error}");
    let before = listing(folder.path());
    let source = SqliteSource::open_with(&path, &salvaging(), &Interrupter::default()).unwrap();
    assert!(source.lost_rows());
    let rows = count(&source);
    assert!((1..=600).contains(&rows), "{rows}");
    drop(source);
    assert!(listing(folder.path()) == before);
}

#[test]
fn what_is_interrupted_ends_and_leaves_no_copy() {
    // Fault 17.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    drop(make(&path, "CREATE TABLE t (a); INSERT INTO t VALUES (1)"));
    let interrupter = Interrupter::default();
    let source = SqliteSource::open_with(&path, &Opening::default(), &interrupter).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    let ended = std::thread::scope(|threads| {
        threads.spawn(|| {
            // As the hooks of the tools do: the statement may not have begun.
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                interrupter.interrupt();
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let endless =
            "WITH RECURSIVE n(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n";
        let ended = source
            .connection()
            .query_row(endless, [], |row| row.get::<_, i64>(0));
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        ended
    });
    assert!(ended.is_err());
    assert!(SqliteSource::open_with(&path, &Opening::default(), &interrupter).is_err());
}
