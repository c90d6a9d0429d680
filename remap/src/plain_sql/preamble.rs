//! The schemas that a dump fills without creating them: `public`, and with `pg_dump -t` any other. Under its
//! new name such a schema must be made.

use catalog::quote_ident;
use plan::{DEFAULT_SCHEMA, Mapping};
use rewrite::{Rewritten, Statement, StatementKind, statement_ranges, statements};

/// Where the leading `SET` lines are looked for.
const PREAMBLE_BYTES: usize = 16 * 1024;

/// Creates the schemas that are missing in the new text, and returns their new names. `sql` is the old text,
/// `connected` the offset in it behind the last `\connect`, `own` the schemas in which it creates something,
/// `homes` those of the target in which it expects extensions.
pub(crate) fn create_missing_schemas(
    sql: &str,
    connected: Option<usize>,
    rewritten: &mut Rewritten,
    mapping: &Mapping,
    own: &[String],
    homes: &[String],
) -> Vec<String> {
    let mut filled: Vec<&str> = own.iter().map(String::as_str).collect();
    if !filled.contains(&DEFAULT_SCHEMA) && is_spoken_of(DEFAULT_SCHEMA, rewritten, mapping) {
        filled.push(DEFAULT_SCHEMA);
    }
    filled.retain(|old| mapping.schema(old) != *old);
    let mut missing: Vec<String> = filled.into_iter().map(|old| mapping.schema(old)).collect();
    let is_home = |new: &String| homes.contains(new) && new != DEFAULT_SCHEMA;
    missing.extend(homes.iter().filter(|it| is_home(it)).cloned());
    let created = created_schemas(&rewritten.text);
    missing.retain(|new| !created.contains(new));
    missing.dedup();
    if missing.is_empty() {
        return missing;
    }
    // What `pg_dump --clean` drops may be there from the last time, and so may its schema; sources under prefixes
    // can share one.
    let may_be_there = mapping.prefix.is_some() || sql.lines().any(|line| line.starts_with("DROP "));
    let mut statements = String::new();
    for new in &missing {
        let words = if may_be_there || is_home(new) {
            "CREATE SCHEMA IF NOT EXISTS"
        } else {
            "CREATE SCHEMA"
        };
        statements.extend(["\n\n", words, " ", &quote_ident(new), ";"]);
    }
    let at = end_of_preamble(sql, connected);
    rewritten.text.insert_str(moved(at, rewritten), &statements);
    missing
}

/// Whether grants, comments or owners name the schema, in which nothing is created.
fn is_spoken_of(schema: &str, rewritten: &Rewritten, mapping: &Mapping) -> bool {
    let new = quote_ident(&mapping.schema(schema));
    let kinds = [
        "schema",
        "grant",
        "revoke",
        "comment on",
        "alter default",
        "security",
    ];
    let mut edits = rewritten.edits.iter().filter(|it| it.new == new);
    edits.any(|it| kinds.iter().any(|kind| it.object.starts_with(kind)))
}

fn created_schemas(sql: &str) -> Vec<String> {
    // Only lines can begin with the statement as pg_dump writes it; this saves every other dump from being
    // looked through by statement.
    if !sql.lines().any(|line| line.starts_with("CREATE SCHEMA ")) {
        return Vec::new();
    }
    let creations = statement_ranges(sql)
        .into_iter()
        .map(|range| &sql[range])
        .filter(|text| text.starts_with("CREATE SCHEMA "));
    let created = creations.flat_map(|text| match statements(text).as_slice() {
        [
            Statement {
                kind: StatementKind::CreateSchema { name },
                ..
            },
        ] => Some(name.clone()),
        _ => None,
    });
    created.collect()
}

/// The offset after the `SET` lines at the beginning, behind a `\connect` if there is one.
fn end_of_preamble(sql: &str, connected: Option<usize>) -> usize {
    let start = connected.unwrap_or_default();
    let mut end = sql.len().min(start + PREAMBLE_BYTES);
    while !sql.is_char_boundary(end) {
        end -= 1;
    }
    let settings = statements(&sql[start..end])
        .into_iter()
        .take_while(|it| it.kind == StatementKind::Set);
    let line_end = start + sql[start..].find('\n').unwrap_or(0);
    settings.last().map_or(line_end, |last| start + last.range.end)
}

/// Where a place of the old text, which is in no name, stands in the new one.
fn moved(at: usize, rewritten: &Rewritten) -> usize {
    let before = rewritten.edits.iter().filter(|it| it.offset < at);
    before.fold(at, |at, edit| at + edit.new.len() - edit.old.len())
}
