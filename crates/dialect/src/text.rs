//! Values as text, and concatenation.

use sqlite3_parser::ast::Expr;

use crate::collation::collation_of;
use crate::expression::Untranslated;
use crate::parse::unquote;
use crate::scope::ValueType;
use crate::translator::{Result, Translator};
use crate::value::{Constant, Value, number_text};

impl Translator<'_> {
    /// The value as the text that SQLite makes of it.
    pub(crate) fn text_of(&mut self, value: Value) -> Result<Value> {
        let value = self.settled(value)?;
        let sql = match (&value.constant, value.value_type) {
            (Some(Constant::Null), _) => "NULL::text".to_owned(),
            (Some(constant @ (Constant::Integer(_) | Constant::Real(_))), _) => {
                let text =
                    number_text(constant).ok_or_else(|| Untranslated::NumberAsText(value.source.clone()))?;
                return Ok(Value::constant(Constant::Text(text), &value.source));
            }
            (_, ValueType::Text) => return Ok(value),
            (_, ValueType::Boolean) => format!("{}::text", value.as_integer_sql()),
            (_, ValueType::SmallInt | ValueType::Integer | ValueType::Uuid | ValueType::Json) => {
                format!("{}::text", value.operand())
            }
            (_, ValueType::Date) => date_text(&value.operand()),
            (_, ValueType::Time) => time_text(&value.operand()),
            (_, ValueType::Timestamp) => {
                let moment = value.operand();
                format!("{} || ' '::text || {}", date_text(&moment), time_text(&moment))
            }
            (_, ValueType::Real | ValueType::Numeric) => {
                return Err(Untranslated::NumberAsText(value.source.clone()));
            }
            _ => return Err(Untranslated::Types(value.source.clone())),
        };
        let atom = !matches!(
            value.value_type,
            ValueType::Date | ValueType::Time | ValueType::Timestamp
        );
        Ok(Value {
            sql,
            atom,
            value_type: ValueType::Text,
            constant: None,
            range: None,
            ..value
        })
    }

    /// The expression as text, where it is asked for nothing else: each branch becomes a text by itself.
    pub(crate) fn text(&mut self, expression: &Expr<'_>) -> Result<Value> {
        match expression {
            Expr::Parenthesized(inner) if inner.len() == 1 => self.deeper(|it| it.text(&inner[0])),
            Expr::FunctionCall {
                name,
                args: Some(arguments),
                distinctness: None,
                order_by: None,
                filter_over: None,
            } if ["coalesce", "ifnull"].contains(&unquote(name.0).to_ascii_lowercase().as_str())
                && arguments.len() > 1 =>
            {
                let texts = self.deeper(|it| {
                    let texts = arguments.iter().map(|argument| it.text(argument));
                    texts.collect::<Result<Vec<Value>>>()
                })?;
                Ok(Value {
                    collation: collation_of(expression, self.names),
                    ..coalesced(&texts, ValueType::Text, &expression.to_string())
                })
            }
            _ => {
                let value = self.value(expression)?;
                self.text_of(value)
            }
        }
    }

    pub(crate) fn concatenation(&mut self, left: &Expr<'_>, right: &Expr<'_>, source: &str) -> Result<Value> {
        let (left, right) = (self.text(left)?, self.text(right)?);
        if let (Some(left), Some(right)) = (left.text(), right.text()) {
            return Ok(Value::constant(Constant::Text(format!("{left}{right}")), source));
        }
        let sql = format!("{} || {}", left.operand(), right.operand());
        Ok(Value::of(sql, source, ValueType::Text, &[&left, &right]))
    }
}

/// The first of them that is not NULL.
pub(crate) fn coalesced(values: &[Value], value_type: ValueType, source: &str) -> Value {
    let list: Vec<&str> = values.iter().map(|it| it.sql.as_str()).collect();
    Value {
        nullable: values.iter().all(|it| it.nullable),
        volatile: values.iter().any(|it| it.volatile),
        ..Value::call(
            format!("COALESCE({})", list.join(", ")),
            source.trim(),
            value_type,
            &[],
        )
    }
}

/// Fields of a date or a moment with leading zeros; unlike `to_char` it is immutable.
pub(crate) fn field(moment: &str, name: &str, digits: u8) -> String {
    format!("lpad(floor(EXTRACT({name} FROM {moment}))::integer::text, {digits}, '0'::text)")
}

fn date_text(moment: &str) -> String {
    let part = |name, digits| field(moment, name, digits);
    format!(
        "{} || '-'::text || {} || '-'::text || {}",
        part("year", 4),
        part("month", 2),
        part("day", 2)
    )
}

fn time_text(moment: &str) -> String {
    let part = |name| field(moment, name, 2);
    format!(
        "{} || ':'::text || {} || ':'::text || {}",
        part("hour"),
        part("minute"),
        part("second")
    )
}
