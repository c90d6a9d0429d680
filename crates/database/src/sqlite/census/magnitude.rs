//! Numbers of characters and digits in classes: exact where types differ by one of them, coarse where they are large,
//! so that a column of many lengths needs little memory.

/// A number, rounded up to the next that has a class of its own: exact up to [`Magnitude::EXACT_MAX`], above it by a
/// sixteenth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::sqlite) struct Magnitude(u16);

impl Magnitude {
    /// Up to here every number has its own class.
    pub(super) const EXACT_MAX: usize = 1 << Magnitude::EXACT_BITS;

    const EXACT_BITS: usize = 10;
    const STEP_BITS: usize = 4;

    pub(super) fn of(number: usize) -> Magnitude {
        let class = if number <= Magnitude::EXACT_MAX {
            number
        } else {
            // The number below, since a class ends with a round number: 1025 to 1088 is the first one.
            let below = number - 1;
            let octave = below.ilog2() as usize - Magnitude::EXACT_BITS;
            let step = (below >> (octave + Magnitude::EXACT_BITS - Magnitude::STEP_BITS)) & 0xf;
            Magnitude::EXACT_MAX + octave * 16 + step + 1
        };
        // There are not 2,000 classes.
        Magnitude(u16::try_from(class).unwrap_or(u16::MAX))
    }

    /// The largest number of the class.
    pub(in crate::sqlite) fn max(self) -> usize {
        let class = usize::from(self.0);
        if class <= Magnitude::EXACT_MAX {
            return class;
        }
        let beyond = class - Magnitude::EXACT_MAX - 1;
        let (octave, step) = (beyond / 16, beyond % 16);
        (16 + step + 1) << (octave + Magnitude::EXACT_BITS - Magnitude::STEP_BITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn class_holds_its_numbers(number in prop_oneof![0_usize..5000, any::<u32>().prop_map(|it| it as usize)]) {
            let max = Magnitude::of(number).max();
            prop_assert!(max >= number && max - number <= number / 16);
            prop_assert!(number > Magnitude::EXACT_MAX || max == number);
            prop_assert_eq!(Magnitude::of(max), Magnitude::of(number));
            prop_assert!(Magnitude::of(max + 1) > Magnitude::of(number));
        }
    }
}
