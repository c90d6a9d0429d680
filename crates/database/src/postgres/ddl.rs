//! The DDL of a source, from `pg_dump` under the source's snapshot: nobody knows PostgreSQL's DDL better.
//!
//! One pass of `pg_dump -Fc` asks the server; `pg_restore` then writes its parts apart without asking it again.

use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use catalog::quote_ident;
use rustix::process::{Pid, Signal, kill_process};

use super::outside::CutForeignKey;
use super::programs::{DumpPrograms, find_pg_dump};
use super::snapshot::Snapshot;
use crate::endpoint::{PostgresEndpoint, command_without_endpoint};
use crate::private_folder::small_private_folder;
use crate::{Error, ErrorKind, Result};

/// SQL text in parts, without schemas and extensions, which the catalog holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaText {
    /// What must exist before the rows.
    pub pre_data: String,
    /// Keys, indexes, triggers, rules, policies and the like.
    pub post_data: String,
    /// Grants.
    pub privileges: String,
    /// Publications, subscriptions, event triggers and default privileges, which concern more than the source's
    /// schemas. Subscriptions can hold passwords.
    pub apart: String,
    /// What `pg_dump` said although it succeeded, and what is left out since it can hold passwords.
    pub warnings: Vec<String>,
}

/// What `pg_dump` is asked for, apart from the session that holds the snapshot, so that both can work beside each
/// other.
#[derive(Clone, Debug)]
pub struct SchemaRequest {
    endpoint: PostgresEndpoint,
    application_name: String,
    snapshot: String,
    /// As in `server_version_num`.
    server: i32,
    /// What makes `pg_dump` choose what was chosen.
    options: Vec<String>,
    /// What is left out of what it writes.
    cut: Vec<CutForeignKey>,
}

impl SchemaRequest {
    /// Everything that `snapshot` chose, without the foreign keys of `cut`.
    pub fn new(snapshot: &Snapshot, cut: &[CutForeignKey]) -> Self {
        let (endpoint, application_name) = snapshot.endpoint().marked(&format!("pg_dump {}", snapshot.id()));
        SchemaRequest {
            endpoint,
            application_name,
            snapshot: snapshot.id().to_owned(),
            server: snapshot.identity().version_number,
            options: snapshot.chosen().pg_dump_options.clone(),
            cut: cut.to_vec(),
        }
    }

    /// What `pg_dump`'s session alone is called on the server.
    pub(super) fn application_name(&self) -> &str {
        &self.application_name
    }
}

/// Takes what ends a program early, for whoever hears of an interruption.
pub type OnInterrupt<'a> = &'a dyn Fn(Box<dyn FnMut() + Send>);

/// Runs `pg_dump --schema-only` under the snapshot, which must stay open meanwhile.
pub fn read_schema_text(request: &SchemaRequest, on_interrupt: OnInterrupt<'_>) -> Result<SchemaText> {
    let programs = find_pg_dump(request.server)?;
    let folder = small_private_folder().map_err(|error| {
        Error::new(
            ErrorKind::Program,
            "no temporary folder could be made for pg_dump",
        )
        .with_source(error)
    })?;
    let custom = folder.path().join("schema");
    let mut warnings = run_pg_dump(request, &programs, &custom, on_interrupt)?;
    let mut entries = list_entries(&programs, &custom)?;
    entries.retain(|(line, _)| !request.cut.iter().any(|key| is_of_key(line, key)));
    let secrets = entries.iter().filter(|(_, part)| *part == Part::Secret);
    warnings.extend(secrets.map(|(line, _)| {
        format!(
            "{} is not in the archive, since it can hold a password",
            entry_of(line).trim()
        )
    }));
    let part = |wanted: Part, flags: &[&str]| -> Result<String> {
        let list = folder.path().join("list");
        let mut lines = String::new();
        entries
            .iter()
            .filter(|(_, part)| *part == wanted)
            .for_each(|(line, _)| {
                let _ = writeln!(lines, "{line}");
            });
        if lines.is_empty() {
            return Ok(String::new());
        }
        std::fs::write(&list, lines).map_err(|error| {
            Error::new(ErrorKind::Program, "the list for pg_restore could not be written").with_source(error)
        })?;
        let mut command = command_without_endpoint(&programs.pg_restore);
        command
            .args(["--no-owner", "--no-tablespaces", "-f", "-"])
            .args(flags)
            .arg("-L")
            .arg(&list)
            .arg(&custom);
        text_of(run(&mut command, "pg_restore")?)
    };
    Ok(SchemaText {
        pre_data: part(Part::Objects, &["--section=pre-data", "--no-privileges"])?,
        post_data: part(Part::Objects, &["--section=post-data", "--no-privileges"])?,
        privileges: part(Part::Privileges, &[])?,
        apart: part(Part::Apart, &[])?,
        warnings,
    })
}

/// Returns what it warned of.
fn run_pg_dump(
    request: &SchemaRequest,
    programs: &DumpPrograms,
    output: &Path,
    on_interrupt: OnInterrupt<'_>,
) -> Result<Vec<String>> {
    refuse_too_long(&request.options)?;
    let mut command = request.endpoint.command(&programs.pg_dump)?;
    command.args([
        "--schema-only",
        "--format=custom",
        "--compress=0",
        "--no-sync",
        "--exclude-schema=coalesce",
    ]);
    command
        .args(&request.options)
        .arg(format!("--snapshot={}", request.snapshot))
        .arg("--file")
        .arg(output)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| not_run("pg_dump", error))?;
    let stderr = child.stderr.take();
    let child = Arc::new(Mutex::new(child));
    let killed = Arc::clone(&child);
    on_interrupt(Box::new(move || {
        let mut child = killed.lock().unwrap_or_else(PoisonError::into_inner);
        end(&mut child);
    }));
    let mut words = Vec::new();
    if let Some(mut stderr) = stderr {
        // It must be read to its end, or the child would wait for us.
        stderr
            .read_to_end(&mut words)
            .map_err(|error| not_run("pg_dump", error))?;
    }
    let words = String::from_utf8_lossy(&words).trim().to_owned();
    let status = child.lock().unwrap_or_else(PoisonError::into_inner).wait();
    if !status.map_err(|error| not_run("pg_dump", error))?.success() {
        return Err(Error::new(ErrorKind::Program, format!("pg_dump failed: {words}")));
    }
    Ok(words.lines().map(str::to_owned).collect())
}

/// A system takes no longer command lines (Linux: 2 MiB with the environment).
fn refuse_too_long(options: &[String]) -> Result<()> {
    const BYTES_MAX: usize = 1_500_000;
    let bytes: usize = options.iter().map(|it| it.len() + 1).sum();
    if bytes <= BYTES_MAX {
        return Ok(());
    }
    let message = format!(
        "{} tables are too many to be named to pg_dump one by one",
        options.len()
    );
    Err(Error::new(ErrorKind::Program, message)
        .with_hint("choose whole schemas by --schema or --exclude-schema"))
}

/// Asks `pg_dump` to end: it cancels its statement on the server then, which would go on waiting otherwise, with locks.
fn end(child: &mut Child) {
    if !matches!(child.try_wait(), Ok(None)) {
        return;
    }
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let is_asked = pid.is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok());
    if !is_asked {
        let _ = child.kill();
    }
}

fn not_run(name: &str, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Program, format!("{name} could not be run")).with_source(error)
}

/// Which part of the archive an entry belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Objects,
    Privileges,
    Apart,
    /// In the catalog, or made by the loader itself.
    Left,
    /// Can hold passwords, which must not stand in an archive.
    Secret,
}

/// The lines of `pg_restore --list`, each with its part.
fn list_entries(programs: &DumpPrograms, custom: &Path) -> Result<Vec<(String, Part)>> {
    let list = text_of(run(
        command_without_endpoint(&programs.pg_restore)
            .arg("--list")
            .arg(custom),
        "pg_restore",
    )?)?;
    let entries = list
        .lines()
        .filter(|line| !line.starts_with(';') && !line.is_empty());
    Ok(entries.map(|line| (line.to_owned(), part_of(line))).collect())
}

/// A line is `DUMPID; TABLEOID OID KIND SCHEMA NAME OWNER`, where a kind can have several words.
fn entry_of(line: &str) -> &str {
    line.splitn(4, ' ').nth(3).unwrap_or_default()
}

/// Whether a line is about this foreign key: itself by its catalog and OID, or a comment on it.
fn is_of_key(line: &str, key: &CutForeignKey) -> bool {
    const CONSTRAINTS: &str = "2606";
    let mut words = line.split(' ').skip(1);
    let (class, oid) = (words.next(), words.next());
    let is_itself = class == Some(CONSTRAINTS) && oid.and_then(|it| it.parse().ok()) == Some(key.oid);
    let comment = format!(
        "COMMENT {} CONSTRAINT {} ON {} ",
        key.table.schema,
        quote_ident(&key.name),
        quote_ident(&key.table.name)
    );
    is_itself || entry_of(line).starts_with(&comment)
}

fn part_of(line: &str) -> Part {
    const LEFT: [&str; 5] = [
        "SCHEMA ",
        "EXTENSION ",
        "COMMENT - SCHEMA ",
        "COMMENT - EXTENSION ",
        "DATABASE ",
    ];
    const APART: [&str; 10] = [
        "PUBLICATION ",
        "SUBSCRIPTION ",
        "EVENT TRIGGER ",
        "DEFAULT ACL ",
        "COMMENT - PUBLICATION ",
        "COMMENT - SUBSCRIPTION ",
        "COMMENT - EVENT TRIGGER ",
        "SECURITY LABEL - PUBLICATION ",
        "SECURITY LABEL - SUBSCRIPTION ",
        "SECURITY LABEL - EVENT TRIGGER ",
    ];
    const SECRET: [&str; 1] = ["USER MAPPING "];
    let entry = entry_of(line);
    let is = |kinds: &[&str]| kinds.iter().any(|kind| entry.starts_with(kind));
    match () {
        () if is(&LEFT) => Part::Left,
        () if is(&SECRET) => Part::Secret,
        () if is(&APART) => Part::Apart,
        () if is(&["ACL "]) => Part::Privileges,
        () => Part::Objects,
    }
}

fn run(command: &mut Command, name: &str) -> Result<Output> {
    let output = command.output().map_err(|error| not_run(name, error))?;
    if output.status.success() {
        return Ok(output);
    }
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::new(ErrorKind::Program, format!("{name} failed: {words}")))
}

fn text_of(output: Output) -> Result<String> {
    String::from_utf8(output.stdout).map_err(|error| {
        Error::new(ErrorKind::Program, "pg_restore wrote text that is not UTF-8").with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_find_their_part() {
        for (line, part) in [
            ("5; 2615 16385 SCHEMA - billing owner", Part::Left),
            ("2; 3079 16386 EXTENSION - citext ", Part::Left),
            ("3400; 0 0 COMMENT - EXTENSION citext ", Part::Left),
            ("215; 1259 16391 TABLE public users owner", Part::Objects),
            ("3401; 0 0 COMMENT public TABLE users owner", Part::Objects),
            ("3402; 0 0 ACL public TABLE users owner", Part::Privileges),
            (
                "2070; 826 16500 DEFAULT ACL public DEFAULT PRIVILEGES FOR TABLES owner",
                Part::Apart,
            ),
            ("3300; 6104 16600 PUBLICATION - all_tables owner", Part::Apart),
            (
                "3301; 6106 16601 PUBLICATION TABLE public all_tables users owner",
                Part::Apart,
            ),
            ("3302; 3466 16602 EVENT TRIGGER - watch owner", Part::Apart),
            ("3303; 6100 16603 SUBSCRIPTION - feed owner", Part::Apart),
        ] {
            assert_eq!(part_of(line), part, "{line}");
        }
    }
}
