//! Values of keys whose order both sides share, as numbers in that order.

use crate::Form;

/// A type whose values lie in one order in every database, and whose bytes say which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderedKind {
    SmallInt,
    Integer,
    BigInt,
    Uuid,
    /// Days; only the binary form says how many.
    Date,
    /// Microseconds, with a time zone or without; only the binary form says how many.
    Timestamp,
}

impl OrderedKind {
    /// Of a built-in type, as `pg_type.typname` calls it.
    pub fn of_type(name: &str) -> Option<Self> {
        Some(match name {
            "int2" => OrderedKind::SmallInt,
            "int4" => OrderedKind::Integer,
            "int8" => OrderedKind::BigInt,
            "uuid" => OrderedKind::Uuid,
            "date" => OrderedKind::Date,
            "timestamp" | "timestamptz" => OrderedKind::Timestamp,
            _ => return None,
        })
    }

    /// Whether values in this form can be told apart by their order.
    pub fn is_ordered_in(self, form: Form) -> bool {
        form == Form::Binary || !matches!(self, OrderedKind::Date | OrderedKind::Timestamp)
    }

    /// The value as a number: greater for what is greater. `None` for what is no value of the type.
    pub fn number(self, form: Form, value: &[u8]) -> Option<u128> {
        match (self, form) {
            (OrderedKind::Uuid, Form::Binary) => Some(u128::from_be_bytes(value.try_into().ok()?)),
            (OrderedKind::Uuid, Form::Text) => uuid(value),
            (OrderedKind::Date | OrderedKind::Timestamp, Form::Text) => None,
            (_, Form::Text) => Some(Self::from_integer(std::str::from_utf8(value).ok()?.parse().ok()?)),
            (_, Form::Binary) => Some(Self::from_integer(self.integer(value)?)),
        }
    }

    /// An integer, or the days or microseconds of a moment, as such a number.
    pub fn from_integer(value: i64) -> u128 {
        u128::from(value.cast_unsigned() ^ (1 << 63))
    }

    /// The integer of such a number; for what is beyond all of them the last.
    pub fn to_integer(number: u128) -> i64 {
        let number = u64::try_from(number).unwrap_or(u64::MAX);
        (number ^ (1 << 63)).cast_signed()
    }

    fn integer(self, value: &[u8]) -> Option<i64> {
        Some(match self {
            OrderedKind::SmallInt => i16::from_be_bytes(value.try_into().ok()?).into(),
            OrderedKind::Integer | OrderedKind::Date => i32::from_be_bytes(value.try_into().ok()?).into(),
            OrderedKind::BigInt | OrderedKind::Timestamp => i64::from_be_bytes(value.try_into().ok()?),
            OrderedKind::Uuid => return None,
        })
    }
}

/// PostgreSQL's own text: 32 digits in five groups.
fn uuid(text: &[u8]) -> Option<u128> {
    let digits = text.iter().filter(|&&it| it != b'-');
    let mut number = 0_u128;
    let mut count = 0;
    for digit in digits {
        number = number << 4 | u128::from((*digit as char).to_digit(16)?);
        count += 1;
    }
    (count == 32).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn binary(kind: OrderedKind, value: i64) -> Vec<u8> {
        match kind {
            OrderedKind::SmallInt => i16::try_from(value).unwrap_or_default().to_be_bytes().to_vec(),
            OrderedKind::Integer | OrderedKind::Date => {
                i32::try_from(value).unwrap_or_default().to_be_bytes().to_vec()
            }
            _ => value.to_be_bytes().to_vec(),
        }
    }

    proptest! {
        #[test]
        fn numbers_lie_in_the_order_of_the_values(
            a in prop_oneof![any::<i16>().prop_map(i64::from), any::<i64>()],
            b in prop_oneof![any::<i16>().prop_map(i64::from), any::<i64>()]
        ) {
            let small = i16::try_from(a).is_ok() && i16::try_from(b).is_ok();
            let kinds = [OrderedKind::BigInt, OrderedKind::Timestamp, OrderedKind::SmallInt, OrderedKind::Integer,
                OrderedKind::Date];
            for kind in &kinds[..if small { 5 } else { 2 }] {
                let number = |it| kind.number(Form::Binary, &binary(*kind, it)).unwrap();
                prop_assert_eq!(number(a).cmp(&number(b)), a.cmp(&b), "{:?}", kind);
                prop_assert_eq!(OrderedKind::to_integer(number(a)), a);
            }
            let text = |it: i64| OrderedKind::BigInt.number(Form::Text, it.to_string().as_bytes()).unwrap();
            prop_assert_eq!(text(a), OrderedKind::BigInt.number(Form::Binary, &a.to_be_bytes()).unwrap());
        }

        #[test]
        fn a_uuid_is_the_same_number_in_both_forms(value in any::<u128>()) {
            let hex = format!("{value:032x}");
            let text = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
            prop_assert_eq!(OrderedKind::Uuid.number(Form::Text, text.as_bytes()), Some(value));
            prop_assert_eq!(OrderedKind::Uuid.number(Form::Binary, &value.to_be_bytes()), Some(value));
        }
    }

    #[test]
    fn what_is_no_value_has_no_number() {
        assert_eq!(OrderedKind::BigInt.number(Form::Binary, b"1234"), None);
        assert_eq!(OrderedKind::Integer.number(Form::Text, b"one"), None);
        assert_eq!(OrderedKind::Uuid.number(Form::Text, b"0-0"), None);
        assert_eq!(OrderedKind::Date.number(Form::Text, b"2024-02-29"), None);
    }
}
