//! Columns whose values are names of objects. PostgreSQL's own `ALTER … RENAME` changes what such a value says,
//! since it is stored as an OID; in an archive it is text, and gets its new name like the text of a definition.

mod name_map;
mod nesting;
mod table_names;

use catalog::NameKind;
use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{AstNode, Type, normalize_name_node};

pub use name_map::NameMap;
pub use table_names::{TableNames, Unresolved};

/// Why the values of the column that `node` defines cannot be trusted where rows are not opened; `None` when they
/// can.
pub(crate) fn in_column(node: &SyntaxNode) -> Option<String> {
    let name = node.first_child()?;
    let written = node.children().find_map(Type::cast)?.syntax().text().to_string();
    let element = written.trim_end_matches(|it: char| matches!(it, '[' | ']') || it.is_ascii_digit());
    let element = element.strip_prefix("pg_catalog.").unwrap_or(element);
    let kind = NameKind::from_type_name(element)?;
    Some(format!(
        "column {} holds names of objects ({kind}), and they stay as they are",
        normalize_name_node(&name)
    ))
}
