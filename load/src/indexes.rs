//! What comes after the rows: keys and indexes, several tables at once; then attachments, rules, policies; rows that
//! name what is there only now; triggers; foreign keys at last.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use archive::Header;
use catalog::{QualifiedName, Table, TableKind, quote_ident};
use cli::{Result, Ui, duration};
use postgres::Client;
use rewrite::{ConstraintKind, Statement, StatementKind, statements};

use crate::grants;
use crate::journal::{self, Run};
use crate::late_rows::LateRows;
use crate::prepare::is_wanted;
use crate::statements::execute;
use crate::target::{Target, failed};

/// Statements that must run one after the other.
type Chain = Vec<String>;

/// Row level security that is still to be switched on: it could hide rows from what comes before the end.
pub(crate) struct RowSecurity(Chain);

impl RowSecurity {
    pub(crate) fn enable(self, target: &mut Target, run: &Run) -> Result<()> {
        run_in_order(target, run, &self.0)
    }
}

pub(crate) fn build(
    target: &mut Target,
    run: &Run,
    header: &Header,
    post_data: &str,
    late: LateRows,
    ui: &Ui,
) -> Result<RowSecurity> {
    let started = std::time::Instant::now();
    let phases = Phases::new(&statements(post_data), header);
    run_parallel(target, run, "keys and indexes", phases.keys)?;
    ui.detail(format_args!(
        "keys and indexes built in {}",
        duration(started.elapsed())
    ));
    run_in_order(target, run, &phases.others)?;
    // Now what they name is there; triggers are not, which would fire.
    late.fill(target, run, header, ui)?;
    run_in_order(target, run, &phases.triggers)?;
    run_in_order(target, run, &phases.foreign_keys)?;
    run_parallel(target, run, "foreign keys", phases.validations)?;
    run_in_order(target, run, &phases.comments)?;
    run_in_order(target, run, &phases.column_names)?;
    Ok(RowSecurity(phases.row_security))
}

/// The statements after the rows, in the order of their work.
#[derive(Default)]
struct Phases {
    /// Keys and indexes: those of one table in order, tables beside each other.
    keys: Vec<Chain>,
    others: Chain,
    /// Whatever COPY would fire, and what is said of it.
    triggers: Chain,
    foreign_keys: Chain,
    /// Foreign keys were made NOT VALID: those of one referencing table in order.
    validations: Vec<Chain>,
    /// Comments on constraints, which need all of them.
    comments: Chain,
    /// New names of columns: everything before has the old ones.
    column_names: Chain,
    row_security: Chain,
}

impl Phases {
    fn new(statements: &[Statement<'_>], header: &Header) -> Self {
        let tables: HashMap<QualifiedName, &Table> = header
            .catalog
            .tables
            .iter()
            .map(|table| (table.qualified_name(), table))
            .collect();
        let mut phases = Phases::default();
        let (mut keys, mut validations) = (Chains::default(), Chains::default());
        for statement in statements.iter().filter(|it| is_wanted(&it.kind)) {
            let text = statement.text.to_owned();
            match &statement.kind {
                // Indexes of materialized views stay in their place: the view may be made only here.
                StatementKind::CreateIndex { table, .. } if tables.contains_key(table) => {
                    keys.push(table, text);
                }
                StatementKind::AddConstraint {
                    table,
                    kind,
                    name,
                    not_valid,
                    ..
                } => match kind {
                    ConstraintKind::PrimaryKey | ConstraintKind::Unique | ConstraintKind::Exclude => {
                        keys.push(table, text);
                    }
                    ConstraintKind::ForeignKey => {
                        let partitioned = tables
                            .get(table)
                            .is_none_or(|it| it.kind == TableKind::Partitioned);
                        match name {
                            Some(name) if !partitioned && !not_valid && !is_unenforced(&text) => {
                                phases
                                    .foreign_keys
                                    .push(format!("{} NOT VALID", without_semicolon(&text)));
                                let sql =
                                    format!("ALTER TABLE {table} VALIDATE CONSTRAINT {}", quote_ident(name));
                                validations.push(table, sql);
                            }
                            _ => phases.foreign_keys.push(text),
                        }
                    }
                    _ => phases.others.push(text),
                },
                StatementKind::CreateTrigger { .. } | StatementKind::OfTrigger => phases.triggers.push(text),
                StatementKind::CommentOnConstraint => phases.comments.push(text),
                StatementKind::RenameColumn => phases.column_names.push(text),
                StatementKind::EnableRowSecurity => phases.row_security.push(text),
                _ => phases.others.push(text),
            }
        }
        phases.keys = keys.by_size(&tables);
        phases.validations = validations.by_size(&tables);
        phases
    }
}

/// Chains by table.
#[derive(Default)]
struct Chains(HashMap<QualifiedName, Chain>);

impl Chains {
    fn push(&mut self, table: &QualifiedName, sql: String) {
        self.0.entry(table.clone()).or_default().push(sql);
    }

    /// Those of the largest tables first.
    fn by_size(self, tables: &HashMap<QualifiedName, &Table>) -> Vec<Chain> {
        let mut chains: Vec<(QualifiedName, Chain)> = self.0.into_iter().collect();
        chains.sort_by_key(|(name, _)| {
            (
                std::cmp::Reverse(tables.get(name).map(|table| table.bytes)),
                name.clone(),
            )
        });
        chains.into_iter().map(|(_, chain)| chain).collect()
    }
}

/// `NOT ENFORCED` (PostgreSQL 18) keys are never valid, and cannot be made so.
fn is_unenforced(sql: &str) -> bool {
    without_semicolon(sql).ends_with("NOT ENFORCED")
}

fn without_semicolon(sql: &str) -> &str {
    sql.trim_end().trim_end_matches(';')
}

/// Runs chains beside each other, each statement in a transaction of its own.
pub(crate) fn run_parallel(
    target: &Target,
    run: &Run,
    phase: &'static str,
    chains: Vec<Chain>,
) -> Result<()> {
    let steps = target.steps(run, phase, chains.iter().map(Vec::len).sum());
    let mut sessions = target.sessions(chains.len())?;
    let stop = AtomicBool::new(false);
    let waiting = Mutex::new(chains.into_iter());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = |client: &mut Client| -> Result<()> {
        while let Some(chain) = next() {
            for sql in &chain {
                if stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                in_transaction(client, run, sql).inspect_err(|_| stop.store(true, Ordering::Relaxed))?;
                steps.step();
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let work = &work;
        let workers: Vec<_> = sessions
            .iter_mut()
            .map(|client| scope.spawn(move || work(client)))
            .collect();
        let mut all = Ok(());
        for worker in workers {
            // Every worker is waited for, also after a failure.
            all = all.and(
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            );
        }
        all
    })
}

fn in_transaction(client: &mut Client, run: &Run, sql: &str) -> Result<()> {
    let step = "a transaction could not be used";
    let mut transaction = client.transaction().map_err(|error| failed(step, error))?;
    journal::hold(&mut transaction, run)?;
    execute(&mut transaction, sql)?;
    transaction.commit().map_err(|error| failed(step, error))
}

/// Runs statements in the archive's order, and takes back what default privileges gave away.
fn run_in_order(target: &mut Target, run: &Run, chain: &[String]) -> Result<()> {
    /// Statements in one transaction: each takes locks, of which a server has a limited number.
    const BATCH: usize = 100;
    for batch in chain.chunks(BATCH) {
        let step = "a transaction could not be used";
        let mut transaction = target
            .client()
            .transaction()
            .map_err(|error| failed(step, error))?;
        journal::hold(&mut transaction, run)?;
        for sql in batch {
            execute(&mut transaction, sql)?;
        }
        grants::revoke_all(&mut transaction, run)?;
        transaction.commit().map_err(|error| failed(step, error))?;
    }
    Ok(())
}
