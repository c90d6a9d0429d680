//! Layout `schema`: every source in a schema called after it, and no two sources in one schema.

use std::collections::BTreeSet;

use catalog::IDENTIFIER_BYTES_MAX;
use plan::{Mapping, check_schema_name};

use crate::sources::Source;

/// Names that sources before have got.
#[derive(Default)]
pub(super) struct Taken {
    sources: BTreeSet<String>,
    schemas: BTreeSet<String>,
}

impl Taken {
    /// `wanted`, or the first of `wanted_2`, `wanted_3`, … that no source has.
    pub(super) fn name(&mut self, wanted: &str) -> String {
        let (mut name, mut number) = (wanted.to_owned(), 1);
        while !self.sources.insert(name.clone()) {
            number += 1;
            name = format!("{wanted}_{number}");
        }
        name
    }

    /// `wanted`, or the first of `wanted_2`, `wanted_3`, … of which all derived names are free.
    pub(super) fn place(&mut self, wanted: &str, schemas: &[String]) -> (String, Mapping) {
        let (mut name, mut number) = (wanted.to_owned(), 1);
        loop {
            let mapping = mapping(&name, schemas);
            let targets: BTreeSet<String> = schemas.iter().map(|it| mapping.schema(it)).collect();
            let usable = targets.iter().all(|it| check_schema_name(it).is_ok());
            if usable && !self.sources.contains(&name) && targets.is_disjoint(&self.schemas) {
                self.sources.insert(name.clone());
                self.schemas.extend(targets);
                return (name, mapping);
            }
            number += 1;
            name = format!("{wanted}_{number}");
        }
    }
}

/// `name` before every schema; names that get too long by it are cut, and numbered where they would meet.
fn mapping(name: &str, schemas: &[String]) -> Mapping {
    let mut mapping = Mapping {
        to: Some(name.to_owned()),
        ..Mapping::default()
    };
    let (whole, long): (Vec<&String>, Vec<&String>) = schemas
        .iter()
        .partition(|it| mapping.schema(it).len() <= IDENTIFIER_BYTES_MAX);
    let mut used: BTreeSet<String> = whole.into_iter().map(|it| mapping.schema(it)).collect();
    for schema in long {
        let full = mapping.schema(schema);
        let (mut short, mut number) = (cut(&full, ""), 1);
        while !used.insert(short.clone()) {
            number += 1;
            short = cut(&full, &format!("_{number}"));
        }
        mapping.map.insert(schema.clone(), short);
    }
    mapping
}

fn cut(name: &str, suffix: &str) -> String {
    let end = name.floor_char_boundary(IDENTIFIER_BYTES_MAX - suffix.len());
    format!("{}{suffix}", &name[..end])
}

/// The database's or file's name as a schema's: lower case, digits and `_`.
pub(super) fn schema_name(source: &Source) -> String {
    let server = &source.inventory.server;
    let name = if source.inventory.is_postgres() {
        server.database.as_str()
    } else {
        server.database.split('.').next().unwrap_or_default()
    };
    plain_name(name)
}

/// The same for any name.
pub(super) fn plain_name(name: &str) -> String {
    let plain = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    // Room for the schemas that get this name as a prefix.
    let name: String = name.chars().map(plain).take(40).collect();
    // With `pg` before them, other schemas would get names that are the system's.
    let usable = check_schema_name(&name).is_ok()
        && check_schema_name(&format!("{name}_")).is_ok()
        && !name.starts_with(|first: char| first.is_ascii_digit());
    if usable { name } else { format!("s_{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Places sources one after the other: each a wanted name with its schemas, and the names that these get.
    fn check(sources: &[(&str, &[&str], &[&str])]) {
        let mut taken = Taken::default();
        for (wanted, schemas, expected) in sources {
            let schemas: Vec<String> = schemas.iter().map(|it| (*it).to_owned()).collect();
            let (_, mapping) = taken.place(wanted, &schemas);
            let found = mapping.apply(schemas.iter().map(String::as_str)).unwrap();
            assert_eq!(found, *expected, "{wanted}");
        }
    }

    #[test]
    fn two_sources_never_meet_in_a_schema() {
        check(&[
            ("shop", &["public", "billing"], &["shop", "shop_billing"]),
            ("shop_billing", &["public"], &["shop_billing_2"]),
            ("shop", &["billing"], &["shop_2_billing"]),
            ("shop_2", &["audit"], &["shop_2_2_audit"]),
        ]);
    }

    #[test]
    fn derived_names_are_never_the_systems() {
        check(&[("information", &["schema"], &["information_2_schema"])]);
    }

    #[test]
    fn names_that_get_too_long_are_cut_and_stay_apart() {
        let (prefix, long) = ("x".repeat(40), "y".repeat(30));
        let one = format!("{prefix}_{}", "y".repeat(22));
        let other = format!("{prefix}_{}_2", "y".repeat(20));
        let also = format!("{long}ß");
        check(&[(
            &prefix,
            &[&long, &also, "a"],
            &[&one, &other, &format!("{prefix}_a")],
        )]);
        // A letter is never cut in two.
        let odd = format!("{}ß", "y".repeat(21));
        check(&[(&prefix, &[&odd], &[&format!("{prefix}_{}", "y".repeat(21))])]);
    }
}
