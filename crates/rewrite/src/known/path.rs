//! The search path that a source has, as far as its catalog or a dump says it, and what may be found along one.

use plan::{DEFAULT_SCHEMA, is_built_in};

use super::{Known, Space};

impl Known {
    /// What `ALTER DATABASE … SET search_path` in a dump says.
    pub(crate) fn set_path(&mut self, path: Vec<String>) {
        if !self.complete {
            self.path = Some(path);
            self.is_settled = false;
        }
    }

    /// The schemas in which the source finds names that no schema qualifies.
    pub(crate) fn path(&self) -> Vec<String> {
        let Some(path) = &self.path else {
            // A dump does not say the path; where it holds one schema alone and that is not `public`, nothing
            // could work but with that one.
            return match self.schemas().as_slice() {
                [only] => vec![only.clone()],
                _ => vec![DEFAULT_SCHEMA.to_owned()],
            };
        };
        let exists = |it: &&String| {
            self.complete
                || *it == DEFAULT_SCHEMA
                || is_built_in(it)
                || self.own_schemas.contains(*it)
                || self.extension_schemas.contains_key(*it)
        };
        path.iter().filter(exists).cloned().collect()
    }

    /// Whether an object of that name, in whatever schema, is the source's own or an extension's.
    pub(crate) fn is_listed(&self, space: Space, name: &str) -> bool {
        let bits = space.bits_read();
        self.names.values().any(|names| {
            names
                .get(name)
                .is_some_and(|it| (it.own | it.member | it.member_elsewhere) & bits != 0)
        })
    }

    /// Where extensions live, the system's schemas left out.
    pub(crate) fn extension_schemas(&self) -> Vec<String> {
        let schemas = self.extension_schemas.keys().filter(|it| !is_built_in(it));
        schemas.cloned().collect()
    }
}
