//! The rewriter: no text makes it fall, and it changes names where it says so, nothing else.

use plan::Mapping;
use rewrite::{
    Known, Rewriter, Rewritten, SearchPath, apart_statements, archivable, ending, far_reaching,
    label_providers, outside_objects, statement_ranges, statements,
};

use crate::Verdict;

pub(crate) fn check(bytes: &[u8]) -> Verdict {
    let Ok(sql) = std::str::from_utf8(bytes) else {
        return Verdict::Refused;
    };
    let cut = statement_ranges(sql);
    let mut end = 0;
    for statement in statements(sql) {
        assert!(statement.range.start >= end, "statements overlap");
        assert_eq!(&sql[statement.range.clone()], statement.text);
        assert!(cut.contains(&statement.range), "cut otherwise");
        end = statement.range.end;
    }
    assert!(ending(sql).last.is_none_or(|it| it.end <= sql.len()));
    let _ = (
        apart_statements(sql),
        label_providers(sql),
        outside_objects(sql),
        far_reaching(sql),
    );
    let _ = archivable(sql);
    let same = rewrite(sql, &["public=public"]);
    // Passwords are cut, whatever the mapping.
    assert!(
        same.text == sql || !same.secrets.is_empty(),
        "a mapping to itself changes the text"
    );
    let moved = rewrite(sql, &["public=x y"]);
    check_edits(sql, &moved);
    // As `remap-schema` does with plain SQL.
    let streamed =
        mapping(&["public=x y"]).map(|it| Rewriter::for_stream(it).with_search_path(SearchPath::Pin));
    if let Some(mut rewriter) = streamed
        && let Ok(rewritten) = rewriter.learn_and_rewrite(sql)
    {
        check_edits(sql, &rewritten);
    }
    if moved.edits.is_empty() {
        Verdict::Refused
    } else {
        Verdict::Accepted
    }
}

/// The text between the edits keeps its bytes, and each edit stands where it says.
fn check_edits(sql: &str, rewritten: &Rewritten) {
    if !rewritten.secrets.is_empty() {
        // What was cut is no edit.
        return;
    }
    let (mut old, mut new) = (0, 0);
    for edit in &rewritten.edits {
        assert!(edit.offset >= old, "edits overlap");
        let kept = edit.offset - old;
        assert_eq!(&sql[old..edit.offset], &rewritten.text[new..new + kept]);
        assert!(sql[edit.offset..].starts_with(&edit.old), "{edit:?}");
        assert!(rewritten.text[new + kept..].starts_with(&edit.new), "{edit:?}");
        (old, new) = (edit.offset + edit.old.len(), new + kept + edit.new.len());
    }
    assert_eq!(&sql[old..], &rewritten.text[new..]);
}

fn rewrite(sql: &str, pairs: &[&str]) -> Rewritten {
    let rewriter = mapping(pairs).map(|it| Rewriter::new(it, Known::from_sql(sql)));
    match rewriter {
        Some(Ok(rewriter)) => rewriter.rewrite(sql),
        _ => panic!("the mapping does not fit"),
    }
}

fn mapping(pairs: &[&str]) -> Option<Mapping> {
    let pairs: Vec<String> = pairs.iter().map(|it| (*it).to_owned()).collect();
    Mapping::new(None, &pairs).ok()
}
