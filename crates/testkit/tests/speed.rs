//! Guards against gross loss of speed and against memory that grows with the rows. The limits are far from what
//! a machine at rest needs; `cargo xtask bench` measures.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::time::Duration;

use testkit::Desk;
use testkit::bulk::{STATEMENTS_PER_TABLE, definitions, plain_dump};

/// Address space for a filter whose input is several times as large, in KiB.
const MEMORY_KIB: u32 = 160_000;
const ROWS_MIB: u32 = 384;

#[test]
fn ten_thousand_definitions_take_seconds() {
    let desk = Desk::shared();
    let sql = plain_dump(&definitions(10_000 / STATEMENTS_PER_TABLE));
    std::fs::write(desk.path("definitions.sql"), sql).unwrap();
    let output = desk.run("remap-schema --strict --to x definitions.sql > /dev/null");
    output
        .assert_success()
        .assert_stderr_contains("in 10,000 statements");
    assert!(output.elapsed() < Duration::from_secs(20), "{output}");
}

#[test]
fn bodies_full_of_rows_are_not_looked_through_again_and_again() {
    let lines = "INSERT INTO public.t VALUES (1);\nCOPY t FROM stdin;\n".repeat(20_000);
    let body = format!("DO $_$\nBEGIN\n{lines}END $_$;\n");
    let output = Desk::shared()
        .shell("remap-schema --to x > /dev/null")
        .stdin(plain_dump(&body))
        .run();
    output.assert_success();
    assert!(output.elapsed() < Duration::from_secs(20), "{output}");
}

#[test]
fn many_tables_under_a_prefix_take_seconds() {
    let numbers = 1..=2_000;
    let tables = numbers
        .clone()
        .map(|it| format!("CREATE TABLE public.t{it} (a text);\n"));
    let rows = numbers.map(|it| format!("COPY public.t{it} (a) FROM stdin;\na\n\\.\n\n"));
    let body: String = tables.chain(rows).collect();
    let desk = Desk::shared();
    for names in ["--prefix p_", "--to x --snake-case", "--rename public.t1=u"] {
        let output = desk
            .shell(&format!("remap-schema --strict {names} | tail -c 60"))
            .stdin(plain_dump(&body))
            .run();
        output.assert_success();
        assert!(output.stdout_text().contains("dump complete"), "{output}");
        assert!(output.elapsed() < Duration::from_secs(5), "{output}");
    }
}

#[test]
fn long_bodies_full_of_names_take_seconds() {
    let lines = "PERFORM public.f();\n".repeat(40_000);
    let function = "CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql AS $$BEGIN\n";
    let output = Desk::shared()
        .shell("remap-schema --to x > /dev/null")
        .stdin(plain_dump(&format!("{function}{lines}END$$;\n")))
        .run();
    output.assert_success();
    assert!(output.elapsed() < Duration::from_secs(10), "{output}");
}

/// Rows made by `yes`, between `before` and `after`, pass in little memory and little time.
#[track_caller]
fn check_rows(before: &str, row: &str, after: &str) {
    let frame = plain_dump(&format!("CREATE TABLE public.t (a text);\n{before}ROWS{after}\n"));
    let (start, end) = frame.split_once("ROWS").unwrap();
    let desk = Desk::shared();
    std::fs::write(desk.path("start"), start).unwrap();
    std::fs::write(desk.path("end"), end).unwrap();
    let bytes = u64::from(ROWS_MIB) << 20;
    let bytes = bytes - bytes % (row.len() as u64 + 1);
    let line = format!(
        "(cat start; yes \"{row}\" | head -c {bytes}; cat end) | \
         (ulimit -v {MEMORY_KIB}; remap-schema --strict --to x) | tail -c 60"
    );
    let output = desk.shell(&line).run();
    let code = output.code();
    assert!(code == Some(0) && !output.timed_out(), "{output}");
    assert!(output.stdout_text().contains("dump complete"), "{output}");
    assert!(output.elapsed() < Duration::from_secs(40), "{output}");
}

#[test]
fn copied_rows_pass_in_little_memory() {
    check_rows("COPY public.t (a) FROM stdin;\n", "a row of public.t", "\\.\n");
}

#[test]
fn inserts_pass_in_little_memory() {
    check_rows(
        "",
        "INSERT INTO public.t VALUES ('a row of
two lines; ''quoted''');",
        "",
    );
}

#[test]
fn one_endless_insert_passes_in_little_memory() {
    check_rows(
        "INSERT INTO public.t VALUES ('",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "');\n",
    );
}
