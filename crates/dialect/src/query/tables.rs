//! WITH: common table expressions, also recursive ones.

use sqlite3_parser::ast::{
    CommonTableExpr, CompoundOperator, Expr, FromClause, OneSelect, Select, SelectTable, With,
};

use super::Reader;
use super::compound::as_typed;
use super::frame::{CommonTable, Frame};
use super::quoted;
use super::refusal::{Form, Refusal};
use super::select::{Query, column};
use super::types::cast_name;
use crate::parse::unquote;
use crate::{ScopeColumn, ValueType};

impl Reader<'_> {
    /// Reads WITH into the frame, and gives its SQL.
    pub(crate) fn with(&self, with: &With<'_>, frame: &mut Frame<'_>) -> Result<String, Refusal> {
        let mut is_recursive = false;
        let mut tables = Vec::new();
        for table in with.ctes {
            let name = unquote(table.tbl_name.0);
            let given: Option<Vec<String>> = table
                .columns
                .map(|it| it.iter().map(|column| unquote(column.col_name.0)).collect());
            let query = if mentions(table.select, &name) {
                is_recursive = true;
                self.recursive(table, &name, given.as_deref(), frame)?
            } else {
                self.named_query(table.select, Some(frame), given.as_deref())?
            };
            if given.as_ref().is_some_and(|it| it.len() != query.columns.len()) {
                return Err(Refusal::Unreadable);
            }
            let columns: Vec<String> = query.columns.iter().map(|it| quoted(&it.name)).collect();
            tables.push(format!(
                "{} ({}) AS (\n{}\n)",
                quoted(&name),
                columns.join(", "),
                query.sql
            ));
            frame.tables.push(CommonTable {
                name,
                columns: query.columns,
            });
        }
        let word = if is_recursive { "WITH RECURSIVE" } else { "WITH" };
        Ok(format!("{word} {}\n", tables.join(",\n")))
    }

    /// Its first part gives the types of its columns; the one that refers to it must keep to them.
    fn recursive(
        &self,
        table: &CommonTableExpr<'_>,
        name: &str,
        given: Option<&[String]>,
        outer: &Frame<'_>,
    ) -> Result<Query, Refusal> {
        let select = table.select;
        if select.order_by.is_some() || select.limit.is_some() {
            return Err(Form::RecursiveOrder.into());
        }
        let arms = select.body.compounds.as_deref().unwrap_or_default();
        let Some((last, before)) = arms.split_last() else {
            return Err(Form::RecursiveArms.into());
        };
        let in_from = |it: &OneSelect<'_>| times_in_from(it, name);
        let is_early = in_from(&select.body.select) > 0 || before.iter().any(|arm| in_from(&arm.select) > 0);
        let word = match last.operator {
            CompoundOperator::UnionAll => "UNION ALL",
            CompoundOperator::Union => "UNION",
            _ => return Err(Form::RecursiveArms.into()),
        };
        if is_early
            || in_from(&last.select) != 1
            || mentions_of(select, name) != 1
            || has_outer_join(&last.select)
        {
            return Err(Form::RecursiveArms.into());
        }
        let mut frame = Frame::within(Some(outer))?;
        if let Some(with) = &select.with {
            // What it would say stands inside of a part of the query.
            self.with(with, &mut frame)?;
            return Err(Form::RecursiveArms.into());
        }
        let before: Vec<_> = before.iter().map(|arm| (arm.operator, &arm.select)).collect();
        let start = self.compound(&select.body.select, &before, &frame, given)?;
        let columns: Vec<ScopeColumn> = start
            .columns
            .iter()
            .map(|it| match it.value_type {
                ValueType::SmallInt => column(it.name.clone(), ValueType::Integer),
                _ => ScopeColumn {
                    nullable: true,
                    ..it.clone()
                },
            })
            .collect();
        frame.tables.push(CommonTable {
            name: name.to_owned(),
            columns: columns.clone(),
        });
        let step = self.one(&last.select, Some(&frame), None, &[])?;
        if step.columns.len() != columns.len() {
            return Err(Refusal::Unreadable);
        }
        for (own, wanted) in step.columns.iter().zip(&columns) {
            if super::types::unified(own.value_type, wanted.value_type) != Some(wanted.value_type) {
                return Err(Refusal::Mixed {
                    column: wanted.name.clone(),
                });
            }
        }
        if last.operator == CompoundOperator::Union {
            super::compound::check_equality(&start, &step)?;
        }
        let exact = |query: &Query| exactly_typed(query, &columns);
        Ok(Query {
            sql: format!("{}\n{word}\n{}", exact(&start), exact(&step)),
            collations: start.collations,
            columns,
            single: false,
        })
    }
}

/// The query with each column cast: `character varying` is not `text` to a recursive query.
fn exactly_typed(query: &Query, columns: &[ScopeColumn]) -> String {
    let as_text = |it: &ScopeColumn| it.value_type == ValueType::Text;
    if !columns.iter().any(as_text) {
        return as_typed(query, columns);
    }
    let values = query.columns.iter().zip(columns).map(|(own, wanted)| {
        let name = quoted(&own.name);
        match cast_name(wanted.value_type) {
            Some(to) => format!("arm.{name}::{to} AS {name}"),
            None => format!("arm.{name}"),
        }
    });
    let values: Vec<String> = values.collect();
    format!("SELECT {}\nFROM ({}) AS arm", values.join(", "), query.sql)
}

/// Whether the query names the relation anywhere.
fn mentions(select: &Select<'_>, name: &str) -> bool {
    mentions_of(select, name) > 0
}

/// How often its text names it: a query's parts print as SQL again.
fn mentions_of(select: &Select<'_>, name: &str) -> usize {
    let arms = select.body.compounds.as_deref().unwrap_or_default();
    let all = std::iter::once(&select.body.select).chain(arms.iter().map(|arm| &arm.select));
    all.map(|it| times_in_from(it, name) + times_in_subqueries(it, name))
        .sum()
}

fn times_in_from(select: &OneSelect<'_>, name: &str) -> usize {
    match select {
        OneSelect::Select { from: Some(from), .. } => tables_of(from)
            .filter(|table| matches!(table, SelectTable::Table(it, ..) if unquote(it.name.0).eq_ignore_ascii_case(name)))
            .count(),
        _ => 0,
    }
}

fn tables_of<'a>(from: &'a FromClause<'a>) -> impl Iterator<Item = &'a SelectTable<'a>> {
    let joined = from.joins.iter().flatten().map(|join| &join.table);
    from.select.into_iter().chain(joined)
}

fn has_outer_join(select: &OneSelect<'_>) -> bool {
    use sqlite3_parser::ast::{JoinOperator, JoinType};
    let OneSelect::Select { from: Some(from), .. } = select else {
        return false;
    };
    from.joins.iter().flatten().any(|join| match join.operator {
        JoinOperator::TypedJoin(Some(kind)) => kind.intersects(JoinType::LEFT | JoinType::RIGHT),
        _ => false,
    })
}

/// References inside of subqueries, in FROM and in expressions.
fn times_in_subqueries(select: &OneSelect<'_>, name: &str) -> usize {
    let OneSelect::Select {
        columns,
        from,
        where_clause,
        having,
        ..
    } = select
    else {
        return 0;
    };
    let mut count = 0;
    let mut visit =
        |it: &Expr<'_>| count += super::nested::mentions_in(it, &|query| mentions_of(query, name));
    for result in *columns {
        if let sqlite3_parser::ast::ResultColumn::Expr(expression, _) = result {
            visit(expression);
        }
    }
    where_clause.iter().chain(having.iter()).for_each(|it| visit(it));
    for table in from.iter().flat_map(tables_of) {
        if let SelectTable::Select(query, _) = table {
            count += mentions_of(query, name);
        }
    }
    count
}
