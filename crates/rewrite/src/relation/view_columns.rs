//! The columns of a view, from its query as `pg_get_viewdef` writes it: an alias wherever the name is not that of
//! the column that is read.

use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxElement, SyntaxKind, SyntaxNode};

use super::innermost;
use crate::rewriter::child;

/// The columns of the view that `statement` creates; `None` when its text does not say all of them.
pub(super) fn of(statement: &SyntaxNode) -> Option<Vec<String>> {
    let mut columns = statement.children().find_map(|it| query_columns(&it))?;
    // `CREATE VIEW v (a, b) AS`: names for the first columns.
    if let Some(list) = child(statement, SyntaxKind::COLUMN_LIST) {
        for (column, name) in columns.iter_mut().zip(list.children()) {
            *column = normalize_name_node(&name);
        }
    }
    Some(columns)
}

/// Those of the query's own SELECT, which is the first of a compound. Others stand in clauses of it, `WITH` among
/// them.
fn query_columns(query: &SyntaxNode) -> Option<Vec<String>> {
    match query.kind() {
        SyntaxKind::SELECT => {
            let clause = child(query, SyntaxKind::SELECT_CLAUSE)?;
            match child(&clause, SyntaxKind::TARGET_LIST) {
                Some(targets) => targets
                    .children()
                    .filter(|it| it.kind() == SyntaxKind::TARGET)
                    .map(|it| target_name(&it))
                    .collect(),
                None => Some(Vec::new()),
            }
        }
        SyntaxKind::COMPOUND_SELECT | SyntaxKind::PAREN_SELECT | SyntaxKind::PAREN_EXPR => {
            let mut operands = query.children().filter(|it| it.kind() != SyntaxKind::WITH_CLAUSE);
            query_columns(&operands.next()?)
        }
        SyntaxKind::VALUES => {
            let row = child(query, SyntaxKind::ROW_LIST)?.first_child()?;
            let places = 1..=row.children().count();
            Some(places.map(|it| format!("column{it}")).collect())
        }
        _ => None,
    }
}

fn target_name(target: &SyntaxNode) -> Option<String> {
    if let Some(alias) = child(target, SyntaxKind::AS_NAME) {
        return Some(normalize_name_node(&innermost(alias)));
    }
    let read = target.first_child()?;
    let name = match read.kind() {
        SyntaxKind::NAME_REF => read,
        // `t.*` ends in no name.
        SyntaxKind::FIELD_EXPR => match read.last_child_or_token()? {
            SyntaxElement::Node(name) if name.kind() == SyntaxKind::NAME_REF => name,
            _ => return None,
        },
        _ => return None,
    };
    Some(normalize_name_node(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::single_statement;

    #[track_caller]
    fn check(query: &str, expected: Option<&[&str]>) {
        for start in ["CREATE VIEW s.v AS", "CREATE MATERIALIZED VIEW s.v AS"] {
            let statement = single_statement(&format!("{start} {query}")).expect("the view can be read");
            let expected = expected.map(|it| it.iter().map(|it| (*it).to_owned()).collect());
            assert_eq!(of(&statement), expected, "{query}");
        }
    }

    #[test]
    fn columns_are_those_of_the_querys_own_select() {
        let plain = "SELECT t.\"Foo\", bar, count(*) AS \"N\", (t.pair).\"Left\" FROM s.t";
        check(plain, Some(&["Foo", "bar", "N", "Left"]));
        let common = "WITH a AS (SELECT t.\"Foo\" FROM s.t)";
        check(&format!("{common} SELECT a.\"Foo\" AS n FROM a"), Some(&["n"]));
        check(
            &format!("{common} (SELECT a.b FROM a UNION SELECT 1) EXCEPT SELECT 2"),
            Some(&["b"]),
        );
        check(
            "SELECT t.a FROM s.t UNION ALL SELECT t.\"B\" FROM s.t ORDER BY 1",
            Some(&["a"]),
        );
        check("((SELECT 1 AS a)) UNION (SELECT 2 AS b)", Some(&["a"]));
        check("SELECT (SELECT t.a FROM s.t) AS \"B\"", Some(&["B"]));
        check("VALUES (1, (2)), (3, 4)", Some(&["column1", "column2"]));
        check("SELECT FROM s.t", Some(&[]));
    }

    #[test]
    fn columns_that_the_text_does_not_say_are_not_known() {
        for query in [
            "SELECT * FROM s.t",
            "SELECT t.a, t.* FROM s.t",
            "SELECT (t.pair).* FROM s.t",
            "SELECT count(*) FROM s.t",
            "TABLE s.t",
        ] {
            check(query, None);
        }
    }

    #[test]
    fn listed_names_go_before_those_of_the_query() {
        let sql = "CREATE VIEW s.v (\"A\", b) AS SELECT 1 AS x, 2 AS y, 3 AS z";
        let statement = single_statement(sql).expect("the view can be read");
        assert_eq!(of(&statement), Some(["A", "b", "z"].map(str::to_owned).into()));
    }
}
