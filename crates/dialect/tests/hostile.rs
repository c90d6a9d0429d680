//! Definitions come from files of strangers: whatever they hold, they give an answer or an error.

use dialect::{Scope, condition, index_definition, table_definition, value};
use proptest::prelude::*;

/// What SQL is made of, and what its tokenizer finds hard.
const PARTS: &[&str] = &[
    "CREATE",
    "TABLE",
    "INDEX",
    "UNIQUE",
    "ON",
    "t",
    "(",
    ")",
    ",",
    "a",
    "b",
    "INTEGER",
    "PRIMARY",
    "KEY",
    "CHECK",
    "DEFAULT",
    "AS",
    "GENERATED",
    "ALWAYS",
    "STORED",
    "COLLATE",
    "NOCASE",
    "REFERENCES",
    "CONSTRAINT",
    "NOT",
    "NULL",
    "'x'",
    "\"y\"",
    "[z]",
    "`q`",
    "1",
    "-",
    "+",
    "0x",
    "1e",
    "1.5",
    "x'ab'",
    "x'a",
    "||",
    "->>",
    "<<",
    "CASE",
    "WHEN",
    "THEN",
    "END",
    "IN",
    "BETWEEN",
    "AND",
    "LIKE",
    "ESCAPE",
    "SELECT",
    "FROM",
    "WHERE",
    "OVER",
    "FILTER",
    "WINDOW",
    "CAST",
    "ISNULL",
    "--",
    "/*",
    "*/",
    ";",
    "?",
    ":n",
    "'",
    "\"",
    "[",
    "é",
    "\u{0}",
    "$",
    "@",
    "#",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_text_makes_the_parser_panic(
        parts in prop::collection::vec(prop::sample::select(PARTS), 0..24),
        start in prop::sample::select(&["", "CREATE TABLE t (a ", "CREATE INDEX i ON t (a) WHERE ", "CREATE TABLE t (a CHECK ("][..]),
    ) {
        let sql = format!("{start}{}", parts.join(" "));
        let _ = table_definition(&sql);
        let _ = index_definition(&sql);
        let _ = value(&sql, &Scope::default());
        let _ = condition(&sql, &Scope::default());
    }
}
