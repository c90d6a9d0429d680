//! What comes after the rows: keys and indexes, several at once; then attachments, rules, policies; rows that
//! name what is there only now; triggers; foreign keys at last.

use std::collections::HashMap;

use archive::Header;
use catalog::{QualifiedName, Table};
use cli::{Result, Ui, duration};
use rewrite::statements;

use crate::beside::{OfTable, Task, run_beside, tasks};
use crate::checks::locks;
use crate::grants;
use crate::keys::{Building, Keys};
use crate::phases::{Chain, ForeignKey, Phases, tables};
use crate::rejects::{Rejects, validation};
use crate::rows::LateRows;
use crate::statements::execute;
use crate::steps::Steps;
use crate::target::Target;

/// What a step behind the rows is called in the journal.
pub(crate) const AFTER_ROWS: &str = "after rows";

/// Row level security that is still to be switched on: it could hide rows from what comes before the end.
pub(crate) struct RowSecurity(Chain);

impl RowSecurity {
    pub(crate) fn enable(self, target: &mut Target, steps: Steps<'_>) -> Result<()> {
        run_in_order(target, steps, &self.0)
    }
}

/// What becomes of columns when their rows have been proved: those that change, and then new names.
pub(crate) struct Columns {
    changes: Chain,
    names: Chain,
}

impl Columns {
    /// Whether some still change: what was done before is not done again.
    pub(crate) fn change(&self, steps: Steps<'_>) -> bool {
        self.changes.iter().any(|sql| !steps.has(AFTER_ROWS, sql))
    }

    /// All or nothing: who goes on with the load either finds all of a table's columns as they were, or none.
    pub(crate) fn settle(self, target: &mut Target, steps: Steps<'_>) -> Result<()> {
        let changes: Vec<&str> = self.changes.iter().map(String::as_str).collect();
        if !changes.is_empty() {
            target.revive(steps.run)?;
            let ended = steps.once_in_order(target, AFTER_ROWS, &changes, |transaction, left| {
                left.iter().try_for_each(|sql| execute(transaction, sql))
            });
            ended.map_err(|failure| {
                failure.with_hint(
                    "the plan's `drop`, `type`, `using` or `add` does not fit the table, its rows, or what depends on the \
                     column: change the plan, and remap and load again",
                )
            })?;
        }
        run_in_order(target, steps, &self.names)
    }
}

pub(crate) fn build(
    target: &mut Target,
    steps: Steps<'_>,
    header: &Header,
    post_data: &str,
    (late, rejects): (LateRows, &Rejects),
    ui: &Ui,
) -> Result<(Columns, RowSecurity)> {
    let started = std::time::Instant::now();
    let statements = statements(post_data);
    let phases = Phases::new(&statements, header);
    let tables = tables(header);
    let mut keys = Keys::default();
    for (table, statement) in &phases.keys {
        keys.push(table, statement);
    }
    let Building {
        tasks: building,
        attachments,
    } = keys.building(&tables);
    run_beside(target, steps, "keys and indexes", building)?;
    run_in_order(target, steps, &attachments)?;
    ui.detail(format_args!(
        "keys and indexes built in {}",
        duration(started.elapsed())
    ));
    run_in_order(target, steps, &phases.others)?;
    // Now what they name is there; triggers are not, which would fire.
    late.fill(target, steps.run, header, rejects, ui)?;
    run_in_order(target, steps, &phases.triggers)?;
    let (foreign_keys, validations) = foreign_keys(phases.foreign_keys, &tables);
    run_in_order(target, steps, &foreign_keys)?;
    rejects.validate(target, steps, validations)?;
    run_in_order(target, steps, &phases.comments)?;
    let columns = Columns {
        changes: phases.column_changes,
        names: phases.column_names,
    };
    Ok((columns, RowSecurity(phases.row_security)))
}

/// What makes the keys, and what validates those that were made NOT VALID. Two keys of one referencing table would wait
/// for each other, so they are validated one after the other.
fn foreign_keys(keys: Vec<ForeignKey>, tables: &HashMap<QualifiedName, &Table>) -> (Chain, Vec<Task>) {
    let (mut made, mut validations) = (Chain::new(), Chains::default());
    for key in keys {
        made.push(key.sql);
        if let Some((table, name)) = key.to_validate {
            validations.push(&table, validation(&table, &name));
        }
    }
    (made, validations.tasks(tables))
}

/// Chains by table.
#[derive(Default)]
struct Chains(HashMap<QualifiedName, Chain>);

impl Chains {
    fn push(&mut self, table: &QualifiedName, sql: String) {
        self.0.entry(table.clone()).or_default().push(sql);
    }

    /// Each as a task of its own, or with others of small tables.
    fn tasks(self, tables: &HashMap<QualifiedName, &Table>) -> Vec<Task> {
        let mut chains: Vec<(QualifiedName, Chain)> = self.0.into_iter().collect();
        chains.sort_by(|one, other| one.0.cmp(&other.0));
        tasks(chains.into_iter().map(|(name, statements)| OfTable {
            statements,
            bytes: tables.get(&name).map_or(0, |table| table.bytes),
        }))
    }
}

/// Runs statements in the archive's order, and takes back what default privileges gave away.
fn run_in_order(target: &mut Target, steps: Steps<'_>, chain: &[String]) -> Result<()> {
    /// Statements in one transaction: each takes locks, of which a server has a limited number.
    const BATCH: usize = 100;
    if chain.is_empty() {
        return Ok(());
    }
    // It may have been lost while others worked.
    target.revive(steps.run)?;
    for batch in chain.chunks(locks::batch(target.client(), BATCH)?) {
        let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
        steps.once_in_order(target, AFTER_ROWS, &batch, |transaction, left| {
            left.iter().try_for_each(|sql| execute(transaction, sql))?;
            grants::revoke_all(transaction, steps.run)
        })?;
    }
    Ok(())
}
