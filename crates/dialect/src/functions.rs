//! Functions, by their names in lower case.

use sqlite3_parser::ast::Expr;

use crate::arithmetic::nearest_double;
use crate::expression::Untranslated;
use crate::scope::ValueType;
use crate::translator::{Result, Translator};
use crate::value::{Constant, Value};

/// No text has more bytes (`SQLITE_MAX_LENGTH`).
pub(crate) const LENGTH_MAX: i128 = 1_000_000_000;

/// As many random bytes as one hash gives.
const RANDOM_BYTES_MAX: i64 = 32;
/// Of far more random bits than the bytes that are taken of it; in core, unlike `gen_random_bytes`.
pub(crate) const RANDOM: &str = "sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))";

impl Translator<'_> {
    pub(crate) fn function(&mut self, name: &str, arguments: &[Expr<'_>], source: &str) -> Result<Value> {
        match (name, arguments) {
            ("coalesce", [_, _, ..]) | ("ifnull", [_, _]) => self.coalesce(arguments, source),
            ("nullif", [left, right]) => self.nullif(left, right, source),
            ("iif" | "if", [condition, results @ ..]) if (1..=2).contains(&results.len()) => {
                let condition = self.condition(condition)?;
                let results = results
                    .iter()
                    .map(|it| self.value(it))
                    .collect::<Result<Vec<_>>>()?;
                self.chosen(&[condition], results, source)
            }
            ("max", [_, _, ..]) => self.extreme("GREATEST", arguments, source),
            ("min", [_, _, ..]) => self.extreme("LEAST", arguments, source),
            ("max" | "min" | "count" | "sum" | "total" | "avg" | "group_concat", _) => {
                Err(Untranslated::Query(source.to_owned()))
            }
            ("typeof", [argument]) => self.type_name(argument, source),
            ("likely" | "unlikely", [argument]) | ("likelihood", [argument, _]) => {
                let value = self.value(argument)?;
                Ok(Value {
                    affinity: None,
                    ..value
                })
            }
            ("abs", [argument]) => self.absolute(argument, source),
            ("round", [argument]) => self.round(argument, source),
            ("round", [argument, places]) => self.round_places(argument, places, source),
            ("sign", [argument]) => {
                let value = self.value(argument)?;
                let value = self.number(value, source)?;
                let sql = format!(
                    "sign({})::bigint",
                    if value.is_integer() {
                        value.wide()
                    } else {
                        value.sql.clone()
                    }
                );
                Ok(Value::call(sql, source, ValueType::Integer, &[&value]).with_range(-1, 1))
            }
            ("json_extract", [document, path]) => self.json_extract(document, path, source),
            ("json_valid", [document]) => self.json_column_valid(document, source),
            ("random", []) => Ok(self.random(
                format!("('x'::text || encode(substr({RANDOM}, 1, 8), 'hex'::text))::bit(64)::bigint"),
                source,
                ValueType::Integer,
            )),
            ("randomblob", [count]) => {
                let count = self.value(count)?;
                match count.integer() {
                    Some(it @ 1..=RANDOM_BYTES_MAX) => {
                        Ok(self.random(format!("substr({RANDOM}, 1, {it})"), source, ValueType::Blob))
                    }
                    _ => Err(Untranslated::Function(source.to_owned())),
                }
            }
            ("hex", [argument]) => self.hex(argument, source),
            ("like", [pattern, text]) => self.like(
                text,
                false,
                sqlite3_parser::ast::LikeOperator::Like,
                pattern,
                None,
                source,
            ),
            ("glob", [pattern, text]) => self.like(
                text,
                false,
                sqlite3_parser::ast::LikeOperator::Glob,
                pattern,
                None,
                source,
            ),
            ("date" | "time" | "datetime" | "julianday" | "unixepoch" | "strftime", _) => {
                self.moment(name, arguments, source)
            }
            _ => self.string_function(name, arguments, source),
        }
    }

    fn random(&mut self, sql: String, source: &str, value_type: ValueType) -> Value {
        self.immutable = false;
        Value {
            volatile: true,
            ..Value::call(sql, source, value_type, &[])
        }
    }

    fn absolute(&mut self, argument: &Expr<'_>, source: &str) -> Result<Value> {
        let value = self.value(argument)?;
        // Of a text it is a real, whatever the text says.
        if value.text().is_some() {
            return Err(Untranslated::Types(source.to_owned()));
        }
        let value = self.number(value, source)?;
        let sql = if value.is_integer() {
            value.wide()
        } else {
            value.sql.clone()
        };
        let value_type = if value.is_integer() {
            ValueType::Integer
        } else {
            ValueType::Real
        };
        let result = Value {
            maybe_integer: value.maybe_integer,
            ..Value::call(format!("abs({sql})"), source, value_type, &[&value])
        };
        Ok(match value.range {
            Some((least, most)) => result.with_range(0, least.abs().max(most.abs())),
            // Of the least integer neither of the two has the absolute value: both refuse it.
            None if value.is_integer() => result.with_range(0, i128::from(i64::MAX)),
            None => result,
        })
    }

    /// Half goes away from zero; the server's own `round(double precision)` goes to the even one.
    fn round(&mut self, argument: &Expr<'_>, source: &str) -> Result<Value> {
        let value = self.value(argument)?;
        let value = self.number(value, source)?;
        if value.volatile {
            return Err(Untranslated::Function(source.to_owned()));
        }
        if value.is_integer() {
            return Ok(real_of(&value, source));
        }
        let it = value.operand();
        // From 2^52 on every double is whole.
        let sql = format!(
            "CASE WHEN abs({it}) < '4503599627370496.0'::double precision THEN trunc({it} + CASE WHEN {it} < '0.0'::double precision THEN '-0.5'::double precision ELSE '0.5'::double precision END) + '0.0'::double precision ELSE {it} END"
        );
        Ok(Value::of(sql, source, ValueType::Real, &[&value]))
    }

    /// Of a real SQLite rounds the binary number, PostgreSQL the decimal one that is printed: 9.95 becomes 9.9 there and
    /// 10.0 here.
    fn round_places(&mut self, argument: &Expr<'_>, places: &Expr<'_>, source: &str) -> Result<Value> {
        let (value, places) = (self.value(argument)?, self.value(places)?);
        let value = self.number(value, source)?;
        match places.integer() {
            Some(it) if it >= 0 && value.is_integer() => Ok(real_of(&value, source)),
            _ => Err(Untranslated::Rounding(source.to_owned())),
        }
    }

    fn hex(&mut self, argument: &Expr<'_>, source: &str) -> Result<Value> {
        let value = self.value(argument)?;
        let bytes = if value.value_type == ValueType::Blob {
            value
        } else {
            self.refuse_other_bytes(&value, source)?;
            let text = self.text_of(value)?;
            // It hangs on nothing but the database's encoding, which never changes; the server calls it stable.
            self.immutable = false;
            Value::call(
                format!("convert_to({}, 'UTF8'::name)", text.sql),
                source,
                ValueType::Blob,
                &[&text],
            )
        };
        if bytes.is_null() {
            return Ok(Value::constant(Constant::Text(String::new()), source));
        }
        let sql = format!("upper(encode({}, 'hex'::text))", bytes.sql);
        // Of NULL SQLite makes an empty text.
        let sql = if bytes.nullable {
            format!("COALESCE({sql}, ''::text)")
        } else {
            sql
        };
        Ok(Value {
            nullable: false,
            ..Value::call(sql, source, ValueType::Text, &[&bytes])
        })
    }
}

/// An integer as the real that is nearest.
fn real_of(value: &Value, source: &str) -> Value {
    Value::call(nearest_double(value.clone()), source, ValueType::Real, &[value])
}
