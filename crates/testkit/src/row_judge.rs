//! PostgreSQL as the judge of rows: every table's rows as the server itself writes them, on both sides.

use postgres::Client;

use crate::cluster::identifier;
use crate::error::{Error, ErrorKind, Result};

/// Both sides write values under the same settings; no digit is left out.
const SETTINGS: &str =
    "SET search_path = ''; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres';
    SET extra_float_digits = 3; SET bytea_output = 'hex'; SET lc_monetary = 'C'; SET xmloption = 'content'";

const TABLES: &str = "SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
    ORDER BY 1, 2";

/// What was compared.
#[derive(Debug, Default)]
pub struct Judgement {
    pub tables: usize,
    pub rows: u64,
    /// Tables whose rows are not the same on both sides, with both answers.
    pub differing: Vec<String>,
}

/// Compares the rows of every table of `source` with those of the table of the same name in the schema that
/// `renamed` gives for its own: the text of each whole row, order apart.
///
/// No code of the tools takes part, so what they read and write wrongly alike is found too.
pub fn judge_rows(
    source: &mut Client,
    target: &mut Client,
    renamed: impl Fn(&str) -> String,
) -> Result<Judgement> {
    let failed = || Error::caused(ErrorKind::Sql, "cannot compare rows");
    for client in [&mut *source, &mut *target] {
        client.batch_execute(SETTINGS).map_err(failed())?;
    }
    let mut judgement = Judgement::default();
    for table in source.query(TABLES, &[]).map_err(failed())? {
        let (schema, name): (&str, &str) = (table.get(0), table.get(1));
        let expected = digest(source, schema, name)?;
        let found = digest(target, &renamed(schema), name)?;
        judgement.tables += 1;
        judgement.rows += expected.0;
        if expected != found {
            judgement
                .differing
                .push(format!("{schema}.{name}: {expected:?} became {found:?}"));
        }
    }
    Ok(judgement)
}

/// The number of a table's own rows, and a hash over their texts in order.
fn digest(client: &mut Client, schema: &str, table: &str) -> Result<(u64, Option<String>)> {
    let failed = Error::caused(ErrorKind::Sql, format!("cannot read {schema}.{table}"));
    // An alias that no column is called by, or it would mean the column.
    let sql = format!(
        "SELECT count(*), md5(string_agg(text, ' ' ORDER BY text COLLATE \"C\"))
         FROM (SELECT md5(\"coalesce's row\"::text) AS text FROM ONLY {}.{} AS \"coalesce's row\") AS rows",
        identifier(schema),
        identifier(table)
    );
    let row = client.query_one(&sql, &[]).map_err(failed)?;
    Ok((row.get::<_, i64>(0).unsigned_abs(), row.get(1)))
}
