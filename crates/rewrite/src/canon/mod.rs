//! Whether a statement that we wrote says what the server makes of it when it is asked: PostgreSQL keeps a tree, and writes
//! it with casts, parentheses and operators of its own.
//!
//! Both texts become trees of what they say. Where these are equal, the statements are; where they are not, nobody knows.

mod constant;

use std::collections::BTreeSet;

use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxElement, SyntaxKind, SyntaxNode};

use crate::parse::single_statement;
use crate::rewriter::child;
use constant::{Number, cast, is_numeric, literal};

/// What the server's text says, compared with what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// The same.
    Same,
    /// Something else: constants of one are not in the other.
    Otherwise,
    /// Nobody can tell.
    Unknown,
}

/// Whether the server's text `there` is what it makes of `here`.
pub fn said_by_server(here: &str, there: &str) -> Said {
    let read = |sql: &str| single_statement(sql.trim_end().trim_end_matches(';')).map(|it| Tree::of(&it));
    let (Some(here), Some(there)) = (read(here), read(there)) else {
        return Said::Unknown;
    };
    if here.is_said_by(&there) {
        return Said::Same;
    }
    let constants = |tree: &Tree| {
        let mut constants = BTreeSet::new();
        tree.collect_constants(&mut constants);
        constants
    };
    if constants(&here) == constants(&there) {
        Said::Unknown
    } else {
        Said::Otherwise
    }
}

/// What a part of a statement says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Tree {
    /// A name, a keyword or an operator.
    Word(String),
    /// `None` is NULL.
    Text(Option<String>),
    Number(Number),
    /// A column, with the names before it.
    Column(Vec<String>, String),
    Node(SyntaxKind, Vec<Tree>),
    /// An operator or a function with what it is given.
    Call(String, Vec<Tree>),
    /// All sides of a row of `AND`, `OR` or `||`.
    Chain(&'static str, Vec<Tree>),
    /// A calculated value as another type.
    Cast(Box<Tree>, Vec<Tree>),
}

impl Tree {
    fn of(node: &SyntaxNode) -> Tree {
        use SyntaxKind as K;
        match node.kind() {
            K::LITERAL => literal(node),
            K::CAST_EXPR => cast(node),
            K::BETWEEN_EXPR => between(node),
            K::BIN_EXPR => binary(node),
            K::PREFIX_EXPR => prefix(node),
            K::FIELD_EXPR => field(node),
            K::NAME_REF if is_value(node) => Tree::Column(Vec::new(), normalize_name_node(node)),
            K::CALL_EXPR => call(node),
            K::CASE_EXPR => case(node),
            K::COLLATION_REF => collation(node),
            K::TARGET => target(node),
            _ => Tree::plain(node),
        }
    }

    fn plain(node: &SyntaxNode) -> Tree {
        let mut parts = parts(node);
        if parts.len() == 1 {
            parts.remove(0)
        } else {
            Tree::Node(node.kind(), parts)
        }
    }

    /// Texts, numbers and names of columns.
    fn collect_constants(&self, constants: &mut BTreeSet<String>) {
        match self {
            Tree::Text(Some(text)) => _ = constants.insert(format!("'{text}")),
            Tree::Number(number) => _ = constants.insert(format!("{number:?}")),
            Tree::Column(_, name) => _ = constants.insert(name.clone()),
            Tree::Text(None) | Tree::Word(_) => {}
            Tree::Node(_, parts) | Tree::Call(_, parts) | Tree::Chain(_, parts) => {
                for it in parts {
                    it.collect_constants(constants);
                }
            }
            Tree::Cast(inner, _) => inner.collect_constants(constants),
        }
    }

    /// Whether the server's tree says this, where names can have more before them.
    fn is_said_by(&self, there: &Tree) -> bool {
        let all = |here: &[Tree], there: &[Tree]| {
            here.len() == there.len() && here.iter().zip(there).all(|(here, there)| here.is_said_by(there))
        };
        match (self, there) {
            (Tree::Column(before, name), Tree::Column(before_there, name_there)) => {
                // With nothing before it a name is the only one of its kind.
                name == name_there && (before.is_empty() || before_there.is_empty() || before == before_there)
            }
            (Tree::Node(kind, here), Tree::Node(kind_there, there)) => kind == kind_there && all(here, there),
            (Tree::Call(name, here), Tree::Call(name_there, there)) => name == name_there && all(here, there),
            (Tree::Chain(word, here), Tree::Chain(word_there, there)) => {
                word == word_there && all(here, there)
            }
            (Tree::Cast(here, to), Tree::Cast(there, to_there)) if to == to_there => here.is_said_by(there),
            // A narrow number meets a wider one, and the server says so; what is of a type already needs no cast.
            (here, Tree::Cast(there, to)) if is_numeric(to) => here.is_said_by(there),
            (Tree::Cast(here, to), there) if is_numeric(to) => here.is_said_by(there),
            _ => self == there,
        }
    }
}

/// Everything that stands in a node and says something.
fn parts(node: &SyntaxNode) -> Vec<Tree> {
    use SyntaxKind as K;
    let said = node.children_with_tokens().filter_map(|it| match it {
        SyntaxElement::Node(node) => Some(Tree::of(&node)),
        SyntaxElement::Token(token) if token.kind().is_trivia() => None,
        SyntaxElement::Token(token) => match token.kind() {
            K::L_PAREN
            | K::R_PAREN
            | K::COMMA
            | K::SEMICOLON
            | K::AS_KW
            | K::INNER_KW
            | K::OUTER_KW
            | K::ASC_KW
            | K::DOT => None,
            K::IDENT => Some(Tree::Word(identifier(token.text()))),
            _ => Some(Tree::Word(token.text().to_lowercase())),
        },
    });
    let is_empty = |it: &Tree| matches!(it, Tree::Node(_, parts) if parts.is_empty());
    said.filter(|it| !is_empty(it)).collect()
}

fn identifier(text: &str) -> String {
    match text.strip_prefix('"').and_then(|it| it.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => text.to_lowercase(),
    }
}

/// The tokens of an operator, run together.
fn operator(element: &SyntaxElement) -> String {
    let text: String = match element {
        SyntaxElement::Token(token) => token.text().to_lowercase(),
        SyntaxElement::Node(node) => node
            .descendants_with_tokens()
            .filter_map(SyntaxElement::into_token)
            .filter(|it| !it.kind().is_trivia())
            .map(|it| it.text().to_lowercase())
            .collect::<Vec<_>>()
            .join(if node.kind() == SyntaxKind::CUSTOM_OP {
                ""
            } else {
                " "
            }),
    };
    let bare = text
        .strip_prefix("operator ( pg_catalog . ")
        .and_then(|it| it.strip_suffix(" )"))
        .map(|it| it.replace(' ', ""));
    let text = bare.unwrap_or(text);
    match text.as_str() {
        "!=" | "! =" | "< >" => "<>",
        "< =" => "<=",
        "> =" => ">=",
        "like" => "~~",
        "not like" => "!~~",
        "ilike" => "~~*",
        "not ilike" => "!~~*",
        _ => return text,
    }
    .to_owned()
}

fn binary(node: &SyntaxNode) -> Tree {
    use SyntaxKind as K;
    let elements: Vec<SyntaxElement> = node
        .children_with_tokens()
        .filter(|it| !it.as_token().is_some_and(|it| it.kind().is_trivia()))
        .collect();
    let [SyntaxElement::Node(left), sign, SyntaxElement::Node(right)] = elements.as_slice() else {
        return Tree::plain(node);
    };
    let sign = operator(sign);
    let side = |it: &SyntaxNode| Tree::of(it);
    match sign.as_str() {
        "and" => chain("and", [side(left), side(right)]),
        "or" => chain("or", [side(left), side(right)]),
        "||" => chain("||", [side(left), side(right)]),
        "in" | "not in" if right.kind() == K::TUPLE_EXPR || right.kind() == K::PAREN_EXPR => {
            if right.descendants().any(|it| it.kind() == K::SELECT) {
                return Tree::Call(sign, vec![side(left), side(right)]);
            }
            one_of(
                sign == "in",
                side(left),
                right.children().map(|it| Tree::of(&it)).collect(),
            )
        }
        "is not distinct from" => {
            let apart = Tree::Call("is distinct from".to_owned(), vec![side(left), side(right)]);
            Tree::Call("not".to_owned(), vec![apart])
        }
        "at time zone" => Tree::Call("timezone".to_owned(), vec![side(right), side(left)]),
        // Read from the left, which the parser does not do.
        "->" | "->>" => match side(right) {
            Tree::Call(next, mut given)
                if is_arrow(&next) && right.kind() == K::BIN_EXPR && given.len() == 2 =>
            {
                let last = given.remove(1);
                let first = Tree::Call(sign, vec![side(left), given.remove(0)]);
                Tree::Call(next, vec![first, last])
            }
            right => Tree::Call(sign, vec![side(left), right]),
        },
        _ => Tree::Call(sign, vec![side(left), side(right)]),
    }
}

fn is_arrow(sign: &str) -> bool {
    ["->", "->>"].contains(&sign)
}

fn one_of(is_in: bool, value: Tree, mut list: Vec<Tree>) -> Tree {
    let sign = if is_in { "=" } else { "<>" };
    if list.len() == 1 {
        return Tree::Call(sign.to_owned(), vec![value, list.remove(0)]);
    }
    let quantity = if is_in { "any" } else { "all" };
    let list = Tree::Call(quantity.to_owned(), list);
    Tree::Call(sign.to_owned(), vec![value, list])
}

fn chain(word: &'static str, sides: [Tree; 2]) -> Tree {
    let mut all = Vec::new();
    for side in sides {
        match side {
            Tree::Chain(inner, parts) if inner == word => all.extend(parts),
            other => all.push(other),
        }
    }
    Tree::Chain(word, all)
}

fn between(node: &SyntaxNode) -> Tree {
    let has = |kind: SyntaxKind| node.children_with_tokens().any(|it| it.kind() == kind);
    let values: Vec<Tree> = node.children().map(|it| Tree::of(&it)).collect();
    let [value, low, high] = values.as_slice() else {
        return Tree::plain(node);
    };
    if has(SyntaxKind::SYMMETRIC_KW) {
        return Tree::plain(node);
    }
    let is_not = has(SyntaxKind::NOT_KW);
    let compare = |sign: &str, to: &Tree| Tree::Call(sign.to_owned(), vec![value.clone(), to.clone()]);
    if is_not {
        chain("or", [compare("<", low), compare(">", high)])
    } else {
        chain("and", [compare(">=", low), compare("<=", high)])
    }
}

fn prefix(node: &SyntaxNode) -> Tree {
    let Some(inner) = node.children().last() else {
        return Tree::plain(node);
    };
    let sign = node
        .children_with_tokens()
        .filter(|it| !it.as_token().is_some_and(|it| it.kind().is_trivia()))
        .find(|it| it.as_node() != Some(&inner));
    let Some(sign) = sign.map(|it| operator(&it)) else {
        return Tree::plain(node);
    };
    match (sign.as_str(), Tree::of(&inner)) {
        ("-", Tree::Number(number)) => Tree::Number(Number {
            negative: !number.negative && !number.digits.is_empty(),
            ..number
        }),
        ("+", Tree::Number(number)) => Tree::Number(number),
        (_, inner) => Tree::Call(sign, vec![inner]),
    }
}

fn field(node: &SyntaxNode) -> Tree {
    let names: Vec<SyntaxNode> = node
        .descendants()
        .filter(|it| it.kind() == SyntaxKind::NAME_REF)
        .collect();
    let is_names_alone = node
        .descendants()
        .all(|it| matches!(it.kind(), SyntaxKind::FIELD_EXPR | SyntaxKind::NAME_REF));
    let mut names: Vec<String> = names.iter().map(normalize_name_node).collect();
    match names.pop().filter(|_| is_names_alone) {
        Some(last) if !has_star(node) => Tree::Column(names, last),
        _ => Tree::plain(node),
    }
}

fn has_star(node: &SyntaxNode) -> bool {
    node.children_with_tokens()
        .any(|it| it.kind() == SyntaxKind::STAR)
}

/// Whether a name stands where a value is wanted, and so is a column's.
fn is_value(node: &SyntaxNode) -> bool {
    let parent = node.parent().map(|it| it.kind());
    parent != Some(SyntaxKind::CALL_EXPR)
}

fn call(node: &SyntaxNode) -> Tree {
    use SyntaxKind as K;
    let name = node.children().next().map(|it| match it.kind() {
        K::NAME_REF => Some(normalize_name_node(&it)),
        K::FIELD_EXPR => match field(&it) {
            Tree::Column(before, name) if before == ["pg_catalog"] => Some(name),
            Tree::Column(before, name) => Some(format!("{}.{name}", before.join("."))),
            _ => None,
        },
        K::ANY_FN => Some("any".to_owned()),
        K::ALL_FN => Some("all".to_owned()),
        _ => None,
    });
    let Some(Some(name)) = name else {
        return Tree::plain(node);
    };
    let mut given: Vec<Tree> = Vec::new();
    for child in node.children().enumerate().filter_map(|(at, it)| {
        let is_name = at == 0 && matches!(it.kind(), K::NAME_REF | K::FIELD_EXPR);
        (!is_name).then_some(it)
    }) {
        match child.kind() {
            K::ARG_LIST => given.extend(parts(&child)),
            K::ANY_FN | K::ALL_FN => match child.children().next() {
                Some(list) => match array(&list) {
                    Some(values) => given.extend(values),
                    None => given.push(Tree::of(&list)),
                },
                None => given.extend(parts(&child)),
            },
            _ => given.push(Tree::of(&child)),
        }
    }
    Tree::Call(name, given)
}

/// The system's own need no schema.
fn collation(node: &SyntaxNode) -> Tree {
    let words = node
        .descendants_with_tokens()
        .filter_map(SyntaxElement::into_token);
    let words = words.filter(|it| !it.kind().is_trivia() && it.kind() != SyntaxKind::DOT);
    let words: Vec<String> = words.map(|it| identifier(it.text())).collect();
    let own = words.strip_prefix(&["pg_catalog".to_owned()]).unwrap_or(&words);
    Tree::Word(own.join("."))
}

/// What is selected, with the name that it gets.
fn target(node: &SyntaxNode) -> Tree {
    let mut parts: Vec<Tree> = node
        .children()
        .filter(|it| it.kind() != SyntaxKind::AS_NAME)
        .map(|it| Tree::of(&it))
        .collect();
    let name = child(node, SyntaxKind::AS_NAME).and_then(|it| it.children().last());
    let name = match (name, parts.as_slice()) {
        (Some(name), _) => normalize_name_node(&name),
        (None, [Tree::Column(_, name)]) => name.clone(),
        (None, [_]) => "?column?".to_owned(),
        (None, _) => return Tree::plain(node),
    };
    parts.push(Tree::Word(name));
    Tree::Node(node.kind(), parts)
}

/// Without ELSE it is NULL.
fn case(node: &SyntaxNode) -> Tree {
    let mut parts = parts(node);
    if node.children().all(|it| it.kind() != SyntaxKind::ELSE_CLAUSE) {
        let otherwise = vec![Tree::Word("else".to_owned()), Tree::Text(None)];
        let end = parts.len().saturating_sub(1);
        parts.insert(end, Tree::Node(SyntaxKind::ELSE_CLAUSE, otherwise));
    }
    Tree::Node(node.kind(), parts)
}

/// The values of an array that is written out, whatever its type.
fn array(node: &SyntaxNode) -> Option<Vec<Tree>> {
    match node.kind() {
        SyntaxKind::ARRAY_EXPR => Some(node.children().map(|it| Tree::of(&it)).collect()),
        SyntaxKind::PAREN_EXPR | SyntaxKind::CAST_EXPR => node.children().find_map(|it| array(&it)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
