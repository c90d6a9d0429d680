//! What comes after the rows: keys and indexes, several at once; then attachments, rules, policies; rows that
//! name what is there only now; triggers; foreign keys at last.

use std::collections::HashMap;

use archive::Header;
use catalog::{QualifiedName, Table, TableKind};
use cli::{Result, Ui, duration};
use rewrite::{ConstraintKind, Statement, StatementKind, referenced_table, statements};

use crate::beside::{OfTable, Task, run_beside, tasks};
use crate::checks::locks;
use crate::grants;
use crate::keys::{Building, Keys};
use crate::prepare::is_wanted;
use crate::rejects::{Rejects, validation};
use crate::rows::LateRows;
use crate::statements::execute;
use crate::steps::Steps;
use crate::target::Target;

/// What a step behind the rows is called in the journal.
pub(crate) const AFTER_ROWS: &str = "after rows";

/// Statements that must run one after the other.
type Chain = Vec<String>;

/// Row level security that is still to be switched on: it could hide rows from what comes before the end.
pub(crate) struct RowSecurity(Chain);

impl RowSecurity {
    pub(crate) fn enable(self, target: &mut Target, steps: Steps<'_>) -> Result<()> {
        run_in_order(target, steps, &self.0)
    }
}

pub(crate) fn build(
    target: &mut Target,
    steps: Steps<'_>,
    header: &Header,
    post_data: &str,
    (late, rejects): (LateRows, &Rejects),
    ui: &Ui,
) -> Result<RowSecurity> {
    let started = std::time::Instant::now();
    let statements = statements(post_data);
    let phases = Phases::new(&statements, header);
    run_beside(target, steps, "keys and indexes", phases.keys.tasks)?;
    run_in_order(target, steps, &phases.keys.attachments)?;
    ui.detail(format_args!(
        "keys and indexes built in {}",
        duration(started.elapsed())
    ));
    run_in_order(target, steps, &phases.others)?;
    // Now what they name is there; triggers are not, which would fire.
    late.fill(target, steps.run, header, rejects, ui)?;
    run_in_order(target, steps, &phases.triggers)?;
    run_in_order(target, steps, &phases.foreign_keys)?;
    rejects.validate(target, steps, phases.validations)?;
    run_in_order(target, steps, &phases.comments)?;
    run_in_order(target, steps, &phases.column_names)?;
    Ok(RowSecurity(phases.row_security))
}

/// The statements after the rows, in the order of their work.
#[derive(Default)]
struct Phases {
    keys: Building,
    others: Chain,
    /// Whatever COPY would fire, and what is said of it.
    triggers: Chain,
    foreign_keys: Chain,
    /// Foreign keys were made NOT VALID: two of one referencing table would wait for each other.
    validations: Vec<Task>,
    /// Comments on constraints, which need all of them.
    comments: Chain,
    /// New names of columns: everything before has the old ones.
    column_names: Chain,
    row_security: Chain,
}

impl Phases {
    fn new<'a>(statements: &'a [Statement<'a>], header: &Header) -> Self {
        let tables: HashMap<QualifiedName, &Table> = header
            .catalog
            .tables
            .iter()
            .map(|table| (table.qualified_name(), table))
            .collect();
        // VALIDATE reaches no key that PostgreSQL derives from one with a partitioned table at either end.
        let is_partitioned = |name: &QualifiedName| {
            tables
                .get(name)
                .is_none_or(|it| it.kind == TableKind::Partitioned)
        };
        let has_partitioned = tables.values().any(|it| it.kind == TableKind::Partitioned);
        let mut phases = Phases::default();
        let (mut keys, mut validations) = (Keys::default(), Chains::default());
        for statement in statements.iter().filter(|it| is_wanted(&it.kind)) {
            let text = statement.text.to_owned();
            match &statement.kind {
                // Indexes of materialized views stay in their place: the view may be made only here.
                StatementKind::CreateIndex { table, .. } if tables.contains_key(table) => {
                    keys.push(table, statement);
                }
                StatementKind::AddConstraint {
                    table,
                    kind,
                    name,
                    not_valid,
                    ..
                } => match kind {
                    ConstraintKind::PrimaryKey | ConstraintKind::Unique | ConstraintKind::Exclude => {
                        keys.push(table, statement);
                    }
                    ConstraintKind::ForeignKey => {
                        let whole = is_partitioned(table)
                            || has_partitioned
                                && referenced_table(&text).is_none_or(|it| is_partitioned(&it));
                        match name {
                            Some(name) if !whole && !not_valid && !is_unenforced(&text) => {
                                phases
                                    .foreign_keys
                                    .push(format!("{} NOT VALID", without_semicolon(&text)));
                                validations.push(table, validation(table, name));
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
        phases.keys = keys.building(&tables);
        phases.validations = validations.tasks(&tables);
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

/// `NOT ENFORCED` (PostgreSQL 18) keys are never valid, and cannot be made so.
fn is_unenforced(sql: &str) -> bool {
    without_semicolon(sql).ends_with("NOT ENFORCED")
}

fn without_semicolon(sql: &str) -> &str {
    sql.trim_end().trim_end_matches(';')
}

/// Runs statements in the archive's order, and takes back what default privileges gave away.
fn run_in_order(target: &mut Target, steps: Steps<'_>, chain: &[String]) -> Result<()> {
    /// Statements in one transaction: each takes locks, of which a server has a limited number.
    const BATCH: usize = 100;
    for batch in chain.chunks(locks::batch(target.client(), BATCH)?) {
        let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
        steps.once_in_order(target, AFTER_ROWS, &batch, |transaction, left| {
            left.iter().try_for_each(|sql| execute(transaction, sql))?;
            grants::revoke_all(transaction, steps.run)
        })?;
    }
    Ok(())
}
