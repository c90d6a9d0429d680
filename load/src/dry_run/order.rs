//! The statements after the rows in the order in which a load runs them: keys and indexes, the rest, triggers, foreign
//! keys, what needs all of them.

use std::collections::HashMap;

use archive::Header;
use catalog::{QualifiedName, TableKind};
use rewrite::{ConstraintKind, Statement, StatementKind, statements};

use crate::prepare::is_wanted;

/// What is tried after the rows.
#[derive(Debug, Default)]
pub(super) struct Steps {
    /// Keys, indexes, attachments, rules, policies, views: rows may name them.
    pub(super) before_late_rows: Vec<String>,
    /// Triggers, which would fire for rows.
    pub(super) after_late_rows: Vec<String>,
    /// Not validated: a sample breaks them.
    pub(super) foreign_keys: Vec<String>,
    /// Comments on constraints, new names of columns, row level security.
    pub(super) last: Vec<String>,
}

/// Puts the statements of `post_data` in order.
pub(super) fn after_rows(post_data: &str, header: &Header) -> Steps {
    let tables = header.catalog.tables.iter();
    let kinds: HashMap<QualifiedName, TableKind> = tables.map(|it| (it.qualified_name(), it.kind)).collect();
    let (mut steps, mut keys, mut others) = (Steps::default(), Vec::new(), Vec::new());
    let (mut column_names, mut row_security) = (Vec::new(), Vec::new());
    for statement in statements(post_data).iter().filter(|it| is_wanted(&it.kind)) {
        let text = statement.text.to_owned();
        match &statement.kind {
            StatementKind::CreateIndex { table, .. } if kinds.contains_key(table) => keys.push(text),
            StatementKind::AddConstraint { table, kind, .. } => match kind {
                ConstraintKind::PrimaryKey | ConstraintKind::Unique | ConstraintKind::Exclude => {
                    keys.push(text);
                }
                ConstraintKind::ForeignKey => {
                    let is_partitioned = kinds.get(table) == Some(&TableKind::Partitioned);
                    steps.foreign_keys.push(unvalidated(statement, is_partitioned));
                }
                _ => others.push(text),
            },
            StatementKind::CreateTrigger { .. } | StatementKind::OfTrigger => {
                steps.after_late_rows.push(text);
            }
            StatementKind::CommentOnConstraint => steps.last.push(text),
            StatementKind::RenameColumn => column_names.push(text),
            StatementKind::EnableRowSecurity => row_security.push(text),
            _ => others.push(text),
        }
    }
    keys.append(&mut others);
    steps.before_late_rows = keys;
    steps.last.append(&mut column_names);
    steps.last.append(&mut row_security);
    steps
}

/// The statement with NOT VALID, where the key can have it: on a partitioned table only from PostgreSQL 18 on.
fn unvalidated(statement: &Statement<'_>, is_partitioned: bool) -> String {
    let text = statement.text.trim_end().trim_end_matches(';');
    let says_so = text.ends_with("NOT VALID") || text.ends_with("NOT ENFORCED");
    if is_partitioned || says_so {
        text.to_owned()
    } else {
        format!("{text} NOT VALID")
    }
}
