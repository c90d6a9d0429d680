//! The path that bodies lean on: which routines find names by the search path, which of them PostgreSQL calls
//! where no application's path holds, and the setting that these get.
//!
//! A body keeps its names as they are written. Names without a schema are looked up when the body runs, along the
//! path of whoever calls it; after the move they are in another schema. An application brings its own path, but
//! an index that is built, a check, a materialized view that is refreshed or a row that somebody else inserts
//! does not: a restore runs with an empty path, and from PostgreSQL 17 on so do REFRESH, ANALYZE and index
//! builds. So what is called from there gets the path for itself.

mod body;
mod definition;
mod graph;
mod late;
mod survey;

pub(crate) use survey::Survey;

use catalog::QualifiedName;
use squawk_syntax::SyntaxNode;

use crate::label;
use crate::outcome::{Leaning, Pin};
use crate::parse::{Candidate, Parsed};
use crate::rewriter::{Outcome, Rewriter, path_list};
use crate::split::{Piece, split};
use crate::statement_pass::{Change, Concern, StatementPass};
use definition::{Signature, is_routine};

/// The schema of a session's temporary objects. Where a path does not name it, it is looked through first.
const TEMPORARY: &str = "pg_temp";

/// What becomes of routines whose bodies lean on the search path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchPath {
    /// Those that PostgreSQL may call outside an application's session get the path; the others are listed.
    Pin,
    /// All are listed.
    Leave,
}

impl Rewriter {
    /// Says what becomes of routines that lean on the search path; without it nobody looks for them.
    #[must_use]
    pub fn with_search_path(mut self, policy: SearchPath) -> Self {
        self.path_policy = Some(policy);
        self
    }

    /// Looks through `texts` for what calls what, before any of them is rewritten.
    ///
    /// Routines of an earlier call count as written: what is found now to need the path gets it by a statement
    /// of its own, see [`Rewriter::learn_and_rewrite`].
    pub fn survey(&mut self, texts: &[&str]) {
        let pieces: Vec<Vec<Piece>> = texts.iter().map(|it| split(it)).collect();
        let statements: Vec<Candidate<'_>> = texts
            .iter()
            .zip(&pieces)
            .flat_map(|(sql, it)| it.iter().map(|piece| Candidate::new(sql, piece, None)))
            .collect();
        self.survey_statements(&statements);
    }

    pub(crate) fn survey_statements(&mut self, statements: &[Candidate<'_>]) {
        if self.path_policy.is_some() && !self.mapping.is_empty() {
            self.survey.read(statements, &mut self.known);
        }
    }

    /// Whether a routine called `object` in a [`Leaning`] still leans, by all that has been looked through since.
    pub fn leans(&self, object: &str) -> bool {
        self.survey.leans(object, self.pinned_path().is_some())
    }

    /// The path that a pinned routine gets; `None` where nothing is pinned.
    fn pinned_path(&self) -> Option<Vec<String>> {
        if self.path_policy != Some(SearchPath::Pin) || (self.moved.is_empty() && self.renamed.is_empty()) {
            return None;
        }
        let mut path: Vec<String> = Vec::new();
        let entries = self.search_path.iter().flat_map(|it| {
            if self.is_extensions_alone(it) {
                self.homes(it)
            } else {
                vec![self.mapping.schema(it)]
            }
        });
        let schemas = self.known.extension_schemas();
        let homes = schemas.iter().flat_map(|it| self.homes(it));
        for entry in entries.chain(homes) {
            if !path.contains(&entry) {
                path.push(entry);
            }
        }
        // Without a path of its own the source has nothing to give; its roles' paths are not known.
        (!self.search_path.is_empty()).then(|| {
            path.push(TEMPORARY.to_owned());
            path
        })
    }

    /// Pins the routine that `statement` defines, or lists it.
    pub(crate) fn follow_path(
        &self,
        statement: &SyntaxNode,
        parsed: &Parsed<'_>,
        pass: &mut StatementPass<'_>,
        outcome: &mut Outcome<'_>,
    ) {
        if self.path_policy.is_none() || !is_routine(statement) {
            return;
        }
        let Some(signature) = Signature::of(statement) else {
            return;
        };
        let Some(definition) = self.survey.definition(&signature) else {
            return;
        };
        let (object, line) = (label::object(statement), outcome.line(parsed.range.start));
        match (self.pinned_path(), definition::place_of_setting(statement)) {
            (Some(path), Some(place)) if definition.is_pinned => {
                let at = parsed.range.start + place;
                let setting = format!("SET search_path TO {}", path_list(&path, true));
                pass.changes.push(Change {
                    range: at..at,
                    new: definition::line_of_its_own(&setting, &parsed.text[..place]),
                    in_body: false,
                });
                outcome.pins.push(Pin { object, line, path });
            }
            (Some(path), _) if definition.is_unsettled && definition.findings.unsettled.is_some() => {
                let reason = definition::unsettled_reason(definition, &path);
                pass.concerns.push(Concern {
                    offset: parsed.range.start,
                    reason,
                });
                outcome.leaning.push(Leaning { object, line });
            }
            _ if definition.leans(self.survey.transition_tables(&signature.name)) => {
                outcome.leaning.push(Leaning { object, line });
            }
            _ => {}
        }
    }
}

/// A name as some SQL uses it, `None` where it is looked up along the path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Name {
    schema: Option<String>,
    name: String,
}

impl Name {
    /// All that it may mean.
    fn meanings(&self, path: &[String]) -> Vec<QualifiedName> {
        match &self.schema {
            Some(schema) => vec![QualifiedName::new(schema, &self.name)],
            None => path.iter().map(|it| QualifiedName::new(it, &self.name)).collect(),
        }
    }
}
