//! Collations: those that are missing stop a load; one that orders text otherwise is said.

use archive::{Header, SchemaMember};
use catalog::{Collation, QualifiedName, quote_literal};
use cli::{Exit, Failure, Result, count};
use database::postgres::find_collations;
use postgres::error::SqlState;

use crate::Texts;
use crate::target::{Target, failed};

/// Where PostgreSQL takes orders from.
const PROVIDERS: [&str; 3] = ["libc", "icu", "builtin"];

/// What was found.
pub(super) struct Collations {
    /// Why the definitions could not run, as sentences.
    pub(super) findings: Vec<String>,
    /// What will be otherwise than in the source, as sentences.
    pub(super) said: Vec<String>,
}

/// Compares the collations that the definitions use with the target's.
pub(super) fn examine(target: &mut Target, header: &Header, texts: &Texts) -> Result<Collations> {
    let mut found = Collations {
        findings: Vec::new(),
        said: Vec::new(),
    };
    let is_own = |it: &Collation| {
        header
            .catalog
            .schemas
            .iter()
            .any(|schema| schema.name == it.schema)
    };
    let (own, others): (Vec<&Collation>, Vec<&Collation>) =
        header.catalog.collations.iter().partition(|it| is_own(it));
    let names: Vec<QualifiedName> = others.iter().map(|it| it.qualified_name()).collect();
    let here = find_collations(target.client(), &names).map_err(Failure::target)?;
    for collation in others {
        let name = collation.qualified_name();
        match here.iter().find(|it| it.qualified_name() == name) {
            Some(other) if collation.orders_otherwise(other) => found.said.push(said(collation, other)),
            // The archive may hold a part of the source that does not use it.
            None if is_mentioned(texts, &name) => found.findings.push(missing(collation)),
            _ => {}
        }
    }
    for collation in own {
        found.findings.extend(try_out(target, collation)?);
    }
    Ok(found)
}

fn is_mentioned(texts: &Texts, name: &QualifiedName) -> bool {
    let name = name.to_string();
    [SchemaMember::PreData, SchemaMember::PostData]
        .into_iter()
        .any(|it| texts.get(it).contains(&name))
}

fn said(collation: &Collation, other: &Collation) -> String {
    let what = if collation.is_default() {
        "the database".to_owned()
    } else {
        format!("collation {}", collation.qualified_name())
    };
    let number = count(u64::from(collation.indexes));
    format!(
        "{what} orders text by {} here and by {} in the source: indexes over text are built in the new order ({number}), \
         and ORDER BY and < answer otherwise",
        other.order, collation.order
    )
}

fn missing(collation: &Collation) -> String {
    let name = collation.qualified_name();
    match collation.provider() {
        "icu" => format!(
            "collation {name} does not exist here: the server needs ICU, or an administrator runs \
             pg_import_system_collations"
        ),
        "builtin" => format!("collation {name} does not exist here: it comes with PostgreSQL 17"),
        _ => format!(
            "collation {name} does not exist here: install the locale {} on the server's machine, then have an \
             administrator run pg_import_system_collations",
            collation.locale()
        ),
    }
}

/// Whether a collation of the source's own can be made here: no catalog lists what the server's libraries know, so
/// it is made for a moment, in a transaction that is rolled back.
fn try_out(target: &mut Target, collation: &Collation) -> Result<Option<String>> {
    let step = "the collations could not be tried";
    let provider = collation.provider();
    // It stands in SQL as it is.
    if !PROVIDERS.contains(&provider) {
        let name = collation.qualified_name();
        let message =
            format!("archive is damaged: collation {name} has a provider that PostgreSQL does not know");
        return Err(Failure::new(Exit::Archive, message));
    }
    let sql = format!(
        "CREATE COLLATION pg_temp.coalesce_trial (provider = {provider}, locale = {})",
        quote_literal(collation.locale())
    );
    let mut transaction = target
        .client()
        .transaction()
        .map_err(|error| failed(step, error))?;
    let tried = transaction.batch_execute(&sql);
    transaction.rollback().map_err(|error| failed(step, error))?;
    let Err(error) = tried else { return Ok(None) };
    let Some(refused) = error.as_db_error() else {
        return Err(failed(step, error));
    };
    // Without TEMPORARY on the database, or on a standby, nothing is known.
    let says_nothing = [
        SqlState::INSUFFICIENT_PRIVILEGE,
        SqlState::READ_ONLY_SQL_TRANSACTION,
    ];
    Ok((!says_nothing.contains(refused.code())).then(|| {
        format!(
            "collation {} ({provider}, locale {}) cannot be made here: {}; the server needs that provider and that locale",
            collation.qualified_name(),
            collation.locale(),
            refused.message()
        )
    }))
}
