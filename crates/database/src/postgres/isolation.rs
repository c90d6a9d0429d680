//! Who can reach what in a database: roles, grants, owners and settings, as the catalogs have them. Everybody may read these.

use catalog::parse_search_path;
use postgres::{GenericClient, Row};

use crate::{Error, Result};

/// Everything that decides who sees whose objects. Objects of extensions and of the system are not in it.
#[derive(Clone, Debug, Default)]
pub struct Access {
    pub roles: Vec<Role>,
    pub schemas: Vec<SchemaAccess>,
    /// Grants to others than the owner.
    pub grants: Vec<Grant>,
    pub defaults: Vec<DefaultGrant>,
    pub large_objects: Vec<LargeObjectAccess>,
    /// Settings of `search_path`.
    pub paths: Vec<PathSetting>,
    /// Whether `lo_compat_privileges` opens large objects to everybody.
    pub large_objects_are_open: bool,
}

/// A role of the cluster that is no superuser's invention of PostgreSQL (`pg_…`).
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of the catalog by itself"
)]
#[derive(Clone, Debug)]
pub struct Role {
    pub name: String,
    pub is_superuser: bool,
    pub can_create_roles: bool,
    pub bypasses_row_security: bool,
    pub replicates: bool,
    pub can_login: bool,
    pub owns_database: bool,
    /// Roles whose rights it has or can take, the direct ones; PostgreSQL's own among them.
    pub member_of: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct SchemaAccess {
    pub name: String,
    /// Whether an extension lives there.
    pub has_extensions: bool,
    /// Owners of the schema and of what is in it.
    pub owners: Vec<String>,
}

/// Privileges on one object that one role has.
#[derive(Clone, Debug)]
pub struct Grant {
    /// As in GRANT: `SCHEMA`, `TABLE`, `SEQUENCE`, `FUNCTION`, `PROCEDURE`, `DATABASE`.
    pub kind: String,
    /// `None` for the database.
    pub schema: Option<String>,
    /// As SQL, with its schema.
    pub object: String,
    /// Of one column, as SQL.
    pub column: Option<String>,
    pub privileges: Vec<String>,
    /// `None` is PUBLIC.
    pub grantee: Option<String>,
    /// Whether it runs as its owner.
    pub runs_as_owner: bool,
    /// What PostgreSQL gives to PUBLIC unless somebody takes it.
    pub is_built_in: bool,
}

/// Privileges on what a role will make.
#[derive(Clone, Debug)]
pub struct DefaultGrant {
    pub maker: String,
    pub schema: Option<String>,
    /// `TABLES`, `SEQUENCES`, `FUNCTIONS`, `TYPES`, `SCHEMAS`.
    pub kind: String,
    pub privileges: Vec<String>,
    pub grantee: Option<String>,
}

/// Large objects that are open to the same roles.
#[derive(Clone, Debug)]
pub struct LargeObjectAccess {
    pub owner: String,
    /// Others than the owner; `None` is PUBLIC.
    pub grantees: Vec<Option<String>>,
    pub count: u64,
    /// The lowest.
    pub oid: u32,
}

#[derive(Clone, Debug)]
pub struct PathSetting {
    /// `None` for all sessions of the database.
    pub role: Option<String>,
    pub path: Vec<String>,
}

const ROLES: &str = "
SELECT r.rolname::pg_catalog.text AS name, r.rolsuper, r.rolcreaterole, r.rolbypassrls, r.rolreplication, r.rolcanlogin,
       EXISTS (SELECT FROM pg_catalog.pg_database d
               WHERE d.datname = pg_catalog.current_database() AND d.datdba = r.oid) AS owns_database,
       ARRAY(SELECT g.rolname::pg_catalog.text FROM pg_catalog.pg_auth_members m
             JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
             WHERE m.member = r.oid
               AND (COALESCE((pg_catalog.to_jsonb(m) ->> 'inherit_option')::pg_catalog.bool, true)
                 OR COALESCE((pg_catalog.to_jsonb(m) ->> 'set_option')::pg_catalog.bool, true))
             GROUP BY 1 ORDER BY 1) AS member_of
FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^pg_' ORDER BY r.rolname COLLATE \"C\"";

/// What is the user's.
const NAMESPACES: &str = "
WITH namespaces AS (
  SELECT n.* FROM pg_catalog.pg_namespace n
  WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e' AND d.objid = n.oid
                    AND d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass)
), relations AS (
  SELECT c.*, n.nspname FROM pg_catalog.pg_class c JOIN namespaces n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e' AND d.objid = c.oid
                    AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
), routines AS (
  SELECT p.*, n.nspname FROM pg_catalog.pg_proc p JOIN namespaces n ON n.oid = p.pronamespace
  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e' AND d.objid = p.oid
                    AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass)
)";

const SCHEMAS: &str = "
SELECT n.nspname::pg_catalog.text AS name,
       EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE e.extnamespace = n.oid) AS has_extensions,
       ARRAY(SELECT pg_catalog.pg_get_userbyid(o.owner)::pg_catalog.text
             FROM (SELECT n.nspowner AS owner UNION SELECT c.relowner FROM relations c WHERE c.relnamespace = n.oid
                   UNION SELECT p.proowner FROM routines p WHERE p.pronamespace = n.oid) o ORDER BY 1) AS owners
FROM namespaces n ORDER BY n.nspname COLLATE \"C\"";

const GRANTS: &str = ", acls AS (
  SELECT 'SCHEMA' AS kind, n.nspname AS schema, pg_catalog.quote_ident(n.nspname) AS object, NULL AS attribute,
         n.nspacl AS acl, n.nspowner AS owner, false AS definer, false AS built_in
  FROM namespaces n
  UNION ALL
  SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.nspname,
         pg_catalog.concat(pg_catalog.quote_ident(c.nspname), '.', pg_catalog.quote_ident(c.relname)), NULL,
         c.relacl, c.relowner, false, false
  FROM relations c
  UNION ALL
  SELECT 'TABLE', c.nspname,
         pg_catalog.concat(pg_catalog.quote_ident(c.nspname), '.', pg_catalog.quote_ident(c.relname)),
         pg_catalog.quote_ident(a.attname), a.attacl, c.relowner, false, false
  FROM relations c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped
  UNION ALL
  SELECT CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, p.nspname, i.identity, NULL,
         COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner)), p.proowner, p.prosecdef, true
  FROM routines p
  CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, 0) i
  UNION ALL
  SELECT 'DATABASE', NULL, pg_catalog.quote_ident(d.datname), NULL,
         COALESCE(d.datacl, pg_catalog.acldefault('d', d.datdba)), d.datdba, false, false
  FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
)
SELECT a.kind, a.schema::pg_catalog.text AS schema, a.object, a.attribute, a.definer,
       a.built_in AND x.grantee = 0 AS built_in,
       CASE WHEN x.grantee <> 0 THEN pg_catalog.pg_get_userbyid(x.grantee)::pg_catalog.text END AS grantee,
       pg_catalog.array_agg(DISTINCT x.privilege_type ORDER BY x.privilege_type) AS privileges
FROM acls a CROSS JOIN LATERAL pg_catalog.aclexplode(a.acl) x
WHERE x.grantee <> a.owner
GROUP BY 1, 2, 3, 4, 5, 6, 7
ORDER BY 2 NULLS FIRST, 1, 3, 4, 7";

const DEFAULTS: &str = "
SELECT pg_catalog.pg_get_userbyid(d.defaclrole)::pg_catalog.text AS maker, n.nspname::pg_catalog.text AS schema,
       CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
                            WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END AS kind,
       CASE WHEN x.grantee <> 0 THEN pg_catalog.pg_get_userbyid(x.grantee)::pg_catalog.text END AS grantee,
       pg_catalog.array_agg(DISTINCT x.privilege_type ORDER BY x.privilege_type) AS privileges
FROM pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) x
WHERE x.grantee <> d.defaclrole
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4";

const LARGE_OBJECTS: &str = "
WITH objects AS (
  SELECT m.oid, pg_catalog.pg_get_userbyid(m.lomowner)::pg_catalog.text AS owner,
         ARRAY(SELECT DISTINCT CASE WHEN x.grantee <> 0 THEN pg_catalog.pg_get_userbyid(x.grantee)::pg_catalog.text END
               FROM pg_catalog.aclexplode(m.lomacl) x WHERE x.grantee <> m.lomowner ORDER BY 1) AS grantees
  FROM pg_catalog.pg_largeobject_metadata m
)
SELECT o.owner, o.grantees, pg_catalog.count(*) AS count, pg_catalog.min(o.oid) AS oid
FROM objects o GROUP BY 1, 2 ORDER BY 4";

/// Of this database, and of roles wherever they are.
const PATHS: &str = "
SELECT r.rolname::pg_catalog.text AS role,
       pg_catalog.substr(c.entry, pg_catalog.length('search_path=') + 1) AS setting
FROM pg_catalog.pg_db_role_setting s
JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database() AND s.setdatabase IN (0, d.oid)
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c (entry)
WHERE c.entry LIKE 'search\\_path=%' AND (s.setrole = 0) = (r.oid IS NULL)
ORDER BY r.rolname COLLATE \"C\" NULLS FIRST, s.setdatabase DESC";

/// Reads all of it.
pub fn read_access(client: &mut impl GenericClient) -> Result<Access> {
    let mut ask = |sql: &str| {
        client
            .query(sql, &[])
            .map_err(Error::query("the roles and their privileges could not be read"))
    };
    let roles = ask(ROLES)?.iter().map(role).collect();
    let schemas = ask(&format!("{NAMESPACES}{SCHEMAS}"))?
        .iter()
        .map(schema)
        .collect();
    let grants = ask(&format!("{NAMESPACES}{GRANTS}"))?.iter().map(grant).collect();
    let defaults = ask(DEFAULTS)?.iter().map(default_grant).collect();
    let large_objects = ask(LARGE_OBJECTS)?.iter().map(large_objects).collect();
    let mut paths: Vec<PathSetting> = ask(PATHS)?.iter().map(path).collect();
    // A role's setting in this database goes before its other one.
    paths.dedup_by(|later, former| later.role == former.role);
    let open = ask("SELECT pg_catalog.current_setting('lo_compat_privileges') = 'on'")?;
    Ok(Access {
        roles,
        schemas,
        grants,
        defaults,
        large_objects,
        paths,
        large_objects_are_open: open.first().is_some_and(|row| row.get(0)),
    })
}

fn role(row: &Row) -> Role {
    Role {
        name: row.get("name"),
        is_superuser: row.get("rolsuper"),
        can_create_roles: row.get("rolcreaterole"),
        bypasses_row_security: row.get("rolbypassrls"),
        replicates: row.get("rolreplication"),
        can_login: row.get("rolcanlogin"),
        owns_database: row.get("owns_database"),
        member_of: row.get("member_of"),
    }
}

fn schema(row: &Row) -> SchemaAccess {
    SchemaAccess {
        name: row.get("name"),
        has_extensions: row.get("has_extensions"),
        owners: row.get("owners"),
    }
}

fn grant(row: &Row) -> Grant {
    Grant {
        kind: row.get("kind"),
        schema: row.get("schema"),
        object: row.get("object"),
        column: row.get("attribute"),
        privileges: row.get("privileges"),
        grantee: row.get("grantee"),
        runs_as_owner: row.get("definer"),
        is_built_in: row.get("built_in"),
    }
}

fn default_grant(row: &Row) -> DefaultGrant {
    DefaultGrant {
        maker: row.get("maker"),
        schema: row.get("schema"),
        kind: row.get("kind"),
        privileges: row.get("privileges"),
        grantee: row.get("grantee"),
    }
}

fn large_objects(row: &Row) -> LargeObjectAccess {
    LargeObjectAccess {
        owner: row.get("owner"),
        grantees: row.get("grantees"),
        count: u64::try_from(row.get::<_, i64>("count")).unwrap_or_default(),
        oid: row.get("oid"),
    }
}

fn path(row: &Row) -> PathSetting {
    let role: Option<String> = row.get("role");
    PathSetting {
        path: parse_search_path(row.get("setting"), role.as_deref().unwrap_or_default()),
        role,
    }
}
