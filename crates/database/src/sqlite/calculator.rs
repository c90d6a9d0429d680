//! What SQLite gives for expressions that name no column.

use dialect::Assumption;
use rusqlite::Connection;
use rusqlite::limits::Limit;
use rusqlite::types::Value;

/// Of a value: a short expression can give a long one, `hex(hex(…))`.
const BYTES_MAX: i32 = 1 << 20;

/// SQLite without a file, which knows best what an expression without columns gives.
pub(super) struct Calculator(Connection);

impl Calculator {
    /// One that keeps texts as the file does.
    pub(super) fn new(utf16: bool) -> rusqlite::Result<Calculator> {
        let connection = Connection::open_in_memory()?;
        if utf16 {
            connection.execute_batch("PRAGMA encoding = 'UTF-16'")?;
        }
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, BYTES_MAX)?;
        Ok(Calculator(connection))
    }

    /// The value of an expression that has been read as one.
    pub(super) fn value(&self, expression: &str) -> rusqlite::Result<Value> {
        self.0
            .query_row(&format!("SELECT ({expression}\n)"), [], |row| row.get(0))
    }

    /// Whether none of them is false.
    pub(super) fn holds(&self, assumptions: &[Assumption]) -> rusqlite::Result<bool> {
        for it in assumptions {
            if self.value(&it.condition)? == Value::Integer(0) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
