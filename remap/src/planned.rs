//! What a plan asks for and nothing here can do yet: refused, lest it be forgotten without a word.

use cli::{Failure, Result};
use plan::{PlannedColumn, PlannedSource, PlannedTable};

/// Refuses what a merged archive has no place for: new names of single columns.
pub(crate) fn refuse_beside_others(planned: &PlannedSource) -> Result<()> {
    refuse(planned)?;
    let mapping = planned.whole_mapping();
    match mapping.columns.keys().next() {
        Some(table) => Err(Failure::usage(format!(
            "columns of {table} of source `{}` get new names by the plan, which --merge cannot carry out yet",
            planned.name
        ))
        .with_hint("take `rename` of single columns out of the plan; `load --after FILE` runs ALTER TABLE when all is proved")),
        None => Ok(()),
    }
}

/// Refuses other roles and other columns; new names are carried out.
pub(crate) fn refuse(planned: &PlannedSource) -> Result<()> {
    let other_role = planned.roles.iter().find(|(old, new)| new.as_ref() != Some(*old));
    if let Some((old, new)) = other_role {
        let becomes = new.as_deref().unwrap_or("nothing");
        return Err(Failure::usage(format!(
            "role `{old}` of source `{}` becomes {becomes} by the plan, and roles cannot get new names yet",
            planned.name
        ))
        .with_hint("take it out of `roles`; `load --privileges drop` leaves all grants out"));
    }
    let changes = |it: &PlannedTable| {
        let is_other = |it: &PlannedColumn| it.drop || it.target.is_some() || it.using.is_some();
        !it.add.is_empty() || it.columns.values().any(is_other)
    };
    let found = planned.tables.iter().find(|(_, it)| changes(it));
    match found {
        Some((name, _)) => Err(Failure::usage(format!(
            "columns of {name} of source `{}` are dropped, added or get another type by the plan, and only new names can be \
             carried out yet",
            planned.name
        ))
        .with_hint("take `drop`, `type`, `using` and `add` out of the plan; `load --after FILE` runs ALTER TABLE when all is proved")),
        None => Ok(()),
    }
}
