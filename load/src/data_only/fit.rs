//! How one column of the archive goes into one column of the target: as it is where both have the very same type,
//! else through a column of the archive's type and an assignment cast.
//!
//! Binary rows carry no types: eight bytes of `bigint` would pass for a `timestamp`. So whatever is not proved to be
//! the same is read as what it was written as.

use std::collections::HashMap;

use catalog::{Column, ColumnType, QualifiedName, quote_ident};
use cli::{Exit, Failure, Result};
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

    /// The value before the target's type is put on it.
    fn value(&self) -> String {
        let source = quote_ident(&self.source);
        match &self.fit {
            Fit::Assigned(it) if it.by_label => format!("s.{source}::pg_catalog.text::{}", it.target_type),
            _ => format!("s.{source}"),
        }
    }

    /// The value as the target will have it: inserted, compared and looked at for losses by the same words, since an
    /// assignment alone refuses what the cast cuts off.
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

/// Refuses an archive whose words for a type are anything else: they become part of our SQL.
pub(crate) fn check_type(
    client: &mut Client,
    table: &QualifiedName,
    column: &Column,
    words: &str,
) -> Result<()> {
    let said = || {
        format!(
            "archive is damaged: the type of column {} for {}",
            column.name, table
        )
    };
    if !is_type(words) {
        return Err(Failure::new(Exit::Archive, said()));
    }
    // Inside of CAST a type can stand and nothing else, and a statement that is prepared is one. Nothing is run.
    client
        .prepare(&format!("SELECT CAST(NULL AS {words})"))
        .map(drop)
        .map_err(|error| failed(format!("{} is not known here", said()), error))
}

/// Whether `words` have the shape of a type: words and quoted names, one pair of parentheses around words and numbers
/// after another, and brackets. Nothing that ends a statement, begins a comment or calls something within a call.
fn is_type(words: &str) -> bool {
    let mut rest = words;
    let mut is_inside = false;
    while let Some(next) = rest.chars().next() {
        let length = match next {
            '"' => match quoted_length(rest) {
                Some(length) => length,
                None => return false,
            },
            '(' if !is_inside => {
                is_inside = true;
                1
            }
            ')' if is_inside => {
                is_inside = false;
                1
            }
            // A scale can be negative; two of them would be a comment.
            '-' if is_inside && rest[1..].starts_with(|it: char| it.is_ascii_digit()) => 1,
            ',' if is_inside => 1,
            '[' if rest.starts_with("[]") => 2,
            '.' | ' ' | '_' => 1,
            _ if next.is_alphanumeric() => next.len_utf8(),
            _ => return false,
        };
        rest = &rest[length..];
    }
    !is_inside && !words.trim().is_empty()
}

/// Bytes of the quoted name that `text` begins with.
fn quoted_length(text: &str) -> Option<usize> {
    let mut from = 1;
    loop {
        let end = from + text.get(from..)?.find('"')? + 1;
        if !text[end..].starts_with('"') {
            return Some(end);
        }
        from = end + 1;
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_words_and_nothing_that_could_run() {
        for (words, expected) in [
            ("numeric(10,-2)", true),
            ("timestamp(3) with time zone[]", true),
            ("\"odd \"\" name\".\"Größe\"(Point,4326)", true),
            ("\"char\"", true),
            ("", false),
            ("int; DROP TABLE t", false),
            ("int --", false),
            ("int(--1)", false),
            ("int /* x", false),
            ("int) , (x int", false),
            ("int DEFAULT f(g(1))", false),
            ("int CHECK ('x')", false),
            ("\"open", false),
        ] {
            assert_eq!(is_type(words), expected, "{words}");
        }
    }
}
