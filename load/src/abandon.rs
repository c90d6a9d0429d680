//! `load --abandon`: removes what an unfinished load left.

use std::collections::BTreeSet;

use catalog::quote_ident;
use cli::{Exit, Failure, Result, Ui};
use database::endpoint::PostgresEndpoint;
use postgres::Transaction;

use crate::checks::locks::{self, LockRoom};
use crate::journal::{self, Run};
use crate::large_objects;
use crate::statements::execute;
use crate::target::{LATER, Target, failed};

pub(crate) fn abandon(endpoint: &PostgresEndpoint, schema: &str, ui: &Ui) -> Result<()> {
    let mut target = Target::connect(endpoint, 1, ui)?;
    let Some(run) = journal::unfinished_run(target.client(), schema)? else {
        return Err(Failure::new(
            Exit::Target,
            format!("no unfinished load wrote schema {schema} on {}", target.name()),
        )
        .with_hint("only what a load left unfinished is removed; a live schema is not touched"));
    };
    let mut places = run.schemas.clone();
    if places.is_empty() {
        places.push(journal::LARGE_OBJECTS.to_owned());
    }
    target.lock_schemas(&places, LATER)?;
    remove(&mut target, &run, ui)?;
    ui.status(format_args!(
        "{} removed from {}",
        places.join(", "),
        target.name()
    ));
    Ok(())
}

/// Removes what a run left, whose schemas are locked, and notes that in the journal.
pub(crate) fn remove(target: &mut Target, run: &Run, ui: &Ui) -> Result<()> {
    let step = "what was left could not be removed";
    if !tables_are_few(target, run)? {
        remove_tables_in_batches(target, run, ui)?;
    }
    if !large_objects::are_few(target.client(), run)? {
        // Too many locks for one transaction. Nothing goes before it is known that everything may go.
        let mut rehearsal = target
            .client()
            .transaction()
            .map_err(|error| failed(step, error))?;
        remove_schemas(&mut rehearsal, run)?;
        rehearsal.rollback().map_err(|error| failed(step, error))?;
        large_objects::remove_in_batches(target.client(), run)?;
    }
    let mut transaction = target
        .client()
        .transaction()
        .map_err(|error| failed(step, error))?;
    remove_schemas(&mut transaction, run)?;
    large_objects::remove(&mut transaction, run)?;
    large_objects::mention_others(&mut transaction, run, ui)?;
    journal::abandon(&mut transaction, run).map_err(|error| failed(step, error))?;
    transaction.commit().map_err(|error| failed(step, error))
}

/// Whether the server has room for all the locks that the run's relations take when they go at once.
fn tables_are_few(target: &mut Target, run: &Run) -> Result<bool> {
    const RELATIONS: &str = "
        SELECT pg_catalog.count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = ANY ($1)";
    let room = LockRoom::read(target.client())?.locks();
    let row = target
        .client()
        .query_one(RELATIONS, &[&run.schemas])
        .map_err(|error| failed("the contents of the schemas could not be counted", error))?;
    // A table has a TOAST table with an index, elsewhere, and a row type.
    Ok(row.get::<_, i64>(0).unsigned_abs() < room / 8)
}

/// Removes tables in transactions of their own. Each refuses to take along what stands elsewhere; what went before stays
/// away, since it was the run's.
fn remove_tables_in_batches(target: &mut Target, run: &Run, ui: &Ui) -> Result<()> {
    const TABLES: &str = "
        SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                          AND e.objid = c.oid AND e.deptype = 'e')
        ORDER BY c.oid DESC LIMIT $2";
    const BATCH: usize = 200;
    let step = "what was left could not be removed";
    let batch = locks::batch(target.client(), BATCH)?;
    ui.status("there is much to remove: tables go in several transactions");
    loop {
        cli::check_interrupt()?;
        let mut transaction = target
            .client()
            .transaction()
            .map_err(|error| failed(step, error))?;
        journal::hold(&mut transaction, run)?;
        for schema in &run.schemas {
            refuse_others(&mut transaction, schema, run)?;
        }
        let rows = transaction
            .query(TABLES, &[&run.schemas, &i64::try_from(batch).unwrap_or(1)])
            .map_err(|error| failed(step, error))?;
        let tables: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        if tables.is_empty() {
            return transaction.rollback().map_err(|error| failed(step, error));
        }
        let before = objects_elsewhere(&mut transaction, run)?;
        execute(
            &mut transaction,
            &format!("DROP TABLE IF EXISTS {} CASCADE", tables.join(", ")),
        )?;
        let after = objects_elsewhere(&mut transaction, run)?;
        refuse_losses(
            &before,
            &after,
            run,
            "drop them first; some tables of the run are gone already",
        )?;
        transaction.commit().map_err(|error| failed(step, error))?;
    }
}

/// Removes what is in the run's schemas, or refuses to.
fn remove_schemas(transaction: &mut Transaction<'_>, run: &Run) -> Result<()> {
    // The load may have ended well between the look at the journal and the lock.
    journal::hold(transaction, run)?;
    let before = objects_elsewhere(transaction, run)?;
    for schema in &run.schemas {
        refuse_others(transaction, schema, run)?;
        if run.created_schemas.contains(schema) {
            let name = quote_ident(schema);
            execute(transaction, &format!("DROP SCHEMA IF EXISTS {name} CASCADE"))?;
        } else {
            empty_schema(transaction, schema)?;
        }
    }
    let after = objects_elsewhere(transaction, run)?;
    refuse_losses(&before, &after, run, "drop them first; nothing was removed")
}

/// Empties a schema that was there before the load. It stays itself, with its owner and its grants, and so do
/// the extensions in it, which other schemas may live by. What is part of another object goes with it.
fn empty_schema(transaction: &mut Transaction<'_>, schema: &str) -> Result<()> {
    const CONTENTS: &str = "
        SELECT DISTINCT CASE i.type WHEN 'composite type' THEN 'TYPE' WHEN 'statistics object' THEN 'STATISTICS'
                 WHEN 'function' THEN 'ROUTINE' WHEN 'procedure' THEN 'ROUTINE' WHEN 'aggregate' THEN 'ROUTINE'
                 ELSE pg_catalog.upper(i.type) END, i.identity
        FROM pg_catalog.pg_depend d
        CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.classid, d.objid, d.objsubid) i
        WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
          AND d.refobjid = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1)
          AND d.deptype = 'n' AND d.classid <> 'pg_catalog.pg_default_acl'::pg_catalog.regclass
          AND d.classid <> 'pg_catalog.pg_extension'::pg_catalog.regclass
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                          WHERE e.classid = d.classid AND e.objid = d.objid
                            AND (e.deptype = 'e' OR e.deptype = 'i' AND e.refobjid <> e.objid))";
    // Parts are internal to their whole; a partitioned table is so to its own key, and is a whole all the same.
    let rows = transaction
        .query(CONTENTS, &[&schema])
        .map_err(|error| failed("the contents of the schemas could not be listed", error))?;
    for row in rows {
        let (kind, identity): (String, String) = (row.get(0), row.get(1));
        // An earlier one may have taken it along.
        execute(transaction, &format!("DROP {kind} IF EXISTS {identity} CASCADE"))?;
    }
    Ok(())
}

/// In a schema that was there before, other roles may have made things while the load ran.
fn refuse_others(transaction: &mut Transaction<'_>, schema: &str, run: &Run) -> Result<()> {
    // Objects of the bootstrap superuser have no entry in pg_shdepend.
    const OTHERS: &str = "
        SELECT DISTINCT pg_catalog.pg_describe_object(d.classid, d.objid, 0)
        FROM pg_catalog.pg_depend d
        LEFT JOIN pg_catalog.pg_shdepend s ON s.classid = d.classid AND s.objid = d.objid AND s.deptype = 'o'
          AND s.dbid = (SELECT b.oid FROM pg_catalog.pg_database b WHERE b.datname = pg_catalog.current_database())
        WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
          AND d.refobjid = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1)
          AND d.deptype = 'n' AND d.classid <> 'pg_catalog.pg_default_acl'::pg_catalog.regclass
          AND d.classid <> 'pg_catalog.pg_extension'::pg_catalog.regclass
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                          WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype IN ('e', 'i'))
          AND COALESCE(s.refobjid, 10) <> (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = $2)";
    let rows = transaction
        .query(OTHERS, &[&schema, &run.role])
        .map_err(|error| failed("the contents of the schemas could not be listed", error))?;
    if rows.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(
        Exit::Target,
        format!("schema {schema} holds what {} did not make", run.role),
    );
    let failure = rows.iter().fold(failure, |failure, row| {
        failure.with_state(row.get::<_, String>(0))
    });
    Err(failure.with_hint("move it elsewhere or drop it first; nothing was removed"))
}

/// Descriptions of what stands outside the run's schemas and could hang on what is in them.
fn objects_elsewhere(transaction: &mut Transaction<'_>, run: &Run) -> Result<BTreeSet<String>> {
    const OBJECTS: &str = "
        WITH others AS (
          SELECT n.oid FROM pg_catalog.pg_namespace n
          WHERE NOT n.nspname = ANY ($1) AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        ), relations AS (
          SELECT c.oid FROM pg_catalog.pg_class c JOIN others o ON o.oid = c.relnamespace
        )
        SELECT pg_catalog.pg_describe_object(x.class, x.id, x.part) FROM (
          SELECT 'pg_catalog.pg_class'::pg_catalog.regclass AS class, oid AS id, 0 AS part FROM relations
          UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, a.attrelid, a.attnum
          FROM pg_catalog.pg_attribute a JOIN relations r ON r.oid = a.attrelid WHERE a.attnum > 0 AND NOT a.attisdropped
          UNION ALL SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, d.oid, 0
          FROM pg_catalog.pg_attrdef d JOIN relations r ON r.oid = d.adrelid
          UNION ALL SELECT 'pg_catalog.pg_trigger'::pg_catalog.regclass, t.oid, 0
          FROM pg_catalog.pg_trigger t JOIN relations r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
          UNION ALL SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, p.oid, 0
          FROM pg_catalog.pg_policy p JOIN relations r ON r.oid = p.polrelid
          UNION ALL SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid, 0
          FROM pg_catalog.pg_constraint k JOIN others o ON o.oid = k.connamespace
          UNION ALL SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, 0
          FROM pg_catalog.pg_proc p JOIN others o ON o.oid = p.pronamespace
          UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, 0
          FROM pg_catalog.pg_type t JOIN others o ON o.oid = t.typnamespace
          UNION ALL SELECT 'pg_catalog.pg_extension'::pg_catalog.regclass, e.oid, 0
          FROM pg_catalog.pg_extension e JOIN others o ON o.oid = e.extnamespace) AS x";
    let rows = transaction
        .query(OBJECTS, &[&run.schemas])
        .map_err(|error| failed("what stands outside the schemas could not be listed", error))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Dropping cascades, so whatever else it would have taken along stops it, before anything is committed.
fn refuse_losses(before: &BTreeSet<String>, after: &BTreeSet<String>, run: &Run, hint: &str) -> Result<()> {
    let mut lost = before.difference(after).peekable();
    if lost.peek().is_none() {
        return Ok(());
    }
    let failure = Failure::new(
        Exit::Target,
        format!("objects elsewhere depend on {}", run.schemas.join(", ")),
    );
    Err(lost.fold(failure, Failure::with_state).with_hint(hint))
}
