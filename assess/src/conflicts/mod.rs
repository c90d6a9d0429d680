//! What stands in the way of putting several sources into one database, by topic.
//!
//! Every topic is a function over a [`Scene`]: inventories, the plan that is proposed for them, and what is known of the
//! target. Names are judged as they will be on the target.

mod applications;
mod capacity;
mod collations;
mod conflict;
mod extensions;
mod large_objects;
mod leaning;
mod merged;
mod names;
mod neighbours;
mod replication;
mod roles;
mod scene;
mod search_path;
mod section;
mod server;
mod settings;
mod target;
mod values;

pub(crate) use conflict::{Conflict, Severity, Topic, number_of};
pub(crate) use section::{markdown, text};

use std::collections::HashMap;

use plan::Plan;
use scene::{Scene, Side};

use crate::sources::Source;
use crate::target::Target;

/// Everything found, the worst first; `placements` is what the plan has taken care of already.
pub(crate) fn find(
    sources: &[Source],
    target: Option<&Target>,
    plan: &Plan,
    placements: Vec<Conflict>,
) -> Vec<Conflict> {
    let scene = Scene::new(sources, target, plan);
    let mut conflicts = Vec::new();
    for topic in [
        target::find,
        server::find,
        collations::find,
        extensions::find,
        large_objects::find,
        names::find,
        values::find,
        merged::find,
        roles::find,
        replication::find,
        neighbours::find,
        search_path::find,
        settings::find,
        capacity::find,
        applications::find,
    ] {
        topic(&scene, &mut conflicts);
    }
    // Where sources go to several targets, what is said of one is not said of another.
    if let Some(name) = plan.sources.first().and_then(|it| it.target.as_ref()) {
        for it in &mut conflicts {
            it.id = format!("{}@{name}", it.id);
        }
    }
    conflicts.extend(placements);
    tell_apart(&mut conflicts);
    conflicts.sort_by(|a, b| (a.severity, a.topic, &a.text).cmp(&(b.severity, b.topic, &b.text)));
    conflicts
}

/// No two conflicts have one id: the second of one gets a number.
fn tell_apart(conflicts: &mut [Conflict]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for it in conflicts {
        let times = seen.entry(it.id.clone()).or_default();
        *times += 1;
        if *times > 1 {
            it.id = format!("{}#{times}", it.id);
        }
    }
}
