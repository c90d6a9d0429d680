//! Generated columns between two PostgreSQL databases: read by queries, each by itself where they differ.

use catalog::{Column, Table, quote_ident};
use cli::{Failure, Result};
use database::postgres::Extent;
use fingerprint::{Fingerprint, Form};

use crate::rows::generated::Generated;
use crate::rows::shared::Shared;
use crate::sides::Live;
use crate::sides::with_table::is_refusal;

/// A table whose stored columns are the same on both sides.
pub(crate) struct Calculated<'a> {
    pub(crate) source: &'a Live,
    pub(crate) target: &'a Live,
    pub(crate) shared: &'a Shared,
    /// The target's table.
    pub(crate) other: &'a Table,
    /// Which rows of each side.
    pub(crate) extents: (&'a Extent, &'a Extent),
}

impl Calculated<'_> {
    /// The target's names of the columns whose values differ. What a server cannot read is left out of `generated`.
    pub(crate) fn differing(&self, generated: &mut Generated) -> Result<Vec<String>> {
        let places = generated.places().to_vec();
        if self.are_same(&places).is_ok_and(|it| it) {
            return Ok(Vec::new());
        }
        let mut differing = Vec::new();
        for place in places {
            match self.are_same(&[place]) {
                Ok(true) => {}
                Ok(false) => differing.extend(self.name(place)),
                Err(Refused::Because(reason)) => {
                    generated.leave_out(place, self.name(place).unwrap_or_default(), reason);
                }
                Err(Refused::Failed(failure)) => return Err(*failure),
            }
        }
        Ok(differing)
    }

    fn name(&self, place: usize) -> Option<String> {
        let column = self.shared.renamed.columns.get(place)?;
        Some(column.target_name().to_owned())
    }

    /// Whether these columns have the same values in the same rows.
    fn are_same(&self, places: &[usize]) -> std::result::Result<bool, Refused> {
        let (here, there) = (&self.shared.table, &self.shared.renamed);
        // The stored columns are the same, so a key tells which row a value is in.
        let is_key = |column: &Column| here.primary_key.is_empty() || here.primary_key.contains(&column.name);
        let is_read = |(place, column): &(usize, &Column)| {
            places.contains(place) || column.generated.is_none() && is_key(column)
        };
        let chosen: Vec<usize> = here
            .columns
            .iter()
            .enumerate()
            .filter(is_read)
            .map(|it| it.0)
            .collect();
        let (here, there) = (shown(here, &chosen), shown(there, &chosen));
        let types = |name: &str| self.other.columns.iter().find(|it| it.name == name);
        let is_same_type = |column: &Column| {
            types(column.target_name()).is_some_and(|it| it.column_type.text == column.column_type.text)
        };
        let in_bytes = there.columns.iter().all(|it| it.binary_safe && is_same_type(it));
        let form = if in_bytes { Form::Binary } else { Form::Text };
        let columns_of = |table: &Table, name: fn(&Column) -> &str| -> Vec<String> {
            table.columns.iter().map(|it| quote_ident(name(it))).collect()
        };
        let other = Table {
            columns: there.columns.clone(),
            through_root: here.through_root,
            ..self.other.clone()
        };
        let read = |side: &Live, table: &Table, names: &[String], extent, failure, word| {
            let read = side.fingerprint_as(table, names, form, extent, failure);
            read.map_err(|failure| Refused::of(failure, word))
        };
        let names = columns_of(&here, |it| &it.name);
        let expected: Fingerprint = read(
            self.source,
            &here,
            &names,
            self.extents.0,
            Failure::source,
            "source",
        )?;
        let names = columns_of(&there, Column::target_name);
        let found = read(
            self.target,
            &other,
            &names,
            self.extents.1,
            Failure::target,
            "target",
        )?;
        Ok(expected == found)
    }
}

/// The table with these columns alone, as if they were ordinary ones.
fn shown(table: &Table, places: &[usize]) -> Table {
    let columns = places.iter().filter_map(|&place| table.columns.get(place));
    let ordinary = |column: &Column| Column {
        generated: None,
        ..column.clone()
    };
    Table {
        columns: columns.map(ordinary).collect(),
        ..table.clone()
    }
}

/// Why values could not be read.
enum Refused {
    /// By the server, which could not calculate them.
    Because(String),
    Failed(Box<Failure>),
}

impl Refused {
    fn of(failure: Failure, side: &str) -> Self {
        match failure.server_error().filter(|_| is_refusal(&failure)) {
            Some(error) => {
                let state = error.code().code();
                Refused::Because(format!(
                    "the {side}'s server cannot read its values without a search_path (SQLSTATE {state})"
                ))
            }
            None => Refused::Failed(Box::new(failure)),
        }
    }
}
