//! What is said of merged tables: how many rows of each source are in them, and which rows are joined to another's.

use cli::{Exit, Failure, ReportFile, Result, Ui, count};
use fingerprint::{encode_header, encode_row};
use postgres::GenericClient;
use serde_json::{Value, json};

use super::MergingArgs;
use super::journal::{self, PartDone};
use crate::journal::can_look;
use crate::target::failed;

/// What a run has merged.
#[derive(Clone, Debug, Default)]
pub(crate) struct MergedRows(Vec<PartDone>);

impl MergedRows {
    /// What the run with this number has merged, as the journal says.
    pub(crate) fn read(client: &mut impl GenericClient, run: i64) -> Result<Self> {
        journal::read(client, run).map(MergedRows)
    }

    /// How many parts there are, and how many tables they have become.
    pub(crate) fn tables(&self) -> (u64, u64) {
        (self.0.len() as u64, self.names().len() as u64)
    }

    /// Rows that are in no table, since another source has the same.
    pub(crate) fn joined(&self) -> u64 {
        self.0.iter().map(|it| it.joined).sum()
    }

    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.0.iter().map(|it| it.table_name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn parts<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a PartDone> {
        self.0.iter().filter(move |it| it.table_name == table)
    }

    /// A line for each merged table.
    pub(crate) fn say(&self, ui: &Ui) {
        for table in self.names() {
            let part = |it: &PartDone| {
                let joined = match (it.joined, it.differing) {
                    (0, _) => String::new(),
                    (joined, 0) => format!(" and {} joined", count(joined)),
                    (joined, differing) => {
                        format!(
                            " and {} joined, {} with other values",
                            count(joined),
                            count(differing)
                        )
                    }
                };
                format!("{} of {}{joined}", count(it.inserted), it.source)
            };
            let rows: u64 = self.parts(table).map(|it| it.inserted).sum();
            let parts: Vec<String> = self.parts(table).map(part).collect();
            ui.status(format_args!(
                "{table} is merged: {} rows, {}",
                count(rows),
                parts.join("; ")
            ));
        }
    }

    pub(crate) fn json(&self) -> Value {
        let part = |it: &PartDone| {
            json!({
                "source": it.source, "source_table": it.source_table, "staged": it.staged, "inserted": it.inserted,
                "joined": it.joined, "differing": it.differing,
            })
        };
        let table = |name: &&str| {
            let sum = |of: fn(&PartDone) -> u64| -> u64 { self.parts(name).map(of).sum() };
            json!({
                "table": name, "rows": sum(|it| it.inserted), "joined": sum(|it| it.joined),
                "differing": sum(|it| it.differing), "parts": self.parts(name).map(part).collect::<Vec<_>>(),
            })
        };
        self.names().iter().map(table).collect()
    }
}

/// The report of joined rows, where one was asked for.
pub(crate) struct Joined {
    file: Option<ReportFile>,
    with_values: bool,
}

impl Joined {
    /// Makes sure that the file can be written.
    pub(crate) fn create(args: &MergingArgs) -> Result<Self> {
        Ok(Joined {
            file: args.joined.as_deref().map(ReportFile::create).transpose()?,
            with_values: args.joined_values,
        })
    }

    /// The report of the run with this number; to be read before it is live, so that nothing fails behind that.
    pub(crate) fn text(&self, client: &mut impl GenericClient, run: i64) -> Result<String> {
        if self.file.is_none() {
            return Ok(String::new());
        }
        let step = "the journal could not be read";
        let mut names = vec![
            "table",
            "source",
            "key",
            "winner_source",
            "winner_key",
            "columns_that_differ",
        ];
        if self.with_values {
            names.push("values_that_differ");
        }
        let mut csv = Vec::new();
        encode_header(names, &mut csv);
        if can_look(client, "joined").map_err(|error| failed(step, error))? {
            let sql = "SELECT table_name, source, pg_catalog.array_to_string(key, ', '), winner_source,
                  pg_catalog.array_to_string(winner_key, ', '), pg_catalog.array_to_string(differing, ', '),
                  COALESCE(pg_catalog.array_to_string(differing_values, '; '), '')
                FROM coalesce.joined WHERE run = $1 ORDER BY part_number, key";
            let rows = client.query(sql, &[&run]).map_err(|error| failed(step, error))?;
            let columns = if self.with_values { 7 } else { 6 };
            for row in rows {
                let values: Vec<String> = (0..columns).map(|it| row.get(it)).collect();
                encode_row(values.iter().map(|it| Some(it.as_bytes())), &mut csv);
            }
        }
        String::from_utf8(csv)
            .map_err(|error| Failure::new(Exit::Internal, "the report is no text").with_source(error))
    }

    /// Writes it down.
    pub(crate) fn publish(self, text: &str) -> Result<()> {
        let Some(file) = self.file else { return Ok(()) };
        file.publish(text)
            .map_err(|failure| failure.with_state("the load itself ended well"))
    }
}
