//! CREATE on schema `public`, taken from PUBLIC on request.

use cli::{Exit, Failure, Result};
use postgres::{GenericClient, Transaction};

use crate::statements::execute;
use crate::target::failed;

/// Whether PUBLIC may create objects in schema `public`, and whether the session's role could change that; none where
/// there is no such schema.
pub(super) struct Openness {
    pub(super) is_open: bool,
    pub(super) may_close: bool,
}

pub(super) fn openness(client: &mut impl GenericClient) -> Result<Option<Openness>> {
    const OPENNESS: &str = "
        SELECT pg_catalog.has_schema_privilege('public', n.oid, 'CREATE') AS is_open,
          pg_catalog.pg_has_role(n.nspowner, 'USAGE') AS may_close
        FROM pg_catalog.pg_namespace n WHERE n.nspname = 'public'";
    let row = client
        .query_opt(OPENNESS, &[])
        .map_err(|error| failed("schema public could not be examined", error))?;
    Ok(row.map(|row| Openness {
        is_open: row.get("is_open"),
        may_close: row.get("may_close"),
    }))
}

/// Takes it, and makes sure that it is taken: a grant that another role gave would stay without a word.
pub(super) fn close(transaction: &mut Transaction<'_>) -> Result<()> {
    if openness(transaction)?.is_none_or(|it| !it.is_open) {
        return Ok(());
    }
    execute(transaction, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")?;
    if openness(transaction)?.is_none_or(|it| !it.is_open) {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Target,
        "CREATE on schema public could not be taken from PUBLIC",
    )
    .with_hint("another role than its owner granted it, and must revoke it"))
}
