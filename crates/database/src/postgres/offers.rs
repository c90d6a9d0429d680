//! What a target offers to a load: what its role may do, what stands in the schemas that are wanted, and which
//! extensions it has or could have. Reads system catalogs alone, so that a role without any privilege can ask.

use std::collections::HashMap;

use postgres::GenericClient;

use crate::{Error, Result};

/// A target as a load would find it.
#[derive(Clone, Debug)]
pub struct Offers {
    /// The role that asks.
    pub role: String,
    pub in_recovery: bool,
    /// `default_transaction_read_only`, which a role or a database can have for itself.
    pub read_only: bool,
    /// Whether the role has CREATE on the database.
    pub may_create: bool,
    /// Those of the wanted schemas that exist.
    pub schemas: Vec<SchemaOffer>,
    extensions: HashMap<String, ExtensionOffer>,
}

/// A schema that exists.
#[derive(Clone, Debug)]
pub struct SchemaOffer {
    pub name: String,
    /// Whether the role has CREATE on the schema.
    pub may_create: bool,
    /// Objects in it that belong to no extension.
    pub objects: u64,
}

/// An extension that is installed or could be.
#[derive(Clone, Debug)]
pub struct ExtensionOffer {
    pub installed: Option<InstalledExtension>,
    /// Whether the role could create it: it is trusted, or the role is superuser.
    pub may_create: bool,
}

#[derive(Clone, Debug)]
pub struct InstalledExtension {
    pub schema: String,
    pub version: String,
}

impl Offers {
    /// Reads what the session's role is offered, with what stands in `schemas`.
    pub fn read(client: &mut impl GenericClient, schemas: &[String]) -> Result<Offers> {
        const SESSION: &str = "SELECT current_user::pg_catalog.text AS role,
              pg_catalog.pg_is_in_recovery() AS in_recovery,
              pg_catalog.current_setting('default_transaction_read_only') = 'on' AS read_only,
              pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') AS may_create";
        let row = client
            .query_one(SESSION, &[])
            .map_err(Error::query("the target could not be examined"))?;
        Ok(Offers {
            role: row.get("role"),
            in_recovery: row.get("in_recovery"),
            read_only: row.get("read_only"),
            may_create: row.get("may_create"),
            schemas: read_schemas(client, schemas)?,
            extensions: read_extensions(client)?,
        })
    }

    /// `None` when the server does not know the extension.
    pub fn extension(&self, name: &str) -> Option<&ExtensionOffer> {
        self.extensions.get(name)
    }
}

impl InstalledExtension {
    /// Whether it is older than `wanted`; versions of another shape than `1.10` count as equal.
    pub fn is_older_than(&self, wanted: &str) -> bool {
        let numbers = |version: &str| {
            let parts = version.split('.').map(|it| it.parse::<u64>().ok());
            parts.collect::<Option<Vec<_>>>()
        };
        matches!((numbers(&self.version), numbers(wanted)), (Some(found), Some(wanted)) if found < wanted)
    }
}

fn read_schemas(client: &mut impl GenericClient, schemas: &[String]) -> Result<Vec<SchemaOffer>> {
    const SCHEMAS: &str = "
        SELECT n.nspname AS name, pg_catalog.has_schema_privilege(n.oid, 'CREATE') AS may_create,
          (SELECT pg_catalog.count(*) FROM pg_catalog.pg_depend d
           WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid = n.oid
             AND d.deptype = 'n' AND d.classid <> 'pg_catalog.pg_default_acl'::pg_catalog.regclass
             AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                             WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype = 'e')
             AND d.classid <> 'pg_catalog.pg_extension'::pg_catalog.regclass) AS objects
        FROM pg_catalog.pg_namespace n WHERE n.nspname = ANY ($1) ORDER BY n.nspname COLLATE \"C\"";
    let rows = client
        .query(SCHEMAS, &[&schemas])
        .map_err(Error::query("the target's schemas could not be examined"))?;
    let offers = rows.iter().map(|row| SchemaOffer {
        name: row.get("name"),
        may_create: row.get("may_create"),
        objects: row.get::<_, i64>("objects").unsigned_abs(),
    });
    Ok(offers.collect())
}

fn read_extensions(client: &mut impl GenericClient) -> Result<HashMap<String, ExtensionOffer>> {
    // An installed extension whose files are gone from the server is no longer among the available ones.
    const EXTENSIONS: &str = "
        SELECT COALESCE(e.extname, a.name)::pg_catalog.text AS name, n.nspname AS schema, e.extversion AS version,
          (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)
          OR EXISTS (SELECT FROM pg_catalog.pg_available_extension_versions v
                     WHERE v.name = a.name AND v.version = a.default_version AND v.trusted) AS may_create
        FROM pg_catalog.pg_available_extensions a
        FULL JOIN pg_catalog.pg_extension e ON e.extname = a.name
        LEFT JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace";
    let rows = client
        .query(EXTENSIONS, &[])
        .map_err(Error::query("the target's extensions could not be listed"))?;
    let offer = |row: &postgres::Row| {
        let schema: Option<String> = row.get("schema");
        let version: Option<String> = row.get("version");
        let installed = schema
            .zip(version)
            .map(|(schema, version)| InstalledExtension { schema, version });
        let may_create = row.get("may_create");
        (
            row.get("name"),
            ExtensionOffer {
                installed,
                may_create,
            },
        )
    };
    Ok(rows.iter().map(offer).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        for (version, wanted, older) in [
            ("1.9", "1.10", true),
            ("1.10", "1.9", false),
            ("1.6", "1.6", false),
            ("3.4.0dev", "3.5", false),
        ] {
            let (schema, version) = ("public".to_owned(), version.to_owned());
            let it = InstalledExtension { schema, version };
            assert_eq!(it.is_older_than(wanted), older, "{it:?} {wanted}");
        }
    }
}
