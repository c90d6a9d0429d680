//! Rows of the user's in extensions' configuration tables. The tables are the target's own and live already: rows
//! that are there pass, rows that are not are added when everything else goes live, and rows that say something else
//! under the same key stop the load before.

use std::collections::HashMap;

use archive::Header;
use catalog::{QualifiedName, Table, TableKind, dependency_order, quote_ident};
use cli::{Exit, Failure, Result, Ui, count};
use database::postgres::find_configuration_table;
use postgres::Transaction;

use crate::extension_sequences;
use crate::journal::DATABASE_LOCK;
use crate::late_rows::LateRows;
use crate::statements::execute;
use crate::target::{Target, failed};

/// Keys that a message names, for each table.
const KEYS_SHOWN: usize = 5;

/// When the tables are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Extensions may still be missing: the load creates them.
    Before,
    /// Every extension is there.
    AfterExtensions,
}

/// Why rows of extensions' tables could not go in, as sentences.
pub(crate) fn trouble(target: &mut Target, header: &Header, when: When) -> Result<Vec<String>> {
    const INSTALLED: &str = "SELECT extname::pg_catalog.text FROM pg_catalog.pg_extension";
    const MAY_STAGE: &str =
        "SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY')";
    let step = "the extensions' configuration tables could not be examined";
    let mut findings = Vec::new();
    let tables: Vec<&Table> = tables(header).collect();
    if tables.is_empty() {
        return Ok(findings);
    }
    let may_stage = target
        .client()
        .query_one(MAY_STAGE, &[])
        .map_err(|error| failed(step, error))?;
    if !may_stage.get::<_, bool>(0) {
        findings.push(
            "the role lacks TEMPORARY on the database, which rows of extensions' tables need: GRANT it"
                .to_owned(),
        );
    }
    let installed = target
        .client()
        .query(INSTALLED, &[])
        .map_err(|error| failed(step, error))?;
    let installed: Vec<String> = installed.iter().map(|row| row.get(0)).collect();
    for table in tables {
        let extension = table.extension.clone().unwrap_or_default();
        if when == When::Before && !installed.contains(&extension) {
            continue;
        }
        let name = table.qualified_name();
        let offer = find_configuration_table(target.client(), table).map_err(Failure::target)?;
        let Some(offer) = offer else {
            findings.push(format!(
                "{name} is no configuration table of extension {extension} here: leave its rows out \
                 (`dump --no-extension-rows`)"
            ));
            continue;
        };
        if !offer.missing_privileges.is_empty() {
            let privileges = offer.missing_privileges.join(", ");
            findings.push(format!(
                "the role lacks {privileges} on {name}, of which the archive has rows: GRANT it, or leave them out \
                 (`dump --no-extension-rows`)"
            ));
        }
        if offer.has_row_security {
            findings.push(format!(
                "row level security of {name} hides rows from the role, which could not be compared: load as a role \
                 that it does not hold, or leave its rows out (`dump --no-extension-rows`)"
            ));
        }
        if !offer.missing_columns.is_empty() {
            let columns = offer.missing_columns.join(", ");
            findings.push(format!(
                "{name} has other columns than in the source; it lacks {columns}"
            ));
        }
    }
    Ok(findings)
}

fn tables(header: &Header) -> impl Iterator<Item = &Table> {
    let tables = header.catalog.tables.iter();
    tables.filter(|it| it.kind == TableKind::Configuration)
}

/// The tables for which the archive has rows, in an order in which they can go in.
pub(crate) struct ExtensionRows<'a> {
    header: &'a Header,
    tables: Vec<&'a Table>,
}

impl<'a> ExtensionRows<'a> {
    /// Looks at the tables again, now that every extension is there.
    pub(crate) fn new(target: &mut Target, header: &'a Header) -> Result<Self> {
        let findings = trouble(target, header, When::AfterExtensions)?;
        if !findings.is_empty() {
            let failure = Failure::new(Exit::Target, "rows of extensions' tables do not fit");
            return Err(findings.into_iter().fold(failure, Failure::with_state));
        }
        let tables = in_order(target, tables(header).collect())?;
        Ok(ExtensionRows { header, tables })
    }

    /// Refuses rows that the target has with other values. Nothing is written.
    pub(crate) fn compare(&self, target: &mut Target, kept: &LateRows, ui: &Ui) -> Result<()> {
        if self.tables.is_empty() {
            return Ok(());
        }
        let step = "rows of extensions' tables could not be compared";
        let mut transaction = target
            .client()
            .transaction()
            .map_err(|error| failed(step, error))?;
        self.stage(&mut transaction, kept)?;
        self.refuse_conflicts(&mut transaction, ui)?;
        transaction.rollback().map_err(|error| failed(step, error))
    }

    /// Adds the rows that the target does not have.
    pub(crate) fn add(&self, transaction: &mut Transaction<'_>, kept: &LateRows, ui: &Ui) -> Result<()> {
        if self.tables.is_empty() {
            return Ok(());
        }
        // Another load that adds the same rows comes before or after, never between looking and adding.
        execute(transaction, DATABASE_LOCK)?;
        self.stage(transaction, kept)?;
        for table in &self.tables {
            let name = table.qualified_name();
            let added = transaction
                .execute(&insert_sql(table), &[])
                .map_err(|error| failed(format!("rows of {name} could not be added"), error))?;
            if added > 0 {
                ui.status(format_args!(
                    "{name}, which belongs to an extension: rows added: {}",
                    count(added)
                ));
                extension_sequences::move_on(transaction, &name, ui)?;
            }
        }
        // Whoever else wrote since the first look: what is there now is what this transaction's rows are beside.
        self.refuse_conflicts(transaction, ui)
    }

    /// Brings the rows into temporary tables of the same columns.
    fn stage(&self, transaction: &mut Transaction<'_>, kept: &LateRows) -> Result<()> {
        for table in &self.tables {
            let (staging, name) = (staging(table), table.qualified_name());
            let columns = columns(table, "").join(", ");
            execute(
                transaction,
                &format!(
                    "CREATE TEMPORARY TABLE {staging} ON COMMIT DROP AS SELECT {columns} FROM {name} WITH NO DATA"
                ),
            )?;
        }
        kept.each(self.header, |chunk, _| {
            chunk.copy_into(transaction, &staging(chunk.table), &cli::Pace::default())
        })
        .map(drop)
    }

    /// Rows are data: the values of their keys are told on request only.
    fn refuse_conflicts(&self, transaction: &mut Transaction<'_>, ui: &Ui) -> Result<()> {
        let mut findings = Vec::new();
        for table in self.tables.iter().filter(|it| !it.primary_key.is_empty()) {
            let name = table.qualified_name();
            let row = transaction
                .query_one(&conflicts_sql(table), &[])
                .map_err(|error| failed(format!("rows of {name} could not be compared"), error))?;
            let (number, keys): (i64, Vec<String>) = (row.get(0), row.get(1));
            if number == 0 {
                continue;
            }
            let number = number.unsigned_abs();
            let (key, with) = (
                table.primary_key.join(", "),
                "with other values on the target under the same",
            );
            let values = if ui.is_verbose() {
                let more = if number > keys.len() as u64 { ", …" } else { "" };
                format!(": {}{more}", keys.join(", "))
            } else {
                String::new()
            };
            findings.push(format!("{name}: {} {with} {key}{values}", count(number)));
        }
        if findings.is_empty() {
            return Ok(());
        }
        let failure = Failure::new(
            Exit::Target,
            "rows of extensions' tables are there with other values",
        );
        let failure = findings.into_iter().fold(failure, Failure::with_state);
        let which = if ui.is_verbose() {
            ""
        } else {
            "; --verbose names some"
        };
        Err(failure.with_hint(format!(
            "make them equal on one side, or leave them out with `dump --no-extension-rows`{which}"
        )))
    }
}

/// A table to which another one's foreign key refers comes before it.
fn in_order<'a>(target: &mut Target, tables: Vec<&'a Table>) -> Result<Vec<&'a Table>> {
    const REFERENCES: &str = "
        SELECT fn.nspname, f.relname, tn.nspname, t.relname
        FROM pg_catalog.pg_constraint k
        JOIN pg_catalog.pg_class f ON f.oid = k.conrelid JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace
        JOIN pg_catalog.pg_class t ON t.oid = k.confrelid JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
        WHERE k.contype = 'f' AND k.conrelid <> k.confrelid";
    if tables.len() < 2 {
        return Ok(tables);
    }
    let step = "the foreign keys of extensions' tables could not be listed";
    let rows = target
        .client()
        .query(REFERENCES, &[])
        .map_err(|error| failed(step, error))?;
    let places: HashMap<QualifiedName, usize> =
        tables.iter().map(|it| it.qualified_name()).zip(0..).collect();
    let edge = |row: &postgres::Row| {
        let name =
            |schema: usize| QualifiedName::new(row.get::<_, &str>(schema), row.get::<_, &str>(schema + 1));
        Some((*places.get(&name(0))?, *places.get(&name(2))?))
    };
    let edges: Vec<(usize, usize)> = rows.iter().filter_map(edge).collect();
    // In a circle no order is right; the server says so when a row does not fit.
    Ok(match dependency_order(tables.len(), &edges) {
        Ok(order) => order.into_iter().map(|place| tables[place]).collect(),
        Err(_) => tables,
    })
}

fn staging(table: &Table) -> String {
    format!("pg_temp.coalesce_rows_{}", table.number)
}

/// The stored columns behind `prefix`.
fn columns(table: &Table, prefix: &str) -> Vec<String> {
    let names = table.stored_columns().map(|it| quote_ident(&it.name));
    names.map(|name| format!("{prefix}{name}")).collect()
}

/// Values are compared by their text, which every type has; not every type has an operator `=`.
fn text(name: &str) -> String {
    format!("{name}::pg_catalog.text")
}

/// Whether the rows have the same key, in a form for which the server hashes instead of comparing each with each.
/// A primary key has no NULL.
fn same_key(table: &Table) -> String {
    let equal = |name: &String| {
        let name = quote_ident(name);
        format!("{} = {}", text(&format!("t.{name}")), text(&format!("s.{name}")))
    };
    let all: Vec<String> = table.primary_key.iter().map(equal).collect();
    all.join(" AND ")
}

/// A row as one text, which tells NULL from an empty one.
fn whole_row(table: &Table, prefix: &str) -> String {
    let texts: Vec<String> = columns(table, prefix).iter().map(|it| text(it)).collect();
    format!("ROW({})::pg_catalog.text", texts.join(", "))
}

/// How many there are, and the keys of the first.
fn conflicts_sql(table: &Table) -> String {
    let (name, staging, same_key) = (table.qualified_name(), staging(table), same_key(table));
    let key: Vec<String> = table
        .primary_key
        .iter()
        .map(|it| format!("s.{}", quote_ident(it)))
        .collect();
    let (here, there) = (whole_row(table, "s."), whole_row(table, "t."));
    format!(
        "WITH conflicts AS (
           SELECT '(' || pg_catalog.concat_ws(', ', {}) || ')' AS key FROM {staging} s JOIN {name} t ON {same_key}
           WHERE {here} <> {there})
         SELECT (SELECT pg_catalog.count(*) FROM conflicts),
                ARRAY(SELECT key FROM conflicts ORDER BY key LIMIT {KEYS_SHOWN})",
        key.join(", ")
    )
}

fn insert_sql(table: &Table) -> String {
    let (name, staging) = (table.qualified_name(), staging(table));
    let list = columns(table, "").join(", ");
    let wanted = columns(table, "s.").join(", ");
    if !table.primary_key.is_empty() {
        let same_key = same_key(table);
        return format!(
            "INSERT INTO {name} ({list}) OVERRIDING SYSTEM VALUE
             SELECT {wanted} FROM {staging} s WHERE NOT EXISTS (SELECT FROM {name} t WHERE {same_key})"
        );
    }
    // Without a key a row that stands there as often as here is there.
    let (row, there) = (whole_row(table, ""), whole_row(table, "t."));
    format!(
        "INSERT INTO {name} ({list}) OVERRIDING SYSTEM VALUE
         SELECT {wanted} FROM (
           SELECT *, {row} AS \"coalesce row\",
             pg_catalog.row_number() OVER (PARTITION BY {row}) AS \"coalesce number\" FROM {staging}) s
         LEFT JOIN (
           SELECT {there} AS \"coalesce row\", pg_catalog.count(*) AS \"coalesce count\" FROM {name} t GROUP BY 1) t
         ON t.\"coalesce row\" = s.\"coalesce row\"
         WHERE s.\"coalesce number\" > COALESCE(t.\"coalesce count\", 0)"
    )
}
