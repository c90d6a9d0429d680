//! A bound on how many bytes of rows pass in a second, shared by all sessions of a tool.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;

use crate::{Result, check_interrupt};

/// How long a wait sleeps before it looks whether it is still wanted.
const LOOK_AFTER: Duration = Duration::from_millis(50);

/// What a pause may have saved up: a tool that waited for others does not catch up by a flood.
const SAVED_MAX: Duration = Duration::from_millis(100);

/// Shorter waits than this are put off until they add up: a thread sleeps longer than it is told.
const WORTH_SLEEPING: Duration = Duration::from_millis(2);

/// The option of every tool that reads or writes a server's rows.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct RateArgs {
    /// Let at most this many MiB of rows pass in a second, all sessions together, to leave a server room for others
    #[arg(long, value_name = "MIB/S", value_parser = mebibytes)]
    rate_limit: Option<f64>,
}

impl RateArgs {
    pub fn pace(self) -> Pace {
        Pace::new(self.rate_limit.map(|it| it * f64::from(1 << 20)))
    }
}

fn mebibytes(text: &str) -> std::result::Result<f64, String> {
    const MIN: f64 = 0.01;
    const MAX: f64 = 1e6;
    let rate = text.parse().ok().filter(|it| (MIN..=MAX).contains(it));
    rate.ok_or_else(|| "a number of MiB from 0.01 to 1000000 is wanted".to_owned())
}

/// Lets bytes pass no faster than was asked for.
#[derive(Debug, Default)]
pub struct Pace(Option<Bucket>);

#[derive(Debug)]
struct Bucket {
    bytes_per_second: f64,
    /// When all that has passed will have been paid for.
    paid_at: Mutex<Instant>,
}

impl Pace {
    /// `None` lets everything pass.
    fn new(bytes_per_second: Option<f64>) -> Self {
        Pace(bytes_per_second.map(|bytes_per_second| Bucket {
            bytes_per_second,
            paid_at: Mutex::new(Instant::now()),
        }))
    }

    /// Waits until `bytes` more may have passed. Fails when the tool is interrupted meanwhile.
    pub fn wait(&self, bytes: usize) -> Result<()> {
        self.wait_while(bytes, || true)
    }

    /// The same, for as long as `is_wanted`.
    pub fn wait_while(&self, bytes: usize, is_wanted: impl Fn() -> bool) -> Result<()> {
        let Some(bucket) = &self.0 else { return Ok(()) };
        let until = bucket.pay(bytes);
        if until.saturating_duration_since(Instant::now()) < WORTH_SLEEPING {
            return Ok(());
        }
        while is_wanted() {
            check_interrupt()?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            thread::sleep(left.min(LOOK_AFTER));
        }
        Ok(())
    }
}

impl Bucket {
    fn pay(&self, bytes: usize) -> Instant {
        #[expect(clippy::cast_precision_loss, reason = "a duration, to be slept")]
        let cost = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second);
        let earliest = Instant::now().checked_sub(SAVED_MAX);
        let mut paid_at = self.paid_at.lock().unwrap_or_else(PoisonError::into_inner);
        *paid_at = earliest.map_or(*paid_at, |it| it.max(*paid_at)) + cost;
        *paid_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_threads_together_keep_the_pace() {
        // Paid and not waited for: another test of this process may be about an interrupt, which ends all waiting.
        let (pace, started) = (Pace::new(Some(1e6)), Instant::now());
        let bucket = pace.0.as_ref().unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        bucket.pay(1000);
                    }
                });
            }
        });
        // 0.4 s for 400,000 bytes, without what may be saved up.
        let paid_at = bucket.pay(0) - started;
        assert!(paid_at >= Duration::from_millis(290), "{paid_at:?}");
    }

    #[test]
    fn without_a_limit_nothing_waits() {
        let started = Instant::now();
        RateArgs::default().pace().wait(usize::MAX).unwrap_or_default();
        assert!(started.elapsed() < Duration::from_millis(50));
    }

    #[test]
    fn a_wait_that_nobody_wants_ends() {
        let (pace, started) = (Pace::new(Some(1.0)), Instant::now());
        pace.wait_while(1_000_000, || started.elapsed() < Duration::from_millis(20))
            .unwrap_or_default();
        assert!(started.elapsed() < Duration::from_mins(1));
    }
}
