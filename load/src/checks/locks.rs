//! Locks: how many the server has room for, and whether others hold those that will be needed.

use std::collections::HashMap;
use std::thread::sleep;
use std::time::Duration;

use archive::Header;
use catalog::{ObjectKind, QualifiedName, Table, TableKind};
use cli::{Result, count};
use postgres::GenericClient;

use crate::target::{Target, failed};

/// Locks that one definition takes: a table with its TOAST table and that one's index, its parent, a sequence.
const PER_STATEMENT: u64 = 5;

/// How often others are looked at before a load gives up, and the first pause between; each is twice as long.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(60);

/// How many locks all transactions of a server can hold together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LockRoom {
    per_transaction: u64,
    /// Sessions and prepared transactions that the table of locks was made for.
    transactions: u64,
}

impl LockRoom {
    pub(crate) fn read(client: &mut impl GenericClient) -> Result<Self> {
        const SETTINGS: &str =
            "SELECT pg_catalog.current_setting('max_locks_per_transaction')::pg_catalog.int8,
            pg_catalog.current_setting('max_connections')::pg_catalog.int8
            + pg_catalog.current_setting('max_prepared_transactions')::pg_catalog.int8";
        let row = client
            .query_one(SETTINGS, &[])
            .map_err(|error| failed("the server's locks could not be counted", error))?;
        let number = |place| row.get::<_, i64>(place).unsigned_abs().max(1);
        Ok(LockRoom {
            per_transaction: number(0),
            transactions: number(1),
        })
    }

    pub(crate) fn locks(self) -> u64 {
        self.per_transaction * self.transactions
    }

    /// The setting of `max_locks_per_transaction` that gives room for `locks`.
    pub(crate) fn setting_for(self, locks: u64) -> u64 {
        locks.div_ceil(self.transactions).max(self.per_transaction + 1)
    }
}

/// How many definitions go in one transaction: at most `most`, fewer where the server has little room for locks.
pub(crate) fn batch(client: &mut impl GenericClient, most: usize) -> Result<usize> {
    const FEWEST: usize = 5;
    let room = LockRoom::read(client)?;
    // Half of it is left to others.
    let fitting = usize::try_from(room.locks() / 2 / PER_STATEMENT).unwrap_or(most);
    Ok(fitting.clamp(FEWEST.min(most), most))
}

/// What stands in the way, as sentences; `schemas` are those that are loaded.
pub(super) fn findings(target: &mut Target, header: &Header, schemas: &[String]) -> Result<Vec<String>> {
    let room = LockRoom::read(target.client())?;
    let mut findings = Vec::new();
    if let Some((tree, locks)) = largest_tree(header).filter(|(_, locks)| *locks > room.locks()) {
        findings.push(format!(
            "the partitions of {tree} and their indexes are {} locks in one transaction, and the server has room for {}: \
             set max_locks_per_transaction to {} or more",
            count(locks),
            count(room.locks()),
            room.setting_for(locks)
        ));
    }
    findings.extend(held_by_others(target, header, schemas)?);
    Ok(findings)
}

/// The partition tree that takes most locks when it is analyzed, or filled through its root: one for each table and each
/// index.
fn largest_tree(header: &Header) -> Option<(QualifiedName, u64)> {
    let catalog = &header.catalog;
    let mut indexes: HashMap<QualifiedName, u64> = HashMap::new();
    for object in catalog.objects.iter().filter(|it| it.kind == ObjectKind::Index) {
        if let Some(table) = &object.table {
            *indexes
                .entry(QualifiedName::new(&object.schema, table))
                .or_default() += 1;
        }
    }
    let by_name: HashMap<QualifiedName, &Table> = catalog
        .tables
        .iter()
        .map(|it| (it.qualified_name(), it))
        .collect();
    let mut trees: HashMap<QualifiedName, u64> = HashMap::new();
    for table in &catalog.tables {
        let mut root = table;
        let mut steps = 0;
        while let Some(parent) = root.partition_of.as_ref().and_then(|it| by_name.get(it)) {
            root = parent;
            steps += 1;
            if steps > catalog.tables.len() {
                break;
            }
        }
        if root.kind == TableKind::Partitioned {
            let locks = 1 + indexes.get(&table.qualified_name()).copied().unwrap_or_default();
            *trees.entry(root.qualified_name()).or_default() += locks;
        }
    }
    trees
        .into_iter()
        .max_by(|one, other| one.1.cmp(&other.1).then_with(|| other.0.cmp(&one.0)))
}

/// How many locks all of the archive takes in one transaction.
pub(crate) fn of_everything(header: &Header) -> u64 {
    let catalog = &header.catalog;
    let tables = catalog.tables.iter().filter(|it| it.is_own()).count();
    let others = [
        ObjectKind::Index,
        ObjectKind::Sequence,
        ObjectKind::View,
        ObjectKind::MaterializedView,
    ];
    let others: usize = others.iter().map(|it| catalog.count(*it)).sum();
    // A table with its TOAST table and that one's index.
    (3 * tables + others) as u64
}

/// Sessions that hold what this load will have to lock on what exists: its empty schemas, extensions, and tables of
/// extensions that get rows. They are given some time; a load never queues behind them, where others would queue
/// behind it.
fn held_by_others(target: &mut Target, header: &Header, schemas: &[String]) -> Result<Vec<String>> {
    let mut pause = PAUSE;
    for tries_left in (0..TRIES).rev() {
        let held = look(target, header, schemas)?;
        if held.is_empty() || tries_left == 0 {
            return Ok(held);
        }
        cli::check_interrupt()?;
        sleep(pause + pause.mul_f64(fastrand::f64()));
        pause *= 2;
    }
    Ok(Vec::new())
}

fn look(target: &mut Target, header: &Header, schemas: &[String]) -> Result<Vec<String>> {
    // Modes that conflict with CREATE in a schema, with the use of an extension, with INSERT.
    const HELD: &str = "
        SELECT DISTINCT w.kind || ' ' || w.name AS object, l.pid,
          COALESCE(NULLIF(a.application_name, ''), 'no name')::pg_catalog.text AS application
        FROM (
          SELECT 'schema' AS kind, n.nspname::pg_catalog.text AS name, 'pg_catalog.pg_namespace'::pg_catalog.regclass AS class,
            n.oid AS id, '{AccessExclusiveLock}'::pg_catalog.text[] AS modes
          FROM pg_catalog.pg_namespace n WHERE n.nspname = ANY ($1) OR n.nspname = ANY ($4)
          UNION ALL
          SELECT 'extension', e.extname, 'pg_catalog.pg_extension'::pg_catalog.regclass, e.oid, '{AccessExclusiveLock}'
          FROM pg_catalog.pg_extension e WHERE e.extname = ANY ($5)
          UNION ALL
          SELECT 'table', n.nspname || '.' || c.relname, 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid,
            '{AccessExclusiveLock,ExclusiveLock,ShareRowExclusiveLock,ShareLock}'
          FROM ROWS FROM (pg_catalog.unnest($2::pg_catalog.text[]), pg_catalog.unnest($3::pg_catalog.text[]))
            AS x (schema, name)
          JOIN pg_catalog.pg_namespace n ON n.nspname = x.schema
          JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = x.name) AS w
        JOIN pg_catalog.pg_locks l ON l.granted AND l.mode = ANY (w.modes)
          AND (l.locktype = 'object' AND l.classid = w.class AND l.objid = w.id
               OR l.locktype = 'relation' AND l.relation = w.id AND w.kind = 'table')
          AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
        LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
        WHERE l.pid <> pg_catalog.pg_backend_pid() ORDER BY 1, 2";
    let catalog = &header.catalog;
    let configured = catalog
        .tables
        .iter()
        .filter(|it| it.kind == TableKind::Configuration);
    let (of_schema, of_name): (Vec<&str>, Vec<&str>) = configured
        .map(|it| (it.schema.as_str(), it.name.as_str()))
        .unzip();
    let extension_schemas: Vec<&str> = catalog.extensions.iter().map(|it| it.schema.as_str()).collect();
    let extensions: Vec<&str> = catalog.extensions.iter().map(|it| it.name.as_str()).collect();
    let rows = target
        .client()
        .query(
            HELD,
            &[&schemas, &of_schema, &of_name, &extension_schemas, &extensions],
        )
        .map_err(|error| failed("the locks of others could not be listed", error))?;
    let sentence = |row: &postgres::Row| {
        let (object, pid, application): (String, i32, String) =
            (row.get("object"), row.get("pid"), row.get("application"));
        format!("{object} is locked by process {pid} ({application}): wait for it, or end it")
    };
    Ok(rows.iter().map(sentence).collect())
}
