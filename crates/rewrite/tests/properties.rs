//! What holds for every text.

mod texts;

use catalog::Catalog;
use plan::Mapping;
use proptest::prelude::*;
use rewrite::{Known, Rewriter, Rewritten, statements};
use texts::{Names, damaged, definitions, dump_like, sql_like};

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
