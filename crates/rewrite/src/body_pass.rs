//! Bodies of routines and what EXECUTE runs: text that is SQL or PL/pgSQL itself.

use squawk_syntax::SyntaxKind;
use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode, normalize_name_node};

use crate::body::{self, Body, Language};
use crate::layer::{Layer, offset_of};
use crate::output_name;
use crate::relation::innermost;
use crate::rewriter::child;
use crate::statement_pass::{Concern, Context, Place, StatementPass, Subject};
use crate::unqualified::{self, Shadows};
use crate::verdict::Trust;

/// Words of a string that a doubt lists at most.
const WORDS_MAX: usize = 8;

impl StatementPass<'_> {
    pub(crate) fn body(&mut self, body: &Body, routine: &SyntaxNode, place: Place<'_>) {
        let Some(layer) = Layer::inside(place.layer, &body.literal) else {
            return;
        };
        let text = layer.content();
        if self.body.is_none() {
            self.body = Some(layer.approximate(0)..layer.approximate(text.len()));
        }
        let tree = match &body.language {
            Language::Sql | Language::Plpgsql if layer.is_too_deep() => {
                Err("it stands inside too many others".to_owned())
            }
            Language::Sql => body::parse_sql(text),
            Language::Plpgsql => body::parse_plpgsql(text),
            Language::Symbol => return,
            Language::Other(language) => {
                if let Some((at, name)) = self.rewriter.mention(text) {
                    self.concern_at(&layer, at, format!("the body in {language} mentions {name}"));
                }
                return;
            }
        };
        match tree {
            Ok(tree) => {
                let mut shadows = Shadows {
                    relations: place.context.shadows.relations.clone(),
                    ..Shadows::of(&tree)
                };
                let temporary = temporary_tables(&tree);
                for (at, name) in &temporary {
                    if self.rewriter.renamed.contains(name) {
                        let reason =
                            format!("temporary table {name} is called like a table that gets another name");
                        self.concern_at(&layer, *at, reason);
                    }
                }
                shadows
                    .relations
                    .extend(temporary.into_iter().map(|(_, name)| name));
                let context = Context {
                    path: own_path(routine).unwrap_or_else(|| place.context.path.clone()),
                    variables: unqualified::variables(&tree),
                    used: output_name::used(&tree),
                    subject: Subject::Nothing,
                    shadows,
                    routine: place.context.routine.clone(),
                };
                let place = Place {
                    layer: &layer,
                    trust: Trust::Unchecked,
                    in_body: true,
                    context: &context,
                };
                self.walk(&tree, place);
                self.columns(&tree, place);
                self.labels_of_targets(text, place);
            }
            Err(error) => match self.rewriter.mention(text) {
                Some((at, name)) => {
                    let reason = format!("the body cannot be read ({error}) and mentions {name}");
                    self.concern_at(&layer, at, reason);
                }
                None => self.notes.push(Concern {
                    offset: layer.approximate(0),
                    reason: format!("the body cannot be read: {error}"),
                }),
            },
        }
    }

    /// EXECUTE: a constant string is SQL like any other, everything else is built when it runs.
    pub(crate) fn dynamic(&mut self, statement: &SyntaxNode, query: Option<&SyntaxNode>, place: Place<'_>) {
        let constant = query.and_then(constant_string);
        let Some(literal) = constant else {
            let at = usize::from(statement.text_range().start());
            return self.concern(at, self.built_at_run_time(query), place);
        };
        let Some(layer) = Layer::inside(place.layer, &literal) else {
            return;
        };
        match body::parse_sql(layer.content()) {
            Ok(tree) => {
                let place = Place {
                    layer: &layer,
                    ..place
                };
                self.walk(&tree, place);
                self.columns(&tree, place);
            }
            Err(error) => {
                if let Some((_, name)) = self.rewriter.mention(layer.content()) {
                    let reason =
                        format!("EXECUTE of a string that cannot be read ({error}) and mentions {name}");
                    self.concern(offset_of(&literal), reason, place);
                }
            }
        }
    }

    /// The reason for a doubt, with the constants among its parts that look like names.
    fn built_at_run_time(&self, query: Option<&SyntaxNode>) -> String {
        let literals = query.into_iter().flat_map(SyntaxNode::descendants);
        let texts: Vec<String> = literals
            .filter_map(ast::Literal::cast)
            .filter_map(|it| it.string_value())
            .collect();
        let words = self.rewriter.own_words(&texts.join("\n"), WORDS_MAX);
        let mut reason = "EXECUTE builds its statement at run time".to_owned();
        if !words.is_empty() {
            reason.push_str(", with ");
            reason.push_str(&words.join(", "));
            reason.push_str(" among its constants");
        }
        reason
    }
}

/// Temporary tables that a body makes without a schema: where their names stand, and the names.
fn temporary_tables(body: &SyntaxNode) -> Vec<(usize, String)> {
    let made = body.descendants().filter(|it| {
        matches!(
            it.kind(),
            SyntaxKind::CREATE_TABLE | SyntaxKind::CREATE_TABLE_AS | SyntaxKind::CREATE_VIEW
        ) && child(it, SyntaxKind::TEMP).is_some()
    });
    let names = made.filter_map(|it| {
        it.children()
            .find(|it| matches!(it.kind(), SyntaxKind::TABLE_NAME | SyntaxKind::VIEW))
    });
    names
        .map(|it| {
            (
                usize::from(it.text_range().start()),
                normalize_name_node(&innermost(it)),
            )
        })
        .collect()
}

/// The search path that the definition of a routine sets for it.
fn own_path(routine: &SyntaxNode) -> Option<Vec<String>> {
    let setting = routine.descendants().find(|it| {
        it.kind() == SyntaxKind::SET_CONFIG_PARAM
            && child(it, SyntaxKind::CONFIG_PARAMETER_REF)
                .is_some_and(|it| it.text().to_string().eq_ignore_ascii_case("search_path"))
    })?;
    let values = child(&setting, SyntaxKind::TO_CONFIG_VALUE)?;
    let name = |value: SyntaxNode| match ast::Literal::cast(value.clone()) {
        Some(literal) => literal.string_value().unwrap_or_default(),
        None => normalize_name_node(&value),
    };
    Some(values.children().map(name).collect())
}

/// The literal when the expression is nothing else.
pub(crate) fn constant_string(query: &SyntaxNode) -> Option<ast::Literal> {
    let mut node = query.clone();
    while !matches!(node.kind(), SyntaxKind::LITERAL) {
        let mut children = node.children();
        node = match (children.next(), children.next()) {
            (Some(only), None)
                if matches!(
                    only.kind(),
                    SyntaxKind::TARGET_LIST | SyntaxKind::TARGET | SyntaxKind::LITERAL
                ) =>
            {
                only
            }
            _ => return None,
        };
    }
    ast::Literal::cast(node)
}
