//! Bodies of routines that stand in string literals: which language they are in, and their trees.

use std::ops::Range;

use squawk_syntax::ast::{self, AstNode, Literal};
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

use crate::depth::{is_block_too_deep, is_too_deep};

/// The body of a function, a procedure or a DO block.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) literal: Literal,
    pub(crate) language: Language,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Sql,
    Plpgsql,
    /// The text is the name of a function in C.
    Symbol,
    Other(String),
}

impl Body {
    /// `None` when the statement has no body in a literal.
    pub(crate) fn of(statement: &SyntaxNode) -> Option<Self> {
        match statement.kind() {
            SyntaxKind::CREATE_FUNCTION => {
                Self::from_options(&ast::CreateFunction::cast(statement.clone())?.option_list()?)
            }
            SyntaxKind::CREATE_PROCEDURE => {
                Self::from_options(&ast::CreateProcedure::cast(statement.clone())?.option_list()?)
            }
            SyntaxKind::DO => {
                let block = ast::Do::cast(statement.clone())?;
                let name = block
                    .do_language()
                    .and_then(|it| it.language_name())
                    .map(|it| it.name);
                let language = name.map_or(Language::Plpgsql, |it| Language::named(&it));
                Some(Body {
                    literal: block.body()?,
                    language,
                })
            }
            _ => None,
        }
    }

    fn from_options(options: &ast::FuncOptionList) -> Option<Self> {
        let mut language = None;
        let mut literal = None;
        for option in options.options() {
            match option {
                ast::FuncOption::LanguageFuncOption(it) => language = it.language_name().map(|it| it.name),
                ast::FuncOption::AsFuncOption(it) => {
                    if let Some(ast::AsFuncTarget::AsDefinition(definition)) = it.as_func_target() {
                        literal = definition.literal();
                    }
                }
                _ => {}
            }
        }
        Some(Body {
            literal: literal?,
            language: Language::named(&language?),
        })
    }
}

impl Language {
    fn named(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "sql" => Language::Sql,
            "plpgsql" => Language::Plpgsql,
            "c" | "internal" => Language::Symbol,
            other => Language::Other(other.to_owned()),
        }
    }
}

/// Whether a body in SQL is too deep for the parser, to which every question for errors hands it too.
pub(crate) fn holds_deep_body(root: &SyntaxNode) -> bool {
    let routines = root.descendants().filter(|it| {
        matches!(
            it.kind(),
            SyntaxKind::CREATE_FUNCTION | SyntaxKind::CREATE_PROCEDURE
        )
    });
    let bodies = routines.filter_map(|it| Body::of(&it));
    let mut texts = bodies
        .filter(|it| it.language == Language::Sql)
        .filter_map(|it| it.literal.string_value());
    texts.any(|it| is_too_deep(&it))
}

/// The tree of a text of SQL statements; the error's message when it cannot be read.
pub(crate) fn parse_sql(text: &str) -> Result<SyntaxNode, String> {
    if is_too_deep(text) {
        return Err("it is nested too deeply".to_owned());
    }
    let parse = SourceFile::parse(text);
    if holds_deep_body(&parse.syntax_node()) {
        return Err("a body in it is nested too deeply".to_owned());
    }
    match parse.errors().first() {
        Some(error) => Err(error.message().to_owned()),
        None => Ok(parse.syntax_node()),
    }
}

/// The tree of a PL/pgSQL block, its offsets those of `text`; the error's message when it cannot be read.
pub(crate) fn parse_plpgsql(text: &str) -> Result<SyntaxNode, String> {
    if is_block_too_deep(text) {
        return Err("it is nested too deeply".to_owned());
    }
    let tokens = significant_tokens(text);
    let clauses = into_clauses(&tokens);
    let imports = tokens.iter().any(|(_, word)| word.eq_ignore_ascii_case("import"));
    if clauses.is_empty() {
        return parse_block(text);
    }
    // The grammar knows few of these clauses, so it would be read twice. IMPORT FOREIGN SCHEMA has one of its own.
    let blanked = without(text, &tokens, &clauses);
    let [first, second] = if imports {
        [text, blanked.as_str()]
    } else {
        [blanked.as_str(), text]
    };
    match parse_block(first) {
        Err(_) => parse_block(second),
        read => read,
    }
}

/// What stands before a dot in the targets of INTO: a record, or a label such as the routine's own name. Each with
/// its offset.
pub(crate) fn into_labels(text: &str) -> Vec<(usize, &str)> {
    let tokens = significant_tokens(text);
    let clauses = into_clauses(&tokens);
    let places = clauses.into_iter().flatten();
    let is_label = |at: &usize| tokens.get(at + 1).is_some_and(|(_, next)| *next == ".");
    places.filter(is_label).map(|at| tokens[at]).collect()
}

fn parse_block(text: &str) -> Result<SyntaxNode, String> {
    let tag = (0..=text.len())
        .map(|number| format!("$b{number}$"))
        .find(|tag| !text.contains(tag.as_str()));
    let tag = tag.unwrap_or_default();
    let parse = SourceFile::parse(&format!("DO {tag}{text}{tag}"));
    let block = parse.syntax_node().first_child().and_then(ast::Do::cast);
    let Some(body) = block.and_then(|it| it.plpgsql()) else {
        return Err("its body cannot be told from the statement".to_owned());
    };
    match body.errors().first() {
        Some(error) => Err(error.message().to_owned()),
        None => Ok(body.syntax()),
    }
}

/// Where `INTO [STRICT] target, …` follows a statement's own words, as places in `tokens`.
fn into_clauses(tokens: &[(usize, &str)]) -> Vec<Range<usize>> {
    let mut clauses = Vec::new();
    let mut at = 0;
    let mut previous = "";
    let mut first = "";
    while at < tokens.len() {
        let word = tokens[at].1;
        let of_sql = ["insert", "merge", "schema"]
            .iter()
            .any(|it| previous.eq_ignore_ascii_case(it));
        // Statements of PL/pgSQL with an INTO of their own.
        let of_plpgsql = ["execute", "fetch"]
            .iter()
            .any(|it| first.eq_ignore_ascii_case(it));
        if word.eq_ignore_ascii_case("into") && !of_sql && !of_plpgsql {
            let end = end_of_targets(tokens, at + 1);
            clauses.push(at..end);
            previous = "";
            at = end;
            continue;
        }
        let begins = previous == ";"
            || ["then", "else", "loop", "begin"]
                .iter()
                .any(|it| previous.eq_ignore_ascii_case(it));
        if begins || first.is_empty() {
            first = word;
        }
        previous = word;
        at += 1;
    }
    clauses
}

/// The text with such clauses blanked out, as PL/pgSQL itself does (`make_execsql_stmt` in `pl_gram.y`) before it
/// hands the statement to the SQL parser. Targets are variables: no name of an object is lost from sight.
fn without(text: &str, tokens: &[(usize, &str)], clauses: &[Range<usize>]) -> String {
    let mut blanked = text.as_bytes().to_vec();
    for clause in clauses {
        let (start, (last, word)) = (tokens[clause.start].0, tokens[clause.end - 1]);
        for byte in &mut blanked[start..last + word.len()] {
            if !byte.is_ascii_whitespace() {
                *byte = b' ';
            }
        }
    }
    String::from_utf8(blanked).unwrap_or_else(|_| text.to_owned())
}

/// The index of the first token after the list of targets that begins at `at`.
fn end_of_targets(tokens: &[(usize, &str)], mut at: usize) -> usize {
    let word = |at: usize| tokens.get(at).map_or("", |token| token.1);
    if word(at).eq_ignore_ascii_case("strict") {
        at += 1;
    }
    loop {
        at += 1;
        if !matches!(word(at), "." | ",") {
            return at.min(tokens.len());
        }
        at += 1;
    }
}

fn significant_tokens(text: &str) -> Vec<(usize, &str)> {
    use squawk_lexer::TokenKind as T;
    let mut tokens = Vec::new();
    let mut at = 0;
    for token in squawk_lexer::tokenize(text) {
        let range = at..at + token.len as usize;
        at = range.end;
        if !matches!(
            token.kind,
            T::Whitespace | T::LineComment | T::BlockComment { .. }
        ) {
            tokens.push((range.start, &text[range]));
        }
    }
    tokens
}
