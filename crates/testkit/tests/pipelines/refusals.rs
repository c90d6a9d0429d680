//! What must not happen: a second load over the first, success on half an archive, a doubt unheard.

use testkit::fixtures::{MANDIBLE, SHOP, SSO, Scale};
use testkit::{Cluster, Database, Desk, target_word};

use crate::{build, consolidate, new_target};

#[test]
fn a_second_load_into_one_schema_is_refused_before_it_writes() {
    let (desk, first, second, target) = (Desk::shared(), build(&SSO), build(&MANDIBLE), new_target());
    consolidate(&desk, first.name(), "shared", &target);
    let before = state(&target);
    let word = target_word(&target);
    for source in [first.name(), second.name()] {
        let output = desk.run(&format!("dump {source} | remap-schema --to shared | load {word}"));
        assert_eq!(output.stages()[2], 5, "{output}");
        output
            .assert_stderr_contains("schema shared exists")
            .assert_stderr_contains("nothing was written");
        assert_eq!(state(&target), before, "{output}");
    }
    desk.run(&format!("verify {} {word} --to shared", first.name()))
        .assert_success();
}

#[test]
fn half_an_archive_is_no_archive() {
    let (desk, source) = (Desk::shared(), build(&SSO));
    desk.run(&format!("dump {} -o sso.tar", source.name()))
        .assert_success();
    let whole = std::fs::metadata(desk.path("sso.tar")).unwrap().len();
    for cut in [0, 2_000, whole / 2, whole - 4_000, whole - 1] {
        let target = new_target();
        let word = target_word(&target);
        let output = desk.run(&format!(
            "head -c {cut} sso.tar | remap-schema --to sso | load {word}"
        ));
        assert!(
            output.stages()[1] != 0 && output.stages()[2] == 6,
            "cut at {cut} of {whole}\n{output}"
        );
        if exists(&target, "sso") {
            output
                .assert_stderr_contains("nothing is live")
                .assert_stderr_contains("load --abandon sso");
            let again = desk.run(&format!("remap-schema --to sso sso.tar | load {word}"));
            assert_eq!(again.stages(), [0, 5], "{again}");
            desk.run(&format!("load --abandon sso {word}")).assert_success();
            assert!(!exists(&target, "sso"));
        }
        for line in [
            format!("remap-schema --to sso sso.tar | load {word}"),
            format!("verify {} {word} --to sso", source.name()),
        ] {
            desk.run(&line).assert_success();
        }
    }
}

#[test]
fn a_source_that_cannot_be_read_leaves_nothing_behind() {
    let (desk, target) = (Desk::shared(), new_target());
    for (source, code) in [
        ("no_such_database", 4),
        ("'host=/nowhere dbname=x'", 4),
        ("missing.sqlite", 2),
    ] {
        let line = format!(
            "dump {source} | remap-schema --to x | load {}",
            target_word(&target)
        );
        let output = desk.run(&line);
        assert_eq!(output.stages(), [code, 6, 6], "{output}");
        output.assert_stderr_contains("the input is empty");
        assert!(!exists(&target, "x"));
    }
}

#[test]
fn a_doubt_under_strict_stops_the_load() {
    let (desk, source, target) = (Desk::shared(), build(&MANDIBLE), new_target());
    let line = format!(
        "dump {} | remap-schema --strict --to x | load {}",
        source.name(),
        target_word(&target)
    );
    let output = desk.run(&line);
    assert_eq!(output.stages()[1..], [1, 6], "{output}");
    output.assert_stderr_contains("count_rows");
    assert!(!exists(&target, "x"));
}

#[test]
fn row_security_gives_every_row_or_an_error() {
    let desk = Desk::shared();
    let source = Cluster::shared().database("secured").unwrap();
    source
        .execute(
            "CREATE TABLE notes (id int PRIMARY KEY, mine bool); INSERT INTO notes VALUES (1, true), (2, false);
             ALTER TABLE notes ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON notes USING (mine)",
        )
        .unwrap();
    for (role, stages) in [("source_reader", [4, 6, 6]), ("postgres", [0, 0, 0])] {
        let target = new_target();
        let line = format!(
            "PGUSER={role} dump {} | remap-schema --to x | load {}",
            source.name(),
            target_word(&target)
        );
        let output = desk.run(&line);
        output.assert_stages(&stages);
        if role == "postgres" {
            assert_eq!(target.query("SELECT count(*) FROM x.notes").unwrap(), ["2"]);
        } else {
            output.assert_stderr_contains("notes");
            assert!(!exists(&target, "x"));
        }
    }
}

#[test]
fn a_role_that_may_not_create_is_named() {
    let (desk, source, target) = (Desk::shared(), build(&SSO), new_target());
    let line = format!(
        "dump {} | remap-schema --to x | load {}",
        source.name(),
        target.name()
    );
    let output = desk.run(&line);
    assert_eq!(output.stages()[2], 5, "{output}");
    output.assert_stderr_contains("role source_reader lacks CREATE on the database");
    assert!(!exists(&target, "x"));
}

#[test]
fn words_that_mean_nothing_are_refused_as_usage() {
    let (desk, source, target) = (Desk::shared(), build(&SSO), new_target());
    SHOP.create(desk.folder(), Scale::Small).unwrap();
    let (name, word) = (source.name(), target_word(&target));
    desk.run(&format!("dump {name} -o sso.tar")).assert_success();
    for (line, says) in [
        ("remap-schema sso.tar > x.tar".to_owned(), "--to NAME"),
        (
            "remap-schema --to '' sso.tar > x.tar".to_owned(),
            "cannot be empty",
        ),
        ("remap-schema --to pg_x sso.tar > x.tar".to_owned(), "reserved"),
        (
            "remap-schema --to coalesce sso.tar > x.tar".to_owned(),
            "reserved",
        ),
        (
            "remap-schema --map nowhere=x sso.tar > x.tar".to_owned(),
            "has no schema `nowhere`",
        ),
        ("remap-schema --map public sso.tar > x.tar".to_owned(), "OLD=NEW"),
        (
            format!("remap-schema --to {} sso.tar > x.tar", "x".repeat(64)),
            "PostgreSQL keeps 63",
        ),
        (
            "remap-schema --to x missing.tar > x.tar".to_owned(),
            "missing.tar",
        ),
        (
            "load shop.sqlite sso.tar".to_owned(),
            "only PostgreSQL is written",
        ),
        (format!("load {word} missing.tar"), "missing.tar"),
        (format!("verify {name}"), "name a SOURCE and a TARGET"),
        (format!("verify {name} shop.sqlite"), "SQLite"),
        (format!("dump {name} --compress lzma > x.tar"), "lzma"),
        (format!("dump {name} --rows xml > x.tar"), "xml"),
    ] {
        desk.run(&line).assert_code(2).assert_stderr_contains(says);
    }
    assert_eq!(target.row_counts().unwrap(), []);
}

#[test]
fn a_target_that_lacks_the_source_is_different() {
    let (desk, source, target) = (Desk::shared(), build(&SSO), new_target());
    let output = desk.run(&format!(
        "verify {} {} --to sso",
        source.name(),
        target_word(&target)
    ));
    output.assert_code(1);
    assert!(output.stdout_text().contains("missing on the target"), "{output}");
}

/// Everything that a load could have changed, our own journal left out.
fn state(target: &Database<'_>) -> Vec<String> {
    let mut state = target
        .query(
            "SELECT n.nspname, c.relname, c.relfilenode FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
             WHERE n.nspname !~ '^pg_' AND n.nspname <> 'coalesce' ORDER BY 1, 2",
        )
        .unwrap();
    state.extend(
        target
            .query("SELECT nspname FROM pg_namespace ORDER BY 1")
            .unwrap(),
    );
    state.extend(
        target
            .query("SELECT extname FROM pg_extension ORDER BY 1")
            .unwrap(),
    );
    state
}

fn exists(target: &Database<'_>, schema: &str) -> bool {
    let sql = format!("SELECT FROM pg_namespace WHERE nspname = '{schema}'");
    !target.query(&sql).unwrap().is_empty()
}
