//! Large objects of sources, for reports.

use cli::count;

use crate::sources::Source;

/// Lines for people, one for each source that has any.
pub(crate) fn lines(sources: &[Source]) -> Vec<String> {
    let with_any = sources.iter().filter(|it| !it.large_objects.is_empty());
    with_any
        .map(|it| format!("{}: {}", it.name(), count(it.large_objects.len() as u64)))
        .collect()
}
