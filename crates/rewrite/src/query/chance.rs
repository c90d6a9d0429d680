//! What in a query depends on the order in which rows happen to stand, so that two databases with the same rows can
//! answer otherwise without one of them being wrong.

use std::fmt;

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::{called, child, distinct_on, is_query};

/// Something that the statement leaves open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chance {
    /// LIMIT, FETCH FIRST or OFFSET without ORDER BY.
    UnorderedLimit,
    /// LIMIT within a query that another one reads, whose ORDER BY may leave rows equal.
    InnerLimit,
    /// DISTINCT ON keeps one of several rows.
    DistinctOn,
    /// An aggregate puts values together in the order in which they come.
    Aggregate(String),
    /// A window function numbers or picks rows that its ORDER BY may leave equal.
    Window(String),
    /// TABLESAMPLE takes rows by where they stand.
    Sample,
    /// It says something of its server, its database or its session.
    Place(String),
    /// Sums of floating-point numbers depend on the order of adding; only where a column of the answer is one.
    Sum(String),
}

/// Aggregates whose value depends on the order of their input.
const IN_ORDER: [&str; 11] = [
    "array_agg",
    "string_agg",
    "json_agg",
    "json_agg_strict",
    "jsonb_agg",
    "jsonb_agg_strict",
    "json_object_agg",
    "jsonb_object_agg",
    "xmlagg",
    "any_value",
    "range_agg",
];

/// Window functions that look at single rows.
const OF_ROWS: [&str; 7] = [
    "row_number",
    "ntile",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
];

/// Functions that say where rows are and who asks, in which two databases with the same rows are not the same.
const OF_PLACES: [&str; 14] = [
    "current_database",
    "current_schema",
    "current_schemas",
    "current_setting",
    "inet_client_addr",
    "inet_server_addr",
    "inet_server_port",
    "pg_backend_pid",
    "pg_current_xact_id",
    "pg_postmaster_start_time",
    "pg_relation_filenode",
    "txid_current",
    "version",
    "pg_get_userbyid",
];
const SIZES_END: &str = "_size";

/// The same without parentheses, and columns that tell where a row stands.
const WORDS_OF_PLACES: [&str; 9] = [
    "current_catalog",
    "current_role",
    "current_schema",
    "current_user",
    "session_user",
    "ctid",
    "xmin",
    "xmax",
    "tableoid",
];

/// Aggregates that add.
const SUMS: [&str; 4] = ["sum", "avg", "corr", "variance"];
const SUMS_BEGIN: [&str; 4] = ["stddev", "var_", "covar_", "regr_"];

impl Chance {
    /// The aggregate in an expression, as a plan shows it, whose value depends on the order of its input.
    pub fn in_order_of_rows(expression: &str) -> Option<&'static str> {
        let is_called = |name: &&&str| {
            let begins = expression.match_indices(**name);
            let is_name = |it: char| it.is_alphanumeric() || it == '_';
            begins.into_iter().any(|(at, name)| {
                expression[at + name.len()..].starts_with('(') && !expression[..at].ends_with(is_name)
            })
        };
        let found = IN_ORDER.iter().find(is_called)?;
        (!expression.contains("ORDER BY")).then_some(*found)
    }
}

/// All of them in `statement`, whose outermost query is `whole`.
pub(super) fn find(statement: &SyntaxNode, whole: &SyntaxNode) -> Vec<Chance> {
    let mut found = Vec::new();
    for node in statement.descendants() {
        let chance = match node.kind() {
            SyntaxKind::CALL_EXPR => of_call(&node),
            SyntaxKind::NAME_REF => of_word(&node),
            SyntaxKind::JSON_ARRAY_AGG_FN if !orders(&node) => {
                Some(Chance::Aggregate("json_arrayagg".to_owned()))
            }
            SyntaxKind::JSON_OBJECT_AGG_FN => Some(Chance::Aggregate("json_objectagg".to_owned())),
            SyntaxKind::TABLESAMPLE_CLAUSE => Some(Chance::Sample),
            kind if is_query(kind) => of_query(&node, node == *whole),
            _ => None,
        };
        found.extend(chance.filter(|it| !found.contains(it)));
    }
    found
}

fn of_query(query: &SyntaxNode, is_whole: bool) -> Option<Chance> {
    if distinct_on(query).is_some() {
        return Some(Chance::DistinctOn);
    }
    let is_cut = query.children().any(|it| match it.kind() {
        SyntaxKind::LIMIT_CLAUSE => {
            let said = it
                .first_child()
                .map(|it| it.text().to_string().to_ascii_lowercase());
            said.is_some_and(|it| it != "null" && it != "all")
        }
        SyntaxKind::FETCH_CLAUSE => !it.descendants().any(|it| it.kind() == SyntaxKind::WITH_TIES),
        SyntaxKind::OFFSET_CLAUSE => true,
        _ => false,
    });
    let is_ordered = child(query, SyntaxKind::ORDER_BY_CLAUSE).is_some();
    match (is_cut, is_ordered) {
        (true, false) => Some(Chance::UnorderedLimit),
        (true, true) if !is_whole => Some(Chance::InnerLimit),
        _ => None,
    }
}

fn of_call(call: &SyntaxNode) -> Option<Chance> {
    let name = called(call)?;
    let is_size = name.starts_with("pg_") && name.ends_with(SIZES_END);
    if is_size || OF_PLACES.contains(&name.as_str()) {
        return Some(Chance::Place(name));
    }
    let is_window = child(call, SyntaxKind::OVER_CLAUSE).is_some();
    if is_window && OF_ROWS.contains(&name.as_str()) {
        return Some(Chance::Window(name));
    }
    if IN_ORDER.contains(&name.as_str()) && !orders(call) {
        return Some(Chance::Aggregate(name));
    }
    let adds = SUMS.contains(&name.as_str()) || SUMS_BEGIN.iter().any(|it| name.starts_with(it));
    adds.then_some(Chance::Sum(name))
}

/// A name in quotes is a column's.
fn of_word(name: &SyntaxNode) -> Option<Chance> {
    let word = name.text().to_string().to_ascii_lowercase();
    WORDS_OF_PLACES
        .contains(&word.as_str())
        .then_some(Chance::Place(word))
}

/// Whether the arguments of a call have an order of their own.
fn orders(call: &SyntaxNode) -> bool {
    let lists = call.children().filter(|it| it.kind() != SyntaxKind::OVER_CLAUSE);
    lists.flat_map(|it| it.descendants()).any(|it| {
        let of_call = it
            .ancestors()
            .skip(1)
            .find(|it| matches!(it.kind(), SyntaxKind::CALL_EXPR) || is_query(it.kind()));
        matches!(
            it.kind(),
            SyntaxKind::ORDER_BY_CLAUSE | SyntaxKind::AGGREGATE_ORDER_BY
        ) && of_call.is_none_or(|it| it == *call || it.text_range().contains_range(call.text_range()))
    })
}

impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Chance::UnorderedLimit => f.write_str("LIMIT without ORDER BY takes any rows"),
            Chance::InnerLimit => {
                f.write_str("LIMIT within a part of it takes any of the rows that its ORDER BY leaves equal")
            }
            Chance::DistinctOn => f.write_str("DISTINCT ON takes any of the rows that ORDER BY leaves equal"),
            Chance::Aggregate(name) => write!(f, "{name} without ORDER BY puts values together in any order"),
            Chance::Window(name) => {
                write!(f, "{name} takes rows that its ORDER BY leaves equal in any order")
            }
            Chance::Sample => f.write_str("TABLESAMPLE takes rows by where they stand"),
            Chance::Place(name) => write!(
                f,
                "{name} says something of the server, the database or the session, not of rows"
            ),
            Chance::Sum(name) => write!(
                f,
                "{name} of floating-point numbers depends on the order of adding"
            ),
        }
    }
}
