//! Expressions of a definition: CHECK constraints, generated columns, and indexes on expressions or with a condition.
//!
//! The crate `dialect` translates them. What it takes for granted of the rows is asked of SQLite here, for each table in
//! one pass over it, together with whether a row breaks a CHECK: SQLite lets such rows in under
//! `PRAGMA ignore_check_constraints`.

use std::collections::HashSet;

use dialect::{
    Assumption, Check, Collation, Expression, Scope, TableDefinition, Untranslated, ValueType,
    index_definition, table_definition,
};
use rusqlite::Connection;

use catalog::{IDENTIFIER_BYTES_MAX, quote_ident};

use super::keys::{INDEX_COLUMNS_MAX, INDEX_ENTRY_BYTES_MAX, Keys};
use super::naming::Names;
use super::note::{Note, NoteKind};
use super::predicate::null_tests;
use super::proof::{Proof, Proofs};
use super::rule::OnMisfit;
use super::schema::{Generated, Index, IndexOrigin, Schema, Table};
use super::scope::{column_definition, scope, scope_column};
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

/// Finds the generated columns that PostgreSQL can calculate; their rows are not sent.
pub(super) fn generate(connection: &Connection, schema: &mut Schema, notes: &mut Vec<Note>) -> Result<()> {
    let utf16 = utf16::is_encoding(connection)?;
    for table in &mut schema.tables {
        if table.columns.iter().all(|it| it.generated.is_none()) {
            continue;
        }
        let definition = table_definition(&table.sql).unwrap_or_default();
        let scope = scope(table, utf16);
        let mut proofs = Proofs::default();
        let mut found = Vec::new();
        for (place, column) in table.columns.iter().enumerate() {
            if column.generated.is_none() {
                continue;
            }
            let written = column_definition(&definition, &column.name).and_then(|it| it.generated.as_ref());
            let translated = match written {
                Some(it) => dialect::assigned(&it.expression, &scope_column(table, column), &scope)
                    .map_err(|it| it.to_string()),
                None => Err("its expression cannot be read".to_owned()),
            };
            let translated = translated.and_then(|it| usable(table, place, it));
            let proof = translated.as_ref().map_or(0, |it| proofs.add(&it.assumptions));
            found.push((place, translated, proof, written.map(|it| it.expression.clone())));
        }
        let proved = proofs.ask(connection, table);
        for (place, translated, proof, written) in found {
            let translated = translated.and_then(|it| proved.of(proof).map(|()| it.sql));
            let column = &mut table.columns[place];
            let label = format!("{}.{}", table.name, column.name);
            let stored = column.generated == Some(Generated::Stored);
            match translated {
                Ok(sql) => {
                    column.expression = Some(sql);
                    if !stored {
                        let text = "virtual generated column: becomes a stored one".to_owned();
                        notes.push(Note::new(NoteKind::Changed, label, text));
                    }
                }
                Err(reason) => {
                    let kind = if stored { "stored" } else { "virtual" };
                    let written = written.map(|it| format!(" ({it})")).unwrap_or_default();
                    let text = format!(
                        "{kind} generated column{written}: becomes an ordinary one with its present values, since {reason}"
                    );
                    notes.push(Note::new(NoteKind::Generated, label, text));
                }
            }
        }
    }
    Ok(())
}

/// Whether PostgreSQL takes the expression for a generated column.
fn usable(table: &Table, place: usize, translated: Expression) -> std::result::Result<Expression, String> {
    let name = &table.columns[place].name;
    if translated.uses_generated {
        return Err("it uses another generated column".to_owned());
    }
    if !translated.immutable {
        return Err("PostgreSQL wants an expression that is immutable".to_owned());
    }
    if table.columns[place].on_misfit != OnMisfit::Fail
        || table.columns.iter().any(|it| it.keeps == Some(place))
    {
        return Err("values of it are set aside".to_owned());
    }
    let in_foreign_key =
        |it: &super::ForeignKey| it.columns.iter().any(|column| column.eq_ignore_ascii_case(name));
    if table.foreign_keys.iter().any(in_foreign_key) {
        return Err("it belongs to a foreign key".to_owned());
    }
    Ok(translated)
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
        let proved = std::mem::take(&mut decision.proofs).ask(connection, table);
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

    /// The column that a condition compares with itself, as `date(d) = d` does where `d` is a date.
    fn said_by_type(&self, condition: &str) -> Option<&str> {
        let sides = condition
            .split_once(" IS NOT DISTINCT FROM ")
            .or_else(|| condition.split_once(" = "))?;
        let columns = &mut self.table.columns.iter();
        let column = columns.find(|it| quote_ident(&it.new_name) == sides.0)?;
        (sides.0 == sides.1).then_some(column.name.as_str())
    }

    fn index(&mut self, index: &Index) -> Planned<Terms> {
        let definition = index_definition(&index.sql).map_err(|it| it.to_string())?;
        let mut assumptions: Vec<Assumption> = Vec::new();
        let (mut terms, mut bytes) = (Vec::new(), vec!["0".to_owned()]);
        for (term, column) in definition.terms.iter().zip(&index.columns) {
            let plain = column.name.as_deref().filter(|_| !index.unique);
            let plain = plain.and_then(|name| self.scope.column(None, name));
            // A plain column may hold what it will, unless different values could become the same.
            let (sql, value_type) = if let Some(column) = plain {
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
            // Documents that differ as texts can be the same as jsonb.
            let may_meet = index.unique && value_type == ValueType::Jsonb;
            if may_meet || matches!(value_type, ValueType::Json | ValueType::Null) {
                return Err(format!("{} has no order", term.expression));
            }
            bytes.push(format!("coalesce(length(CAST({} AS BLOB)), 0)", term.expression));
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
        Ok((
            Terms {
                sql: terms,
                predicate,
            },
            proof,
        ))
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
