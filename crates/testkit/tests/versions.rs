//! Servers and programs of other versions, as far as one server can show it: an archive whose header says that it
//! comes from a newer one, and `pg_dump`s that are none. The rest is `cargo xtask matrix`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use archive::{Reader, TarSink, TarStore, Writer};
use testkit::{Cluster, Desk, target_word};

#[test]
fn an_older_target_is_refused_before_anything_is_written_unless_allowed() {
    let (desk, target) = (Desk::shared(), Cluster::shared().target().unwrap());
    let source = Cluster::shared().database("newer").unwrap();
    source
        .execute("CREATE TABLE t (id int PRIMARY KEY, note text); INSERT INTO t VALUES (1, ''), (2, NULL)")
        .unwrap();
    let (name, word) = (source.name(), target_word(&target));
    for rows in ["csv", "binary"] {
        let line = format!("dump {name} --rows {rows} | remap-schema --to {rows} -o {rows}.tar");
        desk.run(&line).assert_success();
        let whole = std::fs::read(desk.path(&format!("{rows}.tar"))).unwrap();
        std::fs::write(desk.path(&format!("{rows}.tar")), said_to_be_of(&whole, "99.1")).unwrap();
    }
    let major = Cluster::shared().programs().major();
    for rows in ["csv", "binary"] {
        desk.run(&format!("load {word} {rows}.tar"))
            .assert_code(5)
            .assert_stderr_contains(&format!("the server is PostgreSQL {major}, the source was 99.1"))
            .assert_stderr_contains("--allow-older-target")
            .assert_stderr_contains("nothing was written");
    }
    desk.run(&format!("load --allow-older-target {word} binary.tar"))
        .assert_code(5)
        .assert_stderr_contains("dump with --rows csv")
        .assert_stderr_contains("nothing was written");
    let schemas = "SELECT nspname FROM pg_namespace WHERE nspname IN ('csv', 'binary', 'coalesce')";
    assert_eq!(target.query(schemas).unwrap(), [""; 0]);
    desk.run(&format!("load --allow-older-target {word} csv.tar"))
        .assert_success();
    desk.run(&format!("verify {name} {word} --to csv"))
        .assert_success();
}

/// The same archive with another server's version in its header, and checksums that fit.
fn said_to_be_of(archive: &[u8], version: &str) -> Vec<u8> {
    let mut reader = Reader::new(TarStore::new(archive)).unwrap();
    let texts = reader.schema().unwrap();
    let mut header = reader.header().clone();
    version.clone_into(&mut header.source.server_version);
    let mut writer = Writer::new(TarSink::new(Vec::new()), &header).unwrap();
    for (member, sql) in texts {
        writer.schema(member, &sql).unwrap();
    }
    while let Some((rows, record)) = reader.next_chunk().unwrap() {
        reader
            .chunk_stream(|body| writer.pass_chunk(rows, &record, body))
            .unwrap();
    }
    writer.finish_with(reader.finish().unwrap().tables).unwrap().0
}

#[test]
fn a_pg_dump_that_only_says_to_be_newer_is_used_and_its_failure_told() {
    use std::os::unix::fs::PermissionsExt;
    let (desk, source) = (Desk::shared(), Cluster::shared().database("stub").unwrap());
    for program in ["pg_dump", "pg_restore"] {
        let path = desk.path(program);
        let script = "#!/bin/sh\n[ \"$1\" = --version ] && echo 'pg_dump (PostgreSQL) 99.1' && exit\n\
                      echo 'this is only a stub' >&2; exit 1\n";
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    // The newest is taken, wherever it stands.
    let output = desk
        .shell(&format!("dump {} -o stub.tar", source.name()))
        .env("PG_BIN", desk.folder())
        .run();
    output
        .assert_code(4)
        .assert_stderr_contains("this is only a stub");
    assert!(!desk.path("stub.tar").exists(), "{output}");
}
