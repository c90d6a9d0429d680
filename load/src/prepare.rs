//! Schemas, extensions and everything that must exist before the rows.

use archive::Header;
use catalog::{Extension, quote_ident, quote_literal};
use cli::{Result, Ui};
use postgres::Transaction;
use rewrite::{Statement, StatementKind, statements};

use crate::checks::locks;
use crate::grants;
use crate::journal::{self, DATABASE_LOCK, Run};
use crate::statements::execute;
use crate::steps::Steps;
use crate::target::{Target, failed};

/// Statements in one transaction: each takes locks, of which a server has a limited number.
const BATCH: usize = 500;

pub(crate) fn create(
    target: &mut Target,
    steps: Steps<'_>,
    header: &Header,
    pre_data: &str,
    ui: &Ui,
) -> Result<()> {
    create_extensions(target, steps.run, &header.catalog.extensions, ui)?;
    let all = statements(pre_data);
    let wanted: Vec<&Statement<'_>> = all.iter().filter(|it| is_wanted(&it.kind)).collect();
    for batch in wanted.chunks(locks::batch(target.client(), BATCH)?) {
        let batch: Vec<&str> = batch.iter().map(|it| it.text).collect();
        steps.once_in_order(target, "before rows", &batch, |transaction, left| {
            left.iter().try_for_each(|sql| execute(transaction, sql))?;
            grants::revoke_all(transaction, steps.run)
        })?;
    }
    Ok(())
}

/// Settings are the session's own, owners are the role that loads, schemas and extensions come from the catalog.
pub(crate) fn is_wanted(kind: &StatementKind) -> bool {
    !matches!(
        kind,
        StatementKind::Set
            | StatementKind::Owner
            | StatementKind::Grant
            | StatementKind::CreateSchema { .. }
            | StatementKind::CreateExtension { .. }
    )
}

/// Those of the archive's schemas that did not exist.
pub(crate) fn create_schemas(
    transaction: &mut Transaction<'_>,
    missing: &[String],
    header: &Header,
) -> Result<()> {
    for schema in header
        .catalog
        .schemas
        .iter()
        .filter(|it| missing.contains(&it.name))
    {
        let name = quote_ident(&schema.name);
        execute(transaction, &format!("CREATE SCHEMA {name}"))?;
        if let Some(comment) = &schema.comment {
            let sql = format!("COMMENT ON SCHEMA {name} IS {}", quote_literal(comment));
            execute(transaction, &sql)?;
        }
    }
    Ok(())
}

/// Creates what is missing; the checks have made sure that the rest fits.
fn create_extensions(target: &mut Target, run: &Run, extensions: &[Extension], ui: &Ui) -> Result<()> {
    let step = "the extensions could not be created";
    let mut transaction = target
        .client()
        .transaction()
        .map_err(|error| failed(step, error))?;
    transaction
        .batch_execute(DATABASE_LOCK)
        .map_err(|error| failed(step, error))?;
    journal::hold(&mut transaction, run)?;
    let installed: Vec<String> = transaction
        .query(
            "SELECT extname::pg_catalog.text FROM pg_catalog.pg_extension",
            &[],
        )
        .map_err(|error| failed(step, error))?
        .iter()
        .map(|row| row.get(0))
        .collect();
    for extension in extensions.iter().filter(|it| !installed.contains(&it.name)) {
        let (name, schema) = (quote_ident(&extension.name), quote_ident(&extension.schema));
        execute(&mut transaction, &format!("CREATE SCHEMA IF NOT EXISTS {schema}"))?;
        execute(
            &mut transaction,
            &format!("CREATE EXTENSION IF NOT EXISTS {name} SCHEMA {schema} CASCADE"),
        )?;
        ui.detail(format_args!("extension {name} created in {schema}"));
    }
    transaction.commit().map_err(|error| failed(step, error))
}
