//! What a role may not read of what a dump of everything would read.

use catalog::{ObjectKind, QualifiedName};
use postgres::GenericClient;

use crate::{Error, Result};

/// Something that the session's role may not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// A table or a sequence.
    pub kind: ObjectKind,
    pub name: QualifiedName,
    pub why: Hindrance,
}

/// What keeps a role from reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindrance {
    NoUsageOnSchema,
    NoSelect,
    /// Policies would hide rows from it.
    RowSecurity,
}

/// What belongs to an extension comes with it, but for its configuration tables, which are told when they are dumped.
const UNREADABLE: &str = "
SELECT c.relkind = 'S' AS is_sequence, n.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS name,
       pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS usage,
       pg_catalog.has_table_privilege(c.oid, 'SELECT') AS readable
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e' AND d.objid = c.oid
                  AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
  AND NOT (pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
           AND NOT (c.relrowsecurity AND pg_catalog.row_security_active(c.oid)))
ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"";

/// All of it, by system catalogs alone.
pub fn read_unreadable(client: &mut impl GenericClient) -> Result<Vec<Unreadable>> {
    let rows = client
        .query(UNREADABLE, &[])
        .map_err(Error::query("the privileges on tables could not be read"))?;
    Ok(rows
        .iter()
        .map(|row| Unreadable {
            kind: if row.get("is_sequence") {
                ObjectKind::Sequence
            } else {
                ObjectKind::Table
            },
            name: QualifiedName::new(row.get::<_, String>("schema"), row.get::<_, String>("name")),
            why: match (row.get("usage"), row.get("readable")) {
                (false, _) => Hindrance::NoUsageOnSchema,
                (true, false) => Hindrance::NoSelect,
                (true, true) => Hindrance::RowSecurity,
            },
        })
        .collect())
}
