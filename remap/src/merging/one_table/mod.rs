//! What is said of one table that is made of several: keys, indexes, foreign keys, and all the rest, once each.

mod behaviour;
mod keys;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use catalog::{Object, ObjectKind, QualifiedName, Table, cut_identifier, quote_ident};
use rewrite::{About, TablePart, TableStatement};

use crate::merging::group::{Group, Groups, same, table_at};
use crate::merging::shape::{Found, Shape};
use crate::merging::source::Source;
use crate::merging::statements::{Parsed, column_list, object, replaced};

/// One table, while what is said of it is united.
pub(crate) struct OneTable<'a> {
    groups: &'a Groups,
    number: usize,
    group: &'a Group,
    shape: &'a Shape,
    sources: &'a [Source],
    /// What every part says.
    statements: Vec<(usize, &'a str, &'a TablePart)>,
    /// Columns whose values a sequence makes, with the part whose sequence it is.
    generators: BTreeMap<String, usize>,
    /// Keys of parents that other tables refer to.
    referenced: Vec<Vec<String>>,
    is_made: bool,
    has_primary: bool,
    uniques: Vec<Vec<String>>,
    foreign: Vec<(Vec<String>, QualifiedName, Vec<String>)>,
    /// Names of indexes and of constraints that have one.
    names: BTreeSet<String>,
    /// Indexes of sources that are not made under their names.
    lost: BTreeSet<String>,
    constraints: BTreeSet<String>,
    said: HashSet<String>,
    pub(crate) objects: Vec<Object>,
}

impl<'a> OneTable<'a> {
    pub(crate) fn new(
        groups: &'a Groups,
        number: usize,
        shape: &'a Shape,
        sources: &'a [Source],
        texts: &'a [Parsed<'a>],
    ) -> Self {
        let group = &groups.all[number];
        let mut statements = Vec::new();
        let mut referenced: Vec<Vec<String>> = Vec::new();
        for (source, members) in texts.iter().enumerate() {
            for statement in members.iter().flat_map(|(_, it)| it) {
                let About::Part { table, part } = &statement.about else {
                    continue;
                };
                if let TablePart::ForeignKey(key) = part
                    && key.parent == group.target
                {
                    referenced.push(key.parent_columns.clone());
                }
                if let Some(place) = group.part_of(source).filter(|_| *table == group.target) {
                    statements.push((place, statement.text, part));
                }
            }
        }
        let mut generators: BTreeMap<String, usize> = BTreeMap::new();
        for (place, _, part) in &statements {
            let (TablePart::Identity { column, .. } | TablePart::Default { column, .. }) = part else {
                continue;
            };
            let first = generators.entry(column.clone()).or_insert(*place);
            *first = (*first).min(*place);
        }
        OneTable {
            groups,
            number,
            group,
            shape,
            sources,
            statements,
            generators,
            referenced,
            is_made: false,
            has_primary: false,
            uniques: Vec::new(),
            foreign: Vec::new(),
            names: BTreeSet::new(),
            lost: BTreeSet::new(),
            constraints: BTreeSet::new(),
            said: HashSet::new(),
            objects: Vec::new(),
        }
    }

    fn is_of_several(&self) -> bool {
        self.group.parts.len() > 1
    }

    fn table(&self, part: usize) -> &Table {
        table_at(self.sources, self.group.parts[part])
    }

    fn name_of(&self, part: usize) -> &str {
        &self.sources[self.group.parts[part].source].name
    }

    /// The parts that have all of these columns.
    fn parts_with(&self, columns: &[String]) -> Vec<usize> {
        let has = |part: &usize| {
            let own = &self.table(*part).columns;
            columns
                .iter()
                .all(|it| own.iter().any(|column| column.name == *it))
        };
        (0..self.group.parts.len()).filter(has).collect()
    }

    /// The table itself, the first time.
    pub(crate) fn definition(&mut self) -> Option<String> {
        if std::mem::replace(&mut self.is_made, true) {
            return None;
        }
        Some(self.shape.definition.clone())
    }

    /// Whether it is the part whose sequence makes the column's values.
    pub(crate) fn makes_values(&self, part: usize, column: &str) -> bool {
        // A sequence that belongs to a column and does not make its values stands by the first part's.
        self.generators.get(column).copied().unwrap_or(0) == part
    }

    /// Whether the column has more room than the part's had, so that its sequence needs it too.
    pub(crate) fn is_wider(&self, part: usize, column: &str) -> bool {
        let text = |it: &[catalog::Column]| {
            let column = it.iter().find(|it| it.name == column);
            column.map(|it| it.column_type.text.clone())
        };
        text(&self.shape.columns) != text(&self.table(part).columns)
    }

    pub(crate) fn has_lost_index(&self, index: &QualifiedName) -> bool {
        index.schema == self.group.target.schema && self.lost.contains(&index.name)
    }

    /// What becomes of something that one part says.
    pub(crate) fn part(
        &mut self,
        place: usize,
        statement: &TableStatement<'_>,
        part: &TablePart,
        found: &mut Found,
    ) -> Option<String> {
        let text = statement.text;
        match part {
            TablePart::Key {
                name,
                primary: true,
                columns,
                list,
            } => self.primary(place, name, columns, list, text, found),
            TablePart::Key {
                name, columns, list, ..
            } => self.unique(place, name, columns, Some(list), text, found),
            TablePart::Index {
                name,
                unique: true,
                columns,
                items,
                has_condition: false,
            } if !columns.is_empty() => self.unique(place, name, columns, Some(items), text, found),
            TablePart::Index {
                name, unique, items, ..
            } => self.index(place, name, *unique, items, text, found),
            TablePart::ForeignKey(key) => self.foreign_key(place, key, text, found),
            TablePart::Check { name, condition } => self.check(place, name, condition, text, found),
            TablePart::Identity { column, sequence } => {
                if !self.makes_values(place, column) {
                    return None;
                }
                Some(match sequence {
                    Some(at) => replaced(
                        text,
                        at,
                        &self.sequence_of(place, column, &text[at.clone()]),
                        None,
                    ),
                    None => text.to_owned(),
                })
            }
            TablePart::Default { column, value } => {
                if self.makes_values(place, column) {
                    return Some(text.to_owned());
                }
                if !value.contains("nextval(") {
                    found.notes.push(format!(
                        "{}.{column} has the default of the first source; {value} does not stand",
                        self.group.target
                    ));
                }
                None
            }
            TablePart::Column(column) => {
                let first = self.parts_with(std::slice::from_ref(column)).first().copied();
                (first == Some(place)).then(|| text.to_owned())
            }
            TablePart::Trigger(name) | TablePart::Rule(name) => self.behaviour(place, name, statement, found),
            TablePart::Policy { name, restrictive } => {
                let made = self.behaviour(place, name, statement, found);
                if made.is_none() && *restrictive && self.is_of_several() && !self.said.contains(text) {
                    found.refused.push(format!(
                        "{}: restrictive policy {name} of source `{}` is not in all sources, and without it more rows would be seen",
                        self.group.target,
                        self.name_of(place)
                    ));
                }
                made
            }
            TablePart::Partition => Some(text.to_owned()),
            // The definition has it.
            TablePart::AddedColumn => None,
            TablePart::Grant => self.grant(place, text, found),
            TablePart::Other => self.rest(place, text),
        }
    }

    fn sequence_of(&self, part: usize, column: &str, written: &str) -> String {
        let source = &self.sources[self.group.parts[part].source];
        let own = source.catalog.sequences.iter().find(|it| {
            let owner = it.owned_by.as_ref();
            owner.is_some_and(|it| it.table == self.group.target && it.column == column)
        });
        own.map_or_else(
            || written.to_owned(),
            |it| QualifiedName::new(&it.schema, &it.name).to_string(),
        )
    }

    /// A name that nothing else of the table has.
    fn free_name(&mut self, name: &str, part: usize) -> String {
        let mut free = name.to_owned();
        let mut number = 1;
        while !self.names.insert(free.clone()) {
            let end = if number == 1 {
                format!("_{}", self.name_of(part))
            } else {
                format!("_{number}")
            };
            let whole = format!(
                "{}{end}",
                &name[..name.floor_char_boundary(63_usize.saturating_sub(end.len()))]
            );
            cut_identifier(&whole).clone_into(&mut free);
            number += 1;
        }
        free
    }

    fn add_index(&mut self, name: &str, of_constraint: bool) {
        let target = &self.group.target;
        self.objects.push(object(ObjectKind::Index, target, name, false));
        if of_constraint {
            self.objects
                .push(object(ObjectKind::Constraint, target, name, true));
        }
    }

    /// The index by which rows are found to be the same, where no part has one.
    pub(crate) fn joining_index(&mut self) -> Option<String> {
        let columns = self.group.dedupe().to_vec();
        let is_primary = self.has_primary && same(&columns, &self.table(0).primary_key);
        if columns.is_empty() || is_primary || self.uniques.iter().any(|it| same(it, &columns)) {
            return None;
        }
        let name = format!("{}_{}_key", self.group.target.name, columns.join("_"));
        let name = self.free_name(cut_identifier(&name), 0);
        self.add_index(&name, false);
        Some(format!(
            "CREATE UNIQUE INDEX {} ON {} USING btree ({});",
            quote_ident(&name),
            self.group.target,
            column_list(&columns)
        ))
    }

    /// Views and routines that read or write the table have rows of all sources before them.
    pub(crate) fn is_mentioned(&self, source: usize, statement: &TableStatement<'_>) -> Option<String> {
        let text = statement.text;
        let part = self.group.part_of(source).filter(|_| self.is_of_several())?;
        let is_routine = ["CREATE FUNCTION ", "CREATE PROCEDURE "]
            .iter()
            .any(|it| text.starts_with(it));
        let is_view = [
            "CREATE VIEW ",
            "CREATE MATERIALIZED VIEW ",
            "CREATE RECURSIVE VIEW ",
        ];
        if !is_routine && !is_view.iter().any(|it| text.starts_with(it)) {
            return None;
        }
        let whole = self.group.target.to_string();
        let is_mentioned =
            is_word(text, &whole) || (is_routine && is_word(text, &quote_ident(&self.group.target.name)));
        let needs = if is_routine {
            format!(
                "; what it inserts must give {}",
                self.group.source_column.as_deref().unwrap_or_default()
            )
        } else {
            String::new()
        };
        is_mentioned.then(|| {
            format!(
                "{} of source `{}` mentions {whole}, which holds the rows of all its sources{needs}",
                statement.label,
                self.name_of(part)
            )
        })
    }
}

/// The statement with another name for what it makes.
fn renamed(text: &str, old: &str, new: &str) -> String {
    if old == new {
        return text.to_owned();
    }
    let (old, new) = (quote_ident(old), quote_ident(new));
    let places = [format!(" CONSTRAINT {old} "), format!(" INDEX {old} ")];
    let place = places.iter().find_map(|it| Some((text.find(it.as_str())?, it)));
    let Some((at, words)) = place else {
        return text.to_owned();
    };
    let replaced = words.replace(&old, &new);
    format!("{}{replaced}{}", &text[..at], &text[at + words.len()..])
}

pub(super) fn is_word(text: &str, word: &str) -> bool {
    let is_part = |it: char| it.is_alphanumeric() || it == '_' || it == '"';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}
