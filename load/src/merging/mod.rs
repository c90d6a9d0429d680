//! Tables whose rows come out of several sources: each part's rows go into a staging table as the archive has them, and
//! from there, when the archive has been proved to its end, with one `INSERT … SELECT` for each part into the merged table.
//!
//! Rows that are the same by a natural key are found first, for all merged tables, from the staging tables alone: what
//! refers to a row that is joined to another one can then follow it in the same `INSERT … SELECT`. What was joined and what
//! follows stays in the journal, since without it nobody could prove the target against a source.

mod args;
mod fit;
mod joins;
pub(crate) mod journal;
mod read_back;
mod rehearsal;
mod report;
mod selects;
mod work;

use std::collections::{BTreeMap, HashSet};

use archive::Header;
use catalog::{Followed, Merged, Part, QualifiedName, Table, TableKind, quote_ident};
use cli::Result;
use conversion::{Comparable, PartRecord};

use crate::data_only::type_sql;
use crate::grants;
use crate::statements::execute;
use crate::steps::Steps;
use crate::target::Target;

pub(crate) use args::MergingArgs;
pub(crate) use fit::{refuse_rows_alone, refuse_what_cannot_be};
pub(crate) use read_back::read_back;
pub(crate) use report::{Joined, MergedRows};
pub(crate) use work::Wishes;

/// The name of these steps in the journal.
const PHASE: &str = "merging";

/// The merged tables of an archive with their parts.
pub(crate) struct Merging<'a> {
    header: &'a Header,
    tables: Vec<MergedTable<'a>>,
}

/// A table that is filled from parts.
struct MergedTable<'a> {
    table: &'a Table,
    merged: &'a Merged,
    /// In the order of winning.
    parts: Vec<StagedPart<'a>>,
    /// Takes the natural keys of all staged rows for a moment; of a table whose rows are joined.
    keys: QualifiedName,
    /// Takes the rows that are joined, each with the one that stays.
    joins: QualifiedName,
    /// Lists of its columns that others follow.
    keyed: Vec<&'a [String]>,
}

/// One source's rows.
struct StagedPart<'a> {
    table: &'a Table,
    part: &'a Part,
    name: QualifiedName,
}

impl<'a> Merging<'a> {
    pub(crate) fn new(header: &'a Header) -> Self {
        let all = &header.catalog.tables;
        let objects = header.catalog.objects.iter();
        let taken: HashSet<(&str, &str)> = objects.map(|it| (it.schema.as_str(), it.name.as_str())).collect();
        let name = |into: &Table, what: &str, number: u32| {
            let mut name = format!("coalesce_{what}_{number}");
            while taken.contains(&(into.schema.as_str(), name.as_str())) {
                name.push('_');
            }
            QualifiedName::new(&into.schema, name)
        };
        let follows: Vec<&Followed> = all
            .iter()
            .filter_map(|it| it.merged.as_ref())
            .flat_map(|it| &it.follows)
            .collect();
        let merged_table = |table: &'a Table| {
            let merged = table
                .merged
                .as_ref()
                .filter(|_| table.kind == TableKind::Merged)?;
            let part = |number: &u32| {
                let place = usize::try_from(*number).ok()?;
                let it = all.get(place).filter(|it| it.kind == TableKind::Part)?;
                let part = it.part.as_ref().filter(|it| it.into == table.number)?;
                let name = name(table, "rows", it.number);
                Some(StagedPart {
                    table: it,
                    part,
                    name,
                })
            };
            let mut keyed: Vec<&[String]> = Vec::new();
            for followed in follows.iter().filter(|it| it.parent == table.number) {
                if !merged.dedupe.is_empty() && !keyed.contains(&followed.parent_columns.as_slice()) {
                    keyed.push(&followed.parent_columns);
                }
            }
            Some(MergedTable {
                table,
                merged,
                parts: merged.parts.iter().filter_map(part).collect(),
                keys: name(table, "keys", table.number),
                joins: name(table, "joins", table.number),
                keyed,
            })
        };
        Merging {
            header,
            tables: all.iter().filter_map(merged_table).collect(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// The tables that take the rows of parts, by the parts' numbers.
    pub(crate) fn staging(&self) -> BTreeMap<u32, QualifiedName> {
        let parts = self.tables.iter().flat_map(|it| &it.parts);
        parts.map(|it| (it.table.number, it.name.clone())).collect()
    }

    /// The statements that make the staging tables.
    pub(crate) fn definitions(&self) -> Vec<String> {
        let parts = self.tables.iter().flat_map(|it| &it.parts);
        parts.map(StagedPart::definition).collect()
    }

    /// Makes the staging tables. The schemas and types must be there.
    pub(crate) fn create(&self, target: &mut Target, steps: Steps<'_>) -> Result<()> {
        let statements = self.definitions();
        let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
        steps.once_in_order(target, PHASE, &statements, |transaction, left| {
            left.iter().try_for_each(|sql| execute(transaction, sql))?;
            grants::revoke_all(transaction, steps.run)
        })
    }

    fn table(&self, number: u32) -> Option<&MergedTable<'a>> {
        self.tables.iter().find(|it| it.table.number == number)
    }
}

impl MergedTable<'_> {
    fn joins_rows(&self) -> bool {
        !self.merged.dedupe.is_empty()
    }

    /// The columns that others follow, each once: a column's place here is part of its name in [`MergedTable::joins`].
    fn keyed_columns(&self) -> Vec<&str> {
        let mut columns: Vec<&str> = Vec::new();
        for name in self.keyed.iter().copied().flatten() {
            if !columns.contains(&name.as_str()) {
                columns.push(name);
            }
        }
        columns
    }

    /// The type of a column as SQL.
    fn type_of(&self, column: &str) -> String {
        let column = self.table.columns.iter().find(|it| it.name == column);
        column.map_or_else(|| "pg_catalog.text".to_owned(), |it| type_sql(&it.column_type))
    }

    /// Columns by which a row of it is named: those of the primary key, or of the natural one.
    fn naming(&self) -> &[String] {
        if self.table.primary_key.is_empty() {
            &self.merged.dedupe
        } else {
            &self.table.primary_key
        }
    }
}

impl StagedPart<'_> {
    fn definition(&self) -> String {
        let column =
            |it: &catalog::Column| format!("{} {}", quote_ident(&it.name), type_sql(&it.column_type));
        let columns: Vec<String> = self.table.stored_columns().map(column).collect();
        format!("CREATE TABLE {} ({})", self.name, columns.join(", "))
    }

    /// What the journal keeps of it.
    fn record(&self, header: &Header) -> Option<PartRecord> {
        let record = PartRecord::of(&header.catalog, &header.conversions, self.table)?;
        let source = header.merged_from.iter().find(|it| it.name == self.part.source);
        Some(PartRecord {
            database: source.map_or(String::new(), |it| it.identity.database.clone()),
            ..record
        })
    }

    /// The columns that can be compared with the source's, as SQL over staged rows.
    fn compared(&self, header: &Header) -> Vec<String> {
        let record = self.record(header);
        let value = |(column, comparable): (&catalog::Column, Comparable<'_>)| match comparable {
            Comparable::Back(..) => format!("s.{}", quote_ident(&column.name)),
            Comparable::Forth(value) => format!("({})", value.sql),
        };
        record.iter().flat_map(|it| it.comparable()).map(value).collect()
    }

    /// What a column of the merged table gets, before it follows anything.
    fn value(&self, column: &str) -> &str {
        let value = self.part.values.iter().find(|it| it.column == column);
        value.map_or("NULL", |it| it.sql.as_str())
    }
}
