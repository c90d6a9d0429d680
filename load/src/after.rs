//! `--after FILE`: the user's own statements, when every row is proved and before anything is live.
//!
//! A failure in them leaves nothing live, what they make belongs to the owner of all the rest, and no application sees
//! a table without its new index. They run one by one outside of transactions, as CREATE INDEX CONCURRENTLY and VACUUM
//! want it. GRANT and REVOKE wait for the transaction that makes everything live: nobody is let in before, and they
//! may name the role that the load creates.

use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use archive::Header;
use clap::Args;
use cli::{Exit, Failure, FailureContext, Result, Ui, duration};
use database::endpoint::unrestrict_views;
use postgres::error::SqlState;
use postgres::{Client, IsolationLevel, Transaction};
use rewrite::{StatementKind, WrittenStatement, statements, written_statements};

use crate::journal::{self, Run, Step};
use crate::roles::search_path;
use crate::statements::{execute, shorten};
use crate::steps::Steps;
use crate::target::{Target, failed};

/// What the journal knows these statements by: apart from the load's own, and behind the rows like those.
const PHASE: &str = "after rows, by hand";

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct AfterArgs {
    /// Run the statements of FILE when every row is proved, before the schemas go live
    ///
    /// One by one and outside of transactions, each with its time, so CREATE INDEX CONCURRENTLY and VACUUM will do. The
    /// `search_path` is the new schemas, then those of the extensions. What they make belongs to the owner of all the
    /// rest. GRANT and REVOKE wait for the moment in which everything goes live. Commands of psql, BEGIN and
    /// COMMIT, COPY through the connection, and what the server cannot parse are refused before any work.
    #[arg(long, value_name = "FILE", conflicts_with = "abandon")]
    after: Option<PathBuf>,
}

/// A file of statements that can be run; empty where none was named.
#[derive(Debug, Default)]
pub(crate) struct After {
    file: String,
    text: String,
}

impl After {
    /// Reads the file and refuses what cannot be run, before any work.
    pub(crate) fn read(args: &AfterArgs) -> Result<Self> {
        let Some(path) = &args.after else {
            return Ok(After::default());
        };
        let file = path.display().to_string();
        let text =
            std::fs::read_to_string(path).or_fail(Exit::Usage, || format!("`{file}` cannot be read"))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
        let after = After { file, text };
        let misfits: Vec<String> = after
            .statements()
            .iter()
            .filter_map(|it| Some(format!("{}:{}: {}", after.file, it.line, it.misfit.as_ref()?)))
            .collect();
        if misfits.is_empty() {
            return Ok(after);
        }
        let failure = Failure::usage(format!("`{}` holds what --after cannot run", after.file));
        let failure = misfits.into_iter().fold(failure, Failure::with_state);
        Err(failure.with_hint("take it out; nothing was begun"))
    }

    fn statements(&self) -> Vec<WrittenStatement<'_>> {
        written_statements(&self.text)
    }

    /// What the server cannot parse, as sentences. To prepare a statement runs nothing of it, and what it names need
    /// not exist for that.
    pub(crate) fn findings(&self, target: &mut Target) -> Result<Vec<String>> {
        let mut findings = Vec::new();
        for statement in self.statements() {
            let Err(error) = target.client().prepare(statement.text) else {
                continue;
            };
            match error.as_db_error() {
                Some(error) if *error.code() == SqlState::SYNTAX_ERROR => {
                    findings.push(format!("{}:{}: {}", self.file, statement.line, error.message()));
                }
                Some(_) => {}
                None => return Err(failed("the statements of --after could not be looked at", error)),
            }
        }
        Ok(findings)
    }

    /// Runs all but what waits for [`After::grant`].
    pub(crate) fn run(&self, target: &mut Target, steps: Steps<'_>, header: &Header, ui: &Ui) -> Result<()> {
        let all = self.statements();
        let wanted: Vec<_> = all.iter().filter(|it| !waits(it)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let mut sessions = target.sessions(1)?;
        let Some(session) = sessions.first_mut() else {
            return Ok(());
        };
        let client: &mut Client = session;
        unrestrict_views(client).map_err(Failure::target)?;
        execute(client, "SET check_function_bodies = on")?;
        let path = search_path(steps.run, header).join(", ");
        if !path.is_empty() {
            execute(client, &format!("SET search_path = {path}"))?;
        }
        for (place, statement) in wanted.iter().enumerate() {
            // The same words again are a statement of their own.
            let before = wanted[..place].iter().filter(|it| it.text == statement.text);
            let number = before.count().to_string();
            let step = Step::new(PHASE, [statement.text, &number]);
            if steps.loaded.has_step(&step) && !is_setting(statement) {
                ui.status(format_args!("{}:{} was done before", self.file, statement.line));
            } else {
                self.run_one(target, steps, client, (statement, &step), ui)?;
            }
        }
        Ok(())
    }

    /// Runs one statement while the run is held, so that nobody takes it over meanwhile.
    fn run_one(
        &self,
        target: &mut Target,
        steps: Steps<'_>,
        client: &mut Client,
        (statement, step): (&WrittenStatement<'_>, &Step),
        ui: &Ui,
    ) -> Result<()> {
        let failing = "a transaction could not be used";
        let started = Instant::now();
        // A snapshot that is kept would hold up CREATE INDEX CONCURRENTLY for ever: that of the whole transaction, and
        // that of the query that holds the run, whose portal stays until the next query by itself.
        let holding = target
            .client()
            .build_transaction()
            .isolation_level(IsolationLevel::ReadCommitted);
        let mut holding = holding.start().map_err(|error| failed(failing, error))?;
        journal::hold(&mut holding, steps.run)?;
        execute(&mut holding, "SELECT")?;
        // A thread of its own: --script tells sessions by their threads.
        let executed = thread::scope(|scope| scope.spawn(|| self.execute(client, statement)).join());
        executed.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let is_noted = !is_setting(statement);
        if is_noted {
            journal::note_step(&mut holding, steps.run, step)?;
        }
        holding.commit().map_err(|error| failed(failing, error))?;
        if is_noted {
            target.promised().note_step(step);
        }
        self.say(statement, started, ui);
        Ok(())
    }

    /// Runs GRANT and REVOKE, in the transaction that makes everything live.
    pub(crate) fn grant(
        &self,
        transaction: &mut Transaction<'_>,
        run: &Run,
        header: &Header,
        ui: &Ui,
    ) -> Result<()> {
        let all = self.statements();
        let wanted: Vec<_> = all.iter().filter(|it| waits(it)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let path = search_path(run, header).join(", ");
        if !path.is_empty() {
            execute(transaction, &format!("SET LOCAL search_path = {path}"))?;
        }
        for statement in wanted {
            let started = Instant::now();
            self.execute(transaction, statement)?;
            self.say(statement, started, ui);
        }
        execute(transaction, "SET LOCAL search_path = ''")
    }

    fn execute(
        &self,
        client: &mut impl postgres::GenericClient,
        statement: &WrittenStatement<'_>,
    ) -> Result<()> {
        cli::check_interrupt()?;
        client.batch_execute(statement.text).map_err(|error| {
            let place = format!("{}:{}", self.file, statement.line);
            failed(
                format!("{place}: statement failed: {}", shorten(statement.text)),
                error,
            )
        })
    }

    fn say(&self, statement: &WrittenStatement<'_>, started: Instant, ui: &Ui) {
        ui.status(format_args!(
            "{}:{} {} in {}",
            self.file,
            statement.line,
            shorten(statement.text),
            duration(started.elapsed())
        ));
    }
}

/// Whether it is about the session that runs the rest, so that it is done again when a load goes on.
fn is_setting(statement: &WrittenStatement<'_>) -> bool {
    let first = statement.text.split_whitespace().next().unwrap_or_default();
    let is_of_kind = statements(statement.text)
        .first()
        .is_some_and(|it| it.kind == StatementKind::Set);
    is_of_kind || ["set", "reset"].contains(&first.to_ascii_lowercase().as_str())
}

/// Whether it lets somebody in, or keeps somebody out. Default privileges are about what follows in the file.
fn waits(statement: &WrittenStatement<'_>) -> bool {
    let is_grant = statements(statement.text)
        .first()
        .is_some_and(|it| it.kind == StatementKind::Grant);
    is_grant && !statement.text.to_ascii_lowercase().starts_with("alter")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_wait_and_default_privileges_do_not() {
        for (sql, expected) in [
            ("grant select on t to a", true),
            ("REVOKE ALL ON FUNCTION f() FROM PUBLIC;", true),
            ("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO a;", false),
            ("CREATE INDEX ON t (a)", false),
        ] {
            assert_eq!(waits(&written_statements(sql)[0]), expected, "{sql}");
        }
    }
}
