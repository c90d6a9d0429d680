//! The options that say whose the schemas are and who uses them.

use std::fmt;

use catalog::IDENTIFIER_BYTES_MAX;
use clap::{Args, ValueEnum};
use cli::{Failure, Result};

/// Whose the new schemas are, and for whom a role is made.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct RoleArgs {
    /// The role that owns what the load makes [default: the role that connects]
    ///
    /// Schemas and all in them, and large objects, are given to ROLE in the moment in which they go live; before that
    /// ROLE sees nothing of them. The role that connects must be able to SET ROLE to it. Extensions, and what concerns
    /// more than the schemas (servers, publications and their like), stay with the role that connects. A schema
    /// that was there before keeps its owner; ROLE gets USAGE and CREATE on it where it lacks them.
    #[arg(long, value_name = "ROLE", conflicts_with = "abandon")]
    pub(crate) owner: Option<String>,
    /// Create a role for the new schemas, in the moment in which they go live
    ///
    /// It may log in and has no password: give it one with psql's `\password`, or with ALTER ROLE. In this
    /// database its `search_path` is the new schemas, then those of the extensions, for which it gets USAGE where
    /// PUBLIC has none. Needs CREATEROLE. A role that exists is refused.
    #[arg(long, value_name = "NAME", value_parser = role_name, conflicts_with = "abandon")]
    pub(crate) create_role: Option<String>,
    /// What the role of --create-role is to the new schemas
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "WHAT",
        requires = "create_role"
    )]
    pub(crate) create_role_as: RoleUse,
    /// Take CREATE on schema public from PUBLIC, in the moment in which the schemas go live
    ///
    /// Before PostgreSQL 15 everybody may create objects there, which a `search_path` with public would find. USAGE
    /// stays, since extensions live there.
    #[arg(long, conflicts_with = "abandon")]
    pub(crate) revoke_public_create: bool,
}

/// What a role that is created is to the schemas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleUse {
    /// Reads and writes all of them: USAGE on schemas, SELECT, INSERT, UPDATE and DELETE on tables and views, all on
    /// sequences, EXECUTE on routines and USAGE on types, SELECT and UPDATE on large objects
    #[default]
    Member,
    /// Owns them, as with --owner; the role that connects becomes a member of it
    Owner,
}

impl RoleArgs {
    /// The role that owns everything in the end, if it is not the one that connects.
    pub(crate) fn owner(&self) -> Option<&str> {
        match (&self.create_role, self.create_role_as) {
            (Some(role), RoleUse::Owner) => Some(role),
            _ => self.owner.as_deref(),
        }
    }

    /// The role that is created to use the schemas without owning them.
    pub(crate) fn member(&self) -> Option<&str> {
        let role = self.create_role.as_deref();
        role.filter(|_| self.create_role_as == RoleUse::Member)
    }

    /// Refuses two owners.
    pub(crate) fn check(&self) -> Result<()> {
        if self.owner.is_none() || self.create_role.is_none() || self.create_role_as != RoleUse::Owner {
            return Ok(());
        }
        let failure = Failure::usage("--owner and --create-role-as owner name two owners");
        Err(failure.with_hint("leave one of them out"))
    }
}

/// Why a name cannot be that of a new role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BadName {
    Empty,
    /// The server would cut it, and make a role of another name.
    Long,
    Reserved,
    Zero,
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadName::Empty => "a role needs a name",
            BadName::Long => "PostgreSQL's names have at most 63 bytes",
            BadName::Reserved => "PostgreSQL keeps this name for itself (public, none, pg_…)",
            BadName::Zero => "a name cannot hold the character NUL",
        })
    }
}

impl std::error::Error for BadName {}

fn role_name(text: &str) -> std::result::Result<String, BadName> {
    if text.is_empty() {
        Err(BadName::Empty)
    } else if text.len() > IDENTIFIER_BYTES_MAX {
        Err(BadName::Long)
    } else if text.contains('\0') {
        Err(BadName::Zero)
    } else if text.starts_with("pg_") || text == "public" || text == "none" {
        Err(BadName::Reserved)
    } else {
        Ok(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_server_would_refuse_or_cut_are_no_roles() {
        let long = "x".repeat(64);
        for (name, expected) in [
            ("app", None),
            ("App user", None),
            ("", Some(BadName::Empty)),
            (&long, Some(BadName::Long)),
            ("pg_app", Some(BadName::Reserved)),
            ("public", Some(BadName::Reserved)),
            ("a\0b", Some(BadName::Zero)),
        ] {
            assert_eq!(role_name(name).err(), expected, "{name:?}");
        }
    }
}
