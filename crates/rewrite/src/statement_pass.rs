//! One walk over one statement: names, literals that are read as names, bodies and what stands in them.

use std::collections::HashSet;
use std::ops::Range;

use catalog::QualifiedName;
use squawk_syntax::ast::{self, AstNode, normalize_name_node};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::body::Body;
use crate::compared;
use crate::layer::Layer;
use crate::literal::Naming;
use crate::parse::{Parsed, single_statement};
use crate::reference::{self, Reference, Token};
use crate::rewriter::{Rewriter, child, identifier, path_list};
use crate::run_time;
use crate::stored_names;
use crate::unqualified::Shadows;
use crate::verdict::{NewName, Trust, Verdict};

/// A span of the whole text and what it becomes.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) range: Range<usize>,
    pub(crate) new: String,
    pub(crate) in_body: bool,
}

/// A place of the whole text that could not be proved.
#[derive(Debug)]
pub(crate) struct Concern {
    pub(crate) offset: usize,
    pub(crate) reason: String,
}

pub(crate) struct StatementPass<'a> {
    pub(crate) rewriter: &'a Rewriter,
    parsed: &'a Parsed<'a>,
    pub(crate) changes: Vec<Change>,
    pub(crate) concerns: Vec<Concern>,
    /// Places that could not be read and do not matter.
    pub(crate) notes: Vec<Concern>,
    /// Where the whole text holds the body of the statement's routine, between its quotes.
    pub(crate) body: Option<Range<usize>>,
}

/// Where the tree that is walked stands.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) layer: &'a Layer<'a>,
    pub(crate) trust: Trust,
    pub(crate) in_body: bool,
    pub(crate) context: &'a Context,
}

/// What names in the text of a statement or of a body depend on beside the text itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    /// Schemas in which names without a schema are looked up.
    pub(crate) path: Vec<String>,
    /// Variables that the body declares.
    pub(crate) variables: HashSet<String>,
    /// Names that stand for something else than what the search path gives.
    pub(crate) shadows: Shadows,
    /// What the statement is about.
    pub(crate) subject: Subject,
    /// Names that the body uses otherwise than to call a function.
    pub(crate) used: HashSet<String>,
    /// The routine around the text, by its own names: `routine.argument` is how it can call its arguments.
    pub(crate) routine: Option<(String, String)>,
}

/// What a statement is about, rather than what it mentions.
#[derive(Clone, Debug, Default)]
pub(crate) enum Subject {
    #[default]
    Nothing,
    Object(QualifiedName),
    /// `SELECT setval('…')`, the only query of its own that a dump holds.
    Everything,
}

impl Subject {
    fn is(&self, reference: &Reference) -> bool {
        match self {
            Subject::Nothing => false,
            Subject::Object(it) => it.schema == reference.schema && it.name == reference.name,
            Subject::Everything => true,
        }
    }
}

fn subject(statement: &SyntaxNode) -> Subject {
    if statement.kind() == SyntaxKind::SELECT {
        return Subject::Everything;
    }
    let first = reference::names(statement).next();
    first.map_or(Subject::Nothing, |it| {
        Subject::Object(QualifiedName::new(it.schema, it.name))
    })
}

impl<'a> StatementPass<'a> {
    pub(crate) fn new(rewriter: &'a Rewriter, parsed: &'a Parsed<'a>) -> Self {
        StatementPass {
            rewriter,
            parsed,
            changes: Vec::new(),
            concerns: Vec::new(),
            notes: Vec::new(),
            body: None,
        }
    }

    pub(crate) fn run(&mut self, statement: &SyntaxNode) {
        let layer = Layer::Statement {
            text: self.parsed.text,
            offset: self.parsed.range.start,
        };
        let context = Context {
            path: self.rewriter.search_path.clone(),
            subject: subject(statement),
            routine: self.routine(statement),
            shadows: Shadows {
                relations: self.transition_tables(statement),
                ..Shadows::default()
            },
            ..Context::default()
        };
        self.walk(
            statement,
            Place {
                layer: &layer,
                trust: Trust::Resolved,
                in_body: false,
                context: &context,
            },
        );
    }

    pub(crate) fn walk(&mut self, root: &SyntaxNode, place: Place<'_>) {
        let mut atomic: Option<SyntaxNode> = None;
        let mut dynamic: Option<SyntaxNode> = None;
        let within = |outer: &Option<SyntaxNode>, node: &SyntaxNode| {
            outer
                .as_ref()
                .is_some_and(|it| it.text_range().contains_range(node.text_range()))
        };
        for node in root.descendants() {
            let place = Place {
                in_body: place.in_body || within(&atomic, &node),
                ..place
            };
            match node.kind() {
                SyntaxKind::ATOMIC_BODY => atomic = Some(node),
                SyntaxKind::CREATE_FUNCTION | SyntaxKind::CREATE_PROCEDURE | SyntaxKind::DO => {
                    if let Some(body) = Body::of(&node) {
                        self.body(&body, &node, place);
                    }
                }
                SyntaxKind::PLPGSQL_DYN_EXECUTE_STMT
                | SyntaxKind::PLPGSQL_FOR_DYN_STMT
                | SyntaxKind::PLPGSQL_RETURN_QUERY_EXECUTE_STMT
                | SyntaxKind::PLPGSQL_OPEN_EXECUTE => {
                    dynamic = child(&node, SyntaxKind::PLPGSQL_EXPR);
                    self.dynamic(&node, dynamic.as_ref(), place);
                }
                SyntaxKind::SET_CONFIG | SyntaxKind::SET_CONFIG_PARAM => self.setting(&node, place),
                SyntaxKind::SET_SCHEMA_VALUE => {
                    node.children().for_each(|value| self.path_entry(&value, place));
                }
                SyntaxKind::CREATE_EXTENSION if !place.in_body => self.extension(&node, place),
                SyntaxKind::CALL_EXPR => {
                    if place.in_body && run_time::sets_path(&node) {
                        let at = usize::from(node.text_range().start());
                        self.concern(at, "the search_path is set at run time".to_owned(), place);
                    }
                    if self.rewriter.mapping.renames_objects() {
                        self.keep_name_of_call(&node, place);
                    }
                }
                SyntaxKind::CONSTRAINT_NAME_REF => self.constraint_reference(&node, place),
                SyntaxKind::TRANSITION_RELATION_NAME => self.transition_table(&node, place),
                SyntaxKind::LITERAL if !within(&dynamic, &node) => self.literal(&node, place),
                // The rows of an archive are opened, those of plain SQL are not.
                SyntaxKind::COLUMN
                | SyntaxKind::COMPOSITE_FIELD_DEF
                | SyntaxKind::CREATE_DOMAIN
                | SyntaxKind::RANGE_TYPE
                    if !place.in_body && !self.rewriter.known().is_complete() =>
                {
                    if let Some(reason) = stored_names::in_definition(&node) {
                        self.concern(usize::from(node.text_range().start()), reason, place);
                    }
                }
                _ => {
                    if self.argument(&node, place) {
                        continue;
                    }
                    if let Some(mut reference) = reference::of_node(&node) {
                        reference.is_subject = place.context.subject.is(&reference);
                        self.reference(&reference, place);
                    } else if self.rewriter.mapping.renames_objects() || self.is_later_column(&node) {
                        self.object(&node, place);
                    }
                }
            }
        }
    }

    fn reference(&mut self, reference: &Reference, place: Place<'_>) {
        match self.rewriter.verdict(reference, place.trust) {
            Verdict::Keep => {}
            Verdict::Rename(_) if reference.has_database => {
                let reason = format!(
                    "{}.{} stands with a database's name",
                    reference.schema, reference.name
                );
                self.concern(reference.start, reason, place);
            }
            Verdict::Rename(NewName { schema, object }) => {
                if schema != reference.schema {
                    let range = reference.start..reference.start + reference.token.len();
                    self.change(
                        range,
                        &reference.token,
                        &identifier(&schema, place.in_body),
                        place,
                    );
                }
                if let (Some(token), true) = (&reference.object, object != reference.name) {
                    self.rename(token, &object, place);
                }
            }
            Verdict::Doubt(reason) => self.concern(reference.start, reason, place),
        }
    }

    /// The target may have the extension.
    fn extension(&mut self, statement: &SyntaxNode, place: Place<'_>) {
        let name = child(statement, SyntaxKind::EXTENSION);
        if let (Some(name), None) = (name, child(statement, SyntaxKind::IF_NOT_EXISTS)) {
            let at = usize::from(name.text_range().start());
            self.change(at..at, "", "IF NOT EXISTS ", place);
        }
    }

    pub(crate) fn rename(&mut self, token: &Token, new: &str, place: Place<'_>) {
        let range = token.start..token.start + token.text.len();
        self.change(range, &token.text, &identifier(new, place.in_body), place);
    }

    pub(crate) fn change(&mut self, inner: Range<usize>, token: &str, new: &str, place: Place<'_>) {
        let start = inner.start;
        match (place.layer.locate(inner, token), place.layer.write(new)) {
            (Some(range), Some(new)) => self.changes.push(Change {
                range,
                new,
                in_body: place.in_body,
            }),
            _ => self.concern(
                start,
                format!("the name {token} is written in pieces, or the new name cannot stand there"),
                place,
            ),
        }
    }

    pub(crate) fn concern(&mut self, inner: usize, reason: String, place: Place<'_>) {
        self.concerns.push(Concern {
            offset: place.layer.approximate(inner),
            reason,
        });
    }

    fn literal(&mut self, node: &SyntaxNode, place: Place<'_>) {
        let Some(literal) = ast::Literal::cast(node.clone()) else {
            return;
        };
        let Some(layer) = Layer::inside(place.layer, &literal) else {
            return;
        };
        match Naming::of(node) {
            Some(naming) => self.name_literal(naming, &layer, place),
            None if is_text_of_an_expression(node) => {
                if let Some((at, name)) = self.rewriter.mention_of_object(layer.content()) {
                    self.concern_at(&layer, at, format!("a string holds the name {name}"));
                } else if run_time::is_part(node)
                    && let Some((at, part)) = self.rewriter.part_of_name(layer.content())
                {
                    let reason = format!("'{part}' can be part of a name that is put together");
                    self.concern_at(&layer, at, reason);
                } else if compared::is_with_schema_names(node)
                    && self.rewriter.moves(layer.content().trim_end_matches('%'))
                {
                    let reason = format!("a name of a schema is compared with '{}'", layer.content());
                    self.concern_at(&layer, 0, reason);
                } else if self
                    .rewriter
                    .renamed
                    .contains(layer.content().trim_end_matches('%'))
                    && compared::is_with_object_names(node)
                {
                    let reason = format!("a name of an object is compared with '{}'", layer.content());
                    self.concern_at(&layer, 0, reason);
                } else if self.rewriter.is_renamed_column(layer.content()) {
                    let reason = format!("'{}' can be a column that gets another name", layer.content());
                    self.concern_at(&layer, 0, reason);
                } else if place.trust == Trust::Unchecked || is_default_of_argument(node) {
                    let name = layer.content().trim_matches(|it| matches!(it, '%' | '^' | '$'));
                    if self.rewriter.moves(name) || self.rewriter.renamed.contains(name) {
                        self.concern_at(&layer, 0, format!("'{name}' can be a name"));
                    }
                }
            }
            None => {}
        }
    }

    pub(crate) fn concern_at(&mut self, layer: &Layer<'_>, inner: usize, reason: String) {
        self.concerns.push(Concern {
            offset: layer.approximate(inner),
            reason,
        });
    }

    /// Reads the content through a statement made up around it.
    fn name_literal(&mut self, naming: Naming, layer: &Layer<'_>, place: Place<'_>) {
        let (prefix, suffix) = naming.wrapper();
        let content = layer.content();
        if content.trim().is_empty() || content == "-" {
            return;
        }
        let Some(statement) = single_statement(&format!("{prefix}{content}{suffix}")) else {
            if let Some((at, name)) = self.rewriter.mention(content) {
                self.concern_at(
                    layer,
                    at,
                    format!("a string is no name that can be read and mentions {name}"),
                );
            }
            return;
        };
        let wrapped = Layer::Wrapped {
            outer: layer,
            prefix_len: prefix.len(),
        };
        self.walk(
            &statement,
            Place {
                layer: &wrapped,
                ..place
            },
        );
    }

    /// `SET search_path TO …` as a statement, in a routine's own settings or inside `set_config`.
    fn setting(&mut self, node: &SyntaxNode, place: Place<'_>) {
        let parameter = child(node, SyntaxKind::CONFIG_PARAMETER_REF).map(|it| it.text().to_string());
        let Some(values) = child(node, SyntaxKind::TO_CONFIG_VALUE) else {
            return;
        };
        match parameter.unwrap_or_default().to_ascii_lowercase().as_str() {
            "search_path" => values.children().for_each(|value| self.path_entry(&value, place)),
            "default_text_search_config" => {
                let literal = values.children().find_map(ast::Literal::cast);
                let layer = literal.and_then(|it| Layer::inside(place.layer, &it));
                if let Some(layer) = layer {
                    self.name_literal(Naming::TextSearchConfiguration, &layer, place);
                }
            }
            _ => {}
        }
    }

    /// One schema of a search path. A literal there is one name, taken as it is.
    fn path_entry(&mut self, value: &SyntaxNode, place: Place<'_>) {
        let literal = ast::Literal::cast(value.clone());
        let schema = match &literal {
            Some(literal) => literal.string_value().unwrap_or_default(),
            None => normalize_name_node(value),
        };
        if let Some(entries) = self.rewriter.path_entries(&schema) {
            let token = value.text().to_string();
            let start = usize::from(value.text_range().start());
            let new = path_list(&entries, literal.is_some());
            self.change(start..start + token.len(), &token, &new, place);
        }
    }
}

/// What a routine gets when its caller says nothing: text for a body that nobody has checked.
fn is_default_of_argument(literal: &SyntaxNode) -> bool {
    literal
        .ancestors()
        .any(|it| it.kind() == SyntaxKind::PARAM_DEFAULT)
}

/// Rows, comments and messages are data for people: only text that a query works with can be a name.
fn is_text_of_an_expression(literal: &SyntaxNode) -> bool {
    let in_expression = literal.parent().is_some_and(|parent| {
        matches!(
            parent.kind(),
            SyntaxKind::ARG
                | SyntaxKind::BIN_EXPR
                | SyntaxKind::CAST_EXPR
                | SyntaxKind::DEFAULT_CONSTRAINT
                | SyntaxKind::PLPGSQL_EXPR
                | SyntaxKind::TARGET
                | SyntaxKind::ARRAY_EXPR
                | SyntaxKind::PAREN_EXPR
                | SyntaxKind::TUPLE_EXPR
                | SyntaxKind::WHEN_CLAUSE
                | SyntaxKind::NAMED_ARG
                | SyntaxKind::ROW
                | SyntaxKind::PARAM_DEFAULT
                | SyntaxKind::BETWEEN_EXPR
                | SyntaxKind::COLLATE
                | SyntaxKind::ELSE_CLAUSE
        )
    });
    in_expression
        && !literal
            .ancestors()
            .any(|it| it.kind() == SyntaxKind::PLPGSQL_RAISE_STMT)
}
