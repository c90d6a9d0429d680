//! Sequences behind extensions' configuration tables: rows that came with their numbers must not meet those numbers
//! again. The sequences are the target's own, so they only ever move on.

use catalog::{QualifiedName, quote_ident, quote_literal};
use cli::{Result, Ui};
use postgres::{Row, Transaction};

use crate::statements::execute;
use crate::target::failed;

/// Sequences from which columns of the table `$1` are filled: those that a column owns, and those that its default
/// calls.
pub(crate) const SEQUENCES: &str = "
    WITH filled AS (
      SELECT d.objid AS sequence, d.refobjid AS relation, d.refobjsubid::pg_catalog.int4 AS place
      FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i')
      UNION
      SELECT d.refobjid, f.adrelid, f.adnum FROM pg_catalog.pg_attrdef f
      JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
        AND d.objid = f.oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    )
    SELECT s.seqrelid AS oid, s.seqrelid::pg_catalog.regclass::pg_catalog.text AS name,
      a.attname::pg_catalog.text AS column, s.seqincrement > 0 AS ascends, s.seqmin, s.seqmax,
      pg_catalog.has_sequence_privilege(s.seqrelid, 'USAGE, SELECT') AS may_look,
      pg_catalog.has_sequence_privilege(s.seqrelid, 'UPDATE') AS may_move
    FROM filled f JOIN pg_catalog.pg_sequence s ON s.seqrelid = f.sequence
    JOIN pg_catalog.pg_attribute a ON a.attrelid = f.relation AND a.attnum = f.place
    WHERE f.relation = $1::pg_catalog.text::pg_catalog.regclass AND NOT s.seqcycle AND NOT a.attisdropped
      AND a.atttypid IN ('pg_catalog.int2'::pg_catalog.regtype, 'pg_catalog.int4'::pg_catalog.regtype,
                         'pg_catalog.int8'::pg_catalog.regtype)
    ORDER BY 2, 3";

/// Moves the sequences from which columns of `table` are filled to where its rows are. Where the role may not, it
/// says who has to do what.
pub(crate) fn move_on(transaction: &mut Transaction<'_>, table: &QualifiedName, ui: &Ui) -> Result<()> {
    let rows = transaction
        .query(SEQUENCES, &[&table.to_string()])
        .map_err(|error| failed(format!("the sequences of {table} could not be listed"), error))?;
    rows.iter()
        .try_for_each(|row| move_one(transaction, table, row, ui))
}

fn move_one(transaction: &mut Transaction<'_>, table: &QualifiedName, row: &Row, ui: &Ui) -> Result<()> {
    let (name, column): (String, String) = (row.get("name"), row.get("column"));
    let (ascends, may_look): (bool, bool) = (row.get("ascends"), row.get("may_look"));
    let step = || format!("sequence {name} could not be compared with its column");
    let (end, farther) = if ascends {
        ("max", "GREATEST")
    } else {
        ("min", "LEAST")
    };
    let column = quote_ident(&column);
    let reached = transaction
        .query_one(
            &format!("SELECT pg_catalog.{end}({column})::pg_catalog.int8 FROM {table}"),
            &[],
        )
        .map_err(|error| failed(step(), error))?;
    let range = row.get::<_, i64>("seqmin")..=row.get::<_, i64>("seqmax");
    let Some(reached) = reached.get::<_, Option<i64>>(0).filter(|it| range.contains(it)) else {
        return Ok(());
    };
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
    if stands_at.is_some_and(|it| if ascends { it >= reached } else { it <= reached }) {
        return Ok(());
    }
    let literal = quote_literal(&name);
    if may_look && row.get("may_move") {
        // Others may have taken numbers since it was looked at.
        execute(
            transaction,
            &format!(
                "SELECT pg_catalog.setval(s.oid, {farther}({reached}, pg_catalog.pg_sequence_last_value(s.oid)))
                 FROM (SELECT {literal}::pg_catalog.regclass AS oid) s"
            ),
        )?;
        ui.status(format_args!(
            "sequence {name}, which belongs to an extension, goes on after {reached}, which {table} holds"
        ));
    } else {
        let stands = if may_look { "stands" } else { "may stand" };
        ui.warning(format_args!(
            "sequence {name} {stands} before {reached}, which {table} holds, and the role may not move it: \
             have its owner run SELECT setval({literal}, {reached})"
        ));
    }
    Ok(())
}
