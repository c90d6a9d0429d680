//! Aggregates, with FILTER and OVER.

use sqlite3_parser::ast::{Distinctness, Expr, FunctionCallOrder, FunctionTail, Literal};

use super::frame::Frame;
use super::nested::of_type;
use super::refusal::{Form, Refusal};
use super::types::{equality_key, is_one_value, sort_key};
use super::{Reader, Remark};
use crate::parse::unquote;
use crate::{Collation, Expression, Untranslated, ValueType};

/// The parts of a call.
pub(super) struct Call<'a> {
    pub(super) name: String,
    pub(super) is_distinct: bool,
    pub(super) arguments: &'a [Expr<'a>],
    order: Option<&'a FunctionCallOrder<'a>>,
    pub(super) tail: Option<&'a FunctionTail<'a>>,
    pub(super) text: &'a Expr<'a>,
}

impl Reader<'_> {
    /// A call, if it is one of an aggregate or of a window function.
    pub(super) fn call(
        &self,
        expression: &Expr<'_>,
        frame: &Frame<'_>,
    ) -> Result<Option<Expression>, Refusal> {
        let call = match expression {
            Expr::FunctionCall {
                name,
                distinctness,
                args,
                order_by,
                filter_over,
            } => Call {
                name: unquote(name.0).to_ascii_lowercase(),
                is_distinct: *distinctness == Some(Distinctness::Distinct),
                arguments: args.unwrap_or_default(),
                order: order_by.as_ref(),
                tail: filter_over.as_ref(),
                text: expression,
            },
            Expr::FunctionCallStar { name, filter_over } => Call {
                name: unquote(name.0).to_ascii_lowercase(),
                is_distinct: false,
                arguments: &[],
                order: None,
                tail: filter_over.as_ref(),
                text: expression,
            },
            _ => return Ok(None),
        };
        let over = call.tail.and_then(|it| it.over_clause);
        if !is_one(&call.name, call.arguments.len()) {
            return match over {
                Some(over) => self.window_function(&call, over, frame).map(Some),
                None => Ok(None),
            };
        }
        let seen = &frame.seen;
        let (own, outer) = (seen.own_columns.get(), seen.outer_columns.get());
        if over.is_none() {
            seen.aggregate.set(true);
            seen.in_aggregate.set(seen.in_aggregate.get() + 1);
        }
        let read = self.aggregate(&call, frame);
        if over.is_none() {
            seen.in_aggregate.set(seen.in_aggregate.get() - 1);
        }
        let read = read?;
        if over.is_none() && seen.own_columns.get() == own && seen.outer_columns.get() > outer {
            return Err(Form::OuterAggregate.into());
        }
        Ok(Some(read))
    }

    fn aggregate(&self, call: &Call<'_>, frame: &Frame<'_>) -> Result<Expression, Refusal> {
        let tail = self.tail(call, frame)?;
        let distinct = if call.is_distinct { "DISTINCT " } else { "" };
        let Some(argument) = call.arguments.first() else {
            return match call.name.as_str() {
                "count" => Ok(of_type(format!("count(*){tail}"), ValueType::Integer)),
                _ => Err(unknown(call)),
            };
        };
        let value = self.expression(argument, frame)?;
        let collation = self.own_collation(argument, frame);
        if call.is_distinct && !is_one_value(value.value_type, collation) {
            return match equality_key(&format!("({})", value.sql), value.value_type, collation) {
                Some(key) if call.name == "count" && call.arguments.len() == 1 => Ok(of_type(
                    format!("count(DISTINCT {key}){tail}"),
                    ValueType::Integer,
                )),
                _ => Err(Refusal::NoOrder {
                    column: argument.to_string(),
                }),
            };
        }
        if call.arguments.len() > 1 && !matches!(call.name.as_str(), "group_concat" | "string_agg") {
            return Err(unknown(call));
        }
        let sum = |sql: &str| format!("sum({distinct}{sql}){tail}");
        let number = match value.value_type {
            ValueType::Boolean => format!("({})::integer", value.sql),
            ValueType::Null => format!("({})::bigint", value.sql),
            _ => value.sql.clone(),
        };
        let is_whole = matches!(
            value.value_type,
            ValueType::SmallInt | ValueType::Integer | ValueType::Boolean | ValueType::Null
        );
        let is_number = is_whole || matches!(value.value_type, ValueType::Real | ValueType::Numeric);
        let real = || format!("({})::double precision", sum(&number));
        match call.name.as_str() {
            "count" if value.value_type == ValueType::Null => Ok(of_type(
                format!("count({distinct}({})::text){tail}", value.sql),
                ValueType::Integer,
            )),
            "count" => Ok(of_type(
                format!("count({distinct}{}){tail}", value.sql),
                ValueType::Integer,
            )),
            "sum" | "total" | "avg" if !is_number => Err(Refusal::NoOrder {
                column: argument.to_string(),
            }),
            "sum" if is_whole => Ok(of_type(format!("({})::bigint", sum(&number)), ValueType::Integer)),
            "sum" => {
                self.remark_sum(value.value_type);
                Ok(of_type(sum(&number), value.value_type))
            }
            "total" => {
                self.remark_sum(value.value_type);
                Ok(of_type(
                    format!("COALESCE({}, (0)::double precision)", real()),
                    ValueType::Real,
                ))
            }
            "avg" => {
                self.remark_sum(value.value_type);
                let count = format!("count({distinct}{number}){tail}");
                // SQLite divides the sum, as a floating-point number, by the count.
                let sql = format!("({} / (NULLIF({count}, 0))::double precision)", real());
                Ok(of_type(sql, ValueType::Real))
            }
            "min" | "max" => {
                self.assume_sorted_alike(Some((argument, frame)), value.value_type, collation)?;
                extreme(call, &value, collation, &tail)
            }
            "json_group_array" => self.array(call, &value, distinct, &tail, frame),
            _ => self.concatenated(call, &value, distinct, &tail, frame),
        }
    }

    fn remark_sum(&self, value_type: ValueType) {
        match value_type {
            ValueType::Real => self.remark(Remark::FloatingSum),
            ValueType::Numeric => self.remark(Remark::ExactSum),
            _ => {}
        }
    }

    /// ` FILTER (WHERE …) OVER (…)`
    pub(super) fn tail(&self, call: &Call<'_>, frame: &Frame<'_>) -> Result<String, Refusal> {
        let mut sql = String::new();
        let Some(tail) = call.tail else {
            return Ok(sql);
        };
        if let Some(condition) = tail.filter_clause {
            sql = format!(" FILTER (WHERE {})", self.condition(condition, frame)?);
        }
        if let Some(over) = tail.over_clause {
            sql.push_str(&self.over(over, frame)?);
        }
        Ok(sql)
    }

    fn order_in(&self, call: &Call<'_>, frame: &Frame<'_>) -> Result<String, Refusal> {
        match call.order {
            None => {
                self.remark(Remark::ConcatenationOrder);
                Ok(String::new())
            }
            // PostgreSQL sorts what is DISTINCT by itself.
            Some(_) if call.is_distinct => Err(Form::AggregateOrder.into()),
            Some(FunctionCallOrder::SortList(terms)) => {
                Ok(format!(" ORDER BY {}", self.sort_list(terms, frame)?))
            }
        }
    }

    fn concatenated(
        &self,
        call: &Call<'_>,
        value: &Expression,
        distinct: &str,
        tail: &str,
        frame: &Frame<'_>,
    ) -> Result<Expression, Refusal> {
        let separator = match call.arguments.get(1) {
            None if call.name == "group_concat" => "','::text".to_owned(),
            Some(given @ Expr::Literal(Literal::String(_))) if call.arguments.len() == 2 => {
                format!("({})::text", self.expression(given, frame)?.sql)
            }
            _ => return Err(unknown(call)),
        };
        let text = match value.value_type {
            ValueType::Text => value.sql.clone(),
            ValueType::SmallInt | ValueType::Integer | ValueType::Date | ValueType::Uuid => {
                format!("({})::text", value.sql)
            }
            ValueType::Boolean => format!("(({})::integer)::text", value.sql),
            _ => return Err(Untranslated::NumberAsText(call.text.to_string()).into()),
        };
        let order = self.order_in(call, frame)?;
        Ok(of_type(
            format!("string_agg({distinct}{text}, {separator}{order}){tail}"),
            ValueType::Text,
        ))
    }

    /// An array as SQLite writes it: without blanks, and empty where PostgreSQL says NULL.
    fn array(
        &self,
        call: &Call<'_>,
        value: &Expression,
        distinct: &str,
        tail: &str,
        frame: &Frame<'_>,
    ) -> Result<Expression, Refusal> {
        if !matches!(
            value.value_type,
            ValueType::Text | ValueType::SmallInt | ValueType::Integer
        ) {
            return Err(unknown(call));
        }
        let order = self.order_in(call, frame)?;
        let element = format!("COALESCE((to_json({}))::text, 'null'::text)", value.sql);
        let list = format!("string_agg({distinct}{element}, ','::text{order}){tail}");
        Ok(of_type(
            format!("((('['::text || COALESCE({list}, ''::text)) || ']'::text))::json"),
            ValueType::Json,
        ))
    }
}

/// Whether the function of that name, in lower case, is an aggregate.
pub(super) fn is_one(name: &str, argument_count: usize) -> bool {
    match name {
        "min" | "max" => argument_count == 1,
        name => matches!(
            name,
            "count" | "sum" | "total" | "avg" | "group_concat" | "string_agg" | "json_group_array"
        ),
    }
}

/// `min` and `max`, for types for which PostgreSQL has none too.
fn extreme(
    call: &Call<'_>,
    value: &Expression,
    collation: Collation,
    tail: &str,
) -> Result<Expression, Refusal> {
    let refused = || Refusal::NoOrder {
        column: call.arguments[0].to_string(),
    };
    let name = &call.name;
    let sql = match value.value_type {
        ValueType::Boolean if name == "min" => format!("bool_and({}){tail}", value.sql),
        ValueType::Boolean => format!("bool_or({}){tail}", value.sql),
        ValueType::Uuid => {
            let text = format!("({})::text COLLATE pg_catalog.\"C\"", value.sql);
            format!("({name}({text}){tail})::uuid")
        }
        ValueType::Blob => return Err(refused()),
        // Of values that NOCASE takes for equal, either database gives any.
        ValueType::Text if collation != Collation::Binary => return Err(refused()),
        other => {
            let key = sort_key(&format!("({})", value.sql), other, collation).ok_or_else(refused)?;
            format!("{name}({key}){tail}")
        }
    };
    Ok(of_type(sql, value.value_type))
}

pub(super) fn unknown(call: &Call<'_>) -> Refusal {
    Untranslated::Function(call.text.to_string()).into()
}
