//! Columns whose values are names of objects. PostgreSQL's own `ALTER … RENAME` changes what such a value says,
//! since it is stored as an OID; in an archive it is text, and gets its new name like the text of a definition.

mod name_map;
mod nesting;
mod table_names;

use catalog::NameKind;
use squawk_syntax::ast::{AstNode, Type, normalize_name_node};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::relation::innermost;
use crate::rewriter::child;

pub use name_map::NameMap;
pub use table_names::{TableNames, Unresolved};

/// Why values of what `node` defines, a column, a domain or a range type, cannot be trusted where rows are not
/// opened; `None` when they can. Columns of such a domain or range are told of at its definition.
pub(crate) fn in_definition(node: &SyntaxNode) -> Option<String> {
    let (noun, name, holder) = match node.kind() {
        SyntaxKind::CREATE_DOMAIN => ("domain", node.first_child()?, node.clone()),
        SyntaxKind::RANGE_TYPE => ("range", node.parent()?.first_child()?, subtype(node)?),
        _ => ("column", node.first_child()?, node.clone()),
    };
    let written = holder
        .children()
        .find_map(Type::cast)?
        .syntax()
        .text()
        .to_string();
    let element = written.trim_end_matches(|it: char| matches!(it, '[' | ']') || it.is_ascii_digit());
    let element = element.strip_prefix("pg_catalog.").unwrap_or(element);
    let kind = NameKind::from_type_name(element)?;
    Some(format!(
        "{noun} {} holds names of objects ({kind}), and they stay as they are",
        normalize_name_node(&innermost(name))
    ))
}

fn subtype(range: &SyntaxNode) -> Option<SyntaxNode> {
    let mut options = range
        .descendants()
        .filter(|it| it.kind() == SyntaxKind::ATTRIBUTE_OPTION);
    let is_subtype = |it: &SyntaxNode| {
        let name = child(it, SyntaxKind::ATTRIBUTE_NAME);
        name.is_some_and(|it| normalize_name_node(&it) == "subtype")
    };
    child(&options.find(is_subtype)?, SyntaxKind::ATTRIBUTE_VALUE)
}
