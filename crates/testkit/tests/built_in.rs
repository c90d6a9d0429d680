//! The lists of built-in names, against the server's own catalog.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use rewrite::built_in;
use testkit::Cluster;

#[test]
fn every_name_of_pg_catalog_is_listed() {
    check(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace",
        built_in::is_routine,
    );
    check(
        "SELECT typname FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace",
        built_in::is_type,
    );
    check(
        "SELECT oprname FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace",
        built_in::is_operator,
    );
    check(
        "SELECT relname FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind IN ('r', 'v')",
        built_in::is_relation,
    );
    check(
        "SELECT cfgname FROM pg_ts_config WHERE cfgnamespace = 'pg_catalog'::regnamespace
         UNION SELECT dictname FROM pg_ts_dict WHERE dictnamespace = 'pg_catalog'::regnamespace
         UNION SELECT prsname FROM pg_ts_parser WHERE prsnamespace = 'pg_catalog'::regnamespace
         UNION SELECT tmplname FROM pg_ts_template WHERE tmplnamespace = 'pg_catalog'::regnamespace",
        built_in::is_text_search,
    );
    check(
        "SELECT word FROM pg_get_keywords() WHERE catcode IN ('C', 'R')",
        |word| built_in::is_routine(word) && built_in::is_type(word),
    );
}

/// Every name that `query` returns is one by `is_listed`.
#[track_caller]
fn check(query: &str, is_listed: fn(&str) -> bool) {
    let names = Cluster::shared().database("names").unwrap().query(query).unwrap();
    let missing: Vec<_> = names.iter().filter(|it| !is_listed(it)).collect();
    assert!(!names.is_empty() && missing.is_empty(), "{missing:?}");
}
