//! Strings that are compared with names: `WHERE table_name = 'users'`.

use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

/// Columns and variables that hold names of objects: in `pg_catalog`, in `information_schema`, of triggers.
const OBJECT_NAMES: [&str; 15] = [
    "relname",
    "tablename",
    "table_name",
    "viewname",
    "matviewname",
    "indexname",
    "sequencename",
    "sequence_name",
    "proname",
    "routine_name",
    "specific_name",
    "typname",
    "conname",
    "tg_table_name",
    "tg_relname",
];

/// Whether the other side of the comparison holds names of schemas, such as `nspname`.
pub(crate) fn is_with_schema_names(literal: &SyntaxNode) -> bool {
    is_with(literal, |name| {
        name == "nspname" || name == "schemaname" || name == "schema_name" || name.ends_with("_schema")
    })
}

/// Whether the other side of the comparison holds names of objects, such as `relname`.
pub(crate) fn is_with_object_names(literal: &SyntaxNode) -> bool {
    is_with(literal, |name| OBJECT_NAMES.contains(&name))
}

fn is_with(literal: &SyntaxNode, wanted: impl Fn(&str) -> bool) -> bool {
    let comparison = literal.ancestors().skip(1).find_map(|it| match it.kind() {
        SyntaxKind::BIN_EXPR => Some(it),
        // `CASE name WHEN 'x'` compares what stands behind CASE.
        SyntaxKind::CASE_EXPR | SyntaxKind::PLPGSQL_CASE_STMT => it.first_child(),
        _ => None,
    });
    comparison.is_some_and(|comparison| {
        let mut names = comparison
            .descendants()
            .filter(|it| it.kind() == SyntaxKind::NAME_REF);
        names.any(|it| wanted(&normalize_name_node(&it)))
    })
}
