//! INSERT, UPDATE and DELETE in a trigger.

use std::fmt::Write;

use sqlite3_parser::ast::{
    Expr, FromClause, Name, OneSelect, QualifiedName, ResolveType, Select, Set, Upsert, UpsertDo,
};

use super::Body;
use crate::parse::unquote;
use crate::query::{Form, Frame, Refusal, Remark, Source, free_alias, is_in_file, quoted, source_of};
use crate::relation::{Relation, is_rowid};
use crate::{ScopeColumn, ValueType};

/// A column that a statement writes to.
type Target<'r> = (&'r Relation, usize);

impl<'b> Body<'b> {
    pub(super) fn insert(
        &mut self,
        conflict: Option<ResolveType>,
        table: &QualifiedName<'_>,
        names: Option<&[Name<'_>]>,
        select: &Select<'_>,
        upsert: Option<&Upsert<'_>>,
    ) -> Result<String, Refusal> {
        let relation = self.written(table)?;
        let places: Vec<usize> = match names {
            Some(names) => names
                .iter()
                .map(|name| place_of(relation, &unquote(name.0)))
                .collect::<Result<_, _>>()?,
            None => (0..relation.columns.len())
                .filter(|&it| !relation.columns[it].generated)
                .collect(),
        };
        if places.iter().any(|&it| relation.columns[it].generated) {
            return Err(Form::GeneratedTarget.into());
        }
        let label = table
            .alias
            .as_ref()
            .map_or_else(|| relation.name.clone(), |it| unquote(it.0));
        let alias = free_alias(&label, &mut Vec::new());
        let columns: Vec<String> = places
            .iter()
            .map(|&it| quoted(&relation.columns[it].target))
            .collect();
        let rows = self.rows_to_insert(select, relation, &places)?;
        let mut sql = format!(
            "{} {} AS {alias} ({})\n    {}",
            INSERT,
            relation.qualified(),
            columns.join(", "),
            rows
        );
        match (conflict, upsert) {
            (None | Some(ResolveType::Abort), None) => {}
            (None | Some(ResolveType::Abort), Some(upsert)) => {
                sql.push_str(&self.upsert(upsert, relation, &label, &alias)?);
            }
            (Some(ResolveType::Ignore), None) => {
                self.reader.remark(Remark::IgnoresKeysAlone);
                sql.push_str("\n    ON CONFLICT DO NOTHING");
            }
            (Some(ResolveType::Replace), None) => sql.push_str(&replacing(relation)?),
            (Some(ResolveType::Fail | ResolveType::Rollback), None) => {
                return Err(Form::OrRollback.into());
            }
            (Some(_), Some(_)) => return Err(Form::UpsertTarget.into()),
        }
        sql.push(';');
        Ok(sql)
    }

    /// VALUES with each value in its column's type, or a query whose columns have those types already.
    fn rows_to_insert(
        &self,
        select: &Select<'_>,
        relation: &Relation,
        places: &[usize],
    ) -> Result<String, Refusal> {
        let is_plain = select.with.is_none() && select.body.compounds.is_none() && select.limit.is_none();
        if let OneSelect::Values(rows) = &select.body.select
            && is_plain
        {
            let mut tuples = Vec::new();
            for row in rows {
                if row.len() != places.len() {
                    return Err(Form::ValueCount.into());
                }
                let values: Vec<String> = row
                    .iter()
                    .zip(places)
                    .map(|(value, &place)| self.assigned(value, (relation, place), self.frame))
                    .collect::<Result<_, _>>()?;
                tuples.push(format!("({})", values.join(", ")));
            }
            return Ok(format!("VALUES {}", tuples.join(", ")));
        }
        let query = self.reader.query(select, Some(self.frame))?;
        if query.columns.len() != places.len() {
            return Err(Form::ValueCount.into());
        }
        for (column, &place) in query.columns.iter().zip(places) {
            let target = &relation.columns[place];
            if !is_stored_alike(column.value_type, target.value_type) {
                return Err(Refusal::NoAssignment {
                    column: target.name.clone(),
                });
            }
        }
        Ok(query.sql)
    }

    fn upsert(
        &self,
        upsert: &Upsert<'_>,
        relation: &Relation,
        label: &str,
        alias: &str,
    ) -> Result<String, Refusal> {
        if upsert.next.is_some() {
            return Err(Form::UpsertTarget.into());
        }
        let mut sql = "\n    ON CONFLICT".to_owned();
        if let Some(index) = &upsert.index {
            let mut places = Vec::new();
            for target in index.targets {
                let Expr::Id(name) = &target.expr else {
                    return Err(Form::UpsertTarget.into());
                };
                places.push(place_of(relation, &unquote(name.0))?);
            }
            if index.where_clause.is_some() || !is_key(relation, &places) {
                return Err(Form::UpsertTarget.into());
            }
            let names: Vec<String> = places
                .iter()
                .map(|&it| quoted(&relation.columns[it].target))
                .collect();
            // Writing to a String cannot fail, here and below.
            let _ = write!(sql, " ({})", names.join(", "));
        }
        match &upsert.do_clause {
            UpsertDo::Nothing => sql.push_str(" DO NOTHING"),
            UpsertDo::Set { .. } if upsert.index.is_none() => return Err(Form::UpsertTarget.into()),
            UpsertDo::Set { sets, where_clause } => {
                let mut frame = Frame::within(Some(self.frame))?;
                frame.sources.push(source_of(relation, label.to_owned(), alias));
                frame.sources.push(Source {
                    qualified_only: true,
                    ..source_of(relation, "excluded".to_owned(), "excluded")
                });
                let sets = self.sets(sets, relation, &frame)?;
                let _ = write!(sql, " DO UPDATE SET {sets}");
                if let Some(condition) = where_clause {
                    let _ = write!(sql, "\n    WHERE {}", self.reader.condition(condition, &frame)?);
                }
            }
        }
        Ok(sql)
    }

    pub(super) fn update(
        &mut self,
        conflict: Option<ResolveType>,
        table: &QualifiedName<'_>,
        sets: &[Set<'_>],
        from: Option<&FromClause<'_>>,
        condition: Option<&Expr<'_>>,
    ) -> Result<String, Refusal> {
        if !matches!(conflict, None | Some(ResolveType::Abort)) {
            return Err(Form::OrRollback.into());
        }
        let relation = self.written(table)?;
        let label = table
            .alias
            .as_ref()
            .map_or_else(|| relation.name.clone(), |it| unquote(it.0));
        let mut taken = Vec::new();
        let alias = free_alias(&label, &mut taken);
        let mut frame = Frame::within(Some(self.frame))?;
        let mut from_sql = String::new();
        if let Some(clause) = from.filter(|it| it.select.is_some()) {
            let from = self.reader.joined_beside(clause, Some(self.frame), &mut taken)?;
            from_sql = format!("\n    FROM {}", from.sql);
            frame.sources = from.sources;
        }
        frame.sources.push(source_of(relation, label, &alias));
        let sets = self.sets(sets, relation, &frame)?;
        let filter = self.filter(condition, &frame)?;
        Ok(format!(
            "{} {} AS {alias} {} {sets}{from_sql}{filter};",
            UPDATE,
            relation.qualified(),
            SET
        ))
    }

    fn sets(&self, sets: &[Set<'_>], relation: &Relation, frame: &Frame<'_>) -> Result<String, Refusal> {
        let mut assignments = Vec::new();
        for set in sets {
            let names = set.col_names.as_slice();
            let values: Vec<&Expr<'_>> = match (&set.expr, names) {
                (value, [_]) => vec![value],
                (Expr::Parenthesized(values), names) if values.len() == names.len() => {
                    values.iter().collect()
                }
                _ => return Err(Form::RowValue.into()),
            };
            for (name, value) in names.iter().zip(values) {
                let place = place_of(relation, &unquote(name.0))?;
                if relation.columns[place].generated {
                    return Err(Form::GeneratedTarget.into());
                }
                let value = self.assigned(value, (relation, place), frame)?;
                assignments.push(format!("{} = {value}", quoted(&relation.columns[place].target)));
            }
        }
        Ok(assignments.join(", "))
    }

    pub(super) fn delete(
        &mut self,
        table: &QualifiedName<'_>,
        condition: Option<&Expr<'_>>,
    ) -> Result<String, Refusal> {
        let relation = self.written(table)?;
        let label = table
            .alias
            .as_ref()
            .map_or_else(|| relation.name.clone(), |it| unquote(it.0));
        let alias = free_alias(&label, &mut Vec::new());
        let mut frame = Frame::within(Some(self.frame))?;
        frame.sources.push(source_of(relation, label, &alias));
        let filter = self.filter(condition, &frame)?;
        Ok(format!("{} {} AS {alias}{filter};", DELETE, relation.qualified()))
    }

    fn filter(&self, condition: Option<&Expr<'_>>, frame: &Frame<'_>) -> Result<String, Refusal> {
        let Some(condition) = condition else {
            return Ok(String::new());
        };
        let sql = self.reader.condition(condition, frame)?;
        Ok(format!("\n    WHERE {sql}"))
    }

    fn written(&mut self, table: &QualifiedName<'_>) -> Result<&'b Relation, Refusal> {
        is_in_file(table.db_name.as_ref().map(|it| it.0))?;
        let relation = self.reader.relation(&unquote(table.name.0))?;
        self.writes.push(relation.name.clone());
        Ok(relation)
    }

    /// A value as SQLite stores it in the column.
    fn assigned(&self, value: &Expr<'_>, target: Target<'_>, frame: &Frame<'_>) -> Result<String, Refusal> {
        let (relation, place) = target;
        let column = &relation.columns[place];
        // NULL is the next number there.
        if relation.rowid == Some(place) && matches!(value, Expr::Literal(sqlite3_parser::ast::Literal::Null))
        {
            return Ok("DEFAULT".to_owned());
        }
        let stored = ScopeColumn {
            table: relation.name.clone(),
            name: column.name.clone(),
            sql: quoted(&column.target),
            value_type: column.value_type,
            nullable: column.nullable,
            collation: column.collation,
            affinity: column.affinity,
            generated: false,
        };
        self.reader.assigned(value, &stored, frame)
    }
}

/// The words of the statements.
const INSERT: &str = "INSERT INTO";
const UPDATE: &str = "UPDATE";
const SET: &str = "SET";
const DELETE: &str = "DELETE FROM";

/// The row that has the key is replaced as a whole. To SQLite it is another row then, which foreign keys and triggers
/// would see.
fn replacing(relation: &Relation) -> Result<String, Form> {
    let mut keys: Vec<&Vec<usize>> = relation.uniques.iter().collect();
    if !relation.primary_key.is_empty() && !relation.uniques.contains(&relation.primary_key) {
        keys.push(&relation.primary_key);
    }
    let [key] = keys.as_slice() else {
        return Err(Form::OrReplace);
    };
    if relation.is_referenced || relation.has_triggers {
        return Err(Form::OrReplace);
    }
    let name = |place: usize| quoted(&relation.columns[place].target);
    let others =
        (0..relation.columns.len()).filter(|it| !key.contains(it) && !relation.columns[*it].generated);
    let sets: Vec<String> = others.map(|it| format!("{0} = excluded.{0}", name(it))).collect();
    let key: Vec<String> = key.iter().map(|&it| name(it)).collect();
    Ok(if sets.is_empty() {
        format!("\n    ON CONFLICT ({}) DO NOTHING", key.join(", "))
    } else {
        format!(
            "\n    ON CONFLICT ({}) DO UPDATE SET {}",
            key.join(", "),
            sets.join(", ")
        )
    })
}

fn is_key(relation: &Relation, places: &[usize]) -> bool {
    let same = |key: &Vec<usize>| key.len() == places.len() && key.iter().all(|it| places.contains(it));
    !places.is_empty() && (same(&relation.primary_key) || relation.uniques.iter().any(same))
}

fn place_of(relation: &Relation, name: &str) -> Result<usize, Refusal> {
    match relation.place(name) {
        Some(place) => Ok(place),
        None if is_rowid(name) => relation.rowid.ok_or(Form::RowidWrite.into()),
        None => Err(Refusal::NoColumn {
            name: name.to_owned(),
        }),
    }
}

/// Whether a column of the second type stores values of the first one as SQLite would.
fn is_stored_alike(value: ValueType, column: ValueType) -> bool {
    let is_whole = |it| matches!(it, ValueType::SmallInt | ValueType::Integer);
    value == column && column != ValueType::Other
        || is_whole(value) && (is_whole(column) || matches!(column, ValueType::Real | ValueType::Numeric))
}
