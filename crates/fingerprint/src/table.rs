//! The fingerprint of a table or of a part of it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Which bytes of the values were hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Values in their own text; rows travel as CSV.
    Text,
    /// Values in the types' binary send format; rows travel as binary COPY.
    Binary,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Form::Text => "text",
            Form::Binary => "binary",
        })
    }
}

/// An order-free, combinable hash of rows, with their count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    pub form: Form,
    pub rows: u64,
    sum: Sum,
}

/// Two fingerprints over different forms say nothing about each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormMismatch;

impl Fingerprint {
    /// That of no rows.
    pub fn empty(form: Form) -> Self {
        Fingerprint {
            form,
            rows: 0,
            sum: Sum::default(),
        }
    }

    /// What [`Fingerprint::sum`] and the fields said; `None` unless `sum` has 64 lower-case hexadecimal digits.
    pub fn from_parts(form: Form, rows: u64, sum: &str) -> Option<Self> {
        let sum = Sum::parse(sum)?;
        Some(Fingerprint { form, rows, sum })
    }

    /// Adds one row by its hash.
    pub(crate) fn add_row(&mut self, hash: [u8; 32]) {
        self.rows += 1;
        self.sum.add(&Sum::from_be_bytes(hash));
    }

    /// Adds the rows of another part of the same table.
    pub fn merge(&mut self, part: &Fingerprint) -> Result<(), FormMismatch> {
        if self.form != part.form {
            return Err(FormMismatch);
        }
        self.rows += part.rows;
        self.sum.add(&part.sum);
        Ok(())
    }

    /// The sum of the rows' hashes: 64 lower-case hexadecimal digits.
    pub fn sum(&self) -> String {
        self.sum.to_string()
    }
}

impl fmt::Display for FormMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fingerprints over text and over binary values cannot be combined")
    }
}

impl std::error::Error for FormMismatch {}

/// An integer modulo 2^256, least significant limb first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum([u64; 4]);

impl Sum {
    fn from_be_bytes(bytes: [u8; 32]) -> Self {
        let limb = |index: usize| {
            let start = 24 - 8 * index;
            bytes[start..start + 8]
                .iter()
                .fold(0, |limb, &byte| limb << 8 | u64::from(byte))
        };
        Sum([limb(0), limb(1), limb(2), limb(3)])
    }

    fn parse(digits: &str) -> Option<Self> {
        let canonical =
            digits.len() == 64 && digits.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
        if !canonical {
            return None;
        }
        let mut sum = Sum::default();
        for (limb, digits) in sum.0.iter_mut().rev().zip(digits.as_bytes().chunks(16)) {
            for digit in digits {
                let value = (*digit as char).to_digit(16).unwrap_or_default();
                *limb = *limb << 4 | u64::from(value);
            }
        }
        Some(sum)
    }

    fn add(&mut self, other: &Sum) {
        let mut carry = false;
        for (limb, &more) in self.0.iter_mut().zip(&other.0) {
            let (partial, over) = limb.overflowing_add(more);
            let (total, over_again) = partial.overflowing_add(u64::from(carry));
            *limb = total;
            carry = over || over_again;
        }
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().rev().try_for_each(|limb| write!(f, "{limb:016x}"))
    }
}

impl Serialize for Sum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        Sum::parse(&digits)
            .ok_or_else(|| serde::de::Error::custom("a sum has 64 lower-case hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fingerprint(hashes: &[[u8; 32]]) -> Fingerprint {
        let mut it = Fingerprint::empty(Form::Text);
        for &hash in hashes {
            it.add_row(hash);
        }
        it
    }

    #[test]
    fn sum_wraps_at_two_to_the_256() {
        let mut one = [0; 32];
        one[31] = 1;
        assert_eq!(fingerprint(&[[0xff; 32], one]).sum(), "0".repeat(64));
    }

    #[test]
    fn duplicates_do_not_cancel() {
        assert_ne!(fingerprint(&[[7; 32], [7; 32]]).sum(), fingerprint(&[]).sum());
    }

    #[test]
    fn forms_are_kept_apart() {
        let mut text = Fingerprint::empty(Form::Text);
        assert_eq!(text.merge(&Fingerprint::empty(Form::Binary)), Err(FormMismatch));
    }

    proptest! {
        #[test]
        fn parts_add_up_in_any_order(hashes in prop::collection::vec(any::<[u8; 32]>(), 0..20), cut in 0_usize..20) {
            let cut = cut.min(hashes.len());
            let mut tail_first = fingerprint(&hashes[cut..]);
            tail_first.merge(&fingerprint(&hashes[..cut])).unwrap();
            prop_assert_eq!(tail_first, fingerprint(&hashes));
        }
    }
}
