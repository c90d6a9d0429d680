//! Statements apart from each other, each with the kind that a loader wants to know.

use std::ops::Range;

use catalog::QualifiedName;
use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::alter_table::{changes_columns, switches_trigger};
use crate::parse::Parsed;
use crate::split::{Piece, split};

/// One statement of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// From the first word to the semicolon, in bytes of the whole text.
    pub range: Range<usize>,
    pub text: &'a str,
    pub kind: StatementKind,
}

/// What a statement does, as far as the order of a load depends on it. Names that the text does not qualify
/// have an empty schema.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatementKind {
    CreateIndex {
        index: Option<QualifiedName>,
        table: QualifiedName,
        unique: bool,
    },
    AddConstraint {
        table: QualifiedName,
        /// `None` when the server is to choose the name.
        name: Option<String>,
        kind: ConstraintKind,
        not_valid: bool,
        /// `ALTER TABLE ONLY`.
        only: bool,
    },
    CommentOnConstraint,
    /// `ALTER INDEX … ATTACH PARTITION`.
    AttachIndexPartition {
        parent: QualifiedName,
        index: QualifiedName,
    },
    CreateSchema {
        name: String,
    },
    CreateExtension {
        name: String,
    },
    /// `SET` and `SELECT pg_catalog.set_config(…)`.
    Set,
    RefreshMaterializedView {
        view: QualifiedName,
    },
    /// `ALTER TABLE … ENABLE ROW LEVEL SECURITY`.
    EnableRowSecurity,
    CreateTrigger {
        table: QualifiedName,
    },
    /// What switches, describes or alters a trigger of a table: `ALTER TABLE … ENABLE TRIGGER` and `DISABLE TRIGGER`,
    /// `COMMENT ON TRIGGER`, `ALTER TRIGGER`.
    OfTrigger,
    /// `ALTER … RENAME COLUMN` and `ALTER TYPE … RENAME ATTRIBUTE`.
    RenameColumn,
    /// `ALTER TABLE` that adds or drops columns, or gives them another type, as no dump does.
    ChangeColumns,
    EventTrigger,
    Publication,
    Subscription,
    /// Grants, revokes and default privileges.
    Grant,
    /// `ALTER … OWNER TO`.
    Owner,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConstraintKind {
    PrimaryKey,
    Unique,
    Exclude,
    ForeignKey,
    Check,
    NotNull,
}

/// Splits `sql` into its statements; commands of psql are passed over.
pub fn statements(sql: &str) -> Vec<Statement<'_>> {
    // By far the most and longest statements of a dump are told by their first words, without a tree.
    const OTHERS: [&str; 3] = ["CREATE TABLE ", "CREATE FUNCTION ", "COMMENT ON COLUMN "];
    let kind = |piece: &Piece| {
        let text = &sql[piece.range.clone()];
        if OTHERS.iter().any(|it| text.starts_with(it)) {
            return StatementKind::Other;
        }
        let statement = Parsed::new(sql, piece).statement();
        let kind = statement.and_then(|it| kind_of(&it));
        kind.unwrap_or(StatementKind::Other)
    };
    split(sql)
        .iter()
        .map(|piece| {
            let text = &sql[piece.range.clone()];
            Statement {
                range: piece.range.clone(),
                text,
                kind: kind(piece),
            }
        })
        .collect()
}

fn kind_of(statement: &SyntaxNode) -> Option<StatementKind> {
    use SyntaxKind as K;
    if statement.children().any(|it| it.kind() == K::OWNER_TO)
        && statement.kind() != K::ALTER_DEFAULT_PRIVILEGES
    {
        return Some(StatementKind::Owner);
    }
    Some(match statement.kind() {
        K::CREATE_INDEX => create_index(statement)?,
        K::ALTER_TABLE if has_descendant(statement, K::ENABLE_RLS) => StatementKind::EnableRowSecurity,
        K::ALTER_TABLE
        | K::ALTER_FOREIGN_TABLE
        | K::ALTER_VIEW
        | K::ALTER_MATERIALIZED_VIEW
        | K::ALTER_TYPE
            if has_child(statement, |kind| {
                matches!(kind, K::RENAME_COLUMN | K::RENAME_ATTRIBUTE)
            }) =>
        {
            StatementKind::RenameColumn
        }
        K::ALTER_TRIGGER => StatementKind::OfTrigger,
        K::ALTER_TABLE | K::ALTER_FOREIGN_TABLE if has_child(statement, switches_trigger) => {
            StatementKind::OfTrigger
        }
        K::COMMENT_ON if has_child(statement, |kind| kind == K::OBJECT_TRIGGER) => StatementKind::OfTrigger,
        K::ALTER_TABLE if changes_columns(statement) => StatementKind::ChangeColumns,
        K::ALTER_TABLE => add_constraint(statement)?,
        K::COMMENT_ON if has_child(statement, |kind| format!("{kind:?}").contains("CONSTRAINT")) => {
            StatementKind::CommentOnConstraint
        }
        K::ALTER_INDEX => attach_index(statement)?,
        K::CREATE_SCHEMA => StatementKind::CreateSchema {
            name: name_in(statement, K::SCHEMA)?,
        },
        K::CREATE_EXTENSION => StatementKind::CreateExtension {
            name: name_in(statement, K::EXTENSION)?,
        },
        K::SET => StatementKind::Set,
        K::SELECT if calls_set_config(statement) => StatementKind::Set,
        K::REFRESH => StatementKind::RefreshMaterializedView {
            view: paths(statement).next()?,
        },
        K::CREATE_TRIGGER => StatementKind::CreateTrigger {
            table: paths(statement).next()?,
        },
        K::CREATE_EVENT_TRIGGER | K::ALTER_EVENT_TRIGGER => StatementKind::EventTrigger,
        K::CREATE_PUBLICATION | K::ALTER_PUBLICATION => StatementKind::Publication,
        K::CREATE_SUBSCRIPTION | K::ALTER_SUBSCRIPTION => StatementKind::Subscription,
        K::GRANT | K::REVOKE | K::ALTER_DEFAULT_PRIVILEGES => StatementKind::Grant,
        _ => return None,
    })
}

fn has_descendant(statement: &SyntaxNode, kind: SyntaxKind) -> bool {
    statement.descendants().any(|it| it.kind() == kind)
}

fn create_index(statement: &SyntaxNode) -> Option<StatementKind> {
    let table = statement
        .children()
        .find(|it| it.kind() == SyntaxKind::TABLE_RELATION_NAME)?;
    let table = paths(&table).next()?;
    let index = statement
        .children()
        .find(|it| it.kind() == SyntaxKind::INDEX)
        .and_then(|it| paths(&it).next());
    let index = index.map(|it| QualifiedName::new(table.schema.clone(), it.name));
    let unique = statement
        .children_with_tokens()
        .any(|it| it.kind() == SyntaxKind::UNIQUE_KW);
    Some(StatementKind::CreateIndex { index, table, unique })
}

fn add_constraint(statement: &SyntaxNode) -> Option<StatementKind> {
    let relation = statement
        .children()
        .find(|it| it.kind() == SyntaxKind::TABLE_RELATION_NAME)?;
    let actions: Vec<SyntaxNode> = statement.children().filter(|it| *it != relation).collect();
    let [action] = actions.as_slice() else { return None };
    if action.kind() == SyntaxKind::OWNER_TO {
        return Some(StatementKind::Owner);
    }
    let constraint = action
        .first_child()
        .filter(|_| action.kind() == SyntaxKind::ADD_CONSTRAINT)?;
    let kind = match constraint.kind() {
        SyntaxKind::PRIMARY_KEY_CONSTRAINT => ConstraintKind::PrimaryKey,
        SyntaxKind::UNIQUE_CONSTRAINT => ConstraintKind::Unique,
        SyntaxKind::EXCLUDE_CONSTRAINT => ConstraintKind::Exclude,
        SyntaxKind::FOREIGN_KEY_CONSTRAINT => ConstraintKind::ForeignKey,
        SyntaxKind::CHECK_CONSTRAINT => ConstraintKind::Check,
        SyntaxKind::NOT_NULL_CONSTRAINT => ConstraintKind::NotNull,
        _ => return None,
    };
    Some(StatementKind::AddConstraint {
        table: paths(&relation).next()?,
        name: name_in(&constraint, SyntaxKind::CONSTRAINT_NAME),
        kind,
        not_valid: constraint
            .descendants()
            .any(|it| it.kind() == SyntaxKind::NOT_VALID),
        only: relation
            .children_with_tokens()
            .any(|it| it.kind() == SyntaxKind::ONLY_KW),
    })
}

fn attach_index(statement: &SyntaxNode) -> Option<StatementKind> {
    let tokens = || {
        statement
            .descendants_with_tokens()
            .filter_map(squawk_syntax::SyntaxElement::into_token)
    };
    if !tokens().any(|it| it.kind() == SyntaxKind::ATTACH_KW) {
        return None;
    }
    let mut paths = paths(statement);
    Some(StatementKind::AttachIndexPartition {
        parent: paths.next()?,
        index: paths.next()?,
    })
}

fn calls_set_config(statement: &SyntaxNode) -> bool {
    let call = statement
        .descendants()
        .find(|it| it.kind() == SyntaxKind::CALL_EXPR);
    let name = call
        .and_then(|it| it.first_child())
        .and_then(|it| it.descendants().last());
    name.is_some_and(|it| normalize_name_node(&it) == "set_config")
}

fn has_child(node: &SyntaxNode, wanted: impl Fn(SyntaxKind) -> bool) -> bool {
    node.children().any(|it| wanted(it.kind()))
}

fn name_in(node: &SyntaxNode, kind: SyntaxKind) -> Option<String> {
    node.descendants()
        .find(|it| it.kind() == kind)
        .map(|it| normalize_name_node(&it))
}

/// The names of objects under `node`, in the order of the text.
pub(crate) fn paths(node: &SyntaxNode) -> impl Iterator<Item = QualifiedName> {
    let is_path = |kind| matches!(kind, SyntaxKind::PATH | SyntaxKind::PATH_REF);
    let outermost =
        move |it: &SyntaxNode| is_path(it.kind()) && !it.parent().is_some_and(|it| is_path(it.kind()));
    node.descendants().filter(outermost).filter_map(|path| {
        let mut names: Vec<String> = path
            .descendants()
            .filter(|it| matches!(it.kind(), SyntaxKind::PATH_SEGMENT | SyntaxKind::PATH_SEGMENT_REF))
            .map(|it| normalize_name_node(&it))
            .collect();
        let name = names.pop()?;
        Some(QualifiedName::new(names.pop().unwrap_or_default(), name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, expected: &StatementKind) {
        let kinds: Vec<StatementKind> = statements(sql).into_iter().map(|it| it.kind).collect();
        assert_eq!(kinds, std::slice::from_ref(expected), "{sql}");
    }

    fn name(name: &str) -> QualifiedName {
        QualifiedName::new("s", name)
    }

    #[test]
    fn indexes_name_their_table() {
        let index = |index: Option<&str>, unique| StatementKind::CreateIndex {
            index: index.map(name),
            table: name("t"),
            unique,
        };
        check("CREATE INDEX i ON s.t USING btree (a);", &index(Some("i"), false));
        check(
            "CREATE UNIQUE INDEX \"I\" ON ONLY s.t USING btree (a);",
            &index(Some("I"), true),
        );
        check("CREATE INDEX ON s.t (a);", &index(None, false));
        let attach = StatementKind::AttachIndexPartition {
            parent: name("p"),
            index: name("c"),
        };
        check("ALTER INDEX s.p ATTACH PARTITION s.c;", &attach);
    }

    #[test]
    fn constraints_are_told_apart() {
        for (definition, kind, not_valid) in [
            ("PRIMARY KEY (a)", ConstraintKind::PrimaryKey, false),
            ("UNIQUE (a) INCLUDE (b) DEFERRABLE", ConstraintKind::Unique, false),
            ("EXCLUDE USING gist (a WITH &&)", ConstraintKind::Exclude, false),
            (
                "FOREIGN KEY (a) REFERENCES s.o(a) ON DELETE CASCADE NOT VALID",
                ConstraintKind::ForeignKey,
                true,
            ),
            ("CHECK ((a > 0)) NOT VALID", ConstraintKind::Check, true),
            ("NOT NULL a", ConstraintKind::NotNull, false),
        ] {
            for (keyword, only) in [("ONLY ", true), ("", false)] {
                let sql = format!("ALTER TABLE {keyword}s.t\n    ADD CONSTRAINT c {definition};");
                let expected = StatementKind::AddConstraint {
                    table: name("t"),
                    name: Some("c".to_owned()),
                    kind,
                    not_valid,
                    only,
                };
                check(&sql, &expected);
            }
        }
    }

    #[test]
    fn kinds_that_a_loader_treats_apart_are_found() {
        for (sql, kind) in [
            (
                "CREATE SCHEMA s;",
                StatementKind::CreateSchema { name: "s".to_owned() },
            ),
            (
                "CREATE EXTENSION IF NOT EXISTS e WITH SCHEMA s;",
                StatementKind::CreateExtension { name: "e".to_owned() },
            ),
            ("SET row_security = off;", StatementKind::Set),
            (
                "SELECT pg_catalog.set_config('search_path', '', false);",
                StatementKind::Set,
            ),
            ("SELECT pg_catalog.setval('s.q', 1);", StatementKind::Other),
            (
                "REFRESH MATERIALIZED VIEW s.m;",
                StatementKind::RefreshMaterializedView { view: name("m") },
            ),
            (
                "CREATE TRIGGER g AFTER INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.f();",
                StatementKind::CreateTrigger { table: name("t") },
            ),
            (
                "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION s.f();",
                StatementKind::EventTrigger,
            ),
            (
                "CREATE PUBLICATION p WITH (publish = 'insert');",
                StatementKind::Publication,
            ),
            (
                "ALTER PUBLICATION p ADD TABLE ONLY s.t;",
                StatementKind::Publication,
            ),
            (
                "CREATE SUBSCRIPTION u CONNECTION 'x' PUBLICATION p;",
                StatementKind::Subscription,
            ),
            (
                "ALTER VIEW s.v RENAME COLUMN \"A\" TO a;",
                StatementKind::RenameColumn,
            ),
            (
                "ALTER TYPE s.t RENAME ATTRIBUTE \"A\" TO a CASCADE;",
                StatementKind::RenameColumn,
            ),
            ("GRANT SELECT ON TABLE s.t TO r;", StatementKind::Grant),
            ("REVOKE ALL ON SCHEMA s FROM r;", StatementKind::Grant),
            (
                "ALTER DEFAULT PRIVILEGES FOR ROLE r GRANT SELECT ON TABLES TO p;",
                StatementKind::Grant,
            ),
            ("ALTER TABLE s.t OWNER TO r;", StatementKind::Owner),
            ("ALTER FUNCTION s.f(integer) OWNER TO r;", StatementKind::Owner),
            ("ALTER SCHEMA s OWNER TO r;", StatementKind::Owner),
            ("ALTER PUBLICATION p OWNER TO r;", StatementKind::Owner),
            ("ALTER EVENT TRIGGER e OWNER TO r;", StatementKind::Owner),
            (
                "ALTER OPERATOR s.+ (integer, integer) OWNER TO r;",
                StatementKind::Owner,
            ),
            (
                "COMMENT ON CONSTRAINT c ON s.t IS 'x';",
                StatementKind::CommentOnConstraint,
            ),
            (
                "COMMENT ON CONSTRAINT c ON DOMAIN s.d IS 'x';",
                StatementKind::CommentOnConstraint,
            ),
            ("COMMENT ON TABLE s.t IS 'x';", StatementKind::Other),
            ("CREATE TABLE s.t (a integer);", StatementKind::Other),
            (
                "ALTER TABLE ONLY s.t ALTER COLUMN a SET DEFAULT 1;",
                StatementKind::Other,
            ),
            ("FROBNICATE s.t;", StatementKind::Other),
        ] {
            check(sql, &kind);
        }
    }

    #[test]
    fn what_is_said_of_triggers_is_told_from_what_names_them() {
        for of_trigger in [
            "ALTER TABLE s.t ENABLE TRIGGER ALL;",
            "ALTER TABLE ONLY s.t ENABLE ALWAYS TRIGGER g;",
            "ALTER TABLE s.t ENABLE REPLICA TRIGGER g;",
            "ALTER FOREIGN TABLE s.t DISABLE TRIGGER g;",
            "COMMENT ON TRIGGER g ON s.t IS 'x';",
            "ALTER TRIGGER g ON s.t DEPENDS ON EXTENSION e;",
        ] {
            check(of_trigger, &StatementKind::OfTrigger);
        }
        for other in [
            "COMMENT ON EVENT TRIGGER e IS 'COMMENT ON TRIGGER ';",
            "ALTER TABLE s.t ALTER COLUMN a SET DEFAULT 'a TRIGGER b';",
        ] {
            check(other, &StatementKind::Other);
        }
    }
}
