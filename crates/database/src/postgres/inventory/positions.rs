//! Positions of sequences. They are no part of a snapshot, so that they are read beside it: PostgreSQL keeps the lock that
//! it takes on a sequence until the transaction ends, and there is a transaction for each portion of them.

use std::collections::HashMap;
use std::time::Duration;

use ::inventory::Inventory;
use postgres::Client;

use super::session::{PORTION, Said, Session};
use crate::Result;

/// A position is told only by opening the sequence, to those who may use or read it.
const POSITIONS: &str = "
SELECT c.oid, pg_catalog.pg_sequence_last_value(c.oid) AS last_value
FROM pg_catalog.pg_class c
WHERE c.oid = ANY ($2::pg_catalog.oid[]) AND c.relkind = 'S' AND CASE
  WHEN COALESCE(c.oid = ANY ($1::pg_catalog.oid[]), true) OR pg_catalog.pg_is_in_recovery() AND c.relpersistence = 'u' THEN false
  ELSE pg_catalog.has_sequence_privilege(c.oid, 'USAGE, SELECT') END";

/// Reads those of the inventory's sequences, whose OIDs `oids` are, in the same order.
pub(super) fn read(
    client: &mut Client,
    timeout: Option<Duration>,
    oids: &[u32],
    inventory: &mut Inventory,
    said: &mut Said,
) -> Result<()> {
    let mut positions: HashMap<u32, Option<i64>> = HashMap::with_capacity(oids.len());
    for portion in oids.chunks(PORTION) {
        let mut session = Session::begin(client, timeout)?;
        let rows = session.ask_in_portions("positions of sequences", POSITIONS, portion)?;
        for row in rows {
            positions.insert(row.get("oid"), row.get("last_value"));
        }
        said.add(session.finish());
    }
    for (sequence, oid) in inventory.sequences.iter_mut().zip(oids) {
        sequence.last_value = positions.remove(oid).flatten();
    }
    Ok(())
}
