//! ORDER BY and LIMIT. SQLite sorts NULL before everything, and text by its bytes.

use std::fmt::Write;

use sqlite3_parser::ast::{Expr, Limit, NullsOrder, SortOrder, SortedColumn};

use super::Reader;
use super::frame::Frame;
use super::quoted;
use super::refusal::{Form, Refusal};
use super::types::{as_key, sort_key};
use crate::collation::{explicit_in, is_sorted_alike, other_signs};
use crate::parse::unquote;
use crate::{Assumption, Collation, Expression, ValueType};

/// A result column that ORDER BY may name.
pub(crate) struct Sortable<'a> {
    /// What SQL of the file calls it, and the name that it got.
    pub(crate) alias: &'a str,
    pub(crate) name: &'a str,
    pub(crate) expression: Option<&'a Expr<'a>>,
    pub(crate) value: &'a Expression,
    pub(crate) collation: Collation,
}

/// Where ORDER BY goes.
pub(crate) enum Ordering {
    None,
    /// Behind the query.
    Behind(String),
    /// Around it: behind DISTINCT and UNION PostgreSQL sorts by result columns alone, as they are.
    Around(String),
}

impl Reader<'_> {
    /// ORDER BY of one SELECT.
    pub(crate) fn ordering(
        &self,
        order: &[SortedColumn<'_>],
        results: &[Sortable<'_>],
        frame: &Frame<'_>,
        is_distinct: bool,
    ) -> Result<Ordering, Refusal> {
        let mut keys = Vec::new();
        for term in order {
            let result = result_of(term, results);
            let key = match result {
                None if is_distinct => return Err(Form::CompoundOrder.into()),
                None => self.sort_term(term, frame)?,
                Some(result) => {
                    let sql = if is_distinct {
                        format!("ordered.{}", quoted(result.name))
                    } else {
                        format!("({})", result.value.sql)
                    };
                    let collation = collation_of(term, result.collation);
                    // A result that `*` stands for is asked for by the name that the term has for it.
                    let asked = result.expression.or(Some(without_collation(&term.expr)));
                    let value_type = result.value.value_type;
                    self.assume_sorted_alike(asked.map(|it| (it, frame)), value_type, collation)?;
                    key(&sql, value_type, collation, result.alias)?
                }
            };
            keys.push(format!("{key}{}", direction(term)));
        }
        if keys.is_empty() {
            return Ok(Ordering::None);
        }
        let order = format!("\nORDER BY {}", keys.join(", "));
        Ok(if is_distinct {
            Ordering::Around(order)
        } else {
            Ordering::Behind(order)
        })
    }

    /// A list of what is sorted by, in a window or in an aggregate.
    pub(crate) fn sort_list(&self, order: &[SortedColumn<'_>], frame: &Frame<'_>) -> Result<String, Refusal> {
        let keys: Result<Vec<String>, Refusal> = order
            .iter()
            .map(|term| Ok(format!("{}{}", self.sort_term(term, frame)?, direction(term))))
            .collect();
        Ok(keys?.join(", "))
    }

    fn sort_term(&self, term: &SortedColumn<'_>, frame: &Frame<'_>) -> Result<String, Refusal> {
        let inner = without_collation(&term.expr);
        let value = self.expression(inner, frame)?;
        let collation = self.own_collation(&term.expr, frame);
        self.assume_sorted_alike(Some((inner, frame)), value.value_type, collation)?;
        key(
            &format!("({})", value.sql),
            value.value_type,
            collation,
            &inner.to_string(),
        )
    }

    /// Takes for granted that a UTF-16 file sorts the texts as UTF-8 would, or fails where no rows can be asked.
    pub(super) fn assume_sorted_alike(
        &self,
        asked: Option<(&Expr<'_>, &Frame<'_>)>,
        value_type: ValueType,
        collation: Collation,
    ) -> Result<(), Refusal> {
        if !self.relations.utf16 || value_type != ValueType::Text || collation != Collation::Binary {
            return Ok(());
        }
        let refused = |column: String| Err(Refusal::NoOrder { column });
        match asked {
            Some((place, _)) if place.is_integer().is_some() => refused(place.to_string()),
            Some((expression, frame)) => {
                let source = expression.to_string();
                let assumption = Assumption {
                    condition: is_sorted_alike(&source),
                    otherwise: other_signs(&source),
                    ..Assumption::default()
                };
                self.take_for_granted(&assumption, frame)
            }
            None => refused("a result of UNION, EXCEPT or INTERSECT".to_owned()),
        }
    }

    /// ORDER BY behind a compound query, which names its result columns alone.
    pub(crate) fn order_of_results(
        &self,
        order: &[SortedColumn<'_>],
        results: &[Sortable<'_>],
    ) -> Result<String, Refusal> {
        let mut keys = Vec::new();
        for term in order {
            let result = result_of(term, results).ok_or(Form::CompoundOrder)?;
            let sql = format!("ordered.{}", quoted(result.name));
            let collation = collation_of(term, result.collation);
            let value_type = result.value.value_type;
            self.assume_sorted_alike(None, value_type, collation)?;
            let key = key(&sql, value_type, collation, result.alias)?;
            keys.push(format!("{key}{}", direction(term)));
        }
        Ok(format!("\nORDER BY {}", keys.join(", ")))
    }
}

fn key(sql: &str, value_type: ValueType, collation: Collation, name: &str) -> Result<String, Refusal> {
    sort_key(&as_key(sql, value_type), value_type, collation).ok_or_else(|| Refusal::NoOrder {
        column: name.to_owned(),
    })
}

/// LIMIT and OFFSET; a negative LIMIT is none.
pub(crate) fn limit(limit: &Limit<'_>) -> Result<String, Refusal> {
    let number = |it: &Expr<'_>| it.is_integer().ok_or(Form::LimitExpression);
    let mut sql = String::new();
    let count = number(&limit.expr)?;
    // Writing to a String cannot fail, here and below.
    if count >= 0 {
        let _ = write!(sql, "\nLIMIT {count}");
    }
    if let Some(offset) = &limit.offset {
        let offset = number(offset)?;
        if offset > 0 {
            let _ = write!(sql, "\nOFFSET {offset}");
        }
    }
    Ok(sql)
}

/// The result column that a term names by its place, its alias, or by being the same expression.
fn result_of<'a>(term: &SortedColumn<'_>, results: &'a [Sortable<'a>]) -> Option<&'a Sortable<'a>> {
    let inner = without_collation(&term.expr);
    if let Some(place) = inner.is_integer() {
        return results.get(usize::try_from(place).ok()?.checked_sub(1)?);
    }
    if let Expr::Id(name) = inner {
        let name = unquote(name.0);
        let named = results.iter().find(|it| it.alias.eq_ignore_ascii_case(&name));
        if named.is_some() {
            return named;
        }
    }
    results.iter().find(|it| it.expression == Some(inner))
}

fn without_collation<'a>(expression: &'a Expr<'a>) -> &'a Expr<'a> {
    match expression {
        Expr::Collate(inner, _) => without_collation(inner),
        other => other,
    }
}

fn collation_of(term: &SortedColumn<'_>, own: Collation) -> Collation {
    explicit_in(&term.expr).unwrap_or(own)
}

fn direction(term: &SortedColumn<'_>) -> &'static str {
    let descends = term.order == Some(SortOrder::Desc);
    let nulls_first = match term.nulls {
        Some(nulls) => nulls == NullsOrder::First,
        None => !descends,
    };
    match (descends, nulls_first) {
        (false, true) => " NULLS FIRST",
        (false, false) => "",
        (true, true) => " DESC",
        (true, false) => " DESC NULLS LAST",
    }
}
