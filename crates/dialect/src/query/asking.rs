//! What an expression of a query takes for granted, as something that the rows of one table can be asked.
//!
//! A query's row is put together from rows of several tables. A condition whose columns all come from one of them is
//! about that table's rows; its names are written as the table itself has them.

use sqlite3_parser::Bump;
use sqlite3_parser::ast::{Expr, FromClause, OneSelect, ResultColumn, Select, SelectTable, Stmt};
use sqlite3_parser::lexer::Scanner;
use sqlite3_parser::lexer::sql::Tokenizer;

use super::frame::{Frame, Source};
use super::nested::children;
use super::refusal::Refusal;
use super::{Reader, aggregate};
use crate::Assumption;
use crate::parse::{statement, unquote};

/// A name in an expression: of the table, if it is written, and of the column as it is written.
type Name = (Option<String>, String);

impl Reader<'_> {
    /// Notes what has to be asked, or fails where nobody can be.
    pub(super) fn take_for_granted(&self, assumption: &Assumption, frame: &Frame<'_>) -> Result<(), Refusal> {
        // An error when the query is run is no wrong result.
        if assumption.raises {
            return Ok(());
        }
        if assumption.table.is_some() {
            self.assumptions.borrow_mut().insert(assumption.clone());
            return Ok(());
        }
        let refused = || Refusal::Assumption {
            condition: assumption.condition.clone(),
        };
        let conditions = self.conditions.as_ref().ok_or_else(refused)?;
        let apart = || {
            let parts = assumption.apart.iter().map(|it| self.of_one_table(it, frame));
            parts.collect::<Option<Vec<_>>>().filter(|it| !it.is_empty())
        };
        let whole = self.of_one_table(assumption, frame).map(|it| vec![it]);
        let found = whole.or_else(apart).ok_or_else(refused)?;
        self.assumptions.borrow_mut().extend(found.iter().cloned());
        conditions.borrow_mut().extend(found);
        Ok(())
    }

    /// The condition as one of the only table that it is about.
    fn of_one_table(&self, assumption: &Assumption, frame: &Frame<'_>) -> Option<Assumption> {
        let mut names = Vec::new();
        {
            let bump = Bump::new();
            let sql = format!("SELECT {}\n", assumption.condition);
            let Stmt::Select(select) = statement(&bump, &sql, "condition").ok()? else {
                return None;
            };
            let [ResultColumn::Expr(condition, None)] = results_of(select)? else {
                return None;
            };
            collect(condition, &mut names)?;
        }
        let mut only: Option<&Source> = None;
        for (table, written) in names {
            let name = unquote(&written);
            match frame.peek(table.as_deref(), &name) {
                Some((source, _)) if only.is_none_or(|it| std::ptr::eq(it, source)) => only = Some(source),
                // In double quotes, what is no column is a string.
                None if written.starts_with('"') && frame.alias(&name).is_none() => {}
                Some(_) | None => return None,
            }
        }
        // NEW and OLD, and what a statement could not insert, are rows to come.
        let source = only.filter(|it| !it.qualified_only)?;
        let relation = self.relations.get(source.relation.as_deref()?)?;
        (!relation.is_view).then(|| Assumption {
            table: Some(relation.name.clone()),
            condition: without_label(&assumption.condition, &source.label),
            ..assumption.clone()
        })
    }
}

fn results_of<'a>(select: &Select<'a>) -> Option<&'a [ResultColumn<'a>]> {
    match &select.body.select {
        OneSelect::Select {
            columns, from: None, ..
        } => Some(columns),
        _ => None,
    }
}

/// Adds the names in an expression of one row; `None` where it is about more than that.
fn collect(expression: &Expr<'_>, names: &mut Vec<Name>) -> Option<()> {
    match expression {
        Expr::Id(name) => names.push((None, name.0.to_owned())),
        Expr::Name(name) => names.push((None, name.0.to_owned())),
        Expr::Qualified(table, name) => names.push((Some(unquote(table.0)), name.0.to_owned())),
        Expr::FunctionCall {
            name,
            args,
            distinctness: None,
            order_by: None,
            filter_over: None,
        } => {
            let arguments = args.unwrap_or_default();
            if aggregate::is_one(&unquote(name.0).to_ascii_lowercase(), arguments.len()) {
                return None;
            }
            for argument in arguments {
                collect(argument, names)?;
            }
        }
        // The members of a document are asked for by a query of ours.
        Expr::Exists(select) => collect(document_of(select)?, names)?,
        Expr::Literal(_) => {}
        Expr::Parenthesized(_)
        | Expr::Unary(..)
        | Expr::Binary(..)
        | Expr::Between { .. }
        | Expr::InList { .. }
        | Expr::IsNull(_)
        | Expr::NotNull(_)
        | Expr::Like { .. }
        | Expr::Case { .. }
        | Expr::Cast { .. }
        | Expr::Collate(..) => {
            for part in children(expression) {
                collect(part, names)?;
            }
        }
        _ => return None,
    }
    Some(())
}

/// The document whose members `SELECT … FROM json_tree(document)` reads.
fn document_of<'a>(select: &Select<'a>) -> Option<&'a Expr<'a>> {
    let OneSelect::Select {
        from:
            Some(FromClause {
                select: Some(SelectTable::TableCall(table, Some([document]), None)),
                joins: None,
                ..
            }),
        where_clause: None,
        ..
    } = &select.body.select
    else {
        return None;
    };
    table.name.0.eq_ignore_ascii_case("json_tree").then_some(document)
}

/// The condition without `label.` before its names.
fn without_label(condition: &str, label: &str) -> String {
    let mut scanner = Scanner::new(Tokenizer::new());
    let mut tokens: Vec<(usize, usize)> = Vec::new();
    while let Ok((start, Some(_), end)) = scanner.scan(condition.as_bytes()) {
        tokens.push((start, end));
    }
    let text = |at: usize| {
        let token = tokens.get(at);
        token
            .and_then(|&(start, end)| condition.get(start..end))
            .unwrap_or_default()
    };
    let mut out = String::new();
    let mut at = 0;
    while at < tokens.len() {
        if text(at + 1) == "." && unquote(text(at)).eq_ignore_ascii_case(label) {
            at += 2;
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(text(at));
        at += 1;
    }
    out
}
