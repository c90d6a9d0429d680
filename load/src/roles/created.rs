//! A role for the new schemas. It is made where everything goes live, so that nothing of it stays after a failure.

use archive::Header;
use catalog::quote_ident;
use cli::Result;
use postgres::Transaction;

use crate::grants::OBJECTS;
use crate::journal::Run;
use crate::statements::execute;
use crate::target::failed;

/// Names in one statement: short enough to be read.
const NAMES_MAX: usize = 50;

/// What a role that uses the schemas may do with each kind of object, in the words of GRANT. What PUBLIC may do is not
/// granted again.
const USES: [(&str, &str); 4] = [
    ("TABLE", "SELECT, INSERT, UPDATE, DELETE"),
    ("SEQUENCE", "USAGE, SELECT, UPDATE"),
    ("ROUTINE", "EXECUTE"),
    ("TYPE", "USAGE"),
];

/// Makes the role. It may log in as soon as somebody gives it a password.
pub(super) fn create(transaction: &mut Transaction<'_>, role: &str) -> Result<()> {
    execute(transaction, &format!("CREATE ROLE {} LOGIN", quote_ident(role)))
}

/// Makes the role that connects a member of the role, which is to own what it gives away; a superuser needs no leave.
pub(super) fn join(transaction: &mut Transaction<'_>, role: &str) -> Result<()> {
    const MEMBERSHIP: &str = "
        SELECT r.rolname::pg_catalog.text,
          CASE WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 160000 THEN ''
               ELSE ' WITH INHERIT TRUE, SET TRUE' END
        FROM pg_catalog.pg_roles r WHERE r.rolname = current_user AND NOT r.rolsuper";
    let row = transaction
        .query_opt(MEMBERSHIP, &[])
        .map_err(|error| failed("the role that connects could not be examined", error))?;
    row.map_or(Ok(()), |row| {
        let (loader, options): (String, String) = (row.get(0), row.get(1));
        let (role, loader) = (quote_ident(role), quote_ident(&loader));
        execute(transaction, &format!("GRANT {role} TO {loader}{options}"))
    })
}

/// The schemas in which the role's session looks for a name: those in which the source's sessions did, under their new
/// names and in that order, then those of the extensions. A schema that was on no path there is on none here: a table of
/// the same name would stand in front of another. Where none was, all of the load's.
pub(crate) fn search_path(run: &Run, header: &Header) -> Vec<String> {
    let path = header.catalog.search_path.iter();
    let mut schemas: Vec<String> = path.filter(|it| run.schemas.contains(it)).cloned().collect();
    if schemas.is_empty() {
        schemas.clone_from(&run.schemas);
    }
    let extensions = extension_schemas(header).into_iter();
    let behind: Vec<String> = extensions.filter(|it| !schemas.contains(it)).collect();
    let all = schemas.into_iter().chain(behind);
    all.map(|it| quote_ident(&it)).collect()
}

/// Where extensions of the archive are, each schema once.
pub(super) fn extension_schemas(header: &Header) -> Vec<String> {
    let mut schemas: Vec<String> = Vec::new();
    for extension in &header.catalog.extensions {
        let schema = &extension.schema;
        if schema != "pg_catalog" && !schemas.contains(schema) {
            schemas.push(schema.clone());
        }
    }
    schemas
}

/// Lets the role into the database and to the extensions, and sets its search path here.
pub(super) fn let_in(
    transaction: &mut Transaction<'_>,
    run: &Run,
    header: &Header,
    role: &str,
) -> Result<()> {
    const CLOSED: &str = "
        SELECT n.nspname::pg_catalog.text FROM pg_catalog.pg_namespace n
        WHERE n.nspname = ANY ($1) AND NOT pg_catalog.has_schema_privilege($2::pg_catalog.name, n.oid, 'USAGE') ORDER BY 1";
    const DATABASE: &str = "
        SELECT d.datname::pg_catalog.text, pg_catalog.has_database_privilege($1::pg_catalog.name, d.oid, 'CONNECT')
        FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()";
    let name = quote_ident(role);
    let row = transaction
        .query_one(DATABASE, &[&role])
        .map_err(|error| failed("the database could not be examined", error))?;
    let (database, may_connect): (String, bool) = (row.get(0), row.get(1));
    let database = quote_ident(&database);
    if !may_connect {
        execute(
            transaction,
            &format!("GRANT CONNECT ON DATABASE {database} TO {name}"),
        )?;
    }
    let closed = transaction
        .query(CLOSED, &[&extension_schemas(header), &role])
        .map_err(|error| failed("the extensions' schemas could not be examined", error))?;
    for row in closed {
        let schema = quote_ident(row.get(0));
        execute(transaction, &format!("GRANT USAGE ON SCHEMA {schema} TO {name}"))?;
    }
    let path = search_path(run, header);
    if path.is_empty() {
        return Ok(());
    }
    execute(
        transaction,
        &format!(
            "ALTER ROLE {name} IN DATABASE {database} SET search_path = {}",
            path.join(", ")
        ),
    )
}

/// Lets the role use what the load made: read and write, not change what it is.
pub(super) fn let_use(
    transaction: &mut Transaction<'_>,
    run: &Run,
    header: &Header,
    role: &str,
) -> Result<()> {
    const NAMES: &str = "
        SELECT g.name FROM given g
        WHERE g.kind = $2 AND g.owner = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)
          AND (g.kind NOT IN ('ROUTINE', 'TYPE') OR NOT EXISTS (
            SELECT FROM pg_catalog.aclexplode(COALESCE(g.acl, pg_catalog.acldefault('T', g.owner))) a
            WHERE a.grantee = 0))
        ORDER BY 1";
    const CLOSED: &str = "
        SELECT n.nspname::pg_catalog.text FROM pg_catalog.pg_namespace n
        WHERE n.nspname = ANY ($1) AND NOT pg_catalog.has_schema_privilege($2::pg_catalog.name, n.oid, 'USAGE') ORDER BY 1";
    let name = quote_ident(role);
    let step = "what the new role needs could not be listed";
    let closed = transaction
        .query(CLOSED, &[&run.schemas, &role])
        .map_err(|error| failed(step, error))?;
    for row in closed {
        let schema = quote_ident(row.get(0));
        execute(transaction, &format!("GRANT USAGE ON SCHEMA {schema} TO {name}"))?;
    }
    for (kind, privileges) in USES {
        let rows = transaction
            .query(&format!("{OBJECTS} {NAMES}"), &[&run.schemas, &kind])
            .map_err(|error| failed(step, error))?;
        let names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        grant(transaction, privileges, kind, &names, &name)?;
    }
    let objects = header.catalog.large_objects.iter();
    let numbers: Vec<String> = objects.map(|it| it.oid.to_string()).collect();
    grant(transaction, "SELECT, UPDATE", "LARGE OBJECT", &numbers, &name)
}

fn grant(
    transaction: &mut Transaction<'_>,
    privileges: &str,
    kind: &str,
    names: &[String],
    role: &str,
) -> Result<()> {
    names.chunks(NAMES_MAX).try_for_each(|names| {
        let names = names.join(", ");
        execute(
            transaction,
            &format!("GRANT {privileges} ON {kind} {names} TO {role}"),
        )
    })
}
