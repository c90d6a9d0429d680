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
    let mut made: HashMap<u32, Made> = HashMap::new();
    for row in rows {
        let (oid, part): (u32, u32) = (row.get("type"), row.get("part"));
        let kind = row
            .get::<_, Option<&str>>("name")
            .and_then(NameKind::from_type_name);
        let it = match (row.get("made"), kind) {
            ("object", Some(kind)) => Made::Object(kind),
            ("array", _) => Made::Array(part),
            ("domain", _) => Made::Domain(part),
            ("composite", _) => {
                if let Some(Made::Composite(parts)) = made.get_mut(&oid) {
                    parts.push(part);
                    continue;
                }
                Made::Composite(vec![part])
            }
            _ => Made::Range,
        };
        made.insert(oid, it);
    }
    let shape = |oid: &u32| Some((*oid, shape_of(*oid, &made)?));
    Ok(made.keys().filter_map(shape).collect())
}

/// A type cannot hold itself, so this comes to an end.
fn shape_of(oid: u32, made: &HashMap<u32, Made>) -> Option<StoredNames> {
    Some(match made.get(&oid)? {
        Made::Object(kind) => StoredNames::Object(*kind),
        Made::Array(element) => StoredNames::Array(Box::new(shape_of(*element, made)?)),
        Made::Domain(base) => shape_of(*base, made)?,
        Made::Composite(parts) => {
            StoredNames::Composite(parts.iter().map(|part| shape_of(*part, made)).collect())
        }
        Made::Range => StoredNames::Range,
    })
}
