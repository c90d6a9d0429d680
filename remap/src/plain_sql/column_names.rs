//! New names of columns, at the end of a dump: PostgreSQL itself gives them, and everything that mentions a
//! column follows.

use rewrite::{ColumnRename, Rewriter, Rewritten};

/// The comment with which `pg_dump` closes.
const TRAILER: &str = "--\n-- PostgreSQL database dump complete";

/// Adds a statement for each column to the last section of a dump, before its closing comment. Gives back which.
pub(super) fn rename_columns(rewriter: &Rewriter, last: &mut Rewritten) -> Vec<ColumnRename> {
    let columns = rewriter.known().renamed_columns(rewriter.mapping());
    let Some(at) = last.text.rfind(TRAILER).filter(|_| !columns.is_empty()) else {
        return Vec::new();
    };
    let lines = columns.iter().flat_map(|it| [it.statement.as_str(), "\n\n"]);
    let statements: String = lines.collect();
    last.text.insert_str(at, &statements);
    columns
}
