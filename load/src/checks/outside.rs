//! What an archive makes outside of all schemas: its names are the whole database's, and not every role may make it.

use cli::Result;
use rewrite::{OutsideKind, far_reaching, outside_objects};

use crate::target::{Target, failed};

/// Statements among the definitions that concern more than the schemas, as sentences. No dump writes them there, and
/// nobody has asked for them with `--apply`.
pub(crate) fn misplaced(sql: &str) -> Vec<String> {
    let found = far_reaching(sql).into_iter();
    found
        .map(|it| {
            format!(
                "{it} stands among the archive's definitions, where no dump puts it: do not trust the archive"
            )
        })
        .collect()
}

/// What stands in the way of what `sql` makes there, as sentences.
pub(crate) fn findings(target: &mut Target, sql: &str) -> Result<Vec<String>> {
    // Of a wrapper that is missing nothing is known: its extension makes it.
    const OBSTACLES: &str = "
        SELECT r.rolsuper AS superuser,
          EXISTS (SELECT FROM pg_catalog.pg_foreign_server s WHERE $1 = 'server' AND s.srvname = $2
                  UNION ALL SELECT FROM pg_catalog.pg_foreign_data_wrapper w
                  WHERE $1 = 'foreign-data wrapper' AND w.fdwname = $2
                  UNION ALL SELECT FROM pg_catalog.pg_am m WHERE $1 = 'access method' AND m.amname = $2) AS is_there,
          NOT EXISTS (SELECT FROM pg_catalog.pg_foreign_data_wrapper w WHERE w.fdwname = $3
                      AND NOT pg_catalog.has_foreign_data_wrapper_privilege(w.oid, 'USAGE')) AS may_use
        FROM pg_catalog.pg_roles r WHERE r.rolname = current_user";
    let mut findings = Vec::new();
    for object in outside_objects(sql) {
        let (kind, name) = (object.kind.to_string(), &object.name);
        let wrapper = object.wrapper.unwrap_or_default();
        let row = target
            .client()
            .query_one(OBSTACLES, &[&kind, name, &wrapper])
            .map_err(|error| failed("what stands outside of schemas could not be examined", error))?;
        if row.get("is_there") {
            findings.push(format!("{kind} {name} exists: rename or drop one of the two"));
        } else if !row.get::<_, bool>("superuser") && object.kind != OutsideKind::Server {
            findings.push(format!("{kind} {name} needs a superuser: load as one"));
        } else if !row.get::<_, bool>("may_use") {
            findings.push(format!(
                "server {name} needs USAGE on its wrapper: GRANT USAGE ON FOREIGN DATA WRAPPER {wrapper} TO the role that loads"
            ));
        }
    }
    Ok(findings)
}
