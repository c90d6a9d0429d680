//! Names without a schema, in their roles.

use std::collections::HashSet;

use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxElement, SyntaxKind, SyntaxNode};

use crate::known::Space;
use crate::reference::role_of_parent;

/// A name that is looked up along the search path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unqualified {
    /// Offset in the text of the tree.
    pub(crate) start: usize,
    /// The name as it is written there.
    pub(crate) token: String,
    /// The name as PostgreSQL reads it; for operators their sign.
    pub(crate) name: String,
    pub(crate) space: Space,
}

/// Every name without a schema in `root`; names of CTEs, aliases and variables left out.
pub(crate) fn names(root: &SyntaxNode) -> Vec<Unqualified> {
    let ctes: HashSet<String> = root
        .descendants()
        .filter(|it| it.kind() == SyntaxKind::CTE_NAME)
        .map(|it| normalize_name_node(&it))
        .collect();
    let mut found: Vec<Unqualified> = root.descendants().filter_map(|it| of_node(&it)).collect();
    found.retain(|it| !(it.space == Space::Relation && ctes.contains(&it.name)));
    found
}

fn of_node(node: &SyntaxNode) -> Option<Unqualified> {
    match node.kind() {
        SyntaxKind::PATH_REF => of_path(node),
        SyntaxKind::CALL_EXPR => {
            let callee = node
                .first_child()
                .filter(|it| it.kind() == SyntaxKind::NAME_REF)?;
            Some(named(&callee, Space::Routine))
        }
        SyntaxKind::BIN_EXPR | SyntaxKind::PREFIX_EXPR => of_operator(node),
        _ => None,
    }
}

fn of_path(node: &SyntaxNode) -> Option<Unqualified> {
    let parent = node.parent()?;
    if matches!(
        parent.kind(),
        SyntaxKind::PATH | SyntaxKind::PATH_REF | SyntaxKind::OP
    ) {
        return None;
    }
    let (space, is_column) = role_of_parent(&parent)?;
    let segments: Vec<SyntaxNode> = node
        .descendants()
        .filter(|it| it.kind() == SyntaxKind::PATH_SEGMENT_REF)
        .collect();
    (space != Space::Any && segments.len() == 1 + usize::from(is_column)).then(|| named(&segments[0], space))
}

fn of_operator(node: &SyntaxNode) -> Option<Unqualified> {
    let signs: Vec<SyntaxElement> = node
        .children_with_tokens()
        .filter(|it| {
            it.kind() == SyntaxKind::CUSTOM_OP || it.as_token().is_some_and(|it| !it.kind().is_trivia())
        })
        .collect();
    let sign: String = signs.iter().map(ToString::to_string).collect();
    let is_sign = !sign.is_empty() && sign.chars().all(|it| "+-*/<>=~!@#%^&|`?".contains(it));
    is_sign.then(|| Unqualified {
        start: usize::from(signs[0].text_range().start()),
        token: sign.clone(),
        name: sign,
        space: Space::Operator,
    })
}

fn named(node: &SyntaxNode, space: Space) -> Unqualified {
    Unqualified {
        start: usize::from(node.text_range().start()),
        token: node.text().to_string(),
        name: normalize_name_node(node),
        space,
    }
}
