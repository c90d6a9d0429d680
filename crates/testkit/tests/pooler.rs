//! A pooler between us and a server: in the modes that give each transaction another session every tool refuses it and
//! leaves nothing behind on its sessions, in session mode all goes as without it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use testkit::{Cluster, Database, Output, Pooler, SOURCE_READER, Skipped, TARGET_OWNER, Tools};

const SOURCE: &str =
    "CREATE TABLE t AS SELECT n AS id, md5(n::text) AS text FROM generate_series(1, 1000) AS n;
    CREATE TABLE other (id integer); CREATE VIEW v AS SELECT count(*) FROM t;";

#[test]
fn a_pooler_that_gives_transactions_other_sessions_is_refused() {
    // Fault 26.
    let every_way = [
        ("dump \"$POOLED_SOURCE\"", 4),
        ("dump \"$SOURCE\" 2>/dev/null | load \"$POOLED_TARGET\"", 5),
        ("assess \"$POOLED_SOURCE\"", 4),
        ("assess \"$SOURCE\" --target \"$POOLED_TARGET\"", 5),
        ("verify \"$POOLED_SOURCE\" \"$TARGET\"", 4),
        ("verify \"$SOURCE\" \"$POOLED_TARGET\"", 5),
        ("load --abandon public \"$POOLED_TARGET\"", 5),
    ];
    for (order, modes, lines) in [
        ("server_round_robin = 0", &["transaction"][..], &every_way[..]),
        (
            "server_round_robin = 1",
            &["transaction", "statement"],
            &every_way[..2],
        ),
    ] {
        let Some(lab) = Lab::new(&[order]) else {
            return;
        };
        for mode in modes {
            lab.warm_up(mode);
            for (line, code) in lines {
                let output = lab.run(line, mode);
                assert_eq!(output.stages().last(), Some(code), "{mode}\n{output}");
                output
                    .assert_stderr_contains("connection pooler that gives each transaction another session")
                    .assert_stderr_contains("hint: connect to the server itself");
                assert_eq!(output.stdout(), b"", "{output}");
            }
            lab.check_untouched(mode);
        }
    }
}

#[test]
fn a_pooler_in_session_mode_is_as_good_as_none() {
    let Some(lab) = Lab::new(&["default_pool_size = 8", "server_reset_query = DISCARD ALL"]) else {
        return;
    };
    for line in [
        "dump \"$POOLED_SOURCE\" | remap-schema --to moved | load \"$POOLED_TARGET\"",
        "verify \"$POOLED_SOURCE\" \"$POOLED_TARGET\" --to moved",
        "assess \"$POOLED_SOURCE\" --target \"$POOLED_TARGET\"",
    ] {
        lab.run(line, "session").assert_success();
    }
    let rows = lab.target.query("SELECT count(*) FROM moved.t").unwrap();
    assert_eq!(rows, ["1000"]);
}

#[test]
fn a_pooler_that_takes_no_options_is_named() {
    let Some(lab) = Lab::new(&["ignore_startup_parameters ="]) else {
        return;
    };
    lab.run("dump \"$POOLED_SOURCE options='-c geqo=off'\"", "session")
        .assert_code(4)
        .assert_stderr_contains("unsupported startup parameter")
        .assert_stderr_contains("hint: a connection pooler answers here");
}

/// A server of its own, a source and a target on it, and a pooler before them.
struct Lab {
    pooler: Pooler,
    source: Database<'static>,
    target: Database<'static>,
}

impl Lab {
    fn new(settings: &[&str]) -> Option<Self> {
        let cluster = Cluster::shared();
        let source = cluster.database("pooled").unwrap();
        source.execute(SOURCE).unwrap();
        let target = cluster.target().unwrap();
        let Some(pooler) = Pooler::start(cluster, &[source.name(), target.name()], settings).unwrap() else {
            let _ = Skipped::because("PgBouncer is not installed");
            return None;
        };
        Some(Lab {
            pooler,
            source,
            target,
        })
    }

    fn run(&self, line: &str, mode: &str) -> Output {
        let pooled = |database: &Database<'_>, user| self.pooler.conninfo(database.name(), mode, user);
        Tools::locate()
            .shell(line)
            .env("SOURCE", self.source.source())
            .env("TARGET", self.target.target())
            .env("POOLED_SOURCE", pooled(&self.source, SOURCE_READER))
            .env("POOLED_TARGET", pooled(&self.target, TARGET_OWNER))
            .run()
    }

    /// Two sessions at work at the same time, so that the pool has two of the server's.
    fn warm_up(&self, mode: &str) {
        let sleep = "(psql -Xq \"$POOLED_SOURCE\" -c 'SELECT pg_sleep(0.05)'; psql -Xq \"$POOLED_TARGET\" -c 'SELECT pg_sleep(0.05)') >/dev/null";
        self.run(&format!("{sleep} & {sleep}; wait"), mode)
            .assert_success();
    }

    /// Whoever gets the pool's sessions next finds them as they were, and the target holds no lock and no object.
    fn check_untouched(&self, mode: &str) {
        for endpoint in ["$POOLED_SOURCE", "$POOLED_TARGET"] {
            let show = "-c 'SHOW search_path' ".repeat(3);
            let output = self.run(&format!("psql -XAtq \"{endpoint}\" {show}"), mode);
            assert_eq!(
                output.assert_success().stdout_text(),
                "\"$user\", public\n".repeat(3),
                "{output}"
            );
        }
        let left = "SELECT nspname FROM pg_namespace WHERE nspname = 'coalesce'
            UNION ALL SELECT locktype FROM pg_locks WHERE locktype = 'advisory'";
        assert_eq!(self.target.query(left).unwrap(), [""; 0]);
    }
}
