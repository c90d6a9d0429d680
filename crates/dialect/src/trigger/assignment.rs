//! Which values of a query can be stored as they are.

use crate::ValueType;

/// Whether a column of the second type stores values of the first one as SQLite would.
pub(super) fn is_stored_alike(value: ValueType, column: ValueType) -> bool {
    let is_whole = |it| matches!(it, ValueType::SmallInt | ValueType::Integer);
    value == column && column != ValueType::Other
        || is_whole(value) && (is_whole(column) || matches!(column, ValueType::Real | ValueType::Numeric))
}
