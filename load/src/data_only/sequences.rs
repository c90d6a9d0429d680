//! Sequences from which columns of a filled table get their numbers: none may give a number that a row has already,
//! and none stands before the source's. They only ever move on.

use archive::Header;
use catalog::{QualifiedName, Sequence, quote_ident, quote_literal};
use cli::{Result, Ui};
use postgres::{Row, Transaction};

use super::matching::Unit;
use crate::extension_sequences::SEQUENCES;
use crate::statements::execute;
use crate::target::failed;

/// Moves them on, and returns what was done, as `name to number`.
pub(crate) fn move_on(
    transaction: &mut Transaction<'_>,
    header: &Header,
    unit: &Unit,
    ui: &Ui,
) -> Result<Vec<String>> {
    let table = &unit.target.name;
    let rows = transaction
        .query(SEQUENCES, &[&table.to_string()])
        .map_err(|error| failed(format!("the sequences of {table} could not be listed"), error))?;
    let mut moved = Vec::new();
    for row in &rows {
        let source = source_position(header, unit, row.get("column"));
        moved.extend(move_one(transaction, table, row, source, ui)?);
    }
    Ok(moved)
}

/// The last number that the source's own sequence of the same column has given.
fn source_position(header: &Header, unit: &Unit, column: &str) -> Option<i64> {
    let sequences = || header.catalog.sequences.iter().filter(|it| it.is_called);
    let position = |part: &super::matching::Part| {
        let pair = part
            .pairs
            .iter()
            .find(|it| it.target.as_deref() == Some(column))?;
        let table = header.catalog.tables.get(usize::try_from(part.number).ok()?)?;
        let tables = [Some(table.qualified_name()), table.partition_of.clone()];
        let is_its = |it: &&Sequence| {
            let owner = it.owned_by.as_ref();
            owner.is_some_and(|owner| {
                tables.contains(&Some(owner.table.clone())) && owner.column == pair.source
            })
        };
        sequences().find(is_its).map(|it| it.last_value)
    };
    unit.parts.iter().find_map(position)
}

fn move_one(
    transaction: &mut Transaction<'_>,
    table: &QualifiedName,
    row: &Row,
    source: Option<i64>,
    ui: &Ui,
) -> Result<Option<String>> {
    let (name, column): (String, String) = (row.get("name"), quote_ident(row.get("column")));
    let (ascends, may_look): (bool, bool) = (row.get("ascends"), row.get("may_look"));
    let step = || format!("sequence {name} could not be compared with its column");
    let (end, farther) = if ascends {
        ("max", "GREATEST")
    } else {
        ("min", "LEAST")
    };
    let reached = transaction
        .query_one(
            &format!("SELECT pg_catalog.{end}({column})::pg_catalog.int8 FROM {table}"),
            &[],
        )
        .map_err(|error| failed(step(), error))?
        .get::<_, Option<i64>>(0);
    let range = row.get::<_, i64>("seqmin")..=row.get::<_, i64>("seqmax");
    let candidates = reached.into_iter().chain(source).filter(|it| range.contains(it));
    let wanted = if ascends {
        candidates.max()
    } else {
        candidates.min()
    };
    let Some(wanted) = wanted else { return Ok(None) };
    let mut stands_at = None;
    if may_look {
        let last = transaction
            .query_one(
                "SELECT pg_catalog.pg_sequence_last_value($1::pg_catalog.oid::pg_catalog.regclass)",
                &[&row.get::<_, u32>("oid")],
            )
            .map_err(|error| failed(step(), error))?;
        stands_at = last.get::<_, Option<i64>>(0);
    }
    if stands_at.is_some_and(|it| if ascends { it >= wanted } else { it <= wanted }) {
        return Ok(None);
    }
    let literal = quote_literal(&name);
    if may_look && row.get("may_move") {
        // Others may have taken numbers since it was looked at.
        execute(
            transaction,
            &format!(
                "SELECT pg_catalog.setval(s.oid, {farther}({wanted}, pg_catalog.pg_sequence_last_value(s.oid)))
                 FROM (SELECT {literal}::pg_catalog.regclass AS oid) s"
            ),
        )?;
        return Ok(Some(format!("{name} to {wanted}")));
    }
    let stands = if may_look { "stands" } else { "may stand" };
    ui.warning(format_args!(
        "sequence {name} {stands} before {wanted}, and the role may not move it: have its owner run \
         SELECT setval({literal}, {wanted})"
    ));
    Ok(None)
}
