//! The session of a census: each question under a savepoint, so that one that fails does no harm, and with every lock
//! given back when it has been answered.
//!
//! PostgreSQL writes down a definition with an expression in it (a view, a CHECK constraint, an index with a predicate) only
//! after opening the relation, with an ACCESS SHARE lock that waits behind ACCESS EXCLUSIVE. So before such a question
//! `pg_locks` is asked who holds what, or waits for it, and those relations are left out; for what happens in between there
//! is a short `lock_timeout`, after which it is tried again, at last without definitions.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ::inventory::Inventory;
use postgres::error::SqlState;
use postgres::types::ToSql;
use postgres::{Client, Row};

use super::failed;
use super::tables::Relations;
use crate::{Error, Result};

/// How long a question waits for a lock that was free a moment before.
const LOCK_TIMEOUT: Duration = Duration::from_millis(200);

/// Tries of a question that meets a lock.
const TRIES: u32 = 3;

/// Relations that one question opens at most; a view opens what it reads besides.
pub(super) const PORTION: usize = 250;

/// Relations named in a sentence.
const NAMED_MAX: usize = 5;

/// Relations that somebody holds, or waits for, in a mode that reading or asking for a position would wait behind.
const HELD: &str = "
SELECT DISTINCT l.relation FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = pg_catalog.current_database()
WHERE l.locktype = 'relation' AND l.pid <> pg_catalog.pg_backend_pid()
  AND (l.mode = 'AccessExclusiveLock' OR l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock')
       AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = l.relation AND c.relkind = 'S'))";

pub(super) struct Session<'a> {
    client: &'a mut Client,
    timeout: Option<Duration>,
    unread: Vec<String>,
    /// Relations whose definitions were left out because somebody held them.
    held: BTreeSet<u32>,
    /// Whether everything that has to be opened was left out at last.
    gave_up: bool,
    pub(super) major: u32,
    pub(super) in_recovery: bool,
}

impl<'a> Session<'a> {
    pub(super) fn begin(client: &'a mut Client, timeout: Option<Duration>) -> Result<Self> {
        Session::begin_at(client, timeout, None)
    }

    /// A session that sees what the one that exported `snapshot` sees.
    pub(super) fn begin_at(
        client: &'a mut Client,
        timeout: Option<Duration>,
        snapshot: Option<&str>,
    ) -> Result<Self> {
        let timeout_ms = timeout.map_or(0, |it| it.as_millis());
        let seen = snapshot.map_or_else(String::new, |it| {
            format!("; SET TRANSACTION SNAPSHOT {}", catalog::quote_literal(it))
        });
        client
            .batch_execute(&format!(
                "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY{seen}; SET LOCAL statement_timeout = {timeout_ms}; \
                 SET LOCAL lock_timeout = {}",
                LOCK_TIMEOUT.as_millis()
            ))
            .map_err(Error::query("no transaction could be opened"))?;
        let row = client
            .query_one(
                "SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS version,
                        pg_catalog.pg_is_in_recovery() AS in_recovery",
                &[],
            )
            .map_err(failed("the server's version"))?;
        Ok(Session {
            client,
            timeout,
            unread: Vec::new(),
            held: BTreeSet::new(),
            gave_up: false,
            major: row.get::<_, i32>("version").unsigned_abs() / 10_000,
            in_recovery: row.get("in_recovery"),
        })
    }

    /// The rows of `sql`, which opens no relation of the user's; none, and a sentence, where it is refused.
    pub(super) fn ask(&mut self, what: &str, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        let rows = self.guarded(what, |client| client.query(sql, values).map_err(failed(what)))?;
        Ok(rows.unwrap_or_default())
    }

    /// The rows of `sql`, without which there is no census.
    pub(super) fn must_ask(&mut self, what: &str, sql: &str) -> Result<Vec<Row>> {
        self.client.query(sql, &[]).map_err(failed(what))
    }

    /// The rows of `sql`, which leaves out what has to be opened of relations in `$1`; of all where that is NULL.
    pub(super) fn ask_unheld(&mut self, what: &str, sql: &str) -> Result<Vec<Row>> {
        self.ask_unheld_of(what, sql, None)
    }

    /// The same of the relations with these OIDs, which are `$2`, a portion at a time: what a question opens stays locked
    /// until it has been answered, and the server has room for a limited number of locks, which all sessions share.
    pub(super) fn ask_in_portions(&mut self, what: &str, sql: &str, oids: &[u32]) -> Result<Vec<Row>> {
        let mut rows = Vec::with_capacity(oids.len());
        for portion in oids.chunks(PORTION) {
            rows.extend(self.ask_unheld_of(what, sql, Some(portion))?);
        }
        Ok(rows)
    }

    fn ask_unheld_of(&mut self, what: &str, sql: &str, oids: Option<&[u32]>) -> Result<Vec<Row>> {
        let query = |client: &mut Client, held: &Option<Vec<u32>>| {
            let both: [&(dyn ToSql + Sync); 2] = [held, &oids];
            let values = if oids.is_some() { &both[..] } else { &both[..1] };
            client.query(sql, values).map_err(failed(what))
        };
        let mut refused = false;
        for _ in 0..TRIES {
            let held: Vec<u32> = self
                .client
                .query(HELD, &[])
                .map_err(failed("what is locked"))?
                .iter()
                .map(|row| row.get(0))
                .collect();
            let held = Some(held);
            match self.try_asking(|client| query(client, &held))? {
                Ok(rows) => {
                    self.held.extend(held.into_iter().flatten());
                    return Ok(rows);
                }
                Err(error) if !is_of_the_moment(&error) => {
                    self.refused(what, &error);
                    refused = true;
                    break;
                }
                Err(_) => {}
            }
        }
        self.gave_up |= !refused;
        let rows = self.guarded(what, |client| query(client, &None))?;
        Ok(rows.unwrap_or_default())
    }

    /// What `ask` answers; `None`, and a sentence, where it is refused.
    pub(super) fn guarded<T>(
        &mut self,
        what: &str,
        ask: impl FnOnce(&mut Client) -> Result<T>,
    ) -> Result<Option<T>> {
        match self.try_asking(ask)? {
            Ok(answer) => Ok(Some(answer)),
            Err(error) => {
                self.refused(what, &error);
                Ok(None)
            }
        }
    }

    /// The inner error is the question's alone: after it the next one can be asked.
    fn try_asking<T>(
        &mut self,
        ask: impl FnOnce(&mut Client) -> Result<T>,
    ) -> Result<std::result::Result<T, Error>> {
        let step = |client: &mut Client, sql: &str| {
            client
                .batch_execute(sql)
                .map_err(Error::query("the session of the census was lost"))
        };
        step(self.client, "SAVEPOINT question")?;
        let started = Instant::now();
        let answer = ask(self.client);
        if let Err(error) = answer {
            let ran_out = self.timeout.is_some_and(|it| started.elapsed() >= it);
            if error.has_state(&SqlState::QUERY_CANCELED) && !ran_out {
                return Err(error);
            }
            // Where the session has ended, the question's own failure says more.
            if self
                .client
                .batch_execute("ROLLBACK TO SAVEPOINT question")
                .is_err()
            {
                return Err(error);
            }
            return Ok(Err(error));
        }
        // It gives the locks back that the question has taken.
        step(
            self.client,
            "ROLLBACK TO SAVEPOINT question; RELEASE SAVEPOINT question",
        )?;
        Ok(answer)
    }

    pub(super) fn add_unread(&mut self, sentence: impl Into<String>) {
        let sentence = sentence.into();
        if !self.unread.contains(&sentence) {
            self.unread.push(sentence);
        }
    }

    fn refused(&mut self, what: &str, error: &Error) {
        let because = if error.has_state(&SqlState::INSUFFICIENT_PRIVILEGE) {
            "the role may not read them".to_owned()
        } else if error.has_state(&SqlState::QUERY_CANCELED) {
            "the answer took longer than --statement-timeout allows".to_owned()
        } else {
            let cause = std::error::Error::source(error);
            let answer = cause.and_then(|it| it.downcast_ref::<postgres::Error>()?.as_db_error());
            answer.map_or_else(|| error.to_string(), |it| it.message().to_owned())
        };
        self.add_unread(format!("{what} were not read: {because}"));
    }

    /// For other sessions that are to see the same; `None` where the server gives none.
    pub(super) fn export_snapshot(&mut self) -> Option<String> {
        let row = self
            .client
            .query_one("SELECT pg_catalog.pg_export_snapshot()", &[]);
        row.ok().map(|it| it.get(0))
    }

    /// What was not read.
    pub(super) fn finish(self) -> Said {
        // It has only read, so that how it ends changes nothing.
        let _ = self.client.batch_execute("ROLLBACK");
        Said {
            unread: self.unread,
            held: self.held,
            gave_up: self.gave_up,
        }
    }
}

/// What a session could not read.
pub(super) struct Said {
    unread: Vec<String>,
    held: BTreeSet<u32>,
    gave_up: bool,
}

impl Said {
    pub(super) fn add(&mut self, other: Said) {
        self.held.extend(other.held);
        self.gave_up |= other.gave_up;
        for sentence in other.unread {
            if !self.unread.contains(&sentence) {
                self.unread.push(sentence);
            }
        }
    }

    /// With a sentence on definitions that were left out.
    pub(super) fn sentences(mut self, inventory: &Inventory, relations: &Relations) -> Vec<String> {
        if self.gave_up {
            let sentence = "some definitions were not read: their relations were locked again and again";
            self.unread.push(sentence.to_owned());
        }
        let places = self.held.iter().filter_map(|it| relations.table(*it));
        let names: Vec<String> = places.map(|place| inventory.tables[place].label()).collect();
        if !names.is_empty() {
            let more = match names.len().saturating_sub(NAMED_MAX) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let shown = &names[..names.len().min(NAMED_MAX)];
            self.unread.push(format!(
                "definitions with expressions were not read where somebody holds ACCESS EXCLUSIVE: {}{more}",
                shown.join(", ")
            ));
        }
        self.unread
    }
}

/// Whether another try can succeed: a lock, or an object that was dropped since the snapshot.
fn is_of_the_moment(error: &Error) -> bool {
    [
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::UNDEFINED_OBJECT,
        SqlState::UNDEFINED_TABLE,
        SqlState::INTERNAL_ERROR,
    ]
    .iter()
    .any(|it| error.has_state(it))
}
