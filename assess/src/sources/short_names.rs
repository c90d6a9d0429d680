//! Databases without their servers in messages, where no other source is called so.

use std::collections::HashMap;

use super::Source;

/// `pagila on db.example.com` becomes `pagila`; a report names its server once. Files of one name get their paths.
pub(super) fn give(sources: &mut [Source]) {
    let mut uses: HashMap<String, usize> = HashMap::new();
    for source in sources.iter() {
        *uses.entry(short(source)).or_default() += 1;
    }
    for source in sources {
        let short = short(source);
        if uses[&short] == 1 {
            source.inventory.name = short;
        } else if source.file.is_some() {
            source.inventory.name.clone_from(&source.inventory.endpoint);
        }
    }
}

fn short(source: &Source) -> String {
    let it = &source.inventory;
    if it.is_postgres() && !it.server.archive {
        it.server.database.clone()
    } else {
        it.name.clone()
    }
}
