//! What the definition of a relation says of its parts: columns, and names that its indexes take.

use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

/// Names that `statement` gives to indexes, and to constraints that have one: they stand among the relations
/// of the table's schema.
pub(crate) fn of_table(statement: &SyntaxNode) -> impl Iterator<Item = String> {
    statement
        .descendants()
        .filter(|node| match node.kind() {
            SyntaxKind::INDEX => true,
            SyntaxKind::CONSTRAINT_NAME => has_index(node),
            _ => false,
        })
        .map(|node| normalize_name_node(&innermost(node)))
}

/// Whether the constraint that `name` names when it is made has an index.
pub(crate) fn has_index(name: &SyntaxNode) -> bool {
    name.ancestors().skip(1).any(|it| {
        matches!(
            it.kind(),
            SyntaxKind::PRIMARY_KEY_CONSTRAINT
                | SyntaxKind::UNIQUE_CONSTRAINT
                | SyntaxKind::EXCLUDE_CONSTRAINT
        )
    })
}

/// Names of the columns of a table or composite type, or of a view's own list of targets.
pub(crate) fn columns(statement: &SyntaxNode) -> Option<Vec<String>> {
    use SyntaxKind as K;
    let list = |kind: SyntaxKind, name: SyntaxKind| {
        let definitions = statement
            .descendants()
            .filter(move |it| it.kind() == kind)
            .filter_map(move |it| it.children().find(|it| it.kind() == name));
        definitions.map(|it| normalize_name_node(&it)).collect()
    };
    match statement.kind() {
        K::CREATE_TABLE | K::CREATE_FOREIGN_TABLE => Some(list(K::COLUMN, K::COLUMN_NAME)),
        K::CREATE_TYPE => {
            Some(list(K::COMPOSITE_FIELD_DEF, K::COMPOSITE_FIELD)).filter(|it: &Vec<_>| !it.is_empty())
        }
        K::CREATE_VIEW | K::CREATE_MATERIALIZED_VIEW => targets(statement),
        _ => None,
    }
}

/// The columns of a view as `pg_get_viewdef` writes them: an alias wherever the name is not that of a column.
fn targets(view: &SyntaxNode) -> Option<Vec<String>> {
    let list = view
        .descendants()
        .find(|it| it.kind() == SyntaxKind::TARGET_LIST)?;
    let name = |target: SyntaxNode| {
        let alias = target.children().find(|it| it.kind() == SyntaxKind::AS_NAME);
        let named = match alias {
            Some(alias) => alias,
            None => target.first_child()?,
        };
        Some(normalize_name_node(&innermost(named)))
    };
    list.children()
        .filter(|it| it.kind() == SyntaxKind::TARGET)
        .map(name)
        .collect()
}

/// The last segment of a name.
pub(crate) fn innermost(node: SyntaxNode) -> SyntaxNode {
    node.descendants().last().unwrap_or(node)
}
