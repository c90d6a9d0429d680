//! Sequences, materialized views and the planner's statistics.

use std::collections::{HashMap, HashSet};

use archive::{End, Header};
use catalog::{Column, QualifiedName, Sequence, Table, TableKind, quote_ident, quote_literal};
use cli::{Result, Ui};
use database::endpoint::unrestrict_views;

use postgres::Transaction;

use crate::beside::{OfTable, run_beside, tasks};
use crate::checks::locks;
use crate::indexes::AFTER_ROWS;
use crate::journal::{self, Run};
use crate::promised::keep;
use crate::roles::search_path;
use crate::statements::execute;
use crate::steps::Steps;
use crate::target::{Target, failed};

/// `end` tells what has rows: a table without any is left to the server, which plans for one that was never looked
/// at as for one that will grow.
pub(crate) fn settle(
    target: &mut Target,
    steps: Steps<'_>,
    header: &Header,
    end: &End,
    ui: &Ui,
) -> Result<()> {
    set_sequences(target, steps.run, header, ui)?;
    refresh(target, steps, header, ui)?;
    let families = Families::new(&header.catalog.tables);
    let has_rows = |table: &Table| {
        let of_one = |number: u32| end.table(number).map_or(0, |it| it.fingerprint.rows);
        let rows = |it: &Table| match &it.merged {
            Some(merged) => merged.parts.iter().map(|part| of_one(*part)).sum(),
            None => of_one(it.number),
        };
        families.members(table).into_iter().any(|it| rows(it) > 0)
    };
    let analyses = analyzed(&header.catalog.tables)
        .filter(|table| has_rows(table))
        .map(|table| OfTable {
            statements: vec![format!("ANALYZE {}", table.qualified_name())],
            bytes: families.members(table).iter().map(|it| it.bytes).sum(),
        });
    let views = header.catalog.materialized_views.iter();
    let of_views = views.filter(|view| view.populated).map(|view| OfTable {
        statements: vec![format!(
            "ANALYZE {}",
            QualifiedName::new(&view.schema, &view.name)
        )],
        bytes: view.bytes.unwrap_or_default(),
    });
    run_beside(target, steps, "tables analyzed", tasks(analyses.chain(of_views)))
}

/// Tables that are analyzed by themselves; those below come with them. What has a foreign table below is left out:
/// ANALYZE would read that one, too.
fn analyzed(tables: &[Table]) -> impl Iterator<Item = &Table> {
    let by_name: HashMap<QualifiedName, &Table> = tables.iter().map(|it| (it.qualified_name(), it)).collect();
    let parents = |table: &Table| -> Vec<QualifiedName> {
        let names = table.partition_of.iter().chain(&table.inherits);
        names.cloned().collect()
    };
    let mut above: Vec<QualifiedName> = tables
        .iter()
        .filter(|it| it.kind == TableKind::Foreign)
        .flat_map(parents)
        .collect();
    let mut with_foreign: HashSet<QualifiedName> = HashSet::new();
    while let Some(name) = above.pop() {
        above.extend(by_name.get(&name).into_iter().flat_map(|it| parents(it)));
        with_foreign.insert(name);
    }
    tables.iter().filter(move |table| {
        let is_covered = table
            .partition_of
            .as_ref()
            .is_some_and(|it| !with_foreign.contains(it));
        !is_covered
            && table.is_own()
            && table.kind != TableKind::Foreign
            && !with_foreign.contains(&table.qualified_name())
    })
}

/// Gives every sequence the source's position. One that stands behind its column, which would give a number
/// twice, is moved on, and that is said.
fn set_sequences(target: &mut Target, run: &Run, header: &Header, ui: &Ui) -> Result<()> {
    /// Sequences in one transaction: each takes locks, of which a server has a limited number.
    const BATCH: usize = 500;
    let step = "the sequences could not be set";
    let families = Families::new(&header.catalog.tables);
    target.revive(run)?;
    for batch in header
        .catalog
        .sequences
        .chunks(locks::batch(target.client(), BATCH)?)
    {
        let mut transaction = target
            .client()
            .transaction()
            .map_err(|error| failed(step, error))?;
        journal::hold(&mut transaction, run)?;
        // No step of the journal's: a crash shall not take it back.
        keep(&mut transaction)?;
        for sequence in batch {
            set_sequence(&mut transaction, &families, sequence, ui)?;
        }
        transaction.commit().map_err(|error| failed(step, error))?;
    }
    Ok(())
}

fn set_sequence(
    transaction: &mut Transaction<'_>,
    families: &Families<'_>,
    sequence: &Sequence,
    ui: &Ui,
) -> Result<()> {
    let name = QualifiedName::new(&sequence.schema, &sequence.name).to_string();
    let mut position = (sequence.last_value, sequence.is_called);
    if let Some(beyond) = find_beyond(transaction, families, sequence, &name)? {
        let (value, fits) = beyond;
        let place = format!(
            "sequence {name} stands at {}, its column holds {value}",
            sequence.last_value
        );
        if fits {
            ui.status(format_args!("{place}: it goes on from there"));
            position = (value, true);
        } else {
            ui.status(format_args!(
                "{place}, which it cannot reach: left as in the source"
            ));
        }
    }
    let (value, called) = position;
    let name = quote_literal(&name);
    execute(
        transaction,
        &format!("SELECT pg_catalog.setval({name}::pg_catalog.regclass, {value}, {called})"),
    )
}

/// Tables by name, and those right below each, as heirs or as partitions.
struct Families<'a> {
    by_name: HashMap<QualifiedName, &'a Table>,
    below: HashMap<QualifiedName, Vec<&'a Table>>,
}

impl<'a> Families<'a> {
    fn new(tables: &'a [Table]) -> Self {
        let mut below: HashMap<QualifiedName, Vec<&Table>> = HashMap::new();
        for table in tables {
            for parent in table.partition_of.iter().chain(&table.inherits) {
                below.entry(parent.clone()).or_default().push(table);
            }
        }
        // A part has no table of its own on the target.
        let own = tables.iter().filter(|it| it.kind != TableKind::Part);
        let by_name = own.map(|it| (it.qualified_name(), it)).collect();
        Families { by_name, below }
    }

    /// `table` and all that is below it.
    fn members(&self, table: &'a Table) -> Vec<&'a Table> {
        let (mut members, mut seen) = (vec![table], HashSet::from([table.number]));
        let mut place = 0;
        while let Some(parent) = members.get(place).map(|it| it.qualified_name()) {
            let children = self.below.get(&parent).into_iter().flatten();
            members.extend(children.filter(|it| seen.insert(it.number)));
            place += 1;
        }
        members
    }

    /// What a query names to read `column` in the rows of `table` and below it that are here: rows of a foreign
    /// table are another server's, which may not answer, or not let this role read.
    fn rows_here(&self, table: &'a Table, column: &str) -> String {
        let members = self.members(table);
        if members.iter().all(|it| it.kind != TableKind::Foreign) {
            return table.qualified_name().to_string();
        }
        let here = members
            .iter()
            .filter(|it| !matches!(it.kind, TableKind::Foreign | TableKind::Partitioned));
        let selects: Vec<String> = here
            .map(|it| format!("SELECT {column} FROM ONLY {}", it.qualified_name()))
            .collect();
        if selects.is_empty() {
            format!("ONLY {}", table.qualified_name())
        } else {
            format!("({}) AS t", selects.join(" UNION ALL "))
        }
    }
}

/// The farthest value in the sequence's column, if the sequence would give it or one before it again, and whether
/// the sequence can stand there. Only whole numbers can come from a sequence as they are.
fn find_beyond(
    transaction: &mut Transaction<'_>,
    families: &Families<'_>,
    sequence: &Sequence,
    name: &str,
) -> Result<Option<(i64, bool)>> {
    const INTEGERS: [&str; 3] = ["int2", "int4", "int8"];
    const WHOLE_NUMBERS: [&str; 3] = ["smallint", "integer", "bigint"];
    let Some(owner) = &sequence.owned_by else {
        return Ok(None);
    };
    let Some(table) = families.by_name.get(&owner.table) else {
        return Ok(None);
    };
    let column = table.columns.iter().find(|it| it.name == owner.column);
    let retyped = table.changes.as_ref().and_then(|it| it.retypes(&owner.column));
    if retyped.is_some_and(|it| !WHOLE_NUMBERS.contains(&it.target.as_str())) {
        return Ok(None);
    }
    let is_integer = |column: &&Column| INTEGERS.contains(&column.column_type.name.as_str());
    let Some(column) = column.filter(is_integer) else {
        return Ok(None);
    };
    let (end, column) = (
        if sequence.increment > 0 { "max" } else { "min" },
        quote_ident(column.target_name()),
    );
    let sql = format!(
        // The table stands alone in its FROM: it may have any name.
        "SELECT it.value, s.seqmin, s.seqmax, s.seqcycle
         FROM (SELECT pg_catalog.{end}({column})::pg_catalog.int8 AS value FROM {}) it
         CROSS JOIN pg_catalog.pg_sequence s WHERE s.seqrelid = {}::pg_catalog.regclass",
        families.rows_here(table, &column),
        quote_literal(name)
    );
    let row = transaction.query_opt(&sql, &[]).map_err(|error| {
        failed(
            format!("sequence {name} could not be compared with its column"),
            error,
        )
    })?;
    let Some(row) = row else { return Ok(None) };
    let (least, greatest, cycles): (i64, i64, bool) = (row.get(1), row.get(2), row.get(3));
    let beyond = row
        .get::<_, Option<i64>>(0)
        .filter(|&value| !cycles && is_beyond(value, sequence));
    Ok(beyond.map(|value| (value, (least..=greatest).contains(&value))))
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
fn refresh(target: &mut Target, steps: Steps<'_>, header: &Header, ui: &Ui) -> Result<()> {
    let populated: Vec<_> = header
        .catalog
        .materialized_views
        .iter()
        .filter(|view| view.populated)
        .collect();
    if populated.is_empty() {
        return Ok(());
    }
    ui.status(format_args!(
        "materialized views filled anew: {}",
        populated.len()
    ));
    // What their functions name without a schema is found where the source's session would have found it.
    let mut path = search_path(steps.run, header);
    let others = steps.run.schemas.iter().map(|it| quote_ident(it));
    path.extend(others.chain(["pg_temp".to_owned()]));
    let mut sessions = target.sessions(1)?;
    let Some(session) = sessions.first_mut() else {
        return Ok(());
    };
    let search_path = format!("SET LOCAL search_path = {}", path.join(", "));
    let phase = target.show_phase(steps.run, "materialized views", populated.len());
    for view in populated {
        let name = QualifiedName::new(&view.schema, &view.name);
        let sql = format!("REFRESH MATERIALIZED VIEW {name}");
        steps.once(session, AFTER_ROWS, &[&sql], |transaction, _| {
            unrestrict_views(transaction).map_err(cli::Failure::target)?;
            execute(transaction, &search_path)?;
            execute(transaction, &sql)
        })?;
        phase.step();
    }
    Ok(())
}
