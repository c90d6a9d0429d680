//! Whether what a source says of its rows is true: rows behind foreign keys that nobody validated, indexes that do not
//! count, keys that may be there twice.

use catalog::{ObjectKind, QualifiedName};
use cli::{Failure, Result, count};
use database::postgres::health::{
    ReferenceCheck, StaleIndex, Unproved, read_reference_checks, read_stale_indexes, read_unproved,
};
use database::sqlite::Orphans;
use postgres::Client;
use postgres::error::SqlState;

use super::{Check, Subject, Topic, ways_out};

pub(super) fn judge(subject: &Subject<'_>, session: Option<&mut Client>) -> Result<Vec<Check>> {
    let mut checks = match session {
        Some(client) => of_server(subject, client)?,
        None => of_file(subject),
    };
    if checks.is_empty() {
        let text = format!("{}: nothing wrong was found", subject.name);
        checks.push(Check::holds(Topic::Integrity, text));
    }
    Ok(checks)
}

/// A file was looked through whole when it was opened; an archive is checked where it is a backup.
fn of_file(subject: &Subject<'_>) -> Vec<Check> {
    let name = subject.name;
    let Some(file) = &subject.source.file else {
        let text = format!("{name}: nobody looked into the archive's source");
        return vec![Check::warns(Topic::Integrity, text, "assess the source itself")];
    };
    let orphans = file.orphans.iter().map(|it| {
        let text = format!("{name}: {it}");
        match it.fate {
            Orphans::Stop => {
                let way_out = "--orphans keep, delete or null says what becomes of them";
                Check::fails(Topic::Integrity, text, way_out)
            }
            _ => Check::warns(Topic::Integrity, text, "the plan says what becomes of them"),
        }
    });
    orphans.collect()
}

fn of_server(subject: &Subject<'_>, client: &mut Client) -> Result<Vec<Check>> {
    let catalog = &subject.source.catalog;
    let schemas: Vec<String> = catalog.schemas.iter().map(|it| it.name.clone()).collect();
    let mut checks = Vec::new();
    let references = read_reference_checks(client, &schemas).map_err(Failure::source)?;
    for it in references.iter().filter(|it| !it.validated) {
        checks.push(of_reference(subject.name, it, client)?);
    }
    let unproved = read_unproved(client, &schemas).map_err(Failure::source)?;
    let told = |it: &Unproved| {
        let is_same = |known: &ReferenceCheck| {
            known.constraint.as_ref() == Some(&it.name) && it.table.as_ref() == Some(&known.key.table.name)
        };
        it.kind == ObjectKind::Constraint && references.iter().any(is_same)
    };
    checks.extend(
        unproved
            .iter()
            .filter(|it| !told(it))
            .map(|it| of_unproved(subject.name, it)),
    );
    for it in read_stale_indexes(client, &schemas).map_err(Failure::source)? {
        checks.push(of_stale(subject.name, &it, client)?);
    }
    Ok(checks)
}

fn of_reference(name: &str, check: &ReferenceCheck, client: &mut Client) -> Result<Check> {
    let key = &check.key;
    let constraint = check.constraint.as_deref().unwrap_or_default();
    let label = format!("{name}: foreign key {constraint} of {}", key.table);
    if check.is_temporal {
        let text = format!("{label} is NOT VALID and over periods; nobody looked at its rows");
        return Ok(Check::warns(Topic::Integrity, text, "look yourself"));
    }
    let way_out = ways_out::validate(&key.table.to_string(), constraint);
    Ok(match look(client, &check.count_sql())? {
        Look::Found(0) => Check::warns(
            Topic::Integrity,
            format!("{label} is NOT VALID, though every row has its parent; it stays so"),
            way_out,
        ),
        Look::Found(rows) => {
            let verb = if rows == 1 { "row has" } else { "rows have" };
            let text = format!("{label}: {} {verb} no parent in {}", count(rows), key.parent);
            let way_out = format!("mend them, then {way_out}");
            Check::fails(Topic::Integrity, text, way_out)
        }
        Look::Nothing(why) => not_looked(&format!("{label} is NOT VALID"), &why),
    })
}

fn of_unproved(name: &str, it: &Unproved) -> Check {
    let table = it.table.as_deref().unwrap_or_default();
    let place = format!(
        "{}.{}",
        catalog::quote_ident(&it.schema),
        catalog::quote_ident(table)
    );
    let own = catalog::quote_ident(&it.name);
    match it.kind {
        ObjectKind::Index => Check::fails(
            Topic::Integrity,
            format!("{name}: index {own} of {place} is invalid, so it would not be moved"),
            format!(
                "{}, or drop it",
                ways_out::rebuild(&QualifiedName::new(&it.schema, &it.name))
            ),
        ),
        _ => Check::warns(
            Topic::Integrity,
            format!("{name}: constraint {own} of {place} is not validated; it stays so"),
            ways_out::validate(&place, &it.name),
        ),
    }
}

fn of_stale(name: &str, it: &StaleIndex, client: &mut Client) -> Result<Check> {
    let StaleIndex {
        index,
        table,
        recorded,
        actual,
        ..
    } = it;
    let label =
        format!("{name}: index {index} was built by version {recorded} of its collation, now it is {actual}");
    let reindex = ways_out::rebuild(index);
    let stale = |label: &str| Check::warns(Topic::Integrity, label, &reindex);
    let Some(sql) = &it.duplicates_sql else {
        return Ok(stale(&label));
    };
    Ok(match look(client, sql)? {
        Look::Found(0) => stale(&label),
        Look::Found(keys) => {
            let verb = if keys == 1 { "key stands" } else { "keys stand" };
            let text = format!("{label}: {} {verb} in {table} more than once", count(keys));
            Check::fails(Topic::Integrity, text, format!("mend them, then {reindex}"))
        }
        Look::Nothing(why) => not_looked(&label, &why),
    })
}

fn not_looked(label: &str, why: &str) -> Check {
    let text = format!("{label}; nobody looked at its rows: {why}");
    Check::warns(Topic::Integrity, text, "--look-timeout gives more time")
}

/// What came of a look into rows.
enum Look {
    Found(u64),
    /// It could not be looked, and why.
    Nothing(String),
}

/// Asks for one number; a look that takes too long, or is not allowed, is no failure.
fn look(client: &mut Client, sql: &str) -> Result<Look> {
    match client.query_one(sql, &[]) {
        Ok(row) => Ok(Look::Found(row.get::<_, i64>(0).unsigned_abs())),
        Err(error) => {
            cli::check_interrupt()?;
            match error.as_db_error() {
                Some(said) if *said.code() == SqlState::QUERY_CANCELED => {
                    Ok(Look::Nothing("it took too long".to_owned()))
                }
                Some(said) => Ok(Look::Nothing(said.message().to_owned())),
                None => Err(Failure::new(cli::Exit::Source, "a look into rows failed").with_source(error)),
            }
        }
    }
}
