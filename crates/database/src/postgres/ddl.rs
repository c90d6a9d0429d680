//! The DDL of a source, from `pg_dump` under the source's snapshot: nobody knows PostgreSQL's DDL better.
//!
//! One pass of `pg_dump -Fc` asks the server; `pg_restore` then writes its parts apart without asking it again.

use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;

use super::programs::{DumpPrograms, find_pg_dump};
use super::snapshot::Snapshot;
use crate::endpoint::command_without_endpoint;
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
    /// Publications, event triggers and default privileges, which concern more than the source's schemas.
    pub apart: String,
    /// What `pg_dump` said although it succeeded, and what is left out since it can hold passwords.
    pub warnings: Vec<String>,
}

/// Takes what ends a program early, for whoever hears of an interruption.
pub type OnInterrupt<'a> = &'a dyn Fn(Box<dyn FnMut() + Send>);

/// Runs `pg_dump --schema-only` under `snapshot`.
pub fn read_schema_text(snapshot: &Snapshot, on_interrupt: OnInterrupt<'_>) -> Result<SchemaText> {
    let programs = find_pg_dump(snapshot.identity().version_number)?;
    let folder = TempDir::new().map_err(|error| {
        Error::new(
            ErrorKind::Program,
            "no temporary folder could be made for pg_dump",
        )
        .with_source(error)
    })?;
    let custom = folder.path().join("schema");
    let mut warnings = run_pg_dump(snapshot, &programs, &custom, on_interrupt)?;
    let entries = list_entries(&programs, &custom)?;
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
        apart: part(Part::Apart, &["--no-privileges"])?,
        warnings,
    })
}

/// Returns what it warned of.
fn run_pg_dump(
    snapshot: &Snapshot,
    programs: &DumpPrograms,
    output: &Path,
    on_interrupt: OnInterrupt<'_>,
) -> Result<Vec<String>> {
    let mut command = snapshot.endpoint().command(&programs.pg_dump)?;
    command.args([
        "--schema-only",
        "--format=custom",
        "--compress=0",
        "--no-sync",
        "--exclude-schema=coalesce",
    ]);
    command
        .arg(format!("--snapshot={}", snapshot.id()))
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
        // A child that has ended already needs no end.
        let _ = killed.lock().unwrap_or_else(PoisonError::into_inner).kill();
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

fn part_of(line: &str) -> Part {
    const LEFT: [&str; 5] = [
        "SCHEMA ",
        "EXTENSION ",
        "COMMENT - SCHEMA ",
        "COMMENT - EXTENSION ",
        "DATABASE ",
    ];
    const APART: [&str; 5] = [
        "PUBLICATION ",
        "EVENT TRIGGER ",
        "DEFAULT ACL ",
        "COMMENT - PUBLICATION ",
        "COMMENT - EVENT TRIGGER ",
    ];
    const SECRET: [&str; 3] = ["USER MAPPING ", "SUBSCRIPTION ", "COMMENT - SUBSCRIPTION "];
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
        ] {
            assert_eq!(part_of(line), part, "{line}");
        }
    }
}
