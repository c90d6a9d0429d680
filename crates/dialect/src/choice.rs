//! Which of several values it is: CASE, COALESCE and their kin.

use std::fmt::Write;

use sqlite3_parser::ast::{Expr, Operator};

use crate::expression::Untranslated;
use crate::scope::{Affinity, ValueType};
use crate::text::coalesced;
use crate::translator::{Result, Translator};
use crate::value::{Constant, Value};

impl Translator<'_> {
    pub(crate) fn case(
        &mut self,
        base: Option<&Expr<'_>>,
        pairs: &[(Expr<'_>, Expr<'_>)],
        otherwise: Option<&Expr<'_>>,
        source: &str,
    ) -> Result<Value> {
        let base = base.map(|it| self.value(it)).transpose()?;
        if base.as_ref().is_some_and(|it| it.volatile) {
            return Err(Untranslated::Operator(source.to_owned()));
        }
        self.spend(base.as_ref().map_or(0, |it| it.sql.len()) * pairs.len())?;
        let (mut conditions, mut results) = (Vec::new(), Vec::new());
        for (when, then) in pairs {
            let condition = match &base {
                None => self.condition(when)?,
                Some(base) => {
                    let when = self.value(when)?;
                    self.compared(base.clone(), Operator::Equals, when, source)?
                }
            };
            conditions.push(condition);
            results.push(self.value(then)?);
        }
        if let Some(otherwise) = otherwise {
            results.push(self.value(otherwise)?);
        }
        self.chosen(&conditions, results, source)
    }

    /// CASE with one more result than conditions, or as many.
    pub(crate) fn chosen(
        &mut self,
        conditions: &[Value],
        results: Vec<Value>,
        source: &str,
    ) -> Result<Value> {
        let (results, value_type) = self.unified(results, source)?;
        // Writing to a String cannot fail.
        let mut sql = "CASE".to_owned();
        for (condition, result) in conditions.iter().zip(&results) {
            let _ = write!(sql, " WHEN {} THEN {}", condition.sql, result.sql);
        }
        if let Some(otherwise) = results.get(conditions.len()) {
            let _ = write!(sql, " ELSE {}", otherwise.sql);
        }
        sql.push_str(" END");
        let volatile = conditions.iter().chain(&results).any(|it| it.volatile);
        let nullable = results.len() == conditions.len() || results.iter().any(|it| it.nullable);
        Ok(Value {
            volatile,
            nullable,
            range: range_of(&results),
            ..Value::of(sql, source, value_type, &[])
        })
    }

    pub(crate) fn coalesce(&mut self, arguments: &[Expr<'_>], source: &str) -> Result<Value> {
        let values = arguments
            .iter()
            .map(|it| self.value(it))
            .collect::<Result<Vec<_>>>()?;
        let (values, value_type) = self.unified(values, source)?;
        Ok(Value {
            range: range_of(&values),
            ..coalesced(&values, value_type, source)
        })
    }

    pub(crate) fn nullif(&mut self, left: &Expr<'_>, right: &Expr<'_>, source: &str) -> Result<Value> {
        let (left, right) = (self.value(left)?, self.value(right)?);
        let left = self.settled_beside(left, right.clone())?.0;
        if left.volatile || left.constant.is_some() {
            return Err(Untranslated::Function(source.to_owned()));
        }
        // A function compares by the first collation among its arguments, COLLATE or not, and no affinity converts one of
        // them for the other.
        let collation = left.collation.or(right.collation).map(|(it, _)| (it, true));
        let (one, other) = (
            Value {
                collation,
                affinity: None,
                ..left.clone()
            },
            Value {
                collation: None,
                affinity: None,
                ..right
            },
        );
        let equal = self.compared(one, Operator::Equals, other, source)?;
        let sql = format!("CASE WHEN {} THEN NULL ELSE {} END", equal.sql, left.sql);
        Ok(Value {
            nullable: true,
            range: left.range,
            maybe_integer: left.maybe_integer,
            ..Value::of(sql, source, left.value_type, &[&left])
        })
    }

    /// All values of one type, NULLs included.
    pub(crate) fn unified(&mut self, values: Vec<Value>, source: &str) -> Result<(Vec<Value>, ValueType)> {
        let values = values
            .into_iter()
            .map(|it| self.settled(it))
            .collect::<Result<Vec<_>>>()?;
        let refused = || Untranslated::Types(source.to_owned());
        let known: Vec<&Value> = values.iter().filter(|it| !it.is_null()).collect();
        let Some(first) = known.first() else {
            return Err(refused());
        };
        // What one branch may have as INTEGER, the other as REAL, would lose the difference.
        if known.iter().any(|it| it.maybe_integer) {
            return Err(refused());
        }
        let value_type = if known.iter().all(|it| it.value_type == first.value_type) {
            first.value_type
        } else if known.iter().all(|it| it.is_integer()) {
            ValueType::Integer
        } else if known.iter().all(|it| it.is_text()) {
            ValueType::Text
        } else {
            return Err(refused());
        };
        let mut unified = Vec::new();
        for value in values {
            unified.push(match value_type {
                _ if value.is_null() => Value {
                    sql: "NULL".to_owned(),
                    ..value
                },
                ValueType::Integer => Value {
                    sql: value.as_integer_sql(),
                    atom: true,
                    value_type: ValueType::Integer,
                    ..value
                },
                ValueType::Text => self.text_of(value)?,
                _ => value,
            });
        }
        Ok((unified, value_type))
    }

    /// `max(a, b)` and `min(a, b)`, which are NULL as soon as one of them is.
    pub(crate) fn extreme(&mut self, word: &str, arguments: &[Expr<'_>], source: &str) -> Result<Value> {
        let values = arguments
            .iter()
            .map(|it| self.value(it))
            .collect::<Result<Vec<_>>>()?;
        if values.iter().any(|it| it.volatile || it.is_null()) || values.iter().all(|it| it.text().is_some())
        {
            return Err(Untranslated::Function(source.to_owned()));
        }
        let collated = values.iter().any(|it| {
            it.collation
                .is_some_and(|(it, _)| it != crate::scope::Collation::Binary)
        });
        let (values, value_type) = self.unified(values, source)?;
        if value_type == ValueType::Text {
            self.assume_sorted_alike(&values)?;
        }
        let list: Vec<String> = values
            .iter()
            .map(|it| match value_type {
                ValueType::Text => format!("{} COLLATE \"C\"", it.operand()),
                _ => it.sql.clone(),
            })
            .collect();
        let is_document = matches!(value_type, ValueType::Json | ValueType::Jsonb);
        if collated && value_type == ValueType::Text || is_document {
            return Err(Untranslated::Types(source.to_owned()));
        }
        let call = format!("{word}({})", list.join(", "));
        let nulls: Vec<String> = values
            .iter()
            .filter(|it| it.nullable)
            .map(|it| format!("{} IS NULL", it.operand()))
            .collect();
        let range = values
            .iter()
            .map(|it| it.range)
            .reduce(|a, b| Some((a?.0.min(b?.0), a?.1.max(b?.1))))
            .flatten();
        let parts: Vec<&Value> = values.iter().collect();
        let value = if nulls.is_empty() {
            Value::call(call, source, value_type, &parts)
        } else {
            let sql = format!("CASE WHEN {} THEN NULL ELSE {call} END", nulls.join(" OR "));
            Value::of(sql, source, value_type, &parts)
        };
        Ok(Value { range, ..value })
    }

    /// What SQLite says of a value's class, where the target's type leaves one.
    pub(crate) fn type_name(&mut self, argument: &Expr<'_>, source: &str) -> Result<Value> {
        let value = self.value(argument)?;
        let class = match &value.constant {
            Some(Constant::Null) => "null",
            Some(Constant::Integer(_)) => "integer",
            Some(Constant::Real(_)) => "real",
            Some(Constant::Text(_)) => "text",
            Some(Constant::Blob(_)) => "blob",
            None if value.json.is_some() || value.maybe_integer => {
                return Err(Untranslated::Mixed(source.to_owned()));
            }
            None if value.is_integer() => "integer",
            None if matches!(value.value_type, ValueType::Json | ValueType::Jsonb)
                && value.affinity != Some(Affinity::Text) =>
            {
                return Err(Untranslated::Mixed(source.to_owned()));
            }
            None if value.is_text() => "text",
            None => match value.value_type {
                ValueType::Real => "real",
                ValueType::Blob => "blob",
                _ => return Err(Untranslated::Mixed(source.to_owned())),
            },
        };
        if !value.nullable {
            return Ok(Value::constant(Constant::Text(class.to_owned()), source));
        }
        let sql = format!(
            "CASE WHEN {} IS NULL THEN 'null'::text ELSE '{class}'::text END",
            value.operand()
        );
        Ok(Value {
            nullable: false,
            ..Value::of(sql, source, ValueType::Text, &[&value])
        })
    }
}

/// The bounds of whichever it is.
fn range_of(values: &[Value]) -> Option<(i128, i128)> {
    values
        .iter()
        .filter(|it| !it.is_null())
        .map(|it| it.range)
        .reduce(|a, b| Some((a?.0.min(b?.0), a?.1.max(b?.1))))
        .flatten()
}
