//! The statements behind the rows in the order of their work: for a load, which makes tasks of some, and for a dry run,
//! which tries all of them one after the other.

use std::collections::HashMap;

use archive::Header;
use catalog::{QualifiedName, Table, TableKind};
use rewrite::{ConstraintKind, Statement, StatementKind, referenced_table};

use crate::prepare::is_wanted;

/// Statements that run one after the other.
pub(crate) type Chain = Vec<String>;

/// What comes after the rows, by what must be there before.
#[derive(Default)]
pub(crate) struct Phases<'a> {
    /// Keys and indexes with their tables, in the archive's order.
    pub(crate) keys: Vec<(QualifiedName, &'a Statement<'a>)>,
    /// Attachments, rules, policies, views: rows may name them.
    pub(crate) others: Chain,
    /// Whatever COPY would fire, and what is said of it.
    pub(crate) triggers: Chain,
    pub(crate) foreign_keys: Vec<ForeignKey>,
    /// Comments on constraints, which need all of them.
    pub(crate) comments: Chain,
    /// Columns that are dropped, added or get another type: everything before has them as they were.
    pub(crate) column_changes: Chain,
    /// New names of columns: everything before has the old ones.
    pub(crate) column_names: Chain,
    /// It could hide rows from what comes before the end.
    pub(crate) row_security: Chain,
}

/// A statement that makes a foreign key.
pub(crate) struct ForeignKey {
    /// With NOT VALID where the key is validated afterwards.
    pub(crate) sql: String,
    /// The table that refers, and the key's name, where it is to be validated.
    pub(crate) to_validate: Option<(QualifiedName, String)>,
}

impl<'a> Phases<'a> {
    /// Puts those of the statements in order that a load runs.
    pub(crate) fn new(statements: &'a [Statement<'a>], header: &Header) -> Self {
        let tables = tables(header);
        let mut phases = Phases::default();
        for statement in statements.iter().filter(|it| is_wanted(&it.kind)) {
            let text = statement.text.to_owned();
            match &statement.kind {
                // Indexes of materialized views stay in their place: the view may be made only here.
                StatementKind::CreateIndex { table, .. } if tables.contains_key(table) => {
                    phases.keys.push((table.clone(), statement));
                }
                StatementKind::AddConstraint {
                    table,
                    kind,
                    name,
                    not_valid,
                    ..
                } => match kind {
                    ConstraintKind::PrimaryKey | ConstraintKind::Unique | ConstraintKind::Exclude => {
                        phases.keys.push((table.clone(), statement));
                    }
                    ConstraintKind::ForeignKey => {
                        let apart = name.as_ref().filter(|_| !not_valid);
                        phases
                            .foreign_keys
                            .push(ForeignKey::new(&text, table, apart, &tables));
                    }
                    _ => phases.others.push(text),
                },
                StatementKind::CreateTrigger { .. } | StatementKind::OfTrigger => phases.triggers.push(text),
                StatementKind::CommentOnConstraint => phases.comments.push(text),
                StatementKind::ChangeColumns => phases.column_changes.push(text),
                StatementKind::RenameColumn => phases.column_names.push(text),
                StatementKind::EnableRowSecurity => phases.row_security.push(text),
                _ => phases.others.push(text),
            }
        }
        phases
    }
}

impl ForeignKey {
    fn new(
        sql: &str,
        table: &QualifiedName,
        name: Option<&String>,
        tables: &HashMap<QualifiedName, &Table>,
    ) -> Self {
        // VALIDATE reaches no key that PostgreSQL derives from one with a partitioned table at either end.
        let is_partitioned = |name: &QualifiedName| {
            tables
                .get(name)
                .is_none_or(|it| it.kind == TableKind::Partitioned)
        };
        let has_partitioned = tables.values().any(|it| it.kind == TableKind::Partitioned);
        let whole = is_partitioned(table)
            || has_partitioned && referenced_table(sql).is_none_or(|it| is_partitioned(&it));
        match name {
            Some(name) if !whole && !is_unenforced(sql) => ForeignKey {
                sql: format!("{} NOT VALID", without_semicolon(sql)),
                to_validate: Some((table.clone(), name.clone())),
            },
            _ => ForeignKey {
                sql: sql.to_owned(),
                to_validate: None,
            },
        }
    }
}

/// The archive's tables by their names.
pub(crate) fn tables(header: &Header) -> HashMap<QualifiedName, &Table> {
    let tables = header
        .catalog
        .tables
        .iter()
        .filter(|it| it.kind != TableKind::Part);
    tables.map(|table| (table.qualified_name(), table)).collect()
}

/// `NOT ENFORCED` (PostgreSQL 18) keys are never valid, and cannot be made so.
fn is_unenforced(sql: &str) -> bool {
    without_semicolon(sql).ends_with("NOT ENFORCED")
}

fn without_semicolon(sql: &str) -> &str {
    sql.trim_end().trim_end_matches(';')
}
