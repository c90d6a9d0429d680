//! What roles are by themselves: administrators, members of others' groups, owners here and there, with a path that leads
//! to others.

use catalog::quote_ident;
use database::postgres::isolation::Role;

use super::parties::{Parties, Side};
use super::{closing, leak};
use crate::report::{Area, Finding, Weight};

/// PostgreSQL's own groups whose members are stopped by no schema.
const READS_ALL: [&str; 6] = [
    "pg_read_all_data",
    "pg_write_all_data",
    "pg_maintain",
    "pg_read_server_files",
    "pg_write_server_files",
    "pg_execute_server_program",
];

/// Who is above all this, on one line; no leak.
pub(super) fn administrators(parties: &Parties<'_>) -> Vec<Finding> {
    let names: Vec<String> = parties
        .roles_of(Side::Administrator)
        .map(|it| {
            let why = if it.is_superuser {
                "superuser"
            } else if it.owns_database {
                "owner of the database"
            } else {
                "makes roles"
            };
            format!("{} ({why})", quote_ident(&it.name))
        })
        .collect();
    let finding = Finding::new(Area::Isolation, "administrators", "reach everything");
    vec![finding.weighing(Weight::Advice).with_note(names.join(", "))]
}

/// Attributes and memberships.
pub(super) fn roles(parties: &Parties<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for role in &parties.access.roles {
        let side = parties.side(&role.name);
        if side == Side::Administrator {
            continue;
        }
        let who = Some(role.name.as_str());
        let weight = if side == Side::Nobody {
            Weight::Advice
        } else {
            Weight::Difference
        };
        for (has, attribute, meaning) in [
            (
                role.bypasses_row_security,
                "BYPASSRLS",
                "sees rows past every policy",
            ),
            (role.replicates, "REPLICATION", "reads everything as a replica"),
        ] {
            if has {
                let closing = closing::without(&role.name, attribute);
                findings.push(leak(who, meaning, &closing).weighing(weight));
            }
        }
        for group in role
            .member_of
            .iter()
            .filter(|it| READS_ALL.contains(&it.as_str()))
        {
            let closing = closing::leave(&role.name, group);
            findings.push(leak(who, format!("is a member of {group}"), &closing).weighing(weight));
        }
        findings.extend(foreign_groups(parties, role, side));
        findings.extend(inherited(parties, role, side));
    }
    findings
}

/// What the role can be by way of groups that are nobody's, of which no line of their own says that it concerns anybody.
fn inherited(parties: &Parties<'_>, role: &Role, side: Side) -> Vec<Finding> {
    if side == Side::Nobody {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for first in &role.member_of {
        let closing = closing::leave(&role.name, first);
        let mut say = |what: String| findings.push(leak(Some(&role.name), what, &closing));
        for group in parties.nobodys_groups(first) {
            if group.bypasses_row_security {
                say(format!(
                    "sees rows past every policy as {}, which has BYPASSRLS",
                    quote_ident(&group.name)
                ));
            }
            for above in &group.member_of {
                let by = quote_ident(&group.name);
                if READS_ALL.contains(&above.as_str()) {
                    say(format!("is a member of {above} by way of {by}"));
                } else if parties.side(above) == Side::Administrator {
                    say(format!(
                        "is a member of {}, an administrator, by way of {by}",
                        quote_ident(above)
                    ));
                }
            }
        }
    }
    findings
}

/// Groups of the other side, or above both, whose rights the role has; not those that a group of its own brings, which has
/// a line itself.
fn foreign_groups(parties: &Parties<'_>, role: &Role, side: Side) -> Vec<Finding> {
    if side == Side::Nobody {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for group in &role.member_of {
        let whose = parties.side(group);
        let is_leak = match whose {
            Side::Ours | Side::Theirs => whose != side,
            Side::Administrator => true,
            Side::Nobody => false,
        };
        if is_leak {
            let closing = closing::leave(&role.name, group);
            let whose = match whose {
                Side::Administrator => "an administrator",
                Side::Ours => "a role of the compared schemas",
                _ => "another application's role",
            };
            let what = format!("is a member of {}, {whose}", quote_ident(group));
            findings.push(leak(Some(&role.name), what, &closing));
        }
    }
    findings
}

/// Roles of ours that own something of others.
pub(super) fn owners(parties: &Parties<'_>) -> Vec<Finding> {
    let ours = parties.ours();
    let others = parties
        .access
        .schemas
        .iter()
        .filter(|it| !parties.is_ours(&it.name));
    let owned = others.flat_map(|schema| {
        let owners = schema.owners.iter().filter(|it| ours.contains(it.as_str()));
        owners.map(move |owner| (schema, owner))
    });
    owned
        .map(|(schema, owner)| {
            let what = format!("owns schema {} or something in it", quote_ident(&schema.name));
            leak(Some(owner), what, &closing::other_owner(&schema.name))
        })
        .collect()
}

/// Paths of our roles through others' schemas.
pub(super) fn paths(parties: &Parties<'_>) -> Vec<Finding> {
    let is_foreign = |it: &&String| parties.is_a_schema(it) && !parties.is_ours(it) && !parties.is_common(it);
    let has_own = |role: &Role| {
        parties
            .access
            .paths
            .iter()
            .any(|it| it.role.as_ref() == Some(&role.name))
    };
    let without = || {
        parties
            .roles_of(Side::Ours)
            .any(|it| it.can_login && !has_own(it))
    };
    let concerns_ours = |role: &Option<String>| match role {
        Some(role) => parties.side(role) == Side::Ours,
        None => without(),
    };
    let paths = parties.access.paths.iter().filter(|it| concerns_ours(&it.role));
    paths
        .flat_map(|setting| {
            let foreign = setting.path.iter().filter(is_foreign);
            foreign.map(move |schema| (setting.role.as_deref(), schema))
        })
        .map(|(role, schema)| {
            let what = format!("has schema {} in its search_path", quote_ident(schema));
            leak(role, what, &closing::other_path(role))
        })
        .collect()
}
