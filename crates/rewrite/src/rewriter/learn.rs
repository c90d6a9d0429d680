//! What a text itself tells of its source, for input that comes without a catalog.

use plan::{DEFAULT_SCHEMA, MappingError};

use super::{Outcome, Rewriter};
use crate::known::may_define;
use crate::outcome::Rewritten;
use crate::parse::{Candidate, Parsed};
use crate::role_path::path_schemas;
use crate::secrets;
use crate::split::split;

/// Trees are many times as large as their text: behind this much of it they are made again where they are
/// needed.
const TREES_BYTES_MAX: usize = 4 << 20;

impl Rewriter {
    /// Adds to what is known the objects that `sql` creates.
    pub fn learn(&mut self, sql: &str) -> Result<(), MappingError> {
        self.known.extend(sql);
        self.survey(&[sql]);
        self.settle()
    }

    /// [`Rewriter::learn`] and [`Rewriter::rewrite`] in one, with one parse for both: what `sql` creates is known
    /// from its first statement on. Routines of earlier texts that turn out here to need the search path get it
    /// before the statement that needs it.
    pub fn learn_and_rewrite(&mut self, sql: &str) -> Result<Rewritten, MappingError> {
        let pieces = split(sql);
        let mut kept_bytes = 0;
        let mut kept: Vec<Option<Parsed<'_>>> = Vec::with_capacity(pieces.len());
        for piece in &pieces {
            let text = &sql[piece.range.clone()];
            let parsed = may_define(text).then(|| Parsed::new(sql, piece));
            if let Some(parsed) = &parsed {
                self.known.learn(parsed);
            }
            kept_bytes += text.len();
            kept.push(parsed.filter(|_| kept_bytes <= TREES_BYTES_MAX));
        }
        let statements: Vec<Candidate<'_>> = pieces
            .iter()
            .zip(&kept)
            .map(|(piece, parsed)| Candidate::new(sql, piece, parsed.as_ref()))
            .collect();
        self.survey_statements(&statements);
        self.settle()?;
        let mut outcome = Outcome::new(sql);
        for (piece, kept) in pieces.iter().zip(kept) {
            self.pin_late(piece.range.start, &mut outcome);
            if !self.mapping.is_empty() || secrets::may_hold(&sql[piece.range.clone()]) {
                let parsed = kept.unwrap_or_else(|| Parsed::new(sql, piece));
                self.rewrite_statement(&parsed, &mut outcome);
            }
        }
        Ok(outcome.finish())
    }

    /// For the roles and databases of a whole cluster: every schema that a `search_path` in `sql` names is taken
    /// for one that the mapping moves, and `public` for one that holds extensions too.
    pub fn learn_paths(&mut self, sql: &str) {
        for schema in path_schemas(sql) {
            self.known.suppose_schema(&schema);
            if schema == DEFAULT_SCHEMA {
                self.known.suppose_extensions(&schema);
            }
        }
        self.find_moved();
    }
}
