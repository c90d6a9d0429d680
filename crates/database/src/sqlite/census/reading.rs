//! Which numbers can be read as moments, as [`Reading`] reads them: told by arithmetic alone, since every number of a
//! file is asked, and hardly any is a moment.

use rusqlite::types::ValueRef;

use super::kind::Kind;
use crate::sqlite::epoch::Reading;

const DAY: i64 = 86_400;
/// 0001-01-01, in seconds since 1970.
const START: i64 = -62_135_596_800;
/// 10000-01-01.
const END: i64 = 253_402_300_800;

/// Facts about a moment in seconds, milliseconds and Julian days.
const READ: [u64; 3] = [Kind::READ_SECONDS, Kind::READ_MILLISECONDS, Kind::READ_JULIAN];
const MIDNIGHT: [u64; 3] = [
    Kind::MIDNIGHT_SECONDS,
    Kind::MIDNIGHT_MILLISECONDS,
    Kind::MIDNIGHT_JULIAN,
];

pub(super) fn of_integer(value: i64) -> u64 {
    let mut facts = 0;
    if (START..END).contains(&value) {
        facts |= Kind::READ_SECONDS
            | if value % DAY == 0 {
                Kind::MIDNIGHT_SECONDS
            } else {
                0
            };
    }
    if (START * 1000..END * 1000).contains(&value) {
        facts |= Kind::READ_MILLISECONDS;
        facts |= if value % (DAY * 1000) == 0 {
            Kind::MIDNIGHT_MILLISECONDS
        } else {
            0
        };
    }
    // A Julian day begins at noon: no whole one is a midnight.
    if (1_721_426..5_373_485).contains(&value) {
        facts |= Kind::READ_JULIAN;
    }
    facts
}

/// `fraction` counts its digits behind the point.
pub(super) fn of_real(value: f64, fraction: usize) -> u64 {
    #[expect(clippy::cast_precision_loss, reason = "all bounds are below 2^53")]
    let [start, end, day] = [START as f64, END as f64, DAY as f64];
    let mut facts = 0;
    if fraction <= 6 && (start..end).contains(&value) {
        facts |= Kind::READ_SECONDS
            | if value % day == 0.0 {
                Kind::MIDNIGHT_SECONDS
            } else {
                0
            };
    }
    if fraction <= 3 && (start * 1000.0..end * 1000.0).contains(&value) {
        facts |= Kind::READ_MILLISECONDS;
        facts |= if value % (day * 1000.0) == 0.0 {
            Kind::MIDNIGHT_MILLISECONDS
        } else {
            0
        };
    }
    // It is rounded to the millisecond, so the bounds are left to the one that reads it.
    if (1_721_425.0..5_373_485.0).contains(&value) {
        facts |= read(Reading::JulianDays, 2, ValueRef::Real(value));
    }
    facts
}

/// A text that is a number.
pub(super) fn of_text(value: &[u8]) -> u64 {
    let value = ValueRef::Text(value);
    read(Reading::Seconds, 0, value)
        | read(Reading::Milliseconds, 1, value)
        | read(Reading::JulianDays, 2, value)
}

/// The fact that moments in this unit are told by: that there is one, or that it is a midnight.
pub(super) fn fact(reading: Reading, is_date: bool) -> u64 {
    let place = match reading {
        Reading::Seconds => 0,
        Reading::Milliseconds => 1,
        Reading::JulianDays => 2,
    };
    if is_date { MIDNIGHT[place] } else { READ[place] }
}

fn read(reading: Reading, place: usize, value: ValueRef<'_>) -> u64 {
    match reading.moment(value) {
        None => 0,
        Some(moment) if moment.time() == jiff::civil::Time::midnight() => READ[place] | MIDNIGHT[place],
        Some(_) => READ[place],
    }
}
