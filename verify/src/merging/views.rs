//! A part's rows out of the merged table, with the values that they had in their source: as a query on the target.

use std::fmt::Write as _;

use catalog::{Column, ColumnType, Followed, QualifiedName, Table, TableKind, quote_ident, quote_literal};
use conversion::{Comparable, PartRecord};

use super::journal::NotedPart;

/// What stands for a part on the target: a table that is a query, with the source's columns as far as they can be told.
pub(super) fn view(record: &PartRecord, noted: Option<&NotedPart>) -> Table {
    let comparable = record.comparable();
    let value = |(column, way): &(&Column, Comparable<'_>)| {
        let value = match way {
            Comparable::Back(_, back) => format!("({back})"),
            Comparable::Forth(value) => format!("t.{}", quote_ident(&value.column)),
        };
        format!("{value} AS {}", quote_ident(&column.name))
    };
    let values: Vec<String> = comparable.iter().map(value).collect();
    let column = |(column, way): &(&Column, Comparable<'_>)| {
        let mut column = Column {
            new_name: None,
            generated: None,
            identity: None,
            ..(*column).clone()
        };
        if let Comparable::Forth(_) = way {
            column.column_type = uuid();
            column.binary_safe = true;
        }
        column
    };
    Table {
        kind: TableKind::Part,
        columns: comparable.iter().map(column).collect(),
        condition: Some(format!(
            "SELECT {} FROM {}",
            values.join(", "),
            rows(record, noted)
        )),
        through_root: None,
        partition_of: None,
        merged: None,
        part: None,
        changes: None,
        ..record.into.clone()
    }
}

/// The source's table as it is compared, and the same as it is on the target.
pub(super) fn sides(own: &Table, record: &PartRecord) -> (Table, Table) {
    let own = Table {
        kind: TableKind::Ordinary,
        merged: None,
        part: None,
        changes: None,
        ..own.clone()
    };
    let mut renamed = own.clone();
    let name = label(record);
    (renamed.schema, renamed.name) = (name.schema, name.name);
    for column in &mut renamed.columns {
        column.new_name = None;
        let converted = record.conversion.as_ref().and_then(|it| it.column(&column.name));
        if converted.is_some() && is_forth(record, &column.name) {
            column.column_type = uuid();
            column.binary_safe = true;
        }
    }
    (own, renamed)
}

/// Whether a column is compared as the UUID that it has become.
fn is_forth(record: &PartRecord, name: &str) -> bool {
    let mut columns = record.comparable().into_iter();
    columns.any(|(column, way)| column.name == name && matches!(way, Comparable::Forth(_)))
}

/// What a part is called in the report; no table can have such a name by accident.
pub(super) fn label(record: &PartRecord) -> QualifiedName {
    let into = record.into.qualified_name();
    QualifiedName::new(
        into.schema,
        format!("{} of source {}", into.name, record.source()),
    )
}

/// The rows of the part in the merged table, under the names that the archive has for its columns, with the alias `t`. Keys
/// that follow joined rows are again what they were.
pub(super) fn rows(record: &PartRecord, noted: Option<&NotedPart>) -> String {
    let follows: Vec<(&Followed, &QualifiedName)> = record
        .into
        .merged
        .iter()
        .flat_map(|it| &it.follows)
        .filter_map(|it| Some((it, record.parents.get(&it.parent)?)))
        .filter(|_| noted.is_some())
        .collect();
    let there = |name: &str| {
        let column = record.into.columns.iter().find(|it| it.name == name);
        quote_ident(column.map_or(name, Column::target_name))
    };
    let value = |column: &Column| {
        let mut value = format!("m.{}", there(&column.name));
        for (number, (followed, _)) in follows.iter().enumerate() {
            if let Some(place) = followed.columns.iter().position(|it| *it == column.name) {
                let old = format!(
                    "(r{number}.old)[{}]::{}",
                    place + 1,
                    type_sql(&column.column_type)
                );
                value = format!("(CASE WHEN r{number}.run IS NULL THEN {value} ELSE {old} END)");
            }
        }
        format!("{value} AS {}", quote_ident(&column.name))
    };
    let values: Vec<String> = record.into.stored_columns().map(value).collect();
    let source = quote_literal(record.source());
    let mut from = format!("ONLY {} m", record.into.qualified_name());
    for (number, (followed, parent)) in follows.iter().enumerate() {
        let own: Vec<String> = followed
            .columns
            .iter()
            .map(|it| format!("m.{}::pg_catalog.text", there(it)))
            .collect();
        let keys: Vec<String> = followed
            .parent_columns
            .iter()
            .map(|it| quote_literal(it))
            .collect();
        let _ = write!(
            from,
            " LEFT JOIN coalesce.redirected r{number} ON r{number}.run = {run} AND r{number}.table_name = {parent} \
             AND r{number}.source = {source} AND r{number}.columns = ARRAY[{keys}]::pg_catalog.text[] \
             AND r{number}.winner = ARRAY[{own}]",
            run = noted.map_or("0", |it| it.run.as_str()),
            parent = quote_literal(&parent.to_string()),
            keys = keys.join(", "),
            own = own.join(", "),
        );
    }
    let condition =
        source_column(record).map_or(String::new(), |it| format!(" WHERE m.{} = {source}", there(it)));
    format!("(SELECT {} FROM {from}{condition}) t", values.join(", "))
}

pub(super) fn source_column(record: &PartRecord) -> Option<&str> {
    record.into.merged.as_ref()?.source_column.as_deref()
}

/// The type as SQL under an empty search path.
pub(super) fn type_sql(it: &ColumnType) -> String {
    if it.schema == ColumnType::BUILT_IN_SCHEMA {
        it.text.clone()
    } else {
        format!("{}.{}{}", quote_ident(&it.schema), quote_ident(&it.name), it.text)
    }
}

fn uuid() -> ColumnType {
    ColumnType {
        schema: ColumnType::BUILT_IN_SCHEMA.to_owned(),
        name: "uuid".to_owned(),
        text: "uuid".to_owned(),
        base: None,
    }
}

/// The UUID that a key of the source has become; `None` where it stays what it is.
pub(super) fn uuid_of(record: &PartRecord, column: &str, value: &str) -> Option<String> {
    let it = record.conversion.as_ref()?.column(column)?;
    let key = value.parse().ok().filter(|_| is_forth(record, column))?;
    Some(it.namespace.uuid_text(key))
}
