//! New names of roles in an archive: in its text, and in its catalog, by which `load` asks the target for them.

use std::collections::{BTreeMap, BTreeSet};

use archive::SchemaMember;
use catalog::{Catalog, RoleNames};
use cli::{Failure, Result, Ui};
use plan::PlannedSource;
use rewrite::{rename_roles, rename_roles_of_definitions};

use crate::report::Account;

#[derive(Debug, clap::Args)]
pub(crate) struct RoleArgs {
    /// Call role OLD NEW in an archive's grants, default privileges, policies, user mappings and settings; with `OLD=` it
    /// becomes none and what it was granted goes (repeatable)
    ///
    /// Goes before what `roles` of a plan's source says. Several roles can become one. A policy that names only roles
    /// which become none would be one for everybody, and is refused. Roles in the bodies of functions and in
    /// expressions (`current_user = 'ada'`) stay, and are doubts. Owners are no part of an archive: what it makes
    /// belongs to who loads, or to `load --owner`.
    #[arg(long, value_name = "OLD=NEW")]
    role: Vec<String>,
}

/// What is asked for of roles.
#[derive(Debug, Default)]
pub(crate) struct Roles {
    names: RoleNames,
    /// Those of options, which must be there.
    typed: Vec<String>,
}

impl RoleArgs {
    /// Refuses `--role` where the plan alone has to say everything.
    pub(crate) fn refuse_beside_merge(&self) -> Result<()> {
        match self.role.first() {
            Some(role) => Err(Failure::usage(format!("--merge takes no --role {role}"))
                .with_hint("the plan says it for each source: `roles`")),
            None => Ok(()),
        }
    }

    /// What the options say, and for all other roles the plan's source.
    pub(crate) fn roles(&self, planned: Option<&PlannedSource>) -> Result<Roles> {
        let mut names: BTreeMap<String, Option<String>> =
            planned.map_or_else(BTreeMap::new, |it| it.roles.clone());
        let mut typed: Vec<String> = Vec::new();
        for word in &self.role {
            let (old, new) = word.split_once('=').ok_or_else(|| {
                Failure::usage(format!("--role `{word}` is no OLD=NEW"))
                    .with_hint("`--role ada=shop_ada` renames, `--role ada=` leaves ada's grants out")
            })?;
            let new = (!new.is_empty()).then(|| new.to_owned());
            RoleNames::check(old, new.as_deref())
                .map_err(|error| Failure::usage(format!("--role `{word}`: {error}")))?;
            if typed.iter().any(|it| it == old) {
                return Err(Failure::usage(format!(
                    "--role says twice what becomes of `{old}`"
                )));
            }
            typed.push(old.to_owned());
            names.insert(old.to_owned(), new);
        }
        Ok(Roles {
            names: RoleNames::new(names),
            typed,
        })
    }
}

impl Roles {
    /// Of a plan's source alone.
    pub(crate) fn of_plan(planned: &PlannedSource) -> Self {
        Roles {
            names: RoleNames::new(planned.roles.clone()),
            typed: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.typed.is_empty()
    }

    /// Gives roles their new names in an archive's catalog and texts, before anything else gets one.
    pub(crate) fn rename(
        &self,
        catalog: &mut Catalog,
        texts: &mut [(SchemaMember, String)],
        wants_edits: bool,
        account: &mut Account,
    ) -> Result<Vec<String>> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let known = catalog.named_roles();
        let (mut seen, mut for_nobody) = (known.clone(), Vec::new());
        for (member, sql) in texts {
            let mut renamed = rename_roles(sql, &self.names);
            seen.append(&mut renamed.seen);
            for_nobody.append(&mut renamed.for_nobody);
            if !wants_edits {
                renamed.rewritten.edits.clear();
            }
            *sql = account.take(Some(member.name()), renamed.rewritten);
        }
        refuse_policies_for_nobody(&for_nobody)?;
        self.refuse_unknown(&seen, &known)?;
        account.doubt(rewrite::roles_in_rows(catalog));
        account.doubt(rewrite::roles_in_settings(catalog, &self.names));
        catalog
            .rename_roles(&self.names)
            .map_err(|error| Failure::usage(format!("roles cannot get these names: {error}")))?;
        rename_roles_of_definitions(&mut catalog.definitions, &self.names);
        Ok(self.told(&seen))
    }

    /// What a person reads of it.
    fn told(&self, seen: &BTreeSet<String>) -> Vec<String> {
        let (here, absent): (Vec<_>, Vec<_>) = self.names.iter().partition(|(old, _)| seen.contains(*old));
        let mut lines = Vec::new();
        if !here.is_empty() {
            let each = here
                .iter()
                .map(|(old, new)| format!("{old} → {}", new.unwrap_or("none")));
            lines.push(format!("roles: {}", each.collect::<Vec<_>>().join(", ")));
        }
        lines.extend(
            absent
                .iter()
                .map(|(old, _)| format!("role {old} of the plan: nothing in the archive names it")),
        );
        lines
    }

    fn refuse_unknown(&self, seen: &BTreeSet<String>, known: &BTreeSet<String>) -> Result<()> {
        let Some(unknown) = self.typed.iter().find(|it| !seen.contains(*it)) else {
            return Ok(());
        };
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let hint = if known.is_empty() {
            "it names no roles".to_owned()
        } else {
            format!("it names {}", known.join(", "))
        };
        Err(Failure::usage(format!("the archive does not name role `{unknown}`")).with_hint(hint))
    }
}

/// Says what became of roles.
pub(crate) fn say(lines: &[String], ui: &Ui) {
    for line in lines {
        ui.status(line);
    }
}

/// Plain SQL keeps its roles.
pub(crate) fn refuse_for_text(roles: &Roles) -> Result<()> {
    if roles.is_empty() {
        return Ok(());
    }
    Err(
        Failure::usage("roles get new names in archives alone, and the input is plain SQL")
            .with_hint("`dump` makes an archive; or leave --role out, and `roles` of the plan's source"),
    )
}

fn refuse_policies_for_nobody(policies: &[String]) -> Result<()> {
    if policies.is_empty() {
        return Ok(());
    }
    let failure = Failure::usage("policies name only roles that become none, and would hold for everybody");
    let failure = policies.iter().fold(failure, Failure::with_state);
    Err(failure.with_hint("give one of their roles a name, or drop the policies in the source"))
}
