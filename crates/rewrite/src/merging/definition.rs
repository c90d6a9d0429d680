//! The definition of a table, taken apart.

use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::{CheckText, ColumnText, TableText, name_in, range};
use crate::rewriter::child;
use crate::statement::paths;

pub(super) fn table_text(statement: &SyntaxNode, text: &str) -> Option<TableText> {
    use SyntaxKind as K;
    let list = child(statement, K::TABLE_ARG_LIST)?;
    let mut table = TableText {
        name: child(statement, K::TABLE_NAME).and_then(|it| paths(&it).next())?,
        unlogged: text[..range(&list).start]
            .to_ascii_uppercase()
            .contains(" UNLOGGED "),
        columns: Vec::new(),
        checks: Vec::new(),
        others: Vec::new(),
        tail: text[range(&list).end..]
            .trim()
            .trim_end_matches(';')
            .trim()
            .to_owned(),
    };
    for part in list.children() {
        match part.kind() {
            K::COLUMN => column_text(&part, text, &mut table)?,
            K::CHECK_CONSTRAINT => table.checks.push(check_text(&part, text)?),
            _ => table.others.push(text[range(&part)].to_owned()),
        }
    }
    Some(table)
}

fn column_text(node: &SyntaxNode, text: &str, table: &mut TableText) -> Option<()> {
    use SyntaxKind as K;
    let mut parts = node.children();
    let mut column = ColumnText {
        name: normalize_name_node(&parts.next().filter(|it| it.kind() == K::COLUMN_NAME)?),
        type_text: text[range(&parts.next()?)].to_owned(),
        collate: None,
        default: None,
        generated: None,
        not_null: false,
        rest: Vec::new(),
    };
    for part in parts {
        let own = text[range(&part)].trim();
        match part.kind() {
            K::NOT_NULL_CONSTRAINT => column.not_null = true,
            K::DEFAULT_CONSTRAINT => column.default = Some(text[range(&part.last_child()?)].to_owned()),
            K::GENERATED_CONSTRAINT => column.generated = Some(own.to_owned()),
            K::CHECK_CONSTRAINT => table.checks.push(check_text(&part, text)?),
            _ if own.to_ascii_uppercase().starts_with("COLLATE ") => column.collate = Some(own.to_owned()),
            _ => column.rest.push(own.to_owned()),
        }
    }
    table.columns.push(column);
    Some(())
}

pub(super) fn check_text(node: &SyntaxNode, text: &str) -> Option<CheckText> {
    let condition = node
        .children()
        .find(|it| it.kind() != SyntaxKind::CONSTRAINT_NAME_CLAUSE)?;
    let rest = text[range(&condition).end..range(node).end].trim();
    Some(CheckText {
        name: name_in(node, SyntaxKind::CONSTRAINT_NAME),
        rest: rest.trim_start_matches(')').trim().to_owned(),
        condition: text[range(&condition)].to_owned(),
    })
}
