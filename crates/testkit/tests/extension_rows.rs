//! Rows of the user's in tables of extensions: equal ones pass, absent ones are added, different ones stop the load.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use testkit::{
    CONFIGURED, Cluster, Database, Desk, Output, Skipped, install_configured_extension, target_word,
};

const ROWS: &str = "INSERT INTO rates VALUES ('CHF', 0.95), ('JPY', 160.50), ('QUO''TE, \"x\"', NULL);
    INSERT INTO labels (code, label) VALUES ('CHF', '{\"a\":  1}'), ('JPY', NULL);
    INSERT INTO words VALUES ('a', 1), ('a', 1), ('b', NULL);
    CREATE TABLE t (id integer); INSERT INTO t VALUES (1)";

/// A source with the extension and rows in it, and a target.
struct Pair {
    desk: Desk,
    source: Database<'static>,
    target: Database<'static>,
}

impl Pair {
    /// `target` is what the superuser prepares there, in a database in which the extension is not yet.
    fn new(target: &str) -> Option<Self> {
        let cluster = Cluster::shared();
        let Some(extension) = install_configured_extension(cluster.programs()).unwrap() else {
            let _ = Skipped::because("an extension's files need root");
            return None;
        };
        let source = cluster.database("extended").unwrap();
        source
            .execute(&format!("CREATE EXTENSION {extension}; {ROWS}"))
            .unwrap();
        let pair = Pair {
            desk: Desk::shared(),
            source,
            target: cluster.target().unwrap(),
        };
        pair.target.execute(target).unwrap();
        Some(pair)
    }

    /// Runs a line in which `$SOURCE` and `$TARGET` stand for the two databases.
    fn run(&self, line: &str) -> Output {
        let line = line
            .replace("$SOURCE", self.source.name())
            .replace("$TARGET", &target_word(&self.target));
        self.desk.run(&line)
    }

    fn answers(&self, sql: &str) -> Vec<String> {
        self.target.query(sql).unwrap()
    }
}

/// The extension in a schema of its own, open to the role that loads.
fn installed(more: &str) -> String {
    format!(
        "CREATE SCHEMA ext; CREATE EXTENSION {CONFIGURED} SCHEMA ext; GRANT USAGE ON SCHEMA ext TO target_owner;
         GRANT SELECT, INSERT ON ext.rates, ext.labels, ext.words TO target_owner; {more}"
    )
}

const MOVE: &str = "dump $SOURCE | remap-schema --to shop --extensions-schema ext | load --read-back $TARGET";
const PROVE: &str = "verify $SOURCE $TARGET --to shop --extensions-schema ext";

#[test]
fn equal_rows_pass_and_absent_ones_are_added_where_the_target_keeps_the_extension() {
    let already =
        "INSERT INTO ext.rates VALUES ('CHF', 0.95), ('GBP', 0.8); INSERT INTO ext.words VALUES ('a', 1)";
    let Some(pair) = Pair::new(&installed(already)) else {
        return;
    };
    let output = pair.run(MOVE);
    output
        .assert_success()
        .assert_stderr_contains("ext.rates, which belongs to an extension: rows added: 2")
        .assert_stderr_contains("ext.labels, which belongs to an extension: rows added: 2")
        .assert_stderr_contains("ext.words, which belongs to an extension: rows added: 2")
        .assert_stderr_contains("sequence ext.labels_id_seq may stand before 2, which ext.labels holds")
        .assert_stderr_contains("SELECT setval('ext.labels_id_seq', 2)");
    assert!(!output.stderr().contains("untouched"), "{output}");
    let rates = "SELECT code, rate, standard, twice FROM ext.rates ORDER BY code COLLATE \"C\"";
    let expected = [
        "CHF | 0.95 | f | 1.90",
        "EUR | 1 | t | 2",
        "GBP | 0.8 | f | 1.6",
        "JPY | 160.50 | f | 321.00",
        "QUO'TE, \"x\" | ∅ | f | ∅",
        "USD | 1.1 | t | 2.2",
    ];
    assert_eq!(pair.answers(rates), expected);
    assert_eq!(
        pair.answers("SELECT id, code, label FROM ext.labels ORDER BY id"),
        ["1 | CHF | {\"a\":  1}", "2 | JPY | ∅"]
    );
    assert_eq!(
        pair.answers("SELECT * FROM ext.words ORDER BY 1"),
        ["a | 1", "a | 1", "b | ∅"]
    );
    pair.target
        .execute(
            "DELETE FROM ext.labels WHERE id = 2;
             GRANT USAGE, UPDATE ON SEQUENCE ext.labels_id_seq TO target_owner",
        )
        .unwrap();
    let again = pair.run(&MOVE.replace("shop", "again"));
    again
        .assert_success()
        .assert_stderr_contains("ext.labels, which belongs to an extension: rows added: 1")
        .assert_stderr_contains("sequence ext.labels_id_seq, which belongs to an extension, goes on after 2");
    assert_eq!(again.stderr().matches("rows added").count(), 1, "{again}");
    assert_eq!(pair.answers("SELECT nextval('ext.labels_id_seq')"), ["3"]);
    let proved = pair.run(PROVE);
    proved.assert_success();
    assert!(proved.stdout_text().contains("all on the target"), "{proved}");
    pair.run("dump $SOURCE -o kept.tar; verify --archive kept.tar")
        .assert_success();
    pair.target
        .execute(
            "DELETE FROM ext.words WHERE ctid = '(0,1)'; UPDATE ext.rates SET rate = 9 WHERE code = 'JPY'",
        )
        .unwrap();
    for line in [PROVE, "verify kept.tar $TARGET --to shop --extensions-schema ext"] {
        let output = pair.run(line);
        output.assert_code(1);
        assert_eq!(
            output.stdout_text().matches("1 row not on the target").count(),
            2,
            "{output}"
        );
    }
}

#[test]
fn rows_with_other_values_under_the_same_key_stop_the_load_before_it_is_live() {
    let other = "INSERT INTO ext.rates VALUES ('CHF', 0.96), ('JPY', 160.5), ('QUO''TE, \"x\"', NULL)";
    let Some(pair) = Pair::new(&installed(other)) else {
        return;
    };
    let refused = pair.run(MOVE);
    refused
        .assert_code(5)
        .assert_stderr_contains("ext.rates: 2 with other values on the target under the same code")
        .assert_stderr_contains("nothing is live");
    assert!(!refused.stderr().contains("JPY"), "{refused}");
    pair.run("load --abandon shop $TARGET").assert_success();
    pair.run(&format!("{MOVE} --verbose"))
        .assert_code(5)
        .assert_stderr_contains("under the same code: (CHF), (JPY)");
    assert_eq!(pair.answers("SELECT count(*) FROM ext.words"), ["0"]);
    assert_eq!(pair.answers("SELECT count(*) FROM ext.rates"), ["5"]);
    pair.run("load --abandon shop $TARGET").assert_success();
    pair.run(
        "dump $SOURCE --no-extension-rows | remap-schema --to shop --extensions-schema ext | load $TARGET",
    )
    .assert_success()
    .assert_stderr_contains(
        "rows of the user's in extensions' tables are left out, if there are any: public.labels, public.rates, \
         public.untouched, public.words",
    );
    pair.run(&format!("{PROVE} --no-extension-rows")).assert_success();
    // The target's journal knows what was left out.
    let explained = pair.run(PROVE);
    explained.assert_success();
    let said = String::from_utf8_lossy(explained.stdout());
    assert!(
        said.contains("expected: rows: dump --no-extension-rows  left out"),
        "{explained}"
    );
}

#[test]
fn rights_that_the_role_lacks_are_named_all_at_once() {
    // Fault 24.
    let revoked =
        "REVOKE INSERT ON ext.rates FROM target_owner; REVOKE SELECT, INSERT ON ext.words FROM target_owner;
         ALTER TABLE ext.labels ENABLE ROW LEVEL SECURITY";
    let Some(pair) = Pair::new(&installed(revoked)) else {
        return;
    };
    pair.run(MOVE)
        .assert_code(5)
        .assert_stderr_contains("the role lacks INSERT on ext.rates")
        .assert_stderr_contains("the role lacks SELECT, INSERT on ext.words")
        .assert_stderr_contains("row level security of ext.labels hides rows from the role")
        .assert_stderr_contains("nothing was written");
    // An extension that the load creates itself belongs to the superuser: known only once it is there.
    pair.target
        .execute(&format!(
            "DROP EXTENSION {CONFIGURED}; GRANT CREATE ON SCHEMA ext TO target_owner"
        ))
        .unwrap();
    pair.run(MOVE)
        .assert_code(5)
        .assert_stderr_contains("the role lacks SELECT, INSERT on ext.rates")
        .assert_stderr_contains("nothing is live");
    assert_eq!(pair.answers("SELECT count(*) FROM ext.rates"), ["2"]);
}

#[test]
fn rows_are_asked_for_only_where_they_are_wanted_and_may_be_read() {
    // Fault 24.
    let Some(pair) = Pair::new("") else {
        return;
    };
    let name = pair.source.name();
    let mut admin = pair.source.admin().unwrap();
    admin
        .batch_execute(&format!(
            "CREATE ROLE poor_{name} LOGIN; GRANT SELECT ON t TO poor_{name};
             CREATE ROLE barred_{name} LOGIN; GRANT pg_read_all_data TO barred_{name};
             ALTER TABLE words ENABLE ROW LEVEL SECURITY"
        ))
        .unwrap();
    let dump = |role: &str, options: &str| {
        pair.run(&format!(
            "dump 'dbname=$SOURCE user={role}_{name}' {options} -o kept.tar --force"
        ))
    };
    for (role, tables) in [
        (
            "poor",
            "public.labels, public.rates, public.untouched, public.words",
        ),
        ("barred", "public.words"),
    ] {
        dump(role, "")
            .assert_code(4)
            .assert_stderr_contains(&format!("the role may not read {tables}\n"))
            .assert_stderr_contains("`--no-extension-rows` leaves out");
        for options in ["--no-extension-rows", "--schema public", "--table t"] {
            dump(role, options)
                .assert_success()
                .assert_stderr_contains("public.untouched, public.words");
        }
        dump(role, "--schema-only").assert_success();
        dump(role, "--exclude-table-data labels --exclude-table 'public.[r-u]a*' --exclude-table untouched --exclude-table w*")
            .assert_success()
            .assert_stderr_contains("if there are any: public.labels, public.rates, public.untouched, public.words");
    }
    // Rows that are wanted are locked, whatever else is chosen.
    admin
        .batch_execute("ALTER TABLE words DISABLE ROW LEVEL SECURITY")
        .unwrap();
    let mut holder = pair.source.admin().unwrap();
    let mut held = holder.transaction().unwrap();
    held.batch_execute("LOCK TABLE rates").unwrap();
    for options in ["", "--exclude-table t"] {
        pair.run(&format!(
            "dump $SOURCE {options} --lock-wait-timeout 0.2 -o kept.tar --force"
        ))
        .assert_code(4)
        .assert_stderr_contains("public.rates is held by process");
    }
    pair.run("dump $SOURCE --exclude-table rates --lock-wait-timeout 0.2 -o kept.tar --force")
        .assert_success();
    drop(held);
    let many = "CREATE SCHEMA far; DO $$ BEGIN FOR n IN 11..22 LOOP
        EXECUTE format('CREATE TABLE far.t%s ()', n); END LOOP; END $$";
    admin.batch_execute(many).unwrap();
    dump("poor", "--table 'far.*'")
        .assert_code(4)
        .assert_stderr_contains("far.t20 and 2 more (--verbose names all)\n");
    dump("poor", "--table 'far.*' --verbose")
        .assert_code(4)
        .assert_stderr_contains("\n  far.t21\n  far.t22\n");
    admin
        .batch_execute(&format!(
            "DROP OWNED BY poor_{name}; DROP ROLE poor_{name}, barred_{name}"
        ))
        .unwrap();
}
