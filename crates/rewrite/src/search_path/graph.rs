//! What calls what, and which routines PostgreSQL reaches from where no application's path holds.

use std::collections::{HashMap, HashSet};

use catalog::QualifiedName;

use super::Name;
use super::definition::{Definition, Signature};

/// Routines, views and what uses them.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    /// All definitions under one name: which of them is meant only the arguments say.
    routines: HashMap<QualifiedName, Vec<Definition>>,
    /// What views, and rules of relations, use.
    relations: HashMap<QualifiedName, Vec<Use>>,
    roots: Vec<Use>,
    /// Names under which a routine's triggers show it their rows.
    transition_tables: HashMap<QualifiedName, HashSet<String>>,
    /// Names for which it is worth to read a statement.
    names: HashSet<String>,
    visited: HashSet<Use>,
    /// What relations have got to use since they may have been visited.
    grown: Vec<(QualifiedName, Vec<Use>)>,
}

/// One use of a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Use {
    Routine(Name),
    Relation(Name),
}

impl Graph {
    pub(super) fn add_routine(&mut self, definition: Definition) {
        let name = definition.signature.name.clone();
        self.names.insert(name.name.clone());
        self.routines.entry(name).or_default().push(definition);
        self.visited.clear();
    }

    pub(super) fn add_relation(&mut self, name: QualifiedName, uses: Vec<Use>) {
        self.names.insert(name.name.clone());
        let there = self.relations.entry(name.clone()).or_default();
        there.extend(uses.iter().cloned());
        self.grown.push((name, uses));
    }

    pub(super) fn add_transition_tables(&mut self, routine: QualifiedName, tables: Vec<String>) {
        self.transition_tables.entry(routine).or_default().extend(tables);
    }

    pub(super) fn is_interesting(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    pub(super) fn definition(&self, signature: &Signature) -> Option<&Definition> {
        let mut definitions = self.routines.get(&signature.name)?.iter();
        definitions.find(|it| it.signature == *signature)
    }

    /// Whether there is anything to look for. A dump defines its routines before what uses them.
    pub(super) fn may_lean(&self) -> bool {
        self.routines
            .values()
            .flatten()
            .any(|it| it.leans(&HashSet::new()))
    }

    pub(super) fn leans(&self, object: &str, others_are_pinned: bool) -> bool {
        let mut definitions = self.routines.values().flatten().filter(|it| it.object == object);
        definitions.any(|it| {
            !(others_are_pinned && it.is_pinned) && it.leans(self.transition_tables(&it.signature.name))
        })
    }

    pub(super) fn transition_tables(&self, routine: &QualifiedName) -> &HashSet<String> {
        static NONE: std::sync::LazyLock<HashSet<String>> = std::sync::LazyLock::new(HashSet::new);
        self.transition_tables.get(routine).unwrap_or(&NONE)
    }

    /// A procedure that calls one which controls transactions must not have settings either, and so on; of one
    /// that is not known nobody can tell.
    pub(super) fn spread_control(&mut self, path: &[String]) {
        loop {
            let controls = |name: &Name| {
                let mut found = name
                    .meanings(path)
                    .into_iter()
                    .filter_map(|it| self.routines.get(&it));
                let mut found = found.by_ref().flatten().peekable();
                found.peek().is_none() || found.any(|it| it.findings.controls_transactions)
            };
            let more: Vec<Signature> = self
                .routines
                .values()
                .flatten()
                .filter(|it| it.signature.is_procedure && !it.findings.controls_transactions)
                .filter(|it| it.findings.procedures_called.iter().any(controls))
                .map(|it| it.signature.clone())
                .collect();
            if more.is_empty() {
                return;
            }
            for definition in self.routines.values_mut().flatten() {
                definition.findings.controls_transactions |= more.contains(&definition.signature);
            }
        }
    }

    /// Adds uses from where PostgreSQL calls by itself; returns what is pinned now and was not before.
    pub(super) fn add_roots(&mut self, uses: Vec<Use>, path: &[String]) -> Vec<Signature> {
        let mut pinned = Vec::new();
        let grown = std::mem::take(&mut self.grown);
        if self.visited.is_empty() {
            self.reach(self.roots.clone(), path, &mut pinned);
        } else {
            let visited = grown.into_iter().filter(|(name, _)| self.has_visited(name, path));
            let open = visited.flat_map(|(_, uses)| uses).collect();
            self.reach(open, path, &mut pinned);
        }
        self.roots.extend(uses.iter().cloned());
        self.reach(uses, path, &mut pinned);
        pinned
    }

    fn has_visited(&self, relation: &QualifiedName, path: &[String]) -> bool {
        let visited = |schema: Option<&String>| {
            self.visited.contains(&Use::Relation(Name {
                schema: schema.cloned(),
                name: relation.name.clone(),
            }))
        };
        visited(Some(&relation.schema)) || (path.contains(&relation.schema) && visited(None))
    }

    fn reach(&mut self, mut open: Vec<Use>, path: &[String], pinned: &mut Vec<Signature>) {
        while let Some(next) = open.pop() {
            if !self.visited.insert(next.clone()) {
                continue;
            }
            match next {
                Use::Relation(name) => {
                    let meanings = name.meanings(path);
                    let uses = meanings.iter().filter_map(|it| self.relations.get(it)).flatten();
                    open.extend(uses.cloned());
                }
                Use::Routine(name) => {
                    for meaning in name.meanings(path) {
                        self.reach_routine(&meaning, &mut open, pinned);
                    }
                }
            }
        }
    }

    /// What is pinned gives its path to what it calls; from there nothing more is to be found.
    fn reach_routine(&mut self, name: &QualifiedName, open: &mut Vec<Use>, pinned: &mut Vec<Signature>) {
        let none = HashSet::new();
        let transition_tables = self.transition_tables.get(name).unwrap_or(&none);
        for definition in self.routines.get_mut(name).into_iter().flatten() {
            // Whoever calls it computes them.
            open.extend(definition.defaults.iter().cloned().map(Use::Routine));
            if definition.has_path || definition.is_pinned {
                continue;
            }
            if definition.leans(transition_tables) && definition.may_have_settings() {
                if definition.findings.unsettled.is_some() {
                    definition.is_unsettled = true;
                    continue;
                }
                definition.is_pinned = true;
                pinned.push(definition.signature.clone());
                continue;
            }
            let findings = &definition.findings;
            open.extend(findings.routines_used.iter().cloned().map(Use::Routine));
            open.extend(findings.relations_used.iter().cloned().map(Use::Relation));
        }
    }
}
