//! SQL that changes a database stands in `load` alone: every other tool works on a standby, with a role that
//! may only read.

use super::Finding;
use super::source::RustFile;

/// Where such SQL may stand, each with its reason.
const ALLOWED: [(&str, &str); 20] = [
    ("load", "it is the one tool that writes"),
    (
        "verify/src/isolation/closing.rs",
        "it tells people what to run, and has no client to run it with",
    ),
    ("crates/testkit", "throwaway servers are there to be changed"),
    ("xtask", "its demonstration makes its own sources"),
    (
        "crates/rewrite",
        "it reads and writes SQL as text, and reaches no server",
    ),
    (
        "crates/dialect",
        "it translates SQL as text, and reaches no server",
    ),
    (
        "crates/database/src/sqlite/ddl.rs",
        "it renders a source's tables into the archive",
    ),
    (
        "crates/database/src/sqlite/scratch.rs",
        "it fills tables of SQLite's own temporary database, and a source is open for reading alone",
    ),
    (
        "crates/database/src/sqlite/source/salvage",
        "it puts what a damaged file still holds into a temporary one",
    ),
    (
        "crates/database/src/sqlite/program_ddl.rs",
        "it renders a source's views and triggers into the archive",
    ),
    (
        "crates/database/src/sqlite/view_names.rs",
        "its database is its own, in memory, and has no rows",
    ),
    (
        "crates/database/src/sqlite/definitions.rs",
        "it writes down what a target should define, and nobody runs it",
    ),
    (
        "crates/catalog/src/changes.rs",
        "it renders statements for an archive, and reaches no server",
    ),
    (
        "crates/conversion/src/definitions.rs",
        "it writes down what a target should define, and nobody runs it",
    ),
    (
        "crates/database/src/postgres/inventory/index_text.rs",
        "it writes down what a key's index is, and nobody runs it",
    ),
    (
        "crates/database/src/postgres/definitions",
        "it writes down what is defined, and nobody runs it",
    ),
    (
        "remap",
        "a filter writes SQL for another program, and reaches no server",
    ),
    (
        "assess/src/conflicts",
        "it tells people what to run, and has no client to run it with",
    ),
    (
        "assess/src/readiness/ways_out.rs",
        "it tells people what to run, and has no client to run it with",
    ),
    (
        "verify/src/report/repair",
        "it writes a file that people run, and has no client to run it with",
    ),
];

/// What `CREATE`, `ALTER` and `DROP` are followed by when they are statements and not words.
const OBJECTS: [&str; 32] = [
    "AGGREGATE",
    "CAST",
    "COLLATION",
    "CONSTRAINT",
    "DATABASE",
    "DEFAULT",
    "DOMAIN",
    "EVENT",
    "EXTENSION",
    "FUNCTION",
    "GLOBAL",
    "INDEX",
    "LOCAL",
    "MATERIALIZED",
    "OPERATOR",
    "OR",
    "POLICY",
    "PROCEDURE",
    "PUBLICATION",
    "ROLE",
    "RULE",
    "SCHEMA",
    "SEQUENCE",
    "SERVER",
    "STATISTICS",
    "TABLE",
    "TEMP",
    "TEMPORARY",
    "TRIGGER",
    "TYPE",
    "UNIQUE",
    "VIEW",
];

/// Words of a hint that tells people what to type; no statement of ours has them.
const PROSE: [&str; 5] = ["its", "that", "the", "this", "when"];

pub(super) fn in_strings(file: &RustFile) -> Vec<Finding> {
    if ALLOWED.iter().any(|(place, _)| file.is_in(place)) {
        return Vec::new();
    }
    let hits = file.strings.iter().filter(|it| !file.is_test(it.line));
    let hits = hits.filter_map(|it| change(&it.text).map(|what| (it.line, what)));
    hits.map(|(line, what)| Finding::new(&file.path, line, format!("SQL that changes a database: {what}")))
        .collect()
}

/// The statement in `text` that changes a database.
fn change(text: &str) -> Option<&'static str> {
    let words: Vec<&str> = text
        .split(|it: char| it.is_whitespace() || ";,()".contains(it))
        .filter(|it| !it.is_empty())
        .collect();
    if text.contains('…') || words.iter().any(|it| PROSE.contains(it)) {
        return None;
    }
    let after = |at: usize, distance: usize| words.get(at + distance).copied().unwrap_or_default();
    let later = |at: usize, word: &str| words[at + 1..].contains(&word);
    for (at, word) in words.iter().enumerate() {
        let next = after(at, 1);
        let is_object = OBJECTS.contains(&next) || next == "UNLOGGED" || next.starts_with('{');
        let is_name = !next.is_empty();
        let is_action = at > 0 && words[at - 1] == "ON";
        let found = match *word {
            "CREATE" if is_object => Some("CREATE"),
            "ALTER" if is_object => Some("ALTER"),
            "DROP" if is_object => Some("DROP"),
            "INSERT" if next == "INTO" => Some("INSERT"),
            "DELETE" if next == "FROM" => Some("DELETE"),
            "UPDATE" if !is_action && next != "SET" && later(at, "SET") => Some("UPDATE"),
            "TRUNCATE" if is_name => Some("TRUNCATE"),
            "GRANT" if later(at, "TO") => Some("GRANT"),
            "REVOKE" if later(at, "FROM") => Some("REVOKE"),
            "COPY" if later(at, "STDIN") => Some("COPY FROM STDIN"),
            "REFRESH" if next == "MATERIALIZED" => Some("REFRESH MATERIALIZED VIEW"),
            _ if word.ends_with("setval") => Some("setval"),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_that_change_are_told_from_those_that_read() {
        for (text, expected) in [
            ("CREATE TABLE t (a int)", Some("CREATE")),
            ("BEGIN; DROP SCHEMA x", Some("DROP")),
            ("ALTER {kind} x", Some("ALTER")),
            ("WITH a AS (DELETE FROM t RETURNING *) SELECT 1", Some("DELETE")),
            ("UPDATE t SET a = 1", Some("UPDATE")),
            ("COPY t FROM STDIN", Some("COPY FROM STDIN")),
            ("SELECT setval('s', 1)", Some("setval")),
            ("SELECT pg_catalog.setval('s', 1)", Some("setval")),
            ("GRANT SELECT ON t TO r", Some("GRANT")),
            ("TRUNCATE t", Some("TRUNCATE")),
            ("COPY t TO STDOUT", None),
            ("SELECT 1 FROM t FOR UPDATE", None),
            (" ON UPDATE SET NULL", None),
            (" ON UPDATE CASCADE ON DELETE SET NULL", None),
            ("CREATE", None),
            ("GRANT pg_read_all_data TO the role that reads", None),
            ("rename it (ALTER TABLE … RENAME)", None),
            ("the table is dropped", None),
            ("SET search_path = ''", None),
        ] {
            assert_eq!(change(text), expected, "{text}");
        }
    }

    #[test]
    fn only_load_may_change_a_database() {
        let text =
            "fn a() { b(\"DROP TABLE t\") }\n#[cfg(test)]\nmod tests { const A: &str = \"DROP TABLE t\"; }\n";
        for (path, lines) in [
            ("dump/src/lib.rs", &[1][..]),
            ("load/src/lib.rs", &[]),
            ("loader/src/lib.rs", &[1]),
        ] {
            let found = in_strings(&RustFile::parse(path, text));
            assert_eq!(
                found.iter().map(|it| it.line).collect::<Vec<_>>(),
                lines,
                "{path}"
            );
        }
    }

    #[test]
    fn comments_may_talk_about_it() {
        assert_eq!(
            in_strings(&RustFile::parse(
                "dump/src/lib.rs",
                "// no \"DROP TABLE t\" here\n"
            )),
            []
        );
    }
}
