//! New names of columns, at the end of a dump: PostgreSQL itself gives them, and everything that mentions a
//! column follows.

use rewrite::{ColumnRename, Rewriter, Rewritten};

use super::error::PlainSqlErrorKind;

/// Adds a statement for each column to the last section of a dump, before its closing comment, of which `trailer`
/// are the words. Gives back which.
pub(super) fn rename_columns(
    rewriter: &Rewriter,
    trailer: &str,
    last: &mut Rewritten,
) -> Result<Vec<ColumnRename>, PlainSqlErrorKind> {
    let columns = rewriter.known().renamed_columns(rewriter.mapping());
    if columns.is_empty() {
        return Ok(columns);
    }
    let at = start_of_comment(&last.text, trailer).ok_or(PlainSqlErrorKind::NoPlaceForColumns)?;
    let lines = columns.iter().flat_map(|it| [it.statement.as_str(), "\n\n"]);
    let statements: String = lines.collect();
    last.text.insert_str(at, &statements);
    Ok(columns)
}

/// Where the last comment begins that says `words`, on lines that end as on any system: with the line before,
/// where that is an empty comment.
fn start_of_comment(sql: &str, words: &str) -> Option<usize> {
    let mut before = None;
    let mut found = None;
    let mut at = 0;
    for line in sql.split_inclusive('\n') {
        let text = line.trim_end();
        if text == words {
            found = Some(before.unwrap_or(at));
        }
        before = (text == "--").then_some(at);
        at += line.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comment_is_found_whatever_ends_its_lines() {
        let words = "-- the end";
        for (before, comment) in [
            ("--\n-- the end\n--\na\n", "--\n-- the end\n--\n"),
            ("a\r\n\r\n", "--\r\n-- the end\r\n--\r\n"),
            ("a\n--\nb\n", "-- the end"),
        ] {
            let found = start_of_comment(&format!("{before}{comment}"), words);
            assert_eq!(found, Some(before.len()), "{comment:?}");
        }
        assert_eq!(start_of_comment("a\n-- the end, nearly\n", words), None);
    }
}
