//! Rates and the time that is left, guessed from what was done so far.

use std::time::Duration;

/// Before this much of the work is done its rate says nothing.
const KNOWN_FROM: f64 = 0.005;

/// How much was done in a second.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate for people"
)]
pub(super) fn rate(done: u64, elapsed: Duration) -> u64 {
    (done as f64 / elapsed.as_secs_f64().max(0.001)) as u64
}

/// How long the rest takes at the rate so far; `None` where that is not known.
#[expect(clippy::cast_precision_loss, reason = "a time for people")]
pub(super) fn time_left(done: u64, expected: Option<u64>, elapsed: Duration) -> Option<Duration> {
    let expected = expected.filter(|it| *it > 0)?;
    let part = done as f64 / expected as f64;
    // What a server tells of a table's size is an estimate too.
    if !(KNOWN_FROM..1.0).contains(&part) {
        return None;
    }
    Some(elapsed.mul_f64((1.0 - part) / part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_what_was_done() {
        const SECONDS: Duration = Duration::from_secs(10);
        let left = |done, expected| time_left(done, expected, SECONDS).map(|it| it.as_secs());
        assert_eq!(left(50, Some(100)), Some(10));
        assert_eq!(left(20, Some(100)), Some(40));
        for (done, expected) in [
            (0, Some(100)),
            (100, Some(100)),
            (120, Some(100)),
            (5, None),
            (0, Some(0)),
        ] {
            assert_eq!(left(done, expected), None, "{done} of {expected:?}");
        }
        assert_eq!(rate(50, SECONDS), 5);
    }
}
