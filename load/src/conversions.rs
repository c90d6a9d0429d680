//! Rows that become others on their way: those of tables with conversions go into staging tables as the archive has
//! them, and from there, when the archive has been proved to its end, with one `INSERT … SELECT` for each table.
//!
//! A staging table stands in the schema of its table, which nobody else may use before the load is live: so `--abandon`
//! removes it with the rest, and `--resume` goes on with what is in it. It is gone before keys and indexes are made.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use archive::{End, Header};
use catalog::{QualifiedName, Table, TableKind, quote_ident};
use cli::{Exit, Failure, Result, Ui, count};
use conversion::{RowConversion, TableConversion, conversion_of, reshape};
use fingerprint::Fingerprint;
use postgres::Transaction;

use crate::grants;
use crate::rejects::Rejects;
use crate::rows::{OpenedChunk, Routes, Tally};
use crate::statements::{execute, shorten};
use crate::steps::Steps;
use crate::target::{Session, Target, failed};

/// The name of these steps in the journal.
const PHASE: &str = "conversions";

/// Rows that are set aside must be rows of the archive; what a converted row is refused for is known too late.
pub(crate) fn refuse_rejects(header: &Header, rejects: &Rejects) -> Result<()> {
    if header.changes_columns() && rejects.are_wanted() {
        let message = "columns of the archive's tables change behind the rows, and rejected rows have them as they were";
        return Err(Failure::usage(message)
            .with_hint("leave --on-error out: the first row that does not fit ends the load"));
    }
    if header.conversions.is_empty() || !rejects.are_wanted() {
        return Ok(());
    }
    let message =
        "the archive's keys become UUIDs, and rows that are converted cannot be rejected one by one";
    Err(Failure::usage(message)
        .with_hint("leave --on-error out: the first row that does not fit ends the load"))
}

/// Rows alone go into tables of somebody else's making.
pub(crate) fn refuse_rows_alone(header: &Header) -> Result<()> {
    if header.changes_columns() {
        let message = "columns of the archive's tables change behind the rows, which --data-only does not do";
        return Err(Failure::usage(message).with_hint(
            "load it without --data-only, or remap it with a plan without `drop`, `type`, `using` and `add`",
        ));
    }
    if header.conversions.is_empty() {
        return Ok(());
    }
    let message = "the archive's keys become UUIDs, which --data-only does not do";
    Err(Failure::usage(message).with_hint("load it without --data-only, or remap it without --uuid-keys"))
}

/// The staging tables of a load.
pub(crate) struct Staging<'a> {
    header: &'a Header,
    /// In the order of the tables' numbers.
    tables: BTreeMap<u32, Staged<'a>>,
}

struct Staged<'a> {
    table: &'a Table,
    conversion: &'a TableConversion,
    name: QualifiedName,
}

impl<'a> Staging<'a> {
    pub(crate) fn new(header: &'a Header) -> Self {
        let objects = header.catalog.objects.iter();
        let taken: HashSet<(&str, &str)> = objects.map(|it| (it.schema.as_str(), it.name.as_str())).collect();
        let staged = |table: &'a Table| {
            // Rows of a part are converted when they are merged.
            if table.kind == TableKind::Part {
                return None;
            }
            let conversion = conversion_of(&header.conversions, table.number).filter(|_| table.has_rows())?;
            let mut name = format!("coalesce_rows_{}", table.number);
            while taken.contains(&(table.schema.as_str(), name.as_str())) {
                name.push('_');
            }
            let name = QualifiedName::new(&table.schema, name);
            Some((
                table.number,
                Staged {
                    table,
                    conversion,
                    name,
                },
            ))
        };
        Staging {
            header,
            tables: header.catalog.tables.iter().filter_map(staged).collect(),
        }
    }

    /// The table that takes the rows of the table with this number before they are converted.
    pub(crate) fn table(&self, number: u32) -> Option<&QualifiedName> {
        self.tables.get(&number).map(|it| &it.name)
    }

    /// The statements that make the staging tables; for one table, or for all.
    pub(crate) fn definitions(&self) -> Vec<String> {
        self.tables.values().map(Staged::definition).collect()
    }

    /// The statement that fills `into` with what the staged rows of a table become.
    pub(crate) fn insertion(&self, number: u32, into: &QualifiedName) -> Option<String> {
        self.tables.get(&number).map(|it| it.insertion(into))
    }

    /// Makes the staging tables. The tables themselves must be there.
    pub(crate) fn create(&self, target: &mut Target, steps: Steps<'_>) -> Result<()> {
        let statements = self.definitions();
        let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
        steps.once_in_order(target, PHASE, &statements, |transaction, left| {
            left.iter().try_for_each(|sql| execute(transaction, sql))?;
            grants::revoke_all(transaction, steps.run)
        })
    }

    /// Converts all rows, several tables at once. What has been sent must have been compared with the archive's end.
    pub(crate) fn convert(&self, target: &mut Target, steps: Steps<'_>, end: &End, ui: &Ui) -> Result<()> {
        if self.tables.is_empty() {
            return Ok(());
        }
        let routes = Routes::find(target.client(), self.header)?;
        let mut tables: Vec<&Staged<'_>> = self.tables.values().collect();
        tables.sort_by_key(|it| std::cmp::Reverse(it.table.bytes));
        let phase = target.show_phase(steps.run, "rows converted", tables.len());
        let mut sessions = target.sessions(tables.len())?;
        let next = AtomicUsize::new(0);
        let work = |session: &mut Session| -> Result<()> {
            while let Some(staged) = tables.get(next.fetch_add(1, Ordering::Relaxed)) {
                let converted = staged.convert(session, steps, &routes.table(staged.table), end);
                converted.inspect_err(|_| next.store(tables.len(), Ordering::Relaxed))?;
                phase.step();
            }
            Ok(())
        };
        thread::scope(|scope| {
            let work = &work;
            let workers: Vec<_> = sessions
                .iter_mut()
                .map(|session| scope.spawn(move || work(session)))
                .collect();
            let mut all = Ok(());
            for worker in workers {
                // Every session is waited for, also after a failure.
                let worked = worker.join();
                all = all.and(worked.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            all
        })?;
        let rows = self
            .tables
            .keys()
            .filter_map(|it| end.table(*it))
            .map(|it| it.fingerprint.rows)
            .sum();
        ui.detail(format_args!("{} rows got UUIDs for integer keys", count(rows)));
        Ok(())
    }
}

impl Staged<'_> {
    /// Columns that are not converted have the very types that the table has.
    fn definition(&self) -> String {
        let column = |it: &catalog::Column| {
            let name = quote_ident(&it.name);
            match self.conversion.column(&it.name) {
                Some(it) => format!("NULL::pg_catalog.{} AS {name}", it.from.internal_name()),
                None => name,
            }
        };
        let columns: Vec<String> = self.table.stored_columns().map(column).collect();
        format!(
            "CREATE TABLE {} AS SELECT {} FROM ONLY {} WITH NO DATA",
            self.name,
            columns.join(", "),
            self.table.qualified_name()
        )
    }

    fn insertion(&self, into: &QualifiedName) -> String {
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        for column in self.table.stored_columns() {
            let name = quote_ident(&column.name);
            values.push(match self.conversion.column(&column.name) {
                Some(it) => it.namespace.sql(&format!("s.{name}")),
                None => format!("s.{name}"),
            });
            columns.push(name);
        }
        for (column, kept) in self.conversion.kept() {
            columns.push(quote_ident(&kept.name));
            values.push(format!("s.{}", quote_ident(&column.column)));
        }
        format!(
            "INSERT INTO {into} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} s",
            columns.join(", "),
            values.join(", "),
            self.name
        )
    }

    /// All rows in one transaction, in which as many must be staged as the archive has, and as many inserted.
    fn convert(
        &self,
        session: &mut Session,
        steps: Steps<'_>,
        into: &QualifiedName,
        end: &End,
    ) -> Result<()> {
        let expected = end.table(self.table.number).map_or(0, |it| it.fingerprint.rows);
        let (insertion, drop) = (self.insertion(into), format!("DROP TABLE {}", self.name));
        steps.once(session, PHASE, &[&insertion, &drop], |transaction, _| {
            self.expect("staged", self.staged(transaction)?, expected)?;
            let inserted = transaction
                .execute(&insertion, &[])
                .map_err(|error| failed(format!("statement failed: {}", shorten(&insertion)), error))?;
            self.expect("converted", inserted, expected)?;
            execute(transaction, &drop)
        })
    }

    fn staged(&self, transaction: &mut Transaction<'_>) -> Result<u64> {
        let sql = format!("SELECT pg_catalog.count(*) FROM {}", self.name);
        let row = transaction.query_one(&sql, &[]).map_err(|error| {
            failed(
                format!(
                    "staged rows of {} could not be counted",
                    self.table.qualified_name()
                ),
                error,
            )
        })?;
        Ok(row.get::<_, i64>(0).unsigned_abs())
    }

    fn expect(&self, what: &str, found: u64, expected: u64) -> Result<()> {
        if found == expected {
            return Ok(());
        }
        let message = format!(
            "{}: {} rows were {what}, the archive has {}",
            self.table.qualified_name(),
            count(found),
            count(expected)
        );
        Err(Failure::new(Exit::Target, message))
    }
}

/// The fingerprint that the rows of a chunk have once they are converted; `None` where they are not.
pub(crate) fn converted(header: &Header, chunk: &OpenedChunk<'_>) -> Result<Option<Fingerprint>> {
    let conversion = conversion_of(&header.conversions, chunk.table.number);
    let Some(conversion) = conversion.filter(|_| chunk.table.kind != TableKind::Part) else {
        return Ok(None);
    };
    let mut rows = RowConversion::new(chunk.table, conversion);
    let converted = rows.fingerprint(chunk.rows.form, |take| chunk.each_row(take))?;
    converted.map(Some).map_err(|error| {
        let message = format!("archive is damaged: rows of {}", chunk.table.qualified_name());
        Failure::new(Exit::Archive, message).with_source(error)
    })
}

/// The header and the end as they would be of an archive with the rows that the target has.
pub(crate) fn as_loaded(header: &Header, end: &End, converted: &Tally) -> (Header, End) {
    let (mut header, mut end) = (header.clone(), end.clone());
    reshape(&mut header.catalog, &header.conversions);
    for table in &mut end.tables {
        if conversion_of(&header.conversions, table.table).is_some()
            && let Some(fingerprint) = converted.table(table.table)
        {
            table.fingerprint = fingerprint;
        }
    }
    (header, end)
}
