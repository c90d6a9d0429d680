//! Queries: SELECT with all that it may hold, for views and for the bodies of triggers.
//!
//! Each relation in FROM gets an alias, and each column is written with it, so that nothing hangs on what else is in
//! reach on the target. A query is a tree of [`frame::Frame`]s, in which names are looked up as SQLite does; whatever
//! has no counterpart is a [`Refusal`].

mod aggregate;
mod asking;
mod compound;
mod frame;
mod from;
mod nested;
mod order;
mod refusal;
mod select;
mod tables;
mod types;
mod values;
mod window;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use sqlite3_parser::ast::Expr;

pub use refusal::{Form, Refusal};

pub(crate) use frame::{Frame, Source};
pub(crate) use from::{free_alias, is_in_file, source_of};
pub(crate) use nested::children;
pub(crate) use types::cast;

use crate::budget::Budget;
use crate::collation::{Collated, collation_of, of_comparison};
use crate::relation::{Relation, Relations};
use crate::translator::{self, Names, Values};
use crate::{Assumption, Collation, Expression, ScopeColumn, Untranslated};

/// What is not wrong, and yet another than in SQLite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Remark {
    /// The order within `group_concat` and its like.
    ConcatenationOrder,
    /// The last digits of sums of floating-point numbers.
    FloatingSum,
    /// Sums of `numeric` values.
    ExactSum,
    /// Which row a scalar subquery takes.
    FirstRow,
    /// RAISE(FAIL) and RAISE(ROLLBACK).
    RaiseUndoes,
    /// OR IGNORE.
    IgnoresKeysAlone,
    /// AFTER triggers see all rows of their statement.
    AfterStatement,
    /// Several triggers for one event.
    OrderOfTriggers,
    /// The number of a new row in a BEFORE trigger.
    NumberBefore,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Remark::ConcatenationOrder => "the order of what is concatenated is not defined in either database",
            Remark::FloatingSum => "sums of floating-point numbers may differ in their last digits",
            Remark::ExactSum => "sums of decimals are exact, where SQLite adds floating-point numbers",
            Remark::FirstRow => "of several rows of a scalar subquery either database takes any",
            Remark::RaiseUndoes => "RAISE(FAIL) and RAISE(ROLLBACK) undo what RAISE(ABORT) undoes",
            Remark::IgnoresKeysAlone => {
                "OR IGNORE passes over rows that break a key; one that breaks NOT NULL or a CHECK is an error"
            }
            Remark::AfterStatement => {
                "it reads its own table, and an AFTER trigger sees there all rows that the statement changed, \
                 where SQLite runs it between them"
            }
            Remark::OrderOfTriggers => {
                "several triggers run for the same event; PostgreSQL takes them in the order of their names"
            }
            Remark::NumberBefore => {
                "a BEFORE trigger sees the number of the new row, which SQLite has not given out yet"
            }
        })
    }
}

/// Reads queries that name `relations`.
pub(crate) struct Reader<'r> {
    pub(crate) relations: &'r Relations,
    remarks: RefCell<BTreeSet<Remark>>,
    reads: RefCell<BTreeSet<String>>,
    assumptions: RefCell<BTreeSet<Assumption>>,
    budget: Budget,
    /// What must be true of each row to come, too; `None` where that is not enough.
    conditions: Option<RefCell<BTreeSet<Assumption>>>,
}

impl<'r> Reader<'r> {
    pub(crate) fn new(relations: &'r Relations) -> Reader<'r> {
        Reader {
            relations,
            remarks: RefCell::default(),
            reads: RefCell::default(),
            assumptions: RefCell::default(),
            budget: Budget::default(),
            conditions: None,
        }
    }

    /// As [`Reader::new`], of what shows the rows that are there: they can be asked for more than the types say.
    pub(crate) fn of_present_rows(relations: &'r Relations) -> Reader<'r> {
        Reader {
            conditions: Some(RefCell::default()),
            ..Reader::new(relations)
        }
    }

    pub(crate) fn remark(&self, remark: Remark) {
        self.remarks.borrow_mut().insert(remark);
    }

    pub(crate) fn remarks(&self) -> Vec<Remark> {
        self.remarks.borrow().iter().copied().collect()
    }

    /// What all that was read takes for granted beyond what the types of the target keep true.
    pub(crate) fn conditions(&self) -> Vec<Assumption> {
        let conditions = self.conditions.as_ref();
        conditions.map_or_else(Vec::new, |it| it.borrow().iter().cloned().collect())
    }

    /// What all that was read takes for granted.
    pub(crate) fn assumptions(&self) -> Vec<Assumption> {
        self.assumptions.borrow().iter().cloned().collect()
    }

    fn note_read(&self, relation: &Relation) {
        self.reads.borrow_mut().insert(relation.name.to_ascii_lowercase());
    }

    /// Whether a query that was read names the relation.
    pub(crate) fn has_read(&self, relation: &Relation) -> bool {
        self.reads.borrow().contains(&relation.name.to_ascii_lowercase())
    }

    /// The collation that an expression brings to a comparison.
    pub(crate) fn collation(&self, expression: &Expr<'_>, frame: &Frame<'_>) -> Option<Collated> {
        collation_of(expression, &InFrame { reader: self, frame })
    }

    /// By which collation SQLite groups and sorts the values of an expression.
    pub(crate) fn own_collation(&self, expression: &Expr<'_>, frame: &Frame<'_>) -> Collation {
        of_comparison(self.collation(expression, frame), None)
    }

    /// The value of an expression.
    pub(crate) fn expression(&self, expression: &Expr<'_>, frame: &Frame<'_>) -> Result<Expression, Refusal> {
        let names = InFrame { reader: self, frame };
        self.told(translator::translate(expression, &names), frame)
    }

    /// An expression that is true, false or NULL.
    pub(crate) fn condition(&self, expression: &Expr<'_>, frame: &Frame<'_>) -> Result<String, Refusal> {
        let names = InFrame { reader: self, frame };
        Ok(self
            .told(translator::condition_of(expression, &names), frame)?
            .sql)
    }

    /// A value as SQLite stores it in `column`.
    pub(crate) fn assigned(
        &self,
        expression: &Expr<'_>,
        column: &ScopeColumn,
        frame: &Frame<'_>,
    ) -> Result<String, Refusal> {
        let names = InFrame { reader: self, frame };
        Ok(self
            .told(translator::assigned_to(expression, column, &names), frame)?
            .sql)
    }

    /// What went wrong within a query within the expression tells more than the expression's own error.
    fn told(
        &self,
        result: Result<Expression, Untranslated>,
        frame: &Frame<'_>,
    ) -> Result<Expression, Refusal> {
        let inner = frame.refusal.borrow_mut().take();
        let bare = frame.take_bare();
        match (result, inner, bare) {
            (_, Some(refusal), _) => Err(refusal),
            (Err(reason), None, _) => Err(reason.into()),
            (Ok(_), None, Some(name)) => Err(Refusal::BareColumn { name }),
            (Ok(found), None, None) => {
                for assumption in &found.assumptions {
                    self.take_for_granted(assumption, frame)?;
                }
                Ok(found)
            }
        }
    }
}

/// Names in an expression of a query.
pub(crate) struct InFrame<'i> {
    reader: &'i Reader<'i>,
    frame: &'i Frame<'i>,
}

impl Names for InFrame<'_> {
    fn collation(&self, table: Option<&str>, name: &str) -> Option<Collated> {
        if let Some((_, column)) = self.frame.peek(table, name) {
            return Some((column.collation, false));
        }
        let meant = self.frame.alias(name).filter(|_| table.is_none())?;
        self.frame.seen.in_alias.set(true);
        let collation = self.reader.collation(meant, self.frame);
        self.frame.seen.in_alias.set(false);
        collation
    }

    fn is_utf16(&self) -> bool {
        self.reader.relations.utf16
    }

    fn column(&self, table: Option<&str>, name: &str) -> Option<ScopeColumn> {
        match self.frame.find(table, name) {
            Ok(found) => found.cloned(),
            Err(form) => {
                self.frame.refusal.borrow_mut().get_or_insert(form.into());
                None
            }
        }
    }

    /// A column of a table has its values there; one of a query has what the query makes of them.
    fn values(&self, column: &ScopeColumn) -> Values {
        let relation = self
            .frame
            .relation_of(column)
            .and_then(|it| self.reader.relations.get(it));
        match relation.filter(|it| !it.is_view) {
            Some(table) => Values::In {
                table: table.name.clone(),
                column: column.name.clone(),
            },
            None => Values::Known,
        }
    }

    fn budget(&self) -> Option<&Budget> {
        Some(&self.reader.budget)
    }

    fn part(&self, expression: &Expr<'_>) -> Option<Result<Expression, Untranslated>> {
        let result = self.reader.part(expression, self.frame).transpose()?;
        Some(result.map_err(|refusal| {
            self.frame.refusal.borrow_mut().get_or_insert(refusal);
            Untranslated::Query(expression.to_string())
        }))
    }
}

/// A name in quotes where it needs them.
pub(crate) fn quoted(name: &str) -> String {
    catalog::quote_ident(name)
}

/// A text as a literal of that type.
pub(crate) fn quote_text(text: &str) -> String {
    format!("{}::text", catalog::quote_literal(text).trim_start())
}
