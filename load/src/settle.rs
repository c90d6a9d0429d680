//! Sequences, materialized views and the planner's statistics.

use archive::Header;
use catalog::{QualifiedName, Sequence, quote_ident, quote_literal};
use cli::{Result, Ui};
use database::endpoint::unrestrict_views;

use crate::indexes::run_parallel;
use crate::journal::{self, Run};
use crate::statements::execute;
use crate::target::{Target, failed};

pub(crate) fn settle(target: &mut Target, run: &Run, header: &Header, ui: &Ui) -> Result<()> {
    set_sequences(target, run, &header.catalog.sequences, ui)?;
    refresh(target, run, header)?;
    let analyses = header
        .catalog
        .tables
        .iter()
        // A partitioned root is analyzed together with its partitions.
        .filter(|table| table.partition_of.is_none() && table.kind != catalog::TableKind::Foreign)
        .map(|table| vec![format!("ANALYZE {}", table.qualified_name())])
        .collect();
    run_parallel(target, run, analyses)
}

/// Gives every sequence the source's position. One that stands behind its column, which would give a number
/// twice, is moved on, and that is said.
fn set_sequences(target: &mut Target, run: &Run, sequences: &[Sequence], ui: &Ui) -> Result<()> {
    let step = "the sequences could not be set";
    let mut transaction = target
        .client()
        .transaction()
        .map_err(|error| failed(step, error))?;
    journal::hold(&mut transaction, run)?;
    for sequence in sequences {
        let name = QualifiedName::new(&sequence.schema, &sequence.name).to_string();
        let mut position = (sequence.last_value, sequence.is_called);
        if let Some(owner) = &sequence.owned_by {
            let (end, column) = (
                if sequence.increment > 0 { "max" } else { "min" },
                quote_ident(&owner.column),
            );
            let sql = format!(
                "SELECT pg_catalog.{end}({column})::pg_catalog.int8 FROM {}",
                owner.table
            );
            let row = transaction
                .query_one(&sql, &[])
                .map_err(|error| failed(step, error))?;
            let beyond = row
                .get::<_, Option<i64>>(0)
                .filter(|&value| is_beyond(value, sequence));
            if let Some(value) = beyond {
                ui.status(format_args!(
                    "sequence {name} stood at {} although {}.{} holds {value}: it goes on from there",
                    sequence.last_value, owner.table, owner.column
                ));
                position = (value, true);
            }
        }
        let (value, called) = position;
        let sql = format!(
            "SELECT pg_catalog.setval({}::pg_catalog.regclass, {value}, {called})",
            quote_literal(&name)
        );
        execute(&mut transaction, &sql)?;
    }
    transaction.commit().map_err(|error| failed(step, error))
}

/// Whether the sequence would give `value`, or one before it, again.
fn is_beyond(value: i64, sequence: &Sequence) -> bool {
    let next_is_taken = value == sequence.last_value && !sequence.is_called;
    let passed = if sequence.increment > 0 {
        value > sequence.last_value
    } else {
        value < sequence.last_value
    };
    passed || next_is_taken
}

/// Fills the materialized views that were filled in the source, in an order in which they can be.
fn refresh(target: &mut Target, run: &Run, header: &Header) -> Result<()> {
    let populated: Vec<_> = header
        .catalog
        .materialized_views
        .iter()
        .filter(|view| view.populated)
        .collect();
    if populated.is_empty() {
        return Ok(());
    }
    let step = "the materialized views could not be filled";
    // What their functions name without a schema is found where the source's session would have found it.
    let extensions = header.catalog.extensions.iter().map(|it| it.schema.as_str());
    let schemas = run
        .schemas
        .iter()
        .map(String::as_str)
        .chain(extensions.filter(|it| *it != "pg_catalog"));
    let path: Vec<String> = schemas.chain(["pg_temp"]).map(quote_ident).collect();
    let mut sessions = target.sessions(1)?;
    let Some(client) = sessions.first_mut() else {
        return Ok(());
    };
    unrestrict_views(client).map_err(cli::Failure::target)?;
    execute(client, &format!("SET search_path = {}", path.join(", ")))?;
    for view in populated {
        let mut transaction = client.transaction().map_err(|error| failed(step, error))?;
        journal::hold(&mut transaction, run)?;
        let name = QualifiedName::new(&view.schema, &view.name);
        execute(&mut transaction, &format!("REFRESH MATERIALIZED VIEW {name}"))?;
        transaction.commit().map_err(|error| failed(step, error))?;
    }
    Ok(())
}
