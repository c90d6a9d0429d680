//! What PostgreSQL 15 makes of expressions as we write them.

use super::*;

fn check(here: &str, there: &str, expected: Said) {
    let said = said_by_server(&format!("SELECT {here}"), &format!("SELECT {there}"));
    assert_eq!(said, expected, "{here} and {there}");
}

#[test]
fn the_servers_own_words_say_the_same() {
    for (here, there) in [
        ("(i > '0.5'::numeric)", "((i)::numeric > 0.5)"),
        ("(r >= '-1.0'::double precision)", "(r >= '-1'::double precision)"),
        (
            "'9007199254740992.0'::double precision",
            "'9.007199254740992e+15'::double precision",
        ),
        ("10000000000", "'10000000000'::bigint"),
        (
            "(x NOT IN ('a', 'b')) AND b IN (1)",
            "((x <> ALL (ARRAY['a'::text, 'b'::text])) AND (b = 1))",
        ),
        (
            "n BETWEEN 0 AND 100",
            "((n >= (0)::numeric) AND (n <= (100)::numeric))",
        ),
        (
            "x NOT LIKE 'a%' || 'b' || y",
            "(x !~~ (('a%'::text || 'b'::text) || y))",
        ),
        (
            "d IS NOT DISTINCT FROM t + '+90 minute'::interval",
            "(NOT (d IS DISTINCT FROM (t + '01:30:00'::interval)))",
        ),
        ("CASE WHEN b THEN d END", "CASE WHEN b THEN d ELSE NULL::date END"),
        ("(j -> 'list'::text ->> 1)", "((j -> 'list'::text) ->> 1)"),
        ("x ~ E'^a\\\\.*$'::text", "(x ~ '^a\\.*$'::text)"),
        ("a COLLATE pg_catalog.\"C\" AS a", "(a COLLATE \"C\") AS a"),
        (
            "p.code AS code, count(*)::bigint AS n FROM s.p AS p",
            "p.code, count(*) AS n FROM s.p p",
        ),
        ("code AS code FROM s.p", "p.code FROM s.p"),
    ] {
        check(here, there, Said::Same);
    }
}

#[test]
fn other_words_do_not() {
    for (here, there, expected) in [
        ("i > 5", "(i > 6)", Said::Otherwise),
        ("i > 1.50", "(i > 1.5)", Said::Otherwise),
        ("'a'", "'A'::text", Said::Otherwise),
        ("i > k", "(i > n)", Said::Otherwise),
        ("i > k", "(i >= k)", Said::Unknown),
        ("(i + 1) * k", "(i + (1 * k))", Said::Unknown),
        ("a AND (b OR c)", "((a AND b) OR c)", Said::Unknown),
        ("p.id FROM p, q", "q.id FROM p, q", Said::Unknown),
        ("x::text", "(x)::date", Said::Unknown),
        ("lower(x)", "upper(x)", Said::Unknown),
    ] {
        check(here, there, expected);
    }
}
