//! One statement and its syntax tree.

use std::cell::OnceCell;
use std::ops::Range;

use squawk_syntax::ast::AstNode;
use squawk_syntax::syntax_error::SyntaxError;
use squawk_syntax::{Parse, SourceFile, SyntaxKind, SyntaxNode};

use crate::body::holds_deep_body;
use crate::depth::is_too_deep;
use crate::split::Piece;

/// A statement, parsed by itself.
#[derive(Debug)]
pub(crate) struct Parsed<'a> {
    /// Where the statement stands in the whole text.
    pub(crate) range: Range<usize>,
    pub(crate) text: &'a str,
    /// `None` when the statement is nested too deeply for the parser.
    parse: Option<Parse<SourceFile>>,
    /// Asked for more than once, and found by a walk over the whole tree.
    error: OnceCell<Option<String>>,
}

impl<'a> Parsed<'a> {
    pub(crate) fn new(sql: &'a str, piece: &Piece) -> Self {
        let text = &sql[piece.range.clone()];
        let parse = (!piece.too_deep).then(|| SourceFile::parse(text));
        Parsed {
            range: piece.range.clone(),
            text,
            parse,
            error: OnceCell::new(),
        }
    }

    /// The node of the statement.
    pub(crate) fn statement(&self) -> Option<SyntaxNode> {
        self.parse.as_ref()?.syntax_node().first_child()
    }

    /// Why the statement cannot be read; errors inside a function's body do not count.
    pub(crate) fn error(&self) -> Option<&str> {
        self.error.get_or_init(|| self.find_error()).as_deref()
    }

    fn find_error(&self) -> Option<String> {
        let Some(parse) = &self.parse else {
            return Some("it is nested too deeply".to_owned());
        };
        let root = parse.syntax_node();
        if holds_deep_body(&root) {
            return Some("its body is nested too deeply".to_owned());
        }
        let errors = parse.errors();
        let is_of_body = |error: &&SyntaxError| {
            root.descendants()
                .filter(|node| matches!(node.kind(), SyntaxKind::AS_DEFINITION | SyntaxKind::DO))
                .any(|body| body.text_range().contains_range(error.range()))
        };
        let error = errors.iter().find(|error| !is_of_body(error));
        if let Some(error) = error {
            return Some(error.message().to_owned());
        }
        match root.children().count() {
            0 | 1 => None,
            _ => Some("it is more than one statement".to_owned()),
        }
    }
}

/// A statement that may have been parsed already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'a> {
    sql: &'a str,
    piece: &'a Piece,
    parsed: Option<&'a Parsed<'a>>,
}

impl<'a> Candidate<'a> {
    pub(crate) fn new(sql: &'a str, piece: &'a Piece, parsed: Option<&'a Parsed<'a>>) -> Self {
        Candidate { sql, piece, parsed }
    }

    pub(crate) fn text(&self) -> &'a str {
        &self.sql[self.piece.range.clone()]
    }

    /// Offset in the whole text.
    pub(crate) fn start(&self) -> usize {
        self.piece.range.start
    }

    /// What `read` makes of the tree, which is made for it where there is none.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Parsed<'_>) -> T) -> T {
        match self.parsed {
            Some(parsed) => read(parsed),
            None => read(&Parsed::new(self.sql, self.piece)),
        }
    }
}

/// Parses a text that is known to be one statement, such as one made up around a name; `None` when it is not, or is
/// nested too deeply.
pub(crate) fn single_statement(text: &str) -> Option<SyntaxNode> {
    if is_too_deep(text) {
        return None;
    }
    let parse = SourceFile::parse(text);
    let root = parse.tree().syntax().clone();
    let statement = root.first_child()?;
    if root.children().count() != 1 || holds_deep_body(&root) {
        return None;
    }
    let broken =
        root.descendants().any(|node| node.kind() == SyntaxKind::ERROR) || !parse.errors().is_empty();
    (!broken).then_some(statement)
}
