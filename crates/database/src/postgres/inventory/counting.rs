//! Rows counted by several sessions, where that was asked for: the one part of a census that reads tables. Each is locked
//! in ACCESS SHARE mode while it is counted, and not waited for longer than [`LOCK_TIMEOUT`].

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use ::inventory::Inventory;
use catalog::quote_ident;
use postgres::Client;
use postgres::error::SqlState;

use crate::endpoint::PostgresEndpoint;
use crate::postgres::OnInterrupt;
use crate::{Error, Result};

/// How long a table that somebody holds is waited for.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// How rows are counted.
#[derive(Clone, Copy, Debug)]
pub struct Counting {
    pub sessions: u32,
}

/// Counts every table with rows of its own, under `snapshot` where there is one.
pub(super) fn count(
    endpoint: &PostgresEndpoint,
    application_name: &str,
    counting: Counting,
    timeout: Option<Duration>,
    on_interrupt: OnInterrupt<'_>,
    snapshot: Option<&str>,
    inventory: &mut Inventory,
) -> Result<()> {
    // The largest first, so that none is left for a single session at the end.
    let mut order: Vec<usize> = (0..inventory.tables.len())
        .filter(|place| !inventory.tables[*place].rows_exact)
        .collect();
    order.sort_by_key(|place| std::cmp::Reverse(inventory.tables[*place].heap_bytes));
    let names: Vec<String> = order
        .iter()
        .map(|place| {
            let table = &inventory.tables[*place];
            format!("{}.{}", quote_ident(&table.schema), quote_ident(&table.name))
        })
        .collect();
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let wanted = usize::try_from(counting.sessions).unwrap_or(1).min(names.len());
    let mut sessions = Vec::with_capacity(wanted);
    for _ in 0..wanted {
        let client = open(endpoint, application_name, timeout, snapshot)?;
        on_interrupt(Box::new(endpoint.canceller(&client)));
        sessions.push(client);
    }
    let work = |mut client: Client| -> Result<()> {
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            let counted = count_one(&mut client, name)?;
            found
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .push((name.as_str(), counted));
        }
        Ok(())
    };
    thread::scope(|scope| {
        let work = &work;
        let workers: Vec<_> = sessions
            .into_iter()
            .map(|client| scope.spawn(move || work(client)))
            .collect();
        let results: Vec<Result<()>> = workers
            .into_iter()
            .map(|it| it.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect();
        results.into_iter().collect::<Result<()>>()
    })?;
    let places: std::collections::HashMap<&str, usize> =
        names.iter().map(String::as_str).zip(order).collect();
    let mut found = found
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    found.sort();
    for (name, counted) in found {
        let table = &mut inventory.tables[places[name]];
        match counted {
            Ok(rows) => (table.rows_counted, table.rows_exact) = (Some(rows), true),
            Err(reason) => inventory
                .unread
                .push(format!("rows of {name} were not counted: {reason}")),
        }
    }
    Ok(())
}

fn open(
    endpoint: &PostgresEndpoint,
    application_name: &str,
    timeout: Option<Duration>,
    snapshot: Option<&str>,
) -> Result<Client> {
    let mut client = endpoint.connect(application_name)?;
    let seen = snapshot.map_or_else(String::new, |it| {
        format!("; SET TRANSACTION SNAPSHOT {}", catalog::quote_literal(it))
    });
    client
        .batch_execute(&format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY{seen}; SET LOCAL statement_timeout = {}; \
             SET LOCAL lock_timeout = {}",
            timeout.map_or(0, |it| it.as_millis()),
            LOCK_TIMEOUT.as_millis()
        ))
        .map_err(Error::query("a session to count rows could not be opened"))?;
    Ok(client)
}

/// The inner error is a sentence about this table alone.
fn count_one(client: &mut Client, name: &str) -> Result<std::result::Result<u64, String>> {
    let lost = || Error::query(format!("the session that counted {name} was lost"));
    client.batch_execute("SAVEPOINT question").map_err(lost())?;
    let answer = client.query_one(&format!("SELECT pg_catalog.count(*) FROM ONLY {name}"), &[]);
    // With it the table's lock is given back.
    client
        .batch_execute("ROLLBACK TO SAVEPOINT question; RELEASE SAVEPOINT question")
        .map_err(lost())?;
    Ok(match answer {
        Ok(row) => Ok(super::unsigned(row.get(0))),
        Err(error) => Err(match error.code() {
            Some(&SqlState::LOCK_NOT_AVAILABLE) => "somebody holds it locked".to_owned(),
            Some(&SqlState::QUERY_CANCELED) => "it took longer than --statement-timeout allows".to_owned(),
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => "the role may not read it".to_owned(),
            _ => error
                .as_db_error()
                .map_or_else(|| error.to_string(), |it| it.message().to_owned()),
        }),
    })
}
