//! How one column of the archive goes into one column of the target: as it is where both have the very same type,
//! else through a column of the archive's type and an assignment cast.
//!
//! Binary rows carry no types: eight bytes of `bigint` would pass for a `timestamp`. So whatever is not proved to be
//! the same is read as what it was written as.

use std::collections::HashMap;

use catalog::{Column, ColumnType, QualifiedName, quote_ident};
use cli::Result;
use fingerprint::Form;
use postgres::Client;
use postgres::error::SqlState;

use super::standing::{StandingColumn, StandingTable};
use crate::target::failed;

/// A column of the archive and its place on the target.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// The column of the archive.
    pub(crate) source: String,
    /// Where its values go; `None` where the target computes them itself.
    pub(crate) target: Option<String>,
    pub(crate) fit: Fit,
}

/// What it takes to get a value in.
#[derive(Clone, Debug)]
pub(crate) enum Fit {
    /// Both types are the same.
    Same,
    /// Read as `read_as`, then assigned.
    Assigned(Assignment),
}

/// SQL of a cast and of its way back.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    /// The type that the archive's values are read as.
    pub(crate) read_as: String,
    pub(crate) target_type: String,
    /// By its text, as a label of an enum: no cast leads there by itself.
    pub(crate) by_label: bool,
    /// Whether a cast leads back; else the value's text is read again.
    pub(crate) leads_back: bool,
}

/// Types of the target by name, with their kinds (`pg_type.typtype`).
pub(crate) type Kinds = HashMap<QualifiedName, String>;

impl Pair {
    /// The type of its column in a table of the archive's types.
    pub(crate) fn read_as(&self, column: &Column) -> String {
        match &self.fit {
            Fit::Same => type_sql(&column.column_type),
            Fit::Assigned(it) => it.read_as.clone(),
        }
    }

    /// What is inserted.
    pub(crate) fn value(&self) -> String {
        let source = quote_ident(&self.source);
        match &self.fit {
            Fit::Assigned(it) if it.by_label => format!("s.{source}::pg_catalog.text::{}", it.target_type),
            _ => format!("s.{source}"),
        }
    }

    /// The value as the target will have it.
    pub(crate) fn assigned_value(&self) -> String {
        match &self.fit {
            Fit::Assigned(it) if !it.by_label => {
                format!("s.{}::{}", quote_ident(&self.source), it.target_type)
            }
            _ => self.value(),
        }
    }

    /// A condition that is true of a row whose value does not come back; `None` where it always does.
    pub(crate) fn is_lost(&self) -> Option<String> {
        let Fit::Assigned(it) = &self.fit else { return None };
        if it.by_label || self.target.is_none() {
            return None;
        }
        let (value, there) = (format!("s.{}", quote_ident(&self.source)), self.assigned_value());
        let through = if it.leads_back { "" } else { "::pg_catalog.text" };
        let back = format!("({there}){through}::{}", it.read_as);
        // Zeros behind the point are no part of a number.
        let as_text = if it.read_as.starts_with("numeric") && !it.read_as.ends_with(']') {
            ""
        } else {
            "::pg_catalog.text"
        };
        Some(format!("({back}){as_text} IS DISTINCT FROM {value}{as_text}"))
    }

    /// Whether a time zone is added or taken away.
    pub(crate) fn changes_zone(&self) -> bool {
        let has_zone = |it: &str| it.contains(" with time zone");
        match &self.fit {
            Fit::Assigned(it) => {
                let is_time = it.read_as.starts_with("time") || it.read_as == "date";
                let becomes_time = it.target_type.starts_with("time") || it.target_type == "date";
                is_time && becomes_time && has_zone(&it.read_as) != has_zone(&it.target_type)
            }
            Fit::Same => false,
        }
    }
}

/// The type as SQL names it.
pub(crate) fn type_sql(it: &ColumnType) -> String {
    if it.schema == ColumnType::BUILT_IN_SCHEMA {
        it.text.clone()
    } else {
        format!("{}{}", QualifiedName::new(&it.schema, &it.name), it.text)
    }
}

/// How `column` fits into `to`, or why it does not, as a sentence.
pub(crate) fn find(
    client: &mut Client,
    table: &StandingTable,
    (column, form, is_domain): (&Column, Form, bool),
    to: &StandingColumn,
    kinds: &Kinds,
) -> Result<std::result::Result<Fit, String>> {
    let (from, there) = (&column.column_type, &to.column_type);
    let same_name = (&from.schema, &from.name, &from.text) == (&there.schema, &there.name, &there.text);
    let is_built_in = from.schema == ColumnType::BUILT_IN_SCHEMA;
    // Of a domain the bytes are those of the type below it, of an enum its label.
    let same_bytes = match form {
        Form::Text => true,
        Form::Binary if is_built_in => true,
        Form::Binary if is_domain => to.type_kind == "d" && from.base.is_some() && from.base == there.base,
        Form::Binary => to.type_kind == "e",
    };
    if same_name && same_bytes {
        return Ok(Ok(Fit::Same));
    }
    let kind = kinds.get(&QualifiedName::new(&from.schema, &from.name));
    let is_enum = kind.is_some_and(|it| it == "e") && from.text.is_empty();
    let (read_as, by_label) = match &from.base {
        _ if is_built_in => (type_sql(from), false),
        Some(base) => (base.clone(), false),
        None if is_domain && form == Form::Binary => {
            return Ok(Err(format!(
                "{} was a domain whose type the archive does not tell: dump with --rows csv",
                column.name
            )));
        }
        None if is_enum || (kind.is_some() && form == Form::Text) => (type_sql(from), to.type_kind == "e"),
        None => ("text".to_owned(), to.type_kind == "e"),
    };
    let (source_type, place) = (type_sql(from), quote_ident(&to.name));
    let assignment = Assignment {
        read_as,
        target_type: to.type_sql.clone(),
        by_label,
        leads_back: true,
    };
    let insert = format!(
        "INSERT INTO {} ({place}) OVERRIDING SYSTEM VALUE SELECT NULL::{}",
        table.name, assignment.read_as
    );
    if !assignment.by_label && !is_understood(client, &insert)? {
        return Ok(Err(format!(
            "{} is {} here and {source_type} in the archive, and no assignment cast leads from there: alter the column, \
             or name another one by --column",
            to.name, to.type_sql
        )));
    }
    let back = format!("SELECT NULL::{}::{}", assignment.target_type, assignment.read_as);
    let leads_back = assignment.by_label || is_understood(client, &back)?;
    Ok(Ok(Fit::Assigned(Assignment {
        leads_back,
        ..assignment
    })))
}

/// Whether the server finds a cast for every step of a statement. Nothing is run.
fn is_understood(client: &mut Client, sql: &str) -> Result<bool> {
    match client.prepare(sql) {
        Ok(_) => Ok(true),
        Err(error) => match error.code() {
            Some(code) if [SqlState::DATATYPE_MISMATCH, SqlState::CANNOT_COERCE].contains(code) => Ok(false),
            _ => Err(failed(
                "the types of the target's columns could not be compared",
                error,
            )),
        },
    }
}
