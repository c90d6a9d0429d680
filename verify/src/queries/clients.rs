//! The same statements by many connections at once, for load on one side after the other.

use std::thread;
use std::time::Instant;

use cli::{Exit, Failure, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::record::Place;
use super::side::Side;
use super::timing::Spread;

/// What one side bore.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Load {
    pub(crate) clients: usize,
    pub(crate) statements: usize,
    pub(crate) failed: usize,
    /// In all, in seconds.
    pub(crate) seconds: f64,
    /// Milliseconds of each statement.
    pub(crate) times: Vec<f64>,
}

impl Load {
    /// Statements in a second.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(u32::try_from(self.statements).unwrap_or(u32::MAX)) / self.seconds.max(f64::MIN_POSITIVE)
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "clients": self.clients,
            "statements": self.statements,
            "failed": self.failed,
            "seconds": self.seconds,
            "per_second": self.rate(),
            "times": Spread::of(&self.times).map(|it| it.json()),
        })
    }
}

/// Runs all `places`, each `rounds` times, by so many connections; fewer where the server has no more.
pub(crate) fn load(side: &Side, places: &[&Place], clients: usize, rounds: usize) -> Result<Load> {
    let askers = cli::open_sessions(clients, || side.asker())?;
    let clients = askers.len();
    let begun = Instant::now();
    let ran: Vec<Result<(Vec<f64>, usize)>> = thread::scope(|scope| {
        let threads: Vec<_> = askers
            .into_iter()
            .enumerate()
            .map(|(number, mut asker)| {
                scope.spawn(move || {
                    let (mut times, mut failed) = (Vec::new(), 0);
                    for _ in 0..rounds {
                        // Each begins elsewhere, so that they do not go in step.
                        for turn in 0..places.len() {
                            let place = places[(turn + number) % places.len()];
                            match place.time(&mut asker)? {
                                Ok(time) => times.push(time.as_secs_f64() * 1000.0),
                                Err(_) => failed += 1,
                            }
                        }
                    }
                    Ok((times, failed))
                })
            })
            .collect();
        let ended = threads.into_iter().map(|it| {
            it.join()
                .unwrap_or_else(|_| Err(Failure::new(Exit::Internal, "a client broke off")))
        });
        ended.collect()
    });
    let seconds = begun.elapsed().as_secs_f64();
    let (mut times, mut failed) = (Vec::new(), 0);
    for part in ran {
        let (more, lost) = part?;
        times.extend(more);
        failed += lost;
    }
    Ok(Load {
        clients,
        statements: times.len(),
        failed,
        seconds,
        times,
    })
}
