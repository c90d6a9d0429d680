//! What is refused, or doubted, before anything is written.

use serde_json::{Value, json};
use testkit::{Cluster, Desk};

use crate::{MERGE, WIKI, desk_with_archives, orders, plan, users};

/// Merging these is refused with these words, and nothing is written.
#[track_caller]
fn check_refused(desk: &Desk, merges: &Value, words: &[&str]) {
    plan(desk, merges);
    let refused = desk.run(&format!("{MERGE} -o refused.tar"));
    assert_eq!(refused.code(), Some(2), "{}", refused.stderr());
    for word in words {
        assert!(
            refused.stderr().contains(word),
            "{word} is not in\n{}",
            refused.stderr()
        );
    }
    assert!(!desk.path("refused.tar").exists());
}

#[test]
fn what_cannot_be_merged_is_refused_by_name_before_anything_is_written() {
    let desk = desk_with_archives();
    let offsets = json!({"crm": 0, "wiki": 1_000_000, "file": 2_000_000});
    let two =
        |one: &str, other: &str| json!([{"source": "crm", "table": one}, {"source": "wiki", "table": other}]);
    let as_is = |tables: Value| json!([{"into": "app.t", "tables": tables, "keys": "as-is"}]);
    check_refused(
        &desk,
        &json!([users(&json!({}))]),
        &["merges[0].offsets", "source `crm` has no offset"],
    );
    check_refused(
        &desk,
        &as_is(two("public.users", "public.nobody")),
        &["source `wiki` has no table public.nobody"],
    );
    // Two types that no type holds.
    let total = json!([{"into": "app.orders", "keys": "as-is", "tables": [
        {"source": "crm", "table": "public.orders"}, {"source": "file", "table": "public.orders"}]},
        users(&json!({"offsets": offsets}))]);
    check_refused(
        &desk,
        &total,
        &[
            "app.orders.total would be both numeric(10,2) and double precision",
            "`columns`",
        ],
    );
    // A table that nobody merges, to which rows of another source cannot refer.
    let alone = json!([orders(&json!({"keys": "as-is"}))]);
    check_refused(
        &desk,
        &alone,
        &["app.orders.user_id refers to crm.users", "merge that table too"],
    );
    check_refused(
        &desk,
        &json!([users(&json!({"offsets": offsets, "dedupe": ["phone"]}))]),
        &["has no column phone"],
    );
    // A table of another source that has the name already.
    let pages = json!([{"into": "wiki.pages", "tables": [{"source": "crm", "table": "public.logins"}], "keys": "as-is"}]);
    check_refused(
        &desk,
        &pages,
        &["table wiki.pages of source `wiki` has the name of a table"],
    );
    check_refused(
        &desk,
        &json!([users(&json!({"keys": "uuid"}))]),
        &["it becomes no UUID"],
    );
    let wide = json!({"offsets": {"crm": 3_000_000_000_i64, "wiki": 0, "file": 1}});
    check_refused(
        &desk,
        &json!([users(&wide)]),
        &["crm.logins.user_id of source `crm` has type integer"],
    );

    let wiki = Cluster::shared().database("wiki").unwrap();
    wiki.execute(WIKI).unwrap();
    wiki.execute(
        "CREATE TABLE parted (id integer NOT NULL) PARTITION BY RANGE (id);
         CREATE TABLE parted_1 PARTITION OF parted DEFAULT;
         CREATE TABLE heir () INHERITS (pages)",
    )
    .unwrap();
    std::fs::remove_file(desk.path("wiki.tar")).unwrap();
    desk.run(&format!("dump {} -o wiki.tar", wiki.name()))
        .assert_success();
    check_refused(
        &desk,
        &as_is(two("public.logins", "public.parted")),
        &["public.parted of source `wiki` is partitioned"],
    );
    check_refused(
        &desk,
        &as_is(two("public.logins", "public.pages")),
        &["inherited from"],
    );
    // Its rows would have to follow, and heirs cannot.
    check_refused(
        &desk,
        &json!([users(&json!({"offsets": offsets}))]),
        &["wiki.pages of source `wiki` refers to a merged table"],
    );
}

#[test]
fn archives_that_dump_did_not_write_are_refused() {
    let desk = desk_with_archives();
    plan(&desk, &json!([users(&json!({"keys": "as-is"}))]));
    for line in [
        "remap-schema --to x wiki.tar -o named.tar".to_owned(),
        format!("{MERGE} -o merged.tar"),
    ] {
        desk.run(&line).assert_success();
    }
    for (given, words) in [
        (
            "crm=crm.tar wiki=named.tar file=file",
            "has new names or keys already",
        ),
        (
            "crm=crm.tar wiki=merged.tar file=file",
            "is merged of several sources already",
        ),
        ("crm=crm.tar wiki=wiki.tar", "give file=ARCHIVE too"),
        ("crm=crm.tar wiki=wiki.tar file=-", "cannot come from stdin"),
        ("crm.tar", "is no NAME=ARCHIVE"),
        ("crm=crm.tar crm=crm.tar", "given twice"),
        (
            "crm=crm.tar wiki=wiki.tar file=file other=crm.tar",
            "no source `other`",
        ),
    ] {
        let refused = desk.run(&format!(
            "remap-schema --merge --plan plan.json {given} -o refused.tar"
        ));
        assert_eq!(refused.code(), Some(2), "{given}: {}", refused.stderr());
        assert!(refused.stderr().contains(words), "{given}: {}", refused.stderr());
    }
}

#[test]
fn doubts_of_merging_are_findings_where_asked_for() {
    let desk = desk_with_archives();
    plan(&desk, &json!([users(&json!({"keys": "as-is"}))]));
    let strict = desk.run(&format!("{MERGE} --strict -o strict.tar"));
    assert_eq!(strict.code(), Some(1), "{}", strict.stderr());
    assert!(!desk.path("strict.tar").exists());
    for words in [
        "view crm.grown of source `crm` mentions app.users",
        "trigger touch on app.users of source `crm` is not made",
    ] {
        assert!(
            strict.stderr().contains(words),
            "{words} is not in\n{}",
            strict.stderr()
        );
    }
}
