//! Rows of the user's in extensions' configuration tables. The tables are the target's own and live already: rows
//! that are there pass, rows that are not are added when everything else goes live, and rows that say something else
//! under the same key stop the load before.

use std::collections::HashMap;

use archive::Header;
use catalog::{QualifiedName, Table, TableKind, dependency_order, quote_ident};
use cli::{Exit, Failure, Result, Ui, count};
use database::postgres::find_configuration_table;
use postgres::Transaction;

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
    pub(crate) fn compare(&self, target: &mut Target, kept: &LateRows) -> Result<()> {
        if self.tables.is_empty() {
            return Ok(());
        }
        let step = "rows of extensions' tables could not be compared";
        let mut transaction = target
            .client()
            .transaction()
            .map_err(|error| failed(step, error))?;
        self.stage(&mut transaction, kept)?;
        self.refuse_conflicts(&mut transaction)?;
        transaction.rollback().map_err(|error| failed(step, error))
    }

    /// Adds the rows that the target does not have.
    pub(crate) fn add(&self, transaction: &mut Transaction<'_>, kept: &LateRows, ui: &Ui) -> Result<()> {
        self.stage(transaction, kept)?;
        // Others may have written since the first look.
        self.refuse_conflicts(transaction)?;
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
            }
        }
        Ok(())
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
            chunk.copy_into(transaction, &staging(chunk.table))
        })
        .map(drop)
    }

    fn refuse_conflicts(&self, transaction: &mut Transaction<'_>) -> Result<()> {
        let mut findings = Vec::new();
        for table in self.tables.iter().filter(|it| !it.primary_key.is_empty()) {
            let name = table.qualified_name();
            let rows = transaction
                .query(&conflicts_sql(table), &[])
                .map_err(|error| failed(format!("rows of {name} could not be compared"), error))?;
            if rows.is_empty() {
                continue;
            }
            let keys: Vec<String> = rows.iter().take(KEYS_SHOWN).map(|row| row.get(0)).collect();
            let more = if rows.len() > KEYS_SHOWN { ", …" } else { "" };
            findings.push(format!(
                "{name}: {} with other values on the target: {}{more}",
                count(rows.len() as u64),
                keys.join(", ")
            ));
        }
        if findings.is_empty() {
            return Ok(());
        }
        let failure = Failure::new(
            Exit::Target,
            "rows of extensions' tables are there with other values",
        );
        let failure = findings.into_iter().fold(failure, Failure::with_state);
        Err(failure
            .with_hint("make them equal on one side, or leave them out with `dump --no-extension-rows`"))
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
fn equal(columns: impl IntoIterator<Item = String>) -> String {
    let equal =
        |name: String| format!("t.{name}::pg_catalog.text IS NOT DISTINCT FROM s.{name}::pg_catalog.text");
    let all: Vec<String> = columns.into_iter().map(equal).collect();
    if all.is_empty() {
        "true".to_owned()
    } else {
        all.join(" AND ")
    }
}

fn equal_keys(table: &Table) -> String {
    equal(table.primary_key.iter().map(|it| quote_ident(it)))
}

fn conflicts_sql(table: &Table) -> String {
    let (name, staging) = (table.qualified_name(), staging(table));
    let key: Vec<String> = table
        .primary_key
        .iter()
        .map(|it| format!("s.{}", quote_ident(it)))
        .collect();
    let (same_key, same) = (equal_keys(table), equal(columns(table, "")));
    format!(
        "SELECT '(' || pg_catalog.concat_ws(', ', {}) || ')' FROM {staging} s JOIN {name} t ON {same_key}
         WHERE NOT ({same}) ORDER BY 1",
        key.join(", ")
    )
}

/// Without a key a row that stands there as often as here is there.
fn insert_sql(table: &Table) -> String {
    let (name, staging) = (table.qualified_name(), staging(table));
    let list = columns(table, "").join(", ");
    let wanted = columns(table, "s.").join(", ");
    let absent = if table.primary_key.is_empty() {
        let texts: Vec<String> = columns(table, "")
            .iter()
            .map(|it| format!("{it}::pg_catalog.text"))
            .collect();
        let same = equal(columns(table, ""));
        return format!(
            "INSERT INTO {name} ({list}) OVERRIDING SYSTEM VALUE
             SELECT {wanted} FROM (
               SELECT {list}, pg_catalog.row_number() OVER (PARTITION BY {}) AS \"coalesce number\" FROM {staging}) s
             WHERE s.\"coalesce number\" > (SELECT pg_catalog.count(*) FROM {name} t WHERE {same})",
            texts.join(", ")
        );
    } else {
        equal_keys(table)
    };
    format!(
        "INSERT INTO {name} ({list}) OVERRIDING SYSTEM VALUE
         SELECT {wanted} FROM {staging} s WHERE NOT EXISTS (SELECT FROM {name} t WHERE {absent})"
    )
}
