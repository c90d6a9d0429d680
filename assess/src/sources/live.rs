//! A live server: its census, and what planning needs of it.

use catalog::{Catalog, Table};
use cli::{Failure, Result, Ui};
use database::endpoint::PostgresEndpoint;
use database::postgres::{
    CensusRequest, Counting, OversizedRows, could_hold_oversized_row, find_oversized_row, take_census,
};
use fingerprint::Form;

use super::{CensusArgs, Source, as_catalog, secrets};

const APPLICATION: &str = "coalesce assess";

pub(super) fn take(endpoint: &PostgresEndpoint, args: &CensusArgs, ui: &Ui) -> Result<Source> {
    for warning in endpoint.warnings() {
        ui.warning(warning);
    }
    let request = CensusRequest {
        timeout: args.timeout(),
        counting: args.exact.then_some(Counting { sessions: args.jobs }),
    };
    let taken = take_census(endpoint, APPLICATION, &request, &|cancel| {
        cli::on_interrupt(cancel).keep();
    });
    cli::check_interrupt()?;
    let mut census = taken.map_err(Failure::source)?;
    let catalog = as_catalog::catalog(&census);
    let notes = if args.exact {
        long_rows(endpoint, &catalog)?
    } else {
        Vec::new()
    };
    secrets::cut(&mut census.inventory);
    Ok(Source {
        inventory: census.inventory,
        catalog,
        file: None,
        large_objects: census.large_objects,
        notes,
    })
}

/// Rows that COPY cannot pass, as sentences; sizes of values tell, for which tables have to be read.
fn long_rows(endpoint: &PostgresEndpoint, catalog: &Catalog) -> Result<Vec<String>> {
    let mut client = endpoint.connect(APPLICATION).map_err(Failure::source)?;
    cli::on_interrupt(endpoint.canceller(&client)).keep();
    let (mut notes, mut not_looked_through) = (Vec::new(), Vec::new());
    for table in catalog.tables.iter().filter(|it| it.has_rows()) {
        cli::check_interrupt()?;
        match could_hold_oversized_row(&mut client, table).map_err(Failure::source)? {
            OversizedRows::Impossible => {}
            OversizedRows::Possible => notes.extend(long_row(&mut client, table)?),
            OversizedRows::NotLookedFor => not_looked_through.push(table.qualified_name().to_string()),
        }
    }
    if !not_looked_through.is_empty() {
        notes.push(format!(
            "tables of more than 1 GiB are not looked through for rows that COPY cannot pass (1 GiB as text): {}",
            not_looked_through.join(", ")
        ));
    }
    Ok(notes)
}

/// What COPY cannot pass as text.
fn long_row(client: &mut postgres::Client, table: &Table) -> Result<Option<String>> {
    let found = find_oversized_row(client, table, Form::Text).map_err(Failure::source)?;
    Ok(found.map(|row| {
        let way = match row.passes_as {
            Some(_) => "`dump --rows binary` passes it",
            None => "COPY cannot pass it at all",
        };
        format!(
            "{}: the row at ctid {} is longer than 1 GiB as text (column {}); {way}",
            table.qualified_name(),
            row.ctid,
            row.column
        )
    }))
}
