//! Texts that are JSON documents, and what `jsonb` would make of them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

/// A text that is a JSON document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Document {
    /// Whether `jsonb` takes it.
    pub(super) jsonb: bool,
    /// Whether an object has a key twice, of which `jsonb` keeps the last one alone.
    pub(super) repeated_key: bool,
}

/// `None` when the text, which is UTF-8 without a NUL, is no document.
pub(super) fn read(text: &[u8]) -> Option<Document> {
    let mut reader = Reader::default();
    let mut input = serde_json::Deserializer::from_slice(text);
    let read = DeserializeSeed::deserialize(&mut reader, &mut input).and_then(|()| input.end());
    if read.is_ok() && !reader.unusual {
        return Some(Document {
            jsonb: true,
            repeated_key: reader.repeated_key,
        });
    }
    serde_json::from_slice::<IgnoredAny>(text).ok()?;
    Some(Document {
        jsonb: false,
        repeated_key: reader.repeated_key,
    })
}

/// Keys of the objects that are open, one after the other.
#[derive(Default)]
struct Reader<'de> {
    keys: Vec<Cow<'de, str>>,
    repeated_key: bool,
    /// Something that `jsonb` may refuse, or not.
    unusual: bool,
}

impl<'de> DeserializeSeed<'de> for &mut Reader<'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Reader<'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON document")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        // Too small for a double, it may be too small for numeric as well.
        self.unusual |= number.abs() < 1e-300;
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        // Only an escape can bring a NUL.
        self.unusual |= memchr::memchr(0, text.as_bytes()).is_some();
        Ok(())
    }

    fn visit_borrowed_str<E: Error>(self, _: &'de str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(&mut *self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let start = self.keys.len();
        while let Some(Key(key)) = entries.next_key()? {
            self.unusual |= matches!(&key, Cow::Owned(it) if memchr::memchr(0, it.as_bytes()).is_some());
            self.keys.push(key);
            entries.next_value_seed(&mut *self)?;
        }
        self.repeated_key |= has_twins(&mut self.keys[start..]);
        self.keys.truncate(start);
        Ok(())
    }
}

fn has_twins(keys: &mut [Cow<'_, str>]) -> bool {
    /// Up to here it is quicker to compare each with each.
    const FEW: usize = 12;
    if keys.len() <= FEW {
        return (1..keys.len()).any(|at| keys[..at].contains(&keys[at]));
    }
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}

/// A key, borrowed from the text where it holds no escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Key<'de>, D::Error> {
        struct KeyVisitor;

        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E: Error>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }

        input.deserialize_str(KeyVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(bool, bool)>) {
        let found = read(text.as_bytes()).map(|it| (it.jsonb, it.repeated_key));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn documents_say_what_jsonb_would_lose() {
        check(r#"{"b": [1, {"a": "é\n"}], "a": null}"#, Some((true, false)));
        check(r#"{"a": 1, "b": {"a": 1, "b": 2}}"#, Some((true, false)));
        check(r#"[{"a": 1, "\u0061": 2}]"#, Some((true, true)));
        check(r#"{"a": "\u0000"}"#, Some((false, false)));
        check(r#"{"\u0000": 1}"#, Some((false, false)));
        check(r#""\ud800""#, Some((false, false)));
        check("-12.5e3", Some((true, false)));
        check("{broken", None);
        check("[1] x", None);
        check("", None);
        let keys: Vec<String> = (0..40).map(|it| format!("\"k{}\": {it}", it % 39)).collect();
        check(&format!("{{{}}}", keys.join(",")), Some((true, true)));
    }
}
