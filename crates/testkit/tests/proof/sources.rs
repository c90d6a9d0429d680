//! What can stand as SOURCE beside a database of its own: an archive on stdin, and the target itself.

use testkit::{Cluster, POSTGRES, Tools};

use crate::{Bench, Kind, SOURCE};

#[test]
fn an_archive_on_stdin_is_a_source() {
    let bench = Bench::new(Kind::Postgres);
    let target = bench.target.target();
    for line in [
        "verify - \"$TARGET\" <honest.tar",
        "dump \"$SOURCE\" | verify - \"$TARGET\" --to there",
        "dump \"$SOURCE\" | remap-schema --to there | verify - \"$TARGET\"",
    ] {
        let output = bench.run(line, &target);
        let shown = output.assert_success().stdout_text();
        assert!(shown.contains("3 tables identical, 44 rows."), "{output}");
    }
    bench
        .run("head -c 1000 honest.tar | verify - \"$TARGET\"", &target)
        .assert_code(6);
}

#[test]
fn a_database_that_is_its_own_target_is_proved() {
    let database = Cluster::shared().database("itself").unwrap();
    database.execute(SOURCE).unwrap();
    database
        .execute("CREATE SCHEMA billing; CREATE TABLE billing.invoices AS SELECT 7 AS id")
        .unwrap();
    let word = database.conninfo(POSTGRES);
    let run = |line: &str| Tools::locate().shell(line).env("DB", &word).run();
    run("dump \"$DB\" | remap-schema --to v2 | load \"$DB\"").assert_success();
    let verify = "verify \"$DB\" \"$DB\" --to v2";
    let proved = run(verify);
    let shown = proved.assert_success().stdout_text();
    for table in ["v2.plain", "v2_billing.invoices"] {
        assert!(shown.lines().any(|it| it.starts_with(table)), "{proved}");
    }
    assert!(shown.contains("\n4 tables identical, 45 rows.\n"), "{proved}");
    database.execute("DELETE FROM v2_billing.invoices").unwrap();
    let changed = run(verify);
    changed.assert_code(1);
    assert!(
        changed.stdout_text().contains("1 row fewer on the target"),
        "{changed}"
    );
    assert!(
        changed
            .stdout_text()
            .contains("\n3 of 4 tables identical, 1 differs.\n"),
        "{changed}"
    );
    run("verify \"$DB\" \"$DB\" --map public=v2 --map v2=billing --map billing=v2_billing --map v2_billing=public")
        .assert_code(2)
        .assert_stderr_contains("target of another");
}
