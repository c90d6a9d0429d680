//! FROM: which relations a query reads, and how they are joined.

use sqlite3_parser::ast::{
    As, Expr, FromClause, JoinConstraint, JoinOperator, JoinType, JoinedSelectTable, Operator, SelectTable,
};

use super::frame::{Frame, Source};
use super::refusal::{Form, Refusal};
use super::select::Query;
use super::{Reader, quoted};
use crate::parse::unquote;
use crate::relation::Relation;
use crate::{Collation, ScopeColumn};

/// Relations with the SQL that joins them.
pub(crate) struct From {
    pub(crate) sql: String,
    pub(crate) sources: Vec<Source>,
}

impl<'r> Reader<'r> {
    /// Reads a FROM clause of a query within `outer`, where SQLite looks for what its subqueries name.
    pub(crate) fn joined(&self, clause: &FromClause<'_>, outer: Option<&Frame<'_>>) -> Result<From, Refusal> {
        self.joined_beside(clause, outer, &mut Vec::new())
    }

    /// As [`Reader::joined`], beside relations whose names are taken.
    pub(crate) fn joined_beside(
        &self,
        clause: &FromClause<'_>,
        outer: Option<&Frame<'_>>,
        taken: &mut Vec<String>,
    ) -> Result<From, Refusal> {
        let Some(first) = clause.select else {
            return Err(Refusal::Unreadable);
        };
        let mut from = self.table(first, outer, taken)?;
        for join in clause.joins.iter().flatten() {
            self.join(&mut from, join, outer, taken)?;
        }
        Ok(from)
    }

    fn join(
        &self,
        from: &mut From,
        join: &JoinedSelectTable<'_>,
        outer: Option<&Frame<'_>>,
        taken: &mut Vec<String>,
    ) -> Result<(), Refusal> {
        let kind = match join.operator {
            JoinOperator::Comma | JoinOperator::TypedJoin(None) => JoinType::INNER,
            JoinOperator::TypedJoin(Some(kind)) => kind,
        };
        let mut right = self.table(&join.table, outer, taken)?;
        let (keeps_left, keeps_right) = (kind.contains(JoinType::LEFT), kind.contains(JoinType::RIGHT));
        let using = match &join.constraint {
            Some(JoinConstraint::Using(names)) => names.iter().map(|it| unquote(it.0)).collect(),
            _ if kind.contains(JoinType::NATURAL) => common_names(&from.sources, &right.sources),
            _ => Vec::new(),
        };
        if keeps_right && !using.is_empty() {
            return Err(Form::OuterUsing.into());
        }
        let mut conditions = Vec::new();
        for name in &using {
            conditions.push(equal_columns(&from.sources, &right.sources, name)?);
            for source in &mut right.sources {
                let is_meant = |it: &ScopeColumn| it.name.eq_ignore_ascii_case(name);
                let places = (0..source.columns.len()).filter(|&place| is_meant(&source.columns[place]));
                source.joined.extend(places);
            }
        }
        let left_count = from.sources.len();
        from.sources.append(&mut right.sources);
        if let Some(JoinConstraint::On(condition)) = &join.constraint {
            if keeps_left && keeps_right && !is_plain_equality(condition) {
                return Err(Form::FullJoin.into());
            }
            let mut frame = Frame::within(outer)?;
            frame.sources = std::mem::take(&mut from.sources);
            let translated = self.condition(condition, &frame);
            from.sources = std::mem::take(&mut frame.sources);
            conditions.push(translated?);
        }
        for (at, source) in from.sources.iter_mut().enumerate() {
            if if at < left_count { keeps_right } else { keeps_left } {
                source.columns.iter_mut().for_each(|it| it.nullable = true);
            }
        }
        let word = match (keeps_left, keeps_right) {
            (true, true) => "FULL JOIN",
            (true, false) => "LEFT JOIN",
            (false, true) => "RIGHT JOIN",
            (false, false) if conditions.is_empty() => "CROSS JOIN",
            (false, false) => "JOIN",
        };
        let condition = match conditions.is_empty() {
            false => format!(" ON {}", conditions.join(" AND ")),
            true if word == "CROSS JOIN" => String::new(),
            true => " ON true".to_owned(),
        };
        from.sql = format!("{}\n     {word} {}{condition}", from.sql, right.sql);
        Ok(())
    }

    fn table(
        &self,
        table: &SelectTable<'_>,
        outer: Option<&Frame<'_>>,
        taken: &mut Vec<String>,
    ) -> Result<From, Refusal> {
        match table {
            SelectTable::Table(name, alias, _) => {
                is_in_file(name.db_name.as_ref().map(|it| it.0))?;
                let name = unquote(name.name.0);
                let label = alias_of(alias.as_ref()).unwrap_or_else(|| name.clone());
                let alias = free_alias(&label, taken);
                if let Some(common) = outer.and_then(|it| it.table(&name)) {
                    let columns = common.columns.iter().map(|it| seen_through(it, &alias)).collect();
                    let sql = format!("{} AS {alias}", quoted(&common.name));
                    return Ok(From::of(sql, label, columns));
                }
                let relation = self.relation(&name)?;
                self.note_read(relation);
                let source = source_of(relation, label, &alias);
                let sql = format!("{} AS {alias}", relation.qualified());
                Ok(From {
                    sql,
                    sources: vec![source],
                })
            }
            SelectTable::Select(select, alias) => {
                let label = alias_of(alias.as_ref());
                let alias = free_alias(label.as_deref().unwrap_or("subquery"), taken);
                let query = self.query(select, outer)?;
                let columns = query.columns.iter().map(|it| seen_through(it, &alias)).collect();
                let sql = format!("({}) AS {alias}", query.sql);
                Ok(From::of(sql, label.unwrap_or_default(), columns))
            }
            SelectTable::Sub(clause, None) => {
                let mut inner = self.joined_beside(clause, outer, taken)?;
                if inner.sources.len() > 1 {
                    inner.sql = format!("({})", inner.sql);
                }
                Ok(inner)
            }
            SelectTable::Sub(_, Some(_)) => Err(Form::JoinGroup.into()),
            SelectTable::TableCall(..) => Err(Form::TableFunction.into()),
        }
    }

    /// `IN table` reads all of a table, which must have one column.
    pub(crate) fn whole_table(&self, name: &str, outer: &Frame<'_>) -> Result<Query, Refusal> {
        let (columns, sql) = if let Some(common) = outer.table(name) {
            (common.columns.clone(), quoted(&common.name))
        } else {
            let relation = self.relation(name)?;
            self.note_read(relation);
            let source = source_of(relation, name.to_owned(), "whole");
            (source.columns, relation.qualified())
        };
        Ok(Query {
            sql: format!("SELECT whole.*\nFROM {sql} AS whole"),
            collations: columns.iter().map(|it| Some((it.collation, false))).collect(),
            columns,
            single: false,
        })
    }

    pub(crate) fn relation(&self, name: &str) -> Result<&'r Relation, Refusal> {
        self.relations
            .get(name)
            .ok_or_else(|| match self.relations.absent_kind(name) {
                Some(kind) => Refusal::LeftOut {
                    kind,
                    name: name.to_owned(),
                },
                None => Refusal::NoRelation {
                    name: name.to_owned(),
                },
            })
    }
}

impl From {
    fn of(sql: String, label: String, columns: Vec<ScopeColumn>) -> From {
        let source = Source {
            label,
            columns,
            joined: Vec::new(),
            rowid: None,
            key: Vec::new(),
            qualified_only: false,
            relation: None,
            before: false,
            elsewhere: false,
        };
        From {
            sql,
            sources: vec![source],
        }
    }
}

/// A relation as `alias` reads it, an alias in quotes where needed.
pub(crate) fn source_of(relation: &Relation, label: String, alias: &str) -> Source {
    let columns = relation.columns.iter().map(|column| ScopeColumn {
        table: label.clone(),
        name: column.name.clone(),
        sql: format!("{alias}.{}", quoted(&column.target)),
        value_type: column.value_type,
        nullable: column.nullable,
        collation: column.collation,
        affinity: column.affinity,
        generated: column.generated,
    });
    Source {
        columns: columns.collect(),
        label,
        joined: Vec::new(),
        rowid: relation.rowid,
        key: relation.primary_key.clone(),
        qualified_only: false,
        relation: Some(relation.name.clone()),
        before: false,
        elsewhere: false,
    }
}

/// `main` is the file itself.
pub(crate) fn is_in_file(database: Option<&str>) -> Result<(), Form> {
    match database {
        Some(name) if !unquote(name).eq_ignore_ascii_case("main") => Err(Form::OtherDatabase),
        _ => Ok(()),
    }
}

/// The name after AS, or without it.
pub(crate) fn alias_of(alias: Option<&As<'_>>) -> Option<String> {
    match alias? {
        As::As(name) | As::Elided(name) => Some(unquote(name.0)),
    }
}

/// A name for a relation in FROM that no other has there, in quotes where needed. NEW and OLD are variables in the
/// body of a trigger.
pub(crate) fn free_alias(label: &str, taken: &mut Vec<String>) -> String {
    let is_free = |name: &str, taken: &[String]| {
        let reserved = ["new", "old", ""];
        !reserved
            .iter()
            .chain(&taken.iter().map(String::as_str).collect::<Vec<_>>())
            .any(|it| it.eq_ignore_ascii_case(name))
    };
    let mut name = label.to_owned();
    let mut number = 1;
    while !is_free(&name, taken) {
        number += 1;
        name = format!("{label}_{number}");
    }
    taken.push(name.clone());
    quoted(&name)
}

/// A column of a query as the query around it reads it.
fn seen_through(column: &ScopeColumn, alias: &str) -> ScopeColumn {
    ScopeColumn {
        sql: format!("{alias}.{}", quoted(&column.name)),
        generated: false,
        ..column.clone()
    }
}

fn visible(sources: &[Source]) -> impl Iterator<Item = &ScopeColumn> {
    sources.iter().flat_map(|source| {
        let places = (0..source.columns.len()).filter(|place| !source.joined.contains(place));
        places.map(|place| &source.columns[place])
    })
}

fn common_names(left: &[Source], right: &[Source]) -> Vec<String> {
    let has = |name: &str| visible(left).any(|it| it.name.eq_ignore_ascii_case(name));
    visible(right)
        .filter(|it| has(&it.name))
        .map(|it| it.name.clone())
        .collect()
}

/// What USING means. SQLite takes the first column of that name on the left.
fn equal_columns(left: &[Source], right: &[Source], name: &str) -> Result<String, Refusal> {
    let find = |sources| {
        let mut found = visible(sources).filter(|it| it.name.eq_ignore_ascii_case(name));
        found.next().ok_or_else(|| Refusal::NoColumn {
            name: name.to_owned(),
        })
    };
    let (one, other) = (find(left)?, find(right)?);
    let comparable = one.value_type == other.value_type
        && super::types::is_comparable(one.value_type)
        && [one, other].iter().all(|it| it.collation == Collation::Binary);
    if !comparable {
        return Err(Refusal::NoOrder {
            column: name.to_owned(),
        });
    }
    Ok(format!("{} = {}", one.sql, other.sql))
}

/// PostgreSQL can join fully by what it can hash or merge alone.
fn is_plain_equality(condition: &Expr<'_>) -> bool {
    let is_column = |it: &Expr<'_>| matches!(it, Expr::Qualified(..) | Expr::Id(_));
    match condition {
        Expr::Binary(left, Operator::Equals, right) => is_column(left) && is_column(right),
        Expr::Parenthesized(inner) => inner.len() == 1 && is_plain_equality(&inner[0]),
        _ => false,
    }
}
