//! What a source has now and did not have when its plan was made, and the other way.

use std::collections::BTreeSet;

use inventory::Inventory;
use plan::PlannedSource;

use super::findings::{Findings, Kind};
use crate::planning::made_of;

pub(super) fn find(planned: &PlannedSource, inventory: &Inventory, path: &str, findings: &mut Findings) {
    let Some(was) = &planned.made_of else {
        return;
    };
    let now = made_of(inventory);
    let path = format!("{path}.made_of");
    let mut say = |text: String| findings.add(&path, Kind::Change, text);
    for (name, is) in &now.tables {
        let Some(before) = was.tables.get(name) else {
            say(format!("table {name} is new in {}", planned.name));
            continue;
        };
        let mut told = false;
        let (has, had): (BTreeSet<&String>, BTreeSet<&String>) =
            (is.columns.iter().collect(), before.columns.iter().collect());
        for column in has.difference(&had) {
            say(format!("table {name} of {} has now {column}", planned.name));
            told = true;
        }
        for column in had.difference(&has) {
            say(format!("table {name} of {} no longer has {column}", planned.name));
            told = true;
        }
        if !told && is.definition != before.definition {
            say(format!(
                "table {name} of {} is defined otherwise: a key, an index, a default, a policy or the order of its columns",
                planned.name
            ));
        }
    }
    for name in was.tables.keys().filter(|it| !now.tables.contains_key(*it)) {
        say(format!("table {name} is gone from {}", planned.name));
    }
    for (name, version) in &now.extensions {
        match was.extensions.get(name) {
            None => say(format!("extension {name} is new in {}", planned.name)),
            Some(before) if before != version => {
                say(format!(
                    "extension {name} of {} is {version} now, and was {before}",
                    planned.name
                ));
            }
            Some(_) => {}
        }
    }
    for name in was
        .extensions
        .keys()
        .filter(|it| !now.extensions.contains_key(*it))
    {
        say(format!("extension {name} is gone from {}", planned.name));
    }
    for (kind, number) in &now.counts {
        match was.counts.get(kind) {
            Some(before) if before != number => {
                say(format!("{} has {number} {kind}, and had {before}", planned.name));
            }
            _ => {}
        }
    }
    let (has, had): (BTreeSet<&String>, BTreeSet<&String>) =
        (now.roles.iter().collect(), was.roles.iter().collect());
    for role in has.difference(&had) {
        say(format!(
            "role {role} owns something in {} now, or was granted something",
            planned.name
        ));
    }
    for role in had.difference(&has) {
        say(format!(
            "role {role} owns nothing in {} any more, and is granted nothing",
            planned.name
        ));
    }
}
