//! A mapping gives every schema of a source its name on the target.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use catalog::IDENTIFIER_BYTES_MAX;
use serde::{Deserialize, Serialize};

/// The schema in which PostgreSQL creates what nobody placed elsewhere.
pub const DEFAULT_SCHEMA: &str = "public";

/// Where extensions go on the target unless another schema is named.
pub const DEFAULT_EXTENSIONS_SCHEMA: &str = "public";

/// New names of a source's schemas.
///
/// With `to = X`, `public` becomes `X` and every other schema `S` becomes `X_S`; `map` goes before it. A
/// schema that neither names keeps its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub map: BTreeMap<String, String>,
    /// Where the target keeps extensions, when not in [`DEFAULT_EXTENSIONS_SCHEMA`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions_schema: Option<String>,
}

/// A mapping that cannot be used, with the names concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MappingError {
    /// `OLD=NEW` was expected.
    NotAPair(String),
    EmptyName,
    TooLong(String),
    ReservedPrefix(String),
    Twice(String),
    /// Two schemas of the source would get one name.
    Collision {
        first: String,
        second: String,
        target: String,
    },
}

impl Mapping {
    /// Builds a mapping from the values of `--to` and `--map`; each of `pairs` is `OLD=NEW`.
    pub fn new(to: Option<&str>, pairs: &[String]) -> Result<Self, MappingError> {
        let mut map = BTreeMap::new();
        for pair in pairs {
            let (old, new) = pair
                .split_once('=')
                .ok_or_else(|| MappingError::NotAPair(pair.clone()))?;
            if map.insert(old.to_owned(), new.to_owned()).is_some() {
                return Err(MappingError::Twice(old.to_owned()));
            }
        }
        let mapping = Mapping {
            to: to.map(str::to_owned),
            map,
            extensions_schema: None,
        };
        for name in mapping.to.iter().chain(mapping.map.values()) {
            check_schema_name(name)?;
        }
        Ok(mapping)
    }

    /// True when no schema gets a new name.
    pub fn is_empty(&self) -> bool {
        self.to.is_none() && self.extensions_schema.is_none() && self.map.iter().all(|(old, new)| old == new)
    }

    /// The name that `schema` gets on the target. Built-in schemas keep theirs.
    pub fn schema(&self, schema: &str) -> String {
        if let Some(new) = self.map.get(schema) {
            return new.clone();
        }
        match &self.to {
            Some(_) if is_built_in(schema) => schema.to_owned(),
            Some(to) if schema == DEFAULT_SCHEMA => to.clone(),
            Some(to) => format!("{to}_{schema}"),
            None => schema.to_owned(),
        }
    }

    /// The same with another home for extensions on the target.
    pub fn with_extensions_schema(mut self, schema: Option<&str>) -> Result<Self, MappingError> {
        if let Some(schema) = schema {
            check_schema_name(schema)?;
            self.extensions_schema = Some(schema.to_owned());
        }
        Ok(self)
    }

    /// Where the target keeps an extension that the source has in `schema`: it does not move with the
    /// source's own objects.
    pub fn extension_schema(&self, schema: &str) -> String {
        match &self.extensions_schema {
            _ if is_built_in(schema) => schema.to_owned(),
            Some(home) => home.clone(),
            None if self.is_empty() => schema.to_owned(),
            None => DEFAULT_EXTENSIONS_SCHEMA.to_owned(),
        }
    }

    /// The target's names for `schemas`, in their order; refused where two become one or a name gets too long.
    pub fn apply<'a>(&self, schemas: impl IntoIterator<Item = &'a str>) -> Result<Vec<String>, MappingError> {
        let mut taken: HashMap<String, String> = HashMap::new();
        let mut targets = Vec::new();
        for schema in schemas {
            let target = self.schema(schema);
            check_length(&target)?;
            if let Some(first) = taken.insert(target.clone(), schema.to_owned()) {
                return Err(MappingError::Collision {
                    first,
                    second: schema.to_owned(),
                    target,
                });
            }
            targets.push(target);
        }
        Ok(targets)
    }
}

/// Schemas that PostgreSQL itself makes.
pub fn is_built_in(schema: &str) -> bool {
    schema == "information_schema" || schema.starts_with("pg_")
}

/// Refuses a name that no schema of the target can have.
pub fn check_schema_name(name: &str) -> Result<(), MappingError> {
    if name.is_empty() {
        return Err(MappingError::EmptyName);
    }
    if is_built_in(name) || name == "coalesce" {
        return Err(MappingError::ReservedPrefix(name.to_owned()));
    }
    check_length(name)
}

fn check_length(name: &str) -> Result<(), MappingError> {
    if name.len() > IDENTIFIER_BYTES_MAX {
        Err(MappingError::TooLong(name.to_owned()))
    } else {
        Ok(())
    }
}

impl fmt::Display for MappingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MappingError::NotAPair(pair) => write!(f, "`{pair}` is no pair OLD=NEW"),
            MappingError::EmptyName => write!(f, "a schema's name cannot be empty"),
            MappingError::TooLong(name) => {
                write!(
                    f,
                    "schema name `{name}` has {} bytes, PostgreSQL keeps 63",
                    name.len()
                )
            }
            MappingError::ReservedPrefix(name) => {
                write!(
                    f,
                    "schema name `{name}` is reserved (`pg_…`, `information_schema`, `coalesce`)"
                )
            }
            MappingError::Twice(name) => write!(f, "schema `{name}` is mapped twice"),
            MappingError::Collision {
                first,
                second,
                target,
            } => {
                write!(f, "schemas `{first}` and `{second}` would both become `{target}`")
            }
        }
    }
}

impl std::error::Error for MappingError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(to: Option<&str>, pairs: &[&str]) -> Result<Mapping, MappingError> {
        Mapping::new(to, &pairs.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn public_becomes_the_name_and_others_get_it_as_a_prefix() {
        let it = mapping(Some("shop"), &["audit=log"]).unwrap();
        let names = ["public", "billing", "audit", "pg_catalog"];
        assert_eq!(
            names.map(|name| it.schema(name)),
            ["shop", "shop_billing", "log", "pg_catalog"]
        );
    }

    #[test]
    fn two_schemas_never_become_one() {
        let it = mapping(Some("shop"), &["a=shop"]).unwrap();
        let error = it.apply(["public", "a"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "schemas `public` and `a` would both become `shop`"
        );
    }

    #[test]
    fn unusable_names_are_refused() {
        let long = "x".repeat(64);
        for (to, pairs) in [
            (Some(""), vec![]),
            (Some("pg_x"), vec![]),
            (Some(long.as_str()), vec![]),
        ] {
            assert!(mapping(to, &pairs).is_err(), "{to:?}");
        }
        assert!(mapping(None, &["nopair"]).is_err());
        assert!(mapping(None, &["a=b", "a=c"]).is_err());
        assert!(
            mapping(Some("x"), &[])
                .unwrap()
                .apply([&*"y".repeat(62)])
                .is_err()
        );
    }

    #[test]
    fn extensions_go_where_the_target_keeps_them() {
        let it = mapping(Some("shop"), &[]).unwrap();
        assert_eq!(
            ["public", "pg_catalog"].map(|name| it.extension_schema(name)),
            ["public", "pg_catalog"]
        );
        let it = it.with_extensions_schema(Some("extensions")).unwrap();
        assert_eq!(
            ["public", "pg_catalog"].map(|name| it.extension_schema(name)),
            ["extensions", "pg_catalog"]
        );
    }

    #[test]
    fn schemas_can_swap_names() {
        let it = mapping(None, &["a=b", "b=a"]).unwrap();
        assert_eq!(it.apply(["a", "b"]).unwrap(), ["b", "a"]);
    }
}
