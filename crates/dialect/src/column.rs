//! Columns, and what must be true of their values for an expression to mean the same.

use crate::expression::{Assumption, Untranslated};
use crate::scope::{ScopeColumn, ValueType};
use crate::translator::{Result, Translator, Values};
use crate::value::Value;

const DATE: &str = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]";
const TIME: &str = "[0-9][0-9]:[0-9][0-9]:[0-9][0-9]";

impl Translator<'_> {
    /// A column of the scope, named so in the expression.
    pub(crate) fn column(&mut self, column: &ScopeColumn, source: &str) -> Result<Value> {
        self.uses_generated |= column.generated;
        let values = self.names.values(column);
        let written = source;
        let asked = match &values {
            Values::In { column, .. } => format!("\"{}\"", column.replace('"', "\"\"")),
            Values::Here | Values::Known => source.to_owned(),
        };
        let source = asked.as_str();
        let before = std::mem::take(&mut self.assumptions);
        let (classes, otherwise) = match column.value_type {
            ValueType::Null | ValueType::Other | ValueType::TimestampTz => {
                return Err(Untranslated::Mixed(source.to_owned()));
            }
            ValueType::SmallInt | ValueType::Integer => ("'integer'", "something else than an integer"),
            ValueType::Boolean => ("'integer'", "a word instead of 0 or 1"),
            ValueType::Real => ("'real'", "something else than a real"),
            ValueType::Numeric => ("'integer', 'real'", "something else than a number"),
            ValueType::Blob => ("'blob'", "something else than a blob"),
            ValueType::Json | ValueType::Jsonb => ("'text', 'integer', 'real'", "something else than a text"),
            _ => ("'text'", "something else than a text"),
        };
        self.assume(
            format!("typeof({source}) IN ({classes}, 'null')"),
            format!("{otherwise} in {source}"),
        );
        match column.value_type {
            ValueType::Date => self.assume(
                format!("{source} GLOB '{DATE}'"),
                format!("more than a date in {source}"),
            ),
            ValueType::Time => {
                self.assume(
                    format!("{source} GLOB '{TIME}'"),
                    format!("no HH:MM:SS in {source}"),
                );
            }
            ValueType::Timestamp => self.assume(
                format!("{source} GLOB '{DATE} {TIME}'"),
                format!("no YYYY-MM-DD HH:MM:SS in {source}"),
            ),
            ValueType::Uuid => self.assume(
                format!("length({source}) = 36 AND {source} = lower({source})"),
                format!("a UUID in another form than PostgreSQL's in {source}"),
            ),
            ValueType::Numeric => self.assume(
                format!("typeof({source}) <> 'real' OR abs({source}) < 9007199254740992"),
                format!("a real of more than 2^53 in {source}"),
            ),
            _ => {}
        }
        let own = std::mem::replace(&mut self.assumptions, before);
        match values {
            Values::Here => self.assumptions.extend(own),
            Values::In { table, .. } => self.assumptions.extend(own.into_iter().map(|it| Assumption {
                table: Some(table.clone()),
                ..it
            })),
            Values::Known => {}
        }
        let source = written;
        let value = Value {
            affinity: Some(column.affinity),
            collation: Some((column.collation, false)),
            nullable: column.nullable,
            ..Value::call(column.sql.clone(), source, column.value_type, &[])
        };
        Ok(match column.value_type {
            ValueType::SmallInt => value.with_range(i128::from(i16::MIN), i128::from(i16::MAX)),
            _ => value,
        })
    }
}
