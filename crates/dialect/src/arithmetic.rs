//! Numbers: operators and casts.

use sqlite3_parser::ast::{Expr, Operator, UnaryOperator};

use crate::expression::{Assumption, Untranslated};
use crate::scope::{Affinity, ValueType};
use crate::translator::{Result, Translator};
use crate::value::{Constant, EXACT_MAX, Value, number_as_written, number_in};

const LEAST: i128 = i64::MIN as i128;
const MOST: i128 = i64::MAX as i128;

impl Translator<'_> {
    pub(crate) fn unary(&mut self, operator: UnaryOperator, inner: &Expr<'_>, source: &str) -> Result<Value> {
        let value = self.value(inner)?;
        if operator == UnaryOperator::Positive {
            // It changes nothing but that a column is no longer one.
            return Ok(Value {
                affinity: None,
                source: source.to_owned(),
                ..value
            });
        }
        if operator == UnaryOperator::Negative {
            match value.constant {
                Some(Constant::Integer(it)) => {
                    let negated = it
                        .checked_neg()
                        .ok_or_else(|| Untranslated::Operator(source.to_owned()))?;
                    return Ok(Value::constant(Constant::Integer(negated), source));
                }
                // 9223372036854775808 is a real, but with a sign before it an integer.
                Some(Constant::Real(9_223_372_036_854_775_808.0)) => {
                    return Err(Untranslated::Operator(source.to_owned()));
                }
                Some(Constant::Real(it)) if it != 0.0 => {
                    return Ok(Value::constant(Constant::Real(-it), source));
                }
                _ => {}
            }
        }
        let value = self.number(value, source)?;
        if operator == UnaryOperator::BitwiseNot {
            if !value.is_integer() {
                return Err(Untranslated::Types(source.to_owned()));
            }
            return Ok(Value::of(
                format!("~ {}", value.wide()),
                source,
                ValueType::Integer,
                &[&value],
            ));
        }
        // SQLite subtracts from zero, so that no zero gets a sign.
        if value.is_integer() {
            let range = value.range.map(|(least, most)| (-most, -least));
            let sql = format!("- {}", value.wide());
            return Ok(self.integer_result(sql, range, source, &[&value]));
        }
        Ok(Value {
            maybe_integer: value.maybe_integer,
            ..Value::of(
                format!("'0.0'::double precision - {}", value.operand()),
                source,
                ValueType::Real,
                &[&value],
            )
        })
    }

    pub(crate) fn arithmetic(
        &mut self,
        left: &Expr<'_>,
        operator: Operator,
        right: &Expr<'_>,
        source: &str,
    ) -> Result<Value> {
        let (left, right) = (self.value(left)?, self.value(right)?);
        let left = self.calculable(left, source)?;
        let right = self.calculable(right, source)?;
        if left.is_integer() && right.is_integer() {
            return self.integer_arithmetic(&left, operator, &right, source);
        }
        let word = match operator {
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            _ => return Err(Untranslated::Types(source.to_owned())),
        };
        let maybe_integer =
            (left.maybe_integer || left.is_integer()) && (right.maybe_integer || right.is_integer());
        if maybe_integer && operator == Operator::Divide {
            return Err(Untranslated::Types(source.to_owned()));
        }
        if maybe_integer {
            // Two integers are calculated with as such.
            self.assume_exact(&left);
            self.assume_exact(&right);
        }
        let (a, b) = (left.source.clone(), right.source.clone());
        let parts = [left.clone(), right.clone()];
        let (left, mut right) = (nearest_double(left), nearest_double(right));
        if operator == Operator::Divide && !matches!(parts[1].constant, Some(Constant::Real(it)) if it != 0.0)
        {
            right = format!("NULLIF({right}, '0.0'::double precision)");
        }
        // PostgreSQL refuses what becomes infinite, or too small for anything but zero.
        let bound = if maybe_integer {
            EXACT_MAX.to_string()
        } else {
            "1e300".to_owned()
        };
        let of_zero = match operator {
            Operator::Multiply => {
                format!(
                    "({a}) = 0 AND ({b}) BETWEEN -1e300 AND 1e300 OR ({b}) = 0 AND ({a}) BETWEEN -1e300 AND 1e300"
                )
            }
            Operator::Divide => format!("({b}) = 0 OR ({a}) = 0 AND ({b}) BETWEEN -1e300 AND 1e300"),
            _ => "0".to_owned(),
        };
        let too_small = match operator {
            Operator::Multiply | Operator::Divide => {
                format!(" AND ({source}) NOT BETWEEN -1e-300 AND 1e-300")
            }
            _ => String::new(),
        };
        self.assumptions.insert(Assumption {
            raises: !maybe_integer,
            condition: format!(
                "({a}) IS NULL OR ({b}) IS NULL OR coalesce(({source}) BETWEEN -{bound} AND {bound}{too_small}, 0) OR {of_zero}"
            ),
            otherwise: format!("numbers for which {source} is too large or too small"),
            apart: [a, b].iter().map(|side| moderate(side, operator)).collect(),
            ..Assumption::default()
        });
        let mut value = Value::of(
            format!("{left} {word} {right}"),
            source,
            ValueType::Real,
            &[&parts[0], &parts[1]],
        );
        value.nullable |= operator == Operator::Divide;
        Ok(Value {
            maybe_integer,
            ..value
        })
    }

    fn integer_arithmetic(
        &mut self,
        left: &Value,
        operator: Operator,
        right: &Value,
        source: &str,
    ) -> Result<Value> {
        let bounds = |merge: fn(i128, i128) -> i128| {
            let ((a, b), (c, d)) = (left.range?, right.range?);
            let all = [merge(a, c), merge(a, d), merge(b, c), merge(b, d)];
            Some((*all.iter().min()?, *all.iter().max()?))
        };
        if let (Some(a), Some(b)) = (left.integer(), right.integer()) {
            let folded = match operator {
                Operator::Add => a.checked_add(b),
                Operator::Subtract => a.checked_sub(b),
                Operator::Multiply => a.checked_mul(b),
                _ => None,
            };
            if let Some(it) = folded {
                return Ok(Value::constant(Constant::Integer(it), source));
            }
        }
        let parts = [left, right];
        let plain = |word: &str| format!("{} {word} {}", left.wide(), right.wide());
        // A divisor of zero gives NULL.
        let divisor = match right.integer() {
            Some(it) if it != 0 => right.wide(),
            _ => format!("NULLIF({}, 0)", right.wide()),
        };
        let divided = |word: &str| format!("{} {word} {divisor}", left.wide());
        let mut value = match operator {
            Operator::Add => self.integer_result(plain("+"), bounds(|a, b| a + b), source, &parts),
            Operator::Subtract => self.integer_result(plain("-"), bounds(|a, b| a - b), source, &parts),
            Operator::Multiply => {
                self.integer_result(plain("*"), bounds(i128::saturating_mul), source, &parts)
            }
            Operator::Divide => {
                let range = left.range.filter(|_| right.within(1, MOST));
                self.integer_result(
                    divided("/"),
                    range.map(|(a, b)| (a.min(0), b.max(0))),
                    source,
                    &parts,
                )
            }
            Operator::Modulus => {
                let value = Value::of(divided("%"), source, ValueType::Integer, &parts);
                match right.integer() {
                    Some(it) if it != 0 => {
                        let most = i128::from(it).abs() - 1;
                        let least = if left.within(0, i128::MAX) { 0 } else { -most };
                        value.with_range(least, most)
                    }
                    _ => value,
                }
            }
            Operator::BitwiseAnd => Value::of(plain("&"), source, ValueType::Integer, &parts),
            Operator::BitwiseOr => Value::of(plain("|"), source, ValueType::Integer, &parts),
            // SQLite shifts the other way by a negative number, and shifts all bits out by 64.
            Operator::LeftShift | Operator::RightShift => match right.integer() {
                Some(it @ 0..=63) => {
                    let word = if operator == Operator::LeftShift {
                        "<<"
                    } else {
                        ">>"
                    };
                    Value::of(
                        format!("{} {word} {it}", left.wide()),
                        source,
                        ValueType::Integer,
                        &parts,
                    )
                }
                _ => return Err(Untranslated::Operator(source.to_owned())),
            },
            _ => return Err(Untranslated::Operator(source.to_owned())),
        };
        value.nullable |= matches!(operator, Operator::Divide | Operator::Modulus)
            && right.integer().is_none_or(|it| it == 0);
        Ok(value)
    }

    /// An integer calculated in 64 bits, where SQLite would go on with reals.
    pub(crate) fn integer_result(
        &mut self,
        sql: String,
        range: Option<(i128, i128)>,
        source: &str,
        parts: &[&Value],
    ) -> Value {
        let value = Value::of(sql, source, ValueType::Integer, parts);
        match range {
            Some((least, most)) if LEAST <= least && most <= MOST => value.with_range(least, most),
            _ => {
                self.assume_or_raise(
                    true,
                    format!("typeof({source}) <> 'real'"),
                    format!("numbers for which {source} exceeds 64 bits"),
                );
                value
            }
        }
    }

    /// The value as a number of which every integer is exact as a double.
    pub(crate) fn number(&mut self, value: Value, source: &str) -> Result<Value> {
        let value = self.calculable(value, source)?;
        if value.maybe_integer {
            self.assume_exact(&value);
        }
        Ok(value)
    }

    /// Takes for granted that the value, where it is an integer, is exact as a double.
    fn assume_exact(&mut self, value: &Value) {
        if !value.within(-EXACT_MAX, EXACT_MAX) {
            self.assume(
                format!("({}) BETWEEN -{EXACT_MAX} AND {EXACT_MAX}", value.source),
                format!("a number beyond 2^53 in {}", value.source),
            );
        }
    }

    /// The value as a number, as arithmetic takes it.
    fn calculable(&mut self, value: Value, source: &str) -> Result<Value> {
        let value = self.settled_as_number(value)?;
        match &value.constant {
            Some(Constant::Text(text)) => {
                let constant =
                    number_as_written(text).ok_or_else(|| Untranslated::Types(source.to_owned()))?;
                return Ok(Value::constant(constant, &value.source));
            }
            Some(Constant::Null) => {
                return Ok(Value {
                    sql: "NULL::bigint".to_owned(),
                    value_type: ValueType::Integer,
                    constant: None,
                    ..value
                });
            }
            _ => {}
        }
        match value.value_type {
            ValueType::Numeric => {
                // Its decimal is the shortest one of the double, so that it becomes the same double.
                Ok(Value {
                    sql: format!("{}::double precision", value.operand()),
                    atom: true,
                    value_type: ValueType::Real,
                    maybe_integer: true,
                    ..value
                })
            }
            ValueType::SmallInt | ValueType::Integer | ValueType::Boolean | ValueType::Real => Ok(value),
            _ => Err(Untranslated::Types(source.to_owned())),
        }
    }

    pub(crate) fn cast(&mut self, inner: &Expr<'_>, declared: &str, source: &str) -> Result<Value> {
        let affinity = Affinity::of(declared);
        let value = match affinity {
            Affinity::Text => self.text(inner)?,
            Affinity::Integer | Affinity::Numeric => match self.moment_as_integer(inner, source) {
                Some(number) => number?,
                None => self.value(inner)?,
            },
            _ => self.value(inner)?,
        };
        if value.is_null() {
            return Ok(Value::constant(Constant::Null, source));
        }
        let refused = || Untranslated::Types(source.to_owned());
        let cast = match affinity {
            Affinity::Text => value,
            Affinity::Integer => self.cast_to_integer(value, source)?,
            Affinity::Real => {
                let number = self.settled_as_number(value)?;
                let number = match number.text().map(number_in) {
                    Some(constant) => Value::constant(constant.ok_or_else(refused)?, source),
                    None => self.calculable(number, source)?,
                };
                let sql = nearest_double(number.clone());
                Value::call(sql, source, ValueType::Real, &[&number])
            }
            Affinity::Numeric if value.is_integer() => value,
            Affinity::Blob if value.value_type == ValueType::Blob => value,
            Affinity::Numeric | Affinity::Blob => return Err(refused()),
        };
        Ok(Value {
            affinity: Some(affinity),
            source: source.to_owned(),
            ..cast
        })
    }

    fn cast_to_integer(&mut self, value: Value, source: &str) -> Result<Value> {
        let value = self.settled_as_number(value)?;
        if value.is_integer() {
            return Ok(value);
        }
        if let Some(text) = value.text() {
            // Of any other number SQLite takes the digits that it begins with.
            return match number_as_written(text) {
                Some(constant @ Constant::Integer(_)) => Ok(Value::constant(constant, source)),
                _ => Err(Untranslated::Types(source.to_owned())),
            };
        }
        match value.value_type {
            ValueType::Real | ValueType::Numeric => {
                // SQLite takes the nearest integer that there is.
                self.assume_or_raise(
                    true,
                    format!("({}) BETWEEN -9e18 AND 9e18", value.source),
                    format!("numbers for which {source} exceeds 64 bits"),
                );
                let sql = format!("trunc({})::bigint", value.sql);
                Ok(Value::call(sql, source, ValueType::Integer, &[&value]))
            }
            _ => Err(Untranslated::Types(source.to_owned())),
        }
    }
}

/// A number as the double that SQLite calculates with: both databases take the one that is nearest to an integer.
pub(crate) fn nearest_double(value: Value) -> String {
    match value.constant {
        #[expect(clippy::cast_precision_loss, reason = "the nearest double is what is wanted")]
        Some(Constant::Integer(it)) => Value::constant(Constant::Real(it as f64), "").sql,
        _ if value.value_type == ValueType::Real => value.operand(),
        _ => format!("{}::double precision", value.into_integer().operand()),
    }
}

/// One side of a calculation that stays exact as a double if both sides are so.
fn moderate(side: &str, operator: Operator) -> Assumption {
    let (least, most) = match operator {
        Operator::Multiply => ("1e-149", 94_906_265_i64),
        _ => ("0", 1 << 52),
    };
    Assumption {
        condition: format!(
            "({side}) BETWEEN -{most} AND -{least} OR ({side}) BETWEEN {least} AND {most} OR ({side}) = 0"
        ),
        otherwise: format!("a number that is too large or too small in {side}"),
        ..Assumption::default()
    }
}
