//! `--dictionary`: what every source holds, as one Markdown document for a wiki or a repository.

mod markdown;
mod objects;
mod table;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use cli::{ReportFile, Result, count, size};
use inventory::{Inventory, Table};

use crate::report::Report;
use markdown::{comment, text};

#[derive(Args, Debug)]
pub(crate) struct DictionaryArgs {
    /// Write a data dictionary to this new file, as Markdown: every table with its columns, keys, indexes, policies and
    /// triggers, every view, type and function of every source
    #[arg(long, value_name = "FILE", help_heading = "Pictures")]
    pub(crate) dictionary: Option<PathBuf>,
}

impl DictionaryArgs {
    /// Refuses a name that exists already, before any work.
    pub(crate) fn create(&self) -> Result<Option<ReportFile>> {
        self.dictionary.as_deref().map(ReportFile::create).transpose()
    }
}

/// The whole document.
pub(crate) fn render(report: &Report<'_>) -> String {
    let chapters: Vec<Chapter<'_>> = report
        .sources
        .iter()
        .enumerate()
        .map(|(number, it)| Chapter::new(&it.inventory, number))
        .collect();
    let mut out = String::from("# Data dictionary\n\n");
    for it in &chapters {
        it.contents(&mut out);
    }
    for it in &chapters {
        it.write(&mut out);
    }
    out
}

/// A source, with what its tables need of each other.
struct Chapter<'a> {
    source: &'a Inventory,
    /// Begins the anchors, which are numbers, since names may be anything.
    number: usize,
    schemas: Vec<&'a str>,
    /// By schema and table: the anchor's number, and who refers to it (table, foreign key).
    places: HashMap<(&'a str, &'a str), usize>,
    referrers: HashMap<(&'a str, &'a str), Vec<(&'a Table, &'a inventory::ForeignKey)>>,
}

impl<'a> Chapter<'a> {
    fn new(source: &'a Inventory, number: usize) -> Self {
        let names = source.schemas.iter().map(|it| it.name.as_str());
        let names = names.chain(source.tables.iter().map(|it| it.schema.as_str()));
        let names = names.chain(source.views.iter().map(|it| it.schema.as_str()));
        let names = names.chain(source.types.iter().map(|it| it.schema.as_str()));
        let mut schemas: Vec<&str> = names
            .chain(source.routines.iter().map(|it| it.schema.as_str()))
            .collect();
        schemas.sort_unstable();
        schemas.dedup();
        let mut referrers: HashMap<_, Vec<_>> = HashMap::new();
        for table in &source.tables {
            for key in &table.foreign_keys {
                referrers
                    .entry((key.parent_schema.as_str(), key.parent.as_str()))
                    .or_default()
                    .push((table, key));
            }
        }
        let places = source.tables.iter().enumerate();
        let places = places
            .map(|(place, it)| ((it.schema.as_str(), it.name.as_str()), place + 1))
            .collect();
        Chapter {
            source,
            number: number + 1,
            schemas,
            places,
            referrers,
        }
    }

    fn contents(&self, out: &mut String) {
        let _ = writeln!(out, "- [{}](#s{})", text(&self.source.name), self.number);
        for (place, schema) in self.schemas.iter().enumerate() {
            let _ = writeln!(out, "  - [{}](#s{}-{})", text(schema), self.number, place + 1);
            for table in self.source.tables_in(schema) {
                let _ = writeln!(
                    out,
                    "    - {}",
                    self.link(&table.schema, &table.name, &table.name)
                );
            }
        }
    }

    fn write(&self, out: &mut String) {
        let source = self.source;
        let kind = if source.is_postgres() {
            "PostgreSQL"
        } else {
            "SQLite"
        };
        let about = if source.rows_are_exact() { "" } else { "about " };
        let _ = write!(
            out,
            "\n## <a id=\"s{}\"></a>{}\n\n{kind} {}, encoding {}: {} tables, {about}{} rows, {}.\n",
            self.number,
            text(&source.name),
            text(&source.server.version),
            text(&source.server.encoding),
            count(source.tables.len() as u64),
            count(source.rows()),
            size(source.bytes())
        );
        for (place, name) in self.schemas.iter().enumerate() {
            let _ = write!(
                out,
                "\n### <a id=\"s{}-{}\"></a>Schema {}\n",
                self.number,
                place + 1,
                text(name)
            );
            let schema = source.schemas.iter().find(|it| it.name == *name);
            if let Some(words) = schema.and_then(|it| it.comment.as_deref()) {
                let _ = write!(out, "\n{}\n", comment(words));
            }
            for table in source.tables_in(name) {
                self.write_table(out, table);
            }
            self.write_objects(out, name);
        }
        for words in &source.unread {
            let _ = write!(out, "\nNot read: {}\n", text(words));
        }
    }

    /// A table's name with a link to it, if it is here.
    fn link(&self, schema: &str, table: &str, words: &str) -> String {
        match self.places.get(&(schema, table)) {
            Some(place) => format!("[{}](#t{}-{place})", text(words), self.number),
            None => text(words),
        }
    }
}
