//! What a plan asks for and nothing here can do yet: refused, lest it be forgotten without a word.

use cli::{Failure, Result};
use plan::PlannedSource;

/// Refuses other roles and other columns; new names of schemas and of what lives in them are carried out.
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
    let changed = planned.tables.iter().find(|(_, it)| it.changes_columns());
    match changed {
        Some((name, _)) => Err(Failure::usage(format!(
            "columns of {name} of source `{}` are others by the plan, and columns cannot be changed one by one yet",
            planned.name
        ))
        .with_hint("take `columns` and `add` out of the plan; `load --after FILE` runs ALTER TABLE when all is proved")),
        None => Ok(()),
    }
}
