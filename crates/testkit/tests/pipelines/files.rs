//! Archives in files and directories, in every form that rows have, and what common tools make of them.

use std::io::Write as _;
use std::path::Path;

use testkit::fixtures::{MANDIBLE, SHOP, SSO, Scale, answers};
use testkit::{Cluster, Desk, target_word};

use crate::{build, new_target};

#[test]
fn every_form_of_archive_loads_the_same() {
    let (desk, source) = (Desk::shared(), build(&MANDIBLE));
    for (number, (flags, form)) in [
        ("", "tar"),
        ("--compress none", "tar"),
        ("--compress gzip:9 --rows binary", "tar"),
        ("--compress zstd", "tar"),
        ("--rows csv", "/"),
        ("--rows binary --compress zstd:19", "/"),
        ("--rows binary --compress none --jobs 1", "/"),
        ("--rows auto --jobs 5", "/"),
    ]
    .into_iter()
    .enumerate()
    {
        let target = new_target();
        let target = target_word(&target);
        let [old, new] = ["old", "new"].map(|it| match form {
            "tar" => format!("{it}{number}.tar"),
            _ => format!("{it}{number}/"),
        });
        let source = source.name();
        for line in [
            format!("dump {source} {flags} -o {old}"),
            format!("remap-schema --to jaw {old} -o {new}"),
            format!("load {target} {new}"),
            format!("verify {source} {target} --to jaw"),
            format!("verify {old} {target} --to jaw"),
            format!("verify {new} {target}"),
            format!("verify --archive {new}"),
        ] {
            desk.run(&line).assert_success();
        }
    }
}

#[test]
fn the_form_of_rows_suits_where_they_go() {
    let (desk, source) = (Desk::shared(), build(&SSO));
    let source = source.name();
    // Users have a column of an extension's type, whose bytes are nobody's promise.
    for (line, sessions, users) in [
        (format!("dump {source} | tar tf -"), "bin", "csv"),
        (format!("dump {source} --rows csv | tar tf -"), "csv", "csv"),
        (
            format!("dump {source} --compress zstd | tar tf -"),
            "bin.zst",
            "csv.zst",
        ),
        (
            format!("dump {source} -o a.tar && tar tf a.tar"),
            "csv.gz",
            "csv.gz",
        ),
        (
            format!("dump {source} --rows binary -o b.tar && tar tf b.tar"),
            "bin.gz",
            "csv.gz",
        ),
        (
            format!("dump {source} --compress none -o c.tar && tar tf c.tar"),
            "csv",
            "csv",
        ),
        (
            format!("dump {source} -o d/ && find d -type f -printf '%P\\n'"),
            "csv.gz",
            "csv.gz",
        ),
    ] {
        let listed = desk.run(&line);
        let text = listed.assert_success().stdout_text();
        assert_eq!(
            text.lines().filter(|it| it.starts_with("data/")).count(),
            9,
            "{listed}"
        );
        for chunk in [
            format!("data/0005-public.sessions/00000.{sessions}"),
            format!("data/0008-public.users/00000.{users}"),
        ] {
            assert!(
                text.lines().any(|it| it == chunk),
                "{chunk} is not listed\n{listed}"
            );
        }
        for member in [
            "archive.json",
            "schema/pre-data.sql",
            "schema/post-data.sql",
            "end.json",
        ] {
            assert!(
                text.lines().any(|it| it == member),
                "{member} is not listed\n{listed}"
            );
        }
        assert!(!listed.stderr().contains("tar:"), "{listed}");
    }
}

#[test]
fn tar_lists_and_unpacks_an_archive_without_a_warning() {
    let (desk, source) = (Desk::shared(), build(&SSO));
    desk.run(&format!("dump -q {} -o sso.tar", source.name()))
        .assert_success();
    for line in [
        "tar tvf sso.tar",
        "mkdir sso && tar xf sso.tar -C sso",
        "verify --archive sso/",
    ] {
        let output = desk.run(line);
        assert_eq!(output.assert_success().stderr(), "", "{output}");
    }
}

#[test]
fn rows_of_an_archive_are_loaded_by_psql_alone() {
    let (desk, source) = (Desk::shared(), build(&MANDIBLE));
    let target = Cluster::shared().database("copied").unwrap();
    let psql = format!(
        "PGUSER=postgres psql -X -q -v ON_ERROR_STOP=1 -d {}",
        target.name()
    );
    for line in [
        format!("dump {} --rows csv -o mandible/", source.name()),
        format!("pg_dump -s {} | {psql}", source.name()),
    ] {
        desk.run(&line).assert_success();
    }
    let tables = target
        .query("SELECT c.relname FROM pg_class AS c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace")
        .unwrap();
    for table in &tables {
        let columns = target
            .query(&format!(
                "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
                 WHERE attrelid = '\"{table}\"'::regclass AND attnum > 0 AND attgenerated = ''"
            ))
            .unwrap()
            .concat();
        let chunks = format!("mandible/data/*-public.{}/*.csv.gz", table.replace(' ', "_"));
        let copy = format!("public.\"{table}\" ({columns}) FROM pstdin (FORMAT csv, HEADER match)");
        if table == "awkward" {
            // It holds a line `\.`, which psql before 18 takes for the end; the server itself does not.
            let rows = desk.run(&format!("zcat {chunks}"));
            let mut client = target.admin().unwrap();
            let mut writer = client
                .copy_in(&format!("COPY {}", copy.replace("pstdin", "STDIN")))
                .unwrap();
            writer.write_all(rows.assert_success().stdout()).unwrap();
            writer.finish().unwrap();
            continue;
        }
        // Triggers and foreign keys are for applications; tables come in any order here.
        let line = format!(
            "zcat {chunks} | PGOPTIONS='-c session_replication_role=replica' {psql} -c \"\\copy $COPY\""
        );
        desk.shell(&line).env("COPY", copy).run().assert_success();
    }
    let digest = |table: &String| {
        format!(
            "SELECT count(*), md5(string_agg(t::text, '\n' ORDER BY t::text COLLATE \"C\")) FROM \"{table}\" AS t"
        )
    };
    for table in &tables {
        let expected = source.query(&digest(table)).unwrap();
        assert!(!expected[0].starts_with("0 "), "{table} is empty");
        assert_eq!(target.query(&digest(table)).unwrap(), expected, "{table}");
    }
}

#[test]
fn an_archive_proves_a_target_after_its_source_is_gone() {
    let (desk, source, target) = (Desk::shared(), build(&SSO), new_target());
    let word = target_word(&target);
    desk.run(&format!("dump {} -o sso.tar", source.name()))
        .assert_success();
    drop(source);
    desk.run(&format!("remap-schema --to sso sso.tar | load {word}"))
        .assert_success();
    let verify = format!("verify sso.tar {word} --to sso");
    desk.run(&verify).assert_success();
    target
        .execute("UPDATE sso.roles SET description = NULL WHERE description = ''")
        .unwrap();
    let output = desk.run(&verify);
    output.assert_code(1);
    assert!(output.stdout_text().contains("values differ"), "{output}");
}

#[test]
fn rows_in_many_chunks_come_together() {
    let source = Cluster::shared().database("large").unwrap();
    source
        .execute(
            "CREATE TABLE long (id bigserial PRIMARY KEY, text text);
             INSERT INTO long (text) SELECT repeat(md5(n::text), 40) FROM generate_series(1, 5000) AS n;
             CREATE TABLE wide (id int PRIMARY KEY, text text);
             INSERT INTO wide SELECT n, repeat(md5(n::text), 40000) FROM generate_series(1, 6) AS n;
             CREATE TABLE empty (id int PRIMARY KEY)",
        )
        .unwrap();
    let (desk, target) = (Desk::shared(), new_target());
    let (name, word) = (source.name(), target_word(&target));
    for flags in ["", "--jobs 4 --rows csv", "--jobs 1 --compress zstd"] {
        for line in [
            format!("dump {name} --chunk-size 1 {flags} | remap-schema --to large | load {word}"),
            format!("verify {name} {word} --to large"),
        ] {
            desk.run(&line).assert_success();
        }
        target.execute("DROP SCHEMA large CASCADE").unwrap();
    }
    let listed = desk.run(&format!(
        "dump {name} --chunk-size 1 | tar tf - | grep -c '^data/'"
    ));
    let chunks: u32 = listed.assert_success().stdout_text().trim().parse().unwrap();
    assert!(chunks > 6, "{listed}");
}

#[test]
fn a_sqlite_file_goes_through_files_as_well() {
    let (desk, target) = (Desk::shared(), new_target());
    SHOP.create(desk.folder(), Scale::Small).unwrap();
    let word = target_word(&target);
    for line in [
        "dump shop.sqlite -o shop.tar".to_owned(),
        "rm shop.sqlite && verify --archive shop.tar".to_owned(),
        format!("remap-schema --to shop shop.tar | load {word}"),
        format!("verify shop.tar {word} --to shop"),
    ] {
        desk.run(&line).assert_success();
    }
    // In binary form, whatever the file's tables hold; the same rows, as those in CSV are.
    SHOP.create(desk.folder(), Scale::Small).unwrap();
    let listed = desk.run("dump shop.sqlite | tar t");
    assert!(listed.stdout_text().contains(".bin"), "{listed}");
    assert!(!listed.stdout_text().contains(".csv"), "{listed}");
    for line in [
        format!("verify shop.sqlite {word} --to shop"),
        format!("dump shop.sqlite --chunk-size 1 --jobs 3 | remap-schema --to again | load {word}"),
        format!("verify shop.sqlite {word} --to again --jobs 3"),
    ] {
        desk.run(&line).assert_success();
    }
    let mut client = target.admin().unwrap();
    let sums = "SELECT count(*), count(nickname), count(*) FILTER (WHERE nickname = ''), sum(length(photo)) FROM customers";
    let found = answers(&mut client, "shop", sums).unwrap();
    assert!(found[0].starts_with("80 | 60 | 20 | "), "{found:?}");
}

#[test]
fn a_file_that_exists_is_never_overwritten() {
    let (desk, source) = (Desk::shared(), build(&SSO));
    for (name, make) in [
        ("a.tar", "echo mine > a.tar"),
        ("b/", "mkdir b && echo mine > b/file"),
    ] {
        desk.run(make).assert_success();
        let output = desk.run(&format!("dump {} -o {name}", source.name()));
        output
            .assert_code(2)
            .assert_stderr_contains(name.trim_end_matches('/'));
    }
    let read = |name: &str| std::fs::read_to_string(desk.folder().join(Path::new(name))).unwrap();
    assert_eq!([read("a.tar"), read("b/file")], ["mine\n", "mine\n"]);
}
