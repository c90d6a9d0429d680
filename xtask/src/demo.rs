//! `cargo xtask demo`: five databases become one, command by command as a user would type them.

use std::path::Path;
use std::time::Instant;

use testkit::fixtures::{MANDIBLE, POSTGRES, SQLITE, SSO, Scale, SqliteFixture, answers, row_counts};
use testkit::{Cluster, POSTGRES as SUPERUSER, SOURCE_READER, TARGET_OWNER, Tools};

use crate::error::{Error, Result};
use crate::metadata::Metadata;
use crate::step::{cargo, run as run_step};
use crate::story::{Story, Telling, grouped};

/// The database that the five become.
const TARGET: &str = "shared_app";

/// One of the five: what a user types for it, and where it goes.
#[derive(Debug)]
struct Source {
    /// A database's name, or a file's.
    endpoint: String,
    schema: &'static str,
    kind: &'static str,
    rows: u64,
}

pub(crate) fn run(keep: bool) -> Result<()> {
    run_step(cargo().args([
        "build",
        "--release",
        "--workspace",
        "--exclude",
        "xtask",
        "--bins",
    ]))?;
    let tools = Tools::at(Metadata::read()?.target.join("release"));
    if let [first, ..] = tools.missing()[..] {
        return Err(Error::Differs(format!(
            "{first} was not built; is its package in the workspace?"
        )));
    }
    let begin = Instant::now();
    let cluster = Cluster::start()?;
    let folder = cluster.folder("files")?;
    let sources = make_sources(&cluster, &folder)?;
    let rows = grouped(sources.iter().map(|it| it.rows).sum());
    let elapsed = begin.elapsed().as_secs_f64();
    println!("\nA throwaway PostgreSQL and five sources with {rows} rows are up in {elapsed:.1} s.");
    let told = tell(&cluster, &sources, &tools, &folder);
    finish(keep, cluster);
    println!("The whole story took {:.1} s.", begin.elapsed().as_secs_f64());
    told
}

fn make_sources(cluster: &Cluster, folder: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for fixture in POSTGRES {
        fixture.create(cluster, Scale::Full)?;
        let counts = row_counts(&mut cluster.client(fixture.name(), SUPERUSER)?)?;
        let rows = counts.iter().map(|(_, rows)| rows).sum();
        let (endpoint, schema) = (fixture.name().to_owned(), fixture.name());
        sources.push(Source {
            endpoint,
            schema,
            kind: "PostgreSQL",
            rows,
        });
    }
    for fixture in SQLITE {
        let path = fixture.create(folder, Scale::Full)?;
        let rows = SqliteFixture::row_counts(&path)?
            .iter()
            .map(|(_, rows)| rows)
            .sum();
        let (endpoint, schema) = (fixture.file_name(), fixture.name());
        sources.push(Source {
            endpoint,
            schema,
            kind: "SQLite",
            rows,
        });
    }
    cluster.create_database(TARGET, TARGET_OWNER)?;
    Ok(sources)
}

fn tell(cluster: &Cluster, sources: &[Source], tools: &Tools, folder: &Path) -> Result<()> {
    let mut story = Story::new(tools, folder);
    story.export("PGHOST", &cluster.root().display().to_string());
    story.export("PGPORT", "5432");
    story.export("PGUSER", SOURCE_READER);
    story.export("TARGET", &format!("dbname={TARGET} user={TARGET_OWNER}"));
    let endpoints: Vec<&str> = sources.iter().map(|it| it.endpoint.as_str()).collect();
    let assess = format!("assess {} --target \"$TARGET\"", endpoints.join(" "));
    story.tell(&Telling::new(
        "What is there, and what would be in the way:",
        &assess,
    ))?;
    for Source {
        endpoint,
        schema,
        kind,
        ..
    } in sources
    {
        let line = format!("dump {endpoint} | remap-schema --to {schema} | load \"$TARGET\"");
        let title = format!("{kind} {endpoint} becomes schema {schema}:");
        story.tell(&Telling::new(&title, &line))?;
    }
    for Source { endpoint, schema, .. } in sources {
        let line = format!("verify {endpoint} \"$TARGET\" --to {schema}");
        let title = format!("Is every row of {endpoint} there, and every object?");
        story.tell(&Telling::new(&title, &line))?;
    }
    prove(cluster)?;
    count(cluster, sources)?;
    print!("{}", table(sources));
    Ok(())
}

/// Asks views and functions the same questions on both sides.
fn prove(cluster: &Cluster) -> Result<()> {
    println!("\n# Views, functions and triggers answer on the target as they do on their source:");
    for fixture in POSTGRES {
        let begin = Instant::now();
        let mut source = cluster.client(fixture.name(), SUPERUSER)?;
        let mut target = cluster.client(TARGET, TARGET_OWNER)?;
        let target_path = fixture.target_path(fixture.name());
        let probes: Vec<&str> = fixture
            .probes()
            .into_iter()
            .chain(fixture.trigger_probes())
            .collect();
        for probe in &probes {
            let expected = answers(&mut source, &fixture.source_path(), probe)?;
            let found = answers(&mut target, &target_path, probe)?;
            if expected != found {
                let (name, expected, found) = (fixture.name(), expected.join("\n  "), found.join("\n  "));
                let what =
                    format!("{name} answers otherwise on the target: {probe}\n  {expected}\nbut\n  {found}");
                return Err(Error::Differs(what));
            }
        }
        let (count, name, seconds) = (probes.len(), fixture.name(), begin.elapsed().as_secs_f64());
        println!("{count} questions to {name}, the same answers ({seconds:.1} s)");
    }
    for (fixture, question) in [
        (
            &MANDIBLE,
            "SELECT email, revenue FROM best_customers ORDER BY revenue DESC, email LIMIT 1",
        ),
        (&SSO, "SELECT sessions_of('PERSON.3@one.example')"),
    ] {
        let mut target = cluster.client(TARGET, TARGET_OWNER)?;
        let answer = answers(&mut target, &fixture.target_path(fixture.name()), question)?;
        println!(
            "for example {}: {question}\n  {}",
            fixture.name(),
            answer.join("\n  ")
        );
    }
    Ok(())
}

/// Counts the target's rows without any tool of ours.
fn count(cluster: &Cluster, sources: &[Source]) -> Result<()> {
    let counts = row_counts(&mut cluster.client(TARGET, SUPERUSER)?)?;
    for Source {
        endpoint,
        schema,
        rows,
        ..
    } in sources
    {
        let is_ours = |table: &str| {
            let place = table.split('.').next().unwrap_or_default();
            place
                .strip_prefix(schema)
                .is_some_and(|it| it.is_empty() || it.starts_with('_'))
        };
        let found: u64 = counts
            .iter()
            .filter(|(table, _)| is_ours(table))
            .map(|(_, rows)| rows)
            .sum();
        if found != *rows {
            let what = format!("{endpoint} has {rows} rows, schema {schema} on the target {found}");
            return Err(Error::Differs(what));
        }
    }
    Ok(())
}

fn table(sources: &[Source]) -> String {
    let heading = format!(
        "
{:<20} {:<12} {:<14} {:>9}
",
        "SOURCE", "KIND", "TARGET SCHEMA", "ROWS"
    );
    let lines = sources.iter().map(
        |Source {
             endpoint,
             schema,
             kind,
             rows,
         }| {
            format!(
                "{endpoint:<20} {kind:<12} {schema:<14} {:>9}  identical
",
                grouped(*rows)
            )
        },
    );
    std::iter::once(heading).chain(lines).collect()
}

fn finish(keep: bool, cluster: Cluster) {
    if !keep {
        println!("\nWith --keep the server would stay, to look into the result.");
        return;
    }
    let psql = cluster.conninfo(TARGET, TARGET_OWNER);
    let (_, stop) = cluster.keep();
    println!("\nLook into the result:  psql '{psql}'");
    println!("End it:                {stop}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_sources_hold_what_the_story_promises() {
        let cluster = Cluster::start().unwrap();
        let sources = make_sources(&cluster, &cluster.folder("files").unwrap()).unwrap();
        let endpoints: Vec<&str> = sources.iter().map(|it| it.endpoint.as_str()).collect();
        assert_eq!(
            endpoints,
            ["mandible", "sso", "spaces", "shop.sqlite", "analytics.sqlite"]
        );
        let rows: u64 = sources.iter().map(|it| it.rows).sum();
        assert!((180_000..250_000).contains(&rows), "{rows}");
        assert!(cluster.client(TARGET, TARGET_OWNER).is_ok());
        for source in &sources {
            assert!(table(&sources).contains(&grouped(source.rows)));
        }
    }

    #[test]
    fn tools_that_do_nothing_are_not_believed() {
        use std::os::unix::fs::PermissionsExt;
        let cluster = Cluster::start().unwrap();
        let folder = cluster.folder("files").unwrap();
        let sources = make_sources(&cluster, &folder).unwrap();
        for tool in testkit::TOOLS {
            let path = folder.join(tool);
            std::fs::write(&path, "#!/bin/sh\nexit 0\n").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        assert!(tell(&cluster, &sources, &Tools::at(&folder), &folder).is_err());
    }
}
