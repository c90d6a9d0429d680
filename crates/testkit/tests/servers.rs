//! Servers that refuse, roles that may not, sessions that are ended by others, and work that meets other work.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::sync::OnceLock;

use testkit::{Cluster, Database, Output, Tools};

mod remains;

/// About 30 MiB of rows.
const SOURCE: &str = "
CREATE TABLE big AS SELECT n AS id, md5(n::text) AS one, repeat('x', 60) AS filler
  FROM generate_series(1, 250000) AS n;
CREATE TABLE odd (at timestamptz, span interval, bytes bytea, ratio float8, price numeric, day date);
INSERT INTO odd SELECT '2024-02-29 12:00+00'::timestamptz + n * interval '1 hour', n * interval '-1 day 3 hours',
  decode(md5(n::text), 'hex'), n / 7.0::float8, n / 3.0, date '2024-01-31' + n FROM generate_series(1, 50) AS n;";

#[test]
fn a_session_of_dump_ended_by_an_administrator_truncates_the_archive() {
    // Faults 12 and 19.
    let lab = Lab::new();
    let terminate = lab.terminate("mine", source().name());
    let line = format!(
        "dump --chunk-size 1 \"$SOURCE application_name=mine\" | {terminate} | remap-schema --to big | load \"$TARGET\""
    );
    let output = lab.run(&line);
    output.assert_stages(&[4, 0, 6, 6]);
    output
        .assert_stderr_contains("archive is truncated")
        .assert_stderr_contains("public.big");
    lab.check_way_back(&output);
}

#[test]
fn endpoints_that_do_not_answer_are_named() {
    // Fault 20.
    let lab = Lab::new();
    let host = Cluster::shared().root().display().to_string();
    for (endpoint, words) in [
        ("host=/nowhere dbname=shop".to_owned(), "/nowhere"),
        ("host=127.0.0.1 port=1 dbname=shop".to_owned(), "127.0.0.1"),
        (
            format!("host={host} port=5432 user=source_reader dbname=nothing_here"),
            "nothing_here",
        ),
        (
            format!("host={host} port=5432 user=nobody_here dbname=postgres"),
            "nobody_here",
        ),
    ] {
        for (line, code) in [
            ("dump \"$ENDPOINT\"", 4),
            ("assess \"$ENDPOINT\"", 4),
            ("verify \"$ENDPOINT\" \"$TARGET\"", 4),
            ("verify \"$SOURCE\" \"$ENDPOINT\"", 5),
            ("load \"$ENDPOINT\" few.tar", 5),
            ("load --abandon x \"$ENDPOINT\"", 5),
        ] {
            let output = lab.shell(line).env("ENDPOINT", &endpoint).run();
            output
                .assert_code(code)
                .assert_stderr_contains(words)
                .assert_stderr_contains("hint: ");
            assert_eq!(output.stdout(), b"", "{output}");
        }
    }
}

#[test]
fn a_password_is_never_shown() {
    // Fault 49.
    let rules = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile()
        .unwrap();
    std::fs::write(
        rules.path(),
        "local all locked scram-sha-256\nlocal all all trust\n",
    )
    .unwrap();
    let cluster = Cluster::start_with(&[("hba_file", &rules.path().display().to_string())]).unwrap();
    let source = cluster.database("locked").unwrap();
    source
        .execute(
            "CREATE ROLE locked LOGIN PASSWORD 'Sesame-right'; GRANT pg_read_all_data TO locked;
             CREATE TABLE t AS SELECT 1 AS id",
        )
        .unwrap();
    source
        .execute(&format!("GRANT CREATE ON DATABASE {} TO locked", source.name()))
        .unwrap();
    let (lab, endpoint) = (Lab::new(), source.conninfo("locked"));
    for (line, password, code) in [
        ("dump \"$LOCKED password=Sesame-wrong\"", "", 4),
        ("dump \"$LOCKED\"", "Sesame-wrong", 4),
        ("dump \"$LOCKED\"", "", 4),
        ("load --verbose \"$LOCKED\" few.tar", "Sesame-wrong", 5),
        ("assess --verbose \"$LOCKED password=Sesame-right\"", "", 0),
        ("verify --verbose \"$LOCKED\" \"$LOCKED\"", "Sesame-right", 0),
        (
            "head -c -1500 few.tar | load \"$LOCKED password=Sesame-right\"",
            "",
            6,
        ),
        ("load --abandon few \"$LOCKED\"", "Sesame-right", 0),
        (
            "dump --verbose \"$LOCKED\" | tee archive.tar | wc -c",
            "Sesame-right",
            0,
        ),
        ("grep -aqi sesame archive.tar", "", 1),
    ] {
        let mut shell = lab.shell(line).env("LOCKED", &endpoint);
        if !password.is_empty() {
            shell = shell.env("PGPASSWORD", password);
        }
        let output = shell.run();
        output.assert_code(code);
        let shown = output.stderr() + &output.stdout_text();
        assert!(!shown.contains("Sesame"), "the password is shown\n{output}");
        if code == 4 || code == 5 {
            output
                .assert_stderr_contains("password")
                .assert_stderr_contains("locked");
        }
    }
}

#[test]
fn a_reader_without_privileges_is_told_what_it_lacks() {
    // Fault 24.
    let lab = Lab::new();
    lab.target.execute("CREATE ROLE stranger LOGIN").unwrap();
    let line = format!("dump \"{}\" | load \"$TARGET\"", source().conninfo("stranger"));
    let output = lab.run(&line);
    output
        .assert_stages(&[4, 6])
        .assert_stderr_contains("the role may not read public.big, public.odd");
    output.assert_stderr_contains("pg_read_all_data");
    assert_eq!(remains::states(&lab.target), [""; 0]);
}

#[test]
fn rows_that_a_policy_hides_are_an_error() {
    // Fault 41.
    let lab = Lab::new();
    let secret = Cluster::shared().database("secret").unwrap();
    secret
        .execute(
            "CREATE TABLE t AS SELECT n AS id FROM generate_series(1, 10) AS n;
             ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY low ON t USING (id < 5)",
        )
        .unwrap();
    let line = format!(
        "dump \"{}\" | remap-schema --to big | load \"$TARGET\"",
        secret.source()
    );
    let output = lab.run(&line);
    output
        .assert_stages(&[4, 6, 6])
        .assert_stderr_contains("row level security would hide rows");
    remains::assert_nothing_live(&lab.target, "big", &output);
    let line = format!("verify \"{}\" \"$TARGET\"", secret.source());
    lab.run(&line)
        .assert_code(4)
        .assert_stderr_contains("row-level security policy");
}

#[test]
fn settings_of_a_role_or_database_change_nothing() {
    // Fault 51.
    let lab = Lab::new();
    let line = "dump --rows csv \"$SOURCE\" | { head -c 1000000; sleep 1.5; cat; } >copy.tar; \
                verify --archive copy.tar | grep -v -e ^archive -e ^verify -e ^sha256 | sort >\"$REPORT\"";
    lab.shell(line).env("REPORT", "before").run().assert_success();
    let name = source().name();
    let settings = [
        "statement_timeout = '700ms'",
        "search_path = 'nowhere'",
        "\"DateStyle\" = 'German'",
        "\"TimeZone\" = 'Asia/Kathmandu'",
        "\"IntervalStyle\" = 'sql_standard'",
        "bytea_output = 'escape'",
        "extra_float_digits = -5",
        "client_encoding = 'LATIN1'",
        "row_security = on",
        "default_transaction_read_only = on",
        "default_transaction_isolation = 'serializable'",
        "idle_in_transaction_session_timeout = '700ms'",
    ];
    let sql = settings
        .map(|it| format!("ALTER DATABASE {name} SET {it}"))
        .join(";");
    source().execute(&sql).unwrap();
    let after = lab.shell(line).env("REPORT", "after").run();
    // From elsewhere, since in the database itself everything is read-only now.
    lab.target
        .execute(&format!("ALTER DATABASE {name} RESET ALL"))
        .unwrap();
    after.assert_success();
    lab.run("grep -c . before && diff before after").assert_success();
}

#[test]
fn a_target_that_does_not_fit_is_left_untouched() {
    // Faults 23, 24 and 32.
    let lab = Lab::new();
    let guest = "CREATE ROLE guest LOGIN";
    lab.target.execute(guest).unwrap();
    let as_guest = lab.target.conninfo("guest");
    lab.check_unfit(
        &format!("load \"{as_guest}\" few.tar"),
        "role guest lacks CREATE on the database",
    );

    lab.target
        .execute("CREATE SCHEMA few CREATE TABLE theirs (id integer)")
        .unwrap();
    lab.check_unfit(
        "load \"$TARGET\" few.tar",
        "schema few exists and holds 1 objects",
    );
    lab.target
        .execute("DROP TABLE few.theirs; CREATE FUNCTION few.f() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        .unwrap();
    lab.check_unfit(
        "load \"$TARGET\" few.tar",
        "schema few exists and holds 1 objects",
    );
    lab.target.execute("DROP SCHEMA few CASCADE").unwrap();

    let extended = Cluster::shared().database("extended").unwrap();
    extended
        .execute("CREATE EXTENSION dblink; CREATE TABLE t (id integer)")
        .unwrap();
    let line = format!(
        "dump \"{}\" | remap-schema --to few | load \"$TARGET\"",
        extended.source()
    );
    lab.check_unfit(&line, "extension dblink is not trusted");

    lab.target
        .execute(&format!(
            "ALTER DATABASE {} SET default_transaction_read_only = on",
            lab.target.name()
        ))
        .unwrap();
    lab.check_unfit("load \"$TARGET\" few.tar", "read-only");
}

#[test]
fn a_sqlite_file_is_no_target() {
    let lab = Lab::new();
    std::fs::write(lab.folder.path().join("file.sqlite"), b"SQLite format 3\0").unwrap();
    lab.run("load file.sqlite few.tar")
        .assert_code(2)
        .assert_stderr_contains("SQLite file");
    lab.run("verify \"$SOURCE\" file.sqlite")
        .assert_code(2)
        .assert_stderr_contains("SQLite file");
}

#[test]
fn too_few_connections_are_named() {
    // Fault 21.
    let lab = Lab::new();
    lab.target
        .execute(&format!(
            "CREATE ROLE lonely LOGIN CONNECTION LIMIT 1; GRANT pg_read_all_data TO lonely;
             GRANT CREATE ON DATABASE {} TO lonely",
            lab.target.name()
        ))
        .unwrap();
    let output = lab.run(&format!(
        "dump --jobs 2 \"{}\" -o x.tar",
        source().conninfo("lonely")
    ));
    output
        .assert_code(4)
        .assert_stderr_contains("too many connections for role \"lonely\"");
    let target = lab.target.conninfo("lonely");
    let output = lab.run(&format!("load --jobs 2 \"{target}\" few.tar"));
    output
        .assert_code(5)
        .assert_stderr_contains("too many connections for role \"lonely\"");
    output.assert_stderr_contains("nothing was written");
    assert!(remains::states(&lab.target).is_empty(), "{output}");
}

/// A target and a folder of its own for each test, with a small archive `few.tar`; the source is one for all.
struct Lab {
    tools: Tools,
    target: Database<'static>,
    folder: tempfile::TempDir,
}

impl Lab {
    fn new() -> Self {
        let lab = Lab {
            tools: Tools::locate(),
            target: Cluster::shared().target().unwrap(),
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::write(lab.folder.path().join("few.tar"), few()).unwrap();
        lab
    }

    fn shell(&self, line: &str) -> testkit::Shell {
        self.tools
            .shell(line)
            .env("SOURCE", source().source())
            .env("TARGET", self.target.target())
            .current_dir(self.folder.path())
    }

    fn run(&self, line: &str) -> Output {
        self.shell(line).run()
    }

    /// A stage that ends all sessions of `application` in `database` when six megabytes have passed.
    fn terminate(&self, application: &str, database: &str) -> String {
        let sql = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = '{application}' AND datname = '{database}'"
        );
        let admin = self.target.conninfo(testkit::POSTGRES);
        format!("{{ head -c 6000000; psql -Xq \"{admin}\" -c \"{sql}\" >/dev/null; cat; }}")
    }

    #[track_caller]
    fn check_way_back(&self, failed: &Output) {
        remains::assert_nothing_live(&self.target, "big", failed);
        assert_eq!(
            remains::states(&self.target),
            ["loading"],
            "the load had not begun\n{failed}"
        );
        remains::abandon(&self.tools, &self.target, "big");
        self.run("dump \"$SOURCE\" | remap-schema --to big | load \"$TARGET\"")
            .assert_success();
        assert_eq!(
            self.target.query("SELECT count(*) FROM big.big").unwrap(),
            ["250000"]
        );
    }

    /// The load is refused with these words before it has written so much as its journal.
    #[track_caller]
    fn check_unfit(&self, line: &str, words: &str) {
        let objects = || {
            self.target
                .query("SELECT oid FROM pg_class UNION ALL SELECT oid FROM pg_namespace")
                .unwrap()
        };
        let before = objects();
        let output = self.run(line);
        assert_eq!(output.stages().last(), Some(&5), "{output}");
        output
            .assert_stderr_contains(words)
            .assert_stderr_contains("nothing was written");
        assert_eq!(objects(), before, "{output}");
    }
}

fn source() -> &'static Database<'static> {
    static DATABASE: OnceLock<Database<'static>> = OnceLock::new();
    DATABASE.get_or_init(|| {
        let database = Cluster::shared().database("big").unwrap();
        database.execute(SOURCE).unwrap();
        database
    })
}

/// An archive of ten rows, which becomes schema `few`.
fn few() -> &'static [u8] {
    static ARCHIVE: OnceLock<Vec<u8>> = OnceLock::new();
    ARCHIVE.get_or_init(|| {
        let database = Cluster::shared().database("few").unwrap();
        database
            .execute("CREATE TABLE few AS SELECT n AS id FROM generate_series(1, 10) AS n")
            .unwrap();
        let output = Tools::locate()
            .shell("dump \"$SOURCE\" | remap-schema --to few")
            .env("SOURCE", database.source())
            .run();
        output.assert_success().stdout().to_vec()
    })
}
