//! Whether two answers are the same.
//!
//! Rows are compared with their multiplicity. Where they differ, what nothing in the statement decides is looked for
//! before a difference is told; where they are the same and their order is not, rows that ORDER BY leaves equal.

use std::time::Duration;

use cli::Result;
use database::postgres::{Description, Trouble};
use rewrite::Chance;

use super::names::Translator;
use super::record::{Place, Witness, described};
use super::side::{Answer, Asker};
use crate::report::{Area, Finding, Weight};

/// What came of comparing one statement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judgement {
    pub(crate) outcome: Outcome,
    /// Rows of the source's answer.
    pub(crate) rows: Option<u64>,
    pub(crate) findings: Vec<Finding>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Outcome {
    Identical,
    Different,
    #[default]
    NotCompared,
}

/// The target's side of one statement.
pub(crate) struct There<'a> {
    pub(crate) asker: &'a mut Asker,
    pub(crate) place: &'a Place,
    /// What the target's server says of it.
    pub(crate) description: &'a std::result::Result<Description, Trouble>,
    /// Why it may mean something else there.
    pub(crate) doubts: &'a [String],
}

/// What both sides are like, as far as answers depend on it.
pub(crate) struct Surface<'a> {
    pub(crate) translator: &'a Translator<'a>,
    /// How each side orders text, where they do it otherwise.
    pub(crate) collations: Option<(String, String)>,
}

impl Judgement {
    pub(crate) fn not_compared(object: &str, property: &str, reason: impl Into<String>) -> Judgement {
        let finding = Finding::new(Area::Query, object, property)
            .weighing(Weight::NotCompared)
            .with_note(reason);
        Judgement {
            outcome: Outcome::NotCompared,
            rows: None,
            findings: vec![finding],
        }
    }

    fn different(findings: Vec<Finding>) -> Judgement {
        Judgement {
            outcome: Outcome::Different,
            rows: None,
            findings,
        }
    }

    fn identical() -> Judgement {
        Judgement {
            outcome: Outcome::Identical,
            ..Judgement::default()
        }
    }
}

/// Compares what the target answers with what the source has answered.
pub(crate) fn judge(
    object: &str,
    witness: &mut Witness<'_>,
    there: &mut There<'_>,
    surface: &Surface<'_>,
) -> Result<Judgement> {
    let record = &witness.record;
    if let Some(trouble) = &record.trouble {
        let reason = format!("in the source {trouble}");
        return Ok(Judgement::not_compared(object, "answer", reason));
    }
    let Some(expected) = record.answer.clone() else {
        return Ok(Judgement::not_compared(
            object,
            "answer",
            "the source has no answer",
        ));
    };
    let rows = Some(expected.fingerprint.rows);
    let mut judgement = match there.description {
        Err(trouble) => there.failed(object, trouble),
        Ok(description) => {
            let columns = columns(object, &record.columns, description, surface.translator);
            if description.columns.len() == record.columns.len() {
                let mut judgement = rows_of(object, &expected, witness, there, surface)?;
                if !columns.is_empty() {
                    judgement.outcome = Outcome::Different;
                }
                judgement.findings.extend(columns);
                judgement
            } else {
                Judgement::different(columns)
            }
        }
    };
    judgement.rows = rows;
    if judgement.outcome == Outcome::Different && !there.doubts.is_empty() {
        for finding in &mut judgement.findings {
            finding.note.get_or_insert_with(|| there.doubts.join("; "));
        }
    }
    Ok(judgement)
}

impl There<'_> {
    fn failed(&self, object: &str, trouble: &Trouble) -> Judgement {
        failed(object, trouble, self.doubts, self.place.around.timeout)
    }
}

/// The target's server does not run it. A statement that may have lost its names on the way says nothing of the target.
pub(crate) fn failed(object: &str, trouble: &Trouble, doubts: &[String], timeout: Duration) -> Judgement {
    let reason = described(trouble, timeout);
    if doubts.is_empty() || trouble.is_timeout() {
        let finding = Finding::new(Area::Query, object, "fails on the target").with_note(reason);
        return Judgement::different(vec![finding]);
    }
    let reason = format!("on the target {reason}, and {}", doubts.join("; "));
    Judgement::not_compared(object, "answer", reason)
}

/// What the columns of both answers do not have in common.
fn columns(
    object: &str,
    source: &[(String, String)],
    target: &Description,
    translator: &Translator<'_>,
) -> Vec<Finding> {
    let finding = |source: String, target: String| {
        Finding::new(Area::Query, object, "columns").between(Some(source), Some(target))
    };
    if source.len() != target.columns.len() {
        let counts = (source.len().to_string(), target.columns.len().to_string());
        return vec![finding(counts.0, counts.1)];
    }
    let pairs = source.iter().zip(&target.columns);
    let differing = pairs.filter_map(|((name, kind), (found, found_kind))| {
        let kind = translator.type_name(kind);
        let shown = |name: &str, kind: &str| format!("{} {kind}", catalog::quote_ident(name));
        let same = (name == found || translator.is_renamed(name, found)) && kind == *found_kind;
        (!same).then(|| finding(shown(name, &kind), shown(found, found_kind)))
    });
    differing.collect()
}

fn rows_of(
    object: &str,
    expected: &Answer,
    witness: &mut Witness<'_>,
    there: &mut There<'_>,
    surface: &Surface<'_>,
) -> Result<Judgement> {
    let columns = witness.record.columns.len();
    let found = match there.place.ask(there.asker, columns)? {
        Ok(found) => found,
        Err(trouble) => return Ok(there.failed(object, &trouble)),
    };
    if !witness.record.is_stable {
        let reason = "the source answers otherwise each time it is asked";
        return Ok(Judgement::not_compared(object, "answer", reason));
    }
    if found.fingerprint == expected.fingerprint {
        let is_ordered = there.place.query.is_ordered();
        if !is_ordered || found.sequence == expected.sequence {
            return Ok(Judgement::identical());
        }
        return order_of(object, witness, there, surface);
    }
    let is_as_many = found.fingerprint.rows == expected.fingerprint.rows;
    if let Some(reason) = chance(witness, there, is_as_many) {
        return Ok(Judgement::not_compared(object, "rows", reason));
    }
    if there.place.query.is_cut() {
        let source_columns = witness.record.columns.clone();
        let theirs = witness.with_ties()?;
        let ours = there.place.with_ties(there.asker, &source_columns)?;
        match (theirs, ours) {
            (Some(theirs), Some(ours)) if theirs.fingerprint == ours.fingerprint => {
                return Ok(Judgement::identical());
            }
            (Some(_), Some(_)) => {}
            _ if !is_as_many => {}
            _ => {
                let reason =
                    "LIMIT takes some of the rows, and which of them ORDER BY leaves equal cannot be asked";
                return Ok(Judgement::not_compared(object, "rows", reason));
            }
        }
    }
    if !witness.holds_otherwise()? {
        let reason = "the source itself answers otherwise when it is planned otherwise: nothing decides the order in \
                      which some of it is taken";
        return Ok(Judgement::not_compared(object, "rows", reason));
    }
    if let Some(reason) = &witness.record.hidden_chance {
        return Ok(Judgement::not_compared(object, "rows", reason));
    }
    let counts = |answer: &Answer| Some(format!("{} rows", cli::count(answer.fingerprint.rows)));
    let finding = Finding::new(Area::Query, object, "rows");
    let finding = if is_as_many {
        Finding::new(Area::Query, object, "rows differ")
            .with_note(format!("same count, {}", cli::count(found.fingerprint.rows)))
    } else {
        finding.between(counts(expected), counts(&found))
    };
    Ok(Judgement::different(vec![finding]))
}

/// What of the statement leaves its rows to chance. The values of an aggregate do not make rows come and go.
fn chance(witness: &Witness<'_>, there: &There<'_>, is_as_many: bool) -> Option<String> {
    let is_float = |(_, kind): &(String, String)| kind == "double precision" || kind == "real";
    let has_floats = witness.record.columns.iter().any(is_float);
    let counts = |it: &&Chance| match it {
        Chance::Sum(_) => has_floats && is_as_many,
        Chance::Aggregate(_) | Chance::Place(_) => is_as_many,
        _ => true,
    };
    let mut chances = there.place.query.chances().iter().filter(counts);
    chances.next().map(ToString::to_string)
}

/// The rows are the same in another order.
fn order_of(
    object: &str,
    witness: &mut Witness<'_>,
    there: &mut There<'_>,
    surface: &Surface<'_>,
) -> Result<Judgement> {
    let columns = witness.record.columns.clone();
    let (Some(theirs), Some(ours)) = (witness.ranked()?, there.place.ranked(there.asker, &columns)?) else {
        let reason =
            "the rows are the same in another order, and which of them ORDER BY leaves equal cannot be asked";
        return Ok(Judgement::not_compared(object, "order", reason));
    };
    if theirs.fingerprint == ours.fingerprint {
        return Ok(Judgement::identical());
    }
    let mut finding = Finding::new(Area::Query, object, "order differs").with_note("the same rows");
    if let Some((source, target)) = &surface.collations {
        finding = finding.with_note(format!(
            "the same rows; the source orders text by {source}, the target by {target}"
        ));
    }
    Ok(Judgement::different(vec![finding]))
}
