//! What translations take for granted, asked of SQLite for all rows of a table in one pass.

use std::collections::BTreeMap;

use dialect::Assumption;
use rusqlite::Connection;

use super::rows::quote;
use super::schema::Table;

/// SQLite takes at most 2000 result columns (`SQLITE_MAX_COLUMN`), and every condition goes through each row.
const CONDITIONS_MAX: usize = 500;

/// Questions about the rows of one table.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    /// Conditions with their places among the answers.
    places: BTreeMap<String, usize>,
    conditions: Vec<Assumption>,
    /// For each proof the conditions that must hold.
    needed: Vec<Vec<usize>>,
    /// By proof, the condition of which it is only counted how many rows break it.
    counted: BTreeMap<usize, usize>,
}

/// The answers.
#[derive(Debug)]
pub(super) struct Proof {
    conditions: Vec<Assumption>,
    needed: Vec<Vec<usize>>,
    counted: BTreeMap<usize, usize>,
    /// How many rows break each condition, or why SQLite cannot say.
    broken: Vec<Result<u64, String>>,
}

impl Proofs {
    /// Asks that all of these hold; the number finds the answer.
    pub(super) fn add(&mut self, assumptions: &[Assumption]) -> usize {
        let places = assumptions.iter().map(|it| self.place(it.clone())).collect();
        self.needed.push(places);
        self.needed.len() - 1
    }

    /// Asks also how many rows break `condition`.
    pub(super) fn violations(&mut self, proof: usize, condition: &str) {
        let place = self.place(Assumption {
            condition: condition.to_owned(),
            ..Assumption::default()
        });
        self.counted.insert(proof, place);
    }

    fn place(&mut self, assumption: Assumption) -> usize {
        if let Some(place) = self.places.get(&assumption.condition) {
            return *place;
        }
        let place = self.conditions.len();
        self.places.insert(assumption.condition.clone(), place);
        self.conditions.push(assumption);
        place
    }

    /// Reads the table once, or once for each condition where SQLite cannot calculate one of them.
    pub(super) fn ask(self, connection: &Connection, table: &Table) -> Proof {
        let mut broken = Vec::new();
        for conditions in self.conditions.chunks(CONDITIONS_MAX) {
            match counts(connection, table, conditions) {
                Ok(counts) => broken.extend(counts.into_iter().map(Ok)),
                Err(_) => broken.extend(conditions.iter().map(|it| {
                    counts(connection, table, std::slice::from_ref(it))
                        .map(|counts| counts.first().copied().unwrap_or_default())
                        .map_err(|error| format!("SQLite cannot calculate {}: {error}", it.condition))
                })),
            }
        }
        Proof {
            conditions: self.conditions,
            needed: self.needed,
            counted: self.counted,
            broken,
        }
    }
}

impl Proof {
    /// Whether all conditions hold, or what speaks against it.
    pub(super) fn of(&self, proof: usize) -> Result<(), String> {
        let counted = self.counted.get(&proof);
        for &place in self.needed[proof].iter().chain(counted) {
            match &self.broken[place] {
                Err(reason) => return Err(reason.clone()),
                Ok(count) if *count > 0 && counted != Some(&place) => {
                    let rows = if *count == 1 {
                        "1 row holds".to_owned()
                    } else {
                        format!("{count} rows hold")
                    };
                    return Err(format!("{rows} {}", self.conditions[place].otherwise));
                }
                Ok(_) => {}
            }
        }
        Ok(())
    }

    /// How many rows break what was asked by [`Proofs::violations`].
    pub(super) fn violations(&self, proof: usize) -> u64 {
        let place = self.counted.get(&proof);
        place
            .and_then(|it| self.broken[*it].clone().ok())
            .unwrap_or_default()
    }
}

fn counts(connection: &Connection, table: &Table, conditions: &[Assumption]) -> rusqlite::Result<Vec<u64>> {
    if conditions.is_empty() {
        return Ok(Vec::new());
    }
    let sums: Vec<String> = conditions
        .iter()
        .map(|it| format!("coalesce(sum(NOT coalesce(({}), 1)), 0)", it.condition))
        .collect();
    let sql = format!("SELECT {} FROM main.{}", sums.join(", "), quote(&table.name));
    connection.query_row(&sql, [], |row| {
        (0..conditions.len())
            .map(|place| Ok(row.get::<_, i64>(place)?.unsigned_abs()))
            .collect()
    })
}
