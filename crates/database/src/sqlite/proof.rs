//! What translations take for granted, asked of SQLite for all rows of a table in one pass: for the rows as they are
//! loaded, since what is left out or becomes NULL on its way is not what the target sees.

use std::collections::BTreeMap;

use dialect::Assumption;
use rusqlite::Connection;

use super::moved_rows::MovedRows;
use super::schema::Table;
use crate::Result;

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
    distinct: BTreeMap<usize, Distinct>,
}

/// The answers.
#[derive(Debug)]
pub(super) struct Proof {
    conditions: Vec<Assumption>,
    needed: Vec<Vec<usize>>,
    counted: BTreeMap<usize, usize>,
    /// How many rows break each condition, or why SQLite cannot say.
    broken: Vec<std::result::Result<u64, String>>,
    /// By proof, why rows are not different that must be.
    meeting: BTreeMap<usize, Option<String>>,
}

/// What no two rows may have the same, where none of it is NULL.
#[derive(Clone, Debug)]
pub(super) struct Distinct {
    pub(super) terms: Vec<Term>,
    /// Of which rows this is asked.
    pub(super) predicate: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) enum Term {
    /// The column at this place, as the target compares it.
    Column(usize),
    /// SQL of SQLite, and its collation.
    Expression(String, String),
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

    /// Asks also that no two rows are the same in `distinct`.
    pub(super) fn distinct(&mut self, proof: usize, distinct: Distinct) {
        self.distinct.insert(proof, distinct);
    }

    /// Reads the rows once, or once for each condition where SQLite cannot calculate one of them.
    pub(super) fn ask(self, connection: &Connection, at: usize, table: &Table) -> Proof {
        let mut proof = Proof {
            conditions: self.conditions,
            needed: self.needed,
            counted: self.counted,
            broken: Vec::new(),
            meeting: BTreeMap::new(),
        };
        if proof.conditions.is_empty() && self.distinct.is_empty() {
            return proof;
        }
        let moved = match MovedRows::of(connection, at, table) {
            Ok(moved) => moved,
            Err(error) => {
                // Nothing is proved of rows that cannot be seen.
                let reason = format!("SQLite cannot give the rows as they are loaded: {error}");
                proof.broken = vec![Err(reason.clone()); proof.conditions.len()];
                let unproved = self.distinct.into_keys().map(|it| (it, Some(reason.clone())));
                proof.meeting = unproved.collect();
                return proof;
            }
        };
        for conditions in proof.conditions.chunks(CONDITIONS_MAX) {
            let sql: Vec<&str> = conditions.iter().map(|it| it.condition.as_str()).collect();
            match moved.broken(&sql) {
                Ok(counts) => proof.broken.extend(counts.into_iter().map(Ok)),
                Err(_) => proof.broken.extend(sql.iter().map(|it| {
                    let count = moved.broken(&[it]);
                    count
                        .map(|it| it.into_iter().sum())
                        .map_err(|error| format!("SQLite cannot calculate {it}: {error}"))
                })),
            }
        }
        for (number, distinct) in self.distinct {
            proof.meeting.insert(number, distinct.meeting(&moved));
        }
        // What is left of it goes with the connection.
        let _ = moved.forget();
        proof
    }
}

impl Distinct {
    /// What speaks against it.
    fn meeting(&self, moved: &MovedRows<'_, '_>) -> Option<String> {
        let terms: Result<Vec<(String, &str)>> = self
            .terms
            .iter()
            .map(|it| match it {
                Term::Column(place) => Ok((moved.key_of(*place)?, "BINARY")),
                Term::Expression(sql, collation) => Ok((format!("({sql})"), collation.as_str())),
            })
            .collect();
        let rows = terms.map(|terms| moved.meeting(&terms, self.predicate.as_deref()));
        match rows {
            Ok(Ok(None)) => None,
            Ok(Ok(Some(rows))) => Some(format!("different values become the same: {rows}")),
            Ok(Err(error)) => Some(format!("SQLite cannot compare its values: {error}")),
            Err(error) => Some(error.to_string()),
        }
    }
}

impl Proof {
    /// Whether all conditions hold, or what speaks against it.
    pub(super) fn of(&self, proof: usize) -> std::result::Result<(), String> {
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
        self.meeting.get(&proof).cloned().flatten().map_or(Ok(()), Err)
    }

    /// How many rows break what was asked by [`Proofs::violations`].
    pub(super) fn violations(&self, proof: usize) -> u64 {
        let place = self.counted.get(&proof);
        place
            .and_then(|it| self.broken[*it].clone().ok())
            .unwrap_or_default()
    }
}
