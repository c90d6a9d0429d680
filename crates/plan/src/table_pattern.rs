//! Patterns of tables: `orders`, `shop.*`, `"odd.name"`.

use catalog::QualifiedName;

use crate::MappingError;

/// Which tables are meant, by their names in the source: `[SCHEMA.]TABLE`.
///
/// `*` stands for any characters and `?` for one, unless the part stands in double quotes, where a dot is no dot
/// between parts either. Upper case is upper case. Without a schema tables of every schema are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TablePattern {
    schema: Option<Part>,
    table: Part,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    text: String,
    quoted: bool,
}

impl TablePattern {
    /// Reads a pattern as the command line and the plan have it.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        let wrong = || MappingError::NotATable(text.to_owned());
        let (first, rest) = Part::parse(text).ok_or_else(wrong)?;
        let Some(rest) = rest.strip_prefix('.') else {
            let is_whole = rest.is_empty() && !first.text.is_empty();
            return is_whole
                .then_some(TablePattern {
                    schema: None,
                    table: first,
                })
                .ok_or_else(wrong);
        };
        match Part::parse(rest) {
            Some((table, "")) if !first.text.is_empty() && !table.text.is_empty() => Ok(TablePattern {
                schema: Some(first),
                table,
            }),
            _ => Err(wrong()),
        }
    }

    pub fn matches(&self, name: &QualifiedName) -> bool {
        self.table.matches(&name.name) && self.schema.as_ref().is_none_or(|it| it.matches(&name.schema))
    }

    /// Whether it can mean more than one table of a schema.
    pub fn is_wide(&self) -> bool {
        self.table.is_wide()
    }
}

impl Part {
    /// The first part, and what follows it.
    fn parse(text: &str) -> Option<(Part, &str)> {
        let Some(quoted) = text.strip_prefix('"') else {
            let end = text.find(['.', '"']).unwrap_or(text.len());
            let part = Part {
                text: text[..end].to_owned(),
                quoted: false,
            };
            return Some((part, &text[end..]));
        };
        let (mut name, mut rest) = (String::new(), quoted);
        loop {
            let (before, after) = rest.split_once('"')?;
            name.push_str(before);
            let Some(doubled) = after.strip_prefix('"') else {
                let part = Part {
                    text: name,
                    quoted: true,
                };
                return Some((part, after));
            };
            name.push('"');
            rest = doubled;
        }
    }

    fn is_wide(&self) -> bool {
        !self.quoted && self.text.contains(['*', '?'])
    }

    fn matches(&self, name: &str) -> bool {
        if !self.is_wide() {
            return self.text == name;
        }
        let (pattern, name): (Vec<char>, Vec<char>) = (self.text.chars().collect(), name.chars().collect());
        let (mut at, mut from) = (0, 0);
        // Where the last star stands, and how much of the name it has taken: it takes more when the rest does not fit.
        let mut star: Option<(usize, usize)> = None;
        while from < name.len() {
            match pattern.get(at) {
                Some('*') => {
                    star = Some((at, from));
                    at += 1;
                }
                Some(it) if *it == '?' || *it == name[from] => {
                    at += 1;
                    from += 1;
                }
                _ => match &mut star {
                    Some((place, taken)) => {
                        *taken += 1;
                        (at, from) = (*place + 1, *taken);
                    }
                    None => return false,
                },
            }
        }
        pattern[at..].iter().all(|it| *it == '*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_the_tables_that_it_names() {
        for (pattern, table, expected) in [
            ("orders", ("public", "orders"), true),
            ("orders", ("shop", "orders"), true),
            ("orders", ("shop", "Orders"), false),
            ("shop.*", ("shop", "orders"), true),
            ("shop.*", ("shopping", "orders"), false),
            ("*o?der*s", ("shop", "reorderables"), true),
            ("*o?der*s", ("shop", "odder"), false),
            ("s*.order?", ("shop", "orders"), true),
            ("\"a.b\"", ("public", "a.b"), true),
            ("\"*\"", ("public", "orders"), false),
            ("\"say \"\"x\"\"\".\"*\"", ("say \"x\"", "*"), true),
            ("größ?", ("public", "größe"), true),
        ] {
            let it = TablePattern::parse(pattern).unwrap();
            assert_eq!(
                it.matches(&QualifiedName::new(table.0, table.1)),
                expected,
                "{pattern}"
            );
        }
        for wrong in ["", ".", "a.", ".b", "a.b.c", "\"a", "a\"b\"", "\"a\"b"] {
            assert!(TablePattern::parse(wrong).is_err(), "{wrong}");
        }
    }
}
