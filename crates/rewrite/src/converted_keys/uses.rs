//! What uses keys otherwise than as keys: conditions, indexes, queries, bodies of routines.

use std::fmt;

use catalog::{QualifiedName, quote_literal};
use conversion::TableConversion;
use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::meaning::{Meaning, first_select, plain_column, targets};
use super::{ConvertedKeys, Pass, range};
use crate::literal::Naming;
use crate::parse::Parsed;
use crate::rewriter::child;
use crate::statement::paths;
use crate::statement_pass::Concern;

/// A place where a key is used otherwise than as one.
struct Use {
    offset: usize,
    name: String,
    /// What uses it, as it is written.
    text: String,
    /// PostgreSQL refuses it.
    is_refused: bool,
}

impl ConvertedKeys<'_> {
    /// A check, an expression of a generated column or of a default: PostgreSQL would refuse what compares a UUID with
    /// a number, or reckons with it; what it takes would give something else.
    pub(super) fn judge_condition(&self, node: &SyntaxNode, at: usize, pass: &mut Pass) {
        for it in self.uses(node) {
            pass.obstacle(at + it.offset, it.to_string());
        }
    }

    pub(super) fn create_index(&self, statement: &SyntaxNode, at: usize, pass: &mut Pass) {
        use SyntaxKind as K;
        let table = child(statement, K::TABLE_RELATION_NAME).and_then(|it| paths(&it).next());
        if !table.is_some_and(|it| self.has_keys(&it)) {
            return;
        }
        for part in statement.children() {
            match part.kind() {
                K::PARTITION_ITEM_LIST => {
                    for item in part.children() {
                        let plain = item.first_child().filter(|it| it.kind() == K::NAME_REF);
                        match plain.filter(|it| !self.meaning(it).stays()) {
                            Some(name) if child(&item, K::OP_CLASS_REF).is_some() => {
                                let reason =
                                    format!("{} becomes a UUID, with another operator class", name.text());
                                pass.obstacle(at + range(&item).start, reason);
                            }
                            Some(_) => {}
                            None => self.judge_condition(&item, at, pass),
                        }
                    }
                }
                K::WHERE_CLAUSE => self.judge_condition(&part, at, pass),
                _ => {}
            }
        }
    }

    /// A view or the like: what PostgreSQL would refuse would end the load.
    pub(super) fn judge_query(&self, statement: &SyntaxNode, at: usize, pass: &mut Pass) {
        if !paths(statement).any(|it| self.has_keys(&it)) {
            return;
        }
        for it in self.uses(statement) {
            let (offset, reason) = (at + it.offset, it.to_string());
            if it.is_refused {
                pass.obstacle(offset, reason);
            } else {
                pass.concerns.push(Concern { offset, reason });
            }
        }
    }

    /// A routine is judged by its words: what its variables hold, nobody knows.
    pub(super) fn judge_routine(&self, statement: &SyntaxNode, parsed: &Parsed<'_>, pass: &mut Pass) {
        let quoted = statement
            .descendants()
            .find(|it| matches!(it.kind(), SyntaxKind::AS_DEFINITION | SyntaxKind::ATOMIC_BODY));
        // Else it is an expression behind RETURN, anywhere among the options.
        let body = range(quoted.as_ref().unwrap_or(statement));
        let text = &parsed.text[body.clone()];
        let mut from = 0;
        let is_word = |it: char| it.is_alphanumeric() || it == '_' || it == '$';
        for word in text.split(|it: char| !is_word(it)) {
            if self.names.contains(word) || self.names.contains(&word.to_lowercase()) {
                let offset = parsed.range.start + body.start + from;
                let reason = format!("the body mentions {word}, a column of that name becomes a UUID");
                return pass.concerns.push(Concern { offset, reason });
            }
            from += word.len() + text[from + word.len()..].chars().next().map_or(0, char::len_utf8);
        }
    }

    /// What still names a sequence that goes: as a relation, which PostgreSQL looks for at once, or by its name in a text.
    pub(super) fn judge_sequences(&self, statement: &SyntaxNode, at: usize, pass: &mut Pass) {
        if self.sequences.is_empty() {
            return;
        }
        let text = statement.text().to_string();
        let mentioned = |it: &&QualifiedName| text.contains(&it.name);
        let mentioned: Vec<&QualifiedName> = self.sequences.iter().filter(mentioned).collect();
        if mentioned.is_empty() {
            return;
        }
        let stays = |it: &SyntaxNode| {
            let offset = at + range(it).start;
            !pass.changes.iter().any(|change| change.range.contains(&offset))
        };
        let used = statement.descendants().filter(|it| match it.kind() {
            SyntaxKind::PATH_REF => paths(it).next().is_some_and(|it| self.sequences.contains(&it)),
            SyntaxKind::LITERAL => Naming::of(it) == Some(Naming::Relation) && names_one(it, &mentioned),
            _ => false,
        });
        let used: Vec<SyntaxNode> = used.filter(stays).collect();
        for it in &used {
            let reason = format!(
                "the sequence goes with its key, and is used in `{}`",
                cut(&around(it))
            );
            pass.obstacle(at + range(it).start, reason);
        }
        if used.is_empty() && pass.changes.is_empty() {
            pass.concerns
                .extend(mentioned.into_iter().filter_map(|it| mention(it, &text, at)));
        }
    }

    /// Where converted columns are used otherwise than UUIDs can be.
    fn uses(&self, node: &SyntaxNode) -> Vec<Use> {
        let used = node.descendants().filter(|it| match it.kind() {
            SyntaxKind::NAME_REF => self.is_use(it),
            SyntaxKind::COLUMN_NAME_REF => {
                let names = it.ancestors().nth(2);
                let in_join = names.is_some_and(|it| it.kind() == SyntaxKind::JOIN_USING_CLAUSE);
                in_join && self.joins_unlike(it)
            }
            _ => false,
        });
        used.map(|it| Use {
            offset: range(&it).start,
            name: it.text().to_string(),
            text: around(&it),
            is_refused: self.is_refused(&it),
        })
        .collect()
    }

    /// Whether a column's name stands for a key that is used as a number, for its order or with what is no key of the
    /// same table.
    fn is_use(&self, name: &SyntaxNode) -> bool {
        use SyntaxKind as K;
        let meaning = self.meaning(name);
        if meaning.stays() {
            return false;
        }
        let place = whole(name);
        let Some(parent) = place.parent() else {
            return false;
        };
        match parent.kind() {
            K::BIN_EXPR => {
                let other = parent
                    .children()
                    .find(|it| *it != place && !is_operator(it.kind()));
                !is_equality(&parent) || !other.is_none_or(|it| self.is_same(&meaning, &it))
            }
            K::TARGET => self.is_mixed(&parent),
            // A table's name before a dot or as a row, a function of that name; what asks whether values are equal.
            K::FIELD_EXPR
            | K::CALL_EXPR
            | K::COLUMN_REF_LIST
            | K::POSTFIX_EXPR
            | K::STATISTICS_ON_CLAUSE
            | K::GROUP_BY_CLAUSE
            | K::GROUP_BY_LIST
            | K::GROUPING_EXPR
            | K::GROUPING_SETS
            | K::GROUPING_CUBE
            | K::GROUPING_ROLLUP
            | K::PARTITION_BY_CLAUSE => false,
            K::CONSTRAINT_EXCLUSION => child(&parent, K::OP).is_none_or(|it| it.text() != "="),
            K::ARG => {
                let call = parent.ancestors().find(|it| it.kind() == K::CALL_EXPR);
                let called = call
                    .and_then(|it| it.first_child())
                    .map(|it| normalize_name_node(&it));
                called.is_none_or(|it| it != "count")
            }
            _ => true,
        }
    }

    /// Whether what a key is compared with is NULL or a key of the same table.
    fn is_same(&self, meaning: &Meaning, other: &SyntaxNode) -> bool {
        let text = other.text().to_string();
        if text.trim_matches(['(', ')', ' ']).eq_ignore_ascii_case("null") {
            return true;
        }
        // `IN (SELECT …)`
        let column =
            first_select(other).map_or_else(|| plain_column(other), |it| plain_column(&targets(&it).next()?));
        let other = column.map(|it| self.meaning(&it));
        matches!(meaning, Meaning::Key(_)) && other.as_ref() == Some(meaning)
    }
}

impl ConvertedKeys<'_> {
    /// Whether no PostgreSQL takes the use: a number, or a column that stays an integer, beside a UUID; a UUID as a number.
    fn is_refused(&self, name: &SyntaxNode) -> bool {
        let place = whole(name);
        let Some(parent) = place
            .parent()
            .filter(|_| matches!(self.meaning(name), Meaning::Key(_)))
        else {
            return false;
        };
        match parent.kind() {
            SyntaxKind::CAST_EXPR => is_number_type(&parent),
            SyntaxKind::BIN_EXPR => {
                let other = parent
                    .children()
                    .find(|it| *it != place && !is_operator(it.kind()));
                other.map(unwrapped).is_some_and(|it| match it.kind() {
                    SyntaxKind::LITERAL => it.text().to_string().starts_with(|it: char| it.is_ascii_digit()),
                    SyntaxKind::CAST_EXPR => is_number_type(&it),
                    _ => plain_column(&it).is_some_and(|it| self.stays_integer(&it)),
                })
            }
            _ => false,
        }
    }
}

/// What stands in parentheses.
fn unwrapped(node: SyntaxNode) -> SyntaxNode {
    let inner = node
        .first_child()
        .filter(|_| node.kind() == SyntaxKind::PAREN_EXPR);
    inner.map_or(node, unwrapped)
}

fn is_number_type(cast: &SyntaxNode) -> bool {
    let name = child(cast, SyntaxKind::PATH_TYPE).map(|it| it.text().to_string());
    let is_number = |it: &str| matches!(it, "smallint" | "integer" | "bigint" | "numeric" | "real");
    name.is_some_and(|it| is_number(&it))
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, text) = (&self.name, cut(&self.text));
        write!(
            f,
            "{name} becomes a UUID, and `{text}` uses it otherwise than as a key of one table"
        )
    }
}

/// The whole expression that a column's name is: with the relation before it, and in its parentheses.
fn whole(name: &SyntaxNode) -> SyntaxNode {
    let mut place = name.clone();
    let field = name
        .parent()
        .filter(|it| it.kind() == SyntaxKind::FIELD_EXPR && it.last_child().as_ref() == Some(name));
    if let Some(field) = field {
        place = field;
    }
    while let Some(parent) = place.parent().filter(|it| it.kind() == SyntaxKind::PAREN_EXPR) {
        place = parent;
    }
    place
}

/// What is written around a name or a literal, in one line.
fn around(node: &SyntaxNode) -> String {
    let parent = whole(node).parent();
    let parent = match parent {
        Some(it) if matches!(it.kind(), SyntaxKind::ARG | SyntaxKind::CAST_EXPR) => it
            .ancestors()
            .find(|it| it.kind() == SyntaxKind::CALL_EXPR)
            .or(Some(it)),
        it => it,
    };
    let text = parent.as_ref().unwrap_or(node).text().to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Enough of a text to find it by.
fn cut(text: &str) -> String {
    const CHARS_MAX: usize = 80;
    if text.chars().count() <= CHARS_MAX {
        return text.to_owned();
    }
    let start: String = text.chars().take(CHARS_MAX).collect();
    format!("{start}…")
}

/// Whether a literal that names a relation names one of these, as `pg_dump` writes it.
fn names_one(literal: &SyntaxNode, sequences: &[&QualifiedName]) -> bool {
    let text = literal.text().to_string();
    sequences.iter().any(|it| text == quote_literal(&it.to_string()))
}

/// Where the text says a sequence's name; part of another name is no mention of it.
fn mention(sequence: &QualifiedName, text: &str, at: usize) -> Option<Concern> {
    let is_word = |at: usize| {
        let before = text[..at].chars().next_back();
        let after = text[at + sequence.name.len()..].chars().next();
        [before, after]
            .into_iter()
            .flatten()
            .all(|it| !it.is_alphanumeric() && it != '_')
    };
    let (offset, _) = text.match_indices(&sequence.name).find(|(at, _)| is_word(*at))?;
    Some(Concern {
        offset: at + offset,
        reason: format!("sequence {sequence} is named here, and goes with its key"),
    })
}

/// Where a row belongs must not change with its key.
pub(super) fn judge_partition_key(
    clause: &SyntaxNode,
    conversion: &TableConversion,
    at: usize,
    pass: &mut Pass,
) {
    let names = clause
        .descendants()
        .filter(|it| it.kind() == SyntaxKind::NAME_REF);
    for name in names.filter(|it| conversion.column(&normalize_name_node(it)).is_some()) {
        let reason = format!(
            "{} becomes a UUID, and says which partition a row belongs to",
            name.text()
        );
        pass.obstacle(at + range(&name).start, reason);
    }
}

fn is_equality(expression: &SyntaxNode) -> bool {
    use SyntaxKind as K;
    let mut parts = expression.children_with_tokens();
    parts.any(|it| {
        matches!(
            it.kind(),
            K::EQ
                | K::NEQ
                | K::NEQB
                | K::IS_NOT
                | K::IS_KW
                | K::IS_DISTINCT_FROM
                | K::IS_NOT_DISTINCT_FROM
                | K::IN_KW
                | K::NOT_IN
        )
    })
}

fn is_operator(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::OP
            | SyntaxKind::NOT_IN
            | SyntaxKind::IS_NOT
            | SyntaxKind::IS_DISTINCT_FROM
            | SyntaxKind::IS_NOT_DISTINCT_FROM
    )
}
