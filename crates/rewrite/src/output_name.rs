//! Names that PostgreSQL derives: a target without an alias is called like the function or row that it shows, a
//! function in FROM like itself (`FigureColname` in `parse_target.c`). Where a body uses such a name, an alias keeps
//! it when the function gets another one.

use std::collections::HashSet;

use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::relation;
use crate::rewriter::{child, identifier};
use crate::statement_pass::{Place, StatementPass};
use crate::verdict::Trust;

/// Names that a body uses otherwise than to call a function.
pub(crate) fn used(body: &SyntaxNode) -> HashSet<String> {
    let names = body.descendants().filter(|it| {
        let is_callee = || {
            let parent = it.parent();
            parent.is_some_and(|call| {
                call.kind() == SyntaxKind::CALL_EXPR && call.first_child().as_ref() == Some(it)
            })
        };
        match it.kind() {
            SyntaxKind::NAME_REF => !is_callee(),
            SyntaxKind::COLUMN_NAME_REF | SyntaxKind::COMPOSITE_FIELD_REF => true,
            _ => false,
        }
    });
    names.map(|it| normalize_name_node(&it)).collect()
}

impl StatementPass<'_> {
    /// Keeps the derived name of a call of a function that gets another name.
    pub(crate) fn keep_name_of_call(&mut self, call: &SyntaxNode, place: Place<'_>) {
        let Some(callee) = call.first_child() else { return };
        if place.trust == Trust::Unchecked && self.new_name_of(&callee, place).is_some() {
            let old = normalize_name_node(&relation::innermost(callee));
            self.keep_name(call, &old, place);
        }
    }

    /// Writes `AS old` behind `value` where its name without an alias can be used.
    pub(crate) fn keep_name(&mut self, value: &SyntaxNode, old: &str, place: Place<'_>) {
        let names_something = value.parent().is_some_and(|parent| match parent.kind() {
            SyntaxKind::TARGET => child(&parent, SyntaxKind::AS_NAME).is_none() && is_output(&parent),
            SyntaxKind::FUNCTION_FROM_ITEM => child(&parent, SyntaxKind::FROM_ALIAS).is_none(),
            _ => false,
        });
        if names_something && place.context.used.contains(old) {
            let end = usize::from(value.text_range().end());
            let alias = format!(" AS {}", identifier(old, place.in_body));
            self.change(end..end, "", &alias, place);
        }
    }
}

/// Whether somebody can use the names of the query whose target this is.
fn is_output(target: &SyntaxNode) -> bool {
    let clause = target.parent().and_then(|it| it.parent());
    let query = clause
        .filter(|it| it.kind() == SyntaxKind::SELECT_CLAUSE)
        .and_then(|it| it.parent());
    let around = query.and_then(|it| it.parent());
    around.is_some_and(|it| {
        !matches!(
            it.kind(),
            SyntaxKind::SOURCE_FILE
                | SyntaxKind::INSERT
                | SyntaxKind::PLPGSQL_PERFORM_STMT
                | SyntaxKind::PLPGSQL_RETURN_QUERY_STMT
        )
    })
}
