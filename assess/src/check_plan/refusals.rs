//! What `remap-schema` would refuse to carry out, told while the plan can still be changed.

use inventory::Engine;
use plan::PlannedSource;

use super::findings::{Findings, Kind};
use crate::sources::Source;

/// What mentions a column is known when the source is dumped; `remap-schema` tells it then.
pub(super) fn find(planned: &PlannedSource, source: &Source, path: &str, findings: &mut Findings) {
    if !planned.changes_columns() {
        return;
    }
    let place = format!("{path}.tables");
    let reason = if source.inventory.server.engine != Engine::Postgres {
        "a SQLite file's columns cannot be dropped, added or given another type: `types` says what they become"
    } else if planned.shares_schemas() {
        "columns of a source that shares its schemas cannot be dropped, added or given another type: `remap-schema --merge` \
         refuses it"
    } else {
        let obstacles = planned.change_columns(&mut source.catalog.clone()).err();
        for obstacle in obstacles.unwrap_or_default() {
            findings.add(place.clone(), Kind::Fault, obstacle);
        }
        return;
    };
    findings.add(place, Kind::Fault, reason);
}
