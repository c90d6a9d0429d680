//! New names of roles, and a catalog in which roles have them. What the text of definitions says of roles follows in
//! `crates/rewrite`.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Catalog, Definition, DefinitionKind, IDENTIFIER_BYTES_MAX, Setting, Value};

/// What roles of a source are called on the target; who is not named stays who it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleNames(BTreeMap<String, Option<String>>);

impl RoleNames {
    /// Those of `names` that change something; `None` is for a role that becomes none.
    pub fn new(names: impl IntoIterator<Item = (String, Option<String>)>) -> Self {
        let changes = |(old, new): &(String, Option<String>)| new.as_ref() != Some(old);
        RoleNames(names.into_iter().filter(changes).collect())
    }

    /// Why `old` cannot become `new`. PostgreSQL reads `public` and `none` as words even between quotes, so that no
    /// role is called so, and a grant to `public` would be one to everybody.
    pub fn check(old: &str, new: Option<&str>) -> Result<(), String> {
        for name in [Some(old), new].into_iter().flatten() {
            if name.is_empty() {
                return Err("a role's name cannot be empty".to_owned());
            } else if name.len() > IDENTIFIER_BYTES_MAX {
                return Err(format!(
                    "`{name}` has {} bytes, PostgreSQL keeps {IDENTIFIER_BYTES_MAX}",
                    name.len()
                ));
            } else if matches!(name, "public" | "none") {
                return Err(format!("no role can be called `{name}`"));
            }
        }
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each old name with the new one, in byte order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(old, new)| (old.as_str(), new.as_deref()))
    }

    /// Whether `role` gets another name, or none.
    pub fn changes(&self, role: &str) -> bool {
        self.0.contains_key(role)
    }

    /// What `role` is called on the target; `None` where it becomes none.
    pub fn of<'a>(&'a self, role: &'a str) -> Option<&'a str> {
        self.0.get(role).map_or(Some(role), Option::as_deref)
    }

    /// What these `roles` are called on the target, without those that become none.
    pub fn all(&self, roles: &[String]) -> Vec<String> {
        let new: BTreeSet<&str> = roles.iter().filter_map(|it| self.of(it)).collect();
        new.into_iter().map(str::to_owned).collect()
    }
}

impl Catalog {
    /// Every role that the catalog names.
    pub fn named_roles(&self) -> BTreeSet<String> {
        let lists = self.roles.iter().chain(&self.policy_roles);
        let users = self.public_usage.iter().flat_map(|it| &it.relied_on_by);
        let of_settings = self.settings.iter().filter_map(|it| it.role.as_ref());
        let of_large_objects = self.large_objects.iter().flat_map(|it| {
            let grantees = it.grants.iter().filter_map(|grant| grant.to.as_ref());
            grantees.chain([&it.owner])
        });
        let all = lists.chain(users).chain(of_settings).chain(of_large_objects);
        all.cloned().collect()
    }

    /// Gives every role its new name. What is said of a role that becomes none goes; what it owned stays, for whoever
    /// loads.
    ///
    /// Refused where a role would have two values of one setting, since two become one.
    pub fn rename_roles(&mut self, names: &RoleNames) -> Result<(), String> {
        for roles in [&mut self.roles, &mut self.policy_roles] {
            *roles = names.all(roles);
        }
        for usage in &mut self.public_usage {
            usage.relied_on_by = names.all(&usage.relied_on_by);
        }
        self.rename_roles_of_settings(names)?;
        for object in &mut self.large_objects {
            if let Some(new) = names.of(&object.owner) {
                object.owner = new.to_owned();
            }
            object.grants.retain_mut(|grant| match &grant.to {
                Some(role) => {
                    let new = names.of(role).map(str::to_owned);
                    let is_left = new.is_some();
                    grant.to = new;
                    is_left
                }
                None => true,
            });
        }
        rename_roles_in_definitions(&mut self.definitions, names);
        Ok(())
    }

    fn rename_roles_of_settings(&mut self, names: &RoleNames) -> Result<(), String> {
        let mut kept: Vec<Setting> = Vec::new();
        for mut setting in std::mem::take(&mut self.settings) {
            if let Some(role) = &setting.role {
                match names.of(role) {
                    Some(new) => setting.role = Some(new.to_owned()),
                    None => continue,
                }
            }
            if setting.name == Setting::ROLE {
                match names.of(&setting.value) {
                    Some(new) => setting.value = String::from(new),
                    None => continue,
                }
            }
            match kept
                .iter()
                .find(|it| it.role == setting.role && it.name == setting.name)
            {
                Some(other) if other.value == setting.value => {}
                Some(_) => return Err(format!("setting {setting} would have two values")),
                None => kept.push(setting),
            }
        }
        self.settings = kept;
        Ok(())
    }
}

/// Gives roles their new names in what definitions say in words: owners, grants, whose default privileges they are.
pub fn rename_roles_in_definitions(definitions: &mut Vec<Definition>, names: &RoleNames) {
    const MADE_BY: &str = " made by ";
    let mut all: Vec<Definition> = Vec::with_capacity(definitions.len());
    for mut definition in std::mem::take(definitions) {
        let mut maker = None;
        if definition.kind == DefinitionKind::DefaultPrivileges
            && let Some((what, role)) = definition.name.split_once(MADE_BY)
        {
            let Some(new) = names.of(role) else { continue };
            maker = Some(new.to_owned());
            definition.name = format!("{what}{MADE_BY}{new}");
        }
        definition.properties.retain_mut(|property| {
            let Value::Plain(said) = &mut property.value else {
                return true;
            };
            let new = match property.name.as_str() {
                "owner" => names.of(said).map(str::to_owned),
                "grants" => grants([said.as_str()], names, maker.as_deref()),
                _ => return true,
            };
            let is_left = new.is_some();
            *said = new.unwrap_or_default();
            is_left
        });
        let same = all.iter_mut().find(|it| {
            maker.is_some()
                && it.kind == definition.kind
                && it.schema == definition.schema
                && it.name == definition.name
        });
        match same {
            Some(other) => unite_grants(other, &definition, maker.as_deref()),
            None => all.push(definition),
        }
    }
    *definitions = all;
}

fn unite_grants(one: &mut Definition, other: &Definition, maker: Option<&str>) {
    let said = |it: &Definition| {
        let properties = it.properties.iter().filter(|it| it.name == "grants");
        let mut plain = properties.filter_map(|it| match &it.value {
            Value::Plain(said) => Some(said.clone()),
            Value::Statement(_) | Value::Written(_) => None,
        });
        plain.next()
    };
    let both = [said(one), said(other)];
    // They have their new names already, which no second renaming may change.
    let none = RoleNames::default();
    let united = grants(both.iter().flatten().map(String::as_str), &none, maker);
    one.properties.retain(|it| it.name != "grants");
    one.properties.extend(united.map(|said| crate::Property {
        name: "grants".to_owned(),
        value: Value::Plain(said),
    }));
}

/// `insert, select with grant option to ada; select to public`, with one entry for each role. `without` is whose
/// grants are not told: what a role makes is its own.
fn grants<'a>(
    all: impl IntoIterator<Item = &'a str>,
    names: &RoleNames,
    without: Option<&str>,
) -> Option<String> {
    const WITH: &str = " with grant option";
    let mut given: BTreeMap<&str, BTreeMap<&str, bool>> = BTreeMap::new();
    for entry in all.into_iter().flat_map(|it| it.split("; ")) {
        let Some((privileges, role)) = entry.split_once(" to ") else {
            continue;
        };
        let Some(new) = names.of(role).filter(|it| Some(*it) != without) else {
            continue;
        };
        for privilege in privileges.split(", ") {
            let (word, may_grant) = match privilege.strip_suffix(WITH) {
                Some(word) => (word, true),
                None => (privilege, false),
            };
            *given.entry(new).or_default().entry(word).or_default() |= may_grant;
        }
    }
    let mut lines: Vec<String> = given
        .iter()
        .map(|(role, privileges)| {
            let each = privileges
                .iter()
                .map(|(word, may_grant)| format!("{word}{}", if *may_grant { WITH } else { "" }));
            format!("{} to {role}", each.collect::<Vec<_>>().join(", "))
        })
        .collect();
    lines.sort();
    (!lines.is_empty()).then(|| lines.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[(&str, Option<&str>)]) -> RoleNames {
        RoleNames::new(
            all.iter()
                .map(|(old, new)| ((*old).to_owned(), new.map(str::to_owned))),
        )
    }

    #[test]
    fn grants_follow_their_roles_and_those_of_one_role_are_one() {
        let names = names(&[
            ("a", Some("b")),
            ("b", Some("a")),
            ("gone", None),
            ("x", Some("one")),
            ("y", Some("one")),
        ]);
        for (old, new) in [
            (
                "insert, select to a; select to b; select to public",
                "insert, select to b; select to a; select to public",
            ),
            ("select to gone", ""),
            (
                "insert, select to x; select with grant option, update to y",
                "insert, select with grant option, update to one",
            ),
        ] {
            assert_eq!(grants([old], &names, None).unwrap_or_default(), new, "{old}");
        }
    }

    #[test]
    fn settings_of_roles_that_become_one_must_agree() {
        let setting = |role: &str, value: &str| Setting {
            role: Some(role.to_owned()),
            name: "work_mem".to_owned(),
            value: value.to_owned(),
        };
        let both = names(&[("a", Some("c")), ("b", Some("c"))]);
        let mut catalog = Catalog {
            settings: vec![setting("a", "8MB"), setting("b", "8MB")],
            ..Catalog::default()
        };
        assert_eq!(catalog.rename_roles(&both), Ok(()));
        assert_eq!(catalog.settings, [setting("c", "8MB")]);
        catalog.settings = vec![setting("a", "8MB"), setting("b", "9MB")];
        let error = catalog.rename_roles(&both).expect_err("they differ");
        assert!(error.contains("work_mem of role c"), "{error}");
    }

    #[test]
    fn nobody_becomes_everybody() {
        for (old, new) in [("a", "public"), ("public", "a"), ("a", "none"), ("a", "")] {
            assert!(RoleNames::check(old, Some(new)).is_err(), "{old} to {new}");
        }
        assert_eq!(RoleNames::check("a", None), Ok(()));
    }
}
