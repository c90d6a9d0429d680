//! One object's new name, as `--rename SCHEMA.OLD=NEW` gives it.

use std::fmt;
use std::str::FromStr;

use catalog::quote_ident;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::MappingError;

/// The object that gets another name, under its names in the source.
///
/// Written `schema.name`, for routines (all overloads together) `schema.name()`; a part with a dot, an equals
/// sign or a double quote in it stands in double quotes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Renamed {
    pub schema: String,
    pub name: String,
    /// Functions, procedures and aggregates have names of their own, beside those of everything else.
    pub routine: bool,
}

impl Renamed {
    /// Reads `SCHEMA.OLD=NEW`.
    pub(crate) fn parse_pair(pair: &str) -> Result<(Renamed, String), MappingError> {
        let wrong = || MappingError::NotARename(pair.to_owned());
        let (schema, rest) = name_part(pair).ok_or_else(wrong)?;
        let (name, rest) = rest.strip_prefix('.').and_then(name_part).ok_or_else(wrong)?;
        let (routine, rest) = match rest.strip_prefix("()") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let new = rest.strip_prefix('=').ok_or_else(wrong)?;
        let new = match new.strip_prefix('"') {
            Some(_) => match name_part(new) {
                Some((new, "")) => new,
                _ => return Err(wrong()),
            },
            // `b.t` would be meant as a move into another schema.
            None if new.contains('.') => return Err(wrong()),
            None => new.to_owned(),
        };
        if schema.is_empty() || name.is_empty() || new.is_empty() {
            return Err(wrong());
        }
        let renamed = Renamed {
            schema,
            name,
            routine,
        };
        Ok((renamed, new))
    }
}

/// One part of a qualified name, bare or in double quotes, and what follows it; `None` when its quotes are not closed.
pub fn name_part(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(['.', '=', '(', '"']).unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    let mut name = String::new();
    let mut rest = quoted;
    loop {
        let (before, after) = rest.split_once('"')?;
        name.push_str(before);
        match after.strip_prefix('"') {
            Some(after) => {
                name.push('"');
                rest = after;
            }
            None => return Some((name, after)),
        }
    }
}

/// As it is written on the command line and in a plan.
impl fmt::Display for Renamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = if self.routine { "()" } else { "" };
        write!(
            f,
            "{}.{}{call}",
            quote_ident(&self.schema),
            quote_ident(&self.name)
        )
    }
}

impl FromStr for Renamed {
    type Err = MappingError;

    fn from_str(text: &str) -> Result<Self, MappingError> {
        Renamed::parse_pair(&format!("{text}=_"))
            .map(|(renamed, _)| renamed)
            .map_err(|_| MappingError::NotARename(text.to_owned()))
    }
}

impl Serialize for Renamed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Renamed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pair: &str, expected: Option<(&str, &str, bool, &str)>) {
        let found = Renamed::parse_pair(pair).ok();
        let expected = expected.map(|(schema, name, routine, new)| {
            let renamed = Renamed {
                schema: schema.to_owned(),
                name: name.to_owned(),
                routine,
            };
            (renamed, new.to_owned())
        });
        assert_eq!(found, expected, "{pair}");
        if let Some((renamed, _)) = found {
            assert_eq!(
                renamed.to_string().parse::<Renamed>().ok(),
                Some(renamed),
                "{pair}"
            );
        }
    }

    #[test]
    fn pairs_name_an_object_and_its_new_name() {
        check(
            "public.users=accounts",
            Some(("public", "users", false, "accounts")),
        );
        check("public.f()=g", Some(("public", "f", true, "g")));
        check(
            "public.\"Order.Items\"=a=b",
            Some(("public", "Order.Items", false, "a=b")),
        );
        check("\"a\"\"b\".Users=u", Some(("a\"b", "Users", false, "u")));
        check("public.users=\"a.b\"", Some(("public", "users", false, "a.b")));
        for wrong in [
            "public.users=other.users",
            "users=accounts",
            "public.users",
            "public.=x",
            ".a=x",
            "public.a=",
            "public.\"a=b",
        ] {
            check(wrong, None);
        }
    }
}
