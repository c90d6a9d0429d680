//! PL/pgSQL routines and what checks them: the extension `plpgsql_check`, where the database has it.

use catalog::{parse_search_path, quote_ident, quote_literal};
use postgres::{GenericClient, SimpleQueryMessage};

use super::super::snapshot::SnapshotSession;
use crate::{Error, Result};

/// The function that checks, as SQL.
#[derive(Clone, Debug)]
pub struct Checker {
    function: String,
}

/// A routine that can be checked, once for each trigger that calls it.
#[derive(Clone, Debug)]
pub struct RoutineCheck {
    /// Kind and name: `function there.total(integer)`, for a trigger's with its table.
    pub object: String,
    pub schema: String,
    /// Without its arguments.
    pub name: String,
    /// Whether it makes tables for itself, which nobody can see who does not run it.
    pub makes_temporary: bool,
    oid: u32,
    table: u32,
    old_table: Option<String>,
    new_table: Option<String>,
}

/// What the checker says against a routine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    pub line: Option<String>,
    pub sqlstate: String,
    pub message: String,
    pub is_error: bool,
}

const CHECKER: &str = "
SELECT n.nspname::pg_catalog.text AS schema
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_depend d ON d.refobjid = e.oid AND d.deptype = 'e'
  AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
  AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
JOIN pg_catalog.pg_proc p ON p.oid = d.objid AND p.proname = 'plpgsql_check_function_tb'
  AND p.proargtypes[0] = 'pg_catalog.regprocedure'::pg_catalog.regtype
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE e.extname = 'plpgsql_check' AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE')
  AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')";

/// The database's own checker, if this role may use one.
pub fn find_checker(client: &mut impl GenericClient) -> Result<Option<Checker>> {
    let row = client
        .query_opt(CHECKER, &[])
        .map_err(Error::query("plpgsql_check could not be looked for"))?;
    Ok(row.map(|row| Checker {
        function: format!("{}.plpgsql_check_function_tb", quote_ident(row.get("schema"))),
    }))
}

/// A trigger's function without a trigger cannot be checked, and is not called.
const ROUTINES: &str = "
SELECT p.oid, n.nspname::pg_catalog.text AS schema, p.proname::pg_catalog.text AS name,
       COALESCE(g.tgrelid, 0) AS table_oid, g.tgoldtable::pg_catalog.text AS old_table,
       g.tgnewtable::pg_catalog.text AS new_table,
       pg_catalog.concat(CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, ' ', i.identity,
         ' on ' || (SELECT t.identity FROM pg_catalog.pg_identify_object('pg_catalog.pg_class'::pg_catalog.regclass,
                      g.tgrelid, 0) t)) AS object,
       p.prosrc ~* 'create\\s+((global|local)\\s+)?temp' OR p.prosrc ~* 'pg_temp' AS makes_temporary
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
LEFT JOIN (SELECT DISTINCT ON (g.tgfoid, g.tgrelid, g.tgoldtable, g.tgnewtable) g.* FROM pg_catalog.pg_trigger g
           WHERE g.tgparentid = 0) g ON g.tgfoid = p.oid AND p.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype
CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, 0) i
WHERE n.nspname = ANY ($1) AND (p.prorettype <> 'pg_catalog.trigger'::pg_catalog.regtype OR g.tgrelid IS NOT NULL)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.deptype = 'e' AND e.objid = p.oid
                  AND e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass)
ORDER BY i.identity COLLATE \"C\", 7";

/// The PL/pgSQL routines of `schemas`.
pub fn read_routine_checks(client: &mut impl GenericClient, schemas: &[String]) -> Result<Vec<RoutineCheck>> {
    let rows = client
        .query(ROUTINES, &[&schemas])
        .map_err(Error::query("the PL/pgSQL routines could not be listed"))?;
    Ok(rows
        .iter()
        .map(|row| RoutineCheck {
            object: row.get("object"),
            schema: row.get("schema"),
            name: row.get("name"),
            makes_temporary: row.get("makes_temporary"),
            oid: row.get("oid"),
            table: row.get("table_oid"),
            old_table: row.get("old_table"),
            new_table: row.get("new_table"),
        })
        .collect())
}

/// The `search_path` that sessions get here: everybody's of this database, and each role's that has one.
const PATHS: &str = "
SELECT COALESCE(r.rolname, o.rolname)::pg_catalog.text AS role,
       pg_catalog.substr(c.entry, pg_catalog.length('search_path=') + 1) AS setting
FROM pg_catalog.pg_db_role_setting s
JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database() AND s.setdatabase IN (0, d.oid)
JOIN pg_catalog.pg_roles o ON o.oid = d.datdba
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c (entry)
WHERE c.entry LIKE 'search\\_path=%'
ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC, 1";

/// The paths under which applications come, those that name one of `schemas`, each once.
pub fn read_application_paths(
    client: &mut impl GenericClient,
    schemas: &[String],
) -> Result<Vec<Vec<String>>> {
    let rows = client
        .query(PATHS, &[])
        .map_err(Error::query("the settings of roles could not be read"))?;
    let mut paths: Vec<Vec<String>> = Vec::new();
    for row in rows {
        let path = parse_search_path(row.get("setting"), row.get("role"));
        if path.iter().any(|it| schemas.contains(it)) && !paths.contains(&path) {
            paths.push(path);
        }
    }
    Ok(paths)
}

impl Checker {
    /// Checks `routine` in a session of its own, under `path` unless the routine has one itself; nothing is run, and
    /// nothing of it stays. The failure says why the checker itself gave up.
    pub fn check(
        &self,
        session: &mut SnapshotSession,
        routine: &RoutineCheck,
        path: &[String],
    ) -> Result<Vec<Complaint>> {
        let path: Vec<String> = path.iter().map(|it| quote_ident(it)).collect();
        let table = |name: &Option<String>| name.as_deref().map_or("NULL".to_owned(), quote_literal);
        // The checker looks into views as the routine would; what it plans is not run.
        let sql = format!(
            "SET LOCAL lock_timeout = '5s';
             SELECT pg_catalog.set_config(s.name, '', true) FROM pg_catalog.pg_settings AS s
             WHERE s.name OPERATOR(pg_catalog.=) 'restrict_nonsystem_relation_kind';
             SELECT pg_catalog.set_config('search_path', {path}, true);
             SELECT 'complaint', c.lineno, c.sqlstate, c.message, c.level
             FROM {function}({oid}::pg_catalog.oid::pg_catalog.regprocedure, {table}::pg_catalog.oid::pg_catalog.regclass,
               fatal_errors => false, extra_warnings => false, oldtable => {old}, newtable => {new}) AS c",
            path = quote_literal(&path.join(", ")),
            function = self.function,
            oid = routine.oid,
            table = routine.table,
            old = table(&routine.old_table),
            new = table(&routine.new_table),
        );
        let answer = session.client().simple_query(&sql);
        session.renew()?;
        let messages = answer.map_err(Error::query(format!("{} could not be checked", routine.object)))?;
        let complaint = |it: &SimpleQueryMessage| match it {
            SimpleQueryMessage::Row(row) if row.get(0) == Some("complaint") => Some(Complaint {
                line: row.get(1).map(str::to_owned),
                sqlstate: row.get(2).unwrap_or_default().to_owned(),
                message: row.get(3).unwrap_or_default().to_owned(),
                is_error: row.get(4) == Some("error"),
            }),
            _ => None,
        };
        Ok(messages.iter().filter_map(complaint).collect())
    }
}
