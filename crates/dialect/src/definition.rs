//! What the statement that made a table or an index says, beyond what SQLite's pragmas tell.

use sqlite3_parser::Bump;
use sqlite3_parser::ast::{
    self, ColumnConstraint, CreateTableBody, DeferSubclause, Expr, ForeignKeyClause, InitDeferredPred,
    RefAct, RefArg, SortOrder, Stmt, TabFlags, TableConstraint,
};

use crate::parse::{SyntaxError, statement, unquote};

/// The body of CREATE TABLE. All names are without quotes, all expressions are SQL of SQLite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableDefinition {
    pub columns: Vec<ColumnDefinition>,
    /// Those that stand behind the columns.
    pub checks: Vec<Check>,
    /// Of columns and of the table, in the order in which they are written. `PRAGMA foreign_key_list` counts them
    /// from the last one.
    pub foreign_keys: Vec<ForeignKey>,
    pub strict: bool,
    pub without_rowid: bool,
}

/// One column with what belongs to it alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnDefinition {
    pub name: String,
    /// Expression of the default, often in parentheses.
    pub default: Option<String>,
    pub generated: Option<Generated>,
    /// As written; `None` stands for BINARY.
    pub collation: Option<String>,
    pub checks: Vec<Check>,
}

/// What a generated column is calculated from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    pub expression: String,
    /// STORED, or else VIRTUAL.
    pub stored: bool,
}

/// A CHECK constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub name: Option<String>,
    pub expression: String,
}

/// A foreign key as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    pub name: Option<String>,
    pub columns: Vec<String>,
    pub parent: String,
    /// Empty where the parent's primary key is meant.
    pub parent_columns: Vec<String>,
    pub on_delete: Action,
    pub on_update: Action,
    /// The word behind MATCH. SQLite reads it, and does as with SIMPLE always.
    pub match_name: Option<String>,
    pub deferrable: bool,
    pub initially_deferred: bool,
}

/// What happens to rows when their parent goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    #[default]
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

/// The body of CREATE INDEX.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexDefinition {
    pub terms: Vec<IndexTerm>,
    /// Of a partial index.
    pub predicate: Option<String>,
}

/// One key of an index: a column or an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexTerm {
    pub expression: String,
    /// As written; `None` stands for the column's own, or BINARY.
    pub collation: Option<String>,
    pub descending: bool,
}

/// Reads a CREATE TABLE statement as `sqlite_schema` keeps it.
pub fn table_definition(sql: &str) -> Result<TableDefinition, SyntaxError> {
    const WHAT: &str = "table's definition";
    let bump = Bump::new();
    let Stmt::CreateTable {
        body:
            CreateTableBody::ColumnsAndConstraints {
                columns,
                constraints,
                flags,
            },
        ..
    } = statement(&bump, sql, WHAT)?
    else {
        return Err(SyntaxError::not_a(WHAT));
    };
    let mut table = TableDefinition {
        strict: flags.contains(TabFlags::Strict),
        without_rowid: flags.contains(TabFlags::WithoutRowid),
        ..TableDefinition::default()
    };
    for column in &columns {
        let read = table.column(column);
        table.columns.push(read);
    }
    for it in constraints.unwrap_or_default() {
        let name = it.name.as_ref().map(|name| unquote(name.0));
        match &it.constraint {
            TableConstraint::Check(expression, _) => table.checks.push(Check {
                name,
                expression: text(expression),
            }),
            TableConstraint::ForeignKey {
                columns,
                clause,
                defer_clause,
            } => {
                let columns = columns.iter().map(|it| unquote(it.col_name.0)).collect();
                let key = ForeignKey::read(name, columns, clause, defer_clause.as_ref());
                table.foreign_keys.push(key);
            }
            TableConstraint::PrimaryKey { .. } | TableConstraint::Unique { .. } => {}
        }
    }
    Ok(table)
}

/// Reads a CREATE INDEX statement as `sqlite_schema` keeps it.
pub fn index_definition(sql: &str) -> Result<IndexDefinition, SyntaxError> {
    const WHAT: &str = "index's definition";
    let bump = Bump::new();
    let Stmt::CreateIndex {
        columns,
        where_clause,
        ..
    } = statement(&bump, sql, WHAT)?
    else {
        return Err(SyntaxError::not_a(WHAT));
    };
    let term = |it: &ast::SortedColumn<'_>| {
        let (expression, collation) = match &it.expr {
            Expr::Collate(inner, collation) => (text(inner), Some(unquote(collation))),
            whole => (text(whole), None),
        };
        IndexTerm {
            expression,
            collation,
            descending: it.order == Some(SortOrder::Desc),
        }
    };
    Ok(IndexDefinition {
        terms: columns.iter().map(term).collect(),
        predicate: where_clause.as_ref().map(text),
    })
}

impl TableDefinition {
    fn column(&mut self, definition: &ast::ColumnDefinition<'_>) -> ColumnDefinition {
        let mut column = ColumnDefinition {
            name: unquote(definition.col_name.0),
            ..ColumnDefinition::default()
        };
        for it in definition.constraints {
            let name = it.name.as_ref().map(|name| unquote(name.0));
            match &it.constraint {
                ColumnConstraint::Check(expression) => column.checks.push(Check {
                    name,
                    expression: text(expression),
                }),
                ColumnConstraint::Default(expression) => column.default = Some(text(expression)),
                ColumnConstraint::Generated { expr, typ } => {
                    column.generated = Some(Generated {
                        expression: text(expr),
                        stored: typ.as_ref().is_some_and(|it| it.0.eq_ignore_ascii_case("stored")),
                    });
                }
                ColumnConstraint::Collate { collation_name } => {
                    column.collation = Some(unquote(collation_name.0));
                }
                ColumnConstraint::ForeignKey { clause, defer_clause } => {
                    let columns = vec![column.name.clone()];
                    let key = ForeignKey::read(name, columns, clause, defer_clause.as_ref());
                    self.foreign_keys.push(key);
                }
                // Standing alone it belongs to the last foreign key of the table (`sqlite3DeferForeignKey`).
                ColumnConstraint::Defer(clause) => {
                    if let Some(key) = self.foreign_keys.last_mut() {
                        key.defer(clause);
                    }
                }
                ColumnConstraint::PrimaryKey { .. }
                | ColumnConstraint::NotNull { .. }
                | ColumnConstraint::Unique(_) => {}
            }
        }
        column
    }
}

impl ForeignKey {
    fn read(
        name: Option<String>,
        columns: Vec<String>,
        clause: &ForeignKeyClause<'_>,
        defer: Option<&DeferSubclause>,
    ) -> ForeignKey {
        let parent_columns = clause.columns.unwrap_or_default();
        let mut key = ForeignKey {
            name,
            columns,
            parent: unquote(clause.tbl_name.0),
            parent_columns: parent_columns.iter().map(|it| unquote(it.col_name.0)).collect(),
            on_delete: Action::default(),
            on_update: Action::default(),
            match_name: None,
            deferrable: false,
            initially_deferred: false,
        };
        for argument in clause.args {
            match argument {
                RefArg::OnDelete(action) => key.on_delete = Action::from(*action),
                RefArg::OnUpdate(action) => key.on_update = Action::from(*action),
                RefArg::Match(name) => key.match_name = Some(unquote(name.0)),
                RefArg::OnInsert(_) => {}
            }
        }
        if let Some(defer) = defer {
            key.defer(defer);
        }
        key
    }

    fn defer(&mut self, clause: &DeferSubclause) {
        self.deferrable = clause.deferrable;
        self.initially_deferred =
            clause.deferrable && clause.init_deferred == Some(InitDeferredPred::InitiallyDeferred);
    }
}

impl From<RefAct> for Action {
    fn from(action: RefAct) -> Action {
        match action {
            RefAct::NoAction => Action::NoAction,
            RefAct::Restrict => Action::Restrict,
            RefAct::Cascade => Action::Cascade,
            RefAct::SetNull => Action::SetNull,
            RefAct::SetDefault => Action::SetDefault,
        }
    }
}

/// The expression in SQLite's SQL again, with single spaces.
fn text(expression: &Expr<'_>) -> String {
    expression.to_string().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str) -> Check {
        Check {
            name: None,
            expression: expression.to_owned(),
        }
    }

    #[test]
    fn columns_tell_what_belongs_to_them() {
        let table = table_definition(
            "CREATE TABLE \"t 1\" (id INTEGER PRIMARY KEY AUTOINCREMENT, [a b] TEXT COLLATE NOCASE DEFAULT 'it''s'
               CONSTRAINT short CHECK (length([a b]) < 9) CHECK (\"a b\" <> \"x\"),
             n NUMERIC(10, 2) NOT NULL DEFAULT (1 + 2), s AS (n * 2) STORED, v TEXT GENERATED ALWAYS AS (n || ''),
             k DEFAULT -5 CHECK (k == 1), CHECK (id > 0), CONSTRAINT `the rule` CHECK (n BETWEEN 1 AND 2)
            ) STRICT, WITHOUT ROWID",
        )
        .unwrap();
        let [id, text, number, stored, calculated, last] = table.columns.as_slice() else {
            panic!("{table:?}");
        };
        assert_eq!((id.name.as_str(), id.default.as_deref()), ("id", None));
        assert_eq!(
            (text.name.as_str(), text.collation.as_deref()),
            ("a b", Some("NOCASE"))
        );
        assert_eq!(text.default.as_deref(), Some("'it''s'"));
        assert_eq!(text.checks[0].name.as_deref(), Some("short"));
        assert_eq!(text.checks[0].expression, "length ([a b]) < 9");
        assert_eq!(text.checks[1].name, None);
        assert_eq!(number.default.as_deref(), Some("(1 + 2)"));
        assert!(stored.generated.as_ref().unwrap().stored && !calculated.generated.as_ref().unwrap().stored);
        assert_eq!(calculated.generated.as_ref().unwrap().expression, "n || ''");
        assert_eq!(
            (last.default.as_deref(), &last.checks),
            (Some("- 5"), &vec![check("k = 1")])
        );
        assert_eq!(table.checks[0], check("id > 0"));
        assert_eq!(table.checks[1].name.as_deref(), Some("the rule"));
        assert!(table.strict && table.without_rowid);
    }

    #[test]
    fn foreign_keys_keep_everything_that_is_written() {
        let table = table_definition(
            "CREATE TABLE c (a INT REFERENCES p, b INT CONSTRAINT fk REFERENCES \"P 2\"(x) ON DELETE SET NULL
               ON UPDATE CASCADE MATCH FULL DEFERRABLE INITIALLY DEFERRED,
             FOREIGN KEY (a, b) REFERENCES q(c, d) NOT DEFERRABLE INITIALLY DEFERRED)",
        )
        .unwrap();
        let [first, second, third] = table.foreign_keys.as_slice() else {
            panic!("{table:?}");
        };
        assert_eq!((first.parent.as_str(), first.parent_columns.len()), ("p", 0));
        assert_eq!(first.on_delete, Action::NoAction);
        assert_eq!(
            (second.name.as_deref(), second.parent.as_str()),
            (Some("fk"), "P 2")
        );
        assert_eq!(
            (second.on_delete, second.on_update),
            (Action::SetNull, Action::Cascade)
        );
        assert_eq!(second.match_name.as_deref(), Some("FULL"));
        assert!(second.deferrable && second.initially_deferred);
        assert_eq!((third.columns.len(), third.parent_columns.len()), (2, 2));
        assert!(!third.deferrable && !third.initially_deferred);
    }

    #[test]
    fn index_terms_and_predicates_are_read() {
        let index = index_definition(
            "CREATE UNIQUE INDEX i ON t (lower(a), b COLLATE NOCASE DESC, \"c d\") WHERE a > 0 AND b NOTNULL",
        )
        .unwrap();
        let terms: Vec<_> = index
            .terms
            .iter()
            .map(|it| (it.expression.as_str(), it.collation.as_deref(), it.descending))
            .collect();
        let expected = [
            ("lower (a)", None, false),
            ("b", Some("NOCASE"), true),
            ("\"c d\"", None, false),
        ];
        assert_eq!(terms, expected);
        assert_eq!(index.predicate.as_deref(), Some("a > 0 AND b NOTNULL"));
    }

    #[test]
    fn other_statements_are_refused() {
        assert!(table_definition("CREATE VIEW v AS SELECT 1").is_err());
        assert!(table_definition("CREATE TABLE t AS SELECT 1").is_err());
        assert!(index_definition("CREATE TABLE t (a)").is_err());
    }
}
