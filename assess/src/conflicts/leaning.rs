//! Which bodies of functions name things of the source without a schema.
//!
//! A hint before the move, from words alone: `remap-schema` reads the bodies themselves and has the last word.

use std::collections::BTreeSet;

use inventory::Inventory;

use super::search_path::relations;

/// What a body could name.
pub(super) struct Names<'a> {
    relations: BTreeSet<String>,
    routines: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    pub(super) fn of(inventory: &'a Inventory) -> Self {
        Names {
            relations: relations(inventory).map(|it| it.name).collect(),
            routines: inventory.routines.iter().map(|it| it.name.as_str()).collect(),
        }
    }

    /// Tables, views and functions of the source that `body` names without a schema, each once, in their order.
    pub(super) fn unqualified(&self, body: &str) -> Vec<String> {
        let words = words(body);
        let mut found: Vec<String> = Vec::new();
        for (place, word) in words.iter().enumerate() {
            let Word::Name(name) = word else { continue };
            let before = place.checked_sub(1).and_then(|it| words.get(it));
            let after = words.get(place + 1);
            if matches!(before, Some(Word::Sign('.')))
                || matches!(after, Some(Word::Sign('.'))) && !is_row(before)
            {
                continue;
            }
            let is_call = matches!(after, Some(Word::Sign('(')));
            let is_relation = is_row(before) && self.relations.contains(name);
            let is_routine = is_call && self.routines.contains(name.as_str());
            if (is_relation || is_routine) && !found.contains(name) {
                found.push(name.clone());
            }
        }
        found
    }
}

/// Whether what follows `word` is the name of a relation.
fn is_row(word: Option<&Word>) -> bool {
    const BEFORE: [&str; 7] = ["from", "join", "into", "update", "table", "only", "using"];
    matches!(word, Some(Word::Name(it)) if BEFORE.contains(&it.as_str()))
        || matches!(word, Some(Word::Sign(',')))
}

#[derive(Debug, PartialEq)]
enum Word {
    /// Folded as PostgreSQL does.
    Name(String),
    Sign(char),
}

/// Names and signs outside of strings and comments.
fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let used = if rest.starts_with("--") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |it| it + 2)
        } else if first == '\'' {
            rest[1..].find('\'').map_or(rest.len(), |it| it + 2)
        } else if first == '"' {
            let (name, after) = plan::name_part(rest).unwrap_or_default();
            words.push(Word::Name(name));
            rest.len() - after.len()
        } else if first.is_alphabetic() || first == '_' {
            let is_end = |it: char| !(it.is_alphanumeric() || it == '_' || it == '$');
            let end = rest.find(is_end).unwrap_or(rest.len());
            words.push(Word::Name(rest[..end].to_lowercase()));
            end
        } else {
            if !first.is_whitespace() {
                words.push(Word::Sign(first));
            }
            first.len_utf8()
        };
        rest = &rest[used.max(1)..];
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use inventory::{Routine, Table};

    #[test]
    fn names_without_a_schema_are_found() {
        let inventory = Inventory {
            tables: ["users", "Orders"]
                .map(|name| Table {
                    name: name.to_owned(),
                    ..Table::default()
                })
                .to_vec(),
            routines: vec![Routine {
                name: "total".to_owned(),
                ..Routine::default()
            }],
            ..Inventory::default()
        };
        let names = Names::of(&inventory);
        for (body, expected) in [
            (
                "SELECT * FROM Users u JOIN \"Orders\" o ON true",
                &["users", "Orders"] as &[&str],
            ),
            ("SELECT * FROM app.users; SELECT users.id", &[]),
            (
                "-- from users\nSELECT 'from users', total(1), app.total(2)",
                &["total"],
            ),
            ("SELECT 1 FROM generate_series(1, 2), users", &["users"]),
            ("UPDATE users SET total = 1; /* total( */", &["users"]),
            ("SELECT users FROM orders", &[]),
            ("'", &[]),
            ("\"", &[]),
        ] {
            assert_eq!(names.unqualified(body), expected, "{body}");
        }
    }
}
