//! Large values: what passes comes through whole, what COPY cannot pass is named, and memory is bounded by the row.
//!
//! Full sizes and the measured memory are for `cargo xtask torture`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]
#![allow(clippy::print_stdout, reason = "torture shows what it measured")]

use std::path::Path;
use std::time::{Duration, Instant};

use testkit::{Cluster, Database, Desk, Skipped, is_torture, judge_rows, target_word};

const MIB: u64 = 1 << 20;

/// `text_mib` and `bytea_mib` of what does not compress well, and rows beside them.
fn source(label: &str, text_mib: u64, bytea_mib: u64) -> Database<'static> {
    let source = Cluster::shared().database(label).unwrap();
    let sql = format!(
        "CREATE TABLE large (id int PRIMARY KEY, t text, b bytea);
         ALTER TABLE large ALTER t SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL;
         INSERT INTO large VALUES (0, '', ''), (1, NULL, NULL);
         INSERT INTO large SELECT 2, repeat(string_agg(md5(n::text) || E'\\n\",\\\\', ''), {text_mib}), NULL
           FROM generate_series(1, {}) AS n;
         INSERT INTO large SELECT 3, NULL, decode(repeat(string_agg(md5(n::text), ''), {bytea_mib}), 'hex')
           FROM generate_series(1, {}) AS n;
         INSERT INTO large VALUES (4, 'last', '\\x00')",
        MIB / 36,
        MIB / 16,
    );
    source.execute(&sql).unwrap();
    source
}

#[test]
fn large_values_come_through_in_both_forms() {
    // Fault 43.
    let (text, bytea) = if is_torture() { (250, 200) } else { (20, 2) };
    let source = source("large", text, bytea);
    for rows in ["csv", "binary"] {
        let (desk, target) = (Desk::shared(), Cluster::shared().target().unwrap());
        let begin = Instant::now();
        let line = format!(
            "dump {} --rows {rows} | load {}",
            source.name(),
            target_word(&target)
        );
        desk.shell(&line)
            .time_limit(Duration::from_mins(10))
            .run()
            .assert_success();
        println!(
            "text of {text} MB and bytea of {bytea} MB as {rows} in {:?}",
            begin.elapsed()
        );
        let judgement = judge_rows(
            &mut source.admin().unwrap(),
            &mut target.admin().unwrap(),
            str::to_owned,
        )
        .unwrap();
        assert_eq!((judgement.differing, judgement.rows), (Vec::new(), 5));
    }
}

#[test]
fn a_row_that_copy_cannot_pass_is_named_with_the_way_out() {
    // Fault 43. As text it has a byte for each bit, compressed it has two MiB.
    let source = Cluster::shared().database("oversized").unwrap();
    source
        .execute(
            "CREATE TABLE fine (b varbit); INSERT INTO fine VALUES ('1');
             CREATE TABLE long (id int, b varbit); INSERT INTO long VALUES (1, '1');
             INSERT INTO long SELECT 2, d || d FROM (SELECT c || c AS d FROM (SELECT b || b AS c FROM
               (SELECT a || a AS b FROM (SELECT 0::bit(80000000)::varbit AS a OFFSET 0) AS x OFFSET 0) AS y OFFSET 0)
               AS z OFFSET 0) AS w",
        )
        .unwrap();
    let desk = Desk::shared();
    desk.run(&format!("dump {} --rows csv -o long.tar", source.name()))
        .assert_code(4)
        .assert_stderr_contains(
            "rows of public.long could not be read: the one at ctid (0,2) takes 1280000004 bytes",
        )
        .assert_stderr_contains("column b")
        .assert_stderr_contains("`--rows binary`");
    assert!(!desk.path("long.tar").exists());
    let assessed = desk.run(&format!("assess --exact {}", source.name()));
    let told = assessed.assert_success().stdout_text();
    assert!(
        told.contains("public.long: the row at ctid (0,2) is longer than 1 GiB as text (column b)"),
        "{told}"
    );
    assert!(!told.contains("public.fine"), "{told}");
    // Rows of such partitions are read through the table above them, which has none of its own.
    source
        .execute(
            "CREATE TYPE mood AS ENUM ('calm'); ALTER TABLE long ADD m mood;
             CREATE TABLE tree (id int, b varbit, m mood) PARTITION BY HASH (m);
             ALTER TABLE tree ATTACH PARTITION long FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
        )
        .unwrap();
    let assessed = desk.run(&format!("assess --exact {}", source.name()));
    let told = assessed.assert_success().stdout_text();
    assert!(
        told.contains("public.tree: the row at ctid (0,2) is longer than 1 GiB as text (column b)"),
        "{told}"
    );
    source
        .execute(
            "ALTER TABLE tree DETACH PARTITION long; ALTER TABLE long DROP m; DROP TABLE tree; DROP TYPE mood",
        )
        .unwrap();
    if !is_torture() {
        return;
    }
    // A value of bytea whose hex is too long; binary it passes, as the bits above.
    source
        .execute(
            "CREATE TABLE hex AS SELECT 3 AS id, convert_to(repeat('x', 600 * 1000 * 1000), 'UTF8') AS b",
        )
        .unwrap();
    desk.run(&format!("dump {} --rows csv -o hex.tar", source.name()))
        .assert_code(4)
        .assert_stderr_contains("COPY passes no row of 1 GiB");
    let target = Cluster::shared().target().unwrap();
    let line = format!(
        "dump {} --rows binary | load {}",
        source.name(),
        target_word(&target)
    );
    desk.shell(&line)
        .time_limit(Duration::from_mins(10))
        .run()
        .assert_success();
    for sql in [
        "SELECT id, length(b), position(B'1' IN b) FROM long ORDER BY id",
        "SELECT id, length(b), md5(b) FROM hex",
    ] {
        assert_eq!(source.query(sql).unwrap(), target.query(sql).unwrap(), "{sql}");
    }
}

#[test]
fn memory_is_bounded_by_what_a_row_needs() {
    if !Path::new("/proc/self/status").exists() {
        let _ = Skipped::because("memory is read from /proc, which this system does not have");
        return;
    }
    let (row_mib, rows) = if is_torture() { (100, 8) } else { (8, 20) };
    let source = Cluster::shared().database("heavy").unwrap();
    source
        .execute(&format!(
            "CREATE TABLE heavy (id int, t text); ALTER TABLE heavy ALTER t SET STORAGE EXTERNAL;
             INSERT INTO heavy SELECT n, repeat('0123456789\"bcdef', {row_mib} * 65536) FROM generate_series(1, {rows}) AS n;
             CREATE TABLE light (id int)"
        ))
        .unwrap();
    let all = [
        "--rows csv --compress none",
        "--rows csv --compress gzip:1",
        "--rows binary --compress none",
    ];
    let tried = if is_torture() { 3 } else { 1 };
    for options in all.into_iter().take(tried) {
        let dump = |more: &str| peak_mib(&format!("dump {} --jobs 1 {options} {more}", source.name()));
        let (base, peak) = (dump("--table light"), dump(""));
        println!("rows of {row_mib} MiB, {options}: {peak} MiB at most, {base} MiB without them");
        assert!(
            peak < base + CHUNKS_MIB + ROWS_AT_ONCE * row_mib,
            "{options}: {peak} MiB for rows of {row_mib} MiB, {base} MiB without them"
        );
    }
}

/// Chunks that wait and buffers, whatever the rows are: less than all rows together.
const CHUNKS_MIB: u64 = 64;

/// One in the connection's buffer, one framed and on its way into the archive.
const ROWS_AT_ONCE: u64 = 2;

/// The largest resident set of a tool's process, in MiB, as Linux has counted it.
fn peak_mib(tool: &str) -> u64 {
    let desk = Desk::shared();
    let pid = desk.path("pid");
    let shell = desk
        .shell(&format!("sh -c 'echo $$ >pid; exec {tool}' >/dev/null"))
        .time_limit(Duration::from_mins(10));
    let running = std::thread::spawn(move || shell.run());
    let mut peak = 0;
    while !running.is_finished() {
        // The mark only rises, so that the last look before the end is what counts.
        peak = peak.max(high_water_kib(&pid).unwrap_or_default());
        std::thread::sleep(Duration::from_millis(2));
    }
    running.join().unwrap().assert_success();
    assert!(peak > 0, "the process was never seen");
    peak / 1024
}

fn high_water_kib(pid: &Path) -> Option<u64> {
    let pid = std::fs::read_to_string(pid).ok()?;
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.trim())).ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
