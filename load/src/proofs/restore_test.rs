//! `--restore-test`: an archive is loaded into a database that is made for it, read back, and dropped.

use std::time::Duration;

use archive::{Header, SchemaMember};
use cli::{Exit, Failure, InterruptGuard, Result, Ui, open_archive};
use database::endpoint::PostgresEndpoint;
use postgres::Client;
use postgres::error::SqlState;
use rewrite::without_policies_for;

use crate::args::Args;
use crate::target::{Target, failed};
use crate::{Texts, grants};

const APPLICATION_NAME: &str = "coalesce load";

/// How long one try to drop the database may take. A server since version 15 waits in it for all its sessions, and may
/// overlook for ever one that begins at that moment (`WaitForProcSignalBarrier` in its `procsignal.c`); another try
/// reaches that one too.
const DROPPED_WITHIN: Duration = Duration::from_secs(20);

const DROP_TRIES: usize = 6;

/// A database that is there for one test.
pub(crate) struct Scratch {
    server: PostgresEndpoint,
    name: String,
    /// Drops it when the tool is interrupted and the work does not end in time.
    _guard: InterruptGuard,
}

/// Loads the archive into a scratch database, and drops that in any case.
pub(crate) fn restore_test(server: &PostgresEndpoint, args: &Args, ui: &Ui) -> Result {
    let reader = open_archive(&args.archive)?;
    crate::refuse_rows_alone(reader.header())?;
    let scratch = Scratch::create(server, reader.header(), ui)?;
    let endpoint = server.with_database(&scratch.name);
    let tested = crate::load_archive(&endpoint, reader, args, Some(&scratch), ui);
    // Its sessions have ended with the load.
    let dropped = scratch.drop();
    cli::set_last_words(Vec::new());
    match (tested, dropped) {
        (Ok(outcome), Ok(())) => {
            ui.status("the scratch database is dropped");
            Ok(outcome)
        }
        (Ok(_), Err(failure)) => Err(failure),
        (Err(failure), Ok(())) => Err(failure.with_state("the scratch database is dropped")),
        (Err(failure), Err(_)) => Err(failure.with_state(scratch.left()).with_way_out(scratch.way_out())),
    }
}

impl Scratch {
    fn create(server: &PostgresEndpoint, header: &Header, ui: &Ui) -> Result<Self> {
        let mut client = server.connect(APPLICATION_NAME).map_err(Failure::target)?;
        let _cancelled = cli::on_interrupt(server.canceller(&client));
        check_role(&mut client, server)?;
        let name = format!("coalesce_restore_test_{:016x}", fastrand::u64(..));
        let dropped = (server.clone(), name.clone());
        let scratch = Scratch {
            server: server.clone(),
            name,
            _guard: cli::on_interrupt(move || {
                // What cannot be dropped here is named by whoever ends the tool.
                let _ = drop_database(&dropped.0, &dropped.1);
            }),
        };
        cli::set_last_words(vec![scratch.left(), scratch.way_out()]);
        scratch.make(&mut client, header, ui)?;
        Ok(scratch)
    }

    /// With the source's collation where the server has it, else with the server's own, else with none.
    fn make(&self, client: &mut Client, header: &Header, ui: &Ui) -> Result<()> {
        let step = || {
            format!(
                "no scratch database could be made on {}",
                self.server.display_name()
            )
        };
        let collation = &header.source.collation;
        let own = locale_options(collation, version(client)?);
        let wanted = own
            .iter()
            .map(String::as_str)
            .chain(["", " LC_COLLATE 'C' LC_CTYPE 'C'"]);
        let mut refused = None;
        for options in wanted {
            cli::check_interrupt()?;
            let name = &self.name;
            let made = client.batch_execute(&format!(
                "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'{options}"
            ));
            match made {
                Ok(()) if refused.is_some() && own.is_some() => {
                    ui.finding(format_args!(
                        "the server does not have the source's collation {collation}: \
                         what depends on the order of text is not tested"
                    ));
                    return Ok(());
                }
                Ok(()) => return Ok(()),
                Err(error) if is_about_locale(&error) => refused = Some(error),
                Err(error) => return Err(failed(step(), error)),
            }
        }
        match refused {
            Some(error) => Err(failed(step(), error)),
            None => Ok(()),
        }
    }

    fn drop(&self) -> Result<()> {
        drop_database(&self.server, &self.name)
            .map_err(|failure| failure.with_state(self.left()).with_hint(self.way_out()))
    }

    fn left(&self) -> String {
        let server = self.server.display_name();
        format!(
            "the scratch database {} may still be there (server of {server})",
            self.name
        )
    }

    fn way_out(&self) -> String {
        format!("`DROP DATABASE IF EXISTS {} WITH (FORCE)` removes it", self.name)
    }
}

/// Takes out what names roles that the server does not have: roles are the server's, and a test makes none.
/// Returns what cannot be tested, as sentences.
pub(crate) fn leave_out(target: &mut Target, header: &mut Header, texts: &mut Texts) -> Result<Vec<String>> {
    let missing = grants::missing_roles(target, &header.catalog.policy_roles)?;
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    header.catalog.policy_roles.retain(|it| !missing.contains(it));
    let mut left_out = Vec::new();
    for (_, sql) in texts.0.iter_mut().filter(|(it, _)| *it == SchemaMember::PostData) {
        let (rest, policies) = without_policies_for(sql, &missing);
        *sql = rest;
        left_out.extend(policies);
    }
    let roles: Vec<&str> = missing.iter().map(String::as_str).collect();
    let roles = roles.join(", ");
    let sentence =
        |policy: &String| format!("policy {policy} is not tested: the server lacks a role among {roles}");
    Ok(left_out.iter().map(sentence).collect())
}

fn check_role(client: &mut Client, server: &PostgresEndpoint) -> Result<()> {
    const ROLE: &str = "
        SELECT r.rolname::pg_catalog.text, r.rolcreatedb OR r.rolsuper, pg_catalog.pg_is_in_recovery()
        FROM pg_catalog.pg_roles r WHERE r.rolname = current_user";
    let row = client
        .query_one(ROLE, &[])
        .map_err(|error| failed("the role could not be examined", error))?;
    let (role, may_create, in_recovery): (String, bool, bool) = (row.get(0), row.get(1), row.get(2));
    let name = server.display_name();
    if in_recovery {
        let message = format!("the server of {name} is a standby, on which no database can be made");
        return Err(Failure::new(Exit::Target, message).with_hint("name its primary, or any other server"));
    }
    if may_create {
        return Ok(());
    }
    let message = format!("role {role} lacks CREATEDB on the server of {name}, which a restore test needs");
    Err(Failure::new(Exit::Target, message)
        .with_hint("ALTER ROLE … CREATEDB, or name another role or server"))
}

fn version(client: &mut Client) -> Result<i32> {
    let sql = "SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4";
    let row = client
        .query_one(sql, &[])
        .map_err(|error| failed("the server could not be examined", error))?;
    Ok(row.get(0))
}

/// Options of CREATE DATABASE for `provider:locale@version`; `None` for a source without a collation, and for one
/// that the server's version cannot have.
fn locale_options(collation: &str, version: i32) -> Option<String> {
    let (provider, locale) = collation.split_once(':')?;
    let locale = locale.split_once('@').map_or(locale, |(locale, _)| locale);
    let quoted = catalog::quote_literal(locale);
    match provider {
        "libc" if version < 150_000 => Some(format!(" LC_COLLATE {quoted} LC_CTYPE {quoted}")),
        "libc" => Some(format!(
            " LOCALE_PROVIDER libc LC_COLLATE {quoted} LC_CTYPE {quoted}"
        )),
        "icu" => Some(format!(" LOCALE_PROVIDER icu ICU_LOCALE {quoted}")),
        "builtin" => Some(format!(" LOCALE_PROVIDER builtin BUILTIN_LOCALE {quoted}")),
        _ => None,
    }
}

/// Whether the server refuses the locale alone, or does not know its provider.
fn is_about_locale(error: &postgres::Error) -> bool {
    let states = [
        SqlState::WRONG_OBJECT_TYPE,
        SqlState::INVALID_OBJECT_DEFINITION,
        SqlState::INVALID_PARAMETER_VALUE,
        SqlState::FEATURE_NOT_SUPPORTED,
        SqlState::SYNTAX_ERROR,
    ];
    error.code().is_some_and(|it| states.contains(it))
}

/// Ends its sessions too. It may be gone already.
fn drop_database(server: &PostgresEndpoint, name: &str) -> Result<()> {
    let step = || format!("the scratch database {name} could not be dropped");
    let mut client = server.connect(APPLICATION_NAME).map_err(Failure::target)?;
    client
        .batch_execute(&format!(
            "SET client_min_messages = warning; SET statement_timeout = '{}ms'",
            DROPPED_WITHIN.as_millis()
        ))
        .map_err(|error| failed(step(), error))?;
    let mut tries_left = DROP_TRIES;
    loop {
        let dropped = client.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        let Err(error) = dropped else {
            return Ok(());
        };
        tries_left -= 1;
        let is_overdue = error.code() == Some(&SqlState::QUERY_CANCELED);
        if !is_overdue || tries_left == 0 || cli::is_interrupted() {
            return Err(failed(step(), error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collation_is_asked_for_as_the_server_takes_it() {
        for (collation, version, options) in [
            (
                "libc:en_US.utf8@2.36",
                140_005,
                Some(" LC_COLLATE 'en_US.utf8' LC_CTYPE 'en_US.utf8'"),
            ),
            (
                "libc:C",
                150_005,
                Some(" LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'"),
            ),
            (
                "icu:de-DE@153.1",
                160_000,
                Some(" LOCALE_PROVIDER icu ICU_LOCALE 'de-DE'"),
            ),
            (
                "builtin:C.UTF-8@1",
                170_000,
                Some(" LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"),
            ),
            ("", 170_000, None),
        ] {
            assert_eq!(
                locale_options(collation, version).as_deref(),
                options,
                "{collation}"
            );
        }
    }
}
