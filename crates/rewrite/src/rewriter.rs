//! Gives every reference in a text its new name.

mod learn;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use catalog::{quote_ident, quote_literal};
use plan::{DEFAULT_SCHEMA, Mapping, MappingError};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::known::Known;
use crate::label;
use crate::outcome::{Counts, Doubt, Edit, Leaning, Note, Pin, Rewritten, Secret};
use crate::parse::Parsed;
use crate::search_path::{SearchPath, Survey};
use crate::secrets::{self, Cut, Secrets};
use crate::split::split;
use crate::statement_pass::{Change, Concern, StatementPass};

/// Rewrites SQL text of one source for one mapping.
#[derive(Clone, Debug)]
pub struct Rewriter {
    /// As it was asked for.
    wanted: Mapping,
    /// With what follows from it in this source.
    pub(crate) mapping: Mapping,
    pub(crate) known: Known,
    /// Schemas in which names without a schema are looked up, where a routine says nothing else.
    pub(crate) search_path: Vec<String>,
    /// Schemas whose own objects or extensions move, sorted.
    pub(crate) moved: Vec<String>,
    /// The same by their names in lower case (ASCII).
    pub(crate) moved_in_lower_case: HashMap<String, String>,
    /// Names of objects that get another one, whatever their schema.
    pub(crate) renamed: HashSet<String>,
    /// The text that is rewritten runs when columns have their new names already.
    pub(crate) after_columns: bool,
    /// What becomes of routines that lean on the search path, where anybody asks.
    pub(crate) path_policy: Option<SearchPath>,
    pub(crate) survey: Survey,
}

impl Rewriter {
    /// Refused when the mapping does not fit what is known: see [`Known::settle`].
    pub fn new(mapping: Mapping, known: Known) -> Result<Self, MappingError> {
        let mut rewriter = Rewriter {
            known,
            ..Rewriter::for_stream(mapping)
        };
        rewriter.check_renames()?;
        rewriter.settle()?;
        Ok(rewriter)
    }

    /// The rewriter of a text that will be learned from bit by bit with [`Rewriter::learn`].
    pub fn for_stream(mapping: Mapping) -> Self {
        Rewriter {
            mapping: mapping.clone(),
            wanted: mapping,
            known: Known::default(),
            search_path: vec![DEFAULT_SCHEMA.to_owned()],
            moved: Vec::new(),
            moved_in_lower_case: HashMap::new(),
            renamed: HashSet::new(),
            after_columns: false,
            path_policy: None,
            survey: Survey::default(),
        }
    }

    /// What is known of the source.
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// The mapping with everything that follows from it in this source.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Refuses a mapping that renames an object of which nothing is known.
    pub fn check_renames(&self) -> Result<(), MappingError> {
        self.known.settle(&self.wanted).map(drop)
    }

    /// Refuses a mapping of a schema that a dump with definitions neither makes nor fills.
    pub fn check_schemas(&self) -> Result<(), MappingError> {
        let known = self.known.schemas();
        let is_there =
            |old: &&String| known.contains(old) || self.known.has_extension(old) || *old == DEFAULT_SCHEMA;
        let unknown = self.wanted.map.keys().find(|old| !is_there(old));
        match unknown.filter(|_| self.known.shows_definitions()) {
            Some(name) => Err(MappingError::NoSuchSchema {
                name: name.clone(),
                known,
            }),
            None => Ok(()),
        }
    }

    /// Looks at everything known, so it does so only when there is something new.
    fn settle(&mut self) -> Result<(), MappingError> {
        if self.known.is_settled() {
            return Ok(());
        }
        self.mapping = self.known.settle_so_far(&self.wanted)?;
        self.renamed = if self.mapping.renames_objects() {
            self.known.renamed(&self.mapping)
        } else {
            HashSet::new()
        };
        self.search_path = self.known.path();
        self.find_moved();
        self.known.remember_settled();
        Ok(())
    }

    /// As [`Rewriter::rewrite`], for grants that run after the columns have got their new names.
    pub fn rewrite_grants(&self, sql: &str) -> Rewritten {
        let rewriter = Rewriter {
            after_columns: true,
            ..self.clone()
        };
        rewriter.rewrite(sql)
    }

    /// Rewrites all statements of `sql`. Where there is nothing to change the text keeps its bytes. Passwords
    /// are cut even where no name changes.
    pub fn rewrite(&self, sql: &str) -> Rewritten {
        let mut outcome = Outcome::new(sql);
        for piece in split(sql) {
            if !self.mapping.is_empty() || secrets::may_hold(&sql[piece.range.clone()]) {
                self.rewrite_statement(&Parsed::new(sql, &piece), &mut outcome);
            }
        }
        outcome.finish()
    }

    fn rewrite_statement(&self, parsed: &Parsed<'_>, outcome: &mut Outcome<'_>) {
        let Some(statement) = parsed.statement() else {
            return self.pass_unread(parsed, "it is nested too deeply", outcome);
        };
        if let Some(error) = parsed.error() {
            return self.pass_unread(parsed, error, outcome);
        }
        let mut pass = StatementPass::new(self, parsed);
        pass.run(&statement);
        self.follow_path(&statement, parsed, &mut pass, outcome);
        let secrets = secrets::find(&statement, parsed.text);
        if !secrets.is_empty() {
            outcome.take_secrets(&label::object(&statement), parsed.range.start, secrets);
        }
        if !(pass.changes.is_empty() && pass.concerns.is_empty() && pass.notes.is_empty()) {
            outcome.take(&label::object(&statement), pass);
        }
    }

    fn pass_unread(&self, parsed: &Parsed<'_>, error: &str, outcome: &mut Outcome<'_>) {
        let object = label::beginning(parsed.text);
        let line = outcome.line(parsed.range.start);
        if secrets::may_hide(parsed.text) {
            let reason = format!("the statement cannot be read ({error}) and may hold a password");
            outcome.doubts.push(Doubt {
                object: object.clone(),
                line,
                body_line: None,
                reason,
            });
        }
        match self.mention(parsed.text) {
            Some((_, name)) => outcome.doubts.push(Doubt {
                object,
                line,
                body_line: None,
                reason: format!("the statement cannot be read ({error}) and mentions {name}"),
            }),
            None => outcome.notes.push(Note {
                object,
                line,
                body_line: None,
                text: format!("the statement cannot be read: {error}"),
            }),
        }
    }
}

/// Words that PL/pgSQL reserves and SQL does not (`pl_reserved_kwlist.h`).
const RESERVED_IN_BODIES: [&str; 9] = [
    "begin", "by", "declare", "execute", "foreach", "if", "loop", "strict", "while",
];

/// The name as an SQL identifier.
pub(crate) fn identifier(name: &str, in_body: bool) -> String {
    if in_body && RESERVED_IN_BODIES.contains(&name) {
        format!("\"{name}\"")
    } else {
        quote_ident(name)
    }
}

/// Entries of a search path, written as identifiers or as literals.
pub(crate) fn path_list(entries: &[String], as_literals: bool) -> String {
    let written = entries.iter().map(|it| {
        if as_literals {
            quote_literal(it)
        } else {
            quote_ident(it)
        }
    });
    written
        .map(|it| it.trim_start().to_owned())
        .collect::<Vec<_>>()
        .join(", ")
}

/// The text under way.
pub(crate) struct Outcome<'a> {
    sql: &'a str,
    line_starts: Vec<usize>,
    edits: Vec<(Range<usize>, Edit)>,
    /// Like `edits`, and with no account of what stood there.
    cuts: Vec<(Range<usize>, String)>,
    doubts: Vec<Doubt>,
    notes: Vec<Note>,
    secrets: Vec<Secret>,
    counts: Counts,
    pub(crate) pins: Vec<Pin>,
    pub(crate) leaning: Vec<Leaning>,
}

impl<'a> Outcome<'a> {
    pub(crate) fn new(sql: &'a str) -> Self {
        let newlines = sql.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = newlines.map(|(at, _)| at + 1).collect();
        Outcome {
            sql,
            line_starts,
            edits: Vec::new(),
            cuts: Vec::new(),
            doubts: Vec::new(),
            notes: Vec::new(),
            secrets: Vec::new(),
            counts: Counts::default(),
            pins: Vec::new(),
            leaning: Vec::new(),
        }
    }

    pub(crate) fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|&start| start <= offset) + 1
    }

    /// Takes text that stands before a statement from now on.
    pub(crate) fn insert(&mut self, edit: Edit) {
        self.edits.push((edit.offset..edit.offset, edit));
    }

    fn take(&mut self, object: &str, pass: StatementPass<'_>) {
        let StatementPass {
            changes,
            concerns,
            notes,
            body,
            ..
        } = pass;
        self.take_all(object, (changes, concerns, notes), body.as_ref());
    }

    /// Takes what becomes of a statement outside of bodies.
    pub(crate) fn take_pass(&mut self, object: &str, changes: Vec<Change>, concerns: Vec<Concern>) {
        self.take_all(object, (changes, concerns, Vec::new()), None);
    }

    fn take_all(
        &mut self,
        object: &str,
        (mut changes, concerns, notes): (Vec<Change>, Vec<Concern>, Vec<Concern>),
        body: Option<&Range<usize>>,
    ) {
        let first = body.map_or(0, |it| self.line(it.start));
        // Counting from the body's start anew for each edit would take long in a long body.
        let body_line = |offset: usize, line: usize| {
            let is_inside = body.is_some_and(|it| it.start <= offset && offset <= it.end);
            is_inside.then(|| line - first + 1)
        };
        changes.sort_by_key(|change| change.range.start);
        let in_bodies = changes.iter().filter(|change| change.in_body).count();
        let insertions = changes.iter().filter(|change| change.range.is_empty()).count();
        let names = changes.len() - in_bodies - insertions;
        self.counts += Counts {
            names,
            statements: usize::from(names > 0),
            body_names: in_bodies,
            bodies: usize::from(in_bodies > 0),
        };
        for Change { range, new, in_body } in changes {
            let line = self.line(range.start);
            let edit = Edit {
                object: object.to_owned(),
                line,
                body_line: body_line(range.start, line),
                offset: range.start,
                old: self.sql[range.clone()].to_owned(),
                new,
                in_body,
            };
            self.edits.push((range, edit));
        }
        for Concern { offset, reason } in concerns {
            let line = self.line(offset);
            self.doubts.push(Doubt {
                object: object.to_owned(),
                line,
                body_line: body_line(offset, line),
                reason,
            });
        }
        for Concern { offset, reason } in notes {
            let line = self.line(offset);
            self.notes.push(Note {
                object: object.to_owned(),
                line,
                body_line: body_line(offset, line),
                text: reason,
            });
        }
    }

    /// `start` is where the statement begins.
    fn take_secrets(&mut self, object: &str, start: usize, secrets: Secrets) {
        for Cut { range, new } in secrets.cuts {
            self.secrets.push(Secret {
                object: object.to_owned(),
                line: self.line(start + range.start),
            });
            self.cuts.push((start + range.start..start + range.end, new));
        }
        for (offset, reason) in secrets.doubts {
            self.doubts.push(Doubt {
                object: object.to_owned(),
                line: self.line(start + offset),
                body_line: None,
                reason: reason.to_owned(),
            });
        }
    }

    pub(crate) fn finish(self) -> Rewritten {
        let mut text = String::with_capacity(self.sql.len() + 64);
        let edits = self.edits.iter().map(|(range, edit)| (range, &edit.new));
        let cuts = self.cuts.iter().map(|(range, new)| (range, new));
        let mut changes: Vec<(&Range<usize>, &String)> = edits.chain(cuts).collect();
        changes.sort_by_key(|(range, _)| range.start);
        let mut copied = 0;
        let mut shifts = Vec::with_capacity(changes.len());
        for (range, new) in changes {
            shifts.push((range.start, new.len(), range.len()));
            text.push_str(&self.sql[copied..range.start]);
            text.push_str(new);
            copied = range.end;
        }
        text.push_str(&self.sql[copied..]);
        Rewritten {
            text,
            edits: self.edits.into_iter().map(|(_, edit)| edit).collect(),
            doubts: self.doubts,
            notes: self.notes,
            secrets: self.secrets,
            counts: self.counts,
            pins: self.pins,
            leaning: self.leaning,
            shifts,
        }
    }
}

/// The first node of `kind` under `node`.
pub(crate) fn child(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxNode> {
    node.children().find(|it| it.kind() == kind)
}
