//! Large objects in the journal: they have no schema, so it knows each by its OID and by the transaction that made it.

use cli::Result;
use postgres::{GenericClient, Transaction};

use super::{LARGE_OBJECTS, Run, can_look};
use crate::target::failed;

/// Notes large objects in the transaction that makes them.
pub(crate) fn note_large_objects(transaction: &mut Transaction<'_>, run: &Run, oids: &[u32]) -> Result<()> {
    transaction
        .execute(
            "INSERT INTO coalesce.large_object (run, oid, made_by)
             SELECT $1, x.oid, pg_catalog.pg_current_xact_id() FROM pg_catalog.unnest($2::pg_catalog.oid[]) AS x (oid)",
            &[&run.id, &oids],
        )
        .map(drop)
        .map_err(|error| failed("the journal could not be written", error))
}

/// The runs that made large objects of `oids` and did not end, each with what `load --abandon` knows it by.
pub(crate) fn unfinished_makers(client: &mut impl GenericClient, oids: &[u32]) -> Result<Vec<(i64, String)>> {
    const MAKERS: &str = "
        SELECT r.id, COALESCE(r.schemas[1], $2) FROM coalesce.run r
        WHERE r.state = 'loading'
          AND EXISTS (SELECT FROM coalesce.large_object o WHERE o.run = r.id AND o.oid = ANY ($1))
        ORDER BY r.id";
    let step = "the journal could not be read";
    if !can_look(client, "large_object").map_err(|error| failed(step, error))? {
        return Ok(Vec::new());
    }
    let rows = client
        .query(MAKERS, &[&oids, &LARGE_OBJECTS])
        .map_err(|error| failed(step, error))?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// The OIDs of the large objects that a run which did not end has made, ascending.
pub(crate) fn large_objects(client: &mut impl GenericClient, run: &Run) -> Result<Vec<u32>> {
    let step = "the journal could not be read";
    if !can_look(client, "large_object").map_err(|error| failed(step, error))? {
        return Ok(Vec::new());
    }
    let rows = client
        .query(
            "SELECT oid FROM coalesce.large_object WHERE run = $1 ORDER BY oid",
            &[&run.id],
        )
        .map_err(|error| failed(step, error))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Those of `oids` that are still what the run has made, and those that are something else now.
///
/// An OID can be given again after its object was removed, so the row in the system's catalog must be the one that
/// the run's own transaction wrote, and its owner the role that loads.
pub(crate) fn own_large_objects(
    client: &mut impl GenericClient,
    run: &Run,
    oids: &[u32],
) -> Result<(Vec<u32>, Vec<u32>)> {
    const EXISTING: &str = "
        SELECT m.oid, m.xmin = o.made_by::pg_catalog.xid
          AND m.lomowner = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = $3) AS own
        FROM coalesce.large_object o JOIN pg_catalog.pg_largeobject_metadata m ON m.oid = o.oid
        WHERE o.run = $1 AND o.oid = ANY ($2) ORDER BY m.oid";
    if oids.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let rows = client
        .query(EXISTING, &[&run.id, &oids, &run.role])
        .map_err(|error| failed("the large objects could not be examined", error))?;
    let (own, others): (Vec<_>, Vec<_>) = rows
        .iter()
        .partition(|row| row.get::<_, Option<bool>>("own").unwrap_or(false));
    let oids = |rows: Vec<&postgres::Row>| rows.into_iter().map(|row| row.get("oid")).collect();
    Ok((oids(own), oids(others)))
}
