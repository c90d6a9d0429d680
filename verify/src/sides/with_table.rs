//! Questions to a side's server about one table, under the snapshot and with the table's lock.

use std::error::Error as StdError;
use std::sync::PoisonError;

use catalog::Table;
use cli::{Exit, Failure, Result};
use database::endpoint::RowSession;
use database::postgres::{Extent, RowSource, read_rows_as};
use fingerprint::{Fingerprint, Form};
use postgres::types::ToSql;
use postgres::{Client, Row};

use crate::rows::scan::Scan;
use crate::sides::Live;

/// A session that sees the snapshot.
pub(crate) enum Asked<'a> {
    Reader(&'a mut RowSession),
    /// The one that holds the snapshot, when somebody waits for its lock.
    Holder(&'a mut Client),
}

impl RowSource for Asked<'_> {
    fn copy_out<E>(
        &mut self,
        sql: &str,
        take: impl FnMut(&[u8]) -> std::result::Result<(), E>,
    ) -> std::result::Result<std::result::Result<(), E>, Box<dyn StdError + Send + Sync>> {
        match self {
            Asked::Reader(it) => RowSource::copy_out(*it, sql, take),
            Asked::Holder(it) => RowSource::copy_out(*it, sql, take),
        }
    }

    fn batch_execute(&mut self, sql: &str) -> std::result::Result<(), postgres::Error> {
        match self {
            Asked::Reader(it) => it.batch_execute(sql),
            Asked::Holder(it) => it.batch_execute(sql),
        }
    }

    fn query_opt(
        &mut self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> std::result::Result<Option<Row>, postgres::Error> {
        match self {
            Asked::Reader(it) => it.query_opt(sql, params),
            Asked::Holder(it) => it.query_opt(sql, params),
        }
    }
}

impl Live {
    /// Asks a session that has the table's lock. The server may refuse: the session is as good as new then.
    pub(crate) fn with_table<T>(
        &self,
        table: &Table,
        failure: fn(database::Error) -> Failure,
        ask: impl FnOnce(&mut Asked<'_>) -> Result<T>,
    ) -> Result<T> {
        // There is a session for each thread that asks.
        let session = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut session =
            session.ok_or_else(|| Failure::new(Exit::Internal, "more readers than sessions"))?;
        let locked = session.lock(table).map_err(failure);
        let answer = if locked.as_ref().is_err_and(Failure::is_lock_conflict) {
            let renewed = session.renew().map_err(failure);
            renewed.and_then(|()| self.ask_holder(ask))
        } else {
            locked.and_then(|()| ask(&mut Asked::Reader(session.client())))
        };
        let renewed = if answer.is_err() {
            session.renew().map_err(failure)
        } else {
            Ok(())
        };
        self.sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(session);
        let answer = answer?;
        renewed.map(|()| answer)
    }

    /// Asks the session whose end would be the snapshot's.
    fn ask_holder<T>(&self, ask: impl FnOnce(&mut Asked<'_>) -> Result<T>) -> Result<T> {
        self.with_snapshot(|snapshot| {
            let failed = |error| Failure::new(Exit::Internal, "no savepoint").with_source(error);
            snapshot
                .client()
                .batch_execute("SAVEPOINT asked")
                .map_err(failed)?;
            let answer = ask(&mut Asked::Holder(snapshot.client()));
            let end = if answer.is_ok() {
                "RELEASE SAVEPOINT asked"
            } else {
                "ROLLBACK TO SAVEPOINT asked; RELEASE SAVEPOINT asked"
            };
            let ended = snapshot.client().batch_execute(end);
            let answer = answer?;
            ended.map_err(failed)?;
            Ok(answer)
        })
    }

    /// The fingerprint of rows whose columns are these SQL expressions, as many as `table` has stored columns.
    pub(crate) fn fingerprint_as(
        &self,
        table: &Table,
        expressions: &[String],
        form: Form,
        extent: &Extent,
        failure: fn(database::Error) -> Failure,
    ) -> Result<Fingerprint> {
        let mut scan = Scan::new(table, form, None);
        self.with_table(table, failure, |session| {
            read_rows_as(session, table, expressions, form, extent, |piece| {
                self.pace.wait(piece.len())?;
                scan.push(piece)
            })
            .map_err(failure)?
        })?;
        Ok(scan.finish()?.total)
    }

    /// How many rows a query of one number counts.
    pub(crate) fn number(
        &self,
        table: &Table,
        sql: &str,
        failure: fn(database::Error) -> Failure,
    ) -> Result<u64> {
        self.with_table(table, failure, |session| {
            let message = format!("rows of {} could not be counted", table.qualified_name());
            let row = session
                .query_opt(sql, &[])
                .map_err(|error| failure(database::Error::query(message)(error)))?;
            let number = row.map_or(0, |row| row.get::<_, i64>(0));
            Ok(u64::try_from(number).unwrap_or_default())
        })
    }
}

/// Whether a server refused what was asked because of the values or of what they are made by: whoever asks can do
/// without the answer, and say so.
pub(crate) fn is_refusal(failure: &Failure) -> bool {
    // SQLSTATE classes: feature not supported, data exception, integrity, external routines, names, syntax or access,
    // raised by a function.
    const CLASSES: [&str; 8] = ["0A", "22", "23", "38", "39", "3F", "42", "P0"];
    failure
        .server_error()
        .is_some_and(|it| CLASSES.iter().any(|class| it.code().code().starts_with(class)))
}
