//! The schemas that a dump fills without creating them: `public`, and with `pg_dump -t` any other. Under its
//! new name such a schema must be made, unless that is `public`: every database has it.

use std::collections::HashSet;

use catalog::quote_ident;
use plan::{DEFAULT_SCHEMA, Mapping};
use rewrite::{Edit, Rewritten, Statement, StatementKind, statement_ranges, statements};

/// Where the leading `SET` lines are looked for.
const PREAMBLE_BYTES: usize = 16 * 1024;

const CREATE_SCHEMA: &str = "CREATE SCHEMA ";

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
    let is_another_public = filled.iter().any(|old| mapping.schema(old) == DEFAULT_SCHEMA);
    let is_home = |new: &String| homes.contains(new);
    let mut missing: Vec<String> = filled.into_iter().map(|old| mapping.schema(old)).collect();
    missing.extend_from_slice(homes);
    let created = created_schemas(&rewritten.text);
    let mut seen = HashSet::from([DEFAULT_SCHEMA.to_owned()]);
    missing.retain(|new| seen.insert(new.clone()) && !created.iter().any(|(_, it)| it == new));
    if !missing.is_empty() {
        // What `pg_dump --clean` drops may be there from the last time, and so may its schema; sources under
        // prefixes can share one.
        let may_be_there = mapping.prefix.is_some() || sql.lines().any(|line| line.starts_with("DROP "));
        let statements = creations(&missing, |new| may_be_there || is_home(new));
        let at = rewritten.new_offset(end_of_preamble(sql, connected));
        rewritten.text.insert_str(at, &statements);
    }
    if is_another_public {
        accept_public(rewritten);
    }
    missing
}

fn creations(missing: &[String], may_be_there: impl Fn(&String) -> bool) -> String {
    let mut statements = String::new();
    for new in missing {
        let words = if may_be_there(new) {
            "CREATE SCHEMA IF NOT EXISTS"
        } else {
            "CREATE SCHEMA"
        };
        statements.extend(["\n\n", words, " ", &quote_ident(new), ";"]);
    }
    statements
}

/// Where the dump creates another schema that is `public` from now on, it may be there.
fn accept_public(rewritten: &mut Rewritten) {
    const WORDS: &str = "IF NOT EXISTS ";
    let created = created_schemas(&rewritten.text).into_iter().rev();
    for (at, _) in created.filter(|(_, name)| name == DEFAULT_SCHEMA) {
        if rewritten.text[at..].starts_with(WORDS) {
            continue;
        }
        rewritten.text.insert_str(at, WORDS);
        let is_its_name = |it: &Edit| it.new == DEFAULT_SCHEMA && it.object.starts_with("schema ");
        if let Some(place) = rewritten.edits.iter().position(is_its_name) {
            let words = Edit {
                old: String::new(),
                new: WORDS.to_owned(),
                ..rewritten.edits[place].clone()
            };
            rewritten.edits.insert(place, words);
        }
    }
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

/// Each schema that `sql` creates, with the offset behind the words `CREATE SCHEMA`.
fn created_schemas(sql: &str) -> Vec<(usize, String)> {
    // Only lines can begin with the statement as pg_dump writes it; this saves every other dump from being
    // looked through by statement.
    if !sql.lines().any(|line| line.starts_with(CREATE_SCHEMA)) {
        return Vec::new();
    }
    let creations = statement_ranges(sql)
        .into_iter()
        .filter(|range| sql[range.clone()].starts_with(CREATE_SCHEMA));
    let created = creations.filter_map(|range| match statements(&sql[range.clone()]).as_slice() {
        [
            Statement {
                kind: StatementKind::CreateSchema { name },
                ..
            },
        ] => Some((range.start + CREATE_SCHEMA.len(), name.clone())),
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
