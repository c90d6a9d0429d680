//! Locks on all tables of a snapshot, and the proof that they are now what the snapshot shows.

use std::thread;
use std::time::Duration;

use catalog::QualifiedName;
use postgres::error::SqlState;
use postgres::{Client, Row};

use super::identity::Identity;
use super::selection::{Chosen, RowFilter};
use crate::{Error, ErrorKind, Result};

/// Tables named in one LOCK statement.
const LOCK_BATCH: usize = 200;

/// How long the session that holds locks waits for another one: below the server's `deadlock_timeout`, so that it is we
/// who give way, not the application.
const LOCK_TIMEOUT: Duration = Duration::from_millis(500);

/// Names that an error spells out.
const NAMED_MAX: usize = 10;

/// Tables that have rows, or whose shape matters for the rows of others, and sequences, whose positions are read; of
/// extensions' tables those in `$3`. What is gone by now has no privileges.
const TABLES: &str = "SELECT c.oid, n.nspname, c.relname, c.relkind = 'r' AS has_rows,
      c.relpersistence = 'u' AS unlogged, c.relkind <> 'S' AS is_table,
      COALESCE(CASE WHEN c.relkind = 'S' THEN pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
                    ELSE pg_catalog.has_table_privilege(c.oid, 'SELECT') END
        AND pg_catalog.has_schema_privilege(n.oid, 'USAGE'), true)
      AND NOT (c.oid = ANY ($3) AND pg_catalog.row_security_active(c.oid)) AS readable,
      c.oid = ANY ($3) AS of_extension
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't' AND (c.oid = ANY ($3) OR n.nspname !~ '^pg_'
      AND n.nspname NOT IN ('information_schema', 'coalesce')
      AND ($1::pg_catalog.text[] IS NULL OR n.nspname = ANY ($1))
      AND ($2::pg_catalog.oid[] IS NULL OR c.oid = ANY ($2))
      AND c.oid NOT IN (SELECT d.objid FROM pg_catalog.pg_depend d
        WHERE d.deptype = 'e' AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass))
    ORDER BY 2, 3";

/// The storage and the columns of the tables `$1`, as the session sees them, in a few bytes.
const STATE: &str = "SELECT pg_catalog.concat_ws(' ', pg_catalog.count(*),
      pg_catalog.sum(pg_catalog.hashtextextended(t.state, 0)::pg_catalog.numeric)) FROM (
    SELECT pg_catalog.concat_ws(' ', c.oid, n.nspname, c.relname, c.relkind, c.relfilenode) AS state
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = ANY ($1)
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attisdropped)
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = ANY ($1) AND a.attnum > 0) AS t";

/// Catalogs in which definitions of a schema's own stand: each with the columns of an object's OID and its schema.
const IN_SCHEMAS: &[(&str, &str, &str)] = &[
    ("pg_constraint", "oid", "connamespace"),
    ("pg_type", "oid", "typnamespace"),
    ("pg_proc", "oid", "pronamespace"),
    ("pg_operator", "oid", "oprnamespace"),
    ("pg_opclass", "oid", "opcnamespace"),
    ("pg_opfamily", "oid", "opfnamespace"),
    ("pg_collation", "oid", "collnamespace"),
    ("pg_conversion", "oid", "connamespace"),
    ("pg_ts_config", "oid", "cfgnamespace"),
    ("pg_ts_dict", "oid", "dictnamespace"),
    ("pg_statistic_ext", "oid", "stxnamespace"),
    ("pg_namespace", "oid", "oid"),
];

/// Catalogs in which definitions stand that belong to a relation: each with the columns that tell them apart, and the
/// relation's.
const ON_RELATIONS: &[(&str, &str, &str)] = &[
    ("pg_attribute", "attnum", "attrelid"),
    ("pg_attrdef", "oid", "adrelid"),
    ("pg_index", "indexrelid", "indrelid"),
    ("pg_trigger", "oid", "tgrelid"),
    ("pg_rewrite", "oid", "ev_class"),
    ("pg_policy", "oid", "polrelid"),
    ("pg_sequence", "seqrelid", "seqrelid"),
];

/// Catalogs of definitions that have no schema.
const ELSEWHERE: &[&str] = &[
    "pg_enum",
    "pg_cast",
    "pg_extension",
    "pg_language",
    "pg_foreign_server",
    "pg_event_trigger",
    "pg_publication",
];

/// What came of locking.
pub(super) enum Locked {
    All,
    /// A table is not now what the snapshot shows.
    Changed,
    /// Somebody else holds a lock, as the error says. Whoever waits for longer with locks of his own could make others
    /// wait, or die, for it.
    Busy(Error),
}

/// Locks all tables that the snapshot shows.
///
/// `present` is a session of its own, outside the snapshot: it sees what is committed, and once the locks are held
/// that stays as it is.
pub(super) fn lock_tables(
    client: &mut Client,
    present: &mut Client,
    identity: &Identity,
    chosen: &Chosen,
) -> Result<Locked> {
    let rows = client
        .query(
            TABLES,
            &[&chosen.schemas, &chosen.relation_oids(), &chosen.configuration],
        )
        .map_err(Error::query("the tables could not be listed"))?;
    refuse_unreadable(&rows)?;
    let rows: Vec<Row> = rows.into_iter().filter(|row| row.get("is_table")).collect();
    if identity.in_recovery {
        refuse_unlogged(&rows, chosen)?;
    }
    refuse_too_many(client, rows.len())?;
    let oids: Vec<u32> = rows.iter().map(|row| row.get(0)).collect();
    set_lock_timeout(client, LOCK_TIMEOUT)?;
    for batch in rows.chunks(LOCK_BATCH) {
        let only: Vec<String> = batch.iter().map(|row| format!("ONLY {}", name(row))).collect();
        let locked = client.batch_execute(&format!("LOCK TABLE {} IN ACCESS SHARE MODE", only.join(", ")));
        if let Err(error) = locked {
            return match error.code() {
                Some(code) if [SqlState::UNDEFINED_TABLE, SqlState::INVALID_SCHEMA_NAME].contains(code) => {
                    Ok(Locked::Changed)
                }
                Some(code)
                    if [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED].contains(code) =>
                {
                    Ok(Locked::Busy(held_by_others(error, present, batch)))
                }
                _ => Err(not_locked(error)),
            };
        }
    }
    let is_same = see_the_same(client, present, |client| {
        let row = client
            .query_one(STATE, &[&oids])
            .map_err(Error::query("the tables could not be compared"))?;
        Ok(row.get(0))
    })?;
    Ok(if is_same { Locked::All } else { Locked::Changed })
}

/// Every definition in `schemas`, or in all of the user's, that the session sees, in a few bytes: each catalog row's OID
/// and the transaction that wrote it, hashed and added up. Temporary objects come and go and do not count; nor do the
/// files of relations, which TRUNCATE, REFRESH and REINDEX change.
fn definitions(client: &mut Client, schemas: Option<&[String]>) -> Result<String> {
    const OURS: &str = "IN (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_'
        AND ($1::pg_catalog.text[] IS NULL OR n.nspname = ANY ($1)))";
    let relations = format!(
        "SELECT pg_catalog.concat_ws(' ', 'pg_class', o.oid, o.relname, o.relnamespace, o.relowner, o.relkind,
           o.relpersistence, o.relam, o.reltablespace, o.relchecks, o.relhasrules, o.relhastriggers, o.relrowsecurity,
           o.relforcerowsecurity, o.relispopulated, o.relreplident, o.relispartition, o.relacl, o.reloptions,
           o.relpartbound) AS version
         FROM pg_catalog.pg_class o WHERE o.relnamespace {OURS}"
    );
    let in_schemas = IN_SCHEMAS.iter().map(|(catalog, object, schema)| {
        format!(
            "SELECT pg_catalog.concat_ws(' ', '{catalog}', o.{object}, o.xmin)
             FROM pg_catalog.{catalog} o WHERE o.{schema} {OURS}"
        )
    });
    let on_relations = ON_RELATIONS.iter().map(|(catalog, object, relation)| {
        format!(
            "SELECT pg_catalog.concat_ws(' ', '{catalog}', o.{relation}, o.{object}, o.xmin)
             FROM pg_catalog.{catalog} o JOIN pg_catalog.pg_class c ON c.oid = o.{relation}
             WHERE c.relnamespace {OURS}"
        )
    });
    let elsewhere = ELSEWHERE.iter().map(|catalog| {
        format!("SELECT pg_catalog.concat_ws(' ', '{catalog}', o.oid, o.xmin) FROM pg_catalog.{catalog} o")
    });
    let others = in_schemas.chain(on_relations).chain(elsewhere);
    let all: Vec<String> = std::iter::once(relations).chain(others).collect();
    let sql = format!(
        "SELECT pg_catalog.concat_ws(' ', pg_catalog.count(*),
           pg_catalog.sum(pg_catalog.hashtextextended(t.version, 0)::pg_catalog.numeric))
         FROM ({}) AS t",
        all.join(" UNION ALL ")
    );
    let row = client
        .query_one(&sql, &[&schemas])
        .map_err(Error::query("the definitions could not be compared"))?;
    Ok(row.get(0))
}

/// Whether all definitions are now what the snapshot of `client` shows.
pub(super) fn has_same_definitions(
    client: &mut Client,
    present: &mut Client,
    chosen: &Chosen,
) -> Result<bool> {
    see_the_same(client, present, |client| {
        definitions(client, chosen.schemas.as_deref())
    })
}

/// Whether both sessions get the same answer; they are asked at the same time.
fn see_the_same(
    client: &mut Client,
    present: &mut Client,
    ask: impl Fn(&mut Client) -> Result<String> + Sync,
) -> Result<bool> {
    let (one, other) = thread::scope(|scope| {
        let other = scope.spawn(|| ask(present));
        let one = ask(client);
        let other = other
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (one, other)
    });
    Ok(one? == other?)
}

/// How a session of ours stands among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It works, or is not there.
    Free,
    /// It waits for a lock of somebody who does not wait for us.
    Waits,
    /// It waits for somebody who waits for us.
    InOwnWay,
}

/// How the session called `name` stands to `process`, the session that has the tables' locks.
pub(super) fn standing(present: &mut Client, process: i32, name: &str) -> Result<Standing> {
    const CHAIN: &str = "WITH RECURSIVE waiting (first, pid) AS (
          SELECT a.pid, a.pid FROM pg_catalog.pg_stat_activity a
          WHERE a.usename = session_user AND a.datname = pg_catalog.current_database() AND a.application_name = $2
            AND a.wait_event_type = 'Lock' AND a.pid <> $1
          UNION
          SELECT w.first, b.pid
          FROM waiting w CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) AS b (pid)
        )
        SELECT pg_catalog.count(*) > 0, COALESCE(pg_catalog.bool_or(w.pid = $1), false) FROM waiting w";
    let row = present
        .query_one(CHAIN, &[&process, &name])
        .map_err(Error::query("who waits for whom could not be asked for"))?;
    Ok(match (row.get(0), row.get(1)) {
        (_, true) => Standing::InOwnWay,
        (true, false) => Standing::Waits,
        (false, false) => Standing::Free,
    })
}

/// Cancels what the session called `name` is doing.
pub(super) fn cancel(present: &mut Client, name: &str) -> Result<()> {
    const CANCEL: &str = "SELECT pg_catalog.pg_cancel_backend(a.pid) FROM pg_catalog.pg_stat_activity a
        WHERE a.usename = session_user AND a.datname = pg_catalog.current_database() AND a.application_name = $1";
    present
        .query(CANCEL, &[&name])
        .map(drop)
        .map_err(Error::query("a session of ours could not be cancelled"))
}

fn name(row: &Row) -> QualifiedName {
    QualifiedName::new(row.get::<_, &str>(1), row.get::<_, &str>(2))
}

/// All that the role may not read, at once.
fn refuse_unreadable(rows: &[Row]) -> Result<()> {
    let unreadable = rows.iter().filter(|row| !row.get::<_, bool>("readable"));
    let (of_extensions, own): (Vec<&Row>, Vec<&Row>) = unreadable.partition(|row| row.get("of_extension"));
    let all: Vec<String> = own
        .iter()
        .chain(&of_extensions)
        .map(|row| name(row).to_string())
        .collect();
    if all.is_empty() {
        return Ok(());
    }
    let hint = if of_extensions.is_empty() {
        "GRANT pg_read_all_data TO the role that reads"
    } else {
        "GRANT pg_read_all_data TO the role that reads, and give it BYPASSRLS where a policy hides rows; \
         `--no-extension-rows` leaves out what belongs to extensions"
    };
    let message = format!("the role may not read {}", some_of(&all));
    Err(Error::new(ErrorKind::Query, message)
        .with_names(all)
        .with_hint(hint))
}

/// Unlogged tables are empty on a standby, and the server does not let them be read.
fn refuse_unlogged(rows: &[Row], chosen: &Chosen) -> Result<()> {
    let is_wanted = |row: &&Row| {
        row.get::<_, bool>("unlogged")
            && row.get::<_, bool>("has_rows")
            && chosen.row_filter(&name(row)) != Some(&RowFilter::None)
    };
    let unlogged: Vec<String> = rows
        .iter()
        .filter(is_wanted)
        .map(|row| name(row).to_string())
        .collect();
    if unlogged.is_empty() {
        return Ok(());
    }
    let message = format!("a standby has no rows of unlogged tables: {}", some_of(&unlogged));
    Err(Error::new(ErrorKind::Unsupported, message).with_names(unlogged).with_hint(
        "read from the primary, or leave their rows out by --exclude-table-data, or them by --exclude-table",
    ))
}

/// Refuses before anything is locked what the server's lock table has no room for, as the manual counts it.
fn refuse_too_many(client: &mut Client, tables: usize) -> Result<()> {
    const ROOM: &str = "SELECT pg_catalog.current_setting('max_locks_per_transaction')::pg_catalog.int8,
        pg_catalog.current_setting('max_connections')::pg_catalog.int8
        + pg_catalog.current_setting('max_prepared_transactions')::pg_catalog.int8";
    let row = client
        .query_one(ROOM, &[])
        .map_err(Error::query("the room for locks could not be asked for"))?;
    let (each, transactions): (i64, i64) = (row.get(0), row.get::<_, i64>(1).max(1));
    let tables = i64::try_from(tables).unwrap_or(i64::MAX);
    if tables <= each.saturating_mul(transactions) {
        return Ok(());
    }
    let needed = tables / transactions + 1;
    let message = format!(
        "{tables} tables are to be locked, and the server has room for {} locks",
        each.saturating_mul(transactions)
    );
    Err(Error::new(ErrorKind::Unsupported, message).with_hint(format!(
        "set max_locks_per_transaction to {needed} or more on the server and restart it (it is {each}), or choose \
         fewer tables by --schema or --table"
    )))
}

fn set_lock_timeout(client: &mut Client, timeout: Duration) -> Result<()> {
    client
        .batch_execute(&format!("SET LOCAL lock_timeout = {}", timeout.as_millis()))
        .map_err(Error::query("lock_timeout could not be set"))
}

fn held_by_others(error: postgres::Error, present: &mut Client, batch: &[Row]) -> Error {
    let held = holders(present, batch);
    let message = if held.is_empty() {
        "another session holds a lock (ACCESS EXCLUSIVE)".to_owned()
    } else {
        some_of(&held)
    };
    Error::query(message)(error)
        .with_names(held)
        .with_hint("end that session or wait for it; --lock-wait-timeout allows more time")
}

fn not_locked(error: postgres::Error) -> Error {
    if error.code() == Some(&SqlState::OUT_OF_MEMORY) {
        return Error::query("the server has no room for more locks")(error)
            .with_hint("raise max_locks_per_transaction on the server");
    }
    Error::query("the tables could not be locked (ACCESS SHARE)")(error)
}

/// Who has what stands against our lock, as far as it can be found out.
fn holders(present: &mut Client, batch: &[Row]) -> Vec<String> {
    const HOLDERS: &str = "SELECT l.relation, l.pid FROM pg_catalog.pg_locks l
        WHERE l.granted AND l.mode = 'AccessExclusiveLock' AND l.relation = ANY ($1)
          AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
        ORDER BY 1, 2";
    let oids: Vec<u32> = batch.iter().map(|row| row.get(0)).collect();
    let found = present.query(HOLDERS, &[&oids]).unwrap_or_default();
    let sentence = |it: &Row| {
        let table = batch
            .iter()
            .find(|row| row.get::<_, u32>(0) == it.get::<_, u32>(0))?;
        let process = it
            .get::<_, Option<i32>>(1)
            .map_or("a prepared transaction".to_owned(), |pid| {
                format!("process {pid}")
            });
        Some(format!("{} is held by {process}", name(table)))
    };
    found.iter().filter_map(sentence).collect()
}

/// The first of many names, and how many more there are; all of them belong into [`Error::with_names`].
pub(super) fn some_of(names: &[String]) -> String {
    let shown = names
        .iter()
        .take(NAMED_MAX)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(NAMED_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more (--verbose names all)"),
    }
}
