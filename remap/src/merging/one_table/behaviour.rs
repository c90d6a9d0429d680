//! What acts on the rows of a table that is made of several, or says something of it: checks, triggers, policies, grants,
//! comments.

use std::collections::BTreeSet;

use catalog::{ObjectKind, cut_identifier, quote_ident};
use rewrite::{TablePart, TableStatement};

use super::{OneTable, renamed};
use crate::merging::shape::{Found, of_others};
use crate::merging::statements::object;

impl OneTable<'_> {
    pub(super) fn check(
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
            cut_identifier(&format!("{name}_{}", self.name_of(place))).clone_into(&mut new);
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
    pub(super) fn behaviour(
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

    pub(super) fn grant(&mut self, place: usize, text: &str, found: &mut Found) -> Option<String> {
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

    pub(super) fn rest(&mut self, place: usize, text: &str) -> Option<String> {
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
}
