//! Goes through statements for routines, for what uses them, and for the path that the source has.

use std::collections::HashSet;

use catalog::QualifiedName;
use squawk_lexer::TokenKind;
use squawk_syntax::ast::{self, AstNode, normalize_name_node};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::Name;
use super::body::Findings;
use super::definition::{Definition, Signature, is_routine};
use super::graph::{Graph, Use};
use crate::known::{Known, Space};
use crate::parse::{Candidate, Parsed};
use crate::reference::{self, Role};
use crate::rewriter::child;

/// What has been seen of a source so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Survey {
    graph: Graph,
    /// How many times [`Survey::read`] was called.
    number: usize,
    /// The owner of the dump's database.
    owner: String,
    /// Routines that were written before they were found to need the path, by the offset of the statement that
    /// needs it in the text read last.
    late: Vec<Late>,
}

#[derive(Clone, Debug)]
pub(super) struct Late {
    pub(super) offset: usize,
    pub(super) object: String,
    pub(super) signature: Signature,
}

impl Survey {
    /// Reads `statements` as a whole: what one defines another may use.
    pub(crate) fn read(&mut self, statements: &[Candidate<'_>], known: &mut Known) {
        self.number += 1;
        self.late.clear();
        // Between two lots of rows there is nothing to read.
        if !statements
            .iter()
            .any(|it| begins(it.text(), &["create", "alter"]))
        {
            return;
        }
        for candidate in statements {
            if begins(candidate.text(), &["alter database"]) {
                candidate.read(|parsed| self.read_database(parsed, known));
            }
        }
        for candidate in statements.iter().filter(|it| begins_routine(it.text())) {
            let number = self.number;
            let definition = candidate.read(|parsed| {
                // What cannot be read as a whole is not changed either.
                let statement = parsed.statement().filter(|_| parsed.error().is_none());
                let statement = statement.filter(is_routine)?;
                Definition::of(&statement, known, number)
            });
            if let Some(definition) = definition {
                self.graph.add_routine(definition);
            }
        }
        if !self.graph.may_lean() {
            return;
        }
        let path = known.path();
        self.graph.spread_control(&path);
        for candidate in statements {
            let text = candidate.text();
            let may_use = begins(text, &["create", "alter"]) && !begins_routine(text);
            if may_use && self.is_interesting(text) {
                candidate.read(|parsed| {
                    if let Some(statement) = parsed.statement() {
                        self.read_use(&statement, candidate.start(), &path);
                    }
                });
            }
        }
        // What was defined now may be what earlier statements call.
        let first = statements.first().map_or(0, Candidate::start);
        self.add_roots(Vec::new(), first, &path);
    }

    pub(super) fn definition(&self, signature: &Signature) -> Option<&Definition> {
        self.graph.definition(signature)
    }

    pub(super) fn leans(&self, object: &str, others_are_pinned: bool) -> bool {
        self.graph.leans(object, others_are_pinned)
    }

    pub(super) fn transition_tables(&self, routine: &QualifiedName) -> &HashSet<String> {
        self.graph.transition_tables(routine)
    }

    pub(super) fn late_at(&self, offset: usize) -> impl Iterator<Item = &Late> {
        self.late.iter().filter(move |it| it.offset == offset)
    }

    /// Whether the text holds a name that matters; reading a statement takes much longer than this.
    fn is_interesting(&self, text: &str) -> bool {
        let mut at = 0;
        squawk_lexer::tokenize(text).any(|token| {
            let word = &text[at..at + token.len as usize];
            at += token.len as usize;
            match token.kind {
                TokenKind::Ident => self.graph.is_interesting(&word.to_ascii_lowercase()),
                TokenKind::QuotedIdent { .. } => {
                    let name = word.trim_matches('"').replace("\"\"", "\"");
                    self.graph.is_interesting(&name)
                }
                _ => false,
            }
        })
    }

    fn read_use(&mut self, statement: &SyntaxNode, offset: usize, path: &[String]) {
        use SyntaxKind as K;
        match statement.kind() {
            K::CREATE_VIEW | K::CREATE_RULE => {
                if let Some(name) = relation(statement) {
                    self.graph.add_relation(name, uses(statement, true));
                }
            }
            K::CREATE_MATERIALIZED_VIEW | K::CREATE_POLICY => self.root(statement, true, offset, path),
            K::CREATE_TRIGGER => {
                self.read_transition_tables(statement);
                self.root(statement, false, offset, path);
            }
            K::CREATE_TABLE
            | K::CREATE_FOREIGN_TABLE
            | K::ALTER_TABLE
            | K::ALTER_FOREIGN_TABLE
            | K::CREATE_INDEX
            | K::CREATE_STATISTICS
            | K::CREATE_DOMAIN
            | K::ALTER_DOMAIN
            | K::CREATE_TYPE
            | K::CREATE_EVENT_TRIGGER
            | K::CREATE_OPERATOR
            | K::CREATE_OPERATOR_CLASS
            | K::ALTER_OPERATOR_FAMILY
            | K::CREATE_CAST
            | K::CREATE_AGGREGATE
            | K::CREATE_CONVERSION
            | K::CREATE_TRANSFORM
            | K::CREATE_LANGUAGE
            | K::CREATE_ACCESS_METHOD
            | K::CREATE_FOREIGN_DATA_WRAPPER
            | K::CREATE_TEXT_SEARCH_PARSER
            | K::CREATE_TEXT_SEARCH_TEMPLATE => self.root(statement, false, offset, path),
            _ => {}
        }
    }

    fn root(&mut self, statement: &SyntaxNode, with_relations: bool, offset: usize, path: &[String]) {
        self.add_roots(uses(statement, with_relations), offset, path);
    }

    fn add_roots(&mut self, uses: Vec<Use>, offset: usize, path: &[String]) {
        for signature in self.graph.add_roots(uses, path) {
            let written = self
                .graph
                .definition(&signature)
                .filter(|it| it.survey < self.number);
            if let Some(definition) = written {
                self.late.push(Late {
                    offset,
                    object: definition.object.clone(),
                    signature,
                });
            }
        }
    }

    fn read_transition_tables(&mut self, trigger: &SyntaxNode) {
        let tables: Vec<String> = trigger
            .descendants()
            .filter(|it| it.kind() == SyntaxKind::TRANSITION_RELATION_NAME)
            .map(|it| normalize_name_node(&it))
            .collect();
        if tables.is_empty() {
            return;
        }
        for routine in uses(trigger, false) {
            if let Use::Routine(Name {
                schema: Some(schema),
                name,
            }) = routine
            {
                let routine = QualifiedName::new(schema, name);
                self.graph.add_transition_tables(routine, tables.clone());
            }
        }
    }

    /// `ALTER DATABASE … OWNER TO` and `… SET search_path TO`.
    fn read_database(&mut self, parsed: &Parsed<'_>, known: &mut Known) {
        let Some(statement) = parsed.statement() else {
            return;
        };
        if let Some(owner) = child(&statement, SyntaxKind::OWNER_TO) {
            let role = owner
                .descendants()
                .find(|it| it.kind() == SyntaxKind::ROLE_NAME_REF);
            self.owner = role.map(|it| normalize_name_node(&it)).unwrap_or_default();
        }
        let Some(setting) = child(&statement, SyntaxKind::SET_CONFIG_PARAM) else {
            return;
        };
        let parameter = child(&setting, SyntaxKind::CONFIG_PARAMETER_REF);
        if !parameter.is_some_and(|it| it.text().to_string().eq_ignore_ascii_case("search_path")) {
            return;
        }
        let values = child(&setting, SyntaxKind::TO_CONFIG_VALUE);
        let entries = values.into_iter().flat_map(|it| it.children()).map(|value| {
            match ast::Literal::cast(value.clone()) {
                Some(literal) => literal.string_value().unwrap_or_default(),
                None => normalize_name_node(&value),
            }
        });
        let entries = entries.map(|it| if it == "$user" { self.owner.clone() } else { it });
        known.set_path(entries.filter(|it| !it.is_empty()).collect());
    }
}

/// What `statement` calls, and with `with_relations` what it reads.
fn uses(statement: &SyntaxNode, with_relations: bool) -> Vec<Use> {
    let findings = Findings::resolved(statement);
    let mut uses: Vec<Use> = findings.routines_used.into_iter().map(Use::Routine).collect();
    if with_relations {
        uses.extend(findings.relations_used.into_iter().map(Use::Relation));
    }
    uses
}

/// The relation that a view is, or that a rule is on.
fn relation(statement: &SyntaxNode) -> Option<QualifiedName> {
    let found = reference::names(statement).find(|it| it.role == Role::Object(Space::Relation))?;
    Some(QualifiedName::new(found.schema, found.name))
}

fn begins(text: &str, words: &[&str]) -> bool {
    words.iter().any(|it| {
        text.get(..it.len())
            .is_some_and(|beginning| beginning.eq_ignore_ascii_case(it))
    })
}

fn begins_routine(text: &str) -> bool {
    begins(
        text,
        &[
            "create function",
            "create procedure",
            "create or replace function",
            "create or replace procedure",
        ],
    )
}
