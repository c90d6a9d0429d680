//! Virtual tables: what is known of their modules, and which of them become plain tables.
//!
//! Full-text tables do by choice, with what `crate::sqlite::text_search` makes of their index. R*Tree tables do always,
//! without their index: their rows stand nowhere else. Of other modules the names alone are looked at, so that one
//! that is missing here stands in nobody's way.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::choices::FullText;
use super::nocase::Comparison;
use super::note::{Note, NoteKind};
use super::rows::quote;
use super::rule::OnMisfit;
use super::schema::{Column, Schema, Table, VirtualTable, read_content, statement_of};
use super::source::read_error;
use super::sql_text;
use super::target_type::TargetType;
use super::text_search::{self, TextSearch};
use crate::Result;

/// What CREATE VIRTUAL TABLE says behind USING.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Module {
    /// In lower case.
    pub(super) name: String,
    /// As written, without blanks around them.
    pub(super) arguments: Vec<String>,
}

/// Takes those virtual tables into `schema` that become plain ones.
pub(super) fn take_up(
    connection: &Connection,
    schema: &mut Schema,
    choice: FullText,
    notes: &mut Vec<Note>,
) -> Result<()> {
    let candidates: Vec<String> = schema
        .virtual_tables
        .iter()
        .filter(|it| !it.shadow)
        .map(|it| it.name.clone())
        .collect();
    for name in candidates {
        let sql = statement_of(connection, &name)?;
        let Some(module) = parse(&sql) else {
            notes.push(Note::new(
                NoteKind::LeftBehind,
                &name,
                "the virtual table is left out",
            ));
            continue;
        };
        let outcome = match module.name.as_str() {
            "fts3" | "fts4" | "fts5" if choice == FullText::TsVector => {
                full_text(connection, schema, &name, &module)?
            }
            "rtree" | "rtree_i32" => plain(connection, &name, None)?.map(|mut table| {
                let text = "the R*Tree becomes a plain table, without an index on its boxes".to_owned();
                // Its first column is the rowid under another name.
                table.primary_key = table
                    .columns
                    .first()
                    .map(|it| it.name.clone())
                    .into_iter()
                    .collect();
                table.rowid_alias = Some(0);
                table.columns[0].not_null = true;
                Taken::Table(Box::new(table), text)
            }),
            other => Ok(Taken::Nothing(format!(
                "the virtual table of module {other} is left out"
            ))),
        };
        let text = match outcome {
            Ok(Taken::Table(table, text)) => {
                schema.tables.push(*table);
                Some(text)
            }
            Ok(Taken::Index(text)) => Some(text),
            Ok(Taken::Nothing(text)) | Err(text) => {
                notes.push(Note::new(NoteKind::LeftBehind, &name, text));
                None
            }
        };
        if let Some(text) = text {
            notes.push(Note::new(NoteKind::Changed, &name, text));
            schema.virtual_tables.retain(|it: &VirtualTable| it.name != name);
        }
    }
    schema.tables.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(())
}

/// The tables in which modules keep what they need, told by the virtual table that they belong to.
pub(super) fn shadows(schema: &Schema) -> Vec<Note> {
    let mut of_owners: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for shadow in schema.virtual_tables.iter().filter(|it| it.shadow) {
        // By this rule SQLite knows them: <https://sqlite.org/vtab.html#xshadowname>.
        let owner = shadow.name.rsplit_once('_').map_or("", |(owner, _)| owner);
        of_owners.entry(owner).or_default().push(&shadow.name);
    }
    let notes = of_owners.into_iter().map(|(owner, shadows)| {
        let text = format!("its shadow tables are left out: {}", shadows.join(", "));
        Note::new(NoteKind::LeftBehind, owner, text)
    });
    notes.collect()
}

/// What a virtual table becomes, with the words for it.
enum Taken {
    Table(Box<Table>, String),
    /// An index on another table.
    Index(String),
    Nothing(String),
}

fn full_text(
    connection: &Connection,
    schema: &mut Schema,
    name: &str,
    module: &Module,
) -> Result<std::result::Result<Taken, String>> {
    let options = text_search::Options::of(module);
    let configuration = options.configuration();
    match options.content.as_deref() {
        Some("") => Ok(Ok(Taken::Nothing(
            "the contentless full-text table is left out: it has no rows to be read".to_owned(),
        ))),
        Some(content) => {
            // Its rows are not read, which stand elsewhere.
            let columns = match read_content(connection, name) {
                Ok(table) => table.columns,
                Err(error) => return Ok(Err(unreadable(&error))),
            };
            let place_of = |column: &Column| {
                let table = schema
                    .tables
                    .iter()
                    .find(|it| it.name.eq_ignore_ascii_case(content))?;
                table
                    .columns
                    .iter()
                    .position(|it| it.name.eq_ignore_ascii_case(&column.name))
            };
            let indexed = columns.iter().filter(|it| options.indexes(&it.name));
            let places: Option<Vec<usize>> = indexed.map(place_of).collect();
            let table = schema
                .tables
                .iter_mut()
                .find(|it| it.name.eq_ignore_ascii_case(content));
            let (Some(table), Some(columns)) = (table, places) else {
                return Ok(Ok(Taken::Nothing(format!(
                    "the full-text table is left out: its content {content} is no table with its columns"
                ))));
            };
            table
                .searches
                .push(TextSearch::on_content(name, columns, configuration));
            Ok(Ok(Taken::Index(format!(
                "the full-text table becomes a GIN index on {}, whose rows it has: {}",
                table.name,
                options.said()
            ))))
        }
        None => Ok(plain(connection, name, Some("rowid"))?.map(|mut table| {
            let columns = table.columns.iter().enumerate().skip(1);
            let indexed = columns.filter(|(_, it)| options.indexes(&it.name));
            let columns: Vec<usize> = indexed.map(|(place, _)| place).collect();
            table
                .searches
                .push(TextSearch::of_rows(&table, columns, configuration));
            let text = format!(
                "the full-text table becomes a plain one, with a generated tsvector and a GIN index: {}",
                options.said()
            );
            Taken::Table(Box::new(table), text)
        })),
    }
}

/// The virtual table as a plain one, where its module is there and gives rows; else the reason. With `rowid`, the
/// number of each row becomes its key, in a column of that name or of one that is free.
fn plain(
    connection: &Connection,
    name: &str,
    rowid: Option<&str>,
) -> Result<std::result::Result<Table, String>> {
    let probe = format!("SELECT 1 FROM main.{} LIMIT 1", quote(name));
    let readable = connection
        .prepare(&probe)
        .and_then(|mut it| it.query([]).and_then(|mut rows| rows.next().map(|_| ())));
    if let Err(error) = readable {
        return Ok(Err(unreadable(&error)));
    }
    let mut table = read_content(connection, name)
        .map_err(|error| read_error(format!("cannot read the columns of {name}"), error))?;
    if let Some(wanted) = rowid {
        let names = [wanted, "rowid", "_rowid_", "oid"];
        let free = names.into_iter().find(|it| table.column(it).is_none());
        let Some(free) = free else {
            return Ok(Err(
                "the full-text table is left out: columns hide its rowid".to_owned()
            ));
        };
        table.columns.insert(0, rowid_column(free));
        table.primary_key = vec![free.to_owned()];
        table.rowid_alias = Some(0);
    }
    Ok(Ok(table))
}

fn unreadable(error: &rusqlite::Error) -> String {
    format!("the virtual table is left out: it cannot be read ({error})")
}

fn rowid_column(name: &str) -> Column {
    Column {
        name: name.to_owned(),
        new_name: name.to_owned(),
        declared_type: "INTEGER".to_owned(),
        not_null: true,
        default: None,
        generated: None,
        expression: None,
        target: TargetType::BigInt,
        on_misfit: OnMisfit::Fail,
        keeps: None,
        nulls: 0,
        rowid_max: None,
        range: None,
        uniform: true,
        bytes_max: 0,
        collation: "BINARY".to_owned(),
        comparison: Comparison::Exact,
    }
}

/// Reads CREATE VIRTUAL TABLE.
fn parse(sql: &str) -> Option<Module> {
    let rest = sql_text::after_word(sql, "USING")?;
    let mut words = sql_text::words(rest);
    let (start, first) = words.next()?;
    let open = words.next();
    let end = open.map_or(rest.len(), |(at, _)| at);
    let name = match first {
        "'" => sql_text::unquote(rest[start..end].trim())?,
        bare => bare.to_owned(),
    };
    let mut arguments = Vec::new();
    if let Some((open, "(")) = open {
        let inner = &rest[open + 1..];
        let (mut depth, mut from) = (0, 0);
        for (at, word) in sql_text::words(inner) {
            match word {
                "(" => depth += 1,
                ")" | "," if depth == 0 => {
                    arguments.push(inner[from..at].trim().to_owned());
                    from = at + 1;
                    if word == ")" {
                        break;
                    }
                }
                ")" => depth -= 1,
                _ => {}
            }
        }
    }
    Some(Module {
        name: name.to_ascii_lowercase(),
        arguments,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_read_with_their_arguments() {
        let check = |sql: &str, name: &str, arguments: &[&str]| {
            let found = parse(sql).unwrap();
            assert_eq!(found.name, name, "{sql}");
            assert_eq!(found.arguments, arguments, "{sql}");
        };
        check(
            "CREATE VIRTUAL TABLE \"using\" USING FTS5(a, [b,c] UNINDEXED, tokenize = \"unicode61 tokenchars '-,'\")",
            "fts5",
            &["a", "[b,c] UNINDEXED", "tokenize = \"unicode61 tokenchars '-,'\""],
        );
        check("CREATE VIRTUAL TABLE t USING dbstat", "dbstat", &[]);
        check(
            "CREATE VIRTUAL TABLE t USING \"x\" ( f(1, 2) , )",
            "x",
            &["f(1, 2)", ""],
        );
    }
}
