//! Large objects keep their OIDs, so no two of what goes into one database may share one.

use catalog::oid_ranges;
use cli::count;

use crate::conflicts::{Conflict, Severity, Topic};
use crate::sources::Source;
use crate::target::Target;

const WAY_OUT: &str = "leave those of one out with dump --no-large-objects";

/// Lines for people, one for each source that has any.
pub(crate) fn lines(sources: &[Source]) -> Vec<String> {
    let with_any = sources.iter().filter(|it| !it.large_objects.is_empty());
    with_any
        .map(|it| format!("{}: {}", it.name(), count(it.large_objects.len() as u64)))
        .collect()
}

/// OIDs that two sources share, or a source and the target, and objects that cannot be read.
pub(crate) fn conflicts(sources: &[Source], target: Option<&Target>) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    let mut blocks = |text: String, way_out: &str| {
        conflicts.push(Conflict {
            severity: Severity::Blocks,
            topic: Topic::LargeObject,
            text,
            way_out: way_out.to_owned(),
        });
    };
    for (place, source) in sources.iter().enumerate() {
        let oids = &source.large_objects;
        let of_source = &source.inventory.large_objects;
        if let Some(text) = &of_source.unreadable {
            let way_out = of_source.way_out.as_deref().unwrap_or_default();
            blocks(format!("of {}: {text}", source.name()), way_out);
        }
        for other in &sources[place + 1..] {
            if let Some(shared) = shared(oids, &other.large_objects) {
                blocks(
                    format!("{shared} in {} and {}", source.name(), other.name()),
                    WAY_OUT,
                );
            }
        }
        if let Some((shared, target)) = target.and_then(|it| Some((shared(oids, &it.large_objects)?, it))) {
            blocks(
                format!("{shared} of {} exist on {}", source.name(), target.name),
                WAY_OUT,
            );
        }
    }
    conflicts
}

fn shared(ours: &[u32], theirs: &[u32]) -> Option<String> {
    let is_shared = |oid: &u32| theirs.binary_search(oid).is_ok();
    let shared: Vec<u32> = ours.iter().copied().filter(is_shared).collect();
    (!shared.is_empty()).then(|| oid_ranges(&shared).join(", "))
}
