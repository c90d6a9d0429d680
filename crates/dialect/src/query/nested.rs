//! Parts of an expression that only a query knows: subqueries, grouped values, names of result columns.

use sqlite3_parser::ast::{Expr, Operator, Select};

use super::frame::{Frame, Source};
use super::refusal::{Form, Refusal};
use super::select::Query;
use super::types::{equality_key, is_one_value, unified};
use super::{Reader, Remark};
use crate::collation::of_comparison;
use crate::parse::unquote;
use crate::relation::is_rowid;
use crate::{Expression, ValueType};

impl Reader<'_> {
    /// The part's translation; `None` where it is nothing that a query alone knows.
    pub(crate) fn part(
        &self,
        expression: &Expr<'_>,
        frame: &Frame<'_>,
    ) -> Result<Option<Expression>, Refusal> {
        if let Some(found) = self.grouped(expression, frame) {
            return Ok(Some(found));
        }
        Ok(Some(match expression {
            Expr::Binary(left, Operator::Equals | Operator::Is, right) => {
                return same_row(left, right, frame);
            }
            Expr::Subquery(select) => self.scalar(select, frame)?,
            Expr::Exists(select) => {
                let query = self.query(select, Some(frame))?;
                of_type(format!("(EXISTS ({}))", query.sql), ValueType::Boolean)
            }
            Expr::InSelect { lhs, not, rhs } => {
                let query = self.query(rhs, Some(frame))?;
                self.in_query(lhs, *not, &query, frame)?
            }
            Expr::InTable { lhs, not, rhs, args } => {
                if args.is_some() {
                    return Err(Form::TableFunction.into());
                }
                super::is_in_file(rhs.db_name.as_ref().map(|it| it.0))?;
                let query = self.whole_table(&unquote(rhs.name.0), frame)?;
                self.in_query(lhs, *not, &query, frame)?
            }
            Expr::Raise(..) => return Err(Form::RaiseInsideStatement.into()),
            Expr::Id(name) => {
                let name = unquote(name.0);
                let found = frame.find(None, &name)?.is_some();
                match frame.alias(&name) {
                    Some(meant) if !found => {
                        frame.seen.in_alias.set(true);
                        let value = self.expression(meant, frame);
                        frame.seen.in_alias.set(false);
                        let value = value?;
                        Expression {
                            sql: format!("({})", value.sql),
                            ..value
                        }
                    }
                    _ => return Ok(None),
                }
            }
            Expr::FunctionCall { .. } | Expr::FunctionCallStar { .. } => {
                return self.call(expression, frame);
            }
            _ => return Ok(None),
        }))
    }

    /// An expression that the query groups by.
    fn grouped(&self, expression: &Expr<'_>, frame: &Frame<'_>) -> Option<Expression> {
        if frame.seen.in_aggregate.get() > 0 || is_leaf(expression) {
            return None;
        }
        let grouping = frame.grouping.borrow_mut().take()?;
        // What cannot be translated here is told when its own parts are.
        let plain = self.expression(expression, frame).ok();
        let found = plain.filter(|it| grouping.expressions.contains(&it.sql));
        frame.grouping.replace(Some(grouping));
        found
    }

    /// A subquery as a value: SQLite takes its first row.
    fn scalar(&self, select: &Select<'_>, frame: &Frame<'_>) -> Result<Expression, Refusal> {
        let query = self.query(select, Some(frame))?;
        let [column] = query.columns.as_slice() else {
            return Err(Form::RowValue.into());
        };
        let bound = if query.single || select.limit.is_some() {
            ""
        } else {
            if select.order_by.is_none() {
                self.remark(Remark::FirstRow);
            }
            "\nLIMIT 1"
        };
        Ok(of_type(format!("({}{bound})", query.sql), column.value_type))
    }

    fn in_query(
        &self,
        left: &Expr<'_>,
        not: bool,
        query: &Query,
        frame: &Frame<'_>,
    ) -> Result<Expression, Refusal> {
        let value = self.expression(left, frame)?;
        let [column] = query.columns.as_slice() else {
            return Err(Form::RowValue.into());
        };
        let collation = of_comparison(
            self.collation(left, frame),
            query.collations.first().copied().flatten(),
        );
        let refused = || Refusal::NoOrder {
            column: left.to_string(),
        };
        let known = unified(value.value_type, column.value_type).ok_or_else(refused)?;
        let word = if not { "NOT IN" } else { "IN" };
        let sql = if is_one_value(known, collation) {
            format!("(({}) {word} ({}))", value.sql, query.sql)
        } else {
            let key = |sql: &str| equality_key(sql, known, collation).ok_or_else(refused);
            let item = key(&format!("among.{}", super::quoted(&column.name)))?;
            format!(
                "({} {word} (SELECT {item}\nFROM ({}) AS among))",
                key(&format!("({})", value.sql))?,
                query.sql
            )
        };
        Ok(of_type(sql, ValueType::Boolean))
    }
}

/// Both sides as the number of a row of one table, which are the same where the primary keys are.
fn same_row(left: &Expr<'_>, right: &Expr<'_>, frame: &Frame<'_>) -> Result<Option<Expression>, Refusal> {
    let (Some(left), Some(right)) = (row_of(left, frame), row_of(right, frame)) else {
        return Ok(None);
    };
    let is_same = left.relation.is_some() && left.relation == right.relation;
    if left.rowid.is_some() || right.rowid.is_some() {
        return Ok(None);
    }
    if !is_same || left.key.is_empty() || left.elsewhere || right.elsewhere {
        return Err(Form::Rowid.into());
    }
    let pairs: Vec<String> = left
        .key
        .iter()
        .map(|&place| format!("{} = {}", left.columns[place].sql, right.columns[place].sql))
        .collect();
    Ok(Some(of_type(
        format!("({})", pairs.join(" AND ")),
        ValueType::Boolean,
    )))
}

/// The relation whose rows the expression numbers.
fn row_of<'f>(expression: &Expr<'_>, frame: &'f Frame<'_>) -> Option<&'f Source> {
    let (table, name) = match expression {
        Expr::Id(name) => (None, unquote(name.0)),
        Expr::Qualified(table, name) => (Some(unquote(table.0)), unquote(name.0)),
        Expr::Parenthesized(inner) if inner.len() == 1 => return row_of(&inner[0], frame),
        _ => return None,
    };
    is_rowid(&name)
        .then(|| frame.numbered(table.as_deref(), &name))
        .flatten()
}

/// An expression that may change from statement to statement.
pub(super) fn of_type(sql: String, value_type: ValueType) -> Expression {
    Expression {
        sql,
        value_type,
        immutable: false,
        uses_generated: false,
        assumptions: Vec::new(),
    }
}

fn is_leaf(expression: &Expr<'_>) -> bool {
    matches!(
        expression,
        Expr::Id(_) | Expr::Qualified(..) | Expr::DoublyQualified(..) | Expr::Literal(_) | Expr::Name(_)
    )
}

/// The sum of what `count` says of the queries inside of the expression.
pub(super) fn mentions_in(expression: &Expr<'_>, count: &dyn Fn(&Select<'_>) -> usize) -> usize {
    let within: usize = match expression {
        Expr::Subquery(query) | Expr::Exists(query) | Expr::InSelect { rhs: query, .. } => count(query),
        _ => 0,
    };
    let parts = children(expression);
    within + parts.into_iter().map(|it| mentions_in(it, count)).sum::<usize>()
}

/// The expressions of which one is made, without those of its queries.
pub(crate) fn children<'a>(expression: &'a Expr<'a>) -> Vec<&'a Expr<'a>> {
    match expression {
        Expr::Between { lhs, start, end, .. } => vec![lhs, start, end],
        Expr::Binary(left, _, right) => vec![left, right],
        Expr::Case {
            base,
            when_then_pairs,
            else_expr,
        } => {
            let pairs = when_then_pairs.iter().flat_map(|(when, then)| [when, then]);
            base.iter()
                .copied()
                .chain(pairs)
                .chain(else_expr.iter().copied())
                .collect()
        }
        Expr::Cast { expr, .. } | Expr::Collate(expr, _) => vec![expr],
        Expr::FunctionCall { args, .. } => args.iter().flat_map(|it| it.iter()).collect(),
        Expr::InList { lhs, rhs, .. } => std::iter::once(*lhs)
            .chain(rhs.iter().flat_map(|it| it.iter()))
            .collect(),
        Expr::InSelect { lhs, .. } | Expr::InTable { lhs, .. } => vec![lhs],
        Expr::IsNull(inner) | Expr::NotNull(inner) | Expr::Unary(_, inner) => vec![inner],
        Expr::Like { lhs, rhs, escape, .. } => {
            [*lhs, *rhs].into_iter().chain(escape.iter().copied()).collect()
        }
        Expr::Parenthesized(inner) => inner.iter().collect(),
        _ => Vec::new(),
    }
}
