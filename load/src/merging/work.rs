//! One merged table after another, several at once: its rows, and what the journal has to know of them, in one transaction
//! in which staged rows equal inserted and joined ones.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use archive::{End, Header};
use catalog::{quote_ident, quote_literal};
use cli::{Exit, Failure, Result, Ui, count};
use fingerprint::{Fingerprint, Form, RowStream, as_they_are};
use postgres::Transaction;

use super::journal::{self, PartDone};
use super::selects::Select;
use super::{MergedTable, Merging, PHASE, StagedPart};
use crate::journal::Run;
use crate::statements::{execute, shorten};
use crate::steps::Steps;
use crate::target::{Session, Target, failed};

/// Bytes that are read of an answer at once.
const PIECE_BYTES: usize = 64 << 10;

/// What is to be known of merged rows.
#[derive(Clone, Copy)]
pub(crate) struct Wishes {
    /// They are to be read back.
    pub(crate) reads_back: bool,
    /// The journal keeps the values in which joined rows differ.
    pub(crate) keeps_values: bool,
}

/// What one session needs for a merged table.
struct Merger<'a> {
    merging: &'a Merging<'a>,
    table: &'a MergedTable<'a>,
    run: &'a Run,
    end: &'a End,
    wishes: Wishes,
}

impl Merging<'_> {
    /// Merges all rows. What has been sent must have been compared with the archive's end.
    pub(crate) fn merge(
        &self,
        target: &mut Target,
        steps: Steps<'_>,
        end: &End,
        wishes: Wishes,
        ui: &Ui,
    ) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        self.find_joins(target, steps)?;
        let mut tables: Vec<&MergedTable<'_>> = self.tables.iter().collect();
        tables.sort_by_key(|it| std::cmp::Reverse(it.bytes()));
        let phase = target.show_phase(steps.run, "tables merged", tables.len());
        let mut sessions = target.sessions(tables.len())?;
        let next = AtomicUsize::new(0);
        let work = |session: &mut Session| -> Result<()> {
            while let Some(table) = tables.get(next.fetch_add(1, Ordering::Relaxed)) {
                let merger = Merger {
                    merging: self,
                    table,
                    run: steps.run,
                    end,
                    wishes,
                };
                let done = merger.merge(session, steps);
                done.inspect_err(|_| next.store(tables.len(), Ordering::Relaxed))?;
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
        target.revive(steps.run)?;
        self.drop_joins(target, steps)?;
        ui.detail(format_args!("{} tables merged", count(self.tables.len() as u64)));
        Ok(())
    }

    /// Others may follow the rows of a table until all are merged.
    fn drop_joins(&self, target: &mut Target, steps: Steps<'_>) -> Result<()> {
        let joining = self.tables.iter().filter(|it| it.joins_rows());
        let drops: Vec<String> = joining.map(|it| format!("DROP TABLE {}", it.joins)).collect();
        let drops: Vec<&str> = drops.iter().map(String::as_str).collect();
        steps.once_in_order(target, PHASE, &drops, |transaction, left| {
            left.iter().try_for_each(|sql| execute(transaction, sql))
        })
    }
}

impl MergedTable<'_> {
    fn bytes(&self) -> u64 {
        self.parts.iter().map(|it| it.table.bytes).sum()
    }
}

impl Merger<'_> {
    fn merge(&self, session: &mut Session, steps: Steps<'_>) -> Result<()> {
        let parts = &self.table.parts;
        let insertions: Vec<String> = parts
            .iter()
            .map(|it| self.merging.insertion(self.table, it))
            .collect();
        let drops: Vec<String> = parts.iter().map(|it| format!("DROP TABLE {}", it.name)).collect();
        let statements: Vec<&str> = insertions.iter().chain(&drops).map(String::as_str).collect();
        steps.once(session, PHASE, &statements, |transaction, _| {
            for (part, insertion) in parts.iter().zip(&insertions) {
                let done = self.merge_part(transaction, part, insertion)?;
                journal::note(transaction, self.run, &done)?;
            }
            self.note_redirected(transaction)?;
            drops.iter().try_for_each(|sql| execute(transaction, sql))
        })
    }

    fn merge_part(
        &self,
        transaction: &mut Transaction<'_>,
        part: &StagedPart<'_>,
        insertion: &str,
    ) -> Result<PartDone> {
        cli::check_interrupt()?;
        let name = part.table.qualified_name();
        let expected = self
            .end
            .table(part.table.number)
            .map_or(0, |it| it.fingerprint.rows);
        let staged = number(
            transaction,
            &format!("SELECT pg_catalog.count(*) FROM {}", part.name),
        )?;
        if staged != expected {
            let (staged, expected) = (count(staged), count(expected));
            let message = format!("{name}: {staged} rows were staged, the archive has {expected}");
            return Err(Failure::new(Exit::Target, message));
        }
        let (joined, differing) = self.note_joined(transaction, part)?;
        let inserted = change(transaction, insertion)?;
        if staged != inserted + joined {
            let (staged, inserted, joined) = (count(staged), count(inserted), count(joined));
            let message = format!(
                "{name}: {staged} rows were staged, of which {inserted} were inserted and {joined} joined to others'"
            );
            return Err(Failure::new(Exit::Target, message));
        }
        let in_binary = part.table.stored_columns().all(|it| it.binary_safe);
        let merged = |transaction: &mut Transaction<'_>| {
            let columns = self.table.table.stored_columns().count();
            let sql = self.merging.merged_rows(self.table, part);
            fingerprint(transaction, &sql, Form::Text, columns).map(|it| it.sum())
        };
        Ok(PartDone {
            part_number: part.table.number,
            table_name: self.table.table.qualified_name().to_string(),
            source: part.part.source.clone(),
            source_table: name.to_string(),
            part: part.record_json(self.merging.header)?,
            staged,
            inserted,
            joined,
            differing,
            joined_text: self.joined_sum(transaction, part, Form::Text)?,
            joined_binary: in_binary
                .then(|| self.joined_sum(transaction, part, Form::Binary))
                .transpose()?,
            merged_text: self.wishes.reads_back.then(|| merged(transaction)).transpose()?,
        })
    }

    /// What the hashes of the part's joined rows add up to, over the columns that can be compared with the source's.
    fn joined_sum(
        &self,
        transaction: &mut Transaction<'_>,
        part: &StagedPart<'_>,
        form: Form,
    ) -> Result<String> {
        if !self.table.joins_rows() {
            return Ok(Fingerprint::empty(form).sum());
        }
        let columns = part.compared(self.merging.header);
        let sql = format!(
            "SELECT {} FROM {} s JOIN {} j ON j.part = {} AND j.spot = s.ctid",
            columns.join(", "),
            part.name,
            self.table.joins,
            part.table.number
        );
        fingerprint(transaction, &sql, form, columns.len()).map(|it| it.sum())
    }

    /// Notes the joined rows of a part: how many there are, and how many have other values than those that stay.
    fn note_joined(&self, transaction: &mut Transaction<'_>, part: &StagedPart<'_>) -> Result<(u64, u64)> {
        if !self.table.joins_rows() {
            return Ok((0, 0));
        }
        let mut joined = 0;
        // A row stays in a part before its own.
        for winner in self
            .table
            .parts
            .iter()
            .take_while(|it| it.table.number != part.table.number)
        {
            joined += change(transaction, &self.joined_sql(part, winner))?;
        }
        let differing = format!(
            "SELECT pg_catalog.count(*) FROM coalesce.joined WHERE run = {} AND part_number = {} \
             AND pg_catalog.cardinality(differing) > 0",
            self.run.id(),
            part.table.number
        );
        Ok((joined, number(transaction, &differing)?))
    }

    fn joined_sql(&self, part: &StagedPart<'_>, winner: &StagedPart<'_>) -> String {
        let table = self.table;
        let stored: Vec<&str> = table.table.stored_columns().map(|it| it.name.as_str()).collect();
        let all = |of: &StagedPart<'_>| self.merging.select(table, of, stored.iter().copied());
        let (own, winners) = (all(part), all(winner));
        let texts = |of: &Select, columns: &[String]| -> String {
            let values = stored.iter().zip(&of.values);
            let named = values.collect::<BTreeMap<_, _>>();
            let text = |column: &String| {
                let value = named.get(&column.as_str()).map_or("NULL", |it| it.as_str());
                format!("{value}::{}::pg_catalog.text", table.type_of(column))
            };
            let values: Vec<String> = columns.iter().map(text).collect();
            format!("ARRAY[{}]::pg_catalog.text[]", values.join(", "))
        };
        // The source's column differs in any case, and what names a row is in the report by itself.
        let compared: Vec<String> = table
            .table
            .stored_columns()
            .map(|it| it.name.clone())
            .filter(|it| {
                Some(it) != table.merged.source_column.as_ref()
                    && !table.table.primary_key.contains(it)
                    && !table.merged.dedupe.contains(it)
            })
            .collect();
        let key = if part.table.primary_key.is_empty() {
            texts(&own, &table.merged.dedupe)
        } else {
            let key = part.table.primary_key.iter();
            let key: Vec<String> = key
                .map(|it| format!("s.{}::pg_catalog.text", quote_ident(it)))
                .collect();
            format!("ARRAY[{}]::pg_catalog.text[]", key.join(", "))
        };
        let names: Vec<String> = compared.iter().map(|it| quote_literal(it)).collect();
        let pair = "COALESCE(o.compared[d.at], '∅') || ' → ' || COALESCE(w.compared[d.at], '∅')";
        let values = if self.wishes.keeps_values {
            format!("(SELECT pg_catalog.array_agg({pair} ORDER BY d.at) FROM {DIFFERING})")
        } else {
            "NULL".to_owned()
        };
        format!(
            "INSERT INTO coalesce.joined (run, part_number, table_name, source, key, winner_source, winner_key, natural_sum, \
             differing, differing_values) SELECT {run}, {number}, {name}, {source}, o.key, {winner_source}, w.key, \
             pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(w.natural_key::pg_catalog.text, 'UTF8')), 'hex'), \
             ARRAY(SELECT c.names[d.at] FROM {DIFFERING} ORDER BY d.at), {values} \
             FROM {joins} j \
             CROSS JOIN (SELECT ARRAY[{names}]::pg_catalog.text[] AS names) c \
             JOIN (SELECT s.ctid AS spot, {key} AS key, {own} AS compared {from_own}) o ON o.spot = j.spot \
             JOIN (SELECT s.ctid AS spot, {winner_key} AS key, {natural} AS natural_key, {winners} AS compared \
             {from_winner}) w ON w.spot = j.winner_spot \
             WHERE j.part = {number} AND j.winner_part = {winner_number}",
            run = self.run.id(),
            number = part.table.number,
            name = quote_literal(&table.table.qualified_name().to_string()),
            source = quote_literal(&part.part.source),
            winner_source = quote_literal(&winner.part.source),
            joins = table.joins,
            names = names.join(", "),
            own = texts(&own, &compared),
            from_own = own.from,
            winner_key = texts(&winners, table.naming()),
            natural = texts(&winners, &table.merged.dedupe),
            winners = texts(&winners, &compared),
            from_winner = winners.from,
            winner_number = winner.table.number,
        )
    }

    /// Notes which keys of joined rows others follow, and to which.
    fn note_redirected(&self, transaction: &mut Transaction<'_>) -> Result<()> {
        let keyed = self.table.keyed_columns();
        for columns in &self.table.keyed {
            let places: Vec<usize> = columns
                .iter()
                .filter_map(|it| keyed.iter().position(|known| known == it))
                .collect();
            let texts = |prefix: &str| -> String {
                let text = |it: &usize| format!("j.{prefix}{it}::pg_catalog.text");
                places.iter().map(text).collect::<Vec<_>>().join(", ")
            };
            let names: Vec<String> = columns.iter().map(|it| quote_literal(it)).collect();
            let sql = format!(
                "INSERT INTO coalesce.redirected (run, part_number, table_name, source, columns, old, winner) \
                 SELECT {}, j.part, {}, j.source, ARRAY[{}], ARRAY[{}], ARRAY[{}] FROM {} j",
                self.run.id(),
                quote_literal(&self.table.table.qualified_name().to_string()),
                names.join(", "),
                texts("o"),
                texts("w"),
                self.table.joins,
            );
            change(transaction, &sql)?;
        }
        Ok(())
    }
}

impl StagedPart<'_> {
    fn record_json(&self, header: &Header) -> Result<String> {
        let failing = "what is known of a part could not be written down";
        let record = self.record(header);
        serde_json::to_string(&record)
            .map_err(|error| Failure::new(Exit::Internal, failing).with_source(error))
    }
}

/// The places at which the values of two rows differ.
const DIFFERING: &str = "(SELECT a.at FROM pg_catalog.generate_subscripts(c.names, 1) AS a (at) \
     WHERE o.compared[a.at] IS DISTINCT FROM w.compared[a.at]) d";

fn change(transaction: &mut Transaction<'_>, sql: &str) -> Result<u64> {
    cli::check_interrupt()?;
    transaction
        .execute(sql, &[])
        .map_err(|error| failed(format!("statement failed: {}", shorten(sql)), error))
}

fn number(transaction: &mut Transaction<'_>, sql: &str) -> Result<u64> {
    let row = transaction
        .query_one(sql, &[])
        .map_err(|error| failed("staged rows could not be counted", error))?;
    Ok(row.get::<_, i64>(0).unsigned_abs())
}

/// The fingerprint of what a query gives, in a form.
pub(super) fn fingerprint(
    transaction: &mut Transaction<'_>,
    query: &str,
    form: Form,
    columns: usize,
) -> Result<Fingerprint> {
    let step = "merged rows could not be read";
    let format = match form {
        Form::Text => "csv",
        Form::Binary => "binary",
    };
    let not_framed =
        |error| Failure::new(Exit::Target, "rows are not framed as they should be").with_source(error);
    let mut stream = RowStream::new(form, columns);
    let mut answer = transaction
        .copy_out(&format!("COPY ({query}) TO STDOUT (FORMAT {format})"))
        .map_err(|error| failed(step, error))?;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = answer
            .read(&mut piece)
            .map_err(|error| Failure::new(Exit::Target, step).with_source(error))?;
        if read == 0 {
            break;
        }
        stream.push(&piece[..read], as_they_are).map_err(not_framed)?;
    }
    drop(answer);
    stream.finish(as_they_are).map_err(not_framed)
}
