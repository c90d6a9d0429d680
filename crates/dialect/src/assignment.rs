//! What is stored in a column: a default, or the value of a generated column.

use sqlite3_parser::ast::Expr;

use crate::comparison::literal_like;
use crate::expression::Untranslated;
use crate::functions::RANDOM;
use crate::parse::unquote;
use crate::scope::{Affinity, ScopeColumn, ValueType};
use crate::translator::{Result, Translator};
use crate::value::{Constant, Value, number_in};

/// The ways in which applications put a random UUID together, without spaces, parentheses and `lower`.
const RANDOM_UUIDS: [&str; 4] = [
    "hexrandomblob4||'-'||hexrandomblob2||'-4'||substrhexrandomblob2,2||'-'||substr'89ab',absrandom%4+1,1||substrhexrandomblob2,2||'-'||hexrandomblob6",
    "hexrandomblob4||'-'||hexrandomblob2||'-4'||substrhexrandomblob2,2||'-'||substr'89ab',1+absrandom%4,1||substrhexrandomblob2,2||'-'||hexrandomblob6",
    "hexrandomblob4||'-'||hexrandomblob2||'-'||'4'||substrhexrandomblob2,2||'-'||substr'89ab',absrandom%4+1,1||substrhexrandomblob2,2||'-'||hexrandomblob6",
    "hexrandomblob4||'-'||hexrandomblob2||'-'||'4'||substrhexrandomblob2,2||'-'||substr'89ab',1+absrandom%4,1||substrhexrandomblob2,2||'-'||hexrandomblob6",
];

impl Translator<'_> {
    /// The expression's SQL with the column's affinity applied, for the column's type.
    pub(crate) fn assigned(&mut self, expression: &Expr<'_>, column: &ScopeColumn) -> Result<String> {
        let source = expression.to_string();
        let source = source.trim();
        if let Some(special) = self.special(expression, column.value_type, source) {
            return Ok(special);
        }
        let of_moment = match column.value_type {
            ValueType::Integer | ValueType::Numeric | ValueType::Real if column.affinity.is_numeric() => {
                self.moment_as_integer(expression, source)
            }
            _ => None,
        };
        let value = match (of_moment, column.value_type, column.affinity) {
            (Some(number), ..) => number?,
            (None, ValueType::Text, Affinity::Text) => self.text(expression)?,
            _ => self.value(expression)?,
        };
        let value = self.settled_as(value, column.value_type)?;
        if value.is_null() {
            return Ok("NULL".to_owned());
        }
        let value = match value.text().map(number_in) {
            Some(Some(number)) if column.affinity.is_numeric() => Value::constant(number, source),
            _ => value,
        };
        let refused = || Untranslated::Types(source.to_owned());
        let same = value.value_type == column.value_type;
        match column.value_type {
            ValueType::Text if column.affinity == Affinity::Text || value.is_text() => {
                Ok(self.text_of(value)?.sql)
            }
            ValueType::SmallInt | ValueType::Integer | ValueType::Numeric if value.is_integer() => {
                Ok(value.into_integer().sql)
            }
            ValueType::Boolean => match value.constant {
                Some(Constant::Integer(it @ 0..=1)) => Ok((it == 1).to_string()),
                None if same => Ok(value.sql),
                _ => Err(refused()),
            },
            ValueType::Real if value.value_type == ValueType::Real => {
                if value.maybe_integer && column.affinity != Affinity::Real {
                    return Err(refused());
                }
                Ok(value.sql)
            }
            // Both round an integer to the nearest double.
            ValueType::Real if value.is_integer() && column.affinity == Affinity::Real => {
                Ok(format!("{}::double precision", value.as_integer_sql()))
            }
            ValueType::Blob if same => Ok(value.sql),
            ValueType::Date | ValueType::Time | ValueType::Timestamp | ValueType::Uuid => {
                let literal = value.text().and_then(|it| literal_like(column.value_type, it));
                match literal {
                    Some(literal) => Ok(literal),
                    None if same => Ok(value.sql),
                    None => Err(refused()),
                }
            }
            _ => Err(refused()),
        }
    }

    /// Texts for which the column's type has a value of its own.
    fn special(&mut self, expression: &Expr<'_>, value_type: ValueType, source: &str) -> Option<String> {
        match (value_type, expression) {
            (_, Expr::Parenthesized(inner)) if inner.len() == 1 => {
                self.special(&inner[0], value_type, source)
            }
            (ValueType::Uuid, _) => {
                let bare: String = source
                    .to_ascii_lowercase()
                    .replace("lower", "")
                    .chars()
                    .filter(|it| !it.is_whitespace() && !"()".contains(*it))
                    .collect();
                let bare = bare
                    .replace("'ab89'", "'89ab'")
                    .replace("'8','9','a','b'", "'89ab'");
                if ["randomblob16", "hexrandomblob16"].contains(&bare.as_str()) {
                    // All 128 bits are random, where `gen_random_uuid` would set the version among them.
                    self.immutable = false;
                    return Some(format!("encode(substr({RANDOM}, 1, 16), 'hex'::text)::uuid"));
                }
                RANDOM_UUIDS.contains(&bare.as_str()).then(|| {
                    self.immutable = false;
                    "gen_random_uuid()".to_owned()
                })
            }
            // A text of the moment with the sign of UTC is the moment itself.
            (
                ValueType::TimestampTz,
                Expr::FunctionCall {
                    name,
                    args: Some([format, now]),
                    ..
                },
            ) if name.0.eq_ignore_ascii_case("strftime") => {
                let format = unquote(format.to_string().trim());
                let is_now = unquote(now.to_string().trim()).eq_ignore_ascii_case("now");
                let whole = [
                    "%Y-%m-%dT%H:%M:%fZ",
                    "%Y-%m-%dT%H:%M:%SZ",
                    "%Y-%m-%d %H:%M:%fZ",
                    "%Y-%m-%d %H:%M:%SZ",
                    "%FT%TZ",
                ];
                (is_now && whole.contains(&format.as_str())).then(|| {
                    self.immutable = false;
                    "CURRENT_TIMESTAMP".to_owned()
                })
            }
            _ => None,
        }
    }
}
