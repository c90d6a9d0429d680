//! Whose the new schemas are and who uses them: `--owner`, `--create-role`, `--revoke-public-create`.
//!
//! The role that connects makes and fills everything, and gives it away in the transaction that makes it live. So it
//! keeps the rights that it has (SET ROLE from the start would drop those of a superuser, and needs CREATE on the
//! database for the new owner), the new owner sees nothing that has not been proved, a role that is created is gone
//! with whatever fails, and neither the journal nor `--abandon` has to know a second owner.

mod args;
mod created;
mod demands;
mod owner;
mod public;

use archive::Header;
use catalog::quote_ident;
use cli::{Result, Ui};
use postgres::Transaction;

use crate::journal::Run;

pub(crate) use args::RoleArgs;
pub(crate) use created::search_path;
pub(crate) use demands::findings;

/// Makes the role that was asked for, before anything is granted: the source may have one of that name.
pub(crate) fn create(transaction: &mut Transaction<'_>, args: &RoleArgs) -> Result<()> {
    match &args.create_role {
        Some(role) => created::create(transaction, role),
        None => Ok(()),
    }
}

/// Does what was asked for, in the transaction that makes the schemas live, behind the source's own grants: what is
/// granted already goes with its object. `grant` is called while everything still belongs to the role that connects.
pub(crate) fn settle(
    transaction: &mut Transaction<'_>,
    run: &Run,
    header: &Header,
    args: &RoleArgs,
    grant: impl FnOnce(&mut Transaction<'_>) -> Result<()>,
) -> Result<()> {
    if let Some(role) = &args.create_role {
        created::let_in(transaction, run, header, role)?;
    }
    if let Some(role) = args.member() {
        created::let_use(transaction, run, header, role)?;
    }
    grant(transaction)?;
    if let Some(role) = args.owner() {
        if args.owner.is_none() {
            created::join(transaction, role)?;
        }
        owner::give(transaction, run, header, role)?;
    }
    if args.revoke_public_create {
        public::close(transaction)?;
    }
    Ok(())
}

/// Says what was done, when it holds.
pub(crate) fn say(run: &Run, header: &Header, args: &RoleArgs, ui: &Ui) {
    let schemas = run.schemas.join(", ");
    if let Some(role) = args.owner() {
        ui.status(format_args!("{schemas}: owner is {role}"));
    }
    if let Some(role) = &args.create_role {
        let path = search_path(run, header).join(", ");
        let name = quote_ident(role);
        ui.finding(format_args!(
            "role {name} was created, with search_path {path}; it has no password yet: `\\password {name}` in psql"
        ));
    }
    if args.revoke_public_create {
        ui.status("PUBLIC has no CREATE on schema public");
    }
}
