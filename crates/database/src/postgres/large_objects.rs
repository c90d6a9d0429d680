//! Large objects: what there is, which of it a role may read, and the bytes as rows.
//!
//! `pg_largeobject` itself is for superusers, so the bytes come from `lo_get`, which asks for SELECT on each object.
//! Before PostgreSQL 19 `pg_read_all_data` does not give that.

use std::collections::HashMap;
use std::fmt::Write as _;

use catalog::{
    Catalog, LargeObject, LargeObjectGrant, LargeObjectPrivilege, PIECE_BYTES, large_objects_table,
    oid_ranges,
};
use postgres::{GenericClient, Row};

use super::rows::Extent;
use crate::{Error, ErrorKind, Result};

/// Ranges of OIDs that a message names when it is not asked for each.
const NAMED_MAX: usize = 8;

/// Parts into which many large objects are cut, so that several sessions read them.
const PARTS_MAX: usize = 32;

/// Fewer are not worth a part.
const PART_OBJECTS_MIN: usize = 16;

const OBJECTS: &str = "
SELECT m.oid, pg_catalog.pg_get_userbyid(m.lomowner)::pg_catalog.text AS owner,
       (SELECT d.description FROM pg_catalog.pg_description d
        WHERE d.objoid = m.oid AND d.classoid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass) AS comment
FROM pg_catalog.pg_largeobject_metadata m ORDER BY m.oid";

/// What others than the owner may do; roles that are gone hold nothing.
const GRANTS: &str = "
SELECT m.oid, r.rolname::pg_catalog.text AS grantee, a.privilege_type AS privilege, a.is_grantable
FROM pg_catalog.pg_largeobject_metadata m CROSS JOIN LATERAL pg_catalog.aclexplode(m.lomacl) a
LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
WHERE a.grantee <> m.lomowner AND (a.grantee = 0 OR r.oid IS NOT NULL)
ORDER BY m.oid, r.rolname, a.privilege_type";

/// Adds all large objects that the session sees, and the table as whose rows they are read.
pub fn add_large_objects(client: &mut impl GenericClient, catalog: &mut Catalog) -> Result<()> {
    let failed = || Error::query("the large objects could not be listed");
    let rows = client.query(OBJECTS, &[]).map_err(failed())?;
    if rows.is_empty() {
        return Ok(());
    }
    let mut grants: HashMap<u32, Vec<LargeObjectGrant>> = HashMap::new();
    for row in client.query(GRANTS, &[]).map_err(failed())? {
        grants.entry(row.get("oid")).or_default().push(grant(&row));
    }
    let object = |row: &Row| {
        let oid = row.get("oid");
        LargeObject {
            oid,
            owner: row.get("owner"),
            comment: row.get("comment"),
            grants: grants.remove(&oid).unwrap_or_default(),
        }
    };
    catalog.large_objects = rows.iter().map(object).collect();
    let size = "SELECT pg_catalog.pg_table_size('pg_catalog.pg_largeobject'::pg_catalog.regclass)";
    let bytes: i64 = client.query_one(size, &[]).map_err(failed())?.get(0);
    catalog.push_table(large_objects_table(0, bytes.unsigned_abs()));
    Ok(())
}

fn grant(row: &Row) -> LargeObjectGrant {
    LargeObjectGrant {
        to: row.get("grantee"),
        privilege: match row.get("privilege") {
            "UPDATE" => LargeObjectPrivilege::Update,
            _ => LargeObjectPrivilege::Select,
        },
        with_grant_option: row.get("is_grantable"),
    }
}

/// The OIDs of all large objects, ascending.
pub fn large_object_oids(client: &mut impl GenericClient) -> Result<Vec<u32>> {
    let rows = client
        .query(
            "SELECT oid FROM pg_catalog.pg_largeobject_metadata ORDER BY oid",
            &[],
        )
        .map_err(Error::query("the large objects could not be listed"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Refuses what the session's role may not read, of all large objects or of those with ascending OIDs `among`; the
/// error names the first of them, or each.
pub fn check_large_objects_readable(
    client: &mut impl GenericClient,
    among: Option<&[u32]>,
    names_each: bool,
) -> Result<()> {
    let mut oids = unreadable_large_objects(client)?;
    oids.retain(|oid| among.is_none_or(|it| it.binary_search(oid).is_ok()));
    let Some(first) = oids.first() else {
        return Ok(());
    };
    let ranges = oid_ranges(&oids);
    let named = if names_each { ranges.len() } else { NAMED_MAX };
    let list = ranges[..named.min(ranges.len())].join(", ");
    let more = if named < ranges.len() {
        " and more (--verbose names each)"
    } else {
        ""
    };
    let message = format!(
        "{} large objects may not be read by this role: {list}{more}",
        oids.len()
    );
    Err(Error::new(ErrorKind::Unsupported, message).with_hint(format!(
        "pg_read_all_data does not cover them before PostgreSQL 19: GRANT SELECT ON LARGE OBJECT {first} TO the role, \
         and so for each, or let a superuser run ALTER ROLE … SET lo_compat_privileges = on, or leave all of them out \
         with --no-large-objects"
    )))
}

/// The OIDs of the large objects that the session's role may not read, ascending.
fn unreadable_large_objects(client: &mut impl GenericClient) -> Result<Vec<u32>> {
    const KNOWS: &str = "SELECT pg_catalog.to_regprocedure(
        'pg_catalog.has_largeobject_privilege(pg_catalog.oid, pg_catalog.text)') IS NOT NULL";
    const ASKED: &str = "SELECT m.oid FROM pg_catalog.pg_largeobject_metadata m
        WHERE NOT pg_catalog.has_largeobject_privilege(m.oid, 'SELECT')";
    // What the server computes in `lo_open` ("Privileges" in the manual); PUBLIC has the OID 0.
    const COMPUTED: &str = "SELECT m.oid FROM pg_catalog.pg_largeobject_metadata m
        WHERE NOT (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)
          AND NOT EXISTS (
            SELECT FROM pg_catalog.aclexplode(COALESCE(m.lomacl, pg_catalog.acldefault('L', m.lomowner))) a
            WHERE a.privilege_type = 'SELECT'
              AND CASE a.grantee WHEN 0 THEN true ELSE pg_catalog.pg_has_role(a.grantee, 'USAGE') END)";
    let failed = || Error::query("the privileges on large objects could not be read");
    let knows: bool = client.query_one(KNOWS, &[]).map_err(failed())?.get(0);
    let missing = if knows { ASKED } else { COMPUTED };
    // With lo_compat_privileges the server asks for nothing.
    let sql =
        format!("{missing} AND pg_catalog.current_setting('lo_compat_privileges') = 'off' ORDER BY m.oid");
    let rows = client.query(&sql, &[]).map_err(failed())?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The table that stands for all large objects, in parts that can be read beside each other.
pub fn large_object_parts(objects: &[LargeObject]) -> Vec<Extent> {
    let in_part = objects.len().div_ceil(PARTS_MAX).max(PART_OBJECTS_MIN);
    let part = |objects: &[LargeObject]| {
        let (first, last) = (objects.first()?.oid, objects.last()?.oid);
        Some(with_condition(format!("m.oid BETWEEN {first} AND {last}")))
    };
    objects.chunks(in_part).filter_map(part).collect()
}

/// The part of that table that holds the large objects with these OIDs.
pub fn large_objects_among(oids: &[u32]) -> Extent {
    let mut list = String::with_capacity(oids.len() * 8);
    for (place, oid) in oids.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        let _ = write!(list, "{comma}{oid}");
    }
    with_condition(format!("m.oid = ANY ('{{{list}}}'::pg_catalog.oid[])"))
}

fn with_condition(condition: String) -> Extent {
    Extent {
        condition: Some(condition),
        ..Extent::default()
    }
}

/// The statement that reads them: (OID, number of the piece, bytes). A piece of zeros alone is left out where
/// another one follows, so that the holes of a sparse object are not written to.
///
/// An object is opened to learn its size, and closed at once: the server keeps what is open until the end of the
/// transaction. `OFFSET 0` keeps the steps apart and in their order, each row going through all of them. They must
/// not become joins: PostgreSQL would remember what a joined subquery gave for a value that it has seen (Memoize), and
/// descriptors are the same for one object after the other. So the size is tried without a descriptor too: there must
/// be a byte before it and none behind it, or the statement fails (closing what is not open is an error).
pub(super) fn copy_out_sql(condition: Option<&str>, format: &str) -> String {
    let condition = condition.unwrap_or("true");
    format!(
        "COPY (
           SELECT d.oid, d.number::pg_catalog.int4, d.data
           FROM (
             SELECT p.oid, p.number, p.bytes,
                    pg_catalog.lo_get(p.oid, p.number * {PIECE_BYTES}, {PIECE_BYTES}) AS data
             FROM (
               SELECT c.oid, c.bytes, n.number
               FROM (
                 SELECT s.oid, s.bytes, pg_catalog.lo_close(s.fd) AS closed
                 FROM (
                   SELECT o.oid, o.fd, pg_catalog.lo_lseek64(o.fd, 0, 2) AS bytes
                   FROM (
                     SELECT m.oid, pg_catalog.lo_open(m.oid, 262144) AS fd
                     FROM pg_catalog.pg_largeobject_metadata m WHERE {condition} OFFSET 0) o OFFSET 0) s OFFSET 0) c
               CROSS JOIN LATERAL pg_catalog.generate_series(
                 0, (c.bytes + {PIECE_BYTES} - 1) / {PIECE_BYTES} - 1) AS n (number)
               WHERE CASE WHEN c.closed = 0
                           AND pg_catalog.octet_length(pg_catalog.lo_get(c.oid, c.bytes, 1)) = 0
                           AND (c.bytes = 0 OR pg_catalog.octet_length(pg_catalog.lo_get(c.oid, c.bytes - 1, 1)) = 1)
                          THEN true ELSE pg_catalog.lo_close(-1) = 0 END) p
             OFFSET 0) d
           WHERE (d.number + 1) * {PIECE_BYTES} >= d.bytes
              OR d.data <> pg_catalog.decode(pg_catalog.repeat('00', {PIECE_BYTES}), 'hex')
         ) TO STDOUT (FORMAT {format})"
    )
}
