//! What is known of a target before anything is loaded into it: names that are taken, roles, settings, room for
//! connections. Reads system catalogs alone, so that a role without any privilege can ask; nothing is locked.

use std::collections::{BTreeMap, BTreeSet};

use inventory::{Publication, Role};
use postgres::{GenericClient, Row};

use crate::{Error, Result};

/// A target's server and what stands in the schemas that are wanted.
#[derive(Clone, Debug, Default)]
pub struct TargetFacts {
    pub max_connections: u32,
    /// Of them kept back for superusers and, from PostgreSQL 16 on, for `pg_use_reserved_connections`.
    pub reserved_connections: u32,
    /// To the whole server, ours left out.
    pub connections: u32,
    /// `datconnlimit`; `None` without a limit.
    pub connection_limit: Option<u32>,
    /// `pg_control_system().system_identifier`; `None` where it may not be read.
    pub cluster: Option<String>,
    /// What the database's collation is by the operating system's own account, where it tells; and what was recorded.
    pub collation_version: Option<String>,
    pub collation_actual_version: Option<String>,
    /// All roles of the server; what they own and were granted is not counted.
    pub roles: Vec<Role>,
    /// As a new session of the role that asks has them.
    pub settings: BTreeMap<String, String>,
    /// Everything in the wanted schemas.
    pub names: Vec<TakenName>,
    /// Schema and name of all collations that text of this database can have.
    pub collations: BTreeSet<(String, String)>,
    /// Words that are no names without quotes: `pg_get_keywords` with their `catcode`.
    pub keywords: BTreeMap<String, char>,
    /// The version of each extension that CREATE EXTENSION would take.
    pub available: BTreeMap<String, String>,
    pub publications: Vec<Publication>,
    /// Servers of foreign data wrappers.
    pub foreign_servers: BTreeSet<String>,
    pub event_triggers: BTreeSet<String>,
}

/// An object that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenName {
    pub schema: String,
    pub name: String,
    pub space: NameSpace,
    /// `table`, `view`, `type`, `function`, …
    pub kind: String,
    /// Of routines: as `pg_get_function_identity_arguments` writes them, without names.
    pub arguments: Option<String>,
}

/// Which system catalog keeps names apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameSpace {
    /// `pg_class`
    Relation,
    /// `pg_type`: a table has a type of its name, too.
    Type,
    /// `pg_proc`
    Routine,
}

/// Settings that change what text or SQL means.
pub const MEANING: [&str; 17] = [
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "array_nulls",
    "backslash_quote",
    "bytea_output",
    "default_table_access_method",
    "default_text_search_config",
    "default_transaction_isolation",
    "escape_string_warning",
    "extra_float_digits",
    "lc_messages",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "standard_conforming_strings",
    "transform_null_equals",
];

impl TargetFacts {
    /// Reads what the session's role may know, with the names in `schemas`.
    pub fn read(client: &mut impl GenericClient, schemas: &[String]) -> Result<TargetFacts> {
        let mut facts = read_server(client)?;
        facts.cluster = cluster(client)?;
        facts.settings = pairs(
            client,
            "SELECT name, reset_val FROM pg_catalog.pg_settings WHERE name = ANY ($1)",
            &[&MEANING.as_slice()],
        )?;
        facts.available = pairs(
            client,
            "SELECT name::pg_catalog.text, default_version FROM pg_catalog.pg_available_extensions
             WHERE default_version IS NOT NULL",
            &[],
        )?;
        facts.keywords = client
            .query(
                "SELECT word, catcode::pg_catalog.text FROM pg_catalog.pg_get_keywords() WHERE catcode <> 'U'",
                &[],
            )
            .map_err(failed)?
            .iter()
            .map(|row| {
                let code: &str = row.get(1);
                (row.get(0), code.chars().next().unwrap_or('U'))
            })
            .collect();
        facts.roles = client
            .query(ROLES, &[])
            .map_err(failed)?
            .iter()
            .map(role)
            .collect();
        facts.names = client
            .query(NAMES, &[&schemas])
            .map_err(failed)?
            .iter()
            .map(taken)
            .collect();
        facts.collations = client
            .query(COLLATIONS, &[])
            .map_err(failed)?
            .iter()
            .map(|row| (row.get(0), row.get(1)))
            .collect();
        for row in &client.query(OF_DATABASE, &[]).map_err(failed)? {
            let name: String = row.get("name");
            match row.get::<_, &str>("kind") {
                "publication" => facts.publications.push(Publication {
                    name,
                    ..Publication::default()
                }),
                "server" => _ = facts.foreign_servers.insert(name),
                _ => _ = facts.event_triggers.insert(name),
            }
        }
        Ok(facts)
    }

    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|it| it.name == name)
    }
}

/// Columns and settings that only some versions have are looked up by name.
const SERVER: &str = "
SELECT d.datconnlimit AS connection_limit, pg_catalog.to_jsonb(d) ->> 'datcollversion' AS recorded,
  CASE WHEN pg_catalog.to_regproc('pg_catalog.pg_database_collation_actual_version') IS NULL THEN NULL
       ELSE (SELECT pg_catalog.pg_collation_actual_version(c.oid) FROM pg_catalog.pg_collation c
             WHERE c.collname = 'default' AND c.collnamespace = 'pg_catalog'::pg_catalog.regnamespace) END AS actual,
  (SELECT s.setting::pg_catalog.int8 FROM pg_catalog.pg_settings s WHERE s.name = 'max_connections') AS max_connections,
  (SELECT pg_catalog.sum(s.setting::pg_catalog.int8)::pg_catalog.int8 FROM pg_catalog.pg_settings s
   WHERE s.name IN ('superuser_reserved_connections', 'reserved_connections')) AS reserved,
  (SELECT COALESCE(pg_catalog.sum(b.numbackends), 0)::pg_catalog.int8 FROM pg_catalog.pg_stat_database b) AS connections
FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()";

const ROLES: &str = "
SELECT r.rolname::pg_catalog.text AS name, r.rolsuper, r.rolcanlogin, r.rolbypassrls, r.rolconnlimit,
  ARRAY(SELECT g.rolname::pg_catalog.text FROM pg_catalog.pg_auth_members m
        JOIN pg_catalog.pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid ORDER BY 1) AS member_of
FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^pg_' ORDER BY r.rolname COLLATE \"C\"";

/// What belongs to an extension takes a name, too. Row types and arrays of tables are told as the tables.
const NAMES: &str = "
WITH wanted AS (SELECT n.oid, n.nspname::pg_catalog.text AS schema FROM pg_catalog.pg_namespace n
                WHERE n.nspname = ANY ($1))
SELECT w.schema, c.relname::pg_catalog.text AS name, 'relation' AS space,
  CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'i' THEN 'index'
    WHEN 'I' THEN 'index' WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'type' ELSE 'table' END AS kind,
  NULL::pg_catalog.text AS arguments
FROM pg_catalog.pg_class c JOIN wanted w ON w.oid = c.relnamespace
UNION ALL
SELECT w.schema, t.typname::pg_catalog.text, 'type', CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, NULL
FROM pg_catalog.pg_type t JOIN wanted w ON w.oid = t.typnamespace
WHERE t.typrelid = 0 AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = t.oid)
UNION ALL
SELECT w.schema, p.proname::pg_catalog.text, 'routine',
  CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
  (SELECT COALESCE(pg_catalog.string_agg(pg_catalog.format_type(a.type, NULL), ', ' ORDER BY a.place), '')
   FROM pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) WITH ORDINALITY AS a (type, place))
FROM pg_catalog.pg_proc p JOIN wanted w ON w.oid = p.pronamespace
ORDER BY 1, 2, 3";

const COLLATIONS: &str = "
SELECT n.nspname::pg_catalog.text, c.collname::pg_catalog.text FROM pg_catalog.pg_collation c
JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
WHERE c.collencoding IN (-1, d.encoding)";

/// Names that a database has once, whatever the schema.
const OF_DATABASE: &str = "
SELECT 'publication' AS kind, pubname::pg_catalog.text AS name FROM pg_catalog.pg_publication
UNION ALL SELECT 'server', srvname::pg_catalog.text FROM pg_catalog.pg_foreign_server
UNION ALL SELECT 'event trigger', evtname::pg_catalog.text FROM pg_catalog.pg_event_trigger ORDER BY 1, 2";

fn failed(error: postgres::Error) -> Error {
    Error::query("the target could not be examined")(error)
}

fn read_server(client: &mut impl GenericClient) -> Result<TargetFacts> {
    let row = client.query_one(SERVER, &[]).map_err(failed)?;
    let number = |name: &str| {
        let number: Option<i64> = row.get(name);
        u32::try_from(number.unwrap_or_default()).unwrap_or_default()
    };
    Ok(TargetFacts {
        max_connections: number("max_connections"),
        reserved_connections: number("reserved"),
        // Ours is one of them.
        connections: number("connections").saturating_sub(1),
        connection_limit: u32::try_from(row.get::<_, i32>("connection_limit")).ok(),
        collation_version: row.get("recorded"),
        collation_actual_version: row.get("actual"),
        ..TargetFacts::default()
    })
}

/// Not everybody may call the function, and a failed call would end the transaction.
fn cluster(client: &mut impl GenericClient) -> Result<Option<String>> {
    let may = client
        .query_one(
            "SELECT pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')",
            &[],
        )
        .map_err(failed)?;
    if !may.get::<_, bool>(0) {
        return Ok(None);
    }
    let sql = "SELECT system_identifier::pg_catalog.text FROM pg_catalog.pg_control_system()";
    Ok(Some(client.query_one(sql, &[]).map_err(failed)?.get(0)))
}

fn pairs(
    client: &mut impl GenericClient,
    sql: &str,
    parameters: &[&(dyn postgres::types::ToSql + Sync)],
) -> Result<BTreeMap<String, String>> {
    let rows = client.query(sql, parameters).map_err(failed)?;
    let pair = |row: &Row| (row.get(0), row.get::<_, Option<String>>(1).unwrap_or_default());
    Ok(rows.iter().map(pair).collect())
}

fn role(row: &Row) -> Role {
    Role {
        name: row.get("name"),
        superuser: row.get("rolsuper"),
        login: row.get("rolcanlogin"),
        bypass_row_security: row.get("rolbypassrls"),
        connection_limit: u32::try_from(row.get::<_, i32>("rolconnlimit")).ok(),
        member_of: row.get("member_of"),
        ..Role::default()
    }
}

fn taken(row: &Row) -> TakenName {
    TakenName {
        schema: row.get("schema"),
        name: row.get("name"),
        space: match row.get::<_, &str>("space") {
            "relation" => NameSpace::Relation,
            "type" => NameSpace::Type,
            _ => NameSpace::Routine,
        },
        kind: row.get("kind"),
        arguments: row.get("arguments"),
    }
}
