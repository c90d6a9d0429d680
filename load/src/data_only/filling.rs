//! One transaction: the tables of a group locked, filled, proved, their sequences moved on, and noted in the journal.

use archive::{End, Header};
use catalog::{QualifiedName, quote_ident};
use cli::{Exit, Failure, FailureContext, Result, Ui, count};
use fingerprint::{Fingerprint, Form};
use postgres::{Client, Transaction};

use super::args::{DataOnlyArgs, Triggers};
use super::journal::{self, DataRun};
use super::kept::{Kept, table_of};
use super::matching::Unit;
use super::order::Group;
use super::staging::staging;
use super::{proof, sequences};
use crate::statements::execute;
use crate::target::failed;
use crate::withheld;

/// How long a table's lock is waited for: whoever asks for the table after us waits behind us.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '30s'";

/// What all groups share.
#[derive(Debug)]
pub(crate) struct Filling<'a> {
    pub(crate) run: &'a DataRun,
    pub(crate) header: &'a Header,
    pub(crate) end: &'a End,
    pub(crate) units: &'a [Unit],
    pub(crate) args: &'a DataOnlyArgs,
    pub(crate) ui: &'a Ui,
}

/// What became of a group.
#[derive(Debug, Default)]
pub(crate) struct Filled {
    pub(crate) rows: u64,
    /// Sequences that were moved, as `name to number`.
    pub(crate) moved: Vec<String>,
    /// Tables that do not hold the archive's rows, since triggers fire and are let.
    pub(crate) unproved: Vec<QualifiedName>,
}

/// Rows of one table.
#[derive(Clone, Copy, Debug, Default)]
struct Rows {
    /// Those of the archive.
    came: u64,
    /// Whether the table has others, and that is accepted.
    differ: bool,
}

impl Filling<'_> {
    /// Fills the tables of `group`, all or none of them.
    pub(crate) fn fill(&self, client: &mut Client, group: &Group, kept: &Kept) -> Result<Filled> {
        let units = group.units.iter().map(|it| &self.units[*it]);
        let units: Vec<&Unit> = units.filter(|it| !it.is_in).collect();
        let names: Vec<String> = units.iter().map(|it| it.target.name.to_string()).collect();
        let step = || format!("{} could not be filled", names.join(", "));
        let mut transaction = client.transaction().map_err(|error| failed(step(), error))?;
        journal::hold(&mut transaction, self.run)?;
        self.prepare(&mut transaction, group, &units)?;
        let mut before = Vec::new();
        for unit in &units {
            before.push(self.look(&mut transaction, unit)?);
        }
        let mut filled = Filled::default();
        let is_verbose = self.ui.is_verbose();
        for unit in &units {
            let rows = self
                .write(&mut transaction, unit, kept)
                .map_err(|failure| withheld::of_rows(explain(failure, unit), is_verbose))?;
            filled.rows += rows.came;
            if rows.differ {
                filled.unproved.push(unit.target.name.clone());
            }
        }
        // Also what others have deferred happens now: after the proof nothing may change.
        execute(&mut transaction, "SET CONSTRAINTS ALL IMMEDIATE")
            .map_err(|failure| withheld::of_rows(failure, is_verbose))?;
        self.restore(&mut transaction, group, &units)?;
        for (unit, before) in units.iter().zip(before) {
            let rows = self.prove(&mut transaction, unit, before)?;
            filled
                .moved
                .extend(sequences::move_on(&mut transaction, self.header, unit, self.ui)?);
            journal::note_table(&mut transaction, self.run, &unit.target.name, rows.came)?;
            if rows.differ && !filled.unproved.contains(&unit.target.name) {
                filled.unproved.push(unit.target.name.clone());
            }
        }
        transaction.commit().map_err(|error| failed(step(), error))?;
        Ok(filled)
    }

    /// Locks the tables against the writes of others, empties those that are named, and holds back what must wait.
    fn prepare(&self, transaction: &mut Transaction<'_>, group: &Group, units: &[&Unit]) -> Result<()> {
        execute(transaction, LOCK_TIMEOUT)?;
        for unit in units {
            let sql = format!(
                "LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE",
                unit.target.own_rows()
            );
            execute(transaction, &sql).map_err(|failure| {
                if failure.is_lock_conflict() {
                    failure.with_hint("somebody else is writing to the table: end that first")
                } else {
                    failure
                }
            })?;
        }
        if self.args.triggers == Triggers::Suspend {
            for (table, trigger) in triggers(units) {
                execute(
                    transaction,
                    &format!("ALTER TABLE {table} DISABLE TRIGGER {trigger}"),
                )?;
            }
        }
        for key in &group.altered {
            let name = quote_ident(&key.name);
            execute(
                transaction,
                &format!("ALTER TABLE {} ALTER CONSTRAINT {name} DEFERRABLE", key.from),
            )?;
        }
        let emptied: Vec<String> = units
            .iter()
            .filter(|it| it.truncate)
            .map(|it| it.target.own_rows())
            .collect();
        if !emptied.is_empty() {
            execute(transaction, &format!("TRUNCATE {}", emptied.join(", ")))?;
        }
        execute(transaction, "SET LOCAL lock_timeout = 0")?;
        if group.deferred {
            execute(transaction, "SET CONSTRAINTS ALL DEFERRED")?;
        }
        Ok(())
    }

    /// Makes triggers and keys what they were.
    fn restore(&self, transaction: &mut Transaction<'_>, group: &Group, units: &[&Unit]) -> Result<()> {
        for key in &group.altered {
            let name = quote_ident(&key.name);
            execute(
                transaction,
                &format!("ALTER TABLE {} ALTER CONSTRAINT {name} NOT DEFERRABLE", key.from),
            )?;
        }
        if self.args.triggers == Triggers::Suspend {
            for unit in units {
                for trigger in unit.target.row_triggers() {
                    let how = if trigger.always { "ENABLE ALWAYS" } else { "ENABLE" };
                    let name = quote_ident(&trigger.name);
                    execute(
                        transaction,
                        &format!("ALTER TABLE {} {how} TRIGGER {name}", trigger.table),
                    )?;
                }
            }
        }
        Ok(())
    }

    /// The fingerprint of what is there before, in the form in which it is compared. Nobody else can write any more.
    fn look(&self, transaction: &mut Transaction<'_>, unit: &Unit) -> Result<Fingerprint> {
        let before = proof::of_table(transaction, unit, form(unit))?;
        if before.rows > 0 && !self.args.append {
            let message = format!(
                "{} holds rows that were not there before: {}",
                unit.target.name,
                count(before.rows)
            );
            return Err(Failure::new(Exit::Target, message).with_hint(
                "keep others from writing to it; a trigger of a table before may have, --triggers suspend stops that",
            ));
        }
        Ok(before)
    }

    /// Writes the rows of `unit`.
    fn write(&self, transaction: &mut Transaction<'_>, unit: &Unit, kept: &Kept) -> Result<Rows> {
        let name = &unit.target.name;
        let mut rows = Rows::default();
        for part in &unit.parts {
            let table = table_of(self.header, part.number)?;
            let columns = part.target_columns().join(", ");
            let expected = kept.rows(part.number);
            let written = if unit.is_direct() {
                let list = if columns.is_empty() {
                    String::new()
                } else {
                    format!(" ({columns})")
                };
                kept.copy(transaction, table, part.form, &format!("{name}{list}"))?
            } else {
                let values: Vec<String> = part
                    .pairs
                    .iter()
                    .filter(|it| it.target.is_some())
                    .map(super::fit::Pair::assigned_value)
                    .collect();
                let sql = format!(
                    "INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} s",
                    values.join(", "),
                    staging(part)
                );
                transaction
                    .execute(&sql, &[])
                    .map_err(|error| failed(format!("rows of {name} could not be inserted"), error))?
            };
            if written != expected {
                let message = format!("{name} took {} of {} rows", count(written), count(expected));
                self.changed(unit, &message)?;
                rows.differ = true;
            }
            rows.came += expected;
        }
        Ok(rows)
    }

    /// Compares what is there now with what was there and what came.
    fn prove(&self, transaction: &mut Transaction<'_>, unit: &Unit, before: Fingerprint) -> Result<Rows> {
        let step = || "fingerprints could not be added up";
        let mut expected = Fingerprint::empty(form(unit));
        if unit.is_direct() {
            for part in &unit.parts {
                let part = self.end.table(part.number).map(|it| it.fingerprint);
                let part = part.unwrap_or(Fingerprint::empty(expected.form));
                expected.merge(&part).or_fail(Exit::Internal, step)?;
            }
        } else {
            expected = proof::of_staging(transaction, unit)?;
        }
        let mut rows = Rows {
            came: expected.rows,
            differ: false,
        };
        expected.merge(&before).or_fail(Exit::Internal, step)?;
        let found = proof::of_table(transaction, unit, expected.form)?;
        if found != expected {
            let message = format!("what {} holds now is not what the archive has", unit.target.name);
            self.changed(unit, &message)?;
            rows.differ = true;
        }
        Ok(rows)
    }

    /// Rows are not what they should be: a trigger's doing, or something is wrong.
    fn changed(&self, unit: &Unit, message: &str) -> Result<()> {
        let fires = self.args.triggers != Triggers::Suspend;
        let triggers: Vec<&str> = unit
            .target
            .row_triggers()
            .filter(|_| fires)
            .map(|it| it.name.as_str())
            .collect();
        if triggers.is_empty() {
            return Err(Failure::new(Exit::Target, message));
        }
        let because = format!("{message}, since triggers fire: {}", triggers.join(", "));
        if self.args.triggers == Triggers::Fire {
            self.ui.warning(because);
            return Ok(());
        }
        Err(Failure::new(Exit::Target, because).with_hint(
            "--triggers suspend keeps them away from the rows, --triggers fire accepts what they do",
        ))
    }
}

/// A function of the target's that leans on a search path finds nothing: the path is empty in every session of ours.
fn explain(failure: Failure, unit: &Unit) -> Failure {
    if failure.is_missing_object() && unit.target.row_triggers().next().is_some() {
        failure.with_hint(
            "a trigger's function names something without its schema: ALTER FUNCTION … SET search_path, or --triggers \
             suspend",
        )
    } else {
        failure
    }
}

/// The form in which rows of `unit` are compared.
fn form(unit: &Unit) -> Form {
    let own = unit.parts.first().map(|it| it.form);
    own.filter(|_| unit.is_direct()).unwrap_or(Form::Text)
}

/// Tables and triggers, as SQL.
fn triggers<'a>(units: &'a [&'a Unit]) -> impl Iterator<Item = (&'a str, String)> {
    let all = units.iter().flat_map(|it| it.target.row_triggers());
    all.map(|it| (it.table.as_str(), quote_ident(&it.name)))
}
