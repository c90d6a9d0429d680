//! Columns whose values are names of objects. Rows are not opened, so such a value would go on to mean an object
//! under its old name: one that is not there, or one that is somebody else's.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{AstNode, Type, normalize_name_node};

/// Types whose text is a name that a schema can qualify, or a schema's own:
/// <https://www.postgresql.org/docs/current/datatype-oid.html>.
const TYPES: [&str; 10] = [
    "regclass",
    "regcollation",
    "regconfig",
    "regdictionary",
    "regnamespace",
    "regoper",
    "regoperator",
    "regproc",
    "regprocedure",
    "regtype",
];

/// Why the values of the column that `node` defines cannot be trusted; `None` when they can.
pub(crate) fn in_column(node: &SyntaxNode) -> Option<String> {
    let name = node.first_child()?;
    let written = node.children().find_map(Type::cast)?.syntax().text().to_string();
    let element = written.trim_end_matches(|it: char| matches!(it, '[' | ']') || it.is_ascii_digit());
    let element = element.strip_prefix("pg_catalog.").unwrap_or(element);
    TYPES.contains(&element).then(|| {
        format!(
            "column {} holds names of objects ({element}), and they stay as they are",
            normalize_name_node(&name)
        )
    })
}
