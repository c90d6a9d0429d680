//! What only a run shows: a search path that is computed, a name that is put together from parts.

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::literal::{holds, last_name};

/// Functions that put names and SQL together.
const BUILDERS: [&str; 4] = ["format", "concat", "concat_ws", "quote_ident"];

/// Whether `call` gives the search path a value that is no constant.
pub(crate) fn sets_path(call: &SyntaxNode) -> bool {
    let function = call.first_child().and_then(|it| last_name(&it));
    if function.as_deref() != Some("set_config") {
        return false;
    }
    let args = call
        .children()
        .find(|it| it.kind() == SyntaxKind::ARG_LIST)
        .into_iter()
        .flat_map(|it| it.children().collect::<Vec<_>>())
        .filter(|it| it.kind() == SyntaxKind::ARG)
        .collect::<Vec<_>>();
    let is_constant = |arg: &SyntaxNode| arg.first_child().and_then(ast::Literal::cast).is_some();
    match args.as_slice() {
        [setting, value, ..] => {
            (holds(setting, "search_path") || !is_constant(setting)) && !is_constant(value)
        }
        _ => false,
    }
}

/// Whether `literal` is put together with something else.
pub(crate) fn is_part(literal: &SyntaxNode) -> bool {
    let Some(parent) = literal.parent() else {
        return false;
    };
    match parent.kind() {
        SyntaxKind::BIN_EXPR => parent.children_with_tokens().any(|it| it.to_string() == "||"),
        SyntaxKind::ARG => {
            let call = parent.parent().and_then(|it| it.parent());
            let function = call.and_then(|it| it.first_child()).and_then(|it| last_name(&it));
            function.is_some_and(|it| BUILDERS.contains(&it.as_str()))
        }
        _ => false,
    }
}
