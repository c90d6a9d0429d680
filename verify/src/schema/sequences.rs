//! Where sequences stand: one that stands behind the source's would give numbers again.

use std::collections::HashMap;

use catalog::{Catalog, QualifiedName, Sequence};

use crate::report::{Area, Finding};

/// Sequences of the target that stand behind the source's, and with `missing` those that are not there.
pub(crate) fn findings(renamed: &Catalog, target: &Catalog, missing: bool) -> Vec<Finding> {
    let name = |it: &Sequence| QualifiedName::new(&it.schema, &it.name);
    let there: HashMap<QualifiedName, &Sequence> = target.sequences.iter().map(|it| (name(it), it)).collect();
    let compare = |sequence: &Sequence| {
        let object = format!("sequence {}", name(sequence));
        match there.get(&name(sequence)) {
            None => missing.then(|| Finding::new(Area::Schema, object, "missing")),
            Some(found) if is_behind(found, sequence) => Some(
                Finding::new(Area::Sequence, object, "position")
                    .between(Some(position(sequence)), Some(position(found))),
            ),
            Some(_) => None,
        }
    };
    renamed.sequences.iter().filter_map(compare).collect()
}

/// Whether `found` would give numbers that `expected` has given already. A sequence may have moved on.
fn is_behind(found: &Sequence, expected: &Sequence) -> bool {
    let key = |it: &Sequence| {
        let value = if expected.increment < 0 {
            -i128::from(it.last_value)
        } else {
            i128::from(it.last_value)
        };
        (value, it.is_called)
    };
    key(found) < key(expected)
}

fn position(sequence: &Sequence) -> String {
    let called = if sequence.is_called { "" } else { " (not called)" };
    format!("{}{called}", sequence.last_value)
}
