//! What uses keys otherwise than as keys: conditions, indexes, queries, bodies of routines.

use std::collections::HashSet;

use catalog::QualifiedName;
use conversion::TableConversion;
use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::{ConvertedKeys, Pass, range};
use crate::parse::Parsed;
use crate::rewriter::child;
use crate::statement::paths;

impl ConvertedKeys<'_> {
    /// A check, an expression of a generated column or of a default: PostgreSQL would refuse what compares a UUID with
    /// a number, or reckons with it.
    pub(super) fn judge_condition(&self, node: &SyntaxNode, at: usize, pass: &mut Pass) {
        for (offset, name) in self.uses(node) {
            pass.obstacle(
                at + offset,
                format!("{name} becomes a UUID, and is used as a number"),
            );
        }
    }

    pub(super) fn create_index(&self, statement: &SyntaxNode, at: usize, pass: &mut Pass) {
        use SyntaxKind as K;
        let table = child(statement, K::TABLE_RELATION_NAME).and_then(|it| paths(&it).next());
        if !table.is_some_and(|it| self.tables.contains_key(&it)) {
            return;
        }
        for part in statement.children() {
            match part.kind() {
                K::PARTITION_ITEM_LIST => {
                    for item in part.children() {
                        let plain = item.first_child().filter(|it| it.kind() == K::NAME_REF);
                        match plain.filter(|it| self.names.contains(&normalize_name_node(it))) {
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

    /// A view or the like: it may hold other columns of the same name.
    pub(super) fn judge_query(&self, statement: &SyntaxNode, at: usize, pass: &mut Pass) {
        if !paths(statement).any(|it| self.tables.contains_key(&it)) {
            return;
        }
        for (offset, name) in self.uses(statement) {
            pass.concerns.push(crate::statement_pass::Concern {
                offset: at + offset,
                reason: format!("{name} becomes a UUID, and is used as a number here or in an order"),
            });
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
                return pass
                    .concerns
                    .push(crate::statement_pass::Concern { offset, reason });
            }
            from += word.len() + text[from + word.len()..].chars().next().map_or(0, char::len_utf8);
        }
    }

    /// What still names a sequence that goes.
    pub(super) fn judge_sequences(&self, statement: &SyntaxNode, at: usize, pass: &mut Pass) {
        if self.sequences.is_empty() {
            return;
        }
        let text = statement.text().to_string();
        let names = |it: &&QualifiedName| text.contains(&it.name);
        for sequence in self.sequences.iter().filter(names) {
            // Part of another name, or of a comment, is no use of it.
            let is_word = |at: usize| {
                let before = text[..at].chars().next_back();
                let after = text[at + sequence.name.len()..].chars().next();
                [before, after]
                    .into_iter()
                    .flatten()
                    .all(|it| !it.is_alphanumeric() && it != '_')
            };
            if let Some((offset, _)) = text.match_indices(&sequence.name).find(|(at, _)| is_word(*at)) {
                pass.concerns.push(crate::statement_pass::Concern {
                    offset: at + offset,
                    reason: format!("sequence {sequence} is named here, and goes with its key"),
                });
            }
        }
    }

    /// Where converted columns are used otherwise than UUIDs can be.
    fn uses(&self, node: &SyntaxNode) -> Vec<(usize, String)> {
        let names = node.descendants().filter(|it| it.kind() == SyntaxKind::NAME_REF);
        let used = names.filter(|it| is_use(it, &self.names));
        used.map(|it| (range(&it).start, it.text().to_string())).collect()
    }
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

/// Whether a name of a column, which is one of `names`, is used as a number or for its order.
fn is_use(name: &SyntaxNode, names: &HashSet<String>) -> bool {
    use SyntaxKind as K;
    if !names.contains(&normalize_name_node(name)) {
        return false;
    }
    let mut place = name.clone();
    if let Some(parent) = name.parent().filter(|it| it.kind() == K::FIELD_EXPR) {
        // The name before the dot is a table's.
        if parent.last_child().as_ref() != Some(name) {
            return false;
        }
        place = parent;
    }
    while let Some(parent) = place.parent().filter(|it| it.kind() == K::PAREN_EXPR) {
        place = parent;
    }
    let Some(parent) = place.parent() else {
        return false;
    };
    match parent.kind() {
        K::BIN_EXPR => {
            let is_equality = parent.children_with_tokens().any(|it| {
                let text = it.to_string();
                matches!(it.kind(), K::EQ | K::NEQ | K::NEQB | K::IS_NOT | K::IS_KW)
                    || text.to_ascii_uppercase().starts_with("IS ")
            });
            let other = parent.children().find(|it| *it != place && is_operand(it));
            !is_equality || !other.is_none_or(|it| is_key_or_null(&it, names))
        }
        K::TARGET | K::COLUMN_REF_LIST | K::POSTFIX_EXPR => false,
        kind if format!("{kind:?}").starts_with("GROUP") => false,
        K::ARG => {
            let call = parent.ancestors().find(|it| it.kind() == K::CALL_EXPR);
            let called = call
                .and_then(|it| it.first_child())
                .map(|it| normalize_name_node(&it));
            called.is_none_or(|it| it != "count")
        }
        // A call of a function that has the name of a column, or the name of a table as a row.
        K::CALL_EXPR => false,
        _ => true,
    }
}

fn is_operand(node: &SyntaxNode) -> bool {
    let kind = format!("{:?}", node.kind());
    kind.ends_with("EXPR") || matches!(node.kind(), SyntaxKind::NAME_REF | SyntaxKind::LITERAL)
}

fn is_key_or_null(node: &SyntaxNode, names: &HashSet<String>) -> bool {
    let text = node.text().to_string();
    let text = text.trim_matches(['(', ')', ' ']);
    if text.eq_ignore_ascii_case("null") {
        return true;
    }
    let last = node
        .descendants()
        .filter(|it| it.kind() == SyntaxKind::NAME_REF)
        .last();
    let is_name = node.descendants().all(|it| {
        matches!(
            it.kind(),
            SyntaxKind::NAME_REF | SyntaxKind::FIELD_EXPR | SyntaxKind::PAREN_EXPR
        )
    });
    is_name && last.is_some_and(|it| names.contains(&normalize_name_node(&it)))
}
