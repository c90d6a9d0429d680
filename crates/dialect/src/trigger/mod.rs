//! Triggers, as the body of a PL/pgSQL function and what CREATE TRIGGER needs beside it.

mod raise;
mod statement;

use sqlite3_parser::Bump;
use sqlite3_parser::ast::{Expr, Stmt, TriggerCmd, TriggerEvent, TriggerTime};

use crate::query::{Form, Frame, Reader, Refusal, Remark, Source, children, quoted, source_of};
use crate::relation::{Relation, Relations};
use crate::{Assumption, parse};

/// A trigger of the target, and its function.
#[derive(Clone, Debug)]
pub struct Trigger {
    pub timing: Timing,
    /// `INSERT`, `UPDATE`, `UPDATE OF a, b` or `DELETE`.
    pub event: String,
    /// The table or view, with the schema.
    pub relation: String,
    /// What must be true of the row; it holds subqueries only where [`Trigger::tests_inside`].
    pub condition: Option<String>,
    /// Whether the condition cannot stand in CREATE TRIGGER, and so must stand in the function.
    pub tests_inside: bool,
    /// Statements of PL/pgSQL, without what the function returns in the end.
    pub statements: Vec<String>,
    /// What it returns: `NEW`, `OLD` or `NULL`.
    pub result: &'static str,
    /// Names, in the file, of the relations that it writes to.
    pub writes: Vec<String>,
    pub remarks: Vec<Remark>,
    /// What must be true of the rows of tables, as SQLite can be asked.
    pub assumptions: Vec<Assumption>,
}

/// When a trigger runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timing {
    Before,
    After,
    InsteadOf,
}

/// A setting of the transaction that says whether a trigger runs. SQLite starts none that runs already
/// (`PRAGMA recursive_triggers` is off unless an application turns it on in each of its sessions), PostgreSQL does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard(pub String);

impl Guard {
    /// An expression: whether the trigger runs already, further up.
    pub fn is_on(&self) -> String {
        format!(
            "(COALESCE(pg_catalog.current_setting('{}', true), '') = 'on')",
            self.0
        )
    }

    /// The statement that says that it runs, or that it is done.
    pub fn turn(&self, on: bool) -> String {
        let state = if on { "on" } else { "" };
        format!("PERFORM pg_catalog.set_config('{}', '{state}', true);", self.0)
    }
}

/// Translates a trigger. `is_alone` says that its relation has no other one for the same event; `guard` is on while it
/// runs.
///
/// Fails where a part of it has no counterpart, or where it names what `relations` lacks.
pub fn trigger(
    sql: &str,
    relations: &Relations,
    is_alone: bool,
    guard: Option<&Guard>,
) -> Result<Trigger, Refusal> {
    let bump = Bump::new();
    let statement = parse::statement(&bump, sql, "trigger").map_err(|_| Refusal::Unreadable)?;
    let Stmt::CreateTrigger {
        time,
        event,
        tbl_name,
        when_clause,
        commands,
        ..
    } = statement
    else {
        return Err(Refusal::Unreadable);
    };
    let timing = match time {
        None | Some(TriggerTime::Before) => Timing::Before,
        Some(TriggerTime::After) => Timing::After,
        Some(TriggerTime::InsteadOf) => Timing::InsteadOf,
    };
    let reader = Reader::new(relations);
    let relation = reader.relation(&parse::unquote(tbl_name.name.0))?;
    let mut frame = Frame::within(None)?;
    frame.sources = rows(relation, timing, &event);
    let mut body = Body {
        reader: &reader,
        frame: &frame,
        timing,
        is_alone,
        guard,
        writes: Vec::new(),
    };
    let condition = when_clause
        .as_ref()
        .map(|it| reader.condition(it, &frame))
        .transpose()?;
    let mut statements = Vec::new();
    for command in commands {
        statements.extend(body.command(command)?);
    }
    if timing == Timing::Before && body.writes.contains(&relation.name) {
        return Err(Form::BeforeOwnTable.into());
    }
    if timing == Timing::After && reader.has_read(relation) {
        reader.remark(Remark::AfterStatement);
    }
    if frame.seen.number_before.get() {
        reader.remark(Remark::NumberBefore);
    }
    Ok(Trigger {
        tests_inside: timing == Timing::InsteadOf || when_clause.as_ref().is_some_and(has_query),
        event: event_of(&event, relation, timing)?,
        relation: relation.qualified(),
        condition,
        statements,
        result: match (timing, &event) {
            (Timing::After, _) => "NULL",
            (_, TriggerEvent::Delete) => "OLD",
            _ => "NEW",
        },
        timing,
        writes: body.writes,
        remarks: reader.remarks(),
        assumptions: reader.assumptions(),
    })
}

/// A trigger whose statements are read.
struct Body<'b> {
    reader: &'b Reader<'b>,
    /// Knows NEW and OLD.
    frame: &'b Frame<'b>,
    timing: Timing,
    is_alone: bool,
    guard: Option<&'b Guard>,
    writes: Vec<String>,
}

impl Body<'_> {
    fn command(&mut self, command: &TriggerCmd<'_>) -> Result<Vec<String>, Refusal> {
        Ok(match command {
            TriggerCmd::Insert {
                or_conflict,
                tbl_name,
                col_names,
                select,
                upsert,
            } => {
                let columns = col_names.as_ref().map(|it| it.as_slice());
                vec![self.insert(*or_conflict, tbl_name, columns, select, *upsert)?]
            }
            TriggerCmd::Update {
                or_conflict,
                tbl_name,
                sets,
                from,
                where_clause,
            } => vec![self.update(*or_conflict, tbl_name, sets, from.as_ref(), where_clause.as_ref())?],
            TriggerCmd::Delete {
                tbl_name,
                where_clause,
            } => {
                vec![self.delete(tbl_name, where_clause.as_ref())?]
            }
            TriggerCmd::Select(select) => self.select(select)?.into_iter().collect(),
        })
    }
}

/// NEW and OLD.
fn rows(relation: &Relation, timing: Timing, event: &TriggerEvent<'_>) -> Vec<Source> {
    let row = |label: &str| Source {
        qualified_only: true,
        before: timing == Timing::Before && label == "new",
        elsewhere: (timing == Timing::Before) == (label == "new"),
        ..source_of(relation, label.to_owned(), &label.to_ascii_uppercase())
    };
    match event {
        TriggerEvent::Insert => vec![row("new")],
        TriggerEvent::Delete => vec![row("old")],
        TriggerEvent::Update | TriggerEvent::UpdateOf(_) => vec![row("new"), row("old")],
    }
}

fn event_of(event: &TriggerEvent<'_>, relation: &Relation, timing: Timing) -> Result<String, Form> {
    Ok(match event {
        TriggerEvent::Insert => "INSERT".to_owned(),
        TriggerEvent::Delete => "DELETE".to_owned(),
        TriggerEvent::Update => "UPDATE".to_owned(),
        TriggerEvent::UpdateOf(_) if timing == Timing::InsteadOf => return Err(Form::UpdateOfView),
        TriggerEvent::UpdateOf(names) => {
            let mut columns = Vec::new();
            for name in names.iter() {
                let place = relation
                    .place(&parse::unquote(name.0))
                    .ok_or(Form::UpdateOfUnknown)?;
                columns.push(quoted(&relation.columns[place].target));
            }
            format!("UPDATE OF {}", columns.join(", "))
        }
    })
}

/// Whether the expression holds a query, which CREATE TRIGGER takes nowhere.
fn has_query(expression: &Expr<'_>) -> bool {
    let is_one = matches!(
        expression,
        Expr::Subquery(_) | Expr::Exists(_) | Expr::InSelect { .. } | Expr::InTable { .. }
    );
    is_one || children(expression).into_iter().any(has_query)
}
