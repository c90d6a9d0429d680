//! Which of some names a pattern matches: names that no server's catalog has, such as those of an archive.

use catalog::QualifiedName;
use postgres::GenericClient;

use super::pattern::Pattern;
use crate::{Error, Result};

/// The places of those of `names` that `pattern` matches, as any server compares them. A pattern without a schema
/// means those in the schemas of `path`.
pub fn find_matching(
    client: &mut impl GenericClient,
    pattern: &Pattern,
    names: &[QualifiedName],
    path: &[String],
) -> Result<Vec<usize>> {
    const SQL: &str = "SELECT u.place FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]),
          pg_catalog.unnest($2::pg_catalog.text[])) WITH ORDINALITY AS u (schema, name, place)
        WHERE u.name OPERATOR(pg_catalog.~) ($3::pg_catalog.text COLLATE pg_catalog.\"default\")
          AND CASE WHEN $4::pg_catalog.text IS NULL THEN u.schema OPERATOR(pg_catalog.=) ANY ($5::pg_catalog.text[])
              ELSE u.schema OPERATOR(pg_catalog.~) ($4::pg_catalog.text COLLATE pg_catalog.\"default\") END";
    let (schema, name) = pattern.of_relation()?;
    let schemas: Vec<&str> = names.iter().map(|it| it.schema.as_str()).collect();
    let relations: Vec<&str> = names.iter().map(|it| it.name.as_str()).collect();
    let rows = client
        .query(SQL, &[&schemas, &relations, &name, &schema, &path])
        .map_err(Error::query(format!(
            "the server does not understand pattern {pattern}"
        )))?;
    let place = |row: &postgres::Row| usize::try_from(row.get::<_, i64>(0) - 1).ok();
    Ok(rows.iter().filter_map(place).collect())
}
