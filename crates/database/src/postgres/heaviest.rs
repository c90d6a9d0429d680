//! The statements that took a server most of its time, as `pg_stat_statements` counts them.

use catalog::quote_ident;

use crate::endpoint::{PostgresEndpoint, unrestrict_views};
use crate::{Error, ErrorKind, Result};

/// A statement with what it cost, all roles together.
#[derive(Clone, Debug, PartialEq)]
pub struct HeavyStatement {
    /// Constants stand in it as parameters.
    pub text: String,
    pub calls: i64,
    /// Milliseconds.
    pub total_time: f64,
}

const NAME: &str = "pg_stat_statements";

/// Where the view is, whether the role may see others' statements, and how the server calls its columns: `total_time` until
/// version 1.7 of the extension, `toplevel` since 1.9.
const PLACE: &str = "
SELECT n.nspname::pg_catalog.text AS schema,
       ARRAY(SELECT a.attname::pg_catalog.text FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
FROM pg_catalog.pg_extension e
JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = e.extname
WHERE e.extname = 'pg_stat_statements'";

/// What stands for the text of somebody else's statement.
const HIDDEN: &str = "<insufficient privilege>";

/// All statements of the database, the heaviest first, as far as `take` wants them.
pub fn read_heaviest(
    endpoint: &PostgresEndpoint,
    application_name: &str,
    mut take: impl FnMut(HeavyStatement) -> bool,
) -> Result<()> {
    let failed = |message: &str| Error::query(message.to_owned());
    let mut client = endpoint.connect(application_name)?;
    unrestrict_views(&mut client)?;
    let place = client
        .query_opt(PLACE, &[])
        .map_err(failed("pg_stat_statements could not be looked for"))?;
    let Some(place) = place else {
        let message = format!("{NAME} is not installed in this database");
        return Err(Error::new(ErrorKind::Unsupported, message)
            .with_hint("have its extension made there, or give the statements with --file"));
    };
    let (schema, columns): (String, Vec<String>) = (place.get("schema"), place.get("columns"));
    let has = |name: &str| columns.iter().any(|it| it == name);
    let time = if has("total_exec_time") {
        "total_exec_time"
    } else {
        "total_time"
    };
    let outermost = if has("toplevel") { "AND s.toplevel" } else { "" };
    let sql = format!(
        "SELECT s.query, pg_catalog.sum(s.calls)::pg_catalog.int8 AS calls, \
                pg_catalog.sum(s.{time})::pg_catalog.float8 AS total_time \
         FROM {}.{NAME} AS s JOIN pg_catalog.pg_database AS d ON d.oid OPERATOR(pg_catalog.=) s.dbid \
         WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database() {outermost} \
         GROUP BY s.query ORDER BY 3 DESC, 1",
        quote_ident(&schema)
    );
    let rows = client
        .query(&sql, &[])
        .map_err(failed("the heaviest statements could not be read"))?;
    for row in rows {
        let Some(text) = row.get::<_, Option<String>>("query") else {
            continue;
        };
        if text == HIDDEN {
            return Err(Error::new(
                ErrorKind::Query,
                "the role may not see the statements of others in pg_stat_statements",
            )
            .with_hint("have an administrator GRANT pg_read_all_stats TO the role that reads"));
        }
        let heavy = HeavyStatement {
            text,
            calls: row.get("calls"),
            total_time: row.get("total_time"),
        };
        if !take(heavy) {
            break;
        }
    }
    Ok(())
}
