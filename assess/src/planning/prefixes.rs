//! Layouts in which sources share a schema: whatever would meet there is called after its source.
//!
//! All that clashes gets its source's name, not only the second: else the one name would mean the first source's table,
//! and nobody could see it. A renamed table carries its indexes and sequences, so tables come first, and what then still
//! clashes by itself follows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use catalog::{Catalog, IDENTIFIER_BYTES_MAX, ObjectKind, QualifiedName};
use cli::{Failure, Result};
use plan::{DEFAULT_SCHEMA, Mapping, Namespace, Plan, Renamed, check_schema_name};
use rewrite::Known;

use crate::conflicts::{Conflict, Severity, Topic};
use crate::sources::Source;

/// Each round names what clashes, which may clash with what had that name; more rounds than this are never needed by
/// names that people give.
const ROUNDS_MAX: usize = 8;

/// The mapping of a source that shares schemas: `public`, or the only schema that it has, goes into `into`.
pub(super) fn shared(into: Option<&str>, schemas: &[String]) -> Result<Mapping> {
    let into = into.unwrap_or(DEFAULT_SCHEMA);
    check_schema_name(into).map_err(Failure::usage)?;
    let main = match schemas {
        [only] => Some(only.as_str()),
        several => several
            .iter()
            .map(String::as_str)
            .find(|it| *it == DEFAULT_SCHEMA),
    };
    let mut mapping = Mapping::default();
    if let Some(main) = main.filter(|it| *it != into) {
        if schemas.iter().any(|it| it == into) {
            return Err(Failure::usage(format!(
                "a source has schemas `{main}` and `{into}`, and both would become `{into}`"
            ))
            .with_hint("name another schema with --into"));
        }
        mapping.map.insert(main.to_owned(), into.to_owned());
    }
    Ok(mapping)
}

/// Enters new names for what clashes, and tells them.
pub(super) fn enter(sources: &[Source], plan: &mut Plan) -> Vec<Conflict> {
    let known: Vec<Known> = sources
        .iter()
        .map(|it| Known::from_catalog(&it.catalog))
        .collect();
    let merged: Vec<BTreeSet<QualifiedName>> = plan
        .sources
        .iter()
        .map(|source| {
            let tables = plan.merges.iter().flat_map(|it| &it.tables);
            tables
                .filter(|it| it.source == source.name)
                .filter_map(plan::MergedTable::name)
                .collect()
        })
        .collect();
    for round in 0..ROUNDS_MAX {
        let settled: Vec<Mapping> = known
            .iter()
            .zip(&plan.sources)
            .map(|(known, it)| known.settle(&it.mapping).unwrap_or_else(|_| it.mapping.clone()))
            .collect();
        let mut names = Names::new();
        for (at, source) in sources.iter().enumerate() {
            let target = plan.sources[at].target.clone();
            collect(
                &source.catalog,
                &merged[at],
                &settled[at],
                (at, target.as_deref()),
                &mut names,
            );
        }
        let clashing = names.into_values().filter(|it| {
            let mut sides: Vec<usize> = it.iter().map(|(side, _, _)| *side).collect();
            sides.dedup();
            sides.len() > 1
        });
        // Tables first: their indexes and sequences follow them.
        let (leading, following): (Vec<_>, Vec<_>) = clashing
            .flatten()
            .partition(|(_, _, kind)| !matches!(kind, ObjectKind::Index | ObjectKind::Sequence));
        let now = if leading.is_empty() { following } else { leading };
        if now.is_empty() {
            break;
        }
        for (side, renamed, _) in now {
            let source = &mut plan.sources[side];
            let new = called_after(&source.name, &renamed.name, round);
            source.mapping.rename.insert(renamed, new);
        }
    }
    tell(plan)
}

/// What stands under each name of a target: whose, called what in the source, of which kind.
type Names = HashMap<(Option<String>, String, Namespace, String), Vec<(usize, Renamed, ObjectKind)>>;

fn collect(
    catalog: &Catalog,
    merged: &BTreeSet<QualifiedName>,
    settled: &Mapping,
    (side, target): (usize, Option<&str>),
    names: &mut Names,
) {
    let owners: HashMap<(&str, &str), &QualifiedName> = catalog
        .sequences
        .iter()
        .filter_map(|it| {
            let owner = it.owned_by.as_ref()?;
            Some(((it.schema.as_str(), it.name.as_str()), &owner.table))
        })
        .collect();
    for object in &catalog.objects {
        let kind = if object.indexed {
            ObjectKind::Index
        } else {
            object.kind
        };
        let namespace = Namespace::of(kind);
        if matches!(namespace, Namespace::OfTable | Namespace::Operators) {
            continue;
        }
        let own = QualifiedName::new(&object.schema, &object.name);
        let table = object
            .table
            .as_ref()
            .map(|it| QualifiedName::new(&object.schema, it));
        let owner = owners
            .get(&(object.schema.as_str(), object.name.as_str()))
            .copied();
        if [Some(&own), table.as_ref(), owner]
            .into_iter()
            .flatten()
            .any(|it| merged.contains(it))
        {
            continue;
        }
        let key = (
            target.map(str::to_owned),
            settled.schema(&object.schema),
            namespace,
            settled.object(namespace, &object.schema, &object.name),
        );
        let renamed = Renamed {
            schema: object.schema.clone(),
            name: object.name.clone(),
            routine: namespace == Namespace::Routines,
        };
        let all = names.entry(key).or_default();
        // A constraint with an index is listed as that index, too; overloads have one name.
        if !all.iter().any(|(at, it, _)| *at == side && *it == renamed) {
            all.push((side, renamed, kind));
        }
    }
}

/// `users` of `shop` as `shop_users`, no longer than PostgreSQL keeps, and another one in each round.
fn called_after(source: &str, name: &str, round: usize) -> String {
    let suffix = if round < 2 {
        String::new()
    } else {
        format!("_{round}")
    };
    let whole = format!("{source}_{name}");
    let end = whole.floor_char_boundary(IDENTIFIER_BYTES_MAX - suffix.len());
    format!("{}{suffix}", &whole[..end])
}

fn tell(plan: &mut Plan) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    let mut met: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in &plan.sources {
        for (renamed, new) in &source.mapping.rename {
            met.entry(renamed.to_string())
                .or_default()
                .push(format!("{renamed} of {} becomes {new}", source.name));
        }
    }
    for (name, each) in met {
        conflicts.push(
            Conflict::new(
                Severity::Resolved,
                Topic::Name,
                &["prefix", &name],
                format!("{name} would stand twice in one schema: {}", each.join(", ")),
                "the plan calls it after its source",
            )
            .with_evidence(each),
        );
    }
    conflicts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_schema_goes_into_the_shared_one() {
        let schemas = |names: &[&str]| -> Vec<String> { names.iter().map(|it| (*it).to_owned()).collect() };
        let name = |into: Option<&str>, has: &[&str], schema: &str| {
            shared(into, &schemas(has)).map(|it| it.schema(schema)).ok()
        };
        assert_eq!(name(None, &["shop"], "shop").as_deref(), Some("public"));
        assert_eq!(
            name(Some("app"), &["public", "audit"], "public").as_deref(),
            Some("app")
        );
        assert_eq!(
            name(Some("app"), &["public", "audit"], "audit").as_deref(),
            Some("audit")
        );
        assert_eq!(name(Some("audit"), &["public", "audit"], "audit"), None);
        assert_eq!(name(Some("pg_x"), &["public"], "public"), None);
    }

    #[test]
    fn new_names_are_never_longer_than_postgres_keeps() {
        assert_eq!(called_after("shop", "users", 0), "shop_users");
        let long = called_after("shop", &"ß".repeat(40), 3);
        assert!(
            long.len() <= IDENTIFIER_BYTES_MAX && long.ends_with("_3"),
            "{long}"
        );
    }
}
