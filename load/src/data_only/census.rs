//! What only the values can tell, and tell before any of them is written: NULL where the target allows none, and
//! labels that the target's enum does not have.

use std::collections::{BTreeMap, HashMap, HashSet};

use archive::RowsRecord;
use catalog::Table;
use cli::{Exit, FailureContext, Result, count};
use fingerprint::each_row_of_chunk;

use super::kept::column_names;
use super::matching::Unit;

/// Labels that a finding names.
const LABELS_SHOWN: usize = 5;

/// Columns that are looked at, by the number of their table.
#[derive(Debug, Default)]
pub(crate) struct Census(HashMap<u32, Vec<Watched>>);

#[derive(Debug)]
struct Watched {
    /// The column's place among the archive's.
    place: usize,
    /// As people know it: the target's table and column.
    name: String,
    no_null: bool,
    /// Those that the target's enum has.
    labels: Option<HashSet<String>>,
    nulls: u64,
    /// The first labels that it lacks.
    strangers: BTreeMap<String, u64>,
}

impl Census {
    /// Every table whose rows go in, with the columns whose values may not.
    pub(crate) fn new(units: &[Unit]) -> Self {
        let mut census = Census::default();
        for unit in units {
            for part in &unit.parts {
                let columns = part.columns.iter().zip(&part.pairs).enumerate();
                let watched = columns.filter_map(|(place, (column, pair))| {
                    let there = unit.target.column(pair.target.as_deref()?)?;
                    let no_null = there.not_null && !column.not_null;
                    let is_enum = there.type_kind == "e";
                    (no_null || is_enum).then(|| Watched {
                        place,
                        name: format!("{}.{}", unit.target.name, there.name),
                        no_null,
                        labels: is_enum.then(|| there.labels.iter().cloned().collect()),
                        nulls: 0,
                        strangers: BTreeMap::new(),
                    })
                });
                census.0.insert(part.number, watched.collect());
            }
        }
        census
    }

    /// Whether rows of this table go in.
    pub(crate) fn wants(&self, table: u32) -> bool {
        self.0.contains_key(&table)
    }

    /// Looks at the rows of a chunk.
    pub(crate) fn look(&mut self, table: &Table, rows: &RowsRecord, chunk: &[u8]) -> Result<()> {
        let Some(watched) = self.0.get_mut(&table.number).filter(|it| !it.is_empty()) else {
            return Ok(());
        };
        let names = column_names(table);
        each_row_of_chunk(rows.form, names, chunk, |row| {
            let values: Vec<Option<&[u8]>> = row.values().collect();
            for column in watched.iter_mut() {
                column.look(values.get(column.place).copied().flatten());
            }
        })
        .or_fail(Exit::Archive, || {
            format!(
                "archive is damaged: chunk {} of {}",
                rows.chunk,
                table.qualified_name()
            )
        })
    }

    /// Values that have no place, as sentences.
    pub(crate) fn findings(&self) -> Vec<String> {
        let mut findings: Vec<String> = self.0.values().flatten().flat_map(Watched::findings).collect();
        findings.sort();
        findings
    }
}

impl Watched {
    /// An enum's value is its label in both forms.
    fn look(&mut self, value: Option<&[u8]>) {
        let Some(value) = value else {
            self.nulls += 1;
            return;
        };
        let Some(labels) = &self.labels else { return };
        let label = String::from_utf8_lossy(value);
        if labels.contains(label.as_ref()) {
            return;
        }
        if let Some(rows) = self.strangers.get_mut(label.as_ref()) {
            *rows += 1;
        } else if self.strangers.len() <= LABELS_SHOWN {
            // One more than is shown says that there are more; a column of free text would fill the memory.
            self.strangers.insert(label.into_owned(), 1);
        }
    }

    fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        if self.no_null && self.nulls > 0 {
            findings.push(format!(
                "{} is NOT NULL, and the archive has NULL there in {} rows",
                self.name,
                count(self.nulls)
            ));
        }
        if !self.strangers.is_empty() {
            let shown: Vec<String> = self
                .strangers
                .iter()
                .take(LABELS_SHOWN)
                .map(|(label, rows)| format!("'{label}' ({})", count(*rows)))
                .collect();
            let more = if self.strangers.len() > LABELS_SHOWN {
                ", …"
            } else {
                ""
            };
            findings.push(format!(
                "{} is an enum that lacks labels of the archive: {}{more}: ALTER TYPE … ADD VALUE",
                self.name,
                shown.join(", ")
            ));
        }
        findings
    }
}
