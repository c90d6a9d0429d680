//! Why a file is not moved as it is: everything that stands in the way, and what it comes from.

use std::collections::BTreeSet;
use std::path::Path;

use super::inspection::{Blocker, Inspection};
use super::note::{Note, NoteKind};
use crate::{Error, ErrorKind};

/// The refusal of an inspection that has blockers.
pub(super) fn of(path: &Path, inspection: &Inspection) -> Error {
    let shown = path.display();
    let blockers: Vec<String> = inspection.blockers.iter().map(Blocker::to_string).collect();
    let lost = inspection.notes.iter().filter(|it| it.kind == NoteKind::Lost);
    let lost: Vec<String> = lost.map(Note::to_string).collect();
    let mut message = if lost.is_empty() {
        format!("{shown} cannot be moved as it is: {}", blockers.join("; "))
    } else {
        format!(
            "{shown} is damaged: {}; what is left cannot be moved as it is: {}",
            lost.join("; "),
            blockers.join("; ")
        )
    };
    for origin in origins_of_orphans(inspection) {
        message.push_str("; ");
        message.push_str(&origin);
    }
    let hints: BTreeSet<&str> = inspection.blockers.iter().map(Blocker::hint).collect();
    let hints: Vec<&str> = hints.into_iter().collect();
    let values = inspection.blockers.iter().flat_map(Blocker::values).cloned();
    Error::new(ErrorKind::Unsupported, message)
        .with_hint(hints.join("; "))
        .with_names(values.collect())
}

/// Where parents may be that the file has or had, but that are not moved.
fn origins_of_orphans(inspection: &Inspection) -> Vec<String> {
    let parents = inspection.blockers.iter().filter_map(|it| match it {
        Blocker::Orphans { key } => Some(key.parent.as_str()),
        _ => None,
    });
    let parents: BTreeSet<&str> = parents.collect();
    let is_lost = |parent: &str| {
        let mut notes = inspection.notes.iter();
        notes.any(|it| it.kind == NoteKind::Lost && it.object == parent)
    };
    let is_rejected = |parent: &str| {
        let mut tables = inspection.schema.tables.iter();
        tables.any(|it| it.name == parent && it.rejects_rows())
    };
    let mut origins = Vec::new();
    for parent in parents {
        if is_lost(parent) {
            origins.push(format!(
                "rows without a parent may have one among the lost rows of {parent}"
            ));
        }
        if is_rejected(parent) {
            origins.push(format!(
                "rows without a parent may have one among the rows of {parent} that --on-bad-value reject sets aside"
            ));
        }
    }
    origins
}
