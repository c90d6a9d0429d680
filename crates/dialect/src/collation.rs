//! By which collation SQLite compares the value of an expression (`sqlite3ExprCollSeq`).
//!
//! COLLATE is seen through everything: operators, functions, CASE. The collation of a column's definition is seen
//! through parentheses, unary plus and CAST alone.

use sqlite3_parser::ast::{Expr, UnaryOperator};

use crate::expression::Untranslated;
use crate::parse::unquote;
use crate::query::children;
use crate::scope::{Collation, ValueType};
use crate::translator::{Names, Result, Translator};
use crate::value::Value;

/// A collation, and whether COLLATE says so.
pub(crate) type Collated = (Collation, bool);

/// The collation that an expression brings to a comparison.
pub(crate) fn collation_of(expression: &Expr<'_>, names: &dyn Names) -> Option<Collated> {
    if let Some(explicit) = explicit_in(expression) {
        return Some((explicit, true));
    }
    match expression {
        Expr::Parenthesized(inner) if inner.len() == 1 => collation_of(&inner[0], names),
        Expr::Unary(UnaryOperator::Positive, inner) | Expr::Cast { expr: inner, .. } => {
            collation_of(inner, names).map(|(it, _)| (it, false))
        }
        Expr::Id(name) => names.collation(None, &unquote(name.0)),
        Expr::Name(name) => names.collation(None, &unquote(name.0)),
        Expr::Qualified(table, name) | Expr::DoublyQualified(_, table, name) => {
            names.collation(Some(&unquote(table.0)), &unquote(name.0))
        }
        _ => None,
    }
}

/// The first COLLATE within, queries apart.
pub(crate) fn explicit_in(expression: &Expr<'_>) -> Option<Collation> {
    match expression {
        Expr::Collate(_, name) => Some(Collation::of(&unquote(name))),
        other => children(other).into_iter().find_map(explicit_in),
    }
}

/// The collation of a comparison of both (`sqlite3BinaryCompareCollSeq`).
pub(crate) fn of_comparison(left: Option<Collated>, right: Option<Collated>) -> Collation {
    let explicit = [left, right]
        .into_iter()
        .flatten()
        .find(|(_, explicit)| *explicit);
    explicit
        .or(left)
        .or(right)
        .map_or(Collation::Binary, |(it, _)| it)
}

/// The greatest sign of texts that UTF-8 and UTF-16, in either order of bytes, sort alike.
const SORTED_ALIKE_MAX: char = '\u{ff}';

/// Whether UTF-8 and UTF-16 sort it alike.
pub(crate) fn is_sorted_text(text: &str) -> bool {
    text.chars().all(|it| it <= SORTED_ALIKE_MAX)
}

/// A condition of SQLite: `source` has no other signs.
pub(crate) fn is_sorted_alike(source: &str) -> String {
    format!("({source}) NOT GLOB '*[^\u{1}-{SORTED_ALIKE_MAX}]*'")
}

/// What is there where it is not so.
pub(crate) fn other_signs(source: &str) -> String {
    format!("signs beyond U+00FF in {source}, which a UTF-16 file sorts by its own bytes")
}

impl Translator<'_> {
    /// Takes for granted that the bytes of UTF-16, by which BINARY sorts such a file's texts, give the order of UTF-8.
    pub(crate) fn assume_sorted_alike(&mut self, texts: &[Value]) -> Result<()> {
        if !self.names.is_utf16() {
            return Ok(());
        }
        for it in texts.iter().filter(|it| it.value_type == ValueType::Text) {
            match it.text() {
                Some(text) if is_sorted_text(text) => {}
                Some(_) => return Err(Untranslated::Collation(it.source.clone())),
                None => self.assume(is_sorted_alike(&it.source), other_signs(&it.source)),
            }
        }
        Ok(())
    }
}
