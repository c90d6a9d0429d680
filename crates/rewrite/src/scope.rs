//! What a name before a column means: which relation in FROM, or which target of a DML statement, it stands for.
//!
//! A relation without an alias goes by its own name, so `users.id` must follow when `users` gets another name
//! (`transformColumnRef` and `refnameNamespaceItem` in PostgreSQL's `parse_relation.c`).

use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::unqualified::is_cte;

/// What a name is bound to in FROM or as a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    /// A relation or a function that goes by its own name: the path or the callee that names it.
    Named(SyntaxNode),
    /// A relation that goes by an alias: the path that names it.
    Aliased(SyntaxNode),
    /// A common table expression, a query and whatever else keeps its name.
    Fixed,
}

/// What `name` is bound to where `node` stands; `None` when nothing in scope is called so.
pub(crate) fn binding(node: &SyntaxNode, name: &str) -> Option<Binding> {
    let mut below = node.clone();
    let mut skips_level = false;
    for ancestor in node.ancestors().skip(1) {
        let level = level(&ancestor, &below);
        if !level.is_empty() {
            let found = level.into_iter().find(|(bound, _)| bound == name);
            if let (Some((_, binding)), false) = (found, skips_level) {
                return Some(binding);
            }
            skips_level = false;
        }
        // A query in FROM sees what stands around its level, but not its neighbours, unless it is LATERAL.
        if ancestor.kind() == SyntaxKind::PAREN_FROM_ITEM && holds_query(&ancestor) {
            skips_level = !is_lateral(&ancestor);
        }
        below = ancestor;
    }
    None
}

/// Everything that is in scope where `node` stands, whatever it is called.
pub(crate) fn visible(node: &SyntaxNode) -> Vec<Binding> {
    let mut below = node.clone();
    let mut all = Vec::new();
    for ancestor in node.ancestors().skip(1) {
        all.extend(level(&ancestor, &below).into_iter().map(|(_, binding)| binding));
        below = ancestor;
    }
    all
}

/// Whether `name`, alone in ORDER BY, GROUP BY or DISTINCT ON, is that of a target of the same query: it comes
/// before anything in FROM (`findTargetlistEntrySQL92` in `parse_clause.c`).
pub(crate) fn is_output_alias(node: &SyntaxNode, name: &str) -> bool {
    let in_clause = node.parent().is_some_and(|it| {
        matches!(
            it.kind(),
            SyntaxKind::SORT_BY | SyntaxKind::GROUPING_EXPR | SyntaxKind::DISTINCT_ON
        )
    });
    let query = node
        .ancestors()
        .find(|it| matches!(it.kind(), SyntaxKind::SELECT | SyntaxKind::COMPOUND_SELECT));
    let Some(query) = query.filter(|_| in_clause) else {
        return false;
    };
    let mut aliases = query.descendants().filter(|it| it.kind() == SyntaxKind::AS_NAME);
    aliases.any(|it| {
        it.first_child()
            .is_some_and(|it| normalize_name_node(&it) == name)
    })
}

/// The names that `node` binds for what stands in its child `below`.
fn level(node: &SyntaxNode, below: &SyntaxNode) -> Vec<(String, Binding)> {
    use SyntaxKind as K;
    let mut level = Vec::new();
    match node.kind() {
        K::SELECT => children(node, K::FROM_CLAUSE).for_each(|it| from_items(&it, &mut level)),
        K::INSERT => {
            if matches!(below.kind(), K::ON_CONFLICT_CLAUSE | K::RETURNING_CLAUSE) {
                target(node, &mut level);
            }
        }
        K::UPDATE | K::DELETE | K::MERGE => {
            target(node, &mut level);
            for kind in [K::FROM_CLAUSE, K::USING_CLAUSE, K::USING_ON_CLAUSE] {
                children(node, kind).for_each(|it| from_items(&it, &mut level));
            }
        }
        K::CREATE_POLICY | K::ALTER_POLICY => own_table(node, K::ON_TABLE, &mut level),
        // Constraints, defaults and expressions of indexes see the row of their table.
        K::CREATE_TABLE | K::CREATE_FOREIGN_TABLE => own_table(node, K::TABLE_NAME, &mut level),
        K::ALTER_TABLE | K::CREATE_INDEX => own_table(node, K::TABLE_RELATION_NAME, &mut level),
        K::CREATE_STATISTICS => own_table(node, K::FROM_TABLE, &mut level),
        _ => {}
    }
    level
}

/// The table that the definition belongs to.
fn own_table(statement: &SyntaxNode, kind: SyntaxKind, level: &mut Vec<(String, Binding)>) {
    children(statement, kind).for_each(|it| relation(&it, None, level));
}

/// The relation that INSERT, UPDATE, DELETE or MERGE writes.
fn target(statement: &SyntaxNode, level: &mut Vec<(String, Binding)>) {
    let target = statement.children().find(|it| {
        matches!(
            it.kind(),
            SyntaxKind::RELATION_NAME_REF | SyntaxKind::RELATION_NAME | SyntaxKind::TABLE_RELATION_NAME
        )
    });
    if let Some(target) = target {
        relation(&target, alias(statement), level);
    }
}

fn from_items(node: &SyntaxNode, level: &mut Vec<(String, Binding)>) {
    use SyntaxKind as K;
    for item in node.children() {
        match item.kind() {
            K::RELATION_FROM_ITEM => relation(&item, alias(&item), level),
            K::FUNCTION_FROM_ITEM => match alias(&item) {
                Some(alias) => level.push((alias, Binding::Fixed)),
                None => function(&item, level),
            },
            K::PAREN_FROM_ITEM if alias(&item).is_none() && !holds_query(&item) => from_items(&item, level),
            K::JOIN_EXPR | K::JOIN | K::PAREN_EXPR => from_items(&item, level),
            K::FROM_ALIAS | K::REQUIRED_AS_ALIAS | K::JOIN_USING_CLAUSE => {
                level.extend(alias_within(&item).map(|it| (it, Binding::Fixed)));
            }
            _ => level.extend(alias(&item).map(|it| (it, Binding::Fixed))),
        }
    }
}

fn relation(item: &SyntaxNode, alias: Option<String>, level: &mut Vec<(String, Binding)>) {
    let path = item
        .descendants()
        .find(|it| matches!(it.kind(), SyntaxKind::PATH_REF | SyntaxKind::PATH));
    let Some(path) = path else { return };
    let segments = path
        .descendants()
        .filter(|it| matches!(it.kind(), SyntaxKind::PATH_SEGMENT | SyntaxKind::PATH_SEGMENT_REF));
    let names: Vec<String> = segments.map(|it| normalize_name_node(&it)).collect();
    let Some(name) = names.last().cloned() else {
        return;
    };
    let is_from_item = item.kind() == SyntaxKind::RELATION_FROM_ITEM;
    let is_cte = is_from_item && names.len() == 1 && is_cte(item, &name);
    let binding = match alias {
        _ if is_cte => Binding::Fixed,
        Some(_) => Binding::Aliased(path),
        None => Binding::Named(path),
    };
    level.push((alias.unwrap_or(name), binding));
}

/// A function in FROM without an alias goes by its own name.
fn function(item: &SyntaxNode, level: &mut Vec<(String, Binding)>) {
    let callee = children(item, SyntaxKind::CALL_EXPR)
        .next()
        .and_then(|it| it.first_child());
    let Some(callee) = callee else { return };
    let name = callee
        .descendants()
        .filter(|it| it.kind() == SyntaxKind::NAME_REF)
        .last()
        .map(|it| normalize_name_node(&it));
    level.extend(name.map(|it| (it, Binding::Named(callee))));
}

fn alias(node: &SyntaxNode) -> Option<String> {
    let alias = node.children().find(|it| {
        matches!(
            it.kind(),
            SyntaxKind::FROM_ALIAS | SyntaxKind::REQUIRED_AS_ALIAS | SyntaxKind::OPTIONAL_AS_ALIAS
        )
    })?;
    alias_within(&alias)
}

fn alias_within(node: &SyntaxNode) -> Option<String> {
    node.descendants()
        .find(|it| it.kind() == SyntaxKind::TABLE_ALIAS)
        .map(|it| normalize_name_node(&it))
}

fn holds_query(item: &SyntaxNode) -> bool {
    item.children().any(|it| {
        matches!(
            it.kind(),
            SyntaxKind::PAREN_SELECT | SyntaxKind::SELECT | SyntaxKind::COMPOUND_SELECT | SyntaxKind::VALUES
        )
    })
}

fn is_lateral(item: &SyntaxNode) -> bool {
    item.children_with_tokens()
        .any(|it| it.kind() == SyntaxKind::LATERAL_KW)
}

fn children(node: &SyntaxNode, kind: SyntaxKind) -> impl Iterator<Item = SyntaxNode> {
    node.children().filter(move |it| it.kind() == kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::single_statement;

    /// What each `users` before a dot is bound to: `users` for the relation, `-` for what keeps its name, `?` for
    /// nothing.
    #[track_caller]
    fn check(sql: &str, expected: &str) {
        let root = single_statement(sql).unwrap_or_else(|| panic!("{sql}"));
        let fields = root
            .descendants()
            .filter(|it| it.kind() == SyntaxKind::FIELD_EXPR && it.text().to_string().starts_with("users."));
        let found: Vec<String> = fields
            .map(|field| match binding(&field, "users") {
                Some(Binding::Named(path)) => path.text().to_string(),
                Some(Binding::Aliased(_) | Binding::Fixed) => "-".to_owned(),
                None => "?".to_owned(),
            })
            .collect();
        assert_eq!(found.join(" "), expected, "{sql}");
    }

    #[test]
    fn qualifiers_are_bound_to_what_is_in_scope() {
        check("SELECT users.id FROM public.users", "public.users");
        check("SELECT users.id FROM public.users AS users", "-");
        check("SELECT users.id FROM public.other users", "-");
        check("SELECT users.id FROM other", "?");
        check(
            "SELECT 1 FROM (public.users JOIN b ON ((users.id = b.id)))",
            "public.users",
        );
        check(
            "SELECT 1 FROM ((public.users JOIN b ON (users.id = 1)) JOIN c ON (users.a = c.a)) WHERE (users.id > 1)",
            "public.users public.users public.users",
        );
        check("SELECT users.id FROM (public.users JOIN b USING (id)) x", "?");
        check(
            "SELECT 1 FROM users WHERE EXISTS (SELECT 1 FROM b WHERE b.id = users.id)",
            "users",
        );
        check(
            "SELECT 1 FROM users WHERE EXISTS (SELECT 1 FROM b users WHERE users.id = 1)",
            "-",
        );
        check(
            "WITH users AS (SELECT users.id FROM users) SELECT users.id FROM users",
            "users -",
        );
        check("SELECT 1 FROM users, LATERAL (SELECT users.id) x", "users");
        check("SELECT 1 FROM users, (SELECT users.id) x", "?");
        check("SELECT users.id FROM users(1)", "users");
        check("SELECT users.id FROM users(1) AS users(id)", "-");
        check(
            "SELECT users.id FROM a UNION SELECT users.id FROM users",
            "? users",
        );
    }

    #[test]
    fn targets_are_in_scope_where_postgresql_sees_them() {
        check(
            "UPDATE users SET a = users.b FROM c WHERE users.id = c.id RETURNING users.id",
            "users users users",
        );
        check("UPDATE users u SET a = users.b", "?");
        check("DELETE FROM users USING b WHERE users.id = b.id", "users");
        check(
            "INSERT INTO users SELECT users.id FROM b ON CONFLICT (id) DO UPDATE SET a = users.a RETURNING users.id",
            "? users users",
        );
        check(
            "MERGE INTO users USING b ON users.id = b.id WHEN MATCHED THEN DELETE",
            "users",
        );
        check(
            "CREATE POLICY p ON public.users USING ((EXISTS (SELECT 1 FROM b WHERE b.id = users.id)))",
            "public.users",
        );
        check(
            "ALTER TABLE public.users ADD CONSTRAINT c CHECK (f(users.*))",
            "public.users",
        );
        check(
            "CREATE TABLE public.users (a integer, CONSTRAINT c CHECK (f(users.*)))",
            "public.users",
        );
        check(
            "CREATE INDEX i ON public.users USING btree (f(users.*))",
            "public.users",
        );
    }
}
