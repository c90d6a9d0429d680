//! Queries in FROM and in WITH: what their columns mean.

use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::ConvertedKeys;
use super::meaning::{Meaning, first_select, given_name, plain_column, targets};
use crate::rewriter::child;
use crate::statement::paths;

/// Queries within queries that are followed. One can name itself, where PostgreSQL would not take it.
const DEPTH_MAX: u8 = 16;

/// A query with the names that are given to its columns from outside.
struct Named {
    query: SyntaxNode,
    columns: Vec<String>,
}

impl ConvertedKeys<'_> {
    /// What a column means that a query in FROM has, where `node` stands: of the query that is `called` so, or of any
    /// beside it. `None` where there is none.
    pub(super) fn column_of_query(
        &self,
        node: &SyntaxNode,
        called: Option<&str>,
        column: &str,
        depth: u8,
    ) -> Option<Meaning> {
        if depth > DEPTH_MAX {
            return None;
        }
        let selects = node.ancestors().filter(|it| it.kind() == SyntaxKind::SELECT);
        let mut found = selects.flat_map(|select| {
            let items = items(&select).into_iter();
            let items = items.filter(|it| called.is_none_or(|called| name_of(it).as_deref() == Some(called)));
            items.filter_map(|it| query_of(&it)).collect::<Vec<_>>()
        });
        found.find_map(|it| self.column_of_named(&it, column, depth))
    }

    fn column_of_named(&self, named: &Named, column: &str, depth: u8) -> Option<Meaning> {
        let select = first_select(&named.query)?;
        let has_name = |(place, target): &(usize, SyntaxNode)| {
            let own = || given_name(target).or_else(|| Some(normalize_name_node(&plain_column(target)?)));
            named.columns.get(*place).cloned().or_else(own).as_deref() == Some(column)
        };
        let (_, target) = targets(&select).enumerate().find(has_name)?;
        Some(match plain_column(&target) {
            Some(it) => self.meaning_within(&it, depth + 1),
            None => Meaning::Other,
        })
    }

    /// The names that a query in WITH gives to keys.
    pub(super) fn keys_of_with(&self, table: &SyntaxNode) -> Vec<String> {
        let Some(named) = named(table) else {
            return Vec::new();
        };
        let Some(select) = first_select(&named.query) else {
            return Vec::new();
        };
        let columns = named.columns.into_iter().zip(targets(&select));
        let keys = columns.filter(|(_, target)| {
            plain_column(target).is_some_and(|it| !self.meaning_within(&it, 0).stays())
        });
        keys.map(|(name, _)| name).collect()
    }
}

/// What stands in a query's own FROM.
fn items(select: &SyntaxNode) -> Vec<SyntaxNode> {
    let Some(clause) = child(select, SyntaxKind::FROM_CLAUSE) else {
        return Vec::new();
    };
    let is_item = |it: &SyntaxNode| {
        matches!(
            it.kind(),
            SyntaxKind::RELATION_FROM_ITEM | SyntaxKind::PAREN_FROM_ITEM
        )
    };
    let is_own = |it: &SyntaxNode| {
        let mut around = it.ancestors().skip(1);
        around.find(|it| it.kind() == SyntaxKind::SELECT).as_ref() == Some(select)
    };
    clause
        .descendants()
        .filter(|it| is_item(it) && is_own(it))
        .collect()
}

/// What an item of FROM is called in its query.
fn name_of(item: &SyntaxNode) -> Option<String> {
    if let Some(alias) = child(item, SyntaxKind::FROM_ALIAS) {
        return child(&alias, SyntaxKind::TABLE_ALIAS).map(|it| normalize_name_node(&it));
    }
    paths(item)
        .next()
        .filter(|_| item.kind() == SyntaxKind::RELATION_FROM_ITEM)
        .map(|it| it.name)
}

/// The query that an item of FROM is, or names.
fn query_of(item: &SyntaxNode) -> Option<Named> {
    let alias = child(item, SyntaxKind::FROM_ALIAS);
    if alias.is_some_and(|it| it.children().count() > 1) {
        // Names of columns, which are not read here.
        return None;
    }
    if item.kind() == SyntaxKind::PAREN_FROM_ITEM {
        let query = item.children().find(|it| first_select(it).is_some())?;
        let columns = Vec::new();
        return Some(Named { query, columns });
    }
    let path = paths(item).next().filter(|it| it.schema.is_empty())?;
    let clauses = item
        .ancestors()
        .filter_map(|it| child(&it, SyntaxKind::WITH_CLAUSE));
    let mut tables = clauses.flat_map(|it| it.children().collect::<Vec<_>>());
    let is_called = |it: &SyntaxNode| {
        let name = child(it, SyntaxKind::CTE_NAME);
        name.is_some_and(|it| normalize_name_node(&it) == path.name)
    };
    named(&tables.find(is_called)?)
}

fn named(table: &SyntaxNode) -> Option<Named> {
    let columns = child(table, SyntaxKind::COLUMN_LIST);
    let columns = columns.map(|it| it.children().map(|it| normalize_name_node(&it)).collect());
    Some(Named {
        query: table.children().find(|it| first_select(it).is_some())?,
        columns: columns.unwrap_or_default(),
    })
}
