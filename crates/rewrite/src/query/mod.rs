//! Statements that only read: whether one is such a statement, in which order it answers, and what of its answer
//! nothing in it decides.
//!
//! All changes are spans of the text. A statement is told apart by its tree; whether a function that it calls writes
//! is for the server to say, in a transaction that may only read.

mod chance;

use std::fmt;
use std::ops::Range;

use squawk_lexer::{TokenKind, tokenize};
use squawk_syntax::ast::{AstNode, Literal, normalize_name_node};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::parse::Parsed;
use crate::split::split;

pub use chance::Chance;

/// A statement that reads and does nothing else, as far as its text says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    text: String,
    order: Option<Order>,
    cut: Option<Cut>,
    distinct_on: bool,
    chances: Vec<Chance>,
}

/// Why a statement is not one that only reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is none, or more than one.
    NotOne,
    /// The parser does not know it.
    Unreadable(String),
    /// It is of another kind: `INSERT`, `EXPLAIN`.
    Kind(String),
    /// A part of it writes: `DELETE` within WITH, INTO.
    Writes(String),
    /// `FOR UPDATE` and its kin.
    Locks,
    /// It calls a function that changes something, or sends something elsewhere.
    Calls(String),
}

/// ORDER BY of the whole statement.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Order {
    keys: Vec<Key>,
    /// What the first columns of the answer are, as far as they can be counted.
    targets: Vec<String>,
    /// Where further columns can be put behind the others; `None` where there can be none.
    columns_end: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    expression: String,
    /// `DESC NULLS LAST`, `USING <`.
    direction: String,
    /// What it can be: a column of the answer by its place, or by its name.
    place: Option<usize>,
    name: Option<String>,
}

/// LIMIT, FETCH FIRST or OFFSET of the whole statement.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cut {
    spans: Vec<Range<usize>>,
    /// Where the query ends whose rows are cut.
    end: usize,
    limit: Option<String>,
    offset: Option<String>,
}

impl Query {
    /// Reads the one statement in `sql`.
    pub fn read(sql: &str) -> Result<Query, Refusal> {
        let pieces = split(sql);
        let [piece] = pieces.as_slice() else {
            return Err(Refusal::NotOne);
        };
        let parsed = Parsed::new(sql, piece);
        // What else it may be is said first: the parser may be wrong about what it is not asked for.
        let Some(statement) = parsed.statement() else {
            return Err(Refusal::Unreadable("it is nested too deeply".to_owned()));
        };
        refuse_kind(&statement)?;
        if let Some(error) = parsed.error() {
            return Err(Refusal::Unreadable(error.to_owned()));
        }
        refuse_parts(&statement)?;
        let text = parsed.text.trim_end_matches(';').trim_end().to_owned();
        let whole = whole(&statement);
        Ok(Query {
            order: order(&whole, &text),
            cut: cut(&whole, &text),
            distinct_on: distinct_on(&whole).is_some(),
            chances: chance::find(&statement, &whole),
            text,
        })
    }

    /// The statement without its semicolon.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether ORDER BY says in which order the whole answer comes.
    pub fn is_ordered(&self) -> bool {
        self.order.is_some()
    }

    /// The highest number of a parameter (`$1`), 0 without parameters.
    pub fn parameters(&self) -> usize {
        let numbers = tokens(&self.text).filter_map(|(_, token)| token);
        numbers.max().unwrap_or_default()
    }

    /// The statement with `values`, SQL expressions, in the place of its parameters.
    pub fn with_values(&self, values: &[String]) -> String {
        let mut text = String::with_capacity(self.text.len());
        for (piece, number) in tokens(&self.text) {
            match number.and_then(|it| values.get(it.checked_sub(1)?)) {
                Some(value) => text.extend(["(", value, ")"]),
                None => text.push_str(piece),
            }
        }
        text
    }

    /// What of the answer is left to chance: to the order in which rows happen to stand.
    pub fn chances(&self) -> &[Chance] {
        &self.chances
    }

    /// Whether rows that ORDER BY leaves equal, or its lack, decide which of them are in the answer.
    pub fn is_cut(&self) -> bool {
        self.cut.is_some() || self.distinct_on
    }

    /// The statement with all rows that ORDER BY leaves equal to the last one of the answer, and with those before the
    /// first one: the same on both sides where they have the same rows. `None` where there is no such statement.
    pub fn with_ties(&self) -> Option<String> {
        self.order.as_ref()?;
        if self.distinct_on {
            return None;
        }
        let cut = self.cut.as_ref()?;
        let mut text = self.text.clone();
        if let Some(limit) = &cut.limit {
            let first = match &cut.offset {
                Some(offset) => format!("({offset})::bigint + ({limit})::bigint"),
                None => limit.clone(),
            };
            text.insert_str(cut.end, &format!("\nFETCH FIRST ({first}) ROWS WITH TIES"));
        }
        for span in cut.spans.iter().rev() {
            text.replace_range(span.clone(), "");
        }
        Some(text)
    }

    /// A statement that gives each row of the answer, which has columns of these names, and behind them which of the
    /// groups of equal rows it belongs to in the order of the answer; `None` where ORDER BY cannot be said again.
    pub fn ranked(&self, columns: &[String]) -> Option<String> {
        let order = self.order.as_ref()?;
        let (mut text, mut more, mut keys) = (self.text.clone(), Vec::new(), Vec::new());
        for key in &order.keys {
            let by_name = key
                .name
                .as_ref()
                .and_then(|name| columns.iter().position(|it| it == name));
            let by_text = || order.targets.iter().position(|it| *it == key.expression);
            let known = key.place.map(|it| it - 1).or(by_name).or_else(by_text);
            let place = known.unwrap_or_else(|| {
                more.push(key.expression.as_str());
                columns.len() + more.len() - 1
            });
            keys.push(format!("q.c{} {}", place + 1, key.direction));
        }
        if !more.is_empty() {
            text.insert_str(order.columns_end?, &format!(", {}", more.join(", ")));
        }
        let all = columns.len() + more.len();
        let list = |prefix: &str, count: usize| {
            let names = (1..=count).map(|it| format!("{prefix}c{it}"));
            names.collect::<Vec<_>>().join(", ")
        };
        Some(format!(
            "SELECT {}, pg_catalog.dense_rank() OVER (ORDER BY {}) FROM (\n{text}\n) AS q ({})",
            list("q.", columns.len()),
            keys.join(", "),
            list("", all),
        ))
    }
}

/// The pieces of a text, a parameter with its number.
fn tokens(text: &str) -> impl Iterator<Item = (&str, Option<usize>)> {
    let mut at = 0;
    tokenize(text).map(move |token| {
        let piece = &text[at..at + token.len as usize];
        at += token.len as usize;
        let is_parameter = matches!(token.kind, TokenKind::PositionalParam { .. });
        let number = piece.strip_prefix('$').and_then(|it| it.parse().ok());
        (piece, number.filter(|_| is_parameter))
    })
}

fn refuse_kind(statement: &SyntaxNode) -> Result<(), Refusal> {
    use SyntaxKind as K;
    match statement.kind() {
        K::SELECT | K::COMPOUND_SELECT | K::PAREN_SELECT | K::VALUES | K::TABLE => Ok(()),
        K::SELECT_INTO => Err(Refusal::Writes("INTO".to_owned())),
        kind => Err(Refusal::Kind(format!("{kind:?}").replace('_', " "))),
    }
}

fn refuse_parts(statement: &SyntaxNode) -> Result<(), Refusal> {
    use SyntaxKind as K;
    for node in statement.descendants() {
        match node.kind() {
            K::INSERT | K::UPDATE | K::DELETE | K::MERGE => {
                return Err(Refusal::Writes(format!("{:?}", node.kind())));
            }
            K::SELECT_INTO | K::INTO_CLAUSE => return Err(Refusal::Writes("INTO".to_owned())),
            K::LOCKING_CLAUSE => return Err(Refusal::Locks),
            K::CALL_EXPR => {
                if let Some(name) = called(&node).filter(|it| is_acting(it)) {
                    return Err(Refusal::Calls(name));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The last name of the function that a call calls.
fn called(call: &SyntaxNode) -> Option<String> {
    let callee = call.first_child()?;
    let names = callee
        .descendants()
        .filter(|it| it.kind() == SyntaxKind::NAME_REF);
    names.last().map(|it| normalize_name_node(&it))
}

/// Built-in functions that change something although they stand in a query, or that a transaction which may only read
/// does not hinder (chapter "System Administration Functions", "Sequence Manipulation Functions", dblink).
fn is_acting(name: &str) -> bool {
    const NAMES: [&str; 29] = [
        "nextval",
        "setval",
        "set_config",
        "pg_notify",
        "pg_terminate_backend",
        "pg_cancel_backend",
        "pg_reload_conf",
        "pg_rotate_logfile",
        "pg_switch_wal",
        "pg_create_restore_point",
        "pg_promote",
        "pg_logical_emit_message",
        "pg_export_snapshot",
        "pg_prewarm",
        "autoprewarm_dump_now",
        "pg_replication_slot_advance",
        "pg_sync_replication_slots",
        "pg_log_standby_snapshot",
        "pg_log_backend_memory_contexts",
        "pg_import_system_collations",
        "pg_start_backup",
        "pg_stop_backup",
        "pg_stat_statements_reset",
        "lo_create",
        "lo_import",
        "lo_export",
        "lo_from_bytea",
        "lo_put",
        "lo_unlink",
    ];
    const BEGINNINGS: [&str; 15] = [
        "dblink",
        "pg_logical_slot_get_",
        "pg_copy_logical_replication",
        "pg_copy_physical_replication",
        "pg_file_",
        "pg_buffercache_evict",
        "pg_advisory_",
        "pg_try_advisory_",
        "pg_stat_reset",
        "pg_create_logical_replication",
        "pg_create_physical_replication",
        "pg_drop_replication",
        "pg_replication_origin_",
        "pg_backup_",
        "pg_wal_replay_",
    ];
    NAMES.contains(&name) || BEGINNINGS.iter().any(|it| name.starts_with(it))
}

/// The query whose ORDER BY and LIMIT are those of the statement: inside of parentheses where nothing follows them.
fn whole(statement: &SyntaxNode) -> SyntaxNode {
    let mut whole = statement.clone();
    while whole.kind() == SyntaxKind::PAREN_SELECT && !whole.children().any(|it| is_tail(it.kind())) {
        let inner = whole.children().find(|it| is_query(it.kind()));
        match inner {
            Some(inner) => whole = inner,
            None => break,
        }
    }
    whole
}

fn is_query(kind: SyntaxKind) -> bool {
    use SyntaxKind as K;
    matches!(
        kind,
        K::SELECT | K::COMPOUND_SELECT | K::PAREN_SELECT | K::VALUES | K::TABLE
    )
}

fn is_tail(kind: SyntaxKind) -> bool {
    use SyntaxKind as K;
    matches!(
        kind,
        K::ORDER_BY_CLAUSE | K::LIMIT_CLAUSE | K::OFFSET_CLAUSE | K::FETCH_CLAUSE
    )
}

fn child(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxNode> {
    node.children().find(|it| it.kind() == kind)
}

fn range(node: &SyntaxNode) -> Range<usize> {
    let range = node.text_range();
    usize::from(range.start())..usize::from(range.end())
}

fn distinct_on(query: &SyntaxNode) -> Option<SyntaxNode> {
    let clause = child(query, SyntaxKind::SELECT_CLAUSE)?;
    let distinct = child(&clause, SyntaxKind::DISTINCT_CLAUSE)?;
    child(&distinct, SyntaxKind::DISTINCT_ON)
}

fn order(whole: &SyntaxNode, text: &str) -> Option<Order> {
    let clause = child(whole, SyntaxKind::ORDER_BY_CLAUSE)?;
    let list = child(&clause, SyntaxKind::SORT_BY_LIST)?;
    let keys = list.children().filter(|it| it.kind() == SyntaxKind::SORT_BY);
    let keys = keys.filter_map(|it| key(&it, text)).collect();
    // DISTINCT would take the further columns for values of the row, and a set operation counts its columns.
    let select = child(whole, SyntaxKind::SELECT_CLAUSE);
    let is_distinct = select
        .as_ref()
        .is_some_and(|it| child(it, SyntaxKind::DISTINCT_CLAUSE).is_some());
    let list = select.and_then(|it| child(&it, SyntaxKind::TARGET_LIST));
    let targets = list.iter().flat_map(SyntaxNode::children);
    // Behind a star nobody can count.
    let expressions = targets.map_while(|it| it.first_child().and_then(|it| text.get(range(&it))));
    let is_counted = |it: &&str| !it.ends_with('*');
    Some(Order {
        keys,
        targets: expressions.take_while(is_counted).map(str::to_owned).collect(),
        columns_end: list.filter(|_| !is_distinct).map(|it| range(&it).end),
    })
}

fn key(sort_by: &SyntaxNode, text: &str) -> Option<Key> {
    let expression = sort_by.first_child()?;
    let (inside, outside) = (range(&expression), range(sort_by));
    let place = Literal::cast(expression.clone())
        .and_then(|it| it.syntax().text().to_string().parse::<usize>().ok())
        .filter(|it| *it > 0);
    let name = (expression.kind() == SyntaxKind::NAME_REF).then(|| normalize_name_node(&expression));
    Some(Key {
        direction: text.get(inside.end..outside.end)?.trim().to_owned(),
        expression: text.get(inside)?.to_owned(),
        place,
        name,
    })
}

fn cut(whole: &SyntaxNode, text: &str) -> Option<Cut> {
    let mut cut = Cut {
        end: range(whole).end.min(text.len()),
        spans: Vec::new(),
        limit: None,
        offset: None,
    };
    for tail in whole.children() {
        let kind = tail.kind();
        if !matches!(
            kind,
            SyntaxKind::LIMIT_CLAUSE | SyntaxKind::OFFSET_CLAUSE | SyntaxKind::FETCH_CLAUSE
        ) {
            continue;
        }
        let is_with_ties = tail.descendants().any(|it| it.kind() == SyntaxKind::WITH_TIES);
        let said = tail.first_child().and_then(|it| text.get(range(&it)));
        match kind {
            SyntaxKind::OFFSET_CLAUSE => cut.offset = said.map(str::to_owned),
            // LIMIT ALL has no expression, FETCH FIRST ROW means one.
            SyntaxKind::LIMIT_CLAUSE => match said {
                Some(said) if !matches!(said.to_ascii_lowercase().as_str(), "all" | "null") => {
                    cut.limit = Some(said.to_owned());
                }
                _ => continue,
            },
            _ if is_with_ties => continue,
            _ => {
                let quantity = tail
                    .first_child()
                    .filter(|it| !matches!(it.kind(), SyntaxKind::FETCH_ONLY | SyntaxKind::WITH_TIES));
                let said = quantity.and_then(|it| text.get(range(&it)));
                cut.limit = Some(said.unwrap_or("1").to_owned());
            }
        }
        cut.spans.push(range(&tail));
    }
    cut.spans.sort_by_key(|it| it.start);
    (!cut.spans.is_empty()).then_some(cut)
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NotOne => f.write_str("it is not one statement"),
            Refusal::Unreadable(error) => write!(f, "it cannot be read: {error}"),
            Refusal::Kind(kind) => write!(f, "{kind} is no query"),
            Refusal::Writes(what) => write!(f, "it writes ({what})"),
            Refusal::Locks => f.write_str("it locks rows (FOR UPDATE or its like)"),
            Refusal::Calls(name) => write!(f, "it calls {name}(), which does more than to read"),
        }
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests;
