//! What a definition makes outside of all schemas, where its name is the whole database's.

use std::fmt;

use squawk_lexer::{TokenKind, tokenize};
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

/// The beginnings, each once, of statements in `sql` that reach beyond schemas, or beyond their own transaction:
/// `CREATE EVENT TRIGGER`, `ALTER SYSTEM`, `COMMIT`. They are told by their first words alone, so that none passes which only the server can read.
pub fn far_reaching(sql: &str) -> Vec<String> {
    let mut found = Vec::new();
    for piece in split(sql) {
        let words = first_words(&sql[piece.range]);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let shown = match words.as_slice() {
            ["CREATE" | "ALTER" | "DROP", "USER", "MAPPING"] => continue,
            [verb @ ("CREATE" | "ALTER" | "DROP"), "EVENT", "TRIGGER"] => format!("{verb} EVENT TRIGGER"),
            [
                verb @ ("CREATE" | "ALTER" | "DROP"),
                what @ ("PUBLICATION" | "SUBSCRIPTION" | "DATABASE" | "SYSTEM" | "ROLE" | "USER" | "GROUP"
                | "TABLESPACE"),
                ..,
            ] => format!("{verb} {what}"),
            // They would end the transaction in which everything stands.
            [
                verb @ ("COMMIT" | "ROLLBACK" | "ABORT" | "END" | "BEGIN" | "SAVEPOINT" | "RELEASE"),
                ..,
            ] => (*verb).to_owned(),
            [verb @ ("START" | "PREPARE"), "TRANSACTION", ..] => format!("{verb} TRANSACTION"),
            _ => continue,
        };
        if !found.contains(&shown) {
            found.push(shown);
        }
    }
    found
}

/// At most three words in capitals; anything else ends them.
fn first_words(statement: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut at = 0;
    for token in tokenize(statement) {
        let text = &statement[at..at + token.len as usize];
        at += token.len as usize;
        match token.kind {
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } => continue,
            TokenKind::Ident => words.push(text.to_ascii_uppercase()),
            _ => break,
        }
        if words.len() == 3 {
            break;
        }
    }
    words
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
    fn what_reaches_beyond_schemas_is_told_by_its_first_words() {
        let sql = "CREATE TABLE s.database (); alter /* x */ SYSTEM SET a = 1; CREATE EVENT\n-- y\nTRIGGER e;
            CREATE USER MAPPING FOR u SERVER s; ALTER DATABASE \"d\" SET a TO 1; ALTER DATABASE e SET nonsense;
            CREATE TRIGGER t; CREATE FUNCTION s.f() AS $$ CREATE ROLE r; $$; /* x */ Commit AND CHAIN;
            COMMENT ON TABLE s.end IS ''; prepare transaction 'x'; PREPARE q AS SELECT 1;
            CREATE PUBLICATION p garbled (";
        assert_eq!(
            far_reaching(sql),
            [
                "ALTER SYSTEM",
                "CREATE EVENT TRIGGER",
                "ALTER DATABASE",
                "COMMIT",
                "PREPARE TRANSACTION",
                "CREATE PUBLICATION"
            ]
        );
    }

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
