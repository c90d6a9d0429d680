//! A source restored as it is, in which PostgreSQL itself has given every name.

use crate::cluster::identifier;
use crate::database::Database;
use crate::error::{Error, ErrorKind, Result};

use super::dump;
use super::naming::Naming;
use super::objects::renaming_statements;

/// Where extensions wait while `public` is renamed.
const WAITING_ROOM: &str = "coalesce_waiting_room";

/// A new database with the definitions of `source`, in which PostgreSQL has given each schema its new name, each
/// object its prefix, and in which extensions are in `public`.
pub fn renamed<'c>(source: &Database<'c>, naming: impl Into<Naming>) -> Result<Database<'c>> {
    let naming = naming.into();
    let database = source.cluster().database("judged")?;
    database.psql(dump(source, &["--schema-only"])?.as_bytes())?;
    let extensions =
        database.query("SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY oid")?;
    let moved = |to: &str| -> Vec<String> {
        let all = extensions.iter();
        all.map(|it| format!("ALTER EXTENSION {} SET SCHEMA {to}", identifier(it)))
            .collect()
    };
    let mut statements = vec![
        // Event triggers of the source must not take part.
        "SET session_replication_role = replica".to_owned(),
    ];
    if !naming.prefix().is_empty() {
        statements.extend(renaming_statements(&database, naming.prefix())?);
    }
    statements.push(format!("CREATE SCHEMA {WAITING_ROOM}"));
    statements.extend(moved(WAITING_ROOM));
    statements.extend(schemas(&naming));
    statements.extend(moved("public"));
    statements.push(format!("DROP SCHEMA {WAITING_ROOM}"));
    let mut client = database.admin()?;
    for statement in &statements {
        client
            .batch_execute(statement)
            .map_err(Error::caused(ErrorKind::Sql, format!("`{statement}` failed")))?;
    }
    Ok(database)
}

/// Two steps for each schema, since schemas may swap their names.
fn schemas(naming: &Naming) -> Vec<String> {
    let pairs: Vec<&(String, String)> = naming.schemas().iter().filter(|(old, new)| old != new).collect();
    let between = |at: usize| format!("coalesce_between_{at}");
    let away = pairs
        .iter()
        .enumerate()
        .map(|(at, (old, _))| format!("ALTER SCHEMA {} RENAME TO {}", identifier(old), between(at)));
    let back = pairs
        .iter()
        .enumerate()
        .map(|(at, (_, new))| format!("ALTER SCHEMA {} RENAME TO {}", between(at), identifier(new)));
    // The schema `public` of every new database has this owner and this comment.
    let public = pairs.iter().find(|(old, _)| old == "public");
    let fresh = public.into_iter().flat_map(|(_, new)| {
        [
            format!("COMMENT ON SCHEMA {} IS NULL", identifier(new)),
            "CREATE SCHEMA public AUTHORIZATION pg_database_owner".to_owned(),
            "COMMENT ON SCHEMA public IS 'standard public schema'".to_owned(),
        ]
    });
    away.chain(back).chain(fresh).collect()
}
