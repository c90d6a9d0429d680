//! What a load that failed leaves on its target, and the way back from it.

use std::time::{Duration, Instant};

use testkit::{Database, Output, Tools};

/// A session of a process that was killed ends when its server next looks at the connection.
const SERVER_NOTICES_WITHIN: Duration = Duration::from_secs(20);

/// Panics when anyone but the owner may reach `schema`, or when the journal calls its load live.
#[track_caller]
pub(crate) fn assert_nothing_live(target: &Database, schema: &str, context: &Output) {
    let reached = target
        .query(&format!(
            "SELECT grantee::regrole, privilege_type FROM pg_namespace, aclexplode(nspacl)
             WHERE nspname = '{schema}' AND grantee <> nspowner"
        ))
        .unwrap();
    assert!(reached.is_empty(), "{schema} is open to {reached:?}\n{context}");
    assert!(
        !states(target).iter().any(|it| it == "live"),
        "the journal says live\n{context}"
    );
}

/// The states of all runs in the journal, the oldest first.
pub(crate) fn states(target: &Database) -> Vec<String> {
    let journal = target
        .query("SELECT to_regclass('coalesce.run') IS NOT NULL")
        .unwrap();
    if journal == ["f"] {
        return Vec::new();
    }
    target
        .query("SELECT state FROM coalesce.run ORDER BY id")
        .unwrap()
}

/// Removes what an unfinished load left, and makes sure that nothing is left then. Where the failure came
/// before anything was written, there is nothing to remove, and `load` must say so.
#[track_caller]
pub(crate) fn abandon(tools: &Tools, target: &Database, schema: &str) {
    let unfinished = states(target).iter().any(|it| it == "loading");
    let deadline = Instant::now() + SERVER_NOTICES_WITHIN;
    let output = loop {
        let output = tools
            .shell(&format!("load --abandon {schema} \"$TARGET\""))
            .env("TARGET", target.target())
            .run();
        let is_held = output.stderr().contains("another load is writing");
        if !is_held || Instant::now() > deadline {
            break output;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    if unfinished {
        output.assert_success();
    } else {
        output
            .assert_code(5)
            .assert_stderr_contains("no unfinished load wrote");
    }
    let left = target
        .query(&format!(
            "SELECT nspname FROM pg_namespace WHERE nspname = '{schema}'"
        ))
        .unwrap();
    assert!(left.is_empty(), "{schema} is still there\n{output}");
    if unfinished {
        assert_eq!(
            target.query("SELECT count(*) FROM coalesce.chunk").unwrap(),
            ["0"],
            "{output}"
        );
    }
}
