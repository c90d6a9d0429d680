//! How many digits numbers have.

use crate::sqlite::number::Decimal;
use crate::sqlite::numeric::Numeric;

/// Digits before the point, without leading zeros, and behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Digits {
    pub(super) whole: usize,
    pub(super) fraction: usize,
}

impl Digits {
    pub(super) fn of_integer(value: i64) -> Digits {
        Digits {
            whole: value
                .unsigned_abs()
                .checked_ilog10()
                .map_or(0, |it| it as usize + 1),
            fraction: 0,
        }
    }

    /// Of the shortest decimal of a double; `None` where it has none that `numeric` holds: infinities, and zero with a
    /// sign.
    pub(super) fn of_real(value: f64) -> Option<Digits> {
        /// Decimals of up to 15 digits are told apart by doubles, so one that reads back is the shortest.
        const EXACT_MAX: f64 = 1e15;
        const SCALES: [f64; 5] = [1.0, 1e1, 1e2, 1e3, 1e4];
        if !value.is_finite() || (value == 0.0 && value.is_sign_negative()) {
            return None;
        }
        let value = value.abs();
        for (at, scale) in SCALES.iter().enumerate() {
            let scaled = value * scale;
            #[expect(clippy::float_cmp, reason = "only a decimal that is the same double counts")]
            if scaled < EXACT_MAX && scaled == scaled.trunc() && scaled / scale == value {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a whole number from 0 to 10^15"
                )]
                let (mut digits, whole) = (scaled as u64, value as i64);
                let mut fraction = at;
                while fraction > 0 && digits.is_multiple_of(10) {
                    (digits, fraction) = (digits / 10, fraction - 1);
                }
                return Some(Digits {
                    fraction,
                    ..Digits::of_integer(whole)
                });
            }
        }
        let decimal = Decimal::shortest(value);
        let (length, point) = (decimal.digits().len(), i64::from(decimal.point()));
        let fraction = i64::try_from(length).unwrap_or(i64::MAX).saturating_sub(point);
        Some(Digits::counted(point, fraction))
    }

    /// Of a text that `numeric` takes for a number.
    pub(super) fn of_text(value: &[u8]) -> Option<Digits> {
        let (whole, fraction) = Numeric::parse(value)?.digit_counts();
        Some(Digits::counted(whole, fraction))
    }

    fn counted(whole: i64, fraction: i64) -> Digits {
        let count = |it: i64| usize::try_from(it).unwrap_or(0);
        Digits {
            whole: count(whole),
            fraction: count(fraction),
        }
    }
}
