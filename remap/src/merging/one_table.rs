//! What is said of one table that is made of several: keys, indexes, foreign keys, and all the rest, once each.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use catalog::{Object, ObjectKind, QualifiedName, Table, cut_identifier, quote_ident, quote_literal};
use rewrite::{About, ForeignKeyText, TablePart, TableStatement};

use super::group::{Group, Groups, same, table_at};
use super::shape::{Found, Shape, of_others};
use super::source::Source;
use super::statements::{Parsed, column_list, object, replaced};

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
            let column = match part {
                TablePart::Identity { column, .. } => column,
                TablePart::Default { column, .. } => column,
                _ => continue,
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
            free = cut_identifier(&whole).to_owned();
            number += 1;
        }
        free
    }

    fn primary(
        &mut self,
        place: usize,
        name: &str,
        columns: &[String],
        list: &std::ops::Range<usize>,
        text: &str,
        found: &mut Found,
    ) -> Option<String> {
        let first = (0..self.group.parts.len()).find(|it| !self.table(*it).primary_key.is_empty());
        let of_first = first
            .map(|it| self.table(it).primary_key.clone())
            .unwrap_or_default();
        if of_first != columns {
            found.refused.push(format!(
                "{} would have two primary keys: ({}) and ({}) of source `{}`",
                self.group.target,
                column_list(&of_first),
                column_list(columns),
                self.name_of(place)
            ));
        }
        if self.has_primary {
            self.lost.insert(name.to_owned());
            return None;
        }
        self.has_primary = true;
        for part in (0..self.group.parts.len()).filter(|it| self.table(*it).primary_key.is_empty()) {
            found.notes.push(format!(
                "{} of source `{}` has no primary key; rows that do not fit the key will be refused",
                self.group.target,
                self.name_of(part)
            ));
        }
        self.names.insert(name.to_owned());
        self.constraints.insert(name.to_owned());
        self.add_index(name, true);
        Some(self.fronted(columns, list, text))
    }

    /// The statement with the source column in front of its list, where rows of two sources could meet.
    fn fronted(&self, columns: &[String], list: &std::ops::Range<usize>, text: &str) -> String {
        let mut text = text.to_owned();
        if self.groups.is_fronted(self.number, columns)
            && let Some(column) = &self.group.source_column
        {
            text.insert_str(list.start, &format!("{}, ", quote_ident(column)));
        }
        text
    }

    fn add_index(&mut self, name: &str, of_constraint: bool) {
        let target = &self.group.target;
        self.objects.push(object(ObjectKind::Index, target, name, false));
        if of_constraint {
            self.objects
                .push(object(ObjectKind::Constraint, target, name, true));
        }
    }

    /// A unique key over plain columns, as a constraint or as an index; `list` is where its columns stand.
    fn unique(
        &mut self,
        place: usize,
        name: &str,
        columns: &[String],
        list: Option<&std::ops::Range<usize>>,
        text: &str,
        found: &mut Found,
    ) -> Option<String> {
        if self.uniques.iter().any(|it| same(it, columns)) {
            self.lost.insert(name.to_owned());
            return None;
        }
        self.uniques.push(columns.to_vec());
        let is_constraint = text.starts_with("ALTER ");
        let having: Vec<usize> = self
            .statements
            .iter()
            .filter(|it| is_unique(it.2, columns))
            .map(|it| it.0)
            .collect();
        let all = self.parts_with(columns).iter().all(|it| having.contains(it));
        let is_joined = same(columns, self.group.dedupe());
        let is_referenced = self.referenced.iter().any(|it| same(it, columns));
        let target = &self.group.target;
        let new = self.free_name(name, place);
        if new != name {
            self.lost.insert(name.to_owned());
        }
        if !self.is_of_several() || all || is_joined || is_referenced {
            if self.groups.is_fronted(self.number, columns) {
                found.notes.push(format!(
                    "{target}: ({}) is unique within each source, since two sources may have the same",
                    column_list(columns)
                ));
            }
            if is_constraint {
                self.constraints.insert(new.clone());
            }
            self.add_index(&new, is_constraint);
            let text = list.map_or_else(|| text.to_owned(), |it| self.fronted(columns, it, text));
            return Some(renamed(&text, name, &new));
        }
        let of: Vec<&str> = having.iter().map(|it| self.name_of(*it)).collect();
        found.notes.push(format!(
            "{target}: ({}) is unique among the rows of {} alone, as it was",
            column_list(columns),
            of.join(", ")
        ));
        let source = quote_ident(self.group.source_column.as_deref().unwrap_or_default());
        let own: Vec<String> = of.iter().map(|it| quote_literal(it)).collect();
        let front = self
            .groups
            .is_fronted(self.number, columns)
            .then(|| format!("{source}, "));
        let index = format!(
            "CREATE UNIQUE INDEX {} ON {target} USING btree ({}{}) WHERE ({source} IN ({}));",
            quote_ident(&new),
            front.unwrap_or_default(),
            column_list(columns),
            own.join(", ")
        );
        self.add_index(&new, false);
        Some(index)
    }

    fn index(
        &mut self,
        place: usize,
        name: &str,
        unique: bool,
        items: &std::ops::Range<usize>,
        text: &str,
        found: &mut Found,
    ) -> Option<String> {
        let words = text.split_once(" USING ").map_or(text, |it| it.1);
        if !self.said.insert(format!("{unique} {words}")) {
            self.lost.insert(name.to_owned());
            return None;
        }
        let new = self.free_name(name, place);
        if new != name {
            self.lost.insert(name.to_owned());
        }
        self.add_index(&new, false);
        let mut text = text.to_owned();
        if unique && self.is_of_several() {
            if let Some(column) = &self.group.source_column {
                text.insert_str(items.start, &format!("{}, ", quote_ident(column)));
            }
            found.notes.push(format!(
                "{}: what index {name} keeps unique, it keeps unique within each source",
                self.group.target
            ));
        }
        Some(renamed(&text, name, &new))
    }

    fn foreign_key(
        &mut self,
        place: usize,
        key: &ForeignKeyText,
        text: &str,
        found: &mut Found,
    ) -> Option<String> {
        let parent = self.groups.by_target.get(&key.parent).copied();
        let signature = (
            key.columns.clone(),
            key.parent.clone(),
            key.parent_columns.clone(),
        );
        if self.foreign.contains(&signature) {
            return None;
        }
        self.foreign.push(signature);
        let declared: Vec<usize> = self
            .statements
            .iter()
            .filter(|(_, _, part)| {
                matches!(part, TablePart::ForeignKey(it) if it.columns == key.columns && it.parent == key.parent)
            })
            .map(|it| it.0)
            .collect();
        for part in self
            .parts_with(&key.columns)
            .into_iter()
            .filter(|it| !declared.contains(it))
        {
            let source = self.group.parts[part].source;
            let is_there = parent.is_some_and(|it| self.groups.all[it].part_of(source).is_some());
            let (target, columns, of) = (&self.group.target, column_list(&key.columns), self.name_of(part));
            if is_there {
                found.doubts.push(format!(
                    "{target}.{columns} refers to {} in source `{}`, and nothing says so in `{of}`: its rows are taken to do \
                     the same",
                    key.parent,
                    self.name_of(place)
                ));
            } else {
                found.refused.push(format!(
                    "{target}.{columns} refers to {} in source `{}`, and the rows of `{of}` cannot: merge that table too",
                    key.parent,
                    self.name_of(place)
                ));
            }
        }
        let mut new = key.name.clone();
        if !self.constraints.insert(new.clone()) {
            new = cut_identifier(&format!("{}_{}", key.name, self.name_of(place))).to_owned();
            self.constraints.insert(new.clone());
        }
        self.objects
            .push(object(ObjectKind::Constraint, &self.group.target, &new, false));
        let text = self.fronted_reference(key, parent, text, found);
        Some(renamed(&text, &key.name, &new))
    }

    fn fronted_reference(
        &self,
        key: &ForeignKeyText,
        parent: Option<usize>,
        text: &str,
        found: &mut Found,
    ) -> String {
        let fronted = parent.filter(|it| self.groups.is_fronted(*it, &key.parent_columns));
        let columns = fronted.and_then(|it| {
            let of_parent = self.groups.all[it].source_column.as_ref()?;
            Some((self.group.source_column.as_ref()?, of_parent))
        });
        let Some((own, of_parent)) = columns else {
            return text.to_owned();
        };
        if key.touches_columns {
            found.refused.push(format!(
                "{}: foreign key {} sets its columns to NULL or to defaults, or matches in full, which the source column \
                 cannot; keep the keys of {} apart by \"offset\"",
                self.group.target, key.name, key.parent
            ));
        }
        let mut text = text.to_owned();
        text.insert_str(key.parent_list.start, &format!("{}, ", quote_ident(of_parent)));
        text.insert_str(key.list.start, &format!("{}, ", quote_ident(own)));
        text
    }

    fn check(
        &mut self,
        place: usize,
        name: &str,
        condition: &str,
        text: &str,
        found: &mut Found,
    ) -> Option<String> {
        if !self.said.insert(format!("check {condition}")) {
            return None;
        }
        let is_same = |it: &&(usize, &str, &TablePart)| matches!(it.2, TablePart::Check { condition: it, .. } if it == condition);
        let having: BTreeSet<usize> = self.statements.iter().filter(is_same).map(|it| it.0).collect();
        let mut new = name.to_owned();
        if !self.constraints.insert(new.clone()) {
            new = cut_identifier(&format!("{name}_{}", self.name_of(place))).to_owned();
            self.constraints.insert(new.clone());
        }
        self.objects
            .push(object(ObjectKind::Constraint, &self.group.target, &new, false));
        if having.len() == self.group.parts.len() {
            return Some(renamed(text, name, &new));
        }
        let of: Vec<&str> = having.iter().map(|it| self.name_of(*it)).collect();
        found.notes.push(format!(
            "{}: check {name} holds for the rows of {} alone",
            self.group.target,
            of.join(", ")
        ));
        let own = format!("({} OR ({condition}))", of_others(self.group, &of));
        Some(renamed(&text.replacen(condition, &own, 1), name, &new))
    }

    /// Triggers, rules and policies act on rows of all sources: they stand where all sources have them.
    fn behaviour(
        &mut self,
        place: usize,
        name: &str,
        statement: &TableStatement<'_>,
        found: &mut Found,
    ) -> Option<String> {
        let text = statement.text;
        let having: BTreeSet<usize> = self
            .statements
            .iter()
            .filter(|it| it.1 == text)
            .map(|it| it.0)
            .collect();
        if having.len() < self.group.parts.len() {
            if text.starts_with("CREATE ") {
                found.doubts.push(format!(
                    "{} of source `{}` is not made: it is not the same in all sources, and would act on the rows of all",
                    statement.label,
                    self.name_of(place)
                ));
            }
            return None;
        }
        if !self.said.insert(text.to_owned()) {
            return None;
        }
        let kind = match statement.label.split(' ').next() {
            Some("trigger") => Some(ObjectKind::Trigger),
            Some("policy") => Some(ObjectKind::Policy),
            Some("rule") => Some(ObjectKind::Rule),
            _ => None,
        };
        if let Some(kind) = kind.filter(|_| text.starts_with("CREATE ")) {
            self.objects.push(object(kind, &self.group.target, name, false));
        }
        Some(text.to_owned())
    }

    fn grant(&mut self, place: usize, text: &str, found: &mut Found) -> Option<String> {
        if !self.said.insert(text.to_owned()) {
            return None;
        }
        let having: BTreeSet<usize> = self
            .statements
            .iter()
            .filter(|it| it.1 == text)
            .map(|it| it.0)
            .collect();
        if having.len() < self.group.parts.len() {
            found.doubts.push(format!(
                "{text} stands in source `{}` and not in all, and holds for the rows of all",
                self.name_of(place)
            ));
        }
        Some(text.to_owned())
    }

    fn rest(&mut self, place: usize, text: &str) -> Option<String> {
        if text.starts_with("COMMENT ON CONSTRAINT ") {
            let is_of =
                |name: &String| text.starts_with(&format!("COMMENT ON CONSTRAINT {} ON ", quote_ident(name)));
            let is_made = self.constraints.iter().any(is_of);
            return (is_made && self.said.insert(text.to_owned())).then(|| text.to_owned());
        }
        let is_comment = text.starts_with("COMMENT ");
        let first = self
            .statements
            .iter()
            .filter(|it| it.1.starts_with("COMMENT ON TABLE "))
            .map(|it| it.0)
            .min();
        if is_comment && first != Some(place) {
            return None;
        }
        // A replica identity is one, and its index may be lost.
        if text.contains(" REPLICA IDENTITY ") && place != 0 {
            return None;
        }
        self.said.insert(text.to_owned()).then(|| text.to_owned())
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
        let is_mentioned = is_word(text, &whole) || (is_routine && is_word(text, &self.group.target.name));
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

fn is_unique(part: &TablePart, columns: &[String]) -> bool {
    match part {
        TablePart::Key { columns: own, .. } => same(own, columns),
        TablePart::Index {
            unique: true,
            columns: own,
            has_condition: false,
            ..
        } => !own.is_empty() && same(own, columns),
        _ => false,
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

fn is_word(text: &str, word: &str) -> bool {
    let is_part = |it: char| it.is_alphanumeric() || it == '_' || it == '"';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}
