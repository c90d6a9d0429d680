//! The database that is written: its sessions and its locks.

use cli::{Exit, Failure, Result};
use database::endpoint::PostgresEndpoint;
use postgres::Client;

use crate::journal;

/// The target, with the session that holds the locks and writes the journal.
pub(crate) struct Target {
    endpoint: PostgresEndpoint,
    client: Client,
    jobs: usize,
}

impl Target {
    pub(crate) fn connect(endpoint: &PostgresEndpoint, jobs: usize) -> Result<Self> {
        let client = open(endpoint)?;
        Ok(Target {
            endpoint: endpoint.clone(),
            client,
            jobs,
        })
    }

    pub(crate) fn name(&self) -> String {
        self.endpoint.display_name()
    }

    pub(crate) fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// As many sessions as work in parallel, at most `wanted`.
    pub(crate) fn sessions(&self, wanted: usize) -> Result<Vec<Client>> {
        (0..self.jobs.min(wanted)).map(|_| open(&self.endpoint)).collect()
    }

    /// One lock for each schema, in sorted order, held as long as the session; refused at once when another
    /// load holds one.
    pub(crate) fn lock_schemas(&mut self, schemas: &[String]) -> Result<()> {
        let mut sorted: Vec<&String> = schemas.iter().collect();
        sorted.sort();
        for schema in sorted {
            let taken: bool = self
                .client
                .query_one(
                    "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended('coalesce schema ' || $1, 0))",
                    &[schema],
                )
                .map_err(|error| failed("the schemas could not be locked", error))?
                .get(0);
            if !taken {
                let run = journal::unfinished_run(&mut self.client, schema)?;
                let run = run.map_or(String::new(), |run| format!(" (run {})", run.id()));
                return Err(Failure::new(
                    Exit::Target,
                    format!("another load is writing schema {schema}{run}"),
                )
                .with_hint("wait for it, or end it first"));
            }
        }
        Ok(())
    }
}

fn open(endpoint: &PostgresEndpoint) -> Result<Client> {
    let mut client = endpoint.connect("coalesce load").map_err(Failure::target)?;
    client
        .batch_execute("SET check_function_bodies = off; SET client_min_messages = warning; SET synchronous_commit = off")
        .map_err(|error| failed("the session could not be set up", error))?;
    cli::on_interrupt(endpoint.canceller(&client));
    Ok(client)
}

/// A statement that the target refused.
pub(crate) fn failed(step: impl std::fmt::Display, error: postgres::Error) -> Failure {
    Failure::new(Exit::Target, step).with_source(error)
}
