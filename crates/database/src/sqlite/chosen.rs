//! The types that somebody has chosen, found among the file's columns before anything is read.

use super::choices::{Choices, TypeChoice};
use super::schema::{Column, Schema, Table};
use super::target_type::TargetType;
use crate::{Error, ErrorKind, Result};

/// How like a name another one must be to be offered instead (Jaro-Winkler, 1 for the same).
const NEAR: f64 = 0.75;
/// How many are offered.
const NEAR_MAX: usize = 3;

/// For each table, for each column, the chosen type.
#[derive(Debug)]
pub(super) struct Chosen(Vec<Vec<Option<TargetType>>>);

impl Chosen {
    /// Fails with [`ErrorKind::Selection`] where the file has no such table or column, or a column has two types.
    pub(super) fn find(schema: &Schema, choices: &Choices) -> Result<Chosen> {
        let none = |table: &Table| vec![None; table.columns.len()];
        let mut chosen: Vec<Vec<Option<TargetType>>> = schema.tables.iter().map(none).collect();
        for choice in &choices.types {
            let (table, column) = place_of(schema, choice)?;
            if chosen[table][column].replace(choice.target).is_some() {
                let message = format!("{}.{} is given a type twice", choice.table, choice.column);
                return Err(Error::new(ErrorKind::Selection, message)
                    .with_hint("SQLite's names are the same in capital and small letters"));
            }
        }
        Ok(Chosen(chosen))
    }

    pub(super) fn of_table(&self, at: usize) -> &[Option<TargetType>] {
        &self.0[at]
    }
}

/// The types that a chosen one stands for, the first that holds every value is taken: `text` takes numbers as SQLite
/// writes them, `bytea` the bytes of texts, `numeric` texts that are numbers.
pub(super) fn candidates(target: TargetType) -> Vec<TargetType> {
    match target {
        TargetType::Text => vec![TargetType::Text, TargetType::MixedText],
        TargetType::Bytea => vec![TargetType::Bytea, TargetType::MixedBytea],
        TargetType::Numeric(bounds) => vec![TargetType::Numeric(bounds), TargetType::MixedNumeric(bounds)],
        other => vec![other],
    }
}

fn place_of(schema: &Schema, choice: &TypeChoice) -> Result<(usize, usize)> {
    let TypeChoice { table, column, .. } = choice;
    let tables = || schema.tables.iter().map(|it| it.name.as_str());
    let Some(at) = tables().position(|it| it.eq_ignore_ascii_case(table)) else {
        let what = if has_other(schema, table) {
            format!("{table} is no table whose rows are moved")
        } else {
            format!("the file has no table {table}")
        };
        return Err(not_found(&what, &near(table, tables())));
    };
    let found = &schema.tables[at];
    let columns = || found.columns.iter().map(|it: &Column| it.name.as_str());
    let place = columns().position(|it| it.eq_ignore_ascii_case(column));
    let what = || format!("table {} has no column {column}", found.name);
    Ok((
        at,
        place.ok_or_else(|| not_found(&what(), &near(column, columns())))?,
    ))
}

fn has_other(schema: &Schema, name: &str) -> bool {
    let virtual_tables = schema.virtual_tables.iter().map(|it| &it.name);
    schema
        .views
        .iter()
        .chain(virtual_tables)
        .any(|it| it.eq_ignore_ascii_case(name))
}

fn not_found(what: &str, near: &[&str]) -> Error {
    let error = Error::new(ErrorKind::Selection, format!("{what}, which is given a type"));
    match near {
        [] => error.with_hint("`assess FILE --format json` lists all tables and columns"),
        near => error.with_hint(format!("near it is {}", near.join(", "))),
    }
}

/// The names that are most like `name`, the nearest first.
fn near<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let lower = name.to_lowercase();
    let mut rated: Vec<(f64, &str)> = names
        .map(|it| (strsim::jaro_winkler(&lower, &it.to_lowercase()), it))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .collect();
    rated.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
    rated.into_iter().map(|(_, it)| it).take(NEAR_MAX).collect()
}
