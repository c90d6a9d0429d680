//! The targets of a plan, each looked at, and the conflicts of its sources with it.

use std::collections::BTreeSet;
use std::ops::Range;

use cli::{Result, Ui};
use plan::Plan;

use crate::conflicts::{self, Conflict};
use crate::sources::Source;
use crate::target::{self, Target};

/// A target and the sources that go there, which stand together.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// As in the plan.
    pub(crate) name: String,
    /// To connect by; never printed.
    pub(crate) words: String,
    pub(crate) sources: Range<usize>,
}

/// Every target as it is, with all conflicts, the worst first.
pub(crate) fn look(
    sources: &[Source],
    plan: &Plan,
    groups: &[Group],
    placements: Vec<Conflict>,
    ui: &Ui,
) -> Result<(Vec<Target>, Vec<Conflict>)> {
    let mut targets: Vec<Target> = groups
        .iter()
        .map(|it| {
            let part = part(plan, &it.sources);
            target::take(&it.words, &super::target_schemas(&part), ui)
        })
        .collect::<Result<_>>()?;
    target::shorten_names(&mut targets, sources);
    if targets.len() < 2 {
        let conflicts = conflicts::find(sources, targets.first(), plan, placements);
        return Ok((targets, conflicts));
    }
    let mut all = placements;
    let mut ids: BTreeSet<String> = all.iter().map(|it| it.id.clone()).collect();
    for (group, target) in groups.iter().zip(&targets) {
        let part = part(plan, &group.sources);
        let here = &sources[group.sources.clone()];
        for mut conflict in conflicts::find(here, Some(target), &part, Vec::new()) {
            // What two targets have alike is two conflicts.
            if ids.contains(&conflict.id) {
                conflict.id = format!("{}@{}", conflict.id, group.name);
            }
            ids.insert(conflict.id.clone());
            all.push(conflict);
        }
    }
    all.sort_by(|a, b| (a.severity, a.topic, &a.text).cmp(&(b.severity, b.topic, &b.text)));
    Ok((targets, all))
}

/// The plan with some of its sources alone, and with their merges.
fn part(plan: &Plan, sources: &Range<usize>) -> Plan {
    let sources = plan.sources[sources.clone()].to_vec();
    let is_here = |name: &String| sources.iter().any(|it| it.name == *name);
    let merges = plan
        .merges
        .iter()
        .filter(|it| it.tables.iter().any(|it| is_here(&it.source)));
    Plan {
        merges: merges.cloned().collect(),
        targets: plan.targets.clone(),
        version: plan.version,
        sources,
        ..Plan::default()
    }
}
