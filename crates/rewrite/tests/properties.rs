//! What holds for every text.

use plan::Mapping;
use proptest::prelude::*;
use rewrite::{Known, Rewriter, Rewritten, statements};

fn rewrite(sql: &str, pairs: &[&str]) -> Rewritten {
    let pairs: Vec<String> = pairs.iter().map(|it| (*it).to_owned()).collect();
    Rewriter::new(
        Mapping::new(None, &pairs).expect("the pairs are valid"),
        Known::from_sql(sql),
    )
    .expect("the mapping fits")
    .rewrite(sql)
}

/// Pieces of SQL in any order: seldom a statement, often nearly one.
fn sql_like() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "SELECT",
        "CREATE",
        "FUNCTION",
        "TABLE",
        "VIEW",
        "AS",
        "FROM",
        "public",
        "\"public\"",
        ".",
        "t",
        "(",
        ")",
        ",",
        ";",
        "'",
        "''",
        "$$",
        "$a$",
        "BEGIN",
        "ATOMIC",
        "END",
        "CASE",
        "--",
        "\n",
        "/*",
        "*/",
        "::",
        "regclass",
        "'public.t'",
        "E'\\'",
        "U&\"x\"",
        "LANGUAGE",
        "plpgsql",
        "sql",
        "DO",
        "INTO",
        "STRICT",
        "EXECUTE",
        "OPERATOR",
        "=",
        "%",
        "[",
        "]",
        "\\restrict",
        "COPY",
        "stdin",
        "INDEX",
        "ON",
        "ALTER",
        "SET",
        "search_path",
        "TO",
        "1.5",
        "é",
        "\u{feff}",
        "%TYPE",
        "RETURNING",
        "WITH",
        "JOIN",
        "USING",
        "COMMENT",
        "GRANT",
        "NOT",
        "NULL",
        "IN",
    ]);
    let space = prop::sample::select(vec!["", " "]);
    let spaced = (piece, space).prop_map(|(piece, space)| piece.to_owned() + space);
    prop::collection::vec(spaced, 0..40).prop_map(|pieces| pieces.concat())
}

const TABLE: &str =
    "CREATE TABLE public.t (id integer DEFAULT nextval('public.q'::regclass) NOT NULL, m public.mood);\n";

/// Definitions as `pg_dump` writes them.
fn dump_like() -> impl Strategy<Value = String> {
    let statement = prop::sample::select(vec![
        "CREATE SEQUENCE public.q;\n",
        "CREATE TABLE audit.log (what text);\n",
        "-- Name: v; Type: VIEW; Schema: public\n\nCREATE VIEW public.v AS\n SELECT public.f(t.id) AS public\n   FROM public.t;\n",
        "CREATE FUNCTION public.f(i integer) RETURNS integer\n    LANGUAGE sql\n    SET search_path TO 'public'\n    AS $$ SELECT public.t.id FROM public.t; $$;\n",
        "CREATE FUNCTION public.g() RETURNS void LANGUAGE plpgsql AS $_$ BEGIN SELECT 1 INTO STRICT x FROM public.t; END $_$;\n",
        "ALTER TABLE ONLY public.t ADD CONSTRAINT p PRIMARY KEY (id);\n",
        "COMMENT ON COLUMN public.t.id IS 'public.t';\n",
        "GRANT ALL ON SCHEMA public TO PUBLIC;\n",
        "SELECT pg_catalog.set_config('search_path', '', false);\n",
    ]);
    prop::collection::vec(statement, 0..12).prop_map(|statements| TABLE.to_owned() + &statements.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn empty_mapping_changes_no_byte(sql in prop_oneof![sql_like(), dump_like()]) {
        for pairs in [&[][..], &["public=public"][..]] {
            prop_assert_eq!(&rewrite(&sql, pairs).text, &sql);
        }
    }

    #[test]
    fn text_outside_edits_is_untouched(sql in prop_oneof![sql_like(), any::<String>(), dump_like()]) {
        let rewritten = rewrite(&sql, &["public=x y"]);
        let (mut old, mut new) = (0, 0);
        for edit in &rewritten.edits {
            let kept = edit.offset - old;
            prop_assert_eq!(&sql[old..edit.offset], &rewritten.text[new..new + kept]);
            prop_assert!(sql[edit.offset..].starts_with(&edit.old));
            prop_assert!(rewritten.text[new + kept..].starts_with(&edit.new));
            (old, new) = (edit.offset + edit.old.len(), new + kept + edit.new.len());
        }
        prop_assert_eq!(&sql[old..], &rewritten.text[new..]);
    }

    #[test]
    fn renaming_there_and_back_gives_the_same_bytes(sql in dump_like()) {
        let there = rewrite(&sql, &["public=x", "audit=public"]);
        prop_assert_eq!(&there.doubts, &[]);
        let back = rewrite(&there.text, &["x=public", "public=audit"]);
        prop_assert_eq!(&back.text, &sql);
    }

    #[test]
    fn statements_lie_in_order_within_the_text(sql in prop_oneof![sql_like(), any::<String>()]) {
        let mut end = 0;
        for statement in statements(&sql) {
            prop_assert!(statement.range.start >= end);
            prop_assert_eq!(&sql[statement.range.clone()], statement.text);
            end = statement.range.end;
        }
    }
}
