//! What crashes and other machines leave: short files with their journals, logs without their writers, states between two.

use std::os::unix::fs::FileExt;

use super::super::sidecars::{Mount, room_for_reading, state_of};
use super::*;

#[test]
fn a_crash_within_a_commit_is_no_truncation() {
    // Fault 46.
    let folder = tempfile::tempdir().unwrap();
    let (live, crashed) = (folder.path().join("live"), folder.path().join("crashed"));
    let writer = make(
        &live,
        "PRAGMA page_size = 512; CREATE TABLE t (a); INSERT INTO t VALUES (1); PRAGMA cache_size = 1; PRAGMA cache_spill = 1",
    );
    let pages = fs::metadata(&live).unwrap().len() / 512;
    writer
        .execute_batch("BEGIN; INSERT INTO t SELECT zeroblob(300) FROM generate_series(1, 1)")
        .unwrap_err();
    writer
        .execute_batch(
            "INSERT INTO t WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n WHERE x < 200)
             SELECT randomblob(300) FROM n",
        )
        .unwrap();
    for suffix in ["", "-journal"] {
        fs::copy(with_suffix(&live, suffix), with_suffix(&crashed, suffix)).unwrap();
    }
    // The header of the transaction is there, and none of its new pages.
    let file = fs::OpenOptions::new().write(true).open(&crashed).unwrap();
    file.write_all_at(&200_u32.to_be_bytes(), 28).unwrap();
    let mut counter = [0; 4];
    fs::File::open(&crashed)
        .unwrap()
        .read_exact_at(&mut counter, 24)
        .unwrap();
    file.write_all_at(&counter, 92).unwrap();
    file.set_len(pages * 512).unwrap();
    drop(writer);
    let before = listing(folder.path());
    for opening in [Opening::default(), salvaging()] {
        let source = SqliteSource::open_with(&crashed, &opening, &Interrupter::default()).unwrap();
        assert_eq!(
            (source.copied(), source.salvaged(), count(&source)),
            (true, false, 1)
        );
    }
    assert!(listing(folder.path()) == before);

    // A journal that is kept between transactions says nothing.
    let journal = fs::OpenOptions::new()
        .write(true)
        .open(with_suffix(&crashed, "-journal"))
        .unwrap();
    journal.write_all_at(&[0; 28], 0).unwrap();
    let error = SqliteSource::open(&crashed).unwrap_err();
    assert!(
        error.to_string().contains("is truncated: 2 of 200 pages"),
        "{error}"
    );
}

#[test]
fn a_part_of_the_last_page_is_no_page() {
    // Fault 47.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    drop(make(&path, "CREATE TABLE t (a); INSERT INTO t VALUES (1)"));
    let length = fs::metadata(&path).unwrap().len();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(length - 7).unwrap();
    let error = SqliteSource::open(&path).unwrap_err();
    assert!(
        error.to_string().contains("is truncated: 1 of 2 pages"),
        "{error}"
    );

    // Nor beside a journal that rolls nothing back; what reached there is lost, and said.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long");
    drop(make(
        &path,
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB); INSERT INTO t VALUES (1, zeroblob(12088)), (2, NULL)",
    ));
    let length = fs::metadata(&path).unwrap().len();
    fs::write(with_suffix(&path, "-journal"), "x").unwrap();
    for cut in [2000, 4096, 5000] {
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(length - cut).unwrap();
        SqliteSource::open(&path).unwrap_err();
        let source = SqliteSource::open_with(&path, &salvaging(), &Interrupter::default()).unwrap();
        assert_eq!((source.lost_rows(), count(&source)), (true, 1), "cut by {cut}");
        let note = source.damage_notes()[0].to_string();
        assert_eq!(note, "t: rows are lost: rowid 1; rows read: 1");
    }
}

#[test]
fn a_killed_writer_leaves_its_log_to_readers() {
    // Fault 46.
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    let writer = make(
        &live,
        "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (a); INSERT INTO t VALUES (1);
         INSERT INTO t VALUES (2); PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN;
         INSERT INTO t WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n WHERE x < 200)
           SELECT randomblob(3000) FROM n",
    );
    let left = folder.path().join("left");
    fs::create_dir(&left).unwrap();
    let path = left.join("w");
    for suffix in ["", "-wal", "-shm"] {
        fs::copy(with_suffix(&live, suffix), with_suffix(&path, suffix)).unwrap();
    }
    drop(writer);
    // Frames without an end, and the last of them half.
    let log = fs::OpenOptions::new()
        .write(true)
        .open(with_suffix(&path, "-wal"))
        .unwrap();
    let length = log.metadata().unwrap().len();
    assert!(length > 100_000, "the transaction is in the log");
    log.set_len(length - 1000).unwrap();
    let before = listing(&left);
    let source = SqliteSource::open(&path).unwrap();
    source.damage_check_beside().unwrap().run().unwrap();
    assert_eq!((count(&source), source.copied()), (2, false));
    drop(source);
    assert!(listing(&left) == before);
    assert_eq!(names(&left), ["w", "w-shm", "w-wal"]);
}

#[test]
fn only_what_nobody_can_write_is_read_without_locks() {
    // Fault 46.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w");
    drop(make(
        &path,
        "PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)",
    ));
    assert_eq!(Mount::of(&path), Mount::Writable);
    assert_eq!(room_for_reading(&path, Mount::Writable), Room::Enough);
    // Another path may lead to the same file, or another machine.
    assert_eq!(room_for_reading(&path, Mount::ReadOnly), Room::None);
    assert_eq!(room_for_reading(&path, Mount::Unchanging), Room::Immutable);
    fs::write(with_suffix(&path, "-wal"), "").unwrap();
    assert_eq!(room_for_reading(&path, Mount::Unchanging), Room::None);
    fs::remove_file(with_suffix(&path, "-wal")).unwrap();

    // A copy that was made while somebody wrote through that other path is known for what it is.
    let before = state_of(&path).unwrap();
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    drop(make(&path, "UPDATE t SET a = 2"));
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_modified(time).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), time);
    assert_ne!(state_of(&path).unwrap(), before);
}
