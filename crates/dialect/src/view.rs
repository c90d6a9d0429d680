//! Views.

use sqlite3_parser::Bump;
use sqlite3_parser::ast::Stmt;

use crate::parse::statement;
use crate::query::{Reader, Refusal, Remark};
use crate::relation::Relations;
use crate::{Assumption, ScopeColumn};

/// A view of the target.
#[derive(Clone, Debug)]
pub struct View {
    /// The query behind AS, without a semicolon.
    pub query: String,
    /// Its columns, with the names that were given.
    pub columns: Vec<ScopeColumn>,
    pub remarks: Vec<Remark>,
    /// What must be true of the rows of tables, as SQLite can be asked.
    pub assumptions: Vec<Assumption>,
    /// The same beyond what the types of the target keep true: the view means the same as long as it stays so.
    pub conditions: Vec<Assumption>,
}

/// Translates a view. `names` are for its columns; without them they are made up.
///
/// Fails where a part of it has no counterpart, or where it names what `relations` lacks.
pub fn view(sql: &str, names: Option<&[String]>, relations: &Relations) -> Result<View, Refusal> {
    let bump = Bump::new();
    let Stmt::CreateView { select, .. } = statement(&bump, sql, "view").map_err(|_| Refusal::Unreadable)?
    else {
        return Err(Refusal::Unreadable);
    };
    let reader = Reader::of_present_rows(relations);
    let query = reader.named_query(select, None, names)?;
    if names.is_some_and(|it| it.len() != query.columns.len()) {
        return Err(Refusal::Unreadable);
    }
    Ok(View {
        query: query.sql,
        columns: query.columns,
        remarks: reader.remarks(),
        assumptions: reader.assumptions(),
        conditions: reader.conditions(),
    })
}
