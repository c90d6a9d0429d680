//! Foreign keys to tables of which rows were rejected: one that does not hold without them stays NOT VALID, and that
//! is told.

use std::collections::HashSet;
use std::sync::PoisonError;

use catalog::{QualifiedName, quote_ident};
use cli::Result;
use postgres::error::SqlState;

use super::{Rejects, journal};
use crate::beside::{Task, run_beside};
use crate::indexes::AFTER_ROWS;
use crate::statements::execute;
use crate::steps::Steps;
use crate::target::{Target, failed};

/// What is shown of it.
const PHASE: &str = "foreign keys";

/// Foreign keys that refer to one of the tables, to a partition of it or to what it is a partition of.
const KEYS: &str = "
SELECT DISTINCT n.nspname::pg_catalog.text, c.relname::pg_catalog.text, k.conname::pg_catalog.text
FROM pg_catalog.unnest($1::pg_catalog.text[]) AS t (name)
CROSS JOIN LATERAL (
  SELECT pg_catalog.to_regclass(t.name)
  UNION SELECT relid FROM pg_catalog.pg_partition_ancestors(pg_catalog.to_regclass(t.name))
  UNION SELECT relid FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass(t.name))) AS r (oid)
JOIN pg_catalog.pg_constraint k ON k.confrelid = r.oid AND k.contype = 'f' AND NOT k.convalidated
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace";

/// The statement that validates a key.
pub(crate) fn validation(table: &QualifiedName, key: &str) -> String {
    format!("ALTER TABLE {table} VALIDATE CONSTRAINT {}", quote_ident(key))
}

impl Rejects {
    /// Runs statements that validate foreign keys, as [`validation`] writes them.
    pub(crate) fn validate(&self, target: &mut Target, steps: Steps<'_>, tasks: Vec<Task>) -> Result<()> {
        // Also where a former process of the run has rejected them and this one would not.
        let rejected = journal::read(target.client(), steps.run)?;
        if rejected.is_empty() {
            return run_beside(target, steps, PHASE, tasks);
        }
        let tables: HashSet<String> = rejected.into_iter().map(|it| it.into).collect();
        let tables: Vec<String> = tables.into_iter().collect();
        let keys = target
            .client()
            .query(KEYS, &[&tables])
            .map_err(|error| failed("the foreign keys could not be listed", error))?;
        let keys: Vec<(String, String)> = keys
            .iter()
            .map(|row| {
                let table = QualifiedName::new(row.get::<_, &str>(0), row.get::<_, &str>(1));
                let key: &str = row.get(2);
                let name = format!("foreign key {} of {table}", quote_ident(key));
                (validation(&table, key), name)
            })
            .collect();
        let depends = |sql: &String| keys.iter().find(|(it, _)| it == sql);
        let (mut others, mut in_doubt) = (Vec::new(), Vec::new());
        for mut task in tasks {
            in_doubt.extend(task.statements.iter().filter_map(depends));
            task.statements.retain(|it| depends(it).is_none());
            others.extend((!task.statements.is_empty()).then_some(task));
        }
        run_beside(target, steps, PHASE, others)?;
        for (sql, name) in in_doubt {
            let validated = steps.once_in_order(target, AFTER_ROWS, &[sql], |transaction, _| {
                execute(transaction, sql)
            });
            match validated {
                Err(failure) if is_violation(&failure) => {
                    let mut not_valid = self.not_valid.lock().unwrap_or_else(PoisonError::into_inner);
                    not_valid.push(name.clone());
                }
                ended => ended?,
            }
        }
        Ok(())
    }
}

fn is_violation(failure: &cli::Failure) -> bool {
    failure
        .server_error()
        .is_some_and(|it| *it.code() == SqlState::FOREIGN_KEY_VIOLATION)
}
