//! Work that other sessions got in the way of is done again after a moment, a few times.

use std::thread;
use std::time::Duration;

use cli::Result;

/// How often the work is begun.
const TRIES: u32 = 5;

/// The pause after the first try at most; each later one may be twice as long.
const PAUSE: Duration = Duration::from_millis(200);

/// Does `work`, a transaction of its own, again where PostgreSQL has ended it for another session: a deadlock (SQLSTATE
/// 40P01), a serialization failure (40001), a lock that was not given (55P03). Whatever else happens is told at once.
pub(crate) fn again_after_conflicts(mut work: impl FnMut() -> Result<()>) -> Result<()> {
    for tries in 1..TRIES {
        match work() {
            Err(failure) if failure.is_conflict() => {
                cli::check_interrupt()?;
                // Two that got in each other's way shall not meet again at the same moment.
                thread::sleep(PAUSE.mul_f64(f64::from(1 << tries) / 2.0 * fastrand::f64()));
            }
            done => return done,
        }
    }
    work().map_err(|failure| {
        if failure.is_conflict() {
            failure.with_hint(format!(
                "another session locks what this load makes ({TRIES} tries): end it, then go on"
            ))
        } else {
            failure
        }
    })
}

#[cfg(test)]
mod tests {
    use cli::{Exit, Failure};

    use super::*;

    #[test]
    fn what_is_no_conflict_is_told_at_once() {
        let mut calls = 0;
        let failed = again_after_conflicts(|| {
            calls += 1;
            Err(Failure::new(Exit::Target, "no room"))
        });
        assert!(failed.is_err());
        assert_eq!(calls, 1);
    }
}
