//! Keys of a table that is made of several: once each, with the source column where rows of two sources could meet.

use std::ops::Range;

use catalog::{ObjectKind, cut_identifier, quote_ident, quote_literal};
use rewrite::{ForeignKeyText, TablePart};

use super::{OneTable, renamed};
use crate::merging::group::same;
use crate::merging::shape::Found;
use crate::merging::statements::{column_list, object};

impl OneTable<'_> {
    pub(super) fn primary(
        &mut self,
        place: usize,
        name: &str,
        columns: &[String],
        list: &Range<usize>,
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
    fn fronted(&self, columns: &[String], list: &Range<usize>, text: &str) -> String {
        let mut text = text.to_owned();
        if self.groups.is_fronted(self.number, columns)
            && let Some(column) = &self.group.source_column
        {
            text.insert_str(list.start, &format!("{}, ", quote_ident(column)));
        }
        text
    }

    /// A unique key over plain columns, as a constraint or as an index; `list` is where its columns stand.
    pub(super) fn unique(
        &mut self,
        place: usize,
        name: &str,
        columns: &[String],
        list: Option<&Range<usize>>,
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

    pub(super) fn index(
        &mut self,
        place: usize,
        name: &str,
        unique: bool,
        items: &Range<usize>,
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

    pub(super) fn foreign_key(
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
            cut_identifier(&format!("{}_{}", key.name, self.name_of(place))).clone_into(&mut new);
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
