//! `load --dry-run`: what a load would do, on one session in one transaction that is rolled back. Every statement stands
//! under a savepoint, so that all failures are told, not only the first.

mod rehearsal;
mod report;
mod rows;

use std::time::Instant;

use archive::{Header, SchemaMember};
use catalog::{Extension, QualifiedName, quote_ident, quote_literal};
use cli::{ArchiveReader, Exit, Failure, Result, Ui, count};
use postgres::Transaction;
use rewrite::{StatementKind, statements};

use crate::Texts;
use crate::apart::Apart;
use crate::args::{Args, Privileges};
use crate::checks::locks::{self, LockRoom};
use crate::grants;
use crate::phases;
use crate::prepare::is_wanted;
use crate::target::{Target, failed};
use rehearsal::Rehearsal;
use report::{Phases, Report};

#[derive(Debug, clap::Args)]
pub(crate) struct DryRunArgs {
    /// Try everything on the target and leave nothing there
    ///
    /// After the checks, all that a load would make is made on one session in one transaction that is rolled back:
    /// schemas, extensions, tables, the first rows of each (up to 1,000), keys, indexes, foreign keys, triggers, views
    /// and, where asked for, grants and what --apply names. Every failure is told, not only the first. The archive is
    /// read to its end and proved. Not shown: what only all rows together show (a key that is not unique, a foreign key
    /// that does not hold), materialized views being filled, and how long it takes. The transaction holds its locks and
    /// keeps VACUUM from cleaning up until it ends. Exit status 0 says that a load would have met nothing of this, 5
    /// that it would fail.
    #[arg(long, conflicts_with_all = ["abandon", "format", "resume", "restore_test", "read_back", "whole_max", "rate_limit", "RejectArgs"])]
    pub(crate) dry_run: bool,
}

/// What is rehearsed.
pub(crate) struct Work<'a> {
    pub(crate) header: &'a Header,
    pub(crate) texts: &'a Texts,
    pub(crate) apart: &'a Apart,
    /// Those of the archive's schemas that exist, empty.
    pub(crate) existing: &'a [String],
    pub(crate) args: &'a Args,
}

impl Work<'_> {
    /// Tries everything, reads the archive to its end, and says what a load would meet.
    pub(crate) fn rehearse(&self, target: &mut Target, reader: ArchiveReader, ui: &Ui) -> Result<()> {
        let room = LockRoom::read(target.client())?;
        self.refuse_too_many_locks(room)?;
        let name = target.name();
        let transaction = target
            .client()
            .transaction()
            .map_err(|error| failed("a transaction could not be begun", error))?;
        let mut rehearsal = Rehearsal::begin(transaction, ui.is_verbose())?;
        let mut report = Report::new(self.header, self.args.jobs(), room);
        let end = self.try_all(&mut rehearsal, reader, &mut report)?;
        report.statements = rehearsal.tried();
        let troubles = rehearsal.end()?;
        report.say(&name, &end, ui);
        if troubles.is_empty() {
            return Ok(());
        }
        let number = count(troubles.len() as u64);
        let failure = Failure::new(
            Exit::Target,
            format!("a load would fail on {name}: {number} refused"),
        );
        let failure = report::shown(&troubles, ui)
            .into_iter()
            .fold(failure, Failure::with_state);
        Err(failure.with_hint("nothing was written; what follows from a failure may be gone with it"))
    }

    /// A server whose table of locks is full refuses everybody's work, so it is not tried how many go in.
    fn refuse_too_many_locks(&self, room: LockRoom) -> Result<()> {
        let needed = locks::of_everything(self.header);
        if needed <= room.locks() {
            return Ok(());
        }
        let message = format!(
            "a dry run needs about {} locks in its one transaction, and the server has room for {}",
            count(needed),
            count(room.locks())
        );
        Err(Failure::new(Exit::Target, message)
            .with_state("nothing was written")
            .with_hint(format!(
                "set max_locks_per_transaction to {} or more for it; a load commits in between and needs no more than \
                 there are",
                room.setting_for(needed)
            )))
    }

    fn try_all(
        &self,
        rehearsal: &mut Rehearsal<'_>,
        reader: ArchiveReader,
        report: &mut Report<'_>,
    ) -> Result<archive::End> {
        let started = Instant::now();
        rehearsal.all(&self.schemas())?;
        let missing = missing_extensions(rehearsal.transaction(), &self.header.catalog.extensions)?;
        rehearsal.all(&missing)?;
        rehearsal.all(&wanted(self.texts.get(SchemaMember::PreData)))?;
        rehearsal.all(&rows::large_objects(self.header))?;
        report.took(Phases::Definitions, started);

        let started = Instant::now();
        let (end, sampled) = rows::rehearse(rehearsal, reader, self.header)?;
        report.rows = sampled.rows;
        report.took(Phases::Rows, started);

        let started = Instant::now();
        let after_rows = statements(self.texts.get(SchemaMember::PostData));
        let phases = phases::Phases::new(&after_rows, self.header);
        let keys: Vec<String> = phases.keys.iter().map(|it| it.1.text.to_owned()).collect();
        rehearsal.all(&keys)?;
        rehearsal.all(&phases.others)?;
        for late in &sampled.late {
            rehearsal.copy(late)?;
        }
        rehearsal.all(&phases.triggers)?;
        // Those that can be are not validated: a sample breaks them.
        let foreign_keys: Vec<String> = phases.foreign_keys.into_iter().map(|it| it.sql).collect();
        rehearsal.all_but_broken_keys(&foreign_keys)?;
        for chain in [
            &phases.comments,
            &phases.column_changes,
            &phases.column_names,
            &phases.row_security,
        ] {
            rehearsal.all(chain)?;
        }
        rehearsal.all(&self.sequences())?;
        rehearsal.all(&self.grants())?;
        let apart = self.apart.statements(rehearsal.transaction())?;
        rehearsal.all(&apart)?;
        report.took(Phases::Rest, started);
        Ok(end)
    }

    fn schemas(&self) -> Vec<String> {
        let schemas = self.header.catalog.schemas.iter();
        let missing = schemas.filter(|it| !self.existing.contains(&it.name));
        let mut all = Vec::new();
        for schema in missing {
            let name = quote_ident(&schema.name);
            all.push(format!("CREATE SCHEMA {name}"));
            let comment = schema.comment.as_ref();
            all.extend(comment.map(|it| format!("COMMENT ON SCHEMA {name} IS {}", quote_literal(it))));
        }
        all
    }

    fn sequences(&self) -> Vec<String> {
        let sequences = self.header.catalog.sequences.iter();
        let statement = |it: &catalog::Sequence| {
            let name = quote_literal(&QualifiedName::new(&it.schema, &it.name).to_string());
            let (value, called) = (it.last_value, it.is_called);
            format!("SELECT pg_catalog.setval({name}::pg_catalog.regclass, {value}, {called})")
        };
        sequences.map(statement).collect()
    }

    fn grants(&self) -> Vec<String> {
        let keep = self.args.privileges == Privileges::Keep;
        let all = statements(self.texts.get(SchemaMember::Privileges));
        let grants = all.iter().filter(|it| it.kind == StatementKind::Grant);
        let grants = grants.filter(|it| keep || grants::takes_from_public(it));
        // The source may grant something to a role of that name.
        let created = self.args.roles.create_role.iter();
        created
            .map(|it| format!("CREATE ROLE {} LOGIN", quote_ident(it)))
            .chain(grants.map(|it| it.text.to_owned()))
            .collect()
    }
}

/// The statements of a text that a load runs.
fn wanted(sql: &str) -> Vec<String> {
    let all = statements(sql);
    let wanted = all.iter().filter(|it| is_wanted(&it.kind));
    wanted.map(|it| it.text.to_owned()).collect()
}

fn missing_extensions(transaction: &mut Transaction<'_>, extensions: &[Extension]) -> Result<Vec<String>> {
    let installed: Vec<String> = transaction
        .query(
            "SELECT extname::pg_catalog.text FROM pg_catalog.pg_extension",
            &[],
        )
        .map_err(|error| failed("the extensions could not be listed", error))?
        .iter()
        .map(|row| row.get(0))
        .collect();
    let missing = extensions.iter().filter(|it| !installed.contains(&it.name));
    Ok(missing
        .flat_map(|it| {
            let (name, schema) = (quote_ident(&it.name), quote_ident(&it.schema));
            [
                format!("CREATE SCHEMA IF NOT EXISTS {schema}"),
                format!("CREATE EXTENSION IF NOT EXISTS {name} SCHEMA {schema} CASCADE"),
            ]
        })
        .collect())
}
