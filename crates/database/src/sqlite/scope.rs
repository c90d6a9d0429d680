//! What a table's columns are in its own expressions: for SQLite, and on the target.

use catalog::quote_ident;
use dialect::{Affinity, Collation, ColumnDefinition, Scope, ScopeColumn, TableDefinition, ValueType};

use super::nocase::Comparison;
use super::rule::OnMisfit;
use super::schema::{Column, Table};
use super::target_type::TargetType;

/// The definition of the column that the file knows by that name.
pub(super) fn column_definition<'a>(
    definition: &'a TableDefinition,
    name: &str,
) -> Option<&'a ColumnDefinition> {
    definition
        .columns
        .iter()
        .find(|it| it.name.eq_ignore_ascii_case(name))
}

/// What the columns' names mean in the table's own expressions.
pub(super) fn scope(table: &Table, utf16: bool) -> Scope {
    let in_file = table.columns.iter().filter(|it| it.keeps.is_none());
    Scope {
        columns: in_file.map(|it| scope_column(table, it)).collect(),
        utf16,
    }
}

pub(super) fn scope_column(table: &Table, column: &Column) -> ScopeColumn {
    let name = quote_ident(&column.new_name);
    let sql = match (column.comparison, column.target) {
        // Expressions compare as they say themselves, whatever the column does.
        (Comparison::Citext, _) | (_, TargetType::Citext) => format!("{name}::text"),
        (Comparison::Icu, _) => format!("({name} COLLATE \"C\")"),
        (Comparison::Exact, TargetType::Integer) => format!("{name}::bigint"),
        (Comparison::Exact, _) => name,
    };
    ScopeColumn {
        table: table.name.clone(),
        name: column.name.clone(),
        sql,
        value_type: match column.on_misfit {
            OnMisfit::Fail => value_type(column.target),
            // The target has other values than the file, which is asked for proofs.
            OnMisfit::Null | OnMisfit::Reject => ValueType::Other,
        },
        nullable: !(column.not_null && column.nulls == 0),
        collation: Collation::of(&column.collation),
        affinity: affinity(table, column),
        generated: column.generated.is_some(),
    }
}

/// What the values of a column are in a query, which names the column as it is: nothing is taken for granted of one that
/// compares by a rule of its own, or whose values change on their way.
pub(super) fn queried_type(column: &Column) -> ValueType {
    let is_plain = column.comparison == Comparison::Exact
        && column.on_misfit == OnMisfit::Fail
        && column.keeps.is_none()
        && !matches!(column.target, TargetType::Integer | TargetType::Citext);
    if is_plain {
        value_type(column.target)
    } else {
        ValueType::Other
    }
}

/// In a STRICT table ANY takes every value as it is.
pub(super) fn affinity(table: &Table, column: &Column) -> Affinity {
    if table.strict && column.declared_type.eq_ignore_ascii_case("any") {
        return Affinity::Blob;
    }
    Affinity::of(&column.declared_type)
}

/// What the values of a column of that type are for SQLite.
pub(super) fn value_type(target: TargetType) -> ValueType {
    match target {
        TargetType::SmallInt => ValueType::SmallInt,
        TargetType::Integer | TargetType::BigInt => ValueType::Integer,
        TargetType::Boolean => ValueType::Boolean,
        TargetType::Double => ValueType::Real,
        TargetType::Numeric(_) => ValueType::Numeric,
        TargetType::Text | TargetType::Varchar(_) | TargetType::Citext => ValueType::Text,
        TargetType::Bytea => ValueType::Blob,
        TargetType::Date => ValueType::Date,
        TargetType::Time => ValueType::Time,
        TargetType::Timestamp => ValueType::Timestamp,
        TargetType::TimestampTz => ValueType::TimestampTz,
        TargetType::Json => ValueType::Json,
        TargetType::Jsonb => ValueType::Jsonb,
        TargetType::Uuid => ValueType::Uuid,
        _ => ValueType::Other,
    }
}
