//! The foreign keys that a text adds.

use catalog::ForeignKey;
use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::parse::Parsed;
use crate::split::split;
use crate::statement::paths;

/// The foreign keys that `ALTER TABLE … ADD CONSTRAINT` adds in `sql`, as `pg_dump` writes them.
pub fn foreign_keys(sql: &str) -> Vec<ForeignKey> {
    let pieces = split(sql).into_iter();
    // By far the most statements are none, and need no tree.
    let pieces = pieces.filter(|it| sql[it.range.clone()].contains("FOREIGN KEY"));
    let keys = pieces.filter_map(|it| of_statement(&Parsed::new(sql, &it).statement()?));
    keys.collect()
}

fn of_statement(statement: &SyntaxNode) -> Option<ForeignKey> {
    use SyntaxKind as K;
    let relation = statement
        .children()
        .find(|it| it.kind() == K::TABLE_RELATION_NAME)?;
    let constraint = statement
        .children()
        .find(|it| it.kind() == K::ADD_CONSTRAINT)?
        .first_child()
        .filter(|it| it.kind() == K::FOREIGN_KEY_CONSTRAINT)?;
    let parent = constraint.children().find(|it| it.kind() == K::TABLE_NAME_REF)?;
    let mut lists = constraint
        .children()
        .filter(|it| it.kind() == K::FOREIGN_KEY_COLUMN_LIST);
    Some(ForeignKey {
        table: paths(&relation).next()?,
        columns: names(&lists.next()?),
        parent: paths(&parent).next()?,
        parent_columns: lists.next().as_ref().map(names).unwrap_or_default(),
    })
}

fn names(list: &SyntaxNode) -> Vec<String> {
    let columns = list
        .children()
        .filter(|it| it.kind() == SyntaxKind::COLUMN_NAME_REF);
    columns.map(|it| normalize_name_node(&it)).collect()
}

#[cfg(test)]
mod tests {
    use catalog::QualifiedName;

    use super::*;

    #[test]
    fn keys_name_both_tables_and_their_columns() {
        let sql = "CREATE TABLE s.t (a integer);\n\
            ALTER TABLE ONLY s.t\n    ADD CONSTRAINT k PRIMARY KEY (a);\n\
            ALTER TABLE ONLY s.t\n    ADD CONSTRAINT f FOREIGN KEY (a, \"B c\") REFERENCES o.u(x, \"Y\") ON DELETE SET NULL (a) NOT VALID;\n\
            ALTER TABLE s.t ADD CONSTRAINT g FOREIGN KEY (a) REFERENCES o.u;";
        let key = |columns: &[&str], parent_columns: &[&str]| ForeignKey {
            table: QualifiedName::new("s", "t"),
            columns: columns.iter().map(ToString::to_string).collect(),
            parent: QualifiedName::new("o", "u"),
            parent_columns: parent_columns.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(
            foreign_keys(sql),
            [key(&["a", "B c"], &["x", "Y"]), key(&["a"], &[])]
        );
    }
}
