//! Statements for rows: what is too many goes, what differs is set, what is missing comes.

use std::fmt::Write as _;

use catalog::{Catalog, Column, ColumnType, IdentityKind, ObjectKind, QualifiedName, TableKind, quote_ident};

use super::{Damaged, Ground, literal};
use crate::rows::difference::RowDifference;

/// Rows of one INSERT.
const ROWS_AT_ONCE: usize = 500;

/// Bytes of their values, unless one row has more.
const BYTES_AT_ONCE: usize = 1 << 20;

type Values = [Option<String>];

pub(super) fn statements(
    damaged: &[Damaged<'_>],
    parents_first: &[usize],
    ground: &Ground,
    text: &mut String,
) {
    text.push_str(&identities_open(damaged));
    for &place in parents_first.iter().rev() {
        deletes(&damaged[place], &ground.target, text);
    }
    for &place in parents_first {
        updates(&damaged[place], &ground.target, text);
        inserts(&damaged[place], text);
    }
}

fn deletes(damaged: &Damaged<'_>, target: &Catalog, text: &mut String) {
    let name = name_of(damaged);
    for row in &damaged.rows.rows {
        let values = match row {
            RowDifference::Extra(values) => Some(values),
            RowDifference::Changed { target, .. } if damaged.replaces(row) => Some(target),
            RowDifference::Changed { .. } | RowDifference::Missing(_) => None,
        };
        if let Some(values) = values {
            let place = place_of_row(damaged, values, target);
            let _ = writeln!(text, "DELETE FROM {name} WHERE {place};");
        }
    }
}

fn updates(damaged: &Damaged<'_>, target: &Catalog, text: &mut String) {
    let name = name_of(damaged);
    for row in &damaged.rows.rows {
        let RowDifference::Changed {
            source,
            target: there,
            columns,
        } = row
        else {
            continue;
        };
        if damaged.replaces(row) {
            continue;
        }
        let set: Vec<String> = columns
            .iter()
            .filter_map(|&place| Some((column(damaged, place)?, source.get(place)?)))
            .filter(|(column, _)| column.generated.is_none())
            .map(|(column, value)| {
                format!(
                    "{} = {}",
                    quote_ident(column.target_name()),
                    literal(value.as_deref())
                )
            })
            .collect();
        if !set.is_empty() {
            let place = place_of_row(damaged, there, target);
            let _ = writeln!(text, "UPDATE {name} SET {} WHERE {place};", set.join(", "));
        }
    }
}

fn inserts(damaged: &Damaged<'_>, text: &mut String) {
    let rows = damaged.rows.rows.iter().filter_map(|row| match row {
        RowDifference::Missing(values) => Some(values),
        RowDifference::Changed { source, .. } if damaged.replaces(row) => Some(source),
        RowDifference::Extra(_) | RowDifference::Changed { .. } => None,
    });
    let rows: Vec<&Vec<Option<String>>> = rows.collect();
    let stored = |place: &usize| column(damaged, *place).is_some_and(|it| it.generated.is_none());
    let places: Vec<usize> = (0..damaged.rows.columns.len()).filter(stored).collect();
    let name = damaged.table.qualified_name();
    if places.is_empty() {
        for _ in &rows {
            let _ = writeln!(text, "INSERT INTO {name} DEFAULT VALUES;");
        }
        return;
    }
    let columns = places.iter().filter_map(|&it| column(damaged, it));
    let columns: Vec<String> = columns.map(|it| quote_ident(it.target_name())).collect();
    let is_always = |it: &Column| it.identity == Some(IdentityKind::Always);
    let overriding = if damaged.table.columns.iter().any(is_always) {
        " OVERRIDING SYSTEM VALUE"
    } else {
        ""
    };
    for rows in chunks(&rows) {
        let tuple = |row: &&Vec<Option<String>>| {
            let values = places
                .iter()
                .map(|&it| literal(row.get(it).and_then(Option::as_deref)));
            format!("({})", values.collect::<Vec<_>>().join(", "))
        };
        let tuples: Vec<String> = rows.iter().map(tuple).collect();
        let columns = columns.join(", ");
        let _ = writeln!(
            text,
            "INSERT INTO {name} ({columns}){overriding} VALUES\n  {};",
            tuples.join(",\n  ")
        );
    }
}

/// Rows of one statement each, which stays far below what a server takes.
fn chunks<'a>(rows: &'a [&'a Vec<Option<String>>]) -> Vec<&'a [&'a Vec<Option<String>>]> {
    let bytes = |row: &[Option<String>]| row.iter().flatten().map(String::len).sum::<usize>();
    let (mut chunks, mut rest) = (Vec::new(), rows);
    while !rest.is_empty() {
        let mut sum = 0;
        let fits = rest.iter().take(ROWS_AT_ONCE).take_while(|row| {
            sum += bytes(row);
            sum <= BYTES_AT_ONCE
        });
        let (chunk, left) = rest.split_at(fits.count().max(1));
        chunks.push(chunk);
        rest = left;
    }
    chunks
}

/// The table, without those that inherit from it: their rows are their own.
fn name_of(damaged: &Damaged<'_>) -> String {
    let only = if damaged.table.kind == TableKind::Partitioned {
        ""
    } else {
        "ONLY "
    };
    format!("{only}{}", damaged.table.qualified_name())
}

/// The target's column of a value.
fn column<'a>(damaged: &Damaged<'a>, place: usize) -> Option<&'a Column> {
    let name = damaged.rows.columns.get(place)?;
    damaged.table.columns.iter().find(|it| it.target_name() == name)
}

/// The condition that one row of the target meets. By the primary key; where the target has another one or none, several
/// rows can be alike, and one of those that are alike in everything is meant.
fn place_of_row(damaged: &Damaged<'_>, values: &Values, target: &Catalog) -> String {
    let key = &damaged.rows.key;
    let own = &damaged.table.primary_key;
    let is_own = !own.is_empty() && own.len() == key.len() && own.iter().all(|it| key.contains(it));
    let of_key = |place: &usize| key.contains(&damaged.rows.columns[*place]);
    let all = 0..values.len().min(damaged.rows.columns.len());
    let condition = |place: usize| is_value(damaged, place, values[place].as_deref(), of_key(&place), target);
    if is_own {
        let conditions: Vec<String> = all.filter(of_key).filter_map(condition).collect();
        return conditions.join(" AND ");
    }
    // What an index may help with comes first.
    let (first, rest): (Vec<usize>, Vec<usize>) = all.partition(of_key);
    let conditions: Vec<String> = first.into_iter().chain(rest).filter_map(condition).collect();
    let name = name_of(damaged);
    let filter = if conditions.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", conditions.join(" AND "))
    };
    format!("(tableoid, ctid) = (SELECT tableoid, ctid FROM {name}{filter} LIMIT 1)")
}

/// That a column of the target has this value: by the key's own operator, or by the text that the report has.
fn is_value(
    damaged: &Damaged<'_>,
    place: usize,
    value: Option<&str>,
    is_key: bool,
    target: &Catalog,
) -> Option<String> {
    let column = column(damaged, place)?;
    let name = quote_ident(column.target_name());
    let Some(value) = value else {
        return Some(format!("{name} IS NULL"));
    };
    let value = literal(Some(value));
    if is_key {
        let (schema, cast) = operator(&column.column_type, target);
        return Some(format!("{name} OPERATOR({schema}.=) {value}{cast}"));
    }
    // `format` writes a value as the server sends it, which a cast does not for all types; no collation may call two
    // texts equal that are not.
    Some(format!(
        "pg_catalog.format('%s', {name}) COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.=) {value}"
    ))
}

/// Where the operator of a key's type stands, and how a literal becomes of that type. An extension has both in one schema;
/// the server takes no literal for one of a composite type unless that is said.
fn operator(it: &ColumnType, target: &Catalog) -> (String, String) {
    let built_in = ColumnType::BUILT_IN_SCHEMA.to_owned();
    if it.schema == ColumnType::BUILT_IN_SCHEMA {
        return (built_in, String::new());
    }
    let array = if it.text.ends_with("[]") { "[]" } else { "" };
    let cast = format!("::{}{array}", QualifiedName::new(&it.schema, &it.name));
    let mut members = target.extensions.iter().flat_map(|it| &it.members);
    let is_of_extension = members.any(|member| {
        member.kind == ObjectKind::Type && member.schema == it.schema && member.name == it.name
    });
    if is_of_extension && array.is_empty() {
        (quote_ident(&it.schema), cast)
    } else {
        (built_in, cast)
    }
}

/// Columns that take no value of anybody's but in an INSERT, and must be set in rows that differ.
fn identities<'a>(damaged: &'a Damaged<'a>) -> impl Iterator<Item = &'a Column> {
    let columns = damaged.table.columns.iter();
    let always = columns.filter(|it| it.identity == Some(IdentityKind::Always));
    always.filter(|it| {
        damaged.rows.rows.iter().any(|row| match row {
            RowDifference::Changed { columns, .. } if !damaged.replaces(row) => {
                let mut names = columns
                    .iter()
                    .filter_map(|&place| damaged.rows.columns.get(place));
                names.any(|name| name == it.target_name())
            }
            RowDifference::Changed { .. } | RowDifference::Missing(_) | RowDifference::Extra(_) => false,
        })
    })
}

fn identities_open(damaged: &[Damaged<'_>]) -> String {
    identity_changes(damaged, "BY DEFAULT")
}

/// Identities as they were.
pub(super) fn identities_back(damaged: &[Damaged<'_>]) -> String {
    identity_changes(damaged, "ALWAYS")
}

fn identity_changes(damaged: &[Damaged<'_>], kind: &str) -> String {
    let mut text = String::new();
    for it in damaged {
        for column in identities(it) {
            let (table, column) = (it.table.qualified_name(), quote_ident(column.target_name()));
            let _ = writeln!(
                text,
                "ALTER TABLE {table} ALTER COLUMN {column} SET GENERATED {kind};"
            );
        }
    }
    text
}
