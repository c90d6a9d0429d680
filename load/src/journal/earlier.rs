//! Runs of before: one that is live, one that did not end, and how another process takes that one up.

use std::time::Instant;

use cli::{Exit, Failure, Result};
use postgres::{Client, Transaction};
use uuid::Uuid;

use super::{LARGE_OBJECTS, Origin, Run, can_look};
use crate::target::{RENEW_WITHIN, Target, failed};

/// The number of the run that began like this one, of the same dump, and is live in schemas that are still there.
pub(crate) fn live_run(client: &mut Client, origin: &Origin, schemas: &[String]) -> Result<Option<i64>> {
    const LIVE: &str = "
        SELECT r.id FROM coalesce.run r
        WHERE r.state = 'live' AND r.dump_run = $1 AND r.definitions = $2 AND r.schemas = $3
          AND r.schema_oids = ARRAY(
            SELECT n.oid FROM pg_catalog.unnest($3::pg_catalog.text[]) WITH ORDINALITY AS s (name, place)
            JOIN pg_catalog.pg_namespace n ON n.nspname = s.name ORDER BY s.place) ORDER BY r.id DESC LIMIT 1";
    let step = "the journal could not be read";
    if !can_look(client, "run").map_err(|error| failed(step, error))? {
        return Ok(None);
    }
    client
        .query_opt(LIVE, &[&origin.dump_run, &origin.definitions, &schemas])
        .map(|row| row.map(|it| it.get(0)))
        .map_err(|error| failed(step, error))
}

/// The load that wrote `schema`, as it stands now, and did not end, if there is one.
pub(crate) fn unfinished_run(client: &mut Client, schema: &str) -> Result<Option<Run>> {
    const OF_SCHEMA: &str = "
        SELECT r.id, r.owner, r.role, r.created_schemas, r.dump_run, r.source, r.tool, r.filters, r.definitions,
        ARRAY(SELECT n.nspname::pg_catalog.text FROM pg_catalog.pg_namespace n
        WHERE n.oid = ANY (r.schema_oids) AND n.nspname = ANY (r.schemas)) AS schemas
        FROM coalesce.run r
        JOIN pg_catalog.pg_namespace n ON n.nspname = $1 AND n.oid = ANY (r.schema_oids)
        WHERE r.state = 'loading' ORDER BY r.id DESC LIMIT 1";
    const WITHOUT_SCHEMA: &str = "
        SELECT r.id, r.owner, r.role, r.created_schemas, r.dump_run, r.source, r.tool, r.filters, r.definitions,
          r.schemas
        FROM coalesce.run r
        WHERE r.state = 'loading' AND pg_catalog.cardinality(r.schemas) = 0 AND $1::pg_catalog.text IS NOT NULL
        ORDER BY r.id DESC LIMIT 1";
    let step = "the journal could not be read";
    if !can_look(client, "run").map_err(|error| failed(step, error))? {
        return Ok(None);
    }
    // A schema of that name that was made later is another's.
    let sql = if schema == LARGE_OBJECTS {
        WITHOUT_SCHEMA
    } else {
        OF_SCHEMA
    };
    let row = client
        .query_opt(sql, &[&schema])
        .map_err(|error| failed(step, error))?;
    Ok(row.map(|row| Run {
        id: row.get("id"),
        owner: row.get("owner"),
        origin: Origin {
            dump_run: row.get("dump_run"),
            source: row.get("source"),
            tool: row.get("tool"),
            filters: row.get("filters"),
            definitions: row.get("definitions"),
        },
        role: row.get("role"),
        created_schemas: row.get("created_schemas"),
        schemas: row.get("schemas"),
    }))
}

/// Makes an unfinished run this process's. From here on no transaction of the former owner can be committed: those
/// that are open hold the run's row, so they end first.
pub(crate) fn take_over(target: &mut Target, run: Run) -> Result<Run> {
    let step = "the run could not be taken over";
    let owner = Uuid::now_v7().to_string();
    let end = Instant::now() + RENEW_WITHIN;
    // The former process may open its sessions again, each of which holds the run's row for a moment.
    let taken = loop {
        cli::check_interrupt()?;
        end_sessions_of(target.client(), &run).map_err(|error| failed(step, error))?;
        match try_to_take_over(target.client(), &run, &owner).map_err(|error| failed(step, error)) {
            Err(failure) if failure.is_lock_conflict() && Instant::now() < end => {}
            tried => break tried?,
        }
    };
    if taken {
        return Ok(Run { owner, ..run });
    }
    Err(Failure::new(
        Exit::Target,
        format!("run {} has ended or was taken over", run.id),
    ))
}

fn try_to_take_over(
    client: &mut Client,
    run: &Run,
    owner: &str,
) -> std::result::Result<bool, postgres::Error> {
    let mut transaction = client.transaction()?;
    // So is what the former owner was promised.
    transaction.batch_execute("SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = '500ms'")?;
    let taken = transaction.execute(
        "UPDATE coalesce.run SET owner = $3 WHERE id = $1 AND owner = $2 AND state = 'loading'",
        &[&run.id, &run.owner, &owner],
    )?;
    transaction.commit()?;
    Ok(taken == 1)
}

/// Ends what still runs for a process that has gone: it could build an index for hours.
fn end_sessions_of(client: &mut Client, run: &Run) -> std::result::Result<(), postgres::Error> {
    const END: &str = "
        SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a
        WHERE a.application_name = $1 AND a.datname = pg_catalog.current_database() AND a.usename = current_user
          AND a.pid <> pg_catalog.pg_backend_pid()";
    client.execute(END, &[&run.session_name()]).map(drop)
}

/// Notes that an unfinished run goes on with another dump of the same source.
pub(crate) fn change_dump(transaction: &mut Transaction<'_>, run: &Run, dump_run: &str) -> Result<()> {
    transaction
        .execute(
            "UPDATE coalesce.run SET dump_run = $2 WHERE id = $1",
            &[&run.id, &dump_run],
        )
        .map(drop)
        .map_err(|error| failed("the journal could not be written", error))
}
