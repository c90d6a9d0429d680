//! One SELECT: its columns, its grouping, and what it reads.

use std::collections::HashSet;

use sqlite3_parser::ast::{Distinctness, Expr, OneSelect, ResultColumn, SortedColumn};

use super::frame::Frame;
use super::from::alias_of;
use super::order::Ordering;
use super::refusal::{Form, Refusal};
use super::types::{as_key, cast, cast_name, equality_key, is_one_value};
use super::{Reader, quoted};
use crate::collation::{Collated, of_comparison};
use crate::parse::unquote;
use crate::{Affinity, Collation, Expression, ScopeColumn, ValueType};

/// As many columns as a table or a view of PostgreSQL has at most.
const COLUMNS_MAX: usize = 1600;

/// A query that can be run on the target.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) sql: String,
    /// Its result: names as SQLite gives them, all different.
    pub(crate) columns: Vec<ScopeColumn>,
    /// What each column brings to a comparison, by its place.
    pub(crate) collations: Vec<Option<Collated>>,
    /// Whether it gives one row at most.
    pub(crate) single: bool,
}

/// A result column before it has its final name.
struct Item<'a> {
    expression: Option<&'a Expr<'a>>,
    /// Its value, or the column that `*` stands for.
    value: Expression,
    name: String,
    source: Option<ScopeColumn>,
    collation: Option<Collated>,
}

impl Item<'_> {
    fn own_collation(&self) -> Collation {
        of_comparison(self.collation, None)
    }
}

impl Reader<'_> {
    /// Reads one SELECT or VALUES. `names` are for its columns, where they are settled; `order` is the ORDER BY that
    /// belongs to it alone.
    pub(crate) fn one(
        &self,
        select: &OneSelect<'_>,
        outer: Option<&Frame<'_>>,
        names: Option<&[String]>,
        order: &[SortedColumn<'_>],
    ) -> Result<Query, Refusal> {
        let OneSelect::Select {
            distinctness,
            columns,
            from,
            where_clause,
            group_by,
            having,
            window_clause,
        } = select
        else {
            return self.values(select, outer, names);
        };
        let mut frame = Frame::within(outer)?;
        let mut from_sql = String::new();
        if let Some(clause) = from.as_ref().filter(|it| it.select.is_some()) {
            let from = self.joined(clause, outer)?;
            from_sql = format!("\nFROM {}", from.sql);
            frame.sources = from.sources;
        }
        frame.aliases = columns.iter().filter_map(aliased).collect();
        frame.windows = window_clause.unwrap_or_default();
        let mut items = self.items(columns, &frame)?;
        let mut where_sql = String::new();
        if let Some(condition) = where_clause {
            where_sql = format!("\nWHERE {}", self.condition(condition, &frame)?);
        }
        let mut tail = String::new();
        let is_distinct = *distinctness == Some(Distinctness::Distinct);
        let grouped = group_by.unwrap_or_default();
        let is_grouped = !grouped.is_empty() || having.is_some() || frame.seen.aggregate.get();
        if is_grouped {
            let keys = self.group_keys(grouped, &items, &frame)?;
            if !keys.is_empty() {
                tail.push_str("\nGROUP BY ");
                tail.push_str(&keys.join(", "));
            }
            frame.grouping.replace(Some(frame.grouped_by(keys)));
            items = self.items(columns, &frame)?;
            if let Some(condition) = having {
                tail.push_str("\nHAVING ");
                tail.push_str(&self.condition(condition, &frame)?);
            }
        }
        for item in items.iter().filter(|_| is_distinct) {
            check_equality(item)?;
            // What is compared is asked for one form of its values.
            if let Some(expression) = item.expression {
                self.expression(expression, &frame)?;
            }
        }
        let columns = result_columns(&items, names)?;
        let values: Vec<String> = items
            .iter()
            .zip(&columns)
            .map(|(item, column)| format!("{} AS {}", result_value(item).0, quoted(&column.name)))
            .collect();
        let ordering = self.ordering(order, &items_of(&items, &columns), &frame, is_distinct)?;
        let word = if is_distinct { "SELECT DISTINCT" } else { "SELECT" };
        let sql = format!("{word} {}{from_sql}{where_sql}{tail}", values.join(",\n    "));
        Ok(Query {
            sql: match ordering {
                Ordering::None => sql,
                Ordering::Behind(order) => format!("{sql}{order}"),
                Ordering::Around(order) => format!("SELECT ordered.*\nFROM ({sql}) AS ordered{order}"),
            },
            single: is_grouped && grouped.is_empty() || from_sql.is_empty(),
            collations: items.iter().map(|it| it.collation).collect(),
            columns,
        })
    }

    fn items<'a>(
        &self,
        columns: &'a [ResultColumn<'a>],
        frame: &Frame<'a>,
    ) -> Result<Vec<Item<'a>>, Refusal> {
        let mut items = Vec::new();
        for column in columns {
            match column {
                ResultColumn::Expr(expression, alias) => {
                    // An alias means nothing yet while results are read.
                    frame.seen.in_alias.set(true);
                    let source = column_of(expression, frame);
                    // A column as it is needs no meaning.
                    let value = match &source {
                        Some(column) => plain_column(column, expression, frame),
                        None => self.expression(expression, frame),
                    };
                    frame.seen.in_alias.set(false);
                    let value = value?;
                    let name = alias_of(alias.as_ref())
                        .or_else(|| source.as_ref().map(|it| it.name.clone()))
                        .unwrap_or_else(|| expression.to_string());
                    items.push(Item {
                        collation: self.item_collation(expression, frame),
                        expression: Some(expression),
                        value,
                        name,
                        source,
                    });
                }
                ResultColumn::Star => stars(None, frame, &mut items)?,
                ResultColumn::TableStar(table) => {
                    stars(Some(&unquote(table.0)), frame, &mut items)?;
                }
            }
            if items.len() > COLUMNS_MAX {
                return Err(Form::Columns.into());
            }
        }
        Ok(items)
    }

    /// As a result it is read, where an alias means nothing.
    fn item_collation(&self, expression: &Expr<'_>, frame: &Frame<'_>) -> Option<Collated> {
        frame.seen.in_alias.set(true);
        let collation = self.collation(expression, frame);
        frame.seen.in_alias.set(false);
        collation
    }

    /// What GROUP BY groups by. A whole number stands for a result column.
    fn group_keys(
        &self,
        grouped: &[Expr<'_>],
        items: &[Item<'_>],
        frame: &Frame<'_>,
    ) -> Result<Vec<String>, Refusal> {
        let mut keys = Vec::new();
        for expression in grouped {
            let place = expression.is_integer().and_then(|it| usize::try_from(it).ok());
            let numbered = place.and_then(|it| items.get(it.wrapping_sub(1)));
            let item = match (numbered, expression) {
                (None, Expr::Id(name)) if frame.find(None, &unquote(name.0))?.is_none() => {
                    let name = unquote(name.0);
                    items
                        .iter()
                        .find(|it| it.expression.is_some() && it.name.eq_ignore_ascii_case(&name))
                }
                (numbered, _) => numbered,
            };
            let (value, collation) = match item {
                Some(item) => (item.value.clone(), item.own_collation()),
                None => (
                    self.expression(expression, frame)?,
                    self.own_collation(expression, frame),
                ),
            };
            // What NOCASE takes for equal is one group, in which the value itself is any of several.
            let key = equality_key(&as_key(&value.sql, value.value_type), value.value_type, collation);
            keys.push(key.ok_or_else(|| Refusal::NoOrder {
                column: expression.to_string(),
            })?);
        }
        Ok(keys)
    }
}

fn plain_column(column: &ScopeColumn, written: &Expr<'_>, frame: &Frame<'_>) -> Result<Expression, Refusal> {
    if frame.grouping.borrow().is_some() {
        // Found again, so that the group is asked.
        let table = match written {
            Expr::Qualified(table, _) | Expr::DoublyQualified(_, table, _) => Some(unquote(table.0)),
            _ => None,
        };
        frame.find(table.as_deref(), &column.name)?;
        if let Some(name) = frame.take_bare() {
            return Err(Refusal::BareColumn { name });
        }
    }
    Ok(plain(column))
}

/// All columns of all relations, or of one.
fn stars(table: Option<&str>, frame: &Frame<'_>, items: &mut Vec<Item<'_>>) -> Result<(), Refusal> {
    let mut found = false;
    for source in &frame.sources {
        if source.qualified_only || table.is_some_and(|it| !source.label.eq_ignore_ascii_case(it)) {
            continue;
        }
        found = true;
        for (place, column) in source.columns.iter().enumerate() {
            if table.is_none() && source.joined.contains(&place) {
                continue;
            }
            if let Some(grouping) = &*frame.grouping.borrow()
                && !grouping.columns.contains(&column.sql)
            {
                let name = column.name.clone();
                return Err(Refusal::BareColumn { name });
            }
            items.push(Item {
                expression: None,
                value: plain(column),
                name: column.name.clone(),
                collation: Some((column.collation, false)),
                source: Some(column.clone()),
            });
        }
    }
    match (found, table) {
        (false, Some(table)) => Err(Refusal::NoRelation {
            name: table.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// A column of a result that is no column of a relation.
pub(crate) fn column(name: String, value_type: ValueType) -> ScopeColumn {
    ScopeColumn {
        table: String::new(),
        name,
        sql: String::new(),
        value_type: match value_type {
            ValueType::Null => ValueType::Text,
            other => other,
        },
        nullable: true,
        collation: Collation::Binary,
        affinity: Affinity::Blob,
        generated: false,
    }
}

/// A column as an expression.
pub(crate) fn plain(column: &ScopeColumn) -> Expression {
    Expression {
        sql: column.sql.clone(),
        value_type: column.value_type,
        immutable: true,
        uses_generated: column.generated,
        assumptions: Vec::new(),
    }
}

/// The column that an expression is, where it is nothing else.
pub(crate) fn column_of(expression: &Expr<'_>, frame: &Frame<'_>) -> Option<ScopeColumn> {
    let found = match expression {
        Expr::Id(name) => frame.find(None, &unquote(name.0)),
        Expr::Qualified(table, name) | Expr::DoublyQualified(_, table, name) => {
            frame.find(Some(&unquote(table.0)), &unquote(name.0))
        }
        Expr::Parenthesized(inner) if inner.len() == 1 => return column_of(&inner[0], frame),
        _ => return None,
    };
    // Whether the group has it has been judged by who read the expression.
    frame.take_bare();
    found.ok().flatten().cloned()
}

fn aliased<'a>(column: &'a ResultColumn<'a>) -> Option<(String, &'a Expr<'a>)> {
    match column {
        ResultColumn::Expr(expression, alias) => Some((alias_of(alias.as_ref())?, expression)),
        _ => None,
    }
}

/// What the result column is on the target. A condition is a number in SQLite.
fn result_value(item: &Item<'_>) -> (String, ValueType) {
    let value = &item.value;
    match value.value_type {
        ValueType::Boolean if item.source.is_none() => {
            (format!("({})::integer::bigint", value.sql), ValueType::Integer)
        }
        // Literals alone have no type, or a narrower one.
        _ if item.source.is_none() && cast_name(value.value_type).is_some() => {
            (cast(value, value.value_type), value_type_of(value))
        }
        other => (value.sql.clone(), other),
    }
}

pub(super) fn value_type_of(value: &Expression) -> ValueType {
    value.value_type
}

fn check_equality(item: &Item<'_>) -> Result<(), Refusal> {
    if is_one_value(item.value.value_type, item.own_collation()) {
        Ok(())
    } else {
        Err(Refusal::NoOrder {
            column: item.name.clone(),
        })
    }
}

fn result_columns(items: &[Item<'_>], names: Option<&[String]>) -> Result<Vec<ScopeColumn>, Refusal> {
    let mut taken = HashSet::new();
    let mut columns = Vec::new();
    for (place, item) in items.iter().enumerate() {
        let name = match names.and_then(|it| it.get(place)) {
            Some(given) => given.clone(),
            None => free_name(&item.name, &taken),
        };
        if name.len() > catalog::IDENTIFIER_BYTES_MAX {
            return Err(Refusal::LongName { name });
        }
        taken.insert(name.to_ascii_lowercase());
        let value_type = result_value(item).1;
        columns.push(match &item.source {
            Some(source) => ScopeColumn {
                name,
                generated: false,
                ..source.clone()
            },
            None => ScopeColumn {
                collation: item.own_collation(),
                ..column(name, value_type)
            },
        });
    }
    Ok(columns)
}

/// SQLite tells result columns of one name apart by `:1`, `:2` and so on.
pub(super) fn free_name(name: &str, taken: &HashSet<String>) -> String {
    let mut free = name.to_owned();
    let mut number = 0;
    while taken.contains(&free.to_ascii_lowercase()) {
        number += 1;
        free = format!("{name}:{number}");
    }
    free
}

/// What ORDER BY may name.
fn items_of<'a>(items: &'a [Item<'a>], columns: &'a [ScopeColumn]) -> Vec<super::order::Sortable<'a>> {
    let both = items.iter().zip(columns);
    both.map(|(item, column)| super::order::Sortable {
        alias: &item.name,
        name: &column.name,
        expression: item.expression,
        value: &item.value,
        collation: item.own_collation(),
    })
    .collect()
}
