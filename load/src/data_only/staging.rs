//! Rows whose types are not the target's, in temporary tables of the archive's own types. They are compared there with
//! what the casts make of them, before any table of the target is touched.

use archive::Header;
use catalog::quote_ident;
use cli::{Exit, Failure, Result, Ui, count};
use postgres::Client;

use super::fit::check_type;
use super::kept::{Kept, table_of};
use super::matching::{Part, Unit};
use crate::statements::execute;
use crate::target::failed;
use crate::withheld;

/// The temporary table of a part that is not direct.
pub(crate) fn staging(part: &Part) -> String {
    format!("pg_temp.coalesce_rows_{}", part.number)
}

/// Why nothing could be staged, as a sentence.
pub(crate) fn trouble(client: &mut Client, units: &[Unit]) -> Result<Option<String>> {
    const MAY: &str = "SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY')";
    if parts(units).next().is_none() {
        return Ok(None);
    }
    let row = client
        .query_one(MAY, &[])
        .map_err(|error| failed("the target could not be examined", error))?;
    let lacking = !row.get::<_, bool>(0);
    Ok(lacking.then(|| {
        "the role lacks TEMPORARY on the database, which rows of other types need: GRANT it".to_owned()
    }))
}

/// Stages all rows that need it, and says which values would change.
pub(crate) fn stage(
    client: &mut Client,
    header: &Header,
    units: &[Unit],
    kept: &Kept,
    ui: &Ui,
) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for (unit, part) in parts(units) {
        let table = table_of(header, part.number)?;
        let mut columns = Vec::new();
        for (pair, column) in part.pairs.iter().zip(&part.columns) {
            let read_as = pair.read_as(column);
            check_type(client, &unit.target.name, column, &read_as)?;
            columns.push(format!("{} {read_as}", quote_ident(&column.name)));
        }
        let into = staging(part);
        execute(
            client,
            &format!("CREATE TEMPORARY TABLE {into} ({})", columns.join(", ")),
        )?;
        let copied = kept
            .copy(client, table, part.form, &into)
            .map_err(|failure| withheld::of_rows(failure, ui.is_verbose()))?;
        let expected = kept.rows(part.number);
        if copied != expected {
            let message = format!(
                "a temporary table took {} of {} rows of {}",
                count(copied),
                count(expected),
                table.qualified_name()
            );
            return Err(Failure::new(Exit::Target, message));
        }
        ui.detail(format_args!(
            "{}: {} rows go through a temporary table, since types differ",
            unit.target.name,
            count(copied)
        ));
        findings.extend(
            losses(client, unit, part).map_err(|failure| withheld::of_rows(failure, ui.is_verbose()))?,
        );
    }
    Ok(findings)
}

/// How many values of each column do not come back when they are cast there and back.
fn losses(client: &mut Client, unit: &Unit, part: &Part) -> Result<Vec<String>> {
    let lossy: Vec<_> = part
        .pairs
        .iter()
        .filter_map(|it| Some((it, it.is_lost()?)))
        .collect();
    if lossy.is_empty() {
        return Ok(Vec::new());
    }
    let counts: Vec<String> = lossy
        .iter()
        .map(|(_, condition)| format!("pg_catalog.count(*) FILTER (WHERE {condition})"))
        .collect();
    let sql = format!("SELECT {} FROM {} s", counts.join(", "), staging(part));
    let name = &unit.target.name;
    let row = client
        .query_one(&sql, &[])
        .map_err(|error| failed(format!("values for {name} cannot be cast to its types"), error))?;
    let lost = lossy.iter().enumerate().filter_map(|(place, (pair, _))| {
        let rows = row.get::<_, i64>(place).unsigned_abs();
        let column = pair.target.as_deref().unwrap_or_default();
        let there = unit.target.column(column).map_or("", |it| &it.type_sql);
        (rows > 0).then(|| {
            format!(
                "{name}.{column}: {} values change when they become {there} and are read back",
                count(rows)
            )
        })
    });
    Ok(lost.collect())
}

/// What goes through a temporary table. A unit goes in one way, so that it can be compared as one.
fn parts(units: &[Unit]) -> impl Iterator<Item = (&Unit, &Part)> {
    units
        .iter()
        .filter(|it| !it.is_in && !it.is_direct())
        .flat_map(|unit| unit.parts.iter().map(move |part| (unit, part)))
}
