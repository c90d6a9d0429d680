//! Facts about types: a declared type, the values, and what they become.

use super::{Choices, Note, NoteKind, rows, source};

/// The type that column `c` gets, its values' texts, and whether that deserves a note.
fn check(declared: &str, values: &str, expected_type: &str, expected_texts: &[&str], noted: bool) {
    let (source, _folder) = source(&format!(
        "CREATE TABLE t (c {declared}); INSERT INTO t VALUES {values}"
    ));
    let inspection = source.inspect(&Choices::default()).unwrap();
    let table = &inspection.schema.tables[0];
    assert_eq!(
        table.columns[0].target.to_sql(),
        expected_type,
        "{declared} of {values}"
    );
    let texts: Vec<String> = rows(&source, table)
        .into_iter()
        .map(|mut row| row.remove(0).unwrap_or("NULL".to_owned()))
        .collect();
    assert_eq!(texts, expected_texts, "{declared} of {values}");
    assert_eq!(
        !inspection.notes.is_empty(),
        noted,
        "{declared} of {values}: {:?}",
        inspection.notes
    );
}

#[test]
fn values_that_fit_keep_their_declared_type() {
    check(
        "INTEGER",
        "(1), (NULL), (-5)",
        "bigint",
        &["1", "NULL", "-5"],
        false,
    );
    check("SMALLINT", "(1), (32767)", "smallint", &["1", "32767"], false);
    check(
        "DECIMAL(10,2)",
        "(0.99), (5), (1.5)",
        "numeric(10,2)",
        &["0.99", "5.00", "1.50"],
        false,
    );
    check("NUMERIC", "(0.995), (5)", "numeric", &["0.995", "5"], false);
    check(
        "REAL",
        "(1), (0.1), (1e20)",
        "double precision",
        &["1", "0.1", "1e+20"],
        false,
    );
    check("VARCHAR(3)", "('äöü')", "character varying(3)", &["äöü"], false);
    check(
        "TEXT",
        "(''), (NULL), ('NULL')",
        "text",
        &["", "NULL", "NULL"],
        false,
    );
    check("BLOB", "(x'00FF'), (x'')", "bytea", &["\\x00ff", "\\x"], false);
    check(
        "BOOLEAN",
        "(0), (1), ('true')",
        "boolean",
        &["f", "t", "t"],
        false,
    );
    check(
        "DATE",
        "('2009-01-01'), ('2009-01-02 00:00:00')",
        "date",
        &["2009-01-01", "2009-01-02"],
        false,
    );
    check(
        "DATETIME",
        "('2009-01-01T10:00')",
        "timestamp without time zone",
        &["2009-01-01 10:00:00"],
        false,
    );
    check(
        "TIME",
        "('10:00')",
        "time without time zone",
        &["10:00:00"],
        false,
    );
    check(
        "JSON",
        "('{\"b\":  1, \"a\": []}'), (7)",
        "jsonb",
        &["{\"a\": [], \"b\": 1}", "7"],
        false,
    );
    check(
        "UUID",
        "('3F333DF690A44FDA8DD39485D27CEE36')",
        "uuid",
        &["3f333df6-90a4-4fda-8dd3-9485d27cee36"],
        false,
    );
}

#[test]
fn values_that_do_not_fit_get_a_wider_type_and_a_note() {
    check("INTEGER", "(1), (2.5)", "double precision", &["1", "2.5"], true);
    check(
        "INTEGER",
        "(9007199254740993), (2.5)",
        "numeric",
        &["9007199254740993", "2.5"],
        true,
    );
    check("INTEGER", "(1), ('')", "text", &["1", ""], true);
    check("SMALLINT", "(40000)", "bigint", &["40000"], true);
    check(
        "DECIMAL(10,2)",
        "(0.995), (5)",
        "numeric(11,3)",
        &["0.995", "5.000"],
        true,
    );
    check("DECIMAL(4)", "(12345.5)", "numeric(6,1)", &["12345.5"], true);
    // The noise of a calculation is no reason to give every value as many digits.
    check(
        "DECIMAL(10,2)",
        "(0.1 + 0.2), (5)",
        "numeric",
        &["0.30000000000000004", "5"],
        true,
    );
    check(
        "DECIMAL(10,2)",
        "(1.5), ('$9.99')",
        "text",
        &["1.5", "$9.99"],
        true,
    );
    check("REAL", "(1), ('n/a')", "text", &["1.0", "n/a"], true);
    check("VARCHAR(3)", "('four')", "text", &["four"], true);
    check("BLOB", "('text')", "text", &["text"], true);
    check("TEXT", "('a'), (x'ff')", "bytea", &["\\x61", "\\xff"], true);
    check("BOOLEAN", "(1), (2)", "bigint", &["1", "2"], true);
    check(
        "DATE",
        "('2009-01-01 10:00')",
        "timestamp without time zone",
        &["2009-01-01 10:00:00"],
        true,
    );
    check(
        "DATETIME",
        "(1709251199), (1709251200)",
        "bigint",
        &["1709251199", "1709251200"],
        true,
    );
    check(
        "DATETIME",
        "('2009-01-01'), ('yesterday')",
        "text",
        &["2009-01-01", "yesterday"],
        true,
    );
    check(
        "DATETIME",
        "('2009-01-01 00:00Z'), ('2009-01-01')",
        "text",
        &["2009-01-01 00:00Z", "2009-01-01"],
        true,
    );
    check(
        "DATETIME",
        "('2009-01-01 00:00+01:00')",
        "timestamp with time zone",
        &["2008-12-31 23:00:00+00"],
        true,
    );
    check("UUID", "('not-a-uuid')", "text", &["not-a-uuid"], true);
}

/// What could be chosen for column `c`, in a word, and whether a note says so.
fn check_suggestion(definition: &str, values: &str, expected: Option<&str>, noted: bool) {
    let (source, _folder) = source(&format!(
        "CREATE TABLE t ({definition}); INSERT INTO t VALUES {values}"
    ));
    let inspection = source.inspect(&Choices::default()).unwrap();
    let suggestions = &inspection.census[0].columns[0].proposal.suggestions;
    let found = suggestions.first().map(|it| it.target.as_str());
    assert_eq!(found, expected, "{definition} of {values}");
    let said = |it: &&Note| it.kind == NoteKind::Suggested;
    let said = inspection.notes.iter().filter(said).count();
    assert_eq!(said, usize::from(noted), "{definition} of {values}");
}

#[test]
fn moments_in_numbers_are_told_and_not_taken() {
    let seconds = Some("timestamptz from seconds");
    check_suggestion("at DATETIME", "(1709251199), (NULL)", seconds, true);
    check_suggestion("created_at INTEGER", "(1709251199)", seconds, true);
    check_suggestion("created_at INTEGER", "(1709251199), (17)", None, false);
    check_suggestion("size INTEGER", "(1709251199)", None, false);
    check_suggestion(
        "ts",
        "(1709251199123)",
        Some("timestamptz from milliseconds"),
        true,
    );
    check_suggestion(
        "d DATE",
        "(2460370.5)",
        Some("timestamptz from julian days"),
        true,
    );
    check_suggestion("d TEXT", "('2024-02-29')", Some("date"), false);
    check_suggestion("d TEXT", "('{}'), ('[1]')", Some("jsonb"), false);
    check_suggestion("d TEXT", "('{\"a\": 1, \"a\": 2}')", None, false);
    check_suggestion("d BLOB", "(zeroblob(16))", Some("uuid"), false);
    check_suggestion(
        "n TEXT",
        "('12345678901234567890'), ('7')",
        Some("numeric"),
        false,
    );
    check_suggestion("n TEXT", "('8'), ('7')", None, false);
    check_suggestion("is_new INT", "(1)", Some("boolean"), false);
}

#[test]
fn documents_are_jsonb_where_nothing_is_lost() {
    check("JSON", "('{}'), ('{broken')", "text", &["{}", "{broken"], true);
    let twice = "{\"a\": 1, \"a\": 2}";
    check("JSON", &format!("('{twice}')"), "json", &[twice], true);
    check("JSON", "('\"\\u0000\"')", "json", &["\"\\u0000\""], true);
}

#[test]
fn sixteen_bytes_are_a_uuid_where_that_is_declared() {
    check(
        "UUID",
        "(x'3f333df690a44fda8dd39485d27cee36')",
        "uuid",
        &["3f333df6-90a4-4fda-8dd3-9485d27cee36"],
        false,
    );
    let bytes = "\\x3f333df690a44fda8dd39485d27cee36";
    check(
        "BLOB",
        "(x'3f333df690a44fda8dd39485d27cee36')",
        "bytea",
        &[bytes],
        false,
    );
    check(
        "",
        "(x'3f333df690a44fda8dd39485d27cee36')",
        "bytea",
        &[bytes],
        false,
    );
}

#[test]
fn undeclared_type_follows_the_values() {
    check("", "(1), (2)", "bigint", &["1", "2"], false);
    check("", "(1), (2.5)", "double precision", &["1", "2.5"], false);
    check("", "('a')", "text", &["a"], false);
    check("", "(x'01')", "bytea", &["\\x01"], false);
    check("", "(1), ('a')", "text", &["1", "a"], true);
    check("", "(NULL)", "text", &["NULL"], false);
    check("", "('007')", "text", &["007"], false);
    check(
        "",
        "('3F333DF6-90A4-4FDA-8DD3-9485D27CEE36')",
        "uuid",
        &["3f333df6-90a4-4fda-8dd3-9485d27cee36"],
        false,
    );
    // As many digits without hyphens could as well be a hash, and a declared TEXT means text.
    let digits = "3f333df690a44fda8dd39485d27cee36";
    check("", &format!("('{digits}')"), "text", &[digits], false);
    let hyphens = "3f333df6-90a4-4fda-8dd3-9485d27cee36";
    check("TEXT", &format!("('{hyphens}')"), "text", &[hyphens], false);
}
