//! Work that is done beside other work: tasks, the heaviest first, on as many sessions as there are.

mod limits;

use std::cmp::Reverse;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use cli::Result;

use crate::checks::locks;
use crate::indexes::AFTER_ROWS;
use crate::statements::execute;
use crate::steps::Steps;
use crate::target::{Session, Target};

pub(crate) use limits::Limits;

/// Statements of small tables in one transaction: each takes locks, of which a server has a limited number.
const BATCH: usize = 100;

/// Tables from here on are worth a transaction for each of their statements.
const LARGE_BYTES: u64 = 1 << 20;

/// Statements that run in order, in one transaction.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) statements: Vec<String>,
    /// Bytes that it has to go through, about: tells tasks' times from each other.
    pub(crate) weight: u64,
}

impl Task {
    /// Sessions' worth of work in it, more than its own, when `jobs` sessions share `whole`.
    fn surplus(&self, whole: u64, jobs: u64) -> u64 {
        let shares = u128::from(self.weight) * u128::from(jobs) / u128::from(whole.max(1));
        u64::try_from(shares).unwrap_or(u64::MAX).saturating_sub(1)
    }
}

/// Statements about one table, in order, and the table's bytes.
pub(crate) struct OfTable {
    pub(crate) statements: Vec<String>,
    pub(crate) bytes: u64,
}

impl OfTable {
    pub(crate) fn is_large(&self) -> bool {
        self.bytes >= LARGE_BYTES
    }
}

/// Tasks for tables of which each must have one session at a time: small tables share a transaction, since most of
/// their time would be its beginning and its end.
pub(crate) fn tasks(tables: impl IntoIterator<Item = OfTable>) -> Vec<Task> {
    let (mut tasks, mut small) = (Vec::new(), Task::default());
    for table in tables {
        if table.is_large() {
            tasks.push(Task {
                statements: table.statements,
                weight: table.bytes,
            });
            continue;
        }
        small.statements.extend(table.statements);
        small.weight += table.bytes;
        if small.statements.len() >= BATCH {
            tasks.push(std::mem::take(&mut small));
        }
    }
    if !small.statements.is_empty() {
        tasks.push(small);
    }
    tasks
}

/// Runs tasks beside each other, the heaviest first.
pub(crate) fn run_beside(
    target: &Target,
    steps: Steps<'_>,
    phase: &'static str,
    mut tasks: Vec<Task>,
) -> Result<()> {
    if tasks.is_empty() {
        return Ok(());
    }
    // Stable: what weighs the same keeps its order.
    tasks.sort_by_key(|task| Reverse(task.weight));
    let mut sessions = target.sessions(tasks.len())?;
    let limits = set_limits(&mut sessions)?;
    // All sessions share the server's room for locks.
    let number = sessions.len();
    let batch = match sessions.first_mut() {
        Some(session) => (locks::batch(&mut **session, BATCH * number)? / number).max(1),
        None => return Ok(()),
    };
    let whole: u64 = tasks.iter().map(|task| task.weight).sum();
    let jobs = u64::try_from(target.jobs()).unwrap_or(u64::MAX);
    let statements = tasks.iter().map(|task| task.statements.len()).sum();
    let phase = target.show_phase(steps.run, phase, statements);
    let stop = AtomicBool::new(false);
    let waiting = Mutex::new(tasks.into_iter());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = |session: &mut Session| -> Result<()> {
        while let Some(task) = next() {
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let workers = limits.and_then(|it| it.workers(task.surplus(whole, jobs)));
            for statements in task.statements.chunks(batch) {
                in_transaction(session, steps, statements, workers.as_deref())
                    .inspect_err(|_| stop.store(true, Ordering::Relaxed))?;
            }
            task.statements.iter().for_each(|_| phase.step());
        }
        Ok(())
    };
    thread::scope(|scope| {
        let work = &work;
        let workers: Vec<_> = sessions
            .iter_mut()
            .map(|session| scope.spawn(move || work(session)))
            .collect();
        let mut all = Ok(());
        for worker in workers {
            // Every worker is waited for, also after a failure.
            let worked = worker.join();
            all = all.and(worked.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        all
    })
}

fn set_limits(sessions: &mut [Session]) -> Result<Option<Limits>> {
    let number = sessions.len();
    let Some(first) = sessions.first_mut() else {
        return Ok(None);
    };
    let limits = Limits::read(first)?;
    if let Some(sql) = limits.settings(number) {
        sessions
            .iter_mut()
            .try_for_each(|session| execute(&mut **session, &sql))?;
    }
    Ok(Some(limits))
}

fn in_transaction(
    session: &mut Session,
    steps: Steps<'_>,
    statements: &[String],
    first: Option<&str>,
) -> Result<()> {
    let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
    steps.once(session, AFTER_ROWS, &statements, |transaction, left| {
        let mut all = first.into_iter().chain(left.iter().copied());
        all.try_for_each(|sql| execute(transaction, sql))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_table(statements: usize, bytes: u64) -> OfTable {
        OfTable {
            statements: vec!["S".to_owned(); statements],
            bytes,
        }
    }

    #[test]
    fn small_tables_share_a_transaction_and_stay_whole() {
        let small = (0..60).map(|_| of_table(3, 10));
        let tables = small.chain([of_table(2, LARGE_BYTES)]);
        let made: Vec<_> = tasks(tables)
            .iter()
            .map(|it| (it.statements.len(), it.weight))
            .collect();
        assert_eq!(made, [(102, 340), (2, LARGE_BYTES), (78, 260)]);
    }

    #[test]
    fn what_outweighs_all_else_is_worth_more_sessions() {
        let task = |weight| Task {
            statements: Vec::new(),
            weight,
        };
        for (weight, whole, jobs, surplus) in [
            (100, 100, 3, 2),
            (99, 100, 3, 1),
            (60, 100, 3, 0),
            (10, 100, 3, 0),
            (0, 0, 3, 0),
        ] {
            assert_eq!(task(weight).surplus(whole, jobs), surplus, "{weight} of {whole}");
        }
    }
}
