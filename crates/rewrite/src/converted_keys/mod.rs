//! Definitions of a source whose integer keys become UUIDs: types of columns, identities, defaults and sequences. What
//! uses a key otherwise than as a key is found here: an obstacle where PostgreSQL would refuse the definition, a doubt
//! where nobody knows what it means then.

mod columns;
mod meaning;
mod subqueries;
mod uses;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use catalog::{Catalog, QualifiedName, quote_ident};
use conversion::{ColumnConversion, TableConversion, kept_indexes, own_sequences};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::label;
use crate::outcome::{Doubt, Rewritten};
use crate::parse::Parsed;
use crate::rewriter::Outcome;
use crate::split::split;
use crate::statement::paths;
use crate::statement_pass::{Change, Concern};

use meaning::Outputs;

/// Rewrites the definitions of one source for its conversions. The catalog is the source's, under its own names.
#[derive(Debug)]
pub struct ConvertedKeys<'a> {
    catalog: &'a Catalog,
    tables: HashMap<QualifiedName, &'a TableConversion>,
    /// Names of converted columns, whatever their table, and those that queries of views give them.
    names: HashSet<String>,
    /// What the columns of views are.
    views: HashMap<QualifiedName, Outputs>,
    /// Sequences that go.
    sequences: HashSet<QualifiedName>,
    /// Columns whose definition has been found and changed.
    defined: HashSet<(QualifiedName, String)>,
    obstacles: Vec<Doubt>,
}

/// What becomes of one statement.
#[derive(Default)]
struct Pass {
    changes: Vec<Change>,
    concerns: Vec<Concern>,
    obstacles: Vec<Concern>,
}

impl<'a> ConvertedKeys<'a> {
    pub fn new(catalog: &'a Catalog, conversions: &'a [TableConversion]) -> Self {
        let table = |it: &'a TableConversion| {
            let table = catalog.tables.iter().find(|table| table.number == it.table)?;
            Some((table.qualified_name(), it))
        };
        let columns = conversions.iter().flat_map(|it| &it.columns);
        ConvertedKeys {
            catalog,
            tables: conversions.iter().filter_map(table).collect(),
            names: columns.map(|it| it.column.clone()).collect(),
            views: HashMap::new(),
            sequences: own_sequences(catalog, conversions).into_iter().collect(),
            defined: HashSet::new(),
            obstacles: Vec::new(),
        }
    }

    /// Rewrites all statements of `sql`. Line breaks stay where they are, so that later accounts name the same lines.
    pub fn rewrite(&mut self, sql: &str) -> Rewritten {
        let mut outcome = Outcome::new(sql);
        for piece in split(sql) {
            let parsed = Parsed::new(sql, &piece);
            let readable = parsed.statement().filter(|_| parsed.error().is_none());
            let Some(statement) = readable else {
                self.pass_unread(&parsed, &mut outcome);
                continue;
            };
            let pass = self.statement(&statement, &parsed);
            let object = label::object(&statement);
            for Concern { offset, reason } in pass.obstacles {
                self.obstacles.push(Doubt {
                    object: object.clone(),
                    line: outcome.line(offset),
                    body_line: None,
                    reason,
                });
            }
            outcome.take_pass(&object, pass.changes, pass.concerns);
        }
        outcome.finish()
    }

    /// Everything that stands in the way, after all texts.
    pub fn obstacles(&self) -> Vec<Doubt> {
        let mut obstacles = self.obstacles.clone();
        for (name, conversion) in &self.tables {
            let columns = conversion.columns.iter();
            for it in columns.filter(|it| !self.is_defined(name, &it.column)) {
                let column = quote_ident(&it.column);
                obstacles.push(Doubt {
                    object: format!("table {name}"),
                    line: 1,
                    body_line: None,
                    reason: format!("its definition does not say the type of {column}"),
                });
            }
        }
        obstacles.sort_by(|one, other| (one.line, &one.object).cmp(&(other.line, &other.object)));
        obstacles
    }

    /// The statements that make the indexes over columns with old keys.
    pub fn kept_indexes(&self, conversions: &[TableConversion]) -> String {
        let indexes = kept_indexes(self.catalog, conversions);
        let statement = |it: &conversion::KeptIndex| {
            let (name, column) = (quote_ident(&it.name), quote_ident(&it.column));
            format!(
                "\nCREATE UNIQUE INDEX {name} ON {} USING btree ({column});\n",
                it.table
            )
        };
        indexes.iter().map(statement).collect()
    }

    fn pass_unread(&self, parsed: &Parsed<'_>, outcome: &mut Outcome<'_>) {
        let named = |it: &&QualifiedName| parsed.text.contains(&it.name);
        if let Some(table) = self.tables.keys().filter(named).min() {
            let concern = Concern {
                offset: parsed.range.start,
                reason: format!("the statement cannot be read and mentions {table}, whose keys become UUIDs"),
            };
            outcome.take_pass(&label::beginning(parsed.text), Vec::new(), vec![concern]);
        }
    }

    fn statement(&mut self, statement: &SyntaxNode, parsed: &Parsed<'_>) -> Pass {
        use SyntaxKind as K;
        let mut pass = Pass::default();
        let at = parsed.range.start;
        match statement.kind() {
            K::CREATE_TABLE => self.create_table(statement, parsed, &mut pass),
            K::ALTER_TABLE | K::ALTER_FOREIGN_TABLE => self.alter_table(statement, parsed, &mut pass),
            _ if self.is_about_own_sequence(statement) => pass.remove(parsed),
            K::CREATE_INDEX => self.create_index(statement, at, &mut pass),
            K::CREATE_VIEW
            | K::CREATE_MATERIALIZED_VIEW
            | K::CREATE_RULE
            | K::CREATE_POLICY
            | K::CREATE_TRIGGER
            | K::CREATE_STATISTICS
            | K::CREATE_PUBLICATION => {
                self.stand_in(statement, parsed, &mut pass);
                self.judge_query(statement, at, &mut pass);
            }
            K::CREATE_FUNCTION | K::CREATE_PROCEDURE => self.judge_routine(statement, parsed, &mut pass),
            _ => {}
        }
        self.judge_sequences(statement, at, &mut pass);
        pass
    }

    /// Whether the statement makes, alters or describes a sequence that goes.
    fn is_about_own_sequence(&self, statement: &SyntaxNode) -> bool {
        let mut named = statement
            .descendants()
            .filter(|it| matches!(it.kind(), SyntaxKind::SEQUENCE | SyntaxKind::SEQUENCE_REF));
        named.any(|it| paths(&it).next().is_some_and(|it| self.sequences.contains(&it)))
    }

    fn conversion(&self, table: &QualifiedName) -> Option<&'a TableConversion> {
        self.tables.get(table).copied()
    }

    /// Whether the column is a key itself, and so gets new values from nowhere else.
    fn is_key(&self, table: &QualifiedName, column: &ColumnConversion) -> bool {
        let table = self
            .catalog
            .tables
            .iter()
            .find(|it| it.qualified_name() == *table);
        column.key_of == table.map_or_else(|| QualifiedName::new("", ""), catalog::Table::qualified_name)
            && table.is_some_and(|it| it.primary_key == [column.column.clone()])
    }

    /// Whether a parent of the table keeps the old values of the column, too.
    fn inherits_kept(&self, table: &QualifiedName, column: &str) -> bool {
        self.parents(table).iter().any(|parent| {
            let conversion = self.conversion(parent);
            conversion.is_some_and(|it| it.kept().any(|(it, _)| it.column == column))
        })
    }

    /// The tables that a table inherits from.
    fn parents(&self, table: &QualifiedName) -> &'a [QualifiedName] {
        let mut tables = self.catalog.tables.iter();
        let table = tables.find(|it| it.qualified_name() == *table);
        table.map_or(&[], |it| &it.inherits)
    }

    /// Whether the definition of the table, or of one that it inherits from, has given the column its type.
    fn is_defined(&self, table: &QualifiedName, column: &str) -> bool {
        let parents = self.parents(table);
        self.defined.contains(&(table.clone(), column.to_owned()))
            || parents.iter().any(|it| self.is_defined(it, column))
    }
}

impl Pass {
    /// Replaces the text of `range`, with as many line breaks as stood there.
    fn replace(&mut self, parsed: &Parsed<'_>, range: Range<usize>, new: &str) {
        let old = &parsed.text[range.clone()];
        let breaks = |text: &str| text.bytes().filter(|it| *it == b'\n').count();
        let missing = breaks(old).saturating_sub(breaks(new));
        let start = parsed.range.start;
        self.changes.push(Change {
            range: start + range.start..start + range.end,
            new: format!("{new}{}", "\n".repeat(missing)),
            in_body: false,
        });
    }

    fn remove(&mut self, parsed: &Parsed<'_>) {
        self.replace(parsed, 0..parsed.text.len(), "");
    }

    fn obstacle(&mut self, offset: usize, reason: String) {
        self.obstacles.push(Concern { offset, reason });
    }
}

/// The place of a node in its statement.
fn range(node: &SyntaxNode) -> Range<usize> {
    usize::from(node.text_range().start())..usize::from(node.text_range().end())
}

#[cfg(test)]
mod tests;
