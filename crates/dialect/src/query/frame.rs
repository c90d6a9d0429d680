//! What names mean inside of one query: the relations of its FROM, the names that its results have, and the queries
//! around it.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use sqlite3_parser::ast::{Expr, WindowDef};

use super::refusal::{Form, Refusal};
use crate::ScopeColumn;
use crate::relation::is_rowid;

/// A relation in FROM, or the row that a trigger sees as NEW or OLD.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The name that SQL of the file calls it by.
    pub(crate) label: String,
    pub(crate) columns: Vec<ScopeColumn>,
    /// Places of right ones of two columns joined by USING: only their table's name leads to them.
    pub(crate) joined: Vec<usize>,
    /// Place of the column that is the rowid.
    pub(crate) rowid: Option<usize>,
    /// Places of the primary key's columns: who groups by them has grouped by the row.
    pub(crate) key: Vec<usize>,
    /// NEW and OLD: their columns are found only with that name before them.
    pub(crate) qualified_only: bool,
    /// The table or view that it is.
    pub(crate) relation: Option<String>,
    /// The new row before it is written: what the server computes is not there yet.
    pub(crate) before: bool,
    /// Whether the row on disk has other values, or is not there.
    pub(crate) elsewhere: bool,
}

/// A common table expression.
#[derive(Clone, Debug)]
pub(crate) struct CommonTable {
    pub(crate) name: String,
    pub(crate) columns: Vec<ScopeColumn>,
}

/// What a grouped query may use outside of aggregates.
#[derive(Debug, Default)]
pub(crate) struct Grouping {
    /// SQL of the grouped expressions.
    pub(crate) expressions: HashSet<String>,
    /// SQL of the columns that are the same in each row of a group.
    pub(crate) columns: HashSet<String>,
}

/// One query, and through `outer` those around it.
#[derive(Default)]
pub(crate) struct Frame<'a> {
    pub(crate) sources: Vec<Source>,
    pub(crate) tables: Vec<CommonTable>,
    /// Result columns with names of their own, which SQLite finds where no column has that name.
    pub(crate) aliases: Vec<(String, &'a Expr<'a>)>,
    pub(crate) windows: &'a [WindowDef<'a>],
    pub(crate) outer: Option<&'a Frame<'a>>,
    /// Set while expressions are read that may use grouped values only.
    pub(crate) grouping: RefCell<Option<Grouping>>,
    pub(crate) seen: Seen,
    /// Why an expression in the midst of another could not be translated.
    pub(crate) refusal: RefCell<Option<Refusal>>,
    pub(crate) depth: usize,
}

/// What was met while expressions were read.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) aggregate: Cell<bool>,
    pub(crate) in_aggregate: Cell<usize>,
    pub(crate) own_columns: Cell<usize>,
    pub(crate) outer_columns: Cell<usize>,
    pub(crate) in_alias: Cell<bool>,
    /// The number of a row that SQLite has not given out yet.
    pub(crate) number_before: Cell<bool>,
    bare: RefCell<Option<String>>,
}

/// Queries within queries that are followed; SQLite's own parser allows little more.
const DEPTH_MAX: usize = 40;

impl<'a> Frame<'a> {
    pub(crate) fn within(outer: Option<&'a Frame<'a>>) -> Result<Frame<'a>, Refusal> {
        let depth = outer.map_or(0, |it| it.depth + 1);
        if depth > DEPTH_MAX {
            return Err(Form::SubqueryDepth.into());
        }
        Ok(Frame {
            outer,
            depth,
            ..Frame::default()
        })
    }

    /// The column that a name means, here or in a query around this one.
    pub(crate) fn find(&self, table: Option<&str>, name: &str) -> Result<Option<&ScopeColumn>, Form> {
        let mut found = self.own(table, name);
        let first = found.next();
        if found.next().is_some() {
            return Err(Form::AmbiguousColumn);
        }
        drop(found);
        let first = match first {
            None if is_rowid(name) => self.rowid(table)?,
            other => other,
        };
        let Some(column) = first else {
            let outer = match self.outer {
                Some(outer) => outer.find(table, name)?,
                None => None,
            };
            if outer.is_some() {
                self.seen.outer_columns.set(self.seen.outer_columns.get() + 1);
            }
            return Ok(outer);
        };
        let is_unwritten = |it: &Source| {
            let is_new = table.is_some_and(|table| it.before && it.label.eq_ignore_ascii_case(table));
            is_new && it.columns.iter().any(|it| it.sql == column.sql)
        };
        if let Some(source) = self.sources.iter().find(|it| is_unwritten(it)) {
            if column.generated {
                return Err(Form::BeforeGenerated);
            }
            let number = source.rowid.and_then(|place| source.columns.get(place));
            self.seen
                .number_before
                .set(self.seen.number_before.get() || number.is_some_and(|it| it.sql == column.sql));
        }
        self.seen.own_columns.set(self.seen.own_columns.get() + 1);
        let grouping = self.grouping.borrow();
        let is_bare = grouping
            .as_ref()
            .is_some_and(|it| !it.columns.contains(&column.sql));
        if is_bare && self.seen.in_aggregate.get() == 0 {
            self.seen
                .bare
                .borrow_mut()
                .get_or_insert_with(|| column.name.clone());
        }
        Ok(Some(column))
    }

    /// As [`Frame::find`], by somebody who does not use the value; with the relation that it belongs to.
    pub(crate) fn peek(&self, table: Option<&str>, name: &str) -> Option<(&Source, &ScopeColumn)> {
        let own = self.own(table, name).next();
        let number = || self.rowid(table).ok().flatten().filter(|_| is_rowid(name));
        let Some(column) = own.or_else(number) else {
            return self.outer?.peek(table, name);
        };
        let has = |it: &&Source| it.columns.iter().any(|own| std::ptr::eq(own, column));
        self.sources.iter().find(has).map(|source| (source, column))
    }

    fn own(&self, table: Option<&str>, name: &str) -> impl Iterator<Item = &ScopeColumn> {
        let sources = self.sources.iter().filter(move |source| match table {
            Some(table) => source.label.eq_ignore_ascii_case(table),
            None => !source.qualified_only,
        });
        let columns = sources.flat_map(move |source| {
            let is_found = move |place: &usize| table.is_some() || !source.joined.contains(place);
            let places = (0..source.columns.len()).filter(is_found);
            places.map(|place| &source.columns[place])
        });
        columns.filter(move |it| it.name.eq_ignore_ascii_case(name))
    }

    /// The column that is an alias of the rowid.
    fn rowid(&self, table: Option<&str>) -> Result<Option<&ScopeColumn>, Form> {
        let mut sources = self.sources.iter().filter(|source| match table {
            Some(table) => source.label.eq_ignore_ascii_case(table),
            None => !source.qualified_only,
        });
        match (sources.next(), sources.next()) {
            (Some(source), None) => match source.rowid {
                Some(place) => Ok(source.columns.get(place)),
                None => Err(Form::Rowid),
            },
            (Some(_), Some(_)) => Err(Form::Rowid),
            _ => Ok(None),
        }
    }

    /// The name of the relation that the column belongs to.
    pub(crate) fn relation_of(&self, column: &ScopeColumn) -> Option<&str> {
        let has = |source: &&Source| {
            source
                .columns
                .iter()
                .any(|it| it.sql == column.sql && it.table == column.table)
        };
        match self.sources.iter().find(has) {
            Some(source) => source.relation.as_deref(),
            None => self.outer?.relation_of(column),
        }
    }

    /// The one relation whose rowid `name` means.
    pub(crate) fn numbered(&self, table: Option<&str>, name: &str) -> Option<&Source> {
        let mut sources = self.sources.iter().filter(|source| match table {
            Some(table) => source.label.eq_ignore_ascii_case(table),
            None => !source.qualified_only,
        });
        match (sources.next(), sources.next()) {
            (Some(source), None) => {
                let is_column = source.columns.iter().any(|it| it.name.eq_ignore_ascii_case(name));
                (!is_column).then_some(source)
            }
            (None, _) => self.outer?.numbered(table, name),
            _ => None,
        }
    }

    /// The common table expression of that name.
    pub(crate) fn table(&self, name: &str) -> Option<&CommonTable> {
        let own = self
            .tables
            .iter()
            .rev()
            .find(|it| it.name.eq_ignore_ascii_case(name));
        own.or_else(|| self.outer?.table(name))
    }

    /// The result column of that name, as long as no result column is being read itself.
    pub(crate) fn alias(&self, name: &str) -> Option<&'a Expr<'a>> {
        if self.seen.in_alias.get() {
            return None;
        }
        let found = self
            .aliases
            .iter()
            .find(|(alias, _)| alias.eq_ignore_ascii_case(name));
        found.map(|(_, expression)| *expression)
    }

    /// The first column that was used though it differs within a group.
    pub(crate) fn take_bare(&self) -> Option<String> {
        self.seen.bare.borrow_mut().take()
    }

    /// Columns that are the same within groups of these expressions.
    pub(crate) fn grouped_by(&self, expressions: Vec<String>) -> Grouping {
        let mut columns: HashSet<String> = expressions.iter().cloned().collect();
        for source in &self.sources {
            let is_grouped = |&place: &usize| columns.contains(&source.columns[place].sql);
            if !source.key.is_empty() && source.key.iter().all(is_grouped) {
                columns.extend(source.columns.iter().map(|it| it.sql.clone()));
            }
        }
        Grouping {
            expressions: expressions.into_iter().collect(),
            columns,
        }
    }
}
