//! What a definition makes outside of all schemas, where its name is the whole database's.

use std::fmt;

use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::parse::Parsed;
use crate::split::split;

/// Kinds as PostgreSQL's manual names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutsideKind {
    AccessMethod,
    ForeignDataWrapper,
    Server,
}

/// Something that stands in no schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideObject {
    pub kind: OutsideKind,
    pub name: String,
    /// The foreign-data wrapper of a server.
    pub wrapper: Option<String>,
}

impl fmt::Display for OutsideKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OutsideKind::AccessMethod => "access method",
            OutsideKind::ForeignDataWrapper => "foreign-data wrapper",
            OutsideKind::Server => "server",
        })
    }
}

/// What `sql` makes outside of all schemas, in the order of the text; extensions, languages and casts are left out.
pub fn outside_objects(sql: &str) -> Vec<OutsideObject> {
    const BEGINNINGS: [&str; 3] = [
        "CREATE ACCESS METHOD",
        "CREATE FOREIGN DATA WRAPPER",
        "CREATE SERVER",
    ];
    let pieces = split(sql);
    let candidates = pieces.iter().filter(|piece| {
        BEGINNINGS
            .iter()
            .any(|it| sql[piece.range.clone()].starts_with(it))
    });
    candidates
        .filter_map(|piece| outside_object(&Parsed::new(sql, piece).statement()?))
        .collect()
}

fn outside_object(statement: &SyntaxNode) -> Option<OutsideObject> {
    use SyntaxKind as K;
    let (kind, name) = match statement.kind() {
        K::CREATE_ACCESS_METHOD => (OutsideKind::AccessMethod, K::ACCESS_METHOD),
        K::CREATE_FOREIGN_DATA_WRAPPER => (OutsideKind::ForeignDataWrapper, K::FOREIGN_DATA_WRAPPER),
        K::CREATE_SERVER => (OutsideKind::Server, K::SERVER),
        _ => return None,
    };
    let named = |kind| {
        let node = statement.children().find(|it| it.kind() == kind)?;
        Some(normalize_name_node(&node))
    };
    Some(OutsideObject {
        kind,
        name: named(name)?,
        wrapper: named(K::FOREIGN_DATA_WRAPPER_REF),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_no_schema_is_found() {
        let sql = "CREATE TABLE s.t (); CREATE ACCESS METHOD m TYPE INDEX HANDLER gisthandler;
            CREATE FOREIGN DATA WRAPPER w; CREATE SERVER \"S s\" FOREIGN DATA WRAPPER \"W\" OPTIONS (a 'b');
            COMMENT ON SERVER \"S s\" IS 'CREATE SERVER';";
        let found = outside_objects(sql).into_iter();
        let shown: Vec<String> = found
            .map(|it| format!("{} {} {}", it.kind, it.name, it.wrapper.unwrap_or_default()))
            .collect();
        assert_eq!(
            shown,
            ["access method m ", "foreign-data wrapper w ", "server S s W"]
        );
    }
}
