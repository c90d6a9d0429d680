//! The settings that every session has, so that the same value is the same text on both sides.

use postgres::{GenericClient, SimpleQueryMessage};

use super::Session;
use crate::error::{Error, ErrorKind, Result};

/// What every server since PostgreSQL 12 knows.
const PINNED: [(&str, &str); 16] = [
    ("search_path", ""),
    ("DateStyle", "ISO"),
    ("TimeZone", "UTC"),
    ("IntervalStyle", "postgres"),
    ("bytea_output", "hex"),
    // 1 and more mean the shortest text that reads back as the same number, as pg_dump has it.
    ("extra_float_digits", "1"),
    ("lc_monetary", "C"),
    ("xmloption", "content"),
    ("client_encoding", "UTF8"),
    ("standard_conforming_strings", "on"),
    // A table whose rows a policy hides from us is an error, never a smaller table.
    ("row_security", "off"),
    ("synchronize_seqscans", "off"),
    // Compiling a query over catalogs takes longer than the query.
    ("jit", "off"),
    ("statement_timeout", "0"),
    ("lock_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
];

/// What only some servers know.
const PINNED_WHERE_KNOWN: [(&str, &str); 3] = [
    ("idle_session_timeout", "0"),
    ("transaction_timeout", "0"),
    // Nothing of ours reads through a view or a foreign table that a stranger could have put in the place
    // of a table (CVE-2024-7348); pg_dump does the same.
    (RESTRICT, "view, foreign-table"),
];

const RESTRICT: &str = "restrict_nonsystem_relation_kind";

/// Sets everything that changes the text or the meaning of values, in one round trip.
///
/// For the rest of the session views and foreign tables cannot be read where the server knows how to
/// forbid that; see [`unrestrict_views`].
pub fn pin_session(client: &mut impl Session) -> Result<()> {
    let answer = client.simple_query(&statement()).map_err(|source| {
        Error::new(ErrorKind::Connect, "the session's settings cannot be pinned").with_source(source)
    })?;
    let is_set = |name: &str| {
        answer
            .iter()
            .any(|it| matches!(it, SimpleQueryMessage::Row(row) if row.get(0) == Some(name)))
    };
    match PINNED.iter().find(|(name, _)| !is_set(name)) {
        Some((name, _)) => Err(Error::new(
            ErrorKind::Connect,
            format!("the server does not let the session set {name}"),
        )),
        None => Ok(()),
    }
}

/// Lets the session read views again, for what must: refreshing a materialized view that reads one.
pub fn unrestrict_views(client: &mut impl GenericClient) -> Result<()> {
    let statement = format!(
        "SELECT pg_catalog.set_config(s.name, '', false) FROM pg_catalog.pg_settings AS s \
         WHERE s.name OPERATOR(pg_catalog.=) '{RESTRICT}'"
    );
    client
        .simple_query(&statement)
        .map_err(Error::query("views cannot be made readable"))?;
    Ok(())
}

/// Gives the session back what statements of a user's own are to meet as an application would: views, and the
/// server's own choice of compiling them.
pub(crate) fn run_as_an_application(client: &mut impl Session) -> Result<()> {
    let statement = format!(
        "SELECT pg_catalog.set_config(s.name, s.reset_val, false) FROM pg_catalog.pg_settings AS s \
         WHERE s.name OPERATOR(pg_catalog.=) '{RESTRICT}' OR s.name OPERATOR(pg_catalog.=) 'jit'"
    );
    client
        .simple_query(&statement)
        .map_err(Error::query("the session's own settings cannot be had"))?;
    Ok(())
}

/// Every operator is qualified, since the search path is a stranger's until the statement has run.
fn statement() -> String {
    let rows: Vec<String> = PINNED
        .iter()
        .chain(&PINNED_WHERE_KNOWN)
        .map(|(name, value)| {
            format!(
                "({}, {})",
                catalog::quote_literal(name),
                catalog::quote_literal(value)
            )
        })
        .collect();
    format!(
        "SELECT s.name, pg_catalog.set_config(s.name, v.value, false) \
         FROM (VALUES {}) AS v (name, value) \
         JOIN pg_catalog.pg_settings AS s ON s.name OPERATOR(pg_catalog.=) v.name",
        rows.join(", ")
    )
}
