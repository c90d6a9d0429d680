//! SELECT in a trigger: it does nothing, unless `RAISE()` stands in it.

use sqlite3_parser::ast::{Expr, Literal, OneSelect, ResolveType, ResultColumn, Select};

use super::{Body, Guard, Timing};
use crate::ValueType;
use crate::parse::unquote;
use crate::query::{Form, Frame, Refusal, Remark, cast, children, quote_text};

impl Body<'_> {
    /// The statement that raises what the SELECT does; none where it has no effect.
    pub(super) fn select(&self, select: &Select<'_>) -> Result<Option<String>, Refusal> {
        let columns = match &select.body.select {
            OneSelect::Select { columns, .. } => *columns,
            OneSelect::Values(rows) => {
                let raises = rows.iter().flat_map(|row| row.iter()).any(has_raise);
                return if raises {
                    Err(Form::SelectRaise.into())
                } else {
                    Ok(None)
                };
            }
        };
        let is_compound = select.body.compounds.is_some();
        if !is_compound
            && !columns
                .iter()
                .any(|it| matches!(it, ResultColumn::Expr(it, _) if has_raise(it)))
        {
            return Ok(None);
        }
        let OneSelect::Select {
            from,
            where_clause,
            group_by: None,
            having: None,
            columns: [ResultColumn::Expr(raising, _)],
            ..
        } = &select.body.select
        else {
            return Err(Form::SelectRaise.into());
        };
        let has_limit = select
            .limit
            .is_some_and(|it| it.expr.is_integer().is_none_or(|it| it == 0) || it.offset.is_some());
        if is_compound || select.with.is_some() || has_limit {
            return Err(Form::SelectRaise.into());
        }
        let mut frame = Frame::within(Some(self.frame))?;
        let mut from_sql = None;
        if let Some(clause) = from.as_ref().filter(|it| it.select.is_some()) {
            let from = self.reader.joined(clause, Some(self.frame))?;
            frame.sources = from.sources;
            from_sql = Some(from.sql);
        }
        let filter = where_clause
            .map(|it| self.reader.condition(it, &frame))
            .transpose()?;
        let branches = self.branches(raising, &frame)?;
        let Some(from_sql) = from_sql else {
            return Ok(Some(chain(&branches, filter.as_deref())));
        };
        // Which of several branches comes first would hang on the order of the rows.
        let [branch] = branches.as_slice() else {
            return Err(Form::SelectRaise.into());
        };
        let conditions = filter.iter().chain(&branch.condition);
        let conditions: Vec<String> = conditions.map(|it| format!("({it})")).collect();
        let filter = if conditions.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", conditions.join(" AND "))
        };
        let exists = format!("EXISTS (SELECT FROM {from_sql}{filter})");
        Ok(Some(format!("IF {exists} THEN\n    {}\nEND IF;", branch.action)))
    }

    /// `RAISE()` alone, or in the branches of a CASE.
    fn branches(&self, raising: &Expr<'_>, frame: &Frame<'_>) -> Result<Vec<Branch>, Refusal> {
        match raising {
            Expr::Parenthesized(inner) if inner.len() == 1 => self.branches(&inner[0], frame),
            Expr::Raise(..) => Ok(vec![Branch {
                condition: None,
                action: self.raise(raising, frame)?,
            }]),
            Expr::Case {
                base: None,
                when_then_pairs,
                else_expr,
            } => {
                let mut branches = Vec::new();
                for (when, then) in *when_then_pairs {
                    branches.push(Branch {
                        condition: Some(self.reader.condition(when, frame)?),
                        action: self.raise(then, frame)?,
                    });
                }
                if let Some(otherwise) = else_expr.filter(|it| has_raise(it)) {
                    branches.push(Branch {
                        condition: None,
                        action: self.raise(otherwise, frame)?,
                    });
                }
                Ok(branches)
            }
            _ => Err(Form::SelectRaise.into()),
        }
    }

    /// The statement for `RAISE()`, or for a value, which does nothing.
    fn raise(&self, raising: &Expr<'_>, frame: &Frame<'_>) -> Result<String, Refusal> {
        let Expr::Raise(kind, message) = raising else {
            return if has_raise(raising) {
                Err(Form::SelectRaise.into())
            } else {
                Ok("NULL;".to_owned())
            };
        };
        let message = match (kind, message) {
            (ResolveType::Ignore, _) if self.timing == Timing::After && !self.is_alone => {
                return Err(Form::IgnoreAmongOthers.into());
            }
            (ResolveType::Ignore, _) => {
                let done = self.guard.map(|it: &Guard| format!("{}\n    ", it.turn(false)));
                return Ok(format!("{}RETURN NULL;", done.unwrap_or_default()));
            }
            (_, None) => return Err(Form::RaiseExpression.into()),
            (_, Some(message)) => message,
        };
        if matches!(kind, ResolveType::Fail | ResolveType::Rollback) {
            self.reader.remark(Remark::RaiseUndoes);
        }
        let message = match message {
            // Until 3.47 a name stood for a text here, and still does in quotes.
            Expr::Id(name) if name.0.starts_with(['"', '`', '[']) => quote_text(&unquote(name.0)),
            Expr::Literal(Literal::String(text)) => quote_text(&unquote(text)),
            other => {
                let value = self.reader.expression(other, frame)?;
                if value.value_type != ValueType::Text {
                    return Err(Form::RaiseExpression.into());
                }
                cast(&value, ValueType::Text)
            }
        };
        Ok(format!(
            "RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = {message};"
        ))
    }
}

struct Branch {
    condition: Option<String>,
    action: String,
}

/// IF and ELSIF, the first one that holds.
fn chain(branches: &[Branch], filter: Option<&str>) -> String {
    let mut lines = Vec::new();
    let mut is_open = false;
    for branch in branches {
        lines.extend(match (&branch.condition, is_open) {
            (Some(condition), false) => Some(format!("IF {condition} THEN")),
            (Some(condition), true) => Some(format!("ELSIF {condition} THEN")),
            (None, true) => Some("ELSE".to_owned()),
            (None, false) => None,
        });
        is_open |= branch.condition.is_some();
        lines.push(format!("    {}", branch.action));
    }
    if is_open {
        lines.push("END IF;".to_owned());
    }
    let sql = lines.join("\n");
    match filter {
        Some(filter) => format!("IF {filter} THEN\n{sql}\nEND IF;"),
        None => sql,
    }
}

fn has_raise(expression: &Expr<'_>) -> bool {
    matches!(expression, Expr::Raise(..)) || children(expression).into_iter().any(has_raise)
}
