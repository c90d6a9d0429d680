//! What views and triggers take for granted of the rows of tables, asked in one pass over each table.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dialect::Assumption;
use rusqlite::Connection;

use super::note::{Note, NoteKind};
use super::proof::Proofs;
use super::schema::Schema;

/// Who says whether the rows are as they are taken to be.
pub(super) trait Rows {
    /// Fails with the reason where a row is not.
    fn check(&mut self, assumptions: &[Assumption]) -> Result<(), String>;
}

/// Everything that is to be asked; until then nothing speaks against it.
#[derive(Debug, Default)]
pub(super) struct Questions {
    open: BTreeSet<Assumption>,
}

/// What the rows say.
#[derive(Debug, Default)]
pub(super) struct Answers {
    found: HashMap<Assumption, Result<(), String>>,
}

impl Questions {
    /// Reads each table that a question is about.
    pub(super) fn ask(self, connection: &Connection, schema: &Schema) -> Answers {
        let mut by_table: BTreeMap<String, Vec<Assumption>> = BTreeMap::new();
        for it in self.open {
            let table = it.table.as_deref().unwrap_or_default().to_ascii_lowercase();
            by_table.entry(table).or_default().push(it);
        }
        let mut answers = Answers::default();
        for table in &schema.tables {
            let Some(questions) = by_table.remove(&table.name.to_ascii_lowercase()) else {
                continue;
            };
            let mut proofs = Proofs::default();
            let asked: Vec<_> = questions
                .into_iter()
                .map(|it| (proofs.add(std::slice::from_ref(&it)), it))
                .collect();
            let proof = proofs.ask(connection, table);
            answers.found.extend(asked.into_iter().map(|(at, it)| {
                let told = proof
                    .of(at)
                    .map_err(|reason| format!("in {}, {reason}", table.name));
                (it, told)
            }));
        }
        answers
    }
}

impl Rows for Questions {
    fn check(&mut self, assumptions: &[Assumption]) -> Result<(), String> {
        self.open.extend(assumptions.iter().cloned());
        Ok(())
    }
}

impl Rows for Answers {
    fn check(&mut self, assumptions: &[Assumption]) -> Result<(), String> {
        let unknown = |it: &Assumption| Err(format!("nobody knows whether {}", it.condition));
        assumptions
            .iter()
            .try_for_each(|it| self.found.get(it).cloned().unwrap_or_else(|| unknown(it)))
    }
}

/// A view's conditions that hold for the rows that are there, and that later rows may break.
pub(super) fn as_long_as(view: &str, conditions: &[Assumption]) -> Option<Note> {
    let told: BTreeSet<String> = conditions
        .iter()
        .map(|it| {
            let table = it.table.as_deref().unwrap_or_default();
            format!("no row of {table} holds {}", it.otherwise)
        })
        .collect();
    let told = told.into_iter().collect::<Vec<_>>().join(", and ");
    (!told.is_empty()).then(|| {
        let text = format!("means the same as long as {told}; today it is so");
        Note::new(NoteKind::Program, view, text)
    })
}
