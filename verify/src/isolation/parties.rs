//! Whose a role is: of the compared schemas, of other applications, or above both.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use database::postgres::isolation::{Access, Role};

/// The schema that every database has from the start; everybody has USAGE there.
const BUILT_IN_SCHEMA: &str = "public";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Of the compared schemas.
    Ours,
    /// Of other applications' schemas.
    Theirs,
    /// Above all privileges.
    Administrator,
    /// It has nothing here.
    Nobody,
}

pub(super) struct Parties<'a> {
    pub(super) access: &'a Access,
    pub(super) schemas: &'a [String],
    sides: HashMap<&'a str, Side>,
}

impl<'a> Parties<'a> {
    /// `named` are ours in any case, `known` where nothing else says whose they are.
    pub(super) fn new(access: &'a Access, schemas: &'a [String], named: &[String], known: &[String]) -> Self {
        let mut parties = Parties {
            access,
            schemas,
            sides: HashMap::new(),
        };
        for role in &access.roles {
            let side = if is_administrator(role) {
                Side::Administrator
            } else if named.contains(&role.name) {
                Side::Ours
            } else {
                match parties.at_home(role) {
                    Side::Nobody if known.contains(&role.name) => Side::Ours,
                    side => side,
                }
            };
            parties.sides.insert(&role.name, side);
        }
        parties.follow_groups();
        parties
    }

    /// Where a role is at home says first what it owns, then its path, then what was granted to it by name.
    fn at_home(&self, role: &Role) -> Side {
        let owned = self
            .access
            .schemas
            .iter()
            .filter(|it| it.owners.contains(&role.name));
        let owned = owned.map(|it| it.name.as_str());
        let paths = self.access.paths.iter();
        let path = paths.filter(|it| it.role.as_ref() == Some(&role.name));
        let path = path
            .flat_map(|it| it.path.iter().map(String::as_str))
            .filter(|it| self.is_a_schema(it) && !self.is_common(it));
        let granted = self.access.grants.iter().filter(|it| {
            it.grantee.as_ref() == Some(&role.name)
                && !(it.kind == "SCHEMA" && it.schema.as_deref().is_some_and(|it| self.is_common(it)))
        });
        let granted = granted.filter_map(|it| it.schema.as_deref());
        let homes: [BTreeSet<&str>; 3] = [owned.collect(), path.collect(), granted.collect()];
        match homes.iter().find(|it| !it.is_empty()) {
            None => Side::Nobody,
            Some(home) if home.iter().any(|it| self.is_ours(it)) => Side::Ours,
            Some(_) => Side::Theirs,
        }
    }

    /// A role without a home is at home where the groups are that it is in.
    fn follow_groups(&mut self) {
        loop {
            let follows = self.access.roles.iter().find_map(|role| {
                let groups = || role.member_of.iter().map(|it| self.side(it));
                let side = [Side::Ours, Side::Theirs]
                    .into_iter()
                    .find(|side| groups().any(|it| it == *side))?;
                (self.side(&role.name) == Side::Nobody).then_some((role.name.as_str(), side))
            });
            match follows {
                Some((name, side)) => _ = self.sides.insert(name, side),
                None => return,
            }
        }
    }

    pub(super) fn side(&self, role: &str) -> Side {
        self.sides.get(role).copied().unwrap_or(Side::Nobody)
    }

    pub(super) fn roles_of(&self, side: Side) -> impl Iterator<Item = &'a Role> {
        self.access
            .roles
            .iter()
            .filter(move |it| self.side(&it.name) == side)
    }

    pub(super) fn is_ours(&self, schema: &str) -> bool {
        self.schemas.iter().any(|it| it == schema)
    }

    pub(super) fn is_a_schema(&self, name: &str) -> bool {
        self.access.schemas.iter().any(|it| it.name == name)
    }

    /// Whether everybody may look up names there: extensions live in it.
    pub(super) fn is_common(&self, schema: &str) -> bool {
        schema == BUILT_IN_SCHEMA
            || self
                .access
                .schemas
                .iter()
                .any(|it| it.name == schema && it.has_extensions)
    }

    /// The role and all groups whose rights it has.
    pub(super) fn closure(&self, role: &'a str) -> BTreeSet<&'a str> {
        let groups: BTreeMap<&str, &Role> = self
            .access
            .roles
            .iter()
            .map(|it| (it.name.as_str(), it))
            .collect();
        let mut found = BTreeSet::new();
        let mut waiting = vec![role];
        while let Some(name) = waiting.pop() {
            if found.insert(name)
                && let Some(role) = groups.get(name)
            {
                waiting.extend(role.member_of.iter().map(String::as_str));
            }
        }
        found
    }

    /// The group `first`, and those that it is in, as far as they are nobody's.
    pub(super) fn nobodys_groups(&self, first: &'a str) -> Vec<&'a Role> {
        let mut found: Vec<&Role> = Vec::new();
        let mut waiting = vec![first];
        while let Some(name) = waiting.pop() {
            let group = self.access.roles.iter().find(|it| it.name == name);
            let group = group.filter(|it| self.side(&it.name) == Side::Nobody);
            let is_new = |it: &&Role| !found.iter().any(|known| known.name == it.name);
            if let Some(group) = group.filter(is_new) {
                waiting.extend(group.member_of.iter().map(String::as_str));
                found.push(group);
            }
        }
        found
    }

    /// Whether `role` has USAGE on the schema; `None` asks for PUBLIC.
    pub(super) fn can_enter(&self, role: Option<&'a str>, schema: &str) -> bool {
        let names: BTreeSet<&str> = role.map(|it| self.closure(it)).unwrap_or_default();
        let owns = self
            .access
            .schemas
            .iter()
            .any(|it| it.name == schema && it.owners.iter().any(|owner| names.contains(owner.as_str())));
        let mut grants = self.access.grants.iter().filter(|it| {
            it.kind == "SCHEMA"
                && it.schema.as_deref() == Some(schema)
                && it.privileges.iter().any(|it| it == "USAGE")
        });
        owns || grants.any(|it| it.grantee.as_deref().is_none_or(|it| names.contains(it)))
    }

    /// The names of ours among them.
    pub(super) fn ours(&self) -> HashSet<&'a str> {
        self.roles_of(Side::Ours).map(|it| it.name.as_str()).collect()
    }
}

/// Whether nothing in a database is kept from the role, or it can give itself what is.
fn is_administrator(role: &Role) -> bool {
    role.is_superuser || role.owns_database || role.can_create_roles
}
