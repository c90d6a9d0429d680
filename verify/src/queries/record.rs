//! What is known of a statement in the source, asked when it is needed, or kept from a time when it could be asked.

use std::time::Duration;

use cli::Result;
use database::postgres::{Surroundings, Trouble};
use rewrite::Query;
use serde::{Deserialize, Serialize};

use super::plans::{Step, hidden_chance};
use super::side::{Answer, Asker, Ran};

/// A statement on one side, as it is run there.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// With the values of its parameters in their places.
    pub(crate) query: Query,
    pub(crate) around: Surroundings,
}

/// What the source has answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    /// Names and types of the columns, by the source's names.
    pub(crate) columns: Vec<(String, String)>,
    /// Why there is no answer.
    pub(crate) trouble: Option<String>,
    pub(crate) answer: Option<Answer>,
    /// Whether two runs have answered the same.
    pub(crate) is_stable: bool,
    /// Whether it answers the same when it is planned otherwise.
    pub(crate) holds_otherwise: Option<bool>,
    /// What its plan, in which views are opened, leaves to chance although its text does not; asked with the former.
    pub(crate) hidden_chance: Option<String>,
    /// With all rows that ORDER BY leaves equal to the last one, each with its place in the order.
    pub(crate) with_ties: Option<Answer>,
    /// Each row with its place in the order.
    pub(crate) ranked: Option<Answer>,
    /// Milliseconds of each run.
    pub(crate) times: Vec<f64>,
    pub(crate) plan: Option<Vec<Step>>,
}

/// The source's side of one statement.
pub(crate) struct Witness<'a> {
    pub(crate) record: Record,
    /// `None` when the source cannot be asked any more.
    pub(crate) live: Option<(&'a mut Asker, &'a Place)>,
}

impl Place {
    pub(crate) fn ask(&self, asker: &mut Asker, columns: usize) -> Ran<Answer> {
        asker.answer(&self.around, self.query.text(), columns)
    }

    pub(crate) fn time(&self, asker: &mut Asker) -> Ran<Duration> {
        asker.time(&self.around, self.query.text())
    }

    /// With their places: of the same rows in another order, LIMIT takes others.
    pub(crate) fn with_ties(
        &self,
        asker: &mut Asker,
        columns: &[(String, String)],
    ) -> Result<Option<Answer>> {
        let whole = self.query.with_ties().and_then(|it| Query::read(&it).ok());
        match whole {
            Some(query) => self.ranks_of(&query, asker, columns),
            None => Ok(None),
        }
    }

    pub(crate) fn ranked(&self, asker: &mut Asker, columns: &[(String, String)]) -> Result<Option<Answer>> {
        self.ranks_of(&self.query, asker, columns)
    }

    fn ranks_of(
        &self,
        query: &Query,
        asker: &mut Asker,
        columns: &[(String, String)],
    ) -> Result<Option<Answer>> {
        let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        self.ask_again(asker, query.ranked(&names), columns.len() + 1)
    }

    /// A question that was made of the statement can be one that the server does not take; then nothing is known.
    fn ask_again(&self, asker: &mut Asker, sql: Option<String>, columns: usize) -> Result<Option<Answer>> {
        match sql {
            Some(sql) => Ok(asker.answer(&self.around, &sql, columns)?.ok()),
            None => Ok(None),
        }
    }
}

impl Witness<'_> {
    /// Runs the statement twice, unless its answer is known; with `keeping` everything that may be asked later.
    pub(crate) fn answer(&mut self, keeping: bool) -> Result<()> {
        let Some((asker, place)) = &mut self.live else {
            return Ok(());
        };
        let columns = self.record.columns.len();
        let twice = match place.ask(asker, columns)? {
            Ok(first) => place.ask(asker, columns)?.map(|second| (first, second)),
            Err(trouble) => Err(trouble),
        };
        match twice {
            Ok((first, second)) => {
                self.record.is_stable = first.fingerprint == second.fingerprint;
                self.record.answer = Some(first);
            }
            Err(trouble) => self.record.trouble = Some(described(&trouble, place.around.timeout)),
        }
        if keeping && self.record.is_stable {
            self.with_ties()?;
            self.ranked()?;
            self.holds_otherwise()?;
        }
        Ok(())
    }

    pub(crate) fn with_ties(&mut self) -> Result<Option<Answer>> {
        if let (None, Some((asker, place))) = (&self.record.with_ties, &mut self.live) {
            self.record.with_ties = place.with_ties(asker, &self.record.columns)?;
        }
        Ok(self.record.with_ties.clone())
    }

    pub(crate) fn ranked(&mut self) -> Result<Option<Answer>> {
        if let (None, Some((asker, place))) = (&self.record.ranked, &mut self.live) {
            let first = place.ranked(asker, &self.record.columns)?;
            // ORDER BY random() gives every time another order.
            let second = place.ranked(asker, &self.record.columns)?;
            let is_same = first.as_ref().map(|it| it.fingerprint) == second.map(|it| it.fingerprint);
            self.record.ranked = first.filter(|_| is_same);
        }
        Ok(self.record.ranked.clone())
    }

    /// Whether the answer is the same when the planner goes other ways, as far as that can be tried.
    pub(crate) fn holds_otherwise(&mut self) -> Result<bool> {
        if let (None, Some((asker, place))) = (self.record.holds_otherwise, &mut self.live) {
            let otherwise = Surroundings {
                is_planned_otherwise: true,
                ..place.around.clone()
            };
            let columns = self.record.columns.len();
            let answer = asker.answer(&otherwise, place.query.text(), columns)?;
            let known = self.record.answer.as_ref().map(|it| it.fingerprint);
            self.record.holds_otherwise = Some(answer.map_or(true, |it| Some(it.fingerprint) == known));
            let plan = asker.explain(&place.around, place.query.text(), false)?;
            self.record.hidden_chance = plan.ok().and_then(|it| hidden_chance(&it, &place.query));
        }
        Ok(self.record.holds_otherwise.unwrap_or(true))
    }
}

/// Why a server did not answer, for people.
pub(crate) fn described(trouble: &Trouble, timeout: Duration) -> String {
    if trouble.is_timeout() {
        format!("it takes longer than --timeout {}", timeout.as_secs())
    } else {
        trouble.to_string()
    }
}
