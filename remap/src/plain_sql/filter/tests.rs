//! Facts about the filter as a whole.

use rewrite::is_complete;

use super::*;

const PREAMBLE: &str = "--\n-- PostgreSQL database dump\n--\n\n\\restrict a\n\nSET statement_timeout = 0;\nSELECT pg_catalog.set_config('search_path', '', false);";
const END: &str = "\n\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict a\n\n";
const RAISE: &str = "\nDO $$ BEGIN RAISE EXCEPTION 'remap-schema failed: ";

fn filter(input: &[u8], strict: bool) -> (Vec<u8>, Result<Account, PlainSqlError>) {
    let mapping = Mapping::new(None, &["public=x".to_owned()]).expect("the pair is valid");
    let mut output = Vec::new();
    // Few bytes at a time, so that every line is cut somewhere.
    let input = io::BufReader::with_capacity(7, input);
    let result = rewrite_plain_sql(
        input,
        &mut output,
        &mapping,
        Wishes {
            strict,
            edits: true,
            search_path: Some(SearchPath::Pin),
        },
    );
    (output, result)
}

/// A whole dump around `body`; a schema is created for it.
fn check(body: &str, expected: &str) {
    let (output, result) = filter(format!("{PREAMBLE}\n\n{body}{END}").as_bytes(), true);
    let expected = format!("{PREAMBLE}\n\nCREATE SCHEMA x;\n\n{expected}{END}");
    assert_eq!(String::from_utf8_lossy(&output), expected);
    assert_eq!(result.expect("the dump is whole").created_schemas, ["x"]);
}

/// The output fails at its end, and begins with `expected`.
fn check_failure(input: &[u8], strict: bool, expected: &[u8]) -> PlainSqlError {
    let (output, result) = filter(input, strict);
    let raise = output.windows(RAISE.len()).position(|it| it == RAISE.as_bytes());
    let raise = raise.expect("the output raises");
    assert_eq!(
        String::from_utf8_lossy(&output[..raise]),
        String::from_utf8_lossy(expected)
    );
    assert!(output.ends_with(b"'; END $$;\n"));
    result.expect_err("the filter fails")
}

#[test]
fn rows_pass_and_definitions_before_between_and_after_them_move() {
    check(
        "CREATE TABLE public.t (a text);\n\nCOPY public.t (a) FROM stdin;\npublic.t\n\\\\.\n\\.x\n\\.\n\n\nCOPY public.t (a) FROM stdin;\n\\.\n\nSELECT pg_catalog.setval('public.q', 1);\n",
        "CREATE TABLE x.t (a text);\n\nCOPY x.t (a) FROM stdin;\npublic.t\n\\\\.\n\\.x\n\\.\n\n\nCOPY x.t (a) FROM stdin;\n\\.\n\nSELECT pg_catalog.setval('x.q', 1);\n",
    );
    check(
        "CREATE TABLE public.t (a text);\nINSERT INTO public.t VALUES ('public.t;\nCOPY public.t FROM stdin;\n');\n",
        "CREATE TABLE x.t (a text);\nINSERT INTO x.t VALUES ('public.t;\nCOPY public.t FROM stdin;\n');\n",
    );
}

#[test]
fn copy_inside_a_body_is_no_copy() {
    let body =
        "CREATE FUNCTION public.f() RETURNS text LANGUAGE sql AS $$SELECT '\nCOPY t FROM stdin;\n'$$;\n";
    check(body, &body.replacen("public", "x", 1));
}

#[test]
fn rows_may_be_any_bytes() {
    let mut input = format!("{PREAMBLE}\nCOPY a.t (a) FROM stdin;\n").into_bytes();
    input.extend_from_slice(b"\xff\xfe\0\r\n\\.");
    input.extend_from_slice(b"\n");
    input.extend_from_slice(END.as_bytes());
    let (output, result) = filter(&input, true);
    assert_eq!(output, input);
    assert_eq!(result.expect("the dump is whole").rows, 1);
}

#[test]
fn schema_that_the_dump_creates_is_not_created_twice() {
    let body =
        |schema: &str| format!("{PREAMBLE}\nCREATE SCHEMA {schema};\nCREATE TABLE {schema}.t ();\n{END}");
    let (output, _) = filter(body("public").as_bytes(), true);
    assert_eq!(String::from_utf8_lossy(&output), body("x"));
}

#[test]
fn truncated_dump_is_rejected_wherever_it_ends() {
    let whole = format!(
        "{PREAMBLE}\nCREATE TABLE a.t (a text);\nCOPY a.t (a) FROM stdin;\n1\n2\n\\.\nSELECT 1;\n{END}"
    );
    let end = whole.find("complete").expect("it is there");
    for cut in whole.find("restrict").expect("it is there")..end {
        let (output, result) = filter(&whole.as_bytes()[..cut], false);
        let error = result.expect_err("it is cut");
        assert!(
            matches!(error.kind(), PlainSqlErrorKind::Truncated { .. }),
            "{cut}: {error:?}"
        );
        let output = String::from_utf8(output).expect("it is text");
        // Behind a COPY the statement that raises must not be taken for a row.
        let sql = output.rsplit("\\.\n").next().unwrap_or_default();
        assert!(sql.contains(RAISE) && is_complete(sql), "{cut}: {output}");
    }
    let uncommitted = &whole[..end + "complete".len()];
    let doubtful = uncommitted.replace("SELECT 1;", "DO $x$BEGIN EXECUTE f(); END$x$;");
    let (output, _) = filter(doubtful.as_bytes(), true);
    assert!(
        String::from_utf8_lossy(&output).contains(RAISE),
        "it would end the comment"
    );
}

#[test]
fn doubts_before_the_first_row_keep_everything_back() {
    let body = "CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql AS $$BEGIN EXECUTE f(); END$$;";
    let dump = format!("{PREAMBLE}\n{body}\nCOPY public.t (a) FROM stdin;\n\\.\n{END}");
    assert!(matches!(
        check_failure(dump.as_bytes(), true, b"").kind(),
        PlainSqlErrorKind::Doubts
    ));
    let (output, result) = filter(dump.as_bytes(), false);
    assert!(output.ends_with(END.as_bytes()));
    assert_eq!(result.expect("doubts are allowed").doubt_lines(), [9]);
}

#[test]
fn what_is_no_dump_is_refused() {
    for input in ["CREATE TABLE public.t ();\n", "a,b\n1,2\n"] {
        assert!(
            matches!(
                check_failure(input.as_bytes(), false, b"").kind(),
                PlainSqlErrorKind::NotADump
            ),
            "{input}"
        );
    }
}

#[test]
fn what_is_empty_is_no_dump_either() {
    let error = check_failure(b"", false, b"");
    assert!(matches!(error.kind(), PlainSqlErrorKind::Empty));
}

#[test]
fn values_of_inserts_are_data() {
    let values = [
        " (1, 'public.t');",
        "\n\t(1, 'a'';\nINSERT INTO public.t VALUES (2, '),\n\t(2, 'public');",
        " (1, '\nCOPY public.t FROM stdin;\n-- PostgreSQL database dump\n') ON CONFLICT DO NOTHING;",
        " (1, B'1', NULL, DEFAULT, '\\\\');",
    ];
    for values in values {
        let dump = |schema: &str| {
            format!(
                "CREATE TABLE {schema}.t (a text);\n\nINSERT INTO {schema}.t (a, \"b;\") OVERRIDING SYSTEM VALUE VALUES{values}\nINSERT INTO {schema}.t VALUES{values}\nINSERT INTO {schema}.t DEFAULT VALUES;\nSELECT 1;\n"
            )
        };
        check(&dump("public"), &dump("x"));
    }
}

#[test]
fn lines_are_counted_through_rows_and_inserts() {
    let doubtful = "DO $x$BEGIN\nEXECUTE f(); END$x$;\n";
    let rows = "INSERT INTO a.t VALUES\n\t(1, '\n');\nCOPY a.t (a) FROM stdin;\n1\n2\n\\.\n";
    let dump = format!("{PREAMBLE}\n{doubtful}{rows}{rows}{doubtful}{END}");
    let (_, result) = filter(dump.as_bytes(), false);
    let result = result.expect("the dump is whole");
    let preamble = PREAMBLE.lines().count();
    assert_eq!(result.doubt_lines(), [preamble + 2, preamble + 18]);
    assert_eq!(result.rows, 4);
}

#[test]
fn insert_cut_short_is_no_row() {
    let dump = format!("{PREAMBLE}\nINSERT INTO public.t VALUES (1, 'ab");
    let (output, result) = filter(dump.as_bytes(), false);
    assert!(matches!(
        result.expect_err("it is cut").kind(),
        PlainSqlErrorKind::Truncated { line: 9 }
    ));
    let output = String::from_utf8(output).expect("it is text");
    assert!(
        output.contains("INSERT INTO x.t VALUES (1, 'ab',);\nDO $$"),
        "{output}"
    );
}

#[test]
fn large_objects_pass() {
    let body = "BEGIN;\n\nSELECT pg_catalog.lo_open('1', 131072);\nSELECT pg_catalog.lowrite(0, '\\x01');\nSELECT pg_catalog.lowrite(0, '\\x02');\nSELECT pg_catalog.lo_close(0);\n\nCOMMIT;\n";
    let dump = |schema: &str| format!("CREATE TABLE {schema}.t (a text);\n{body}");
    check(&dump("public"), &dump("x"));
}

#[test]
fn names_with_newlines_do_not_hide_the_rows() {
    let dump = |schema: &str| {
        format!(
            "CREATE TABLE {schema}.t (\"a\nb\" text);\nCOPY {schema}.t (\"a\nb\") FROM stdin;\npublic.t;\n\\.\nSELECT 1;\n"
        )
    };
    check(&dump("public"), &dump("x"));
}

#[test]
fn schemas_that_the_dump_fills_are_created_where_it_connects() {
    let mapping = Mapping::new(Some("x"), &[]).expect("the name is valid");
    let wishes = Wishes::default();
    let settings = "SET a = b;\nSELECT pg_catalog.set_config('search_path', '', false);";
    let filtered = |body: &str| {
        let mut output = Vec::new();
        let dump = format!("-- PostgreSQL database dump\n{settings}\n{body}{END}");
        let account = rewrite_plain_sql(dump.as_bytes(), &mut output, &mapping, wishes).expect("it is whole");
        let output = String::from_utf8(output).expect("it is text");
        let rest = output.strip_prefix(&format!("-- PostgreSQL database dump\n{settings}"));
        let rest = rest.and_then(|it| it.strip_suffix(END)).expect("the frame stays");
        (rest.to_owned(), account.created_schemas)
    };
    for (body, expected, created) in [
        (
            "CREATE TABLE app.t ();",
            "\n\nCREATE SCHEMA x_app;\nCREATE TABLE x_app.t ();",
            &["x_app"][..],
        ),
        (
            "CREATE SCHEMA app;\nCREATE TABLE app.t ();",
            "\nCREATE SCHEMA x_app;\nCREATE TABLE x_app.t ();",
            &[],
        ),
        (
            "ALTER TABLE public.t DISABLE TRIGGER ALL;",
            "\nALTER TABLE x.t DISABLE TRIGGER ALL;",
            &[],
        ),
        (
            "GRANT ALL ON SCHEMA public TO r;",
            "\n\nCREATE SCHEMA x;\nGRANT ALL ON SCHEMA x TO r;",
            &["x"],
        ),
        (
            "DROP TABLE IF EXISTS app.t;\nCREATE TABLE app.t ();",
            "\n\nCREATE SCHEMA IF NOT EXISTS x_app;\nDROP TABLE IF EXISTS x_app.t;\nCREATE TABLE x_app.t ();",
            &["x_app"],
        ),
        (
            "ALTER DATABASE d SET search_path TO 'app';\n\\connect d\nSET a = b;\n\\connect d\nSET a = b;\nCREATE TABLE app.t ();",
            "\nALTER DATABASE d SET search_path TO 'x_app';\n\\connect d\nSET a = b;\n\\connect d\nSET a = b;\n\nCREATE SCHEMA x_app;\nCREATE TABLE x_app.t ();",
            &["x_app"],
        ),
        (
            "CREATE ROLE r PASSWORD 'CANARY';\n\\connect d\nSET a = b;\nCREATE TABLE app.t ();",
            "\nCREATE ROLE r;\n\\connect d\nSET a = b;\n\nCREATE SCHEMA x_app;\nCREATE TABLE x_app.t ();",
            &["x_app"],
        ),
    ] {
        assert_eq!(
            filtered(body),
            (
                expected.to_owned(),
                created.iter().map(|it| (*it).to_owned()).collect()
            )
        );
    }
}

/// `dump` under new names by `mapping`.
fn filtered(dump: &str, mapping: &Mapping) -> (String, Result<Account, PlainSqlError>) {
    let wishes = Wishes {
        edits: true,
        ..Wishes::default()
    };
    let mut output = Vec::new();
    let result = rewrite_plain_sql(dump.as_bytes(), &mut output, mapping, wishes);
    (String::from_utf8(output).expect("it is text"), result)
}

#[test]
fn public_is_there_already() {
    let mapping = |pairs: &[&str]| {
        let pairs: Vec<String> = pairs.iter().map(|it| (*it).to_owned()).collect();
        Mapping::new(None, &pairs).expect("the pairs are valid")
    };
    for (pairs, body, expected, created) in [
        (
            &["app=public"][..],
            "CREATE TABLE app.t ();",
            "CREATE TABLE public.t ();",
            &[][..],
        ),
        (
            &["app=public"],
            "CREATE SCHEMA app;\nCREATE TABLE app.t ();",
            "CREATE SCHEMA IF NOT EXISTS public;\nCREATE TABLE public.t ();",
            &[],
        ),
        (
            &["app=public", "public=app"],
            "CREATE SCHEMA app;\nCREATE TABLE public.t ();",
            "CREATE SCHEMA IF NOT EXISTS public;\nCREATE TABLE app.t ();",
            &["app"],
        ),
        (
            &["app=x"],
            "CREATE SCHEMA public;\n",
            "CREATE SCHEMA public;\n",
            &[],
        ),
    ] {
        let (output, result) = filtered(&format!("{PREAMBLE}\n{body}{END}"), &mapping(pairs));
        let schemas = created.iter().flat_map(|it| ["\n\nCREATE SCHEMA ", it, ";"]);
        let schemas: String = schemas.collect();
        assert_eq!(output, format!("{PREAMBLE}{schemas}\n{expected}{END}"));
        assert_eq!(result.expect("the dump is whole").created_schemas, created);
    }
}

#[test]
fn columns_get_their_names_whatever_ends_the_lines() {
    let mapping = Mapping {
        snake_case: true,
        ..Mapping::default()
    };
    let dump = format!("{PREAMBLE}\nCREATE TABLE public.t (\"someName\" text);\n{END}");
    let statement = "ALTER TABLE public.t RENAME COLUMN \"someName\" TO some_name;\n\n";
    for dump in [dump.clone(), dump.replace('\n', "\r\n")] {
        let (output, result) = filtered(&dump, &mapping);
        assert_eq!(result.expect("the dump is whole").columns.len(), 1);
        let (before, after) = output.split_once(statement).expect("it is there");
        assert_eq!(format!("{before}{after}"), dump);
        assert!(
            after.starts_with("--") && after.contains("dump complete"),
            "{after}"
        );
    }
}

#[test]
fn line_without_end_is_no_dump_after_its_beginning() {
    let mut input = io::BufReader::new(io::repeat(b'-').take(1 << 20));
    let mapping = Mapping::new(Some("x"), &[]).expect("the name is valid");
    let result = rewrite_plain_sql(&mut input, Vec::new(), &mapping, Wishes::default());
    let error = result.expect_err("it is no dump");
    assert!(matches!(error.kind(), PlainSqlErrorKind::NotADump));
    let left = input.into_inner().limit();
    assert!(left > (1 << 20) - 2 * LINE_BYTES_MAX, "{left}");
}

#[test]
fn globals_pass_without_passwords_and_with_mapped_paths() {
    let globals = "--\n-- PostgreSQL database cluster dump\n--\n\nCREATE ROLE r;\nALTER ROLE r WITH LOGIN PASSWORD 'CANARY';\nALTER ROLE r SET search_path TO 'app', 'public';\n\n--\n-- PostgreSQL database cluster dump complete\n--\n\n";
    let mapping = Mapping::new(Some("x"), &[]).expect("the name is valid");
    let mut output = Vec::new();
    let strict = Wishes {
        strict: true,
        edits: true,
        search_path: Some(SearchPath::Pin),
    };
    rewrite_plain_sql(globals.as_bytes(), &mut output, &mapping, strict).expect("it is whole");
    let expected = globals
        .replace(" PASSWORD 'CANARY'", "")
        .replace("'app', 'public'", "'x_app', 'x', 'public'");
    assert_eq!(String::from_utf8(output).expect("it is text"), expected);
}

#[test]
fn several_databases_are_refused_before_anything_is_written() {
    let cluster =
        format!("-- PostgreSQL database cluster dump\nCREATE ROLE r;\n\\connect template1\n{PREAMBLE}{END}");
    assert!(matches!(
        check_failure(cluster.as_bytes(), false, b"").kind(),
        PlainSqlErrorKind::WholeCluster
    ));
    for two in [
        format!("{PREAMBLE}\n\\connect a\n\\connect b\n{END}"),
        format!("{PREAMBLE}{END}{PREAMBLE}{END}"),
    ] {
        assert!(matches!(
            check_failure(two.as_bytes(), false, b"").kind(),
            PlainSqlErrorKind::SeveralDumps
        ));
    }
    let quoted = "DO $$\n\\connect b\n-- PostgreSQL database dump\n$$;\nCREATE TABLE public.t ();\n";
    check(quoted, &quoted.replace("public.t", "x.t"));
}
