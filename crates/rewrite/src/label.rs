//! How people are told of which object a statement speaks: `view public.open_orders`.

use squawk_syntax::{SyntaxKind, SyntaxNode};

/// The object that `statement` defines or alters, or what it does when there is none.
pub(crate) fn object(statement: &SyntaxNode) -> String {
    let words = words(statement.kind());
    let verbs = ["create ", "alter ", "drop "];
    let verb = verbs.iter().find_map(|verb| words.strip_prefix(verb));
    let name = statement
        .descendants()
        .find(is_name)
        .map(|it| it.text().to_string());
    match (statement.kind(), verb, name) {
        (SyntaxKind::CREATE_FUNCTION | SyntaxKind::CREATE_PROCEDURE, Some(kind), Some(name)) => {
            format!("{kind} {name}()")
        }
        (
            SyntaxKind::CREATE_TRIGGER | SyntaxKind::CREATE_POLICY | SyntaxKind::CREATE_RULE,
            Some(kind),
            Some(name),
        ) => {
            format!("{kind} {} on {name}", own_name(statement))
        }
        (_, Some("table as"), Some(name)) => format!("table {name}"),
        (_, Some(kind), Some(name)) => format!("{kind} {name}"),
        (kind, None, Some(name)) if names_its_object(kind) => format!("{words} {name}"),
        _ => words,
    }
}

/// For a statement that cannot be read: its first words.
pub(crate) fn beginning(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().take(4).collect();
    let mut label: String = words.join(" ").chars().take(60).collect();
    if label.is_empty() {
        label.push_str("statement");
    }
    label
}

fn words(kind: SyntaxKind) -> String {
    format!("{kind:?}").to_ascii_lowercase().replace('_', " ")
}

fn is_name(node: &SyntaxNode) -> bool {
    matches!(
        node.kind(),
        SyntaxKind::PATH
            | SyntaxKind::PATH_REF
            | SyntaxKind::SCHEMA
            | SyntaxKind::SCHEMA_REF
            | SyntaxKind::EXTENSION
            | SyntaxKind::EXTENSION_REF
    )
}

fn names_its_object(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::COMMENT_ON
            | SyntaxKind::SECURITY_LABEL
            | SyntaxKind::GRANT
            | SyntaxKind::REVOKE
            | SyntaxKind::INSERT
            | SyntaxKind::UPDATE
            | SyntaxKind::DELETE
            | SyntaxKind::COPY
    )
}

fn own_name(statement: &SyntaxNode) -> String {
    let own = [SyntaxKind::TRIGGER, SyntaxKind::POLICY, SyntaxKind::RULE];
    statement
        .children()
        .find(|it| own.contains(&it.kind()))
        .map(|it| it.text().to_string())
        .unwrap_or_default()
}
