//! What holds for every text.

mod texts;

use catalog::Catalog;
use plan::Mapping;
use proptest::prelude::*;
use rewrite::{Known, Rewriter, Rewritten, SearchPath, statements};
use texts::{Names, bodies_in_bodies, damaged, definitions, dump_like, endless, sql_like};

fn rewrite(sql: &str, pairs: &[&str]) -> Rewritten {
    rewrite_knowing(Known::from_sql(sql), sql, pairs)
}

/// As an archive's text: what `sql` does not make is the source's own too.
fn rewrite_whole(sql: &str, pairs: &[&str]) -> Rewritten {
    let mut known = Known::from_catalog(&Catalog::default());
    known.extend(sql);
    rewrite_knowing(known, sql, pairs)
}

fn rewrite_knowing(known: Known, sql: &str, pairs: &[&str]) -> Rewritten {
    let pairs: Vec<String> = pairs.iter().map(|it| (*it).to_owned()).collect();
    let mapping = Mapping::new(None, &pairs).expect("the pairs are valid");
    Rewriter::new(mapping, known)
        .expect("the mapping fits")
        .rewrite(sql)
}

/// As many cases as `PROPTEST_CASES` says, else what the suite has time for. A failing text is short enough to
/// become a test of its own, so none is kept in a file.
fn config() -> ProptestConfig {
    let config = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(512),
    };
    ProptestConfig {
        failure_persistence: None,
        ..config
    }
}

/// A thread of a test has the stack that a thread of the tools has.
fn check_stack(sql: &str) {
    let mapping = Mapping::new(None, &["public=x y".to_owned()]).expect("the pair is valid");
    let mut rewriter = Rewriter::for_stream(mapping).with_search_path(SearchPath::Pin);
    let leaning = "CREATE FUNCTION public.a() RETURNS int LANGUAGE sql AS 'SELECT 1 FROM t';";
    let rewritten = rewriter
        .learn_and_rewrite(&format!("{leaning}\n{sql}"))
        .expect("the mapping fits");
    let is_told = !rewritten.doubts.is_empty() || !rewritten.notes.is_empty();
    assert!(
        is_told || rewritten.text.contains("\"x y\".") || !sql.contains("public"),
        "{sql:.60}"
    );
    statements(sql);
    Known::from_sql(sql).learn_details(sql);
}

#[test]
fn bodies_in_bodies_leave_stack() {
    for count in [1, 60, 70, 3_000] {
        check_stack(&bodies_in_bodies(count));
    }
}

proptest! {
    // Each is a text of hundreds of kilobytes.
    #![proptest_config(ProptestConfig { cases: config().cases / 4, ..config() })]

    #[test]
    fn no_text_uses_up_the_stack(sql in endless()) {
        check_stack(&sql);
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn empty_mapping_changes_no_byte(sql in prop_oneof![sql_like(), dump_like(), damaged(), any::<String>()]) {
        for pairs in [&[][..], &["public=public"][..]] {
            prop_assert_eq!(&rewrite(&sql, pairs).text, &sql);
        }
    }

    #[test]
    fn text_outside_edits_is_untouched(sql in prop_oneof![sql_like(), any::<String>(), dump_like(), damaged()]) {
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
        let there = rewrite_whole(&sql, &["public=x", "audit=public"]);
        prop_assert_eq!(&there.doubts, &[]);
        let back = rewrite_whole(&there.text, &["x=public", "public=audit"]);
        prop_assert_eq!(&back.text, &sql);
    }

    #[test]
    fn definitions_are_rewritten_as_if_written_with_the_new_names(it in definitions()) {
        let Names { schema, other, new, .. } = &it.names;
        let sql = it.text(schema, other);
        for (new_schema, new_other) in [(new, other), (schema, new), (other, schema), (other, new)] {
            let pairs = [format!("{schema}={new_schema}"), format!("{other}={new_other}")];
            let there = rewrite_whole(&sql, &[&pairs[0], &pairs[1]]);
            prop_assert_eq!(&there.text, &it.text(new_schema, new_other));
            let pairs = [format!("{new_schema}={schema}"), format!("{new_other}={other}")];
            let back = rewrite_whole(&there.text, &[&pairs[0], &pairs[1]]);
            prop_assert_eq!(&back.text, &sql);
        }
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
