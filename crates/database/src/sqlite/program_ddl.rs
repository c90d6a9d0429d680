//! DDL for views and triggers, written as `pg_dump` writes it; what is left out stands as a comment.

use std::fmt::Write;

use catalog::{QualifiedName, quote_ident};
use dialect::{Guard, Timing};

use super::programs::{LeftOut, Programs, TargetTrigger, TargetView};
use super::translate::SCHEMA;

/// Views, then functions with their triggers, then comments.
pub(super) fn post_data(programs: &Programs) -> String {
    let mut sql = String::new();
    for view in &programs.views {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(sql, "{}\n", view_of(view));
    }
    for trigger in &programs.triggers {
        sql.push_str(&function(trigger));
        sql.push_str(&trigger_on(trigger));
    }
    for it in &programs.left_out {
        sql.push_str(&comment(it));
    }
    sql
}

pub(super) fn view_of(view: &TargetView) -> String {
    format!(
        "CREATE VIEW {} AS\n{};",
        QualifiedName::new(SCHEMA, &view.name),
        view.query
    )
}

/// The function that a trigger runs.
pub(super) fn function(trigger: &TargetTrigger) -> String {
    let parts = &trigger.parts;
    let tests_inside = parts.tests_inside;
    let is_instead = parts.timing == Timing::InsteadOf;
    let mut body = Vec::new();
    if is_instead && let Some(guard) = &trigger.guard {
        body.push(format!("IF {} THEN\n    RETURN NULL;\nEND IF;", guard.is_on()));
    }
    if let Some(condition) = parts.condition.as_deref().filter(|_| tests_inside) {
        let result = parts.result;
        body.push(format!(
            "IF ({condition}) IS NOT TRUE THEN\n    RETURN {result};\nEND IF;"
        ));
    }
    body.extend(trigger.guard.as_ref().map(|it| it.turn(true)));
    body.extend(parts.statements.iter().cloned());
    body.extend(trigger.guard.as_ref().map(|it| it.turn(false)));
    body.push(format!("RETURN {};", parts.result));
    let body = body.join("\n");
    let name = QualifiedName::new(SCHEMA, &trigger.name);
    let quote = dollar_quote(&body);
    format!(
        "CREATE FUNCTION {name}() RETURNS trigger\n    LANGUAGE plpgsql\n    AS {quote}\nBEGIN\n{body}\nEND;\n{quote};\n\n"
    )
}

pub(super) fn trigger_on(trigger: &TargetTrigger) -> String {
    let parts = &trigger.parts;
    let timing = match parts.timing {
        Timing::Before => "BEFORE",
        Timing::After => "AFTER",
        Timing::InsteadOf => "INSTEAD OF",
    };
    let guard = trigger
        .guard
        .as_ref()
        .filter(|_| parts.timing != Timing::InsteadOf);
    let guard = guard.map(|it: &Guard| format!("NOT {}", it.is_on()));
    let condition = parts.condition.as_ref().filter(|_| !parts.tests_inside);
    let condition = condition.map(|it| format!("({it})"));
    let conditions: Vec<String> = guard.into_iter().chain(condition).collect();
    let when = if conditions.is_empty() {
        String::new()
    } else {
        format!(" WHEN ({})", conditions.join(" AND "))
    };
    format!(
        "CREATE TRIGGER {} {timing} {} ON {} FOR EACH ROW{when} EXECUTE FUNCTION {}();\n\n",
        quote_ident(&trigger.name),
        parts.event,
        parts.relation,
        QualifiedName::new(SCHEMA, &trigger.name),
    )
}

/// A statement that has no counterpart, line by line, so that it travels with the archive.
fn comment(it: &LeftOut) -> String {
    let head = format!("{} {} is left out: {}", it.kind, it.name, it.reason);
    let mut sql = String::new();
    // Only what ends a line for PostgreSQL may: whatever else does so for others stays within it.
    for line in head.split(['\n', '\r']).chain(it.sql.split(['\n', '\r'])) {
        let _ = writeln!(sql, "-- {}", line.replace('\0', ""));
    }
    sql.push('\n');
    sql
}

/// A quote that the body does not hold.
fn dollar_quote(body: &str) -> String {
    let mut tag = String::new();
    loop {
        let quote = format!("${tag}$");
        // At the body's end a sign `$` would join the quote.
        if !body.contains(&quote) {
            return quote;
        }
        tag.push('_');
    }
}
