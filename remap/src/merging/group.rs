//! Tables that are made anew: those that the plan merges, and those that refer to them and follow their keys.

use std::collections::{BTreeMap, BTreeSet};

use super::foreign_keys::{Key, all_keys};
use super::source::Source;
use super::statements::{Parsed, unique_columns};
use catalog::{QualifiedName, Table};
use cli::Failure;
use plan::{Merge, MergedKeys, Plan};

/// One table of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PartPlace {
    /// The source's place.
    pub(crate) source: usize,
    /// The table's place in its catalog.
    pub(crate) table: usize,
}

/// Columns, the place of the parent's group, and the parent's columns.
pub(crate) type Follow = (Vec<String>, usize, Vec<String>);

/// A table of the target with the tables that it is made of.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) target: QualifiedName,
    /// In the order of the plan: the first one's definitions stand.
    pub(crate) parts: Vec<PartPlace>,
    /// `None` for a table that only follows the keys of others.
    pub(crate) merge: Option<Merge>,
    pub(crate) source_column: Option<String>,
    /// Foreign keys whose values follow rows that are joined.
    pub(crate) follows: Vec<Follow>,
}

/// All groups, and what follows for single columns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    pub(crate) all: Vec<Group>,
    pub(crate) by_target: BTreeMap<QualifiedName, usize>,
    /// What is added to the values of a column.
    pub(super) shifts: BTreeMap<(PartPlace, String), i64>,
    /// Keys of groups, by their columns, in front of which the source column stands.
    fronted: BTreeSet<(usize, Vec<String>)>,
}

impl Group {
    pub(crate) fn keys(&self) -> MergedKeys {
        self.merge.as_ref().map_or(MergedKeys::AsIs, |it| it.keys)
    }

    /// Whether only its rows change, and nothing in its definition.
    pub(crate) fn keeps_definition(&self) -> bool {
        self.parts.len() == 1 && self.source_column.is_none()
    }

    pub(crate) fn dedupe(&self) -> &[String] {
        self.merge.as_ref().map_or(&[], |it| &it.dedupe)
    }

    pub(crate) fn part_of(&self, source: usize) -> Option<usize> {
        self.parts.iter().position(|it| it.source == source)
    }
}

pub(crate) fn table_at(sources: &[Source], place: PartPlace) -> &Table {
    &sources[place.source].catalog.tables[place.table]
}

impl Groups {
    /// Finds every group; refuses keys that cannot be kept apart as the plan says.
    pub(crate) fn find(plan: &Plan, sources: &[Source], texts: &[Parsed<'_>]) -> cli::Result<Groups> {
        let mut groups = Groups::default();
        for (place, merge) in plan.merges.iter().enumerate() {
            groups.add_merge(place, merge, sources)?;
        }
        let keys = all_keys(sources, texts, &groups);
        groups.shift_keys(sources, &keys)?;
        groups.front_keys(sources, texts, &keys);
        groups.add_followers(sources);
        groups.follow_joined(sources, &keys);
        groups.refuse_unfit(sources)?;
        Ok(groups)
    }

    /// What is added to the column's values.
    pub(crate) fn shift(&self, place: PartPlace, column: &str) -> i64 {
        self.shifts.get(&(place, column.to_owned())).copied().unwrap_or(0)
    }

    /// Whether the column holds keys that offsets keep apart.
    pub(crate) fn is_kept_apart(&self, place: PartPlace, column: &str) -> bool {
        self.shifts.contains_key(&(place, column.to_owned()))
    }

    /// Whether the source column stands in front of the key over `columns`.
    pub(crate) fn is_fronted(&self, group: usize, columns: &[String]) -> bool {
        self.fronted.contains(&(group, columns.to_vec()))
    }

    fn add_merge(&mut self, place: usize, merge: &Merge, sources: &[Source]) -> cli::Result<()> {
        let mut parts = Vec::new();
        for it in &merge.tables {
            let found = sources
                .iter()
                .enumerate()
                .find(|(_, source)| source.name == it.source);
            let Some((source, found)) = found else {
                let message = format!("no archive of source `{}` is given", it.source);
                let hint = format!("merges[{place}] of the plan needs it: `{}=ARCHIVE`", it.source);
                return Err(Failure::usage(message).with_hint(hint));
            };
            let number = found
                .merged
                .iter()
                .find(|(_, at)| **at == place)
                .map(|(number, _)| *number);
            let tables = &found.catalog.tables;
            let table = tables.iter().position(|table| Some(table.number) == number);
            parts.extend(table.map(|table| PartPlace { source, table }));
        }
        let Some(target) = merge.target() else {
            return Ok(());
        };
        self.by_target.insert(target.clone(), self.all.len());
        self.all.push(Group {
            target,
            parts,
            merge: Some(merge.clone()),
            source_column: Some(merge.source_column.clone()),
            follows: Vec::new(),
        });
        Ok(())
    }

    /// Offsets go from keys to whatever refers to them.
    fn shift_keys(&mut self, sources: &[Source], keys: &[Vec<Key>]) -> cli::Result<()> {
        for group in &self.all.clone() {
            if group.keys() != MergedKeys::Offset {
                continue;
            }
            for place in &group.parts {
                let table = table_at(sources, *place);
                let [column] = table.primary_key.as_slice() else {
                    continue;
                };
                let refers = keys[place.source].iter().any(|key| {
                    let parent = self
                        .by_target
                        .get(&sources[place.source].catalog.tables[key.parent].qualified_name());
                    key.table == place.table
                        && key.columns == [column.clone()]
                        && key.parent != key.table
                        && parent.is_some_and(|it| self.all[*it].keys() == MergedKeys::Offset)
                });
                // It gets what is added to the key that it refers to.
                if !refers {
                    let offset = group
                        .merge
                        .as_ref()
                        .map_or(0, |it| it.offset(&sources[place.source].name));
                    self.shifts.insert((*place, column.clone()), offset);
                }
            }
        }
        loop {
            let mut is_done = true;
            for (source, keys) in keys.iter().enumerate() {
                for key in keys {
                    is_done &= self.follow(sources, source, key)?;
                }
            }
            if is_done {
                return Ok(());
            }
        }
    }

    /// Gives the columns of a foreign key what the parent's have; false when there was something to give.
    fn follow(&mut self, sources: &[Source], source: usize, key: &Key) -> cli::Result<bool> {
        let mut is_done = true;
        for (column, parent_column) in key.columns.iter().zip(&key.parent_columns) {
            let parent = PartPlace {
                source,
                table: key.parent,
            };
            let Some(shift) = self.shifts.get(&(parent, parent_column.clone())).copied() else {
                continue;
            };
            let place = PartPlace {
                source,
                table: key.table,
            };
            match self.shifts.insert((place, column.clone()), shift) {
                None => is_done = false,
                Some(other) if other == shift => {}
                Some(other) => {
                    let table = table_at(sources, place).qualified_name();
                    return Err(Failure::usage(format!(
                        "{table}.{column} of source `{}` refers to keys to which {other} and {shift} are added",
                        sources[source].name
                    ))
                    .with_hint("give the source one offset in all merges that the column refers to"));
                }
            }
        }
        Ok(is_done)
    }

    /// Keys of merged tables in which rows of two sources could meet.
    fn front_keys(&mut self, sources: &[Source], texts: &[Parsed<'_>], keys: &[Vec<Key>]) {
        for (number, group) in self.all.clone().iter().enumerate() {
            if group.parts.len() < 2 {
                continue;
            }
            let first = table_at(sources, group.parts[0]);
            if group.keys() == MergedKeys::Composite && !first.primary_key.is_empty() {
                self.fronted.insert((number, first.primary_key.clone()));
            }
            for columns in unique_columns(group, sources, texts) {
                let is_joined = same(&columns, group.dedupe());
                let is_apart = columns.iter().any(|column| {
                    let mut parts = group.parts.iter();
                    parts.all(|it| self.is_kept_apart(*it, column) || is_converted(sources, *it, column))
                });
                let is_primary = same(&columns, &first.primary_key);
                if !is_joined && !is_apart && !is_primary {
                    self.fronted.insert((number, columns.clone()));
                }
            }
        }
        // Tables that refer to such a key need the source's name too.
        for (source, keys) in keys.iter().enumerate() {
            for key in keys {
                let parent = PartPlace {
                    source,
                    table: key.parent,
                };
                let Some(group) = self.group_of(parent) else {
                    continue;
                };
                if !self.is_fronted(group, &key.parent_columns) {
                    continue;
                }
                let place = PartPlace {
                    source,
                    table: key.table,
                };
                let wanted = self.all[group].source_column.clone();
                match self.group_of(place) {
                    Some(child) if self.all[child].source_column.is_none() => {
                        self.all[child].source_column = wanted;
                    }
                    Some(_) => {}
                    None => {
                        let child = self.add_follower(sources, place);
                        self.all[child].source_column = wanted;
                    }
                }
            }
        }
    }

    pub(super) fn group_of(&self, place: PartPlace) -> Option<usize> {
        self.all.iter().position(|it| it.parts.contains(&place))
    }

    fn add_follower(&mut self, sources: &[Source], place: PartPlace) -> usize {
        let target = table_at(sources, place).qualified_name();
        self.by_target.insert(target.clone(), self.all.len());
        self.all.push(Group {
            target,
            parts: vec![place],
            merge: None,
            source_column: None,
            follows: Vec::new(),
        });
        self.all.len() - 1
    }

    /// Other tables whose values change with the keys of merged ones.
    fn add_followers(&mut self, sources: &[Source]) {
        let moved: BTreeSet<PartPlace> = self
            .shifts
            .iter()
            .filter(|(_, shift)| **shift != 0)
            .map(|((place, _), _)| *place)
            .collect();
        for place in moved {
            if self.group_of(place).is_none() {
                self.add_follower(sources, place);
            }
        }
    }

    /// Rows that are joined take along what refers to them, and what refers to that.
    fn follow_joined(&mut self, sources: &[Source], keys: &[Vec<Key>]) {
        loop {
            let mut is_done = true;
            for (source, keys) in keys.iter().enumerate() {
                for key in keys {
                    let table = key.parent;
                    let Some(parent) = self.group_of(PartPlace { source, table }) else {
                        continue;
                    };
                    let place = PartPlace {
                        source,
                        table: key.table,
                    };
                    let child = self.group_of(place);
                    for follow in self.joined_through(key, parent, child) {
                        let child = self.group_of(place);
                        let child = child.unwrap_or_else(|| self.add_follower(sources, place));
                        if !self.all[child].follows.contains(&follow) {
                            self.all[child].follows.push(follow);
                            is_done = false;
                        }
                    }
                }
            }
            if is_done {
                return;
            }
        }
    }

    /// What the key's columns follow: the parent's own rows, or those that the parent follows.
    fn joined_through(&self, key: &Key, parent: usize, child: Option<usize>) -> Vec<Follow> {
        let mut follows = Vec::new();
        if !self.all[parent].dedupe().is_empty() && !same(&key.parent_columns, self.all[parent].dedupe()) {
            let (mut columns, mut parent_columns) = (key.columns.clone(), key.parent_columns.clone());
            if self.is_fronted(parent, &key.parent_columns) {
                let own = child.and_then(|it| self.all[it].source_column.clone());
                columns.splice(0..0, own);
                parent_columns.splice(0..0, self.all[parent].source_column.clone());
            }
            follows.push((columns, parent, parent_columns));
        }
        for (columns, further, further_columns) in &self.all[parent].follows {
            let own = columns.iter().map(|column| {
                let at = key.parent_columns.iter().position(|it| it == column)?;
                key.columns.get(at).cloned()
            });
            if let Some(own) = own.collect::<Option<Vec<String>>>() {
                follows.push((own, *further, further_columns.clone()));
            }
        }
        follows
    }
}

/// Whether the column's values become UUIDs.
pub(crate) fn is_converted(sources: &[Source], place: PartPlace, column: &str) -> bool {
    let source = &sources[place.source];
    let number = source.catalog.tables[place.table].number;
    let conversion = conversion::conversion_of(&source.conversions, number);
    conversion.is_some_and(|it| it.column(column).is_some())
}

/// Whether two keys are over the same columns.
pub(crate) fn same(one: &[String], other: &[String]) -> bool {
    let set = |it: &[String]| it.iter().cloned().collect::<BTreeSet<String>>();
    set(one) == set(other)
}
