//! How long statements take: the middle and the spread of several runs, and what counts as slower.

use serde_json::{Value, json};

/// What is below counts for nothing, whatever the factor: milliseconds.
pub(crate) const NOISE_MS: f64 = 5.0;

/// Fewer runs show no spread, so nothing can be told from chance.
pub(crate) const RUNS_MIN: usize = 3;

/// The factor from which on somebody is told where nobody has said one.
pub(crate) const TOLD_FROM: f64 = 1.5;

/// Several runs, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    runs: usize,
}

impl Spread {
    /// The median with the quartiles; `None` without runs.
    pub(crate) fn of(times: &[f64]) -> Option<Spread> {
        let mut sorted = times.to_vec();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        let at = |quarter: usize| {
            // Between two runs, as far as the quarter lies between them.
            let (place, rest) = (quarter * last / 4, quarter * last % 4);
            let next = sorted[(place + 1).min(last)];
            let share = [0.0, 0.25, 0.5, 0.75][rest];
            sorted[place] + (next - sorted[place]) * share
        };
        Some(Spread {
            median: at(2),
            low: at(1),
            high: at(3),
            runs: times.len(),
        })
    }

    /// Whether this is slower than `before` by more than `factor`, and by more than chance.
    pub(crate) fn is_slower(&self, before: &Spread, factor: f64) -> bool {
        self.runs.min(before.runs) >= RUNS_MIN
            && self.median > before.median * factor
            && self.median - before.median >= NOISE_MS
            && self.low > before.high
    }

    /// How many times as long it takes.
    pub(crate) fn ratio(&self, before: &Spread) -> f64 {
        self.median / before.median.max(f64::MIN_POSITIVE)
    }

    pub(crate) fn json(&self) -> Value {
        json!({"median_ms": self.median, "low_ms": self.low, "high_ms": self.high})
    }
}

/// `0.42 ms`, `18.3 ms`, `2.5 s`
pub(crate) fn shown(ms: f64) -> String {
    if ms < 10.0 {
        format!("{ms:.2} ms")
    } else if ms < 1000.0 {
        format!("{ms:.1} ms")
    } else {
        format!("{:.2} s", ms / 1000.0)
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} ({} to {})",
            shown(self.median),
            shown(self.low),
            shown(self.high)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_runs_is_not_moved_by_one_of_them() {
        let spread = Spread::of(&[3.0, 1.0, 2.0, 100.0, 4.0]);
        let expected = Spread {
            median: 3.0,
            low: 2.0,
            high: 4.0,
            runs: 5,
        };
        assert_eq!(spread, Some(expected));
        assert_eq!(Spread::of(&[1.0, 2.0]).map(|it| it.median), Some(1.5));
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn noise_is_not_slower() {
        let spread = |median: f64, by: f64| Spread {
            median,
            low: median - by,
            high: median + by,
            runs: 5,
        };
        assert!(spread(40.0, 1.0).is_slower(&spread(10.0, 1.0), 1.5));
        assert!(!spread(4.0, 0.1).is_slower(&spread(1.0, 0.1), 1.5));
        assert!(!spread(40.0, 20.0).is_slower(&spread(20.0, 10.0), 1.5));
        assert!(!spread(14.9, 0.1).is_slower(&spread(10.0, 0.1), 1.5));
    }
}
