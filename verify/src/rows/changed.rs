//! Columns that were added, or got another type, on the way: the values that they must have.
//!
//! A source that is a PostgreSQL database calculates them of its own rows; for an archive the target does of its other
//! columns, which are proved by then.

use catalog::{Catalog, Column, ColumnChanges, Table, called, mentions, quote_ident, quote_literal, words};
use cli::{Failure, Result};
use database::postgres::Extent;
use fingerprint::{Fingerprint, Form};
use plan::Mapping;
use rewrite::{Known, Rewriter};

use crate::args::Args;
use crate::rows::shared::Shared;
use crate::sides::with_table::is_refusal;
use crate::sides::{Live, Source};

/// Words and functions whose values are others with each moment, session or role, though PostgreSQL does not call all of
/// them volatile.
const OF_THE_MOMENT: [&str; 16] = [
    "now",
    "current_date",
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
    "statement_timestamp",
    "transaction_timestamp",
    "current_user",
    "current_role",
    "session_user",
    "user",
    "current_database",
    "current_catalog",
    "current_schema",
    "current_setting",
];

/// Puts what the plan says of columns into the catalog of a source that has its own names still.
pub(crate) fn plan_changes(source: &mut Source, args: &Args) -> Result<()> {
    let Some(planned) = args
        .mapping
        .planned()?
        .filter(plan::PlannedSource::changes_columns)
    else {
        return Ok(());
    };
    let failure = match source {
        Source::Sqlite(_) => Failure::usage("the plan drops, adds or retypes columns of a SQLite file")
            .with_hint("`types` of the source says what its columns become"),
        Source::Archive(it) if it.header.changes_columns() => {
            Failure::usage("the archive says already what becomes of its columns")
                .with_hint("leave --plan out, or give the archive that `dump` wrote")
        }
        _ => match planned.change_columns(source.catalog_mut()) {
            Ok(()) => return Ok(()),
            Err(obstacles) => {
                let failure = Failure::usage("what the plan makes of columns cannot be compared");
                obstacles.into_iter().fold(failure, Failure::with_state)
            }
        },
    };
    Err(failure)
}

/// The source's catalog under the names of the target, expressions in it too.
pub(crate) fn renamed(reshaped: &Catalog, mapping: &Mapping) -> Result<Catalog> {
    let mut renamed = reshaped.clone();
    renamed.rename(mapping);
    let mut changed = renamed
        .tables
        .iter_mut()
        .filter_map(|it| it.changes.as_mut())
        .peekable();
    if changed.peek().is_none() {
        drop(changed);
        return Ok(renamed);
    }
    let rewriter = Rewriter::new(mapping.clone(), Known::from_catalog(reshaped)).map_err(Failure::usage)?;
    for changes in changed {
        let values = changes.added.iter_mut().map(|it| &mut it.value);
        let uses = changes.retyped.iter_mut().filter_map(|it| it.using.as_mut());
        values
            .chain(uses)
            .for_each(|sql| *sql = rewriter.rewrite_expression(sql));
    }
    Ok(renamed)
}

/// A table whose other columns are the same on both sides.
pub(crate) struct Changed<'a> {
    pub(crate) source: &'a Source,
    pub(crate) target: &'a Live,
    pub(crate) shared: &'a Shared,
    /// The target's table.
    pub(crate) other: &'a Table,
    /// Which rows of each side.
    pub(crate) extents: (&'a Extent, &'a Extent),
}

/// A column on the target, and what it must be.
struct Expected {
    /// The target's name.
    name: String,
    /// In the source's names, and in those of the target.
    here: String,
    there: String,
    target: String,
    is_retyped: bool,
}

impl Changed<'_> {
    /// The target's names of the columns whose values differ, and which were not compared, as sentences.
    pub(crate) fn differing(&self) -> Result<(Vec<String>, Vec<String>)> {
        let (mut differing, mut left_out) = (Vec::new(), Vec::new());
        for column in self.expected() {
            let same = match self.obstacle(&column)? {
                Some(reason) => Err(reason),
                None => self.is_same(&column)?,
            };
            match same {
                Ok(true) => {}
                Ok(false) => differing.push(column.name),
                Err(reason) => left_out.push(format!(
                    "column {} of {}: {reason}",
                    quote_ident(&column.name),
                    self.shared.renamed.qualified_name()
                )),
            }
        }
        Ok((differing, left_out))
    }

    /// The columns to be looked at; those that the target lacks are told elsewhere.
    fn expected(&self) -> Vec<Expected> {
        let none = ColumnChanges::default();
        let here = self.shared.table.changes.as_ref().unwrap_or(&none);
        let there = self.shared.renamed.changes.as_ref().unwrap_or(&none);
        let added = here.added.iter().zip(&there.added).map(|(here, there)| Expected {
            name: there.name.clone(),
            here: here.value.clone(),
            there: there.value.clone(),
            target: there.target.clone(),
            is_retyped: false,
        });
        let value = |it: &catalog::RetypedColumn| it.using.clone().unwrap_or_else(|| quote_ident(&it.column));
        let retyped = here.retyped.iter().zip(&there.retyped);
        let retyped = retyped.filter(|(it, _)| self.shared.is_calculated(&it.column));
        let retyped = retyped.map(|(here, there)| Expected {
            name: self.target_name(&there.column),
            here: value(here),
            there: value(there),
            target: there.target.clone(),
            is_retyped: true,
        });
        let is_there = |it: &Expected| self.other.columns.iter().any(|column| column.name == it.name);
        added.chain(retyped).filter(is_there).collect()
    }

    fn target_name(&self, column: &str) -> String {
        let found = self.shared.renamed.columns.iter().find(|it| it.name == column);
        found.map_or(column, Column::target_name).to_owned()
    }

    /// Why the value cannot be calculated again.
    fn obstacle(&self, column: &Expected) -> Result<Option<String>> {
        let moment = words(&column.there).into_iter().map(|it| it.name);
        if let Some(word) = moment.into_iter().find(|it| OF_THE_MOMENT.contains(&it.as_str())) {
            return Ok(Some(format!("`{word}` is another value with each look")));
        }
        let called: Vec<String> = called(&column.there).iter().map(|it| quote_literal(it)).collect();
        if !called.is_empty() {
            let sql = format!(
                "SELECT pg_catalog.count(*) FROM pg_catalog.pg_proc WHERE provolatile = 'v' AND proname IN ({})",
                called.join(", ")
            );
            if self.target.number(self.other, &sql, Failure::target)? > 0 {
                return Ok(Some(
                    "what it calls gives another value with each look".to_owned(),
                ));
            }
        }
        if matches!(self.source, Source::Postgres(_)) {
            return Ok(None);
        }
        if column.is_retyped {
            let reason = "its values come of an expression over the source's columns, which an archive cannot calculate";
            return Ok(Some(reason.to_owned()));
        }
        let renamed = &self.shared.renamed;
        let is_other = |it: &&Column| {
            let changes = renamed.changes.as_ref();
            let is_changed =
                changes.is_some_and(|all| all.drops(&it.name) || all.retypes(&it.name).is_some());
            (is_changed || it.new_name.is_some()) && mentions(&column.there, &it.name)
        };
        let other = renamed.columns.iter().find(is_other);
        Ok(other.map(|it| {
            format!(
                "its values come of {}, which is another one on the target, and an archive cannot calculate",
                quote_ident(&it.name)
            )
        }))
    }

    fn is_same(&self, column: &Expected) -> Result<std::result::Result<bool, String>> {
        let same = match self.source {
            Source::Postgres(live) => self.is_as_source_says(live, column),
            _ => self.is_as_target_says(column),
        };
        match same {
            Err(failure) if is_refusal(&failure) => {
                let state = failure
                    .server_error()
                    .map_or("", |it| it.code().code())
                    .to_owned();
                Ok(Err(format!(
                    "a server cannot calculate it without a search_path (SQLSTATE {state})"
                )))
            }
            same => same.map(Ok),
        }
    }

    /// The same rows with this column, as the source calculates it and as the target has it.
    fn is_as_source_says(&self, source: &Live, column: &Expected) -> Result<bool> {
        let (table, renamed) = (&self.shared.table, &self.shared.renamed);
        let is_key = |it: &Column| table.primary_key.is_empty() || table.primary_key.contains(&it.name);
        let pairs = table.columns.iter().zip(&renamed.columns);
        let read =
            pairs.filter(|(own, new)| own.generated.is_none() && !self.shared.retypes(new) && is_key(own));
        let (mut own, mut new): (Vec<Column>, Vec<Column>) =
            read.map(|(a, b)| (a.clone(), b.clone())).unzip();
        let mut here: Vec<String> = own.iter().map(|it| quote_ident(&it.name)).collect();
        let mut there: Vec<String> = new.iter().map(|it| quote_ident(it.target_name())).collect();
        here.push(format!("CAST(({}) AS {})", column.here, column.target));
        there.push(quote_ident(&column.name));
        let found = self.other.columns.iter().find(|it| it.name == column.name);
        own.extend(found.cloned());
        new.extend(found.cloned());
        let read = |side: &Live, table: &Table, names: &[String], extent, failure| -> Result<Fingerprint> {
            side.fingerprint_as(table, names, Form::Text, extent, failure)
        };
        let table = Table {
            columns: own,
            ..table.clone()
        };
        let expected = read(source, &table, &here, self.extents.0, Failure::source)?;
        let other = Table {
            columns: new,
            through_root: table.through_root,
            ..self.other.clone()
        };
        Ok(expected == read(self.target, &other, &there, self.extents.1, Failure::target)?)
    }

    /// Whether the target's rows have what it calculates of their other columns.
    fn is_as_target_says(&self, column: &Expected) -> Result<bool> {
        let sql = format!(
            "SELECT pg_catalog.count(*) FROM ONLY {} WHERE ROW({})::pg_catalog.text IS DISTINCT FROM \
             ROW(CAST(({}) AS {}))::pg_catalog.text",
            self.other.qualified_name(),
            quote_ident(&column.name),
            column.there,
            column.target
        );
        Ok(self.target.number(self.other, &sql, Failure::target)? == 0)
    }
}
