//! Names without a schema, in their roles: what PostgreSQL looks up along the search path.

use std::collections::HashSet;

use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::known::Space;
use crate::reference::{Token, role_of_parent};

/// A name without a schema at one place of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unqualified {
    /// Offset in the text of the tree.
    pub(crate) start: usize,
    /// The name as it is written there.
    pub(crate) token: String,
    /// The name as PostgreSQL reads it.
    pub(crate) name: String,
    pub(crate) space: Space,
}

/// Every name without a schema in `root` that PostgreSQL looks up along the search path, in the order of the text.
///
/// Names of CTEs, aliases, columns and variables are not among them, nor names that stand in the schema of their
/// table, such as that of an index which is made.
pub(crate) fn names(root: &SyntaxNode) -> Vec<Unqualified> {
    let shadows = Shadows::of(root);
    root.descendants()
        .filter_map(|node| of_node(&node, &shadows))
        .collect()
}

/// Names in a body that stand for something else than what the search path gives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shadows {
    /// Labels of blocks: `label.variable%TYPE` looks like `table.column%TYPE`. A record's fields cannot be named
    /// so (`plpgsql_parse_cwordtype` in `pl_comp.c`).
    pub(crate) labels: HashSet<String>,
    /// Transition tables of the triggers that call the routine, and temporary tables that it makes.
    pub(crate) relations: HashSet<String>,
}

impl Shadows {
    /// Those that the body itself shows.
    pub(crate) fn of(body: &SyntaxNode) -> Self {
        let labels = body
            .descendants()
            .filter(|it| it.kind() == SyntaxKind::PLPGSQL_LABEL_NAME);
        Shadows {
            labels: labels.map(|it| normalize_name_node(&it)).collect(),
            relations: HashSet::new(),
        }
    }
}

/// The name without a schema that `node` holds in its role; `shadows` are those of the body around it.
pub(crate) fn of_node(node: &SyntaxNode, shadows: &Shadows) -> Option<Unqualified> {
    match node.kind() {
        SyntaxKind::PATH | SyntaxKind::PATH_REF => of_path(node, shadows),
        SyntaxKind::NAME_REF if is_called(node) => unqualified(node, Space::Routine),
        _ => None,
    }
}

/// Variables that a PL/pgSQL block declares.
pub(crate) fn variables(root: &SyntaxNode) -> HashSet<String> {
    root.descendants()
        .filter(|it| it.kind() == SyntaxKind::PLPGSQL_VAR_NAME)
        .map(|it| normalize_name_node(&it))
        .collect()
}

fn of_path(node: &SyntaxNode, shadows: &Shadows) -> Option<Unqualified> {
    let parent = node.parent()?;
    if matches!(
        parent.kind(),
        SyntaxKind::PATH | SyntaxKind::PATH_REF | SyntaxKind::OP
    ) || stands_in_tables_schema(&parent)
    {
        return None;
    }
    let (space, is_column) = role_of_parent(&parent)?;
    let mut segments = node
        .descendants()
        .filter(|it| matches!(it.kind(), SyntaxKind::PATH_SEGMENT | SyntaxKind::PATH_SEGMENT_REF));
    let first = segments.next()?;
    if segments.count() != usize::from(is_column) {
        return None;
    }
    let found = unqualified(&first, space)?;
    let is_label = parent.kind() == SyntaxKind::PERCENT_TYPE && shadows.labels.contains(&found.name);
    let is_shadowed = space == Space::Relation && shadows.relations.contains(&found.name);
    let is_cte = parent.kind() == SyntaxKind::RELATION_NAME_REF
        && parent
            .parent()
            .is_some_and(|it| it.kind() == SyntaxKind::RELATION_FROM_ITEM)
        && is_cte(&parent, &found.name);
    (!is_label && !is_shadowed && !is_cte).then_some(found)
}

/// An index that is made is put beside its table, and an index of a table is looked for there.
fn stands_in_tables_schema(parent: &SyntaxNode) -> bool {
    let within = |kind| parent.parent().is_some_and(|it| it.kind() == kind);
    match parent.kind() {
        SyntaxKind::INDEX => within(SyntaxKind::CREATE_INDEX),
        SyntaxKind::INDEX_REF => within(SyntaxKind::CLUSTER_ON) || within(SyntaxKind::USING_INDEX_NAME),
        _ => false,
    }
}

fn is_called(name: &SyntaxNode) -> bool {
    name.parent().is_some_and(|parent| {
        parent.kind() == SyntaxKind::CALL_EXPR && parent.first_child().as_ref() == Some(name)
    })
}

fn unqualified(node: &SyntaxNode, space: Space) -> Option<Unqualified> {
    let name = normalize_name_node(node);
    let Token { start, text: token } = Token::of(node);
    (!name.is_empty()).then_some(Unqualified {
        start,
        token,
        name,
        space,
    })
}

/// Whether a relation called `name` at `node` is a common table expression.
pub(crate) fn is_cte(node: &SyntaxNode, name: &str) -> bool {
    let mut below: Option<SyntaxNode> = None;
    for ancestor in node.ancestors() {
        if ancestor.kind() == SyntaxKind::WITH_CLAUSE {
            // Without RECURSIVE an expression sees those before it only.
            let is_recursive = ancestor
                .children_with_tokens()
                .any(|it| it.kind() == SyntaxKind::RECURSIVE_KW);
            let visible = ancestor
                .children()
                .take_while(|it| is_recursive || below.as_ref() != Some(it));
            if visible.into_iter().any(|it| names_cte(&it, name)) {
                return true;
            }
        } else {
            let clause = ancestor
                .children()
                .find(|it| it.kind() == SyntaxKind::WITH_CLAUSE)
                .filter(|it| below.as_ref() != Some(it));
            if clause.is_some_and(|it| it.children().any(|it| names_cte(&it, name))) {
                return true;
            }
        }
        below = Some(ancestor);
    }
    false
}

fn names_cte(with_table: &SyntaxNode, name: &str) -> bool {
    with_table
        .children()
        .find(|it| it.kind() == SyntaxKind::CTE_NAME)
        .is_some_and(|it| normalize_name_node(&it) == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::single_statement;

    #[track_caller]
    fn check(sql: &str, expected: &[&str]) {
        let root = single_statement(sql).unwrap_or_else(|| panic!("{sql}"));
        let found: Vec<String> = names(&root).into_iter().map(|it| it.name).collect();
        assert_eq!(found, expected, "{sql}");
    }

    #[test]
    fn names_that_the_path_decides_are_found() {
        check("SELECT a, f(b), c::t FROM users u, s.x", &["f", "t", "users"]);
        check(
            "INSERT INTO users (a) VALUES (nextval('q'))",
            &["users", "nextval"],
        );
        check(
            "UPDATE users SET a = 1 FROM b WHERE users.a = b.a",
            &["users", "b"],
        );
        check("CREATE INDEX i ON t (f(a))", &["t", "f"]);
    }

    #[test]
    fn common_table_expressions_are_no_relations() {
        check("WITH a AS (SELECT * FROM b) SELECT * FROM a", &["b"]);
        check(
            "WITH users AS (SELECT * FROM users), b AS (SELECT * FROM users) SELECT * FROM users, b",
            &["users"],
        );
        check(
            "WITH RECURSIVE t AS (SELECT 1 UNION ALL SELECT * FROM t) SELECT * FROM t",
            &[],
        );
        check("SELECT (WITH a AS (SELECT 1) SELECT 1 FROM a) FROM a", &["a"]);
        check("WITH t AS (SELECT 1) INSERT INTO t SELECT * FROM t", &["t"]);
    }
}
