//! Gives every reference in a text its new name.

use std::ops::Range;

use catalog::{quote_ident, quote_literal};
use plan::{DEFAULT_SCHEMA, Mapping};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::known::{Known, Owner, Space};
use crate::label;
use crate::outcome::{Counts, Doubt, Edit, Leaning, Note, Pin, Rewritten};
use crate::parse::Parsed;
use crate::reference::{Reference, Role};
use crate::search_path::{SearchPath, Survey};
use crate::split::split;
use crate::statement_pass::{Change, Concern, StatementPass};

/// Rewrites SQL text of one source for one mapping.
#[derive(Clone, Debug)]
pub struct Rewriter {
    pub(crate) mapping: Mapping,
    pub(crate) known: Known,
    /// Schemas whose own objects or extensions move.
    pub(crate) moved: Vec<String>,
    pub(crate) search_path: Option<SearchPath>,
    pub(crate) survey: Survey,
}

/// What becomes of one reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Keep,
    Rename(String),
    Doubt(String),
}

/// How much trust the place of a reference deserves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// PostgreSQL resolved the name itself when it wrote the text.
    Resolved,
    /// Text that a person wrote and nothing has checked since: names may mean what is no longer there.
    Unchecked,
}

impl Rewriter {
    pub fn new(mapping: Mapping, known: Known) -> Self {
        let mut rewriter = Rewriter {
            mapping,
            known,
            moved: Vec::new(),
            search_path: None,
            survey: Survey::default(),
        };
        rewriter.find_moved();
        rewriter
    }

    /// Adds to what is known the objects that `sql` creates, and looks through it for what calls what.
    pub fn learn(&mut self, sql: &str) {
        self.known.extend(sql);
        self.find_moved();
        self.survey(&[sql]);
    }

    pub fn known(&self) -> &Known {
        &self.known
    }

    /// Rewrites all statements of `sql`. Where there is nothing to change the text keeps its bytes.
    ///
    /// Settings that [`Rewriter::survey`] found to be late stand in the text that it looked through last.
    pub fn rewrite(&self, sql: &str) -> Rewritten {
        self.rewrite_with(sql, |offset, outcome| self.pin_late(offset, outcome))
    }

    /// Calls `before` with the offset of each statement.
    pub(crate) fn rewrite_with(&self, sql: &str, before: impl Fn(usize, &mut Outcome<'_>)) -> Rewritten {
        let mut outcome = Outcome::new(sql);
        if !self.mapping.is_empty() {
            for piece in split(sql) {
                before(piece.range.start, &mut outcome);
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
            return self.pass_unread(parsed, &error, outcome);
        }
        let mut pass = StatementPass::new(self, parsed);
        pass.run(&statement);
        self.follow_path(&statement, parsed, &mut pass, outcome);
        if !(pass.changes.is_empty() && pass.concerns.is_empty() && pass.notes.is_empty()) {
            outcome.take(&label::object(&statement), pass);
        }
    }

    fn pass_unread(&self, parsed: &Parsed<'_>, error: &str, outcome: &mut Outcome<'_>) {
        let object = label::beginning(parsed.text);
        let line = outcome.line(parsed.range.start);
        match self.mention(parsed.text) {
            Some((_, schema)) => outcome.doubts.push(Doubt {
                object,
                line,
                reason: format!("the statement cannot be read ({error}) and mentions schema {schema}"),
            }),
            None => outcome.notes.push(Note {
                object,
                line,
                text: format!("the statement cannot be read: {error}"),
            }),
        }
    }

    /// The first schema that moves whose name stands in `text` as a word, with its offset.
    pub(crate) fn mention(&self, text: &str) -> Option<(usize, &str)> {
        let found = self
            .moved
            .iter()
            .filter_map(|schema| Some((word_at(text, schema, 0)?, schema.as_str())));
        found.min()
    }

    /// A qualified name of one of the source's objects that moves, written out in `text`.
    pub(crate) fn mention_of_object(&self, text: &str) -> Option<(usize, String)> {
        for schema in &self.moved {
            let mut from = 0;
            while let Some(at) = word_at(text, schema, from) {
                from = at + schema.len();
                let rest = text[from..].trim_start_matches('"');
                let Some(rest) = rest.strip_prefix('.') else {
                    continue;
                };
                let name: String = rest
                    .trim_start_matches('"')
                    .chars()
                    .take_while(|it| it.is_alphanumeric() || matches!(it, '_' | '$'))
                    .collect();
                let owner = self.known.owner(Space::Any, schema, &name);
                if matches!(owner, Owner::Source | Owner::Ambiguous) && self.mapping.schema(schema) != *schema
                {
                    return Some((at, format!("{schema}.{name}")));
                }
            }
        }
        None
    }

    /// Whether the schema called `name` moves, whole or in part.
    pub(crate) fn moves(&self, name: &str) -> bool {
        self.moved.iter().any(|it| it == name)
    }

    pub(crate) fn verdict(&self, reference: &Reference, trust: Trust) -> Verdict {
        let old = reference.schema.as_str();
        let own = self.mapping.schema(old);
        let extension = self.mapping.extension_schema(old);
        if own == old && extension == old {
            return Verdict::Keep;
        }
        let new = match reference.role {
            Role::ExtensionSchema => extension,
            Role::Schema if self.is_extensions_alone(old) && !reference.defines => extension,
            Role::Schema if trust == Trust::Unchecked && !self.moves(old) => return Verdict::Keep,
            Role::Schema => own,
            Role::Object(_) if reference.defines && trust == Trust::Resolved => own,
            Role::Object(space) => match self.known.owner(space, old, &reference.name) {
                Owner::Source => own,
                Owner::Extension => extension,
                Owner::Fixed => return Verdict::Keep,
                Owner::Ambiguous if own == extension => own,
                Owner::Ambiguous => {
                    return Verdict::Doubt(format!(
                        "{old}.{} is both an extension's and the source's own",
                        reference.name
                    ));
                }
                Owner::Unknown => match self.unknown(reference, space, trust, own, extension) {
                    Ok(new) => new,
                    Err(verdict) => return verdict,
                },
            },
        };
        if new == old {
            Verdict::Keep
        } else {
            Verdict::Rename(new)
        }
    }

    /// The schema for an object that is not listed anywhere.
    fn unknown(
        &self,
        reference: &Reference,
        space: Space,
        trust: Trust,
        own: String,
        extension: String,
    ) -> Result<String, Verdict> {
        let old = reference.schema.as_str();
        let by_sql_alone = !self.known.is_complete();
        let may_be_extension = self.known.has_extension(old);
        match trust {
            Trust::Resolved if self.is_extensions_alone(old) => Ok(extension),
            Trust::Resolved if by_sql_alone && may_be_extension => Ok(extension),
            Trust::Resolved => Ok(own),
            // An extension brings functions, types and operators; a table of that name would be dumped.
            Trust::Unchecked if by_sql_alone && may_be_extension && space != Space::Relation => Ok(extension),
            Trust::Unchecked if !self.moves(old) => Err(Verdict::Keep),
            Trust::Unchecked => Err(Verdict::Doubt(format!(
                "{old}.{} is not known to be an object of the source",
                reference.name
            ))),
        }
    }

    /// What stands in a search path for `schema`: its new name, and after it where its extensions go.
    pub(crate) fn path_entries(&self, schema: &str) -> Option<Vec<String>> {
        if !self.moves(schema) {
            return None;
        }
        let mut entries = Vec::new();
        if !self.is_extensions_alone(schema) {
            entries.push(self.mapping.schema(schema));
        }
        let extension = self.mapping.extension_schema(schema);
        if self.known.has_extension(schema) && !entries.contains(&extension) {
            entries.push(extension);
        }
        (entries != [schema]).then_some(entries)
    }

    pub(crate) fn is_extensions_alone(&self, schema: &str) -> bool {
        self.known.has_extension(schema) && !self.known.is_own_schema(schema)
    }

    fn find_moved(&mut self) {
        let named = self.mapping.map.keys().map(String::as_str);
        let known = self.known.all_schemas().chain(named).chain([DEFAULT_SCHEMA]);
        let mut moved: Vec<String> = known
            .filter(|it| self.mapping.schema(it) != **it || self.extension_moves(it))
            .map(str::to_owned)
            .collect();
        moved.sort();
        moved.dedup();
        self.moved = moved;
    }

    fn extension_moves(&self, schema: &str) -> bool {
        self.known.has_extension(schema) && self.mapping.extension_schema(schema) != schema
    }
}

/// The name as an SQL identifier.
pub(crate) fn identifier(name: &str) -> String {
    quote_ident(name)
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

/// Finds `word` in `text` from `from` on with no letter, digit or sign of a name
/// beside it, whatever the case of ASCII letters.
fn word_at(text: &str, word: &str, from: usize) -> Option<usize> {
    let (bytes, word) = (text.as_bytes(), word.as_bytes());
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..);
    if word.is_empty() || bytes.len() < word.len() {
        return None;
    }
    (from..=bytes.len() - word.len()).find(|&at| {
        bytes[at..at + word.len()].eq_ignore_ascii_case(word)
            && !at.checked_sub(1).is_some_and(|before| is_name(&bytes[before]))
            && !bytes.get(at + word.len()).is_some_and(is_name)
    })
}

/// The text under way.
pub(crate) struct Outcome<'a> {
    sql: &'a str,
    line_starts: Vec<usize>,
    edits: Vec<(Range<usize>, Edit)>,
    doubts: Vec<Doubt>,
    notes: Vec<Note>,
    counts: Counts,
    pub(crate) pins: Vec<Pin>,
    pub(crate) leaning: Vec<Leaning>,
}

impl<'a> Outcome<'a> {
    fn new(sql: &'a str) -> Self {
        let newlines = sql.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = newlines.map(|(at, _)| at + 1).collect();
        Outcome {
            sql,
            line_starts,
            edits: Vec::new(),
            doubts: Vec::new(),
            notes: Vec::new(),
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
            mut changes,
            concerns,
            notes,
            ..
        } = pass;
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
            let edit = Edit {
                object: object.to_owned(),
                line: self.line(range.start),
                offset: range.start,
                old: self.sql[range.clone()].to_owned(),
                new,
                in_body,
            };
            self.edits.push((range, edit));
        }
        for Concern { offset, reason } in concerns {
            self.doubts.push(Doubt {
                object: object.to_owned(),
                line: self.line(offset),
                reason,
            });
        }
        for Concern { offset, reason } in notes {
            self.notes.push(Note {
                object: object.to_owned(),
                line: self.line(offset),
                text: reason,
            });
        }
    }

    fn finish(self) -> Rewritten {
        let mut text = String::with_capacity(self.sql.len() + 64);
        let mut copied = 0;
        let mut edits = Vec::with_capacity(self.edits.len());
        for (range, edit) in self.edits {
            text.push_str(&self.sql[copied..range.start]);
            text.push_str(&edit.new);
            copied = range.end;
            edits.push(edit);
        }
        text.push_str(&self.sql[copied..]);
        Rewritten {
            text,
            edits,
            doubts: self.doubts,
            notes: self.notes,
            counts: self.counts,
            pins: self.pins,
            leaning: self.leaning,
        }
    }
}

/// The first node of `kind` under `node`.
pub(crate) fn child(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxNode> {
    node.children().find(|it| it.kind() == kind)
}
