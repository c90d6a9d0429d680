//! Large objects keep their OIDs, so no two of what goes into one database may share one.

use catalog::oid_ranges;

use super::conflict::{choices, number_of};
use super::{Conflict, Scene, Severity, Topic};

const WAY_OUT: &str = "leave those of one out with dump --no-large-objects";

/// OIDs that two sources share, or a source and the target, and objects that cannot be read.
pub(super) fn find(scene: &Scene<'_>, conflicts: &mut Vec<Conflict>) {
    let mut blocks = |objects: &[&str], text: String, way_out: &str, shared: &[u32]| {
        conflicts.push(
            Conflict::new(Severity::Blocks, Topic::LargeObject, objects, text, way_out)
                .with_evidence(oid_ranges(shared))
                .with_choices(choices::LEAVE_OUT_OR_FIX),
        );
    };
    for (place, side) in scene.sides.iter().enumerate() {
        let of_source = &side.inventory.large_objects;
        if let Some(text) = &of_source.unreadable {
            let way_out = of_source.way_out.as_deref().unwrap_or_default();
            let text = format!("of {}: {text}", side.label);
            blocks(&[side.key(), "unreadable"], text, way_out, &[]);
        }
        for other in &scene.sides[place + 1..] {
            let shared = shared(side.large_objects, other.large_objects);
            if !shared.is_empty() {
                let text = format!("{} in {} and {}", told(&shared), side.label, other.label);
                blocks(&[side.key(), other.key()], text, WAY_OUT, &shared);
            }
        }
        let Some(target) = scene.target else { continue };
        let shared = shared(side.large_objects, &target.large_objects);
        if !shared.is_empty() {
            let text = format!("{} of {} exist on {}", told(&shared), side.label, target.name);
            blocks(&[side.key(), "target"], text, WAY_OUT, &shared);
        }
    }
}

fn shared(ours: &[u32], theirs: &[u32]) -> Vec<u32> {
    let is_shared = |oid: &u32| theirs.binary_search(oid).is_ok();
    ours.iter().copied().filter(is_shared).collect()
}

/// `16400-16410, 16500`, or of many the first and how many there are.
fn told(oids: &[u32]) -> String {
    const RANGES_MAX: usize = 5;
    let ranges = oid_ranges(oids);
    if ranges.len() <= RANGES_MAX {
        return ranges.join(", ");
    }
    let number = number_of(oids.len(), "OID", "OIDs");
    format!("{}, … ({number})", ranges[..RANGES_MAX].join(", "))
}
