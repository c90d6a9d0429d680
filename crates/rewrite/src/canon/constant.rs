//! Constants, and casts around them: PostgreSQL writes a number, a text or an interval in its own way.

use squawk_syntax::ast::{AstNode, Literal};
use squawk_syntax::{SyntaxElement, SyntaxNode};

use super::{Tree, identifier};

/// The largest exponent that is written out: no `double precision` has a larger one.
const EXPONENT_MAX: usize = 400;

/// A number by its value: its sign, its digits, and how many of them stand behind the point, below zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) negative: bool,
    pub(super) digits: String,
    pub(super) exponent: i64,
}

/// A constant is what it is, whatever its type; so is what the server turns into text by itself.
pub(super) fn cast(node: &SyntaxNode) -> Tree {
    let is_type = |it: &SyntaxNode| format!("{:?}", it.kind()).ends_with("_TYPE");
    let inner = node.children().find(|it| !is_type(it)).map(|it| Tree::of(&it));
    let to: Vec<Tree> = node.children().filter(is_type).map(|it| type_name(&it)).collect();
    match inner {
        None => Tree::plain(node),
        Some(inner) if to == [Tree::Word("text".to_owned())] => inner,
        Some(Tree::Text(Some(text))) if is_of_system(&to) => {
            Tree::Text(Some(text.strip_prefix("pg_catalog.").unwrap_or(&text).to_owned()))
        }
        Some(Tree::Text(Some(text))) if is_interval(&to) => Tree::Word(interval(&text).unwrap_or(text)),
        Some(Tree::Text(Some(text))) if is_float(&to) => float(&text).unwrap_or(Tree::Text(Some(text))),
        Some(Tree::Text(Some(text))) if is_numeric(&to) => {
            Number::parse(&text).map_or(Tree::Text(Some(text)), Tree::Number)
        }
        Some(inner @ (Tree::Text(_) | Tree::Number(_))) => inner,
        Some(inner) => Tree::Cast(Box::new(inner), to),
    }
}

/// The server leaves out where its own configurations live.
fn is_of_system(to: &[Tree]) -> bool {
    matches!(to, [Tree::Word(name)] if name.starts_with("reg"))
}

fn is_interval(to: &[Tree]) -> bool {
    matches!(to, [Tree::Word(name)] if name == "interval")
}

/// Months, days and seconds of an interval such as `-30 days` or `1 mon -01:30:00`.
fn interval(text: &str) -> Option<String> {
    let (mut months, mut days, mut seconds) = (0_i64, 0_i64, 0_f64);
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        if word.contains(':') {
            let negative = word.starts_with('-');
            let mut clock = 0_f64;
            for part in word.trim_start_matches(['-', '+']).split(':') {
                clock = clock * 60.0 + part.parse::<f64>().ok()?;
            }
            seconds += if negative { -clock } else { clock };
            continue;
        }
        let number: f64 = word.parse().ok()?;
        let whole = || {
            (number.fract() == 0.0)
                .then(|| format!("{number}").parse::<i64>().ok())
                .flatten()
        };
        match words.next()?.trim_end_matches('s') {
            "year" => months += whole()?.checked_mul(12)?,
            "mon" | "month" => months += whole()?,
            "day" => days += whole()?,
            "hour" => seconds += number * 3600.0,
            "minute" => seconds += number * 60.0,
            "second" => seconds += number,
            _ => return None,
        }
    }
    Some(format!("{months} {days} {seconds}"))
}

fn is_float(to: &[Tree]) -> bool {
    matches!(to, [Tree::Word(name)] if name == "double precision")
}

/// By its value: the server writes the shortest text that means it.
fn float(text: &str) -> Option<Tree> {
    let value: f64 = text.parse().ok()?;
    Some(Tree::Word(format!("{value:e}")))
}

pub(super) fn is_numeric(to: &[Tree]) -> bool {
    let Some(Tree::Word(name)) = to.first() else {
        return false;
    };
    [
        "integer",
        "bigint",
        "smallint",
        "numeric",
        "double precision",
        "real",
    ]
    .iter()
    .any(|it| name.starts_with(it))
}

/// A type by the name that `format_type` gives it.
fn type_name(node: &SyntaxNode) -> Tree {
    let text: Vec<String> = node
        .descendants_with_tokens()
        .filter_map(SyntaxElement::into_token)
        .filter(|it| !it.kind().is_trivia())
        .map(|it| identifier(it.text()))
        .collect();
    let text = text.join(" ");
    let text = text.strip_prefix("pg_catalog . ").unwrap_or(&text);
    Tree::Word(
        match text {
            "int8" => "bigint",
            "int4" | "int" => "integer",
            "int2" => "smallint",
            "float8" => "double precision",
            "float4" => "real",
            "bool" => "boolean",
            "decimal" => "numeric",
            "timestamptz" => "timestamp with time zone",
            "timestamp" => "timestamp without time zone",
            "time" => "time without time zone",
            other => other,
        }
        .to_owned(),
    )
}

pub(super) fn literal(node: &SyntaxNode) -> Tree {
    let text = node.text().to_string();
    let is_quoted = text.contains(['\'', '$']);
    if let Some(value) = Literal::cast(node.clone())
        .filter(|_| is_quoted)
        .and_then(|it| it.string_value())
    {
        return Tree::Text(Some(value));
    }
    if text.eq_ignore_ascii_case("null") {
        return Tree::Text(None);
    }
    Number::parse(&text).map_or_else(|| Tree::Word(text.to_lowercase()), Tree::Number)
}

impl Number {
    fn parse(text: &str) -> Option<Number> {
        let text = text.trim().to_ascii_lowercase();
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(&text)),
        };
        let (mantissa, exponent) = match text.split_once('e') {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|it| it.is_ascii_digit()) {
            return None;
        }
        let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        let mut digits = digits.trim_start_matches('0').to_owned();
        // Zeros behind the point say how exact the number is; those before it can be written as an exponent.
        if exponent > 0 && !digits.is_empty() {
            let zeros = usize::try_from(exponent).ok().filter(|it| *it <= EXPONENT_MAX)?;
            digits.extend(std::iter::repeat_n('0', zeros));
        }
        Some(Number {
            negative: negative && !digits.is_empty(),
            digits,
            exponent: exponent.min(0),
        })
    }
}
