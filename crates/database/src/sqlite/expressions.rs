//! Expressions of a definition: CHECK constraints, and indexes on expressions or with a condition. Generated columns are
//! decided on in `generated.rs`.
//!
//! The crate `dialect` translates them. What it takes for granted of the rows is asked of SQLite here, for each table in
//! one pass over it, together with whether a row breaks a CHECK: SQLite lets such rows in under
//! `PRAGMA ignore_check_constraints`.

use std::collections::HashSet;

use dialect::{
    Assumption, Check, Collation, Expression, IndexTerm, Scope, TableDefinition, Untranslated, ValueType,
    index_definition, table_definition,
};
use rusqlite::Connection;

use catalog::{IDENTIFIER_BYTES_MAX, quote_ident};

use super::keys::{INDEX_COLUMNS_MAX, INDEX_ENTRY_BYTES_MAX, Keys};
use super::naming::Names;
use super::note::{Note, NoteKind};
use super::predicate::null_tests;
use super::proof::{Distinct, Proof, Proofs, Term};
use super::schema::{Index, IndexOrigin, Schema, Table};
use super::scope::scope;
use super::target_type::TargetType;
use super::utf16;
use crate::Result;

/// What the target gets of all of them.
#[derive(Debug, Default)]
pub(super) struct Expressions {
    pub(super) checks: Vec<CheckConstraint>,
    pub(super) indexes: Vec<ExpressionIndex>,
}

/// A CHECK constraint of the target.
#[derive(Debug)]
pub(super) struct CheckConstraint {
    pub(super) table: usize,
    pub(super) name: String,
    pub(super) sql: String,
    /// False where rows break it.
    pub(super) valid: bool,
}

/// An index that is not on plain columns alone.
#[derive(Debug)]
pub(super) struct ExpressionIndex {
    pub(super) table: usize,
    pub(super) name: String,
    pub(super) unique: bool,
    /// The terms' SQL, and whether they descend.
    pub(super) terms: Vec<(String, bool)>,
    pub(super) predicate: Option<String>,
}

/// Whether an index is decided on here rather than with the keys.
pub(super) fn has_expressions(index: &Index) -> bool {
    index.columns.iter().any(|it| it.name.is_none())
        || index
            .predicate
            .as_deref()
            .is_some_and(|it| null_tests(it).is_none())
}

/// Decides on CHECK constraints and indexes; `names` holds all names that are taken already.
pub(super) fn decide(
    connection: &Connection,
    schema: &Schema,
    keys: &Keys,
    names: &mut Names,
    notes: &mut Vec<Note>,
) -> Result<Expressions> {
    let utf16 = utf16::is_encoding(connection)?;
    let mut expressions = Expressions::default();
    for (at, table) in schema.tables.iter().enumerate() {
        let indexes: Vec<&Index> = table
            .indexes
            .iter()
            .filter(|it| it.origin == IndexOrigin::CreateIndex && has_expressions(it))
            .collect();
        let definition = match table_definition(&table.sql) {
            Ok(it) => it,
            // What was a virtual table has none of its own.
            Err(_) if table.sql.is_empty() => TableDefinition::default(),
            Err(error) => {
                notes.push(Note::new(NoteKind::Constraint, &table.name, error.to_string()));
                TableDefinition::default()
            }
        };
        let checks = checks_of(&definition);
        if checks.is_empty() && indexes.is_empty() {
            continue;
        }
        let scope = scope(table, utf16);
        let uniques = keys
            .uniques
            .iter()
            .filter(|it| it.table == at)
            .map(|it| it.name.clone());
        let references = keys
            .references
            .iter()
            .filter(|it| it.table == at)
            .map(|it| it.name.clone());
        let mut decision = Decision {
            taken: uniques.chain(references).collect(),
            at,
            table,
            scope,
            proofs: Proofs::default(),
            names,
            notes,
        };
        let checks: Vec<_> = checks.into_iter().map(|it| decision.check(it)).collect();
        let indexes: Vec<_> = indexes.into_iter().map(|it| (it, decision.index(it))).collect();
        let proved = std::mem::take(&mut decision.proofs).ask(connection, at, table);
        for (check, translated) in checks {
            expressions
                .checks
                .extend(decision.checked(&check, translated, &proved));
        }
        for (index, planned) in indexes {
            expressions
                .indexes
                .extend(decision.indexed(index, planned, &proved));
        }
    }
    Ok(expressions)
}

/// The table's CHECK constraints in the order in which they are written, with the column that they belong to.
fn checks_of(definition: &TableDefinition) -> Vec<(Option<String>, Check)> {
    let of_columns = definition.columns.iter().flat_map(|column| {
        column
            .checks
            .iter()
            .map(|it| (Some(column.name.clone()), it.clone()))
    });
    of_columns
        .chain(definition.checks.iter().map(|it| (None, it.clone())))
        .collect()
}

type Planned<T> = std::result::Result<(T, usize), String>;

struct Terms {
    sql: Vec<(String, bool)>,
    predicate: Option<String>,
}

struct Decision<'a> {
    at: usize,
    table: &'a Table,
    scope: Scope,
    proofs: Proofs,
    /// Names of the table's constraints.
    taken: HashSet<String>,
    names: &'a mut Names,
    notes: &'a mut Vec<Note>,
}

impl Decision<'_> {
    fn check(
        &mut self,
        (column, check): (Option<String>, Check),
    ) -> ((Option<String>, Check), Planned<Expression>) {
        let planned = dialect::condition(&check.expression, &self.scope)
            .map(|it| {
                let proof = self.proofs.add(&it.assumptions);
                self.proofs.violations(proof, &check.expression);
                (it, proof)
            })
            .map_err(|it| it.to_string());
        ((column, check), planned)
    }

    fn checked(
        &mut self,
        (column, check): &(Option<String>, Check),
        planned: Planned<Expression>,
        proved: &Proof,
    ) -> Option<CheckConstraint> {
        let (translated, proof) = match planned.and_then(|(it, proof)| proved.of(proof).map(|()| (it, proof)))
        {
            Ok(it) => it,
            Err(reason) => {
                let name = check.name.as_ref().map(|it| format!(" {it}")).unwrap_or_default();
                let text = format!(
                    "CHECK constraint{name} ({}) is left out: {reason}",
                    check.expression
                );
                self.note(text);
                return None;
            }
        };
        if let Some(always) = self.said_by_type(&translated.sql) {
            let text = format!(
                "CHECK constraint{} ({}) is left out: the type of {always} says the same",
                check.name.as_ref().map(|it| format!(" {it}")).unwrap_or_default(),
                check.expression
            );
            self.note(text);
            return None;
        }
        let column = column.as_deref().and_then(|it| self.table.column(it));
        let columns: Vec<String> = column.iter().map(|it| it.new_name.clone()).collect();
        // SQLite takes any name, and one name twice.
        let own = check
            .name
            .clone()
            .filter(|it| !it.is_empty() && it.len() <= IDENTIFIER_BYTES_MAX && !self.taken.contains(it));
        let name = match own {
            Some(name) => name,
            None => self.names.choose(&self.table.new_name, &columns, "check"),
        };
        self.taken.insert(name.clone());
        let broken = proved.violations(proof);
        if broken > 0 {
            let rows = if broken == 1 {
                "1 row breaks".to_owned()
            } else {
                format!("{broken} rows break")
            };
            self.note(format!(
                "{rows} the CHECK constraint {name} ({}): becomes NOT VALID",
                check.expression
            ));
        }
        Some(CheckConstraint {
            table: self.at,
            name,
            sql: translated.sql,
            valid: broken == 0,
        })
    }

    /// The date that a condition compares with itself, as `date(d) = d` does.
    fn said_by_type(&self, condition: &str) -> Option<&str> {
        let sides = condition
            .split_once(" IS NOT DISTINCT FROM ")
            .or_else(|| condition.split_once(" = "))?;
        let columns = &mut self.table.columns.iter();
        let column = columns.find(|it| quote_ident(&it.new_name) == sides.0)?;
        let says = sides.0 == sides.1 && column.target == TargetType::Date;
        says.then_some(column.name.as_str())
    }

    fn index(&mut self, index: &Index) -> Planned<Terms> {
        let definition = index_definition(&index.sql).map_err(|it| it.to_string())?;
        let mut assumptions: Vec<Assumption> = Vec::new();
        let (mut terms, mut bytes) = (Vec::new(), vec!["0".to_owned()]);
        let mut compared = Vec::new();
        for (term, column) in definition.terms.iter().zip(&index.columns) {
            let plain = column.name.as_deref();
            let plain = plain.and_then(|name| Some((self.scope.column(None, name)?, self.place_of(name)?)));
            // A plain column may hold what it will.
            let (sql, value_type) = if let Some((column, _)) = plain {
                (column.sql.clone(), column.value_type)
            } else {
                let translated =
                    dialect::value(&term.expression, &self.scope).map_err(|it| it.to_string())?;
                if !translated.immutable {
                    return Err("PostgreSQL wants an expression that is immutable".to_owned());
                }
                assumptions.extend(translated.assumptions);
                (translated.sql, translated.value_type)
            };
            compared.push(self.compared(term, &column.collation, plain.map(|(_, place)| place)));
            // Documents that differ as texts can be the same as jsonb.
            let may_meet = index.unique && value_type == ValueType::Jsonb;
            if may_meet || matches!(value_type, ValueType::Json | ValueType::Null) {
                return Err(format!("{} has no order", term.expression));
            }
            bytes.push(self.bytes(&term.expression));
            let sql = match Collation::of(&column.collation) {
                Collation::NoCase if value_type == ValueType::Text => format!("lower({sql} COLLATE \"C\")"),
                Collation::RTrim if value_type == ValueType::Text => format!("rtrim({sql})"),
                Collation::Other => return Err(Untranslated::Collation(term.expression.clone()).to_string()),
                _ => sql,
            };
            let is_name = self
                .table
                .columns
                .iter()
                .any(|it| quote_ident(&it.new_name) == sql);
            terms.push((if is_name { sql } else { format!("({sql})") }, term.descending));
        }
        let predicate = match &definition.predicate {
            None => None,
            Some(it) => {
                let condition =
                    dialect::condition(it, &self.scope).map_err(|reason| format!("its WHERE: {reason}"))?;
                if !condition.immutable {
                    return Err("PostgreSQL wants a WHERE that is immutable".to_owned());
                }
                assumptions.extend(condition.assumptions);
                Some(condition.sql)
            }
        };
        if terms.len() > INDEX_COLUMNS_MAX {
            return Err(format!("PostgreSQL takes at most {INDEX_COLUMNS_MAX} columns"));
        }
        let bytes = bytes.join(" + ");
        assumptions.push(Assumption {
            condition: format!("{bytes} <= {INDEX_ENTRY_BYTES_MAX}"),
            otherwise: "more bytes than an index entry takes".to_owned(),
            ..Assumption::default()
        });
        let proof = self.proofs.add(&assumptions);
        if index.unique {
            self.prove_distinct(proof, compared, definition.predicate);
        }
        Ok((
            Terms {
                sql: terms,
                predicate,
            },
            proof,
        ))
    }

    /// How many bytes a term has on the target, at most: what has two of them in UTF-16 has up to three in UTF-8.
    fn bytes(&self, term: &str) -> String {
        let factor = if self.scope.utf16 { " * 3 / 2" } else { "" };
        format!("coalesce(length(CAST({term} AS BLOB)){factor}, 0)")
    }

    fn place_of(&self, name: &str) -> Option<usize> {
        let mut columns = self.table.columns.iter();
        columns.position(|it| it.name.eq_ignore_ascii_case(name))
    }

    /// A term of a unique index, as the target compares it.
    fn compared(&self, term: &IndexTerm, collation: &str, place: Option<usize>) -> Term {
        match place {
            Some(place) if self.may_join(place) => Term::Column(place),
            _ => {
                let collation = if collation.is_empty() { "BINARY" } else { collation };
                Term::Expression(term.expression.clone(), collation.to_owned())
            }
        }
    }

    /// Whether the target may take values of the column as equal that SQLite tells apart.
    fn may_join(&self, place: usize) -> bool {
        let column = &self.table.columns[place];
        !(column.uniform && column.target.keeps_apart())
    }

    /// SQLite's own index proves a unique one for values that stay what they are.
    fn prove_distinct(&mut self, proof: usize, terms: Vec<Term>, predicate: Option<String>) {
        let may_join = terms.iter().any(|it| matches!(it, Term::Column(_)));
        if may_join || self.table.loses_values() {
            self.proofs.distinct(proof, Distinct { terms, predicate });
        }
    }

    fn indexed(&mut self, index: &Index, planned: Planned<Terms>, proved: &Proof) -> Option<ExpressionIndex> {
        let terms = match planned.and_then(|(it, proof)| proved.of(proof).map(|()| it)) {
            Ok(it) => it,
            Err(reason) => {
                let kind = if index.unique {
                    "the unique index"
                } else {
                    "the index"
                };
                let text = format!(
                    "{kind} on {} is left out: {reason}: {}",
                    self.table.name, index.sql
                );
                self.notes
                    .push(Note::new(NoteKind::Constraint, &index.name, text));
                return None;
            }
        };
        let name = if self.names.take(&index.new_name) {
            index.new_name.clone()
        } else {
            self.names
                .choose(&self.table.new_name, &["expr".to_owned()], "idx")
        };
        Some(ExpressionIndex {
            table: self.at,
            name,
            unique: index.unique,
            terms: terms.sql,
            predicate: terms.predicate,
        })
    }

    fn note(&mut self, text: String) {
        self.notes
            .push(Note::new(NoteKind::Constraint, &self.table.name, text));
    }
}
