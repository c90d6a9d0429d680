//! What the columns of a merged table get from the rows of its parts, as SQL, and the way back.

use catalog::{Column, ColumnType, PartValue, Table, quote_ident, quote_literal};
use conversion::conversion_of;

use super::group::{Group, Groups, PartPlace, table_at};
use super::shape::United;
use super::source::Source;

/// What the columns get from the rows of one part.
pub(super) fn values(
    group: &Group,
    groups: &Groups,
    sources: &[Source],
    columns: &[United],
    part: usize,
) -> Vec<PartValue> {
    let place = group.parts[part];
    let source = &sources[place.source];
    // The rows have the types of the source, and none of the columns that keep old keys.
    let rows = &source.header.catalog.tables;
    let number = table_at(sources, place).number;
    let rows = rows.iter().find(|it| it.number == number);
    let stored = columns.iter().filter(|it| it.column.generated.is_none());
    let mut values: Vec<PartValue> = stored
        .map(|united| match (&united.of[part], rows) {
            (Some(column), Some(rows)) => value(groups, source, place, rows, united, column),
            _ => PartValue {
                column: united.column.name.clone(),
                sql: format!("NULL::{}", sql_type(&united.column.column_type)),
                from: None,
                back: None,
            },
        })
        .collect();
    values.extend(group.source_column.iter().map(|column| PartValue {
        column: column.clone(),
        sql: format!("{}::text", quote_literal(&source.name)),
        from: None,
        back: None,
    }));
    values
}

fn value(
    groups: &Groups,
    source: &Source,
    place: PartPlace,
    rows: &Table,
    united: &United,
    column: &Column,
) -> PartValue {
    let conversion = conversion_of(&source.conversions, rows.number);
    let kept = conversion.and_then(|it| it.kept().find(|(_, kept)| kept.name == column.name));
    let from = kept.map_or(&column.name, |(it, _)| &it.column);
    let (own, new) = (
        format!("s.{}", quote_ident(from)),
        format!("t.{}", quote_ident(&column.name)),
    );
    let (to, back_to) = (&united.column.column_type, &column.column_type);
    let made = |sql: String, back: Option<String>| PartValue {
        column: column.name.clone(),
        sql,
        from: Some(from.clone()),
        back,
    };
    if let Some(it) = conversion.and_then(|it| it.column(&column.name)) {
        return made(it.namespace.sql(&own), None);
    }
    let shift = groups.shift(place, &column.name);
    if shift == 0 {
        return made(cast(&own, back_to, to), Some(cast(&new, to, back_to)));
    }
    let wide = |it: &str, of: &ColumnType| match of.text.as_str() {
        "bigint" | "numeric" => it.to_owned(),
        _ => format!("{it}::bigint"),
    };
    let narrow = |sql: String, of: &ColumnType, from: &ColumnType| {
        if of.text == from.text && matches!(of.text.as_str(), "bigint" | "numeric") {
            sql
        } else {
            format!("({sql})::{}", sql_type(of))
        }
    };
    made(
        narrow(format!("{} + {shift}", wide(&own, back_to)), to, back_to),
        Some(narrow(format!("{} - {shift}", wide(&new, to)), back_to, to)),
    )
}

fn cast(value: &str, from: &ColumnType, to: &ColumnType) -> String {
    if from == to {
        return value.to_owned();
    }
    let is_own = |it: &ColumnType| it.schema != ColumnType::BUILT_IN_SCHEMA;
    if is_own(from) && is_own(to) {
        // Two types of users have their text in common, if anything.
        return format!("{value}::text::{}", sql_type(to));
    }
    format!("{value}::{}", sql_type(to))
}

/// The type as SQL.
pub(crate) fn sql_type(of: &ColumnType) -> String {
    if of.schema == ColumnType::BUILT_IN_SCHEMA {
        return of.text.clone();
    }
    format!("{}.{}{}", quote_ident(&of.schema), quote_ident(&of.name), of.text)
}

/// A type as a person wrote it into a plan.
pub(super) fn written_type(text: &str) -> ColumnType {
    const NAMES: [(&str, &str, &str); 13] = [
        ("int", "int4", "integer"),
        ("integer", "int4", "integer"),
        ("bigint", "int8", "bigint"),
        ("smallint", "int2", "smallint"),
        ("decimal", "numeric", "numeric"),
        ("varchar", "varchar", "character varying"),
        ("character varying", "varchar", "character varying"),
        ("boolean", "bool", "boolean"),
        ("double precision", "float8", "double precision"),
        ("timestamptz", "timestamptz", "timestamp with time zone"),
        (
            "timestamp with time zone",
            "timestamptz",
            "timestamp with time zone",
        ),
        ("timestamp", "timestamp", "timestamp without time zone"),
        (
            "timestamp without time zone",
            "timestamp",
            "timestamp without time zone",
        ),
    ];
    let (name, modifier) = match text.find(['(', '[']) {
        Some(at) => (text[..at].trim(), &text[at..]),
        None => (text.trim(), ""),
    };
    if let Some(it) = plan::parse_table(name) {
        return ColumnType {
            schema: it.schema,
            name: it.name,
            text: modifier.to_owned(),
            base: None,
        };
    }
    let known = NAMES.iter().find(|it| it.0.eq_ignore_ascii_case(name));
    let (internal, official) = known.map_or((name, name), |it| (it.1, it.2));
    ColumnType {
        schema: ColumnType::BUILT_IN_SCHEMA.to_owned(),
        name: internal.to_owned(),
        text: format!("{official}{modifier}"),
        base: None,
    }
}
