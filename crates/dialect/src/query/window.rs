//! Windows: functions that are for them alone, and OVER.

use sqlite3_parser::ast::{Expr, FrameBound, FrameClause, FrameExclude, FrameMode, Over, Window};

use super::Reader;
use super::aggregate::{Call, unknown};
use super::frame::Frame;
use super::nested::of_type;
use super::refusal::{Form, Refusal};
use super::types::{equality_key, unified};
use crate::parse::unquote;
use crate::{Expression, ValueType};

impl Reader<'_> {
    /// A function that only a window has.
    pub(super) fn window_function(
        &self,
        call: &Call<'_>,
        over: &Over<'_>,
        frame: &Frame<'_>,
    ) -> Result<Expression, Refusal> {
        if call.tail.is_some_and(|it| it.filter_clause.is_some()) {
            return Err(unknown(call));
        }
        let over = self.over(over, frame)?;
        let name = call.name.as_str();
        match (name, call.arguments) {
            ("row_number" | "rank" | "dense_rank", []) => {
                Ok(of_type(format!("{name}(){over}"), ValueType::Integer))
            }
            ("percent_rank" | "cume_dist", []) => Ok(of_type(format!("{name}(){over}"), ValueType::Real)),
            ("ntile", [buckets]) => {
                let buckets = whole(buckets, call)?;
                let sql = format!("(ntile({buckets}){over})::bigint");
                Ok(of_type(sql, ValueType::Integer))
            }
            ("first_value" | "last_value", [value]) => {
                let value = self.expression(value, frame)?;
                Ok(of_type(format!("{name}({}){over}", value.sql), value.value_type))
            }
            ("nth_value", [value, place]) => {
                let place = whole(place, call)?;
                let value = self.expression(value, frame)?;
                Ok(of_type(
                    format!("nth_value({}, {place}){over}", value.sql),
                    value.value_type,
                ))
            }
            ("lag" | "lead", [value, rest @ ..]) if rest.len() <= 2 => {
                let distance = match rest.first() {
                    Some(distance) => whole(distance, call)?,
                    None => 1,
                };
                let value = self.expression(value, frame)?;
                let Some(default) = rest.get(1) else {
                    let sql = format!("{name}({}, {distance}){over}", value.sql);
                    return Ok(of_type(sql, value.value_type));
                };
                let default = self.expression(default, frame)?;
                let known = unified(value.value_type, default.value_type).ok_or_else(|| unknown(call))?;
                let (value, default) = (super::cast(&value, known), super::cast(&default, known));
                Ok(of_type(
                    format!("{name}({value}, {distance}, {default}){over}"),
                    known,
                ))
            }
            _ => Err(unknown(call)),
        }
    }

    /// ` OVER (…)`
    pub(super) fn over(&self, over: &Over<'_>, frame: &Frame<'_>) -> Result<String, Refusal> {
        Ok(match over {
            Over::Window(window) => format!(" OVER ({})", self.window(window, frame)?),
            // Written out at each place: the name would have to stand behind HAVING.
            Over::Name(name) => {
                let name = unquote(name.0);
                let named = frame
                    .windows
                    .iter()
                    .find(|it| unquote(it.name.0).eq_ignore_ascii_case(&name));
                let window = named.ok_or(Refusal::Unreadable)?;
                format!(" OVER ({})", self.window(&window.window, frame)?)
            }
        })
    }

    fn window(&self, window: &Window<'_>, frame: &Frame<'_>) -> Result<String, Refusal> {
        if window.base.is_some() {
            return Err(Form::WindowFrame.into());
        }
        let mut parts = Vec::new();
        if let Some(expressions) = window.partition_by {
            let mut keys = Vec::new();
            for expression in expressions {
                let value = self.expression(expression, frame)?;
                let collation = self.own_collation(expression, frame);
                let key = equality_key(&format!("({})", value.sql), value.value_type, collation);
                keys.push(key.ok_or_else(|| Refusal::NoOrder {
                    column: expression.to_string(),
                })?);
            }
            parts.push(format!("PARTITION BY {}", keys.join(", ")));
        }
        if let Some(order) = window.order_by {
            parts.push(format!("ORDER BY {}", self.sort_list(order, frame)?));
        }
        if let Some(clause) = &window.frame_clause {
            parts.push(rows_of(clause)?);
        }
        Ok(parts.join(" "))
    }
}

fn rows_of(clause: &FrameClause<'_>) -> Result<String, Form> {
    let mode = match clause.mode {
        FrameMode::Groups => "GROUPS",
        FrameMode::Range => "RANGE",
        FrameMode::Rows => "ROWS",
    };
    let bound = |it: &FrameBound<'_>| {
        let distance = |it: &Expr<'_>| match it.is_integer() {
            // RANGE measures values, by arithmetic that is not the same for all types.
            Some(number) if number >= 0 && clause.mode != FrameMode::Range => Ok(number),
            _ => Err(Form::WindowFrame),
        };
        Ok(match it {
            FrameBound::CurrentRow => "CURRENT ROW".to_owned(),
            FrameBound::Following(number) => format!("{} FOLLOWING", distance(number)?),
            FrameBound::Preceding(number) => format!("{} PRECEDING", distance(number)?),
            FrameBound::UnboundedFollowing => "UNBOUNDED FOLLOWING".to_owned(),
            FrameBound::UnboundedPreceding => "UNBOUNDED PRECEDING".to_owned(),
        })
    };
    let rows = match &clause.end {
        Some(end) => format!("BETWEEN {} AND {}", bound(&clause.start)?, bound(end)?),
        None => bound(&clause.start)?,
    };
    let exclude = match clause.exclude {
        None => "",
        Some(FrameExclude::NoOthers) => " EXCLUDE NO OTHERS",
        Some(FrameExclude::CurrentRow) => " EXCLUDE CURRENT ROW",
        Some(FrameExclude::Group) => " EXCLUDE GROUP",
        Some(FrameExclude::Ties) => " EXCLUDE TIES",
    };
    Ok(format!("{mode} {rows}{exclude}"))
}

/// A number of rows or of buckets, which PostgreSQL takes as `integer`.
fn whole(expression: &Expr<'_>, call: &Call<'_>) -> Result<i32, Refusal> {
    let number = expression.is_integer().and_then(|it| i32::try_from(it).ok());
    number.filter(|it| *it >= 0).ok_or_else(|| unknown(call))
}
