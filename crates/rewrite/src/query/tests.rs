//! What is told of statements by their text alone.

use super::*;

#[track_caller]
fn read(sql: &str) -> Query {
    Query::read(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

#[test]
fn statements_that_do_more_than_read_are_refused() {
    for (sql, expected) in [
        ("INSERT INTO t VALUES (1)", "INSERT is no query"),
        ("EXPLAIN SELECT 1", "EXPLAIN is no query"),
        ("SET search_path = x", "SET is no query"),
        ("COPY t TO '/tmp/x'", "COPY is no query"),
        ("SELECT 1; SELECT 2", "it is not one statement"),
        (
            "WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a",
            "it writes (DELETE)",
        ),
        ("SELECT * INTO z FROM t", "it writes (INTO)"),
        (
            "SELECT * FROM t WHERE a IN (SELECT b FROM u FOR SHARE)",
            "it locks rows (FOR UPDATE or its like)",
        ),
        (
            "SELECT pg_catalog.nextval('s')",
            "it calls nextval(), which does more than to read",
        ),
        (
            "SELECT * FROM pg_logical_slot_get_changes('s', NULL, NULL)",
            "it calls pg_logical_slot_get_changes(), which does more than to read",
        ),
        (
            "SELECT \"pg_advisory_lock\"(1)",
            "it calls pg_advisory_lock(), which does more than to read",
        ),
    ] {
        assert_eq!(
            Query::read(sql).map_err(|it| it.to_string()),
            Err(expected.to_owned()),
            "{sql}"
        );
    }
    for sql in [
        "SELECT 1;",
        "TABLE t",
        "VALUES (1)",
        "(SELECT 1)",
        "WITH a AS (SELECT 1) TABLE a",
        "SELECT 1 UNION SELECT 2",
    ] {
        read(sql);
    }
}

#[test]
fn parameters_get_their_values_and_strings_keep_what_looks_like_one() {
    let query = read("SELECT '$1', $2, $1 + $1 -- $3\n");
    assert_eq!(query.parameters(), 2);
    let values = ["'a'::text".to_owned(), "1".to_owned()];
    assert_eq!(
        query.with_values(&values),
        "SELECT '$1', (1), ('a'::text) + ('a'::text)"
    );
}

#[test]
fn order_and_limit_of_the_whole_are_told_from_those_of_parts() {
    assert!(read("(SELECT 1 ORDER BY 1)").is_ordered());
    assert!(read("SELECT 1 UNION SELECT 2 ORDER BY 1").is_ordered());
    assert!(!read("SELECT * FROM (SELECT 1 ORDER BY 1) x").is_ordered());
    assert!(!read("SELECT array_agg(a ORDER BY b) FROM t").is_ordered());
    let ties = read("SELECT a FROM t ORDER BY a LIMIT 5 OFFSET 2;").with_ties();
    let ties = ties.map(|it| it.split_whitespace().collect::<Vec<_>>().join(" "));
    assert_eq!(
        ties.as_deref(),
        Some("SELECT a FROM t ORDER BY a FETCH FIRST ((2)::bigint + (5)::bigint) ROWS WITH TIES")
    );
    let within = read("(SELECT a FROM t ORDER BY a LIMIT 5)").with_ties();
    assert_eq!(
        within.as_deref(),
        Some("(SELECT a FROM t ORDER BY a \nFETCH FIRST (5) ROWS WITH TIES)")
    );
    assert_eq!(read("SELECT a FROM t LIMIT 5").with_ties(), None);
    assert!(!read("SELECT a FROM t ORDER BY a LIMIT ALL").is_cut());
    assert!(read("SELECT a FROM t ORDER BY a FETCH FIRST ROW ONLY").is_cut());
}

#[test]
fn rows_are_ranked_by_what_the_statement_orders_them_by() {
    let columns = ["a".to_owned(), "c".to_owned()];
    let ranked = read("SELECT a, b + 1 AS c FROM t ORDER BY c DESC NULLS LAST, 1, lower(b)").ranked(&columns);
    assert_eq!(
        ranked.as_deref(),
        Some(
            "SELECT q.c1, q.c2, pg_catalog.dense_rank() OVER (ORDER BY q.c2 DESC NULLS LAST, q.c1 , q.c3 ) FROM (\n\
             SELECT a, b + 1 AS c, lower(b) FROM t ORDER BY c DESC NULLS LAST, 1, lower(b)\n) AS q (c1, c2, c3)"
        )
    );
    assert!(
        read("SELECT DISTINCT t.a, c FROM t ORDER BY t.a")
            .ranked(&columns)
            .is_some()
    );
    assert_eq!(
        read("SELECT DISTINCT a, c FROM t ORDER BY lower(a)").ranked(&columns),
        None
    );
}

#[test]
fn what_is_left_to_chance_is_named() {
    for (sql, expected) in [
        ("SELECT a FROM t ORDER BY a LIMIT 1", None),
        ("SELECT a FROM t LIMIT 1", Some(Chance::UnorderedLimit)),
        (
            "SELECT * FROM (SELECT a FROM t ORDER BY a LIMIT 1) x",
            Some(Chance::InnerLimit),
        ),
        (
            "SELECT DISTINCT ON (a) * FROM t ORDER BY a",
            Some(Chance::DistinctOn),
        ),
        (
            "SELECT array_agg(a) FROM t",
            Some(Chance::Aggregate("array_agg".to_owned())),
        ),
        ("SELECT array_agg(a ORDER BY a) FROM t", None),
        (
            "SELECT row_number() OVER (ORDER BY a) FROM t",
            Some(Chance::Window("row_number".to_owned())),
        ),
        ("SELECT rank() OVER (ORDER BY a) FROM t", None),
        ("SELECT * FROM t TABLESAMPLE system (1)", Some(Chance::Sample)),
        (
            "SELECT pg_total_relation_size('t')",
            Some(Chance::Place("pg_total_relation_size".to_owned())),
        ),
        (
            "SELECT Current_User",
            Some(Chance::Place("current_user".to_owned())),
        ),
        ("SELECT t.ctid FROM t", Some(Chance::Place("ctid".to_owned()))),
        ("SELECT \"current_user\", size FROM t", None),
    ] {
        assert_eq!(read(sql).chances(), expected.as_slice(), "{sql}");
    }
}
