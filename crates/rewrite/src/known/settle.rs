//! A mapping made fit for a source: single renames found, their followers added, and no two objects under one
//! name.

use std::collections::HashMap;

use catalog::{ObjectKind, QualifiedName, quote_ident};
use plan::{Mapping, MappingError, Namespace, Renamed};

use super::{Known, Space};

/// Columns that every table has.
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

impl Known {
    /// The mapping with everything that follows from it in this source.
    ///
    /// A routine may be named without `()` where nothing else is called so. With a table go the sequences of its
    /// columns and its indexes, as far as their names begin with the table's; with a range type its
    /// constructors. Refused when an object to be renamed does not exist, or when two objects would get one
    /// name, also where PostgreSQL would cut two long names to the same.
    pub fn settle(&self, mapping: &Mapping) -> Result<Mapping, MappingError> {
        for renamed in mapping.rename.keys() {
            self.find(renamed)?;
        }
        self.find_columns(mapping)?;
        self.settle_so_far(mapping)
    }

    /// Whether nothing has been learned since [`Known::remember_settled`].
    pub(crate) fn is_settled(&self) -> bool {
        self.is_settled
    }

    /// What follows from a mapping has been found.
    pub(crate) fn remember_settled(&mut self) {
        self.is_settled = true;
    }

    /// As [`Known::settle`] while not everything is known yet: an object to be renamed may still appear.
    pub(crate) fn settle_so_far(&self, mapping: &Mapping) -> Result<Mapping, MappingError> {
        if !mapping.renames_objects() && mapping.columns.is_empty() {
            return Ok(mapping.clone());
        }
        let mut settled = mapping.clone();
        for (renamed, new) in &mapping.rename {
            let Ok(found) = self.find(renamed) else {
                continue;
            };
            if found != *renamed {
                settled.rename.remove(renamed);
                settled.rename.insert(found.clone(), new.clone());
            }
            for (follower, name) in self.followers(&found, new) {
                settled.rename.entry(follower).or_insert(name);
            }
        }
        self.check_objects(&settled)?;
        self.check_columns(&settled)?;
        self.check_parts(&settled)?;
        Ok(settled)
    }

    fn find(&self, renamed: &Renamed) -> Result<Renamed, MappingError> {
        let standing = self
            .names
            .get(&renamed.schema)
            .and_then(|it| it.get(&renamed.name));
        let own = standing.map_or(0, |it| it.own);
        let is_routine = own & Space::Routine.bit() != 0;
        let is_other = own & !Space::Routine.bit() & !Space::Operator.bit() != 0;
        if (renamed.routine && is_routine) || (!renamed.routine && is_other) {
            Ok(renamed.clone())
        } else if is_routine {
            Ok(Renamed {
                routine: true,
                ..renamed.clone()
            })
        } else {
            Err(MappingError::NoSuchObject(renamed.to_string()))
        }
    }

    fn followers(&self, renamed: &Renamed, new: &str) -> Vec<(Renamed, String)> {
        if renamed.routine {
            return Vec::new();
        }
        let is_it = |schema: &str, name: &str| schema == renamed.schema && name == renamed.name;
        let sequences = self
            .owned_sequences
            .iter()
            .filter(|(_, table)| is_it(&table.schema, &table.name))
            .map(|(sequence, _)| (sequence.schema.as_str(), sequence.name.as_str()));
        let indexes = self
            .indexes
            .iter()
            .filter(|(table, _)| is_it(&table.schema, &table.name))
            .map(|(table, index)| (table.schema.as_str(), index.as_str()));
        let start = format!("{}_", renamed.name);
        let mut followers: Vec<(Renamed, String)> = sequences
            .chain(indexes)
            .filter_map(|(schema, name)| {
                let follower = Renamed {
                    schema: schema.to_owned(),
                    name: name.to_owned(),
                    routine: false,
                };
                Some((follower, format!("{new}_{}", name.strip_prefix(&start)?)))
            })
            .collect();
        let constructor = Renamed {
            routine: true,
            ..renamed.clone()
        };
        let is_type = self.defines(Space::Type, &renamed.schema, &renamed.name);
        if is_type && self.defines(Space::Routine, &renamed.schema, &renamed.name) {
            followers.push((constructor, new.to_owned()));
        }
        followers
    }

    fn check_objects(&self, mapping: &Mapping) -> Result<(), MappingError> {
        let mut taken: HashMap<(String, u16, String), (&str, &str)> = HashMap::new();
        for (schema, names) in &self.names {
            for (name, standing) in names {
                for space in spaces(standing.own) {
                    let namespace = if space == Space::Routine.bit() {
                        Namespace::Routines
                    } else {
                        Namespace::Objects
                    };
                    let target = (
                        mapping.schema(schema),
                        space,
                        mapping.object(namespace, schema, name),
                    );
                    let new = target.2.clone();
                    let Some(first) = taken.insert(target, (schema, name)) else {
                        continue;
                    };
                    if first != (schema, name) {
                        let label = |(schema, name): (&str, &str)| {
                            let whole = mapping.whole_name(namespace, schema, name);
                            format!(
                                "{}.{} ({})",
                                quote_ident(schema),
                                quote_ident(name),
                                quote_ident(&whole)
                            )
                        };
                        let mut both = [label(first), label((schema, name))];
                        both.sort();
                        let [first, second] = both;
                        return Err(MappingError::ObjectCollision {
                            first,
                            second,
                            target: new,
                        });
                    }
                }
            }
        }
        Ok(())
    }

    /// Names within a table: only a catalog tells them all, and in plain SQL the server refuses the second.
    fn check_parts(&self, mapping: &Mapping) -> Result<(), MappingError> {
        let mut taken: HashMap<(&QualifiedName, ObjectKind, String), &str> = HashMap::new();
        for (table, kind, name, indexed) in &self.of_tables {
            let namespace = if *indexed {
                Namespace::Objects
            } else {
                Namespace::OfTable
            };
            let new = mapping.object(namespace, &table.schema, name);
            let first = taken.insert((table, *kind, new.clone()), name);
            if let Some(first) = first.filter(|it| it != name) {
                return Err(MappingError::ObjectCollision {
                    first: format!("{kind} {} of {table}", quote_ident(first)),
                    second: format!("{kind} {}", quote_ident(name)),
                    target: new,
                });
            }
        }
        Ok(())
    }

    /// Refuses new names for columns that are not there, or that heirs have, too.
    fn find_columns(&self, mapping: &Mapping) -> Result<(), MappingError> {
        for (renamed, columns) in &mapping.columns {
            let table = QualifiedName::new(&renamed.schema, &renamed.name);
            let known = self.relations.columns_of(&table).unwrap_or_default();
            for column in columns.keys() {
                let label = format!("column {} of {table}", quote_ident(column));
                if !known.contains(column) {
                    return Err(MappingError::NoSuchObject(label));
                }
                if self.relations.has_kin(&table) {
                    return Err(MappingError::ColumnOfHeirs(label));
                }
            }
        }
        Ok(())
    }

    fn check_columns(&self, mapping: &Mapping) -> Result<(), MappingError> {
        for (table, columns) in self.relations.columns() {
            let mut taken: HashMap<String, &str> = HashMap::new();
            for column in columns {
                let new = mapping.column_of(&table.schema, &table.name, column);
                let label = || format!("column {} of {table}", quote_ident(column));
                if new != *column && SYSTEM_COLUMNS.contains(&new.as_str()) {
                    return Err(MappingError::SystemColumn {
                        column: label(),
                        target: new,
                    });
                }
                if new != *column && self.relations.is_inherited_twice(table, column) {
                    return Err(MappingError::InheritedTwice(label()));
                }
                if let Some(first) = taken.insert(new.clone(), column) {
                    return Err(MappingError::ObjectCollision {
                        first: format!("column {} of {table}", quote_ident(first)),
                        second: format!("column {}", quote_ident(column)),
                        target: new,
                    });
                }
            }
        }
        Ok(())
    }
}

/// The namespaces of `own`, relations and types as one: a table has a type of its name.
fn spaces(own: u16) -> impl Iterator<Item = u16> {
    let relations = Space::Relation.bit() | Space::Type.bit();
    let both = (own & relations != 0).then_some(relations);
    let others = (0..u16::BITS)
        .map(|bit| 1 << bit)
        .filter(move |bit| own & !relations & !Space::Operator.bit() & bit != 0);
    both.into_iter().chain(others)
}
