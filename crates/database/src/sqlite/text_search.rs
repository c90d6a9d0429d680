//! Full text search: what the index of a full-text table becomes.
//!
//! PostgreSQL's `tsvector` takes 1 MiB for a row, and its words are other ones than SQLite's: which configuration
//! serves is decided by the tokenizer alone, and said.

use std::fmt::Write;

use catalog::{ColumnType, GeneratedKind, quote_ident};

use super::modules::Module;
use super::naming::Names;
use super::new_names::is_name;
use super::note::{Note, NoteKind};
use super::schema::{Column, Schema, Table};
use super::sql_text;
use super::target_type::TargetType;

/// Bytes of text of which a `tsvector` surely stays below its 1 MiB: a word takes up to four times its bytes there.
const TEXT_BYTES_MAX: usize = 256 << 10;

/// A GIN index for words, over columns of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextSearch {
    /// The full-text table of the source.
    pub name: String,
    /// Its name on the target.
    pub new_name: String,
    /// Places of the columns.
    pub columns: Vec<usize>,
    /// Of `pg_catalog`.
    pub configuration: &'static str,
    /// The generated column that holds the vector; `None` where the index alone does.
    pub column: Option<String>,
    /// The index's name on the target.
    pub index: String,
}

/// What the arguments of a full-text table say.
#[derive(Debug, Default)]
pub(super) struct Options {
    /// The table that has the rows; empty where nothing has.
    pub(super) content: Option<String>,
    tokenizer: String,
    /// In lower case.
    not_indexed: Vec<String>,
}

impl Options {
    pub(super) fn of(module: &Module) -> Options {
        let mut options = Options::default();
        for argument in &module.arguments {
            let words: Vec<(usize, &str)> = sql_text::words(argument).collect();
            let Some(&(start, first)) = words.first() else {
                continue;
            };
            let value = argument.split_once('=').map(|(_, value)| {
                let value = value.trim();
                sql_text::unquote(value).unwrap_or_else(|| value.to_owned())
            });
            match (first.to_ascii_lowercase().as_str(), value) {
                ("content", Some(value)) => options.content = Some(value),
                ("tokenize", value) => {
                    options.tokenizer =
                        value.unwrap_or_else(|| argument["tokenize".len()..].trim().to_owned());
                }
                ("notindexed", Some(value)) => options.not_indexed.push(value.to_ascii_lowercase()),
                (_, None)
                    if words
                        .last()
                        .is_some_and(|(_, it)| it.eq_ignore_ascii_case("UNINDEXED")) =>
                {
                    let end = words.get(1).map_or(argument.len(), |(at, _)| *at);
                    let name = argument[start..end].trim();
                    let name = sql_text::unquote(name).unwrap_or_else(|| name.to_owned());
                    options.not_indexed.push(name.to_ascii_lowercase());
                }
                _ => {}
            }
        }
        options
    }

    pub(super) fn indexes(&self, column: &str) -> bool {
        !self.not_indexed.contains(&column.to_ascii_lowercase())
    }

    /// The text search configuration that is nearest to the tokenizer.
    pub(super) fn configuration(&self) -> &'static str {
        if sql_text::has_word(&self.tokenizer.replace(['\'', '"'], " "), "porter") {
            "english"
        } else {
            "simple"
        }
    }

    /// What became of the tokenizer.
    pub(super) fn said(&self) -> String {
        let tokenizer = if self.tokenizer.is_empty() {
            "the default one"
        } else {
            &self.tokenizer
        };
        format!(
            "tokenizer {tokenizer}, text search configuration {}; MATCH becomes @@",
            self.configuration()
        )
    }
}

impl TextSearch {
    /// Over the rows of a full-text table, which `table` was.
    pub(super) fn of_rows(table: &Table, columns: Vec<usize>, configuration: &'static str) -> TextSearch {
        TextSearch {
            name: table.name.clone(),
            new_name: table.name.clone(),
            columns,
            configuration,
            column: Some("tsv".to_owned()),
            index: String::new(),
        }
    }

    /// Over the rows of a table whose words the full-text table `name` has.
    pub(super) fn on_content(name: &str, columns: Vec<usize>, configuration: &'static str) -> TextSearch {
        TextSearch {
            name: name.to_owned(),
            new_name: name.to_owned(),
            columns,
            configuration,
            column: None,
            index: String::new(),
        }
    }

    /// The expression for the vector of a row.
    pub(super) fn vector(&self, table: &Table) -> String {
        let mut texts = String::new();
        for &place in &self.columns {
            let column = &table.columns[place];
            let name = quote_ident(&column.new_name);
            let text = if column.is_text() {
                name
            } else {
                format!("({name})::text")
            };
            let separator = if texts.is_empty() { "" } else { " || ' '::text || " };
            let _ = write!(texts, "{separator}COALESCE({text}, ''::text)");
        }
        format!(
            "pg_catalog.to_tsvector('pg_catalog.{}'::pg_catalog.regconfig, ({texts}))",
            self.configuration
        )
    }

    /// The generated column, as part of the table's definition.
    pub(super) fn column_sql(&self, table: &Table) -> Option<String> {
        let name = quote_ident(self.column.as_ref()?);
        Some(format!(
            "    {name} tsvector GENERATED ALWAYS AS ({}) STORED",
            self.vector(table)
        ))
    }

    /// The same in the catalog.
    pub(super) fn catalog_column(&self) -> Option<catalog::Column> {
        Some(catalog::Column {
            name: self.column.clone()?,
            new_name: None,
            column_type: ColumnType {
                schema: ColumnType::BUILT_IN_SCHEMA.to_owned(),
                name: "tsvector".to_owned(),
                text: "tsvector".to_owned(),
                base: None,
            },
            not_null: false,
            identity: None,
            generated: Some(GeneratedKind::Stored),
            binary_safe: false,
            names: None,
        })
    }

    /// What the index is on.
    pub(super) fn key_sql(&self, table: &Table) -> String {
        self.column
            .as_ref()
            .map_or_else(|| self.vector(table), |it| quote_ident(it))
    }
}

/// Leaves out what PostgreSQL could not make of the columns' types and values, and names the rest.
pub(super) fn settle(schema: &mut Schema, names: &mut Names, notes: &mut Vec<Note>) {
    for table in &mut schema.tables {
        let mut searches = std::mem::take(&mut table.searches);
        for search in &mut searches {
            search.columns.retain(|&place| {
                let column = &table.columns[place];
                let is_wordy = is_wordy(column);
                if !is_wordy {
                    let text = format!("is {} and no part of its full-text index", column.target.to_sql());
                    notes.push(Note::new(
                        NoteKind::Constraint,
                        format!("{}.{}", table.name, column.name),
                        text,
                    ));
                }
                is_wordy
            });
        }
        searches.retain(|search| {
            let bytes: usize = search.columns.iter().map(|&it| table.columns[it].bytes_max).sum();
            let reason = if search.columns.is_empty() {
                "no column has words".to_owned()
            } else if bytes > TEXT_BYTES_MAX {
                format!("a row has up to {bytes} bytes of text, and a tsvector takes 1 MiB")
            } else {
                return true;
            };
            let text = format!("its full-text index is left out: {reason}");
            notes.push(Note::new(NoteKind::Constraint, &search.name, text));
            false
        });
        for search in &mut searches {
            if let Some(column) = &mut search.column {
                while table.columns.iter().any(|it| it.new_name == *column) {
                    column.push('_');
                }
            }
            let columns: Vec<String> = search.column.iter().cloned().collect();
            search.index = match &search.column {
                None if is_name(&search.new_name) && names.take(&search.new_name) => search.new_name.clone(),
                _ => names.choose(&table.new_name, &columns, "idx"),
            };
        }
        table.searches = searches;
        rename_vectors(table);
    }
}

/// Columns of the table have their new names only now, and PostgreSQL lets none be called as another.
fn rename_vectors(table: &mut Table) {
    for search in &mut table.searches {
        if let Some(name) = &mut search.column {
            while table.columns.iter().any(|it| it.new_name == *name) {
                name.push('_');
            }
        }
    }
}

/// Whether words can be taken from a column by an expression that is immutable.
fn is_wordy(column: &Column) -> bool {
    column.is_text()
        || matches!(
            column.target,
            TargetType::SmallInt | TargetType::Integer | TargetType::BigInt
        )
}
