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
        .map(|it| it.text().to_string())
        .or_else(|| name_outside_schemas(statement));
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
    // What follows a quote may be a password.
    let end = text.find(['\'', '$']).unwrap_or(text.len());
    let words: Vec<&str> = text[..end].split_whitespace().take(4).collect();
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

/// The name of what lives in no schema: `for bob server s` for a user mapping.
fn name_outside_schemas(statement: &SyntaxNode) -> Option<String> {
    use SyntaxKind as K;
    let kinds: &[K] = match statement.kind() {
        K::CREATE_USER_MAPPING | K::ALTER_USER_MAPPING => {
            let part = |kinds: &[K]| {
                let node = statement.children().find(|it| kinds.contains(&it.kind()));
                node.map(|it| it.text().to_string())
            };
            let role = part(&[K::USER_MAPPING_ROLE, K::ROLE_REF])?;
            return Some(format!("for {role} {}", part(&[K::SERVER_CLAUSE])?));
        }
        K::CREATE_ROLE | K::ALTER_ROLE | K::CREATE_USER | K::ALTER_USER | K::CREATE_GROUP => {
            &[K::ROLE, K::ROLE_REF]
        }
        K::ALTER_DATABASE => &[K::DATABASE_REF],
        K::CREATE_SUBSCRIPTION | K::ALTER_SUBSCRIPTION => &[K::SUBSCRIPTION, K::SUBSCRIPTION_REF],
        K::CREATE_SERVER | K::ALTER_SERVER => &[K::SERVER, K::SERVER_REF],
        K::CREATE_FOREIGN_DATA_WRAPPER | K::ALTER_FOREIGN_DATA_WRAPPER => {
            &[K::FOREIGN_DATA_WRAPPER, K::FOREIGN_DATA_WRAPPER_REF]
        }
        _ => return None,
    };
    let node = statement.children().find(|it| kinds.contains(&it.kind()))?;
    Some(node.text().to_string())
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
