//! What a column of the target takes of the file's values: the one place that says what becomes of a value which does
//! not fit, so that `dump` and `verify` see the same rows by construction.

use rusqlite::types::ValueRef;

use super::schema::Table;
use super::target_type::{Misfit, TargetType};

/// What becomes of a value that its column's type cannot hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnMisfit {
    /// There is none: every value was proved to fit, and one that does not is an error.
    #[default]
    Fail,
    /// It becomes NULL.
    Null,
    /// Its row is set aside.
    Reject,
}

/// How the values of one column become those of the target's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnRule {
    pub target: TargetType,
    pub on_misfit: OnMisfit,
    /// In a column that keeps originals: the type of the column whose misfits it holds. What fits that is NULL here.
    pub keeps_misfits_of: Option<TargetType>,
}

/// What was taken of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The value itself, as it was written.
    Value,
    /// NULL.
    Null,
    /// Nothing: the whole row is set aside.
    Rejected,
}

impl ColumnRule {
    /// Appends `value` to `out` by `write`, which is [`TargetType::write`] or a counterpart that takes the same values.
    ///
    /// Without [`Taken::Value`], `out` is as it was.
    pub(super) fn take(
        &self,
        value: ValueRef<'_>,
        out: &mut Vec<u8>,
        write: impl Fn(TargetType, ValueRef<'_>, &mut Vec<u8>) -> Result<(), Misfit>,
    ) -> Result<Taken, Misfit> {
        if value == ValueRef::Null {
            return Ok(Taken::Null);
        }
        let start = out.len();
        if let Some(other) = self.keeps_misfits_of {
            let fits = other.write(value, out).is_ok();
            out.truncate(start);
            if fits {
                return Ok(Taken::Null);
            }
        }
        let Err(misfit) = write(self.target, value, out) else {
            return Ok(Taken::Value);
        };
        out.truncate(start);
        match self.on_misfit {
            OnMisfit::Fail => Err(misfit),
            OnMisfit::Null => Ok(Taken::Null),
            OnMisfit::Reject => Ok(Taken::Rejected),
        }
    }
}

impl Table {
    /// How the column at `place` is read.
    pub fn rule(&self, place: usize) -> ColumnRule {
        let column = &self.columns[place];
        ColumnRule {
            target: column.target,
            on_misfit: column.on_misfit,
            keeps_misfits_of: column.keeps.map(|other| self.columns[other].target),
        }
    }

    /// The name in the file of the column whose values the one at `place` takes.
    pub(super) fn source_name(&self, place: usize) -> &str {
        &self.columns[self.columns[place].keeps.unwrap_or(place)].name
    }

    /// `places`, and behind them those columns that decide whether a row is there at all.
    pub(super) fn with_deciding(&self, places: &[usize]) -> Vec<usize> {
        let decides = |place: &usize| self.columns[*place].on_misfit == OnMisfit::Reject;
        let others = (0..self.columns.len()).filter(|it| decides(it) && !places.contains(it));
        places.iter().copied().chain(others).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: (TargetType, OnMisfit, Option<TargetType>), value: ValueRef<'_>, expected: (Taken, &str)) {
        let rule = ColumnRule {
            target: rule.0,
            on_misfit: rule.1,
            keeps_misfits_of: rule.2,
        };
        let mut out = b"before|".to_vec();
        let taken = rule.take(value, &mut out, TargetType::write).unwrap();
        assert_eq!(
            (taken, String::from_utf8(out).unwrap()),
            (expected.0, format!("before|{}", expected.1)),
            "{rule:?} of {value:?}"
        );
    }

    #[test]
    fn a_rule_takes_the_value_or_nothing_of_it() {
        use TargetType::{BigInt, MixedText, Varchar};
        let (seven, word) = (ValueRef::Integer(7), ValueRef::Text(b"seven"));
        check((BigInt, OnMisfit::Null, None), seven, (Taken::Value, "7"));
        check((BigInt, OnMisfit::Null, None), word, (Taken::Null, ""));
        // What was written before the misfit was seen is taken back.
        check((Varchar(2), OnMisfit::Reject, None), word, (Taken::Rejected, ""));
        check(
            (BigInt, OnMisfit::Reject, None),
            ValueRef::Null,
            (Taken::Null, ""),
        );
        let keeper = (MixedText, OnMisfit::Fail, Some(BigInt));
        check(keeper, seven, (Taken::Null, ""));
        check(keeper, word, (Taken::Value, "seven"));
    }
}
