//! A whole query: WITH, the SELECTs that UNION and its like bring together, ORDER BY and LIMIT.

use sqlite3_parser::ast::{CompoundOperator, OneSelect, Select};

use super::Reader;
use super::frame::Frame;
use super::order::{Sortable, limit};
use super::quoted;
use super::refusal::Refusal;
use super::select::{Query, column, plain};
use super::types::{cast_name, is_one_value, unified};
use crate::collation::{Collated, of_comparison};
use crate::{Collation, Expression, ScopeColumn};

impl Reader<'_> {
    /// Reads a query that stands within `outer`.
    pub(crate) fn query(&self, select: &Select<'_>, outer: Option<&Frame<'_>>) -> Result<Query, Refusal> {
        self.named_query(select, outer, None)
    }

    /// Reads a query whose result columns get these names.
    pub(crate) fn named_query(
        &self,
        select: &Select<'_>,
        outer: Option<&Frame<'_>>,
        names: Option<&[String]>,
    ) -> Result<Query, Refusal> {
        let mut frame = Frame::within(outer)?;
        let with = match &select.with {
            Some(with) => self.with(with, &mut frame)?,
            None => String::new(),
        };
        let order = select.order_by.unwrap_or_default();
        let arms = select.body.compounds.as_deref().unwrap_or_default();
        let mut query = if arms.is_empty() {
            self.one(&select.body.select, Some(&frame), names, order)?
        } else {
            let arms: Vec<(CompoundOperator, &OneSelect<'_>)> =
                arms.iter().map(|arm| (arm.operator, &arm.select)).collect();
            let mut query = self.compound(&select.body.select, &arms, &frame, names)?;
            if !order.is_empty() {
                let values: Vec<Expression> = query.columns.iter().map(plain).collect();
                let sortable: Vec<Sortable<'_>> = query
                    .columns
                    .iter()
                    .zip(&values)
                    .zip(&query.collations)
                    .map(|((column, value), collation)| Sortable {
                        alias: &column.name,
                        name: &column.name,
                        expression: None,
                        value,
                        collation: of_comparison(*collation, None),
                    })
                    .collect();
                let order = self.order_of_results(order, &sortable)?;
                query.sql = format!("SELECT ordered.*\nFROM ({}) AS ordered{order}", query.sql);
            }
            query
        };
        if let Some(bounds) = select.limit {
            let bounds_sql = limit(bounds)?;
            query.sql.push_str(&bounds_sql);
            query.single |= bounds.expr.is_integer() == Some(1);
        }
        query.sql = format!("{with}{}", query.sql);
        Ok(query)
    }

    /// Brings SELECTs together from left to right, as SQLite does: to PostgreSQL, INTERSECT would bind closer.
    pub(super) fn compound(
        &self,
        first: &OneSelect<'_>,
        arms: &[(CompoundOperator, &OneSelect<'_>)],
        frame: &Frame<'_>,
        names: Option<&[String]>,
    ) -> Result<Query, Refusal> {
        let mut query = self.one(first, Some(frame), names, &[])?;
        for (operator, arm) in arms {
            let right = self.one(arm, Some(frame), None, &[])?;
            query = united(&query, *operator, &right)?;
        }
        Ok(query)
    }
}

/// Both queries under one operator, their columns in types that hold the values of both.
pub(super) fn united(left: &Query, operator: CompoundOperator, right: &Query) -> Result<Query, Refusal> {
    if left.columns.len() != right.columns.len() {
        return Err(Refusal::Unreadable);
    }
    if operator != CompoundOperator::UnionAll {
        check_equality(left, right)?;
    }
    let mut columns = Vec::new();
    for (one, other) in left.columns.iter().zip(&right.columns) {
        let mixed = || Refusal::Mixed {
            column: one.name.clone(),
        };
        let value_type = unified(one.value_type, other.value_type).ok_or_else(mixed)?;
        let affinity = if one.affinity == other.affinity {
            one.affinity
        } else {
            crate::Affinity::Blob
        };
        columns.push(ScopeColumn {
            nullable: one.nullable || other.nullable,
            collation: one.collation,
            affinity,
            ..column(one.name.clone(), value_type)
        });
    }
    let word = match operator {
        CompoundOperator::Union => "UNION",
        CompoundOperator::UnionAll => "UNION ALL",
        CompoundOperator::Except => "EXCEPT",
        CompoundOperator::Intersect => "INTERSECT",
    };
    Ok(Query {
        sql: format!(
            "({})\n{word}\n({})",
            as_typed(left, &columns),
            as_typed(right, &columns)
        ),
        collations: both_collations(left, right).collect(),
        columns,
        single: false,
    })
}

/// Of the first part that has one, as far as the parts agree (`multiSelectCollSeq`).
fn both_collations<'q>(left: &'q Query, right: &'q Query) -> impl Iterator<Item = Option<Collated>> + 'q {
    let both = left.collations.iter().zip(&right.collations);
    both.map(|(one, other)| {
        if of_comparison(*one, None) == of_comparison(*other, None) {
            one.or(*other)
        } else {
            Some((Collation::Other, false))
        }
    })
}

/// Fails where rows that SQLite takes for the same have values that differ.
pub(super) fn check_equality(left: &Query, right: &Query) -> Result<(), Refusal> {
    let columns = left.columns.iter().zip(&right.columns);
    for ((one, other), collation) in columns.zip(both_collations(left, right)) {
        let collation = of_comparison(collation, None);
        if ![one, other]
            .iter()
            .all(|it| is_one_value(it.value_type, collation))
        {
            return Err(Refusal::NoOrder {
                column: one.name.clone(),
            });
        }
    }
    Ok(())
}

/// The query with its columns in those types.
pub(super) fn as_typed(query: &Query, columns: &[ScopeColumn]) -> String {
    let differs = |(own, wanted): (&ScopeColumn, &ScopeColumn)| own.value_type != wanted.value_type;
    if !query.columns.iter().zip(columns).any(differs) {
        return query.sql.clone();
    }
    let values: Vec<String> = query
        .columns
        .iter()
        .zip(columns)
        .map(|(own, wanted)| {
            let name = quoted(&own.name);
            match cast_name(wanted.value_type) {
                Some(to) if own.value_type != wanted.value_type => format!("arm.{name}::{to} AS {name}"),
                _ => format!("arm.{name}"),
            }
        })
        .collect();
    format!("SELECT {}\nFROM ({}) AS arm", values.join(", "), query.sql)
}
