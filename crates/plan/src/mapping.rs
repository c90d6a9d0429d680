//! A mapping gives every schema of a source its name on the target.

use std::collections::{BTreeMap, HashMap};

use catalog::{IDENTIFIER_BYTES_MAX, NewNames, ObjectKind, cut_identifier, snake_case};
use serde::{Deserialize, Serialize};

use crate::error::MappingError;
use crate::rename::Renamed;

/// The schema in which PostgreSQL creates what nobody placed elsewhere.
pub const DEFAULT_SCHEMA: &str = "public";

/// Where extensions go on the target unless another schema is named.
pub const DEFAULT_EXTENSIONS_SCHEMA: &str = "public";

/// New names of a source's schemas, and of what lives in them.
///
/// With `to = X`, `public` becomes `X` and every other schema `S` becomes `X_S`; `map` goes before it. A
/// schema that neither names keeps its name. Objects get the names that `rename` gives them, else what
/// `snake_case` and then `prefix` make of theirs, cut where PostgreSQL cuts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub map: BTreeMap<String, String>,
    /// Stands before the name of everything that lives in a schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// New names of single objects.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rename: BTreeMap<Renamed, String>,
    /// Names are standardised, those of columns too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub snake_case: bool,
    /// New names of single columns, by their table in the source; they go before `snake_case`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<Renamed, BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "ExtensionsPolicy::is_default")]
    pub extensions: ExtensionsPolicy,
    /// Where the target keeps extensions, when not in [`DEFAULT_EXTENSIONS_SCHEMA`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions_schema: Option<String>,
    /// Where the target keeps single extensions; goes before `extensions_schema`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extension_schemas: BTreeMap<String, String>,
}

/// What becomes of extensions when the schemas around them get new names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExtensionsPolicy {
    /// They go where the target keeps extensions.
    #[default]
    Move,
    /// They stay in the schema in which the source has them.
    Leave,
}

impl ExtensionsPolicy {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_default(&self) -> bool {
        *self == ExtensionsPolicy::Move
    }
}

/// Names within a schema that PostgreSQL keeps apart, as far as a new name depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Namespace {
    /// Functions, procedures and aggregates.
    Routines,
    /// Operators: signs, which nothing renames.
    Operators,
    /// Everything else that lives in a schema.
    Objects,
    /// What lives in a table: constraints without an index, triggers, rules, policies.
    OfTable,
}

impl Namespace {
    /// Where names of `kind` stand. A constraint that has an index is listed as that index too.
    pub fn of(kind: ObjectKind) -> Self {
        match kind {
            ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Aggregate => Namespace::Routines,
            ObjectKind::Operator => Namespace::Operators,
            ObjectKind::Constraint | ObjectKind::Trigger | ObjectKind::Rule | ObjectKind::Policy => {
                Namespace::OfTable
            }
            _ => Namespace::Objects,
        }
    }
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
            ..Mapping::default()
        };
        for name in mapping.to.iter().chain(mapping.map.values()) {
            check_schema_name(name)?;
        }
        Ok(mapping)
    }

    /// The same with new names for single objects; each of `pairs` is `SCHEMA.OLD=NEW`.
    pub fn with_renames(mut self, pairs: &[String]) -> Result<Self, MappingError> {
        for pair in pairs {
            let (renamed, new) = Renamed::parse_pair(pair)?;
            check_length(&new)?;
            let twice = MappingError::Twice(renamed.to_string());
            if self.rename.insert(renamed, new).is_some() {
                return Err(twice);
            }
        }
        Ok(self)
    }

    /// The same with a prefix for the names of objects.
    pub fn with_prefix(mut self, prefix: Option<&str>) -> Result<Self, MappingError> {
        if let Some(prefix) = prefix {
            if prefix.is_empty() {
                return Err(MappingError::EmptyName);
            }
            check_length(prefix)?;
            self.prefix = Some(prefix.to_owned());
        }
        Ok(self)
    }

    /// The same with another home for extensions on the target; each of `homes` is `[EXTENSION=]SCHEMA`.
    pub fn with_extensions_schemas(mut self, homes: &[String]) -> Result<Self, MappingError> {
        for home in homes {
            let (extension, schema) = match home.split_once('=') {
                Some((extension, schema)) => (Some(extension), schema),
                None => (None, home.as_str()),
            };
            check_schema_name(schema)?;
            let twice = match extension {
                Some(extension) => self
                    .extension_schemas
                    .insert(extension.to_owned(), schema.to_owned())
                    .is_some(),
                None => self.extensions_schema.replace(schema.to_owned()).is_some(),
            };
            if twice {
                return Err(MappingError::Twice(extension.unwrap_or("extensions").to_owned()));
            }
        }
        Ok(self)
    }

    /// True when nothing gets a new name or another place.
    pub fn is_empty(&self) -> bool {
        self.to.is_none()
            && self.extensions_schema.is_none()
            && self.extension_schemas.is_empty()
            && !self.renames_objects()
            && self.columns.is_empty()
            && self.map.iter().all(|(old, new)| old == new)
    }

    /// Whether objects get new names, and not their schemas alone.
    pub fn renames_objects(&self) -> bool {
        self.prefix.is_some() || self.snake_case || !self.rename.is_empty()
    }

    /// Whether columns get new names.
    pub fn renames_columns(&self) -> bool {
        self.snake_case || !self.columns.is_empty()
    }

    /// The name that `schema` gets on the target. Built-in schemas keep theirs.
    pub fn schema(&self, schema: &str) -> String {
        if let Some(new) = self.map.get(schema) {
            return new.clone();
        }
        if is_built_in(schema) {
            return schema.to_owned();
        }
        let own = if self.snake_case {
            snake_case(schema)
        } else {
            schema.to_owned()
        };
        match &self.to {
            Some(to) if schema == DEFAULT_SCHEMA => to.clone(),
            Some(to) => format!("{to}_{own}"),
            None => own,
        }
    }

    /// The name that one of the source's own objects gets on the target, cut where PostgreSQL cuts it.
    pub fn object(&self, namespace: Namespace, schema: &str, name: &str) -> String {
        cut_identifier(&self.whole_name(namespace, schema, name)).to_owned()
    }

    /// The same name before it is cut.
    pub fn whole_name(&self, namespace: Namespace, schema: &str, name: &str) -> String {
        if !self.renames_objects() || namespace == Namespace::Operators || is_built_in(schema) {
            return name.to_owned();
        }
        if !self.rename.is_empty() && namespace != Namespace::OfTable {
            let renamed = Renamed {
                schema: schema.to_owned(),
                name: name.to_owned(),
                routine: namespace == Namespace::Routines,
            };
            if let Some(new) = self.rename.get(&renamed) {
                return new.clone();
            }
        }
        let own = if self.snake_case {
            snake_case(name)
        } else {
            name.to_owned()
        };
        match &self.prefix {
            Some(prefix) if namespace != Namespace::OfTable => format!("{prefix}{own}"),
            _ => own,
        }
    }

    /// The name that a column of this table gets on the target, in the end.
    pub fn column_of(&self, schema: &str, table: &str, name: &str) -> String {
        if !self.columns.is_empty() {
            let table = Renamed {
                schema: schema.to_owned(),
                name: table.to_owned(),
                routine: false,
            };
            if let Some(new) = self.columns.get(&table).and_then(|it| it.get(name)) {
                return new.clone();
            }
        }
        self.column(name)
    }

    /// The name that a column called `name` gets in some table.
    pub fn column_somewhere(&self, name: &str) -> String {
        let single = self.columns.values().find_map(|it| it.get(name));
        single.cloned().unwrap_or_else(|| self.column(name))
    }

    /// The name that a column gets on the target, in the end, unless its table says otherwise.
    pub fn column(&self, name: &str) -> String {
        if self.snake_case {
            cut_identifier(&snake_case(name)).to_owned()
        } else {
            name.to_owned()
        }
    }

    /// Where the target keeps `extension`, which the source has in `schema`: it does not move with the
    /// source's own objects.
    pub fn extension_schema(&self, extension: &str, schema: &str) -> String {
        if is_built_in(schema) || self.extensions == ExtensionsPolicy::Leave || self.is_empty() {
            return schema.to_owned();
        }
        self.extension_schemas
            .get(extension)
            .or(self.extensions_schema.as_ref())
            .map_or(DEFAULT_EXTENSIONS_SCHEMA, String::as_str)
            .to_owned()
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

impl NewNames for Mapping {
    fn schema(&self, schema: &str) -> String {
        Mapping::schema(self, schema)
    }

    fn object(&self, kind: ObjectKind, schema: &str, name: &str) -> String {
        Mapping::object(self, Namespace::of(kind), schema, name)
    }

    fn column(&self, schema: &str, table: &str, name: &str) -> String {
        Mapping::column_of(self, schema, table, name)
    }

    fn extension_schema(&self, extension: &str, schema: &str) -> String {
        Mapping::extension_schema(self, extension, schema)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(words: &[&str]) -> Vec<String> {
        words.iter().map(|it| (*it).to_owned()).collect()
    }

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
        let homes = |it: &Mapping| {
            [
                ("citext", "public"),
                ("postgis", "gis"),
                ("plpgsql", "pg_catalog"),
            ]
            .map(|(extension, schema)| it.extension_schema(extension, schema))
        };
        let it = mapping(Some("shop"), &[]).unwrap();
        assert_eq!(homes(&it), ["public", "public", "pg_catalog"]);
        let it = it
            .with_extensions_schemas(&owned(&["extensions", "postgis=geo"]))
            .unwrap();
        assert_eq!(homes(&it), ["extensions", "geo", "pg_catalog"]);
        let it = Mapping {
            extensions: ExtensionsPolicy::Leave,
            ..it
        };
        assert_eq!(homes(&it), ["public", "gis", "pg_catalog"]);
        assert!(it.with_extensions_schemas(&owned(&["a=b", "a=c"])).is_err());
    }

    #[test]
    fn objects_get_a_prefix_or_a_name_of_their_own() {
        let it = mapping(None, &[]).unwrap();
        let it = it.with_prefix(Some("crm_")).unwrap();
        let it = it
            .with_renames(&owned(&["public.users=accounts", "public.f()=g"]))
            .unwrap();
        for (namespace, name, expected) in [
            (Namespace::Objects, "users", "accounts"),
            (Namespace::Objects, "orders", "crm_orders"),
            (Namespace::Objects, "f", "crm_f"),
            (Namespace::Routines, "f", "g"),
            (Namespace::Operators, "+", "+"),
            (Namespace::OfTable, "check", "check"),
        ] {
            assert_eq!(it.object(namespace, "public", name), expected, "{name}");
        }
        assert_eq!(it.object(Namespace::Objects, "pg_catalog", "int4"), "int4");
        let long = "ä".repeat(40);
        let cut = it.object(Namespace::Objects, "public", &long);
        assert_eq!(cut, format!("crm_{}", "ä".repeat(29)));
    }

    #[test]
    fn schemas_can_swap_names() {
        let it = mapping(None, &["a=b", "b=a"]).unwrap();
        assert_eq!(it.apply(["a", "b"]).unwrap(), ["b", "a"]);
    }
}
