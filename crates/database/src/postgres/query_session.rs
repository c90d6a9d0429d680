//! Statements of a user's own, each in a transaction of its own that may only read, under one snapshot.
//!
//! Transactions are new for each run, so that `now()` is, too; the snapshot is the same, so that nobody's writes show.

use std::time::{Duration, Instant};

use postgres::SimpleQueryMessage;

use crate::endpoint::{PostgresEndpoint, RowSession, run_as_an_application};
use crate::{Error, Result};

/// A session that runs statements.
pub struct QuerySession {
    client: RowSession,
    endpoint: PostgresEndpoint,
    snapshot: String,
}

/// What holds around a statement.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The search path, as SQL behind `SET search_path TO`.
    pub search_path: String,
    /// What takes longer is ended; zero means never.
    pub timeout: Duration,
    /// Whether the planner is kept from its usual ways, so that rows come in another order where nothing orders them.
    pub is_planned_otherwise: bool,
}

/// Why the server did not run a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// SQLSTATE.
    pub state: String,
    /// The server's message; never its DETAIL, which can hold rows.
    pub message: String,
}

/// What the server says of a statement without running it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Types of the parameters, as SQL with their schemas.
    pub parameters: Vec<String>,
    /// Names and types of the answer's columns.
    pub columns: Vec<(String, String)>,
}

impl std::fmt::Debug for QuerySession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QuerySession").finish_non_exhaustive()
    }
}

impl Trouble {
    /// Whether the statement took longer than it may, or was cancelled.
    pub fn is_timeout(&self) -> bool {
        self.state == "57014"
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (SQLSTATE {})", self.message, self.state)
    }
}

impl QuerySession {
    /// Opens a session that sees the exported `snapshot`.
    pub fn open(endpoint: &PostgresEndpoint, application_name: &str, snapshot: &str) -> Result<Self> {
        let mut client = endpoint.connect_for_rows(application_name)?;
        run_as_an_application(&mut client)?;
        Ok(QuerySession {
            client,
            endpoint: endpoint.clone(),
            snapshot: snapshot.to_owned(),
        })
    }

    /// What cancels the session's running statement, for another thread.
    pub fn canceller(&self) -> impl FnMut() + Send + 'static + use<> {
        self.endpoint.canceller(&self.client)
    }

    /// Has the server read `sql`, which is not run.
    pub fn describe(
        &mut self,
        around: &Surroundings,
        sql: &str,
    ) -> Result<std::result::Result<Description, Trouble>> {
        let prepared = match self.within(around, |client| client.prepare(sql))? {
            Ok(prepared) => prepared,
            Err(trouble) => return Ok(Err(trouble)),
        };
        let parameters: Vec<u32> = prepared.params().iter().map(postgres::types::Type::oid).collect();
        let columns: Vec<u32> = prepared.columns().iter().map(|it| it.type_().oid()).collect();
        let names = prepared.columns().iter().map(|it| it.name().to_owned());
        let types = self.type_names(&columns)?;
        Ok(Ok(Description {
            parameters: self.type_names(&parameters)?,
            columns: names.zip(types).collect(),
        }))
    }

    /// Runs `sql`, a query, and gives what it answers, as COPY's CSV cut anywhere, to `take`. The inner result is how long
    /// it took until the last row was here.
    pub fn read<E: From<Error>>(
        &mut self,
        around: &Surroundings,
        sql: &str,
        take: impl FnMut(&[u8]) -> std::result::Result<(), E>,
    ) -> std::result::Result<std::result::Result<Duration, Trouble>, E> {
        // A comment at its end must not hide what follows.
        let copy = format!("COPY (\n{sql}\n) TO STDOUT (FORMAT csv)");
        let ran = self.within(around, |client| {
            let begun = Instant::now();
            let taken = client.copy_out(&copy, take)?;
            Ok(taken.map(|()| begun.elapsed()))
        })?;
        match ran {
            Ok(taken) => taken.map(Ok),
            Err(trouble) => Ok(Err(trouble)),
        }
    }

    /// The plan of `sql` as JSON, which is not run. With `generic` it may have parameters (PostgreSQL 16).
    pub fn explain(
        &mut self,
        around: &Surroundings,
        sql: &str,
        generic: bool,
    ) -> Result<std::result::Result<String, Trouble>> {
        let generic = if generic { "GENERIC_PLAN, " } else { "" };
        let statement = format!("EXPLAIN ({generic}VERBOSE, FORMAT JSON) {sql}");
        let answer = self.within(around, |client| client.simple_query(&statement))?;
        Ok(answer.map(|messages| {
            let lines = messages.iter().filter_map(|it| match it {
                SimpleQueryMessage::Row(row) => row.get(0),
                _ => None,
            });
            lines.collect::<Vec<_>>().join("\n")
        }))
    }

    /// Names of types as SQL: the session's own search path is empty, so they have their schemas.
    fn type_names(&mut self, oids: &[u32]) -> Result<Vec<String>> {
        const NAMES: &str = "SELECT ARRAY(SELECT pg_catalog.format_type(t.oid, NULL) \
             FROM pg_catalog.unnest($1::pg_catalog.oid[]) WITH ORDINALITY AS t (oid, place) ORDER BY t.place)";
        if oids.is_empty() {
            return Ok(Vec::new());
        }
        let row = self
            .client
            .query_opt(NAMES, &[&oids])
            .map_err(Error::query("the types of a statement could not be named"))?;
        Ok(row.map(|it| it.get(0)).unwrap_or_default())
    }

    /// The outer result is the session's, the inner one the statement's.
    fn within<T>(
        &mut self,
        around: &Surroundings,
        work: impl FnOnce(&mut RowSession) -> std::result::Result<T, postgres::Error>,
    ) -> Result<std::result::Result<T, Trouble>> {
        let mut begin = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET TRANSACTION SNAPSHOT {}; \
             SET LOCAL search_path TO {}; SET LOCAL statement_timeout = {}",
            catalog::quote_literal(&self.snapshot),
            around.search_path,
            around.timeout.as_millis(),
        );
        if around.is_planned_otherwise {
            begin.push_str(
                "; SET LOCAL enable_hashagg = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_seqscan = off; \
                 SET LOCAL max_parallel_workers_per_gather = 0",
            );
        }
        self.client
            .batch_execute(&begin)
            .map_err(Error::query("no transaction that only reads could be opened"))?;
        let done = work(&mut self.client);
        let done = match done {
            Ok(done) => Ok(done),
            Err(error) => match error.as_db_error() {
                Some(said) => Err(Trouble {
                    state: said.code().code().to_owned(),
                    message: said.message().to_owned(),
                }),
                None => return Err(Error::query("a statement could not be run")(error)),
            },
        };
        self.client
            .batch_execute("ROLLBACK")
            .map_err(Error::query("a transaction could not be ended"))?;
        Ok(done)
    }
}
