//! `load --abandon`: removes what an unfinished load left.

use catalog::quote_ident;
use cli::{Exit, Failure, Result, Ui};
use database::endpoint::PostgresEndpoint;

use crate::journal::{self, Run};
use crate::statements::execute;
use crate::target::{Target, failed};

pub(crate) fn abandon(endpoint: &PostgresEndpoint, schema: &str, ui: &Ui) -> Result<()> {
    let mut target = Target::connect(endpoint, 1)?;
    let Some(run) = journal::unfinished_run(target.client(), schema)? else {
        return Err(Failure::new(
            Exit::Target,
            format!("no unfinished load wrote schema {schema} on {}", target.name()),
        )
        .with_hint("only what a load left unfinished is removed; a live schema is not touched"));
    };
    target.lock_schemas(&run.schemas)?;
    let step = "what was left could not be removed";
    let mut transaction = target
        .client()
        .transaction()
        .map_err(|error| failed(step, error))?;
    refuse_dependents(&mut transaction, &run)?;
    for schema in &run.schemas {
        let name = quote_ident(schema);
        execute(&mut transaction, &format!("DROP SCHEMA IF EXISTS {name} CASCADE"))?;
        if !run.created_schemas.contains(schema) {
            execute(&mut transaction, &format!("CREATE SCHEMA {name}"))?;
        }
    }
    journal::abandon(&mut transaction, &run).map_err(|error| failed(step, error))?;
    transaction.commit().map_err(|error| failed(step, error))?;
    ui.status(format_args!(
        "{} removed from {}",
        run.schemas.join(", "),
        target.name()
    ));
    Ok(())
}

/// Dropping cascades, so nothing outside the run's schemas may hang on what is in them.
fn refuse_dependents(transaction: &mut postgres::Transaction<'_>, run: &Run) -> Result<()> {
    const DEPENDENTS: &str = "
        WITH ours AS (SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                      WHERE n.nspname = ANY ($1))
        SELECT DISTINCT n.nspname || '.' || c.relname
        FROM pg_catalog.pg_depend d
        LEFT JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = d.objid
        LEFT JOIN pg_catalog.pg_constraint k ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND k.oid = d.objid
        JOIN pg_catalog.pg_class c ON c.oid = COALESCE(r.ev_class, k.conrelid)
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid IN (SELECT oid FROM ours)
          AND NOT n.nspname = ANY ($1)";
    let rows = transaction
        .query(DEPENDENTS, &[&run.schemas])
        .map_err(|error| failed("what depends on the schemas could not be listed", error))?;
    if rows.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    Err(Failure::new(
        Exit::Target,
        format!("objects elsewhere depend on {}", run.schemas.join(", ")),
    )
    .with_state(names.join(", "))
    .with_hint("drop them first; nothing was removed"))
}
