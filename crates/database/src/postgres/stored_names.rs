//! Types in whose values names of objects stand: `regclass` and its kin, and what is made of them.

use std::collections::HashMap;

use catalog::{NameKind, StoredNames};
use postgres::GenericClient;

use super::catalog_queries as queries;
use crate::{Error, Result};

/// What a type is made of.
enum Made {
    Object(NameKind),
    Array(u32),
    Domain(u32),
    Composite(Vec<u32>),
    Range,
}

/// The places of names in every type that has any, by the type's OID.
pub(super) fn read_shapes(client: &mut impl GenericClient) -> Result<HashMap<u32, StoredNames>> {
    let names: Vec<&str> = NameKind::ALL.iter().map(|it| it.type_name()).collect();
    let rows = client
        .query(queries::NAME_TYPES, &[&names])
        .map_err(Error::query("the types that hold names could not be listed"))?;
    let mut types: HashMap<u32, Made> = HashMap::new();
    for row in rows {
        let (type_, part): (u32, u32) = (row.get("type"), row.get("part"));
        let kind = row
            .get::<_, Option<&str>>("name")
            .and_then(NameKind::from_type_name);
        match (row.get("made"), kind) {
            ("object", Some(kind)) => drop(types.insert(type_, Made::Object(kind))),
            ("array", _) => drop(types.insert(type_, Made::Array(part))),
            ("domain", _) => drop(types.insert(type_, Made::Domain(part))),
            ("composite", _) => match types.entry(type_).or_insert_with(|| Made::Composite(Vec::new())) {
                Made::Composite(parts) => parts.push(part),
                _ => {}
            },
            _ => drop(types.insert(type_, Made::Range)),
        }
    }
    let shape = |type_: &u32| Some((*type_, shape_of(*type_, &types)?));
    Ok(types.keys().filter_map(shape).collect())
}

/// A type cannot hold itself, so this comes to an end.
fn shape_of(type_: u32, types: &HashMap<u32, Made>) -> Option<StoredNames> {
    Some(match types.get(&type_)? {
        Made::Object(kind) => StoredNames::Object(*kind),
        Made::Array(element) => StoredNames::Array(Box::new(shape_of(*element, types)?)),
        Made::Domain(base) => shape_of(*base, types)?,
        Made::Composite(parts) => {
            StoredNames::Composite(parts.iter().map(|part| shape_of(*part, types)).collect())
        }
        Made::Range => StoredNames::Range,
    })
}
