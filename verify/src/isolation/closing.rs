//! The statements that close a leak. They are told, never run: whether a door should be closed is for people to say.

use catalog::quote_ident;
use database::postgres::isolation::{DefaultGrant, Grant};

/// Takes privileges on an object away again.
pub(super) fn revoke(grant: &Grant, privileges: &[String]) -> String {
    let privileges: Vec<String> = privileges
        .iter()
        .map(|it| match &grant.column {
            Some(column) => format!("{it} ({column})"),
            None => it.clone(),
        })
        .collect();
    format!(
        "REVOKE {} ON {} {} FROM {}",
        privileges.join(", "),
        grant.kind,
        grant.object,
        grantee(grant.grantee.as_deref())
    )
}

/// Takes them from what will be made.
pub(super) fn revoke_default(grant: &DefaultGrant) -> String {
    let place = grant
        .schema
        .as_ref()
        .map(|it| format!(" IN SCHEMA {}", quote_ident(it)));
    format!(
        "ALTER DEFAULT PRIVILEGES FOR ROLE {}{} REVOKE {} ON {} FROM {}",
        quote_ident(&grant.maker),
        place.unwrap_or_default(),
        grant.privileges.join(", "),
        grant.kind,
        grantee(grant.grantee.as_deref())
    )
}

/// Takes all privileges on a large object.
pub(super) fn revoke_large_object(oid: u32, from: Option<&str>) -> String {
    format!("REVOKE ALL ON LARGE OBJECT {oid} FROM {}", grantee(from))
}

/// Ends a membership.
pub(super) fn leave(role: &str, group: &str) -> String {
    format!("REVOKE {} FROM {}", quote_ident(group), quote_ident(role))
}

/// Takes an attribute from a role.
pub(super) fn without(role: &str, attribute: &str) -> String {
    format!("ALTER ROLE {} NO{attribute}", quote_ident(role))
}

/// Gives a schema of somebody else's back.
pub(super) fn other_owner(schema: &str) -> String {
    format!(
        "ALTER SCHEMA {} OWNER TO … (and what is in it), the role of its own application",
        quote_ident(schema)
    )
}

/// Gives a role, or all sessions, another path.
pub(super) fn other_path(role: Option<&str>) -> String {
    let whose = role.map_or("DATABASE …".to_owned(), |it| {
        format!("ROLE {}", quote_ident(it))
    });
    format!("ALTER {whose} SET search_path = … (its own schemas and those of extensions)")
}

fn grantee(name: Option<&str>) -> String {
    name.map_or("PUBLIC".to_owned(), quote_ident)
}
