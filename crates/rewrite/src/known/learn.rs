//! What statements tell of a source: what they create, and what belongs to it.

use catalog::QualifiedName;
use plan::is_built_in;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::{Known, Space};
use crate::parse::Parsed;
use crate::reference::{self, Role};
use crate::relation;

impl Known {
    /// What the CREATE statements of `sql` create, and the schemas in which it installs extensions.
    pub fn from_sql(sql: &str) -> Self {
        let mut known = Known::default();
        known.extend(sql);
        known
    }

    /// Adds what `sql` creates.
    pub fn extend(&mut self, sql: &str) {
        for piece in crate::split::split(sql) {
            if may_define(&sql[piece.range.clone()]) {
                self.learn(&Parsed::new(sql, &piece));
            }
        }
    }

    pub(crate) fn learn(&mut self, parsed: &Parsed<'_>) {
        let Some(statement) = parsed.statement() else {
            return;
        };
        if !matches!(
            first_word(&statement),
            Some(SyntaxKind::CREATE_KW | SyntaxKind::ALTER_KW)
        ) {
            return;
        }
        self.is_settled = false;
        let mut subject = None;
        for reference in reference::names(&statement) {
            match reference.role {
                Role::Schema if reference.defines => {
                    self.own_schemas.insert(reference.schema);
                }
                Role::ExtensionSchema => {
                    let extension = reference.extension.unwrap_or_default();
                    let there = self.extension_schemas.entry(reference.schema).or_default();
                    if !there.contains(&extension) {
                        there.push(extension);
                    }
                }
                Role::Object(space) => {
                    if reference.defines {
                        self.shows_definitions |=
                            matches!(space, Space::Relation | Space::Type | Space::Routine);
                        self.define(&reference.schema, &reference.name, space);
                    }
                    subject.get_or_insert(QualifiedName::new(reference.schema, reference.name));
                }
                Role::Schema => {}
            }
        }
        let Some(subject) = subject else { return };
        self.learn_owned_sequence(&statement, &subject);
        for index in relation::indexes(&statement) {
            self.define(&subject.schema, &index.name, Space::Relation);
            let key = (subject.clone(), index.name);
            if index.of_constraint {
                self.indexed_constraints.insert(key.clone());
            }
            self.indexes.insert(key);
        }
        self.relations.learn(&statement, &subject);
    }

    /// Adds to a catalog what only the definitions in `sql` show: columns of views and types, transition tables.
    pub fn learn_details(&mut self, sql: &str) {
        self.is_settled = false;
        for piece in crate::split::split(sql) {
            if !may_define(&sql[piece.range.clone()]) {
                continue;
            }
            let parsed = Parsed::new(sql, &piece);
            let statement = parsed.statement();
            let subject = statement.as_ref().and_then(|it| reference::names(it).next());
            if let (Some(statement), Some(subject)) = (statement, subject) {
                let subject = QualifiedName::new(subject.schema, subject.name);
                self.relations.learn(&statement, &subject);
                self.learn_transition_tables(&statement);
            }
        }
    }

    fn learn_transition_tables(&mut self, statement: &SyntaxNode) {
        let (function, tables) = relation::transition_tables(statement);
        if let Some(function) = function.filter(|_| !tables.is_empty()) {
            self.transition_tables.entry(function).or_default().extend(tables);
        }
    }

    fn learn_owned_sequence(&mut self, statement: &SyntaxNode, subject: &QualifiedName) {
        let clause = statement.descendants().find(|it| {
            matches!(
                it.kind(),
                SyntaxKind::OPTION_OWNED_BY | SyntaxKind::OPTION_SEQUENCE_NAME
            )
        });
        let Some(clause) = clause else { return };
        let Some(other) = reference::names(&clause).next() else {
            return;
        };
        let other = QualifiedName::new(other.schema, other.name);
        self.owned_sequences.push(match clause.kind() {
            SyntaxKind::OPTION_OWNED_BY => (subject.clone(), other),
            _ => (other, subject.clone()),
        });
    }

    fn define(&mut self, schema: &str, name: &str, space: Space) {
        if is_built_in(schema) {
            return;
        }
        self.own_schemas.insert(schema.to_owned());
        self.standing(schema, name).own |= space.bit();
    }
}

/// Whether the statement can create something, by its first word.
pub(crate) fn may_define(statement: &str) -> bool {
    let first = statement.get(..6).unwrap_or_default();
    first.eq_ignore_ascii_case("create") || first.eq_ignore_ascii_case("alter ")
}

fn first_word(statement: &SyntaxNode) -> Option<SyntaxKind> {
    statement.first_token().map(|token| token.kind())
}
