//! The one transaction of a dry run, and what the server refused in it.

use std::error::Error;
use std::io::Write;

use catalog::quote_ident;
use cli::{Exit, Failure, Result};
use postgres::Transaction;
use postgres::error::{DbError, SqlState};
use rewrite::{StatementKind, statements};

use crate::statements::shorten;
use crate::target::failed;
use crate::withheld;

/// Statements under one savepoint; when one of them fails they are tried again one by one.
const BATCH: usize = 50;

/// How long a dry run waits for a lock that another session holds, before it counts as refused.
const LOCK_TIMEOUT: &str = "5s";

/// What the server refused.
#[derive(Debug)]
pub(super) struct Trouble {
    /// The statement's beginning.
    pub(super) statement: String,
    /// Severity, message where it can hold no row data or is asked for, and SQLSTATE.
    pub(super) reason: String,
    /// Shown on request: it can hold row data.
    pub(super) detail: Option<String>,
    /// A name was not found, perhaps that of what failed before.
    pub(super) may_follow: bool,
}

/// Rows for one COPY.
pub(super) struct Copy {
    /// The table, for messages.
    pub(super) table: String,
    pub(super) sql: String,
    pub(super) bytes: Vec<u8>,
}

/// A transaction that is never committed.
pub(super) struct Rehearsal<'a> {
    transaction: Transaction<'a>,
    /// The transaction's own number: another one would mean that a statement has ended it.
    number: String,
    /// How comments on keys begin that were pardoned, and so are not there.
    pardoned: Vec<String>,
    is_verbose: bool,
    tried: u64,
    troubles: Vec<Trouble>,
}

impl<'a> Rehearsal<'a> {
    pub(super) fn begin(mut transaction: Transaction<'a>, is_verbose: bool) -> Result<Self> {
        let step = "a transaction could not be begun";
        transaction
            .batch_execute(&format!("SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
            .map_err(|error| failed(step, error))?;
        let row = transaction
            .query_one("SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text", &[])
            .map_err(|error| failed(step, error))?;
        Ok(Rehearsal {
            transaction,
            number: row.get(0),
            pardoned: Vec::new(),
            is_verbose,
            tried: 0,
            troubles: Vec::new(),
        })
    }

    /// For questions; what is asked must not fail.
    pub(super) fn transaction(&mut self) -> &mut Transaction<'a> {
        &mut self.transaction
    }

    /// Statements that were tried until now.
    pub(super) fn tried(&self) -> u64 {
        self.tried
    }

    /// Rolls everything back; what was refused.
    pub(super) fn end(mut self) -> Result<Vec<Trouble>> {
        self.check_transaction()?;
        self.transaction
            .rollback()
            .map_err(|error| failed("the transaction could not be rolled back", error))?;
        Ok(self.troubles)
    }

    /// Tries the statements in their order.
    pub(super) fn all(&mut self, statements: &[String]) -> Result<()> {
        self.all_but(statements, None)
    }

    /// Tries foreign keys. Where a key cannot be left unchecked, the rows that a sample lacks prove nothing.
    pub(super) fn all_but_broken_keys(&mut self, statements: &[String]) -> Result<()> {
        self.all_but(statements, Some(&SqlState::FOREIGN_KEY_VIOLATION))
    }

    fn all_but(&mut self, statements: &[String], pardoned: Option<&SqlState>) -> Result<()> {
        for batch in statements.chunks(BATCH) {
            self.tried += batch.len() as u64;
            let run = |savepoint: &mut Transaction<'_>| {
                batch.iter().try_for_each(|sql| savepoint.batch_execute(sql))
            };
            if batch.len() > 1 && self.attempt(run)?.is_none() {
                continue;
            }
            for sql in batch {
                match self.attempt(|savepoint| savepoint.batch_execute(sql))? {
                    Some(error) if Some(error.code()) == pardoned => {
                        self.pardoned.extend(comment_on_key(sql));
                    }
                    Some(_) if self.pardoned.iter().any(|it| sql.starts_with(it)) => {}
                    Some(error) => self.note(shorten(sql), &error, None)?,
                    None => {}
                }
            }
        }
        if !statements.is_empty() {
            self.check_transaction()?;
        }
        Ok(())
    }

    /// Tries rows.
    pub(super) fn copy(&mut self, copy: &Copy) -> Result<()> {
        if let Some(error) = self.try_copy(copy)? {
            self.note_rows(copy, &error)?;
        }
        Ok(())
    }

    /// Tries rows; why they were refused, if they were.
    pub(super) fn try_copy(&mut self, copy: &Copy) -> Result<Option<DbError>> {
        self.tried += 1;
        self.attempt(|savepoint| {
            let mut writer = savepoint.copy_in(&copy.sql)?;
            // What the server says to the rows comes with the end of the command.
            let _ = writer.write_all(&copy.bytes);
            writer.finish().map(drop)
        })
    }

    /// Notes that rows were refused. The server's words can repeat values of them.
    pub(super) fn note_rows(&mut self, copy: &Copy, error: &DbError) -> Result<()> {
        let words = withheld::words(error)
            .filter(|_| !self.is_verbose)
            .map(|it| it.to_string());
        self.note(format!("rows of {}", copy.table), error, words)
    }

    /// Notes a refusal under `what`; `words` stand in place of the server's own.
    fn note(&mut self, what: String, error: &DbError, words: Option<String>) -> Result<()> {
        if *error.code() == SqlState::OUT_OF_MEMORY && error.message().contains("shared memory") {
            let tried = self.tried;
            return Err(Failure::new(
                Exit::Target,
                "the server has no room for the locks of a dry run's one transaction",
            )
            .with_state(format!("{tried} statements were tried; nothing was written"))
            .with_hint("raise max_locks_per_transaction for it; a load commits in between and needs fewer"));
        }
        let missing = [
            SqlState::INVALID_SCHEMA_NAME,
            SqlState::UNDEFINED_TABLE,
            SqlState::UNDEFINED_OBJECT,
            SqlState::UNDEFINED_FUNCTION,
            SqlState::UNDEFINED_COLUMN,
        ];
        self.troubles.push(Trouble {
            statement: what,
            reason: words.unwrap_or_else(|| {
                format!(
                    "{}: {} (SQLSTATE {})",
                    error.severity(),
                    error.message(),
                    error.code().code()
                )
            }),
            detail: error.detail().or(error.where_()).map(str::to_owned),
            may_follow: !self.troubles.is_empty() && missing.contains(error.code()),
        });
        Ok(())
    }

    /// Runs `work` under a savepoint; the server's refusal, if it refuses. Anything else ends the dry run.
    fn attempt(
        &mut self,
        work: impl FnOnce(&mut Transaction<'_>) -> std::result::Result<(), postgres::Error>,
    ) -> Result<Option<DbError>> {
        let step = "the dry run could not go on";
        cli::check_interrupt()?;
        let mut savepoint = self
            .transaction
            .transaction()
            .map_err(|error| failed(step, error))?;
        match work(&mut savepoint) {
            Ok(()) => savepoint
                .commit()
                .map(|()| None)
                .map_err(|error| failed(step, error)),
            Err(error) => {
                cli::check_interrupt()?;
                savepoint.rollback().map_err(|error| failed(step, error))?;
                match error.source().and_then(|it| it.downcast_ref::<DbError>()) {
                    Some(refused) => Ok(Some(refused.clone())),
                    None => Err(failed(step, error)),
                }
            }
        }
    }

    /// A statement that had ended the transaction would have left everything before it on the target.
    fn check_transaction(&mut self) -> Result<()> {
        let row = self
            .transaction
            .query_one("SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text", &[])
            .map_err(|error| failed("the dry run's transaction could not be examined", error))?;
        if row.get::<_, String>(0) == self.number {
            return Ok(());
        }
        Err(Failure::new(Exit::Target, "a statement of the archive has ended the dry run's transaction")
            .with_hint("do not trust the archive, and look into the target: what stood before that statement may be there"))
    }
}

/// How a comment on the constraint begins that `sql` adds.
fn comment_on_key(sql: &str) -> Option<String> {
    let all = statements(sql);
    match &all.first()?.kind {
        StatementKind::AddConstraint {
            table,
            name: Some(name),
            ..
        } => Some(format!(
            "COMMENT ON CONSTRAINT {} ON {table} IS",
            quote_ident(name)
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_the_comment_on_it() {
        let sql = "ALTER TABLE shop.\"Parts\" ADD CONSTRAINT \"Of\" FOREIGN KEY (a) REFERENCES shop.b(id)";
        let expected = "COMMENT ON CONSTRAINT \"Of\" ON shop.\"Parts\" IS";
        assert_eq!(comment_on_key(sql).as_deref(), Some(expected));
        assert_eq!(comment_on_key("CREATE INDEX i ON shop.b (id)"), None);
    }
}
