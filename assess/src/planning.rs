//! The plan that is proposed: every source in a schema called after it.

use std::collections::BTreeSet;

use plan::{FORMAT_VERSION, Mapping, Plan, PlannedSource, check_schema_name};

use crate::inventory::{Engine, Inventory};

pub(crate) fn propose(sources: &[Inventory]) -> Plan {
    let mut taken = BTreeSet::new();
    let sources = sources
        .iter()
        .map(|source| {
            let name = unused(&schema_name(source), &mut taken);
            PlannedSource {
                endpoint: source.endpoint.clone(),
                schemas: source.catalog.schemas.iter().map(|it| it.name.clone()).collect(),
                mapping: Mapping {
                    to: Some(name.clone()),
                    ..Mapping::default()
                },
                name,
            }
        })
        .collect();
    Plan {
        version: FORMAT_VERSION,
        sources,
    }
}

/// The database's or file's name as a schema's: lower case, digits and `_`.
fn schema_name(source: &Inventory) -> String {
    let name = match &source.engine {
        Engine::Postgres(identity) => identity.database.as_str(),
        Engine::Sqlite => source.name.split('.').next().unwrap_or_default(),
    };
    let plain = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    // Room for the schemas that get this name as a prefix.
    let name: String = name.chars().map(plain).take(40).collect();
    let usable = check_schema_name(&name).is_ok() && !name.starts_with(|first: char| first.is_ascii_digit());
    if usable { name } else { format!("s_{name}") }
}

fn unused(name: &str, taken: &mut BTreeSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let free = std::iter::once(name.to_owned())
        .chain(numbered)
        .find(|it| !taken.contains(it));
    let free = free.unwrap_or_else(|| name.to_owned());
    taken.insert(free.clone());
    free
}
