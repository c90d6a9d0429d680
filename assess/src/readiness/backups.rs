//! Whether each source has a backup that is whole, its own, and fresh.

use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use archive::{Content, Header, SourceKind};
use cli::{Result, duration};
use inventory::Engine;
use jiff::Timestamp;
use postgres::Client;

use super::{Check, ReadyArgs, Subject, Topic};

/// What a look at one backup has shown.
struct Backup {
    path: String,
    header: Header,
    /// Whether the end was reached in time.
    is_whole: bool,
}

pub(super) fn judge(
    subjects: &[Subject<'_>],
    sessions: &mut [Option<Client>],
    args: &ReadyArgs,
) -> Result<Vec<Check>> {
    if args.backup.is_empty() {
        let way_out = "--backup PATH names archives that dump has made";
        return Ok(vec![Check::warns(
            Topic::Backups,
            "nobody looked at any",
            way_out,
        )]);
    }
    let (mut checks, mut backups) = (Vec::new(), Vec::new());
    for path in &args.backup {
        match open(path, args.look_timeout()) {
            Ok(backup) => backups.push(backup),
            Err(failure) => {
                cli::check_interrupt()?;
                let text = format!("{}: {}", path.display(), failure.causes());
                checks.push(Check::fails(Topic::Backups, text, "make it again with dump"));
            }
        }
    }
    let mut used = vec![false; backups.len()];
    for (subject, session) in subjects.iter().zip(sessions) {
        if subject.endpoint.is_none() {
            let text = format!("{}: is an archive itself", subject.name);
            checks.push(Check::holds(Topic::Backups, text));
            continue;
        }
        let own: Vec<usize> = (0..backups.len())
            .filter(|it| is_of(&backups[*it], subject))
            .collect();
        for place in &own {
            used[*place] = true;
        }
        let newest = own
            .iter()
            .max_by_key(|it| &backups[**it].header.source.snapshot_time);
        checks.push(if let Some(place) = newest {
            of_backup(subject, &backups[*place], session.as_mut(), args.backup_age())
        } else {
            let text = format!("{}: none of the backups is of it", subject.name);
            let way_out = format!(
                "dump {} -o BACKUP/",
                cli::shell_word(&subject.source.inventory.endpoint)
            );
            Check::fails(Topic::Backups, text, way_out)
        });
    }
    let unused = backups.iter().zip(used).filter(|(_, used)| !used);
    checks.extend(unused.map(|(it, _)| {
        let text = format!(
            "{} is of {}, which is no source here",
            it.path, it.header.source.database
        );
        Check::warns(Topic::Backups, text, "")
    }));
    Ok(checks)
}

/// A directory's end is read first; a file's is behind all its rows.
fn open(path: &Path, limit: Option<Duration>) -> Result<Backup> {
    let name = path.display().to_string();
    let mut reader = cli::open_archive(&name)?;
    let header = reader.header().clone();
    let backup = |is_whole| Backup {
        path: name.clone(),
        header,
        is_whole,
    };
    if path.is_dir() {
        return Ok(backup(true));
    }
    let begun = Instant::now();
    reader.schema().map_err(cli::Failure::archive)?;
    while reader.next_chunk().map_err(cli::Failure::archive)?.is_some() {
        cli::check_interrupt()?;
        if limit.is_some_and(|it| begun.elapsed() > it) {
            return Ok(backup(false));
        }
        let pass = |body: &mut dyn Read| {
            std::io::copy(body, &mut std::io::sink())
                .map(drop)
                .map_err(|error| error.downcast().unwrap_or_else(archive::Error::from_read))
        };
        reader.chunk_stream(pass).map_err(cli::Failure::archive)?;
    }
    reader.finish().map_err(cli::Failure::archive)?;
    Ok(backup(true))
}

/// Whether it says that it is of this source: its kind and its database's or file's name.
fn is_of(backup: &Backup, subject: &Subject<'_>) -> bool {
    let server = &subject.source.inventory.server;
    let kind = match server.engine {
        Engine::Postgres => SourceKind::PostgreSql,
        Engine::Sqlite => SourceKind::Sqlite,
    };
    backup.header.source.kind == kind && backup.header.source.database == server.database
}

fn of_backup(
    subject: &Subject<'_>,
    backup: &Backup,
    session: Option<&mut Client>,
    age_max: Duration,
) -> Check {
    let (name, path, header) = (subject.name, &backup.path, &backup.header);
    let fails = |text: String| {
        Check::fails(
            Topic::Backups,
            format!("{name}: {path} {text}"),
            "make a new one with dump",
        )
    };
    if header.content != Content::Whole {
        return fails("holds only a part: definitions or rows alone".to_owned());
    }
    if !header.mappings.is_empty() {
        return fails("has been through remap-schema".to_owned());
    }
    if session.is_some_and(|it| is_ahead(it, &header.source.lsn)) {
        return fails("is of another server: it shows a moment that this one has not reached".to_owned());
    }
    let Ok(taken) = header.source.snapshot_time.parse::<Timestamp>() else {
        return fails("does not say when it was made".to_owned());
    };
    let age = Timestamp::now().duration_since(taken).unsigned_abs();
    if age > age_max {
        return fails(format!(
            "is {} old, more than {}",
            duration(age),
            duration(age_max)
        ));
    }
    if !backup.is_whole {
        let text = format!("{name}: {path} was not read to its end in time");
        return Check::warns(Topic::Backups, text, format!("verify --archive {path}"));
    }
    if header.filters.is_empty() && header.row_filters.is_empty() && header.discards.is_empty() {
        let text = format!("{name}: {path} is whole and {} old", duration(age));
        return Check::holds(Topic::Backups, text);
    }
    let text = format!(
        "{name}: {path} is {} old, and leaves out what the plan leaves out",
        duration(age)
    );
    Check::warns(Topic::Backups, text, "keep another backup for the rest")
}

/// Whether the server's log has not come as far as the backup says. What cannot be compared is not ahead.
fn is_ahead(client: &mut Client, lsn: &str) -> bool {
    const AHEAD: &str =
        "SELECT $1::pg_catalog.text::pg_catalog.pg_lsn > CASE WHEN pg_catalog.pg_is_in_recovery()
        THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_lsn() END";
    if lsn.is_empty() {
        return false;
    }
    let answer = client.query_one(AHEAD, &[&lsn]);
    answer.is_ok_and(|row| row.get::<_, Option<bool>>(0).unwrap_or_default())
}
