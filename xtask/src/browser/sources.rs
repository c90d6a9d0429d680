//! What the pages show: the demonstration's sources, and sources with names that no page expects.

use std::path::PathBuf;

use testkit::fixtures::{MANDIBLE, SQLITE, SSO, Scale};
use testkit::{Cluster, POSTGRES as SUPERUSER, SOURCE_READER, TARGET_OWNER, Tools};

use crate::error::{Error, Result};

/// Tables of the awkward source beside those with awkward names: more than a page of the report holds.
const TABLES: usize = 300;

/// As long as a name can be, without a place to break it.
const LONG: &str = "a_name_of_sixty_three_bytes_without_any_place_where_it_could_br";

/// Names as people would not think of them.
const NAMES: [&str; 6] = [
    "<script>alert(1)</script>",
    "</noscript><img src=x onerror=alert(1)>",
    "quote\"and'apostrophe & ampersand",
    "שלום עולם",
    "turned \u{202e}around",
    LONG,
];

/// Sources to be assessed together, with a target.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) name: &'static str,
    /// As typed.
    words: Vec<String>,
    folder: PathBuf,
    target: &'static str,
}

pub(super) fn demo(cluster: &Cluster) -> Result<Sources> {
    let folder = cluster.folder("demo")?;
    for fixture in [&MANDIBLE, &SSO] {
        fixture.create(cluster, Scale::Full)?;
    }
    let file = SQLITE[0].create(&folder, Scale::Full)?;
    cluster.create_database("shared_app", TARGET_OWNER)?;
    let words = vec![
        MANDIBLE.name().to_owned(),
        SSO.name().to_owned(),
        file.display().to_string(),
    ];
    Ok(Sources {
        name: "demo",
        words,
        folder,
        target: "shared_app",
    })
}

pub(super) fn awkward(cluster: &Cluster) -> Result<Sources> {
    let folder = cluster.folder("awkward")?;
    let database = "awkward<b>";
    cluster.create_database(database, SUPERUSER)?;
    cluster.create_database("taken", TARGET_OWNER)?;
    let mut client = cluster.client(database, SUPERUSER)?;
    let mut sql = String::new();
    for name in NAMES {
        let (table, text) = (quoted(name), name.replace('\'', "''"));
        sql.extend([
            format!("CREATE TABLE {table} (id integer PRIMARY KEY, {table} text DEFAULT '{text}');"),
            format!("COMMENT ON TABLE {table} IS '{text}';"),
            format!(
                "CREATE VIEW {} AS SELECT * FROM {table};",
                quoted(&shortened("v ", name))
            ),
            format!("CREATE SCHEMA {};", quoted(&shortened("s ", name))),
        ]);
    }
    for number in 0..TABLES {
        let parent = number / 4;
        let reference = if number > 0 {
            format!(", parent integer REFERENCES table_{parent} (id)")
        } else {
            String::new()
        };
        sql.extend([format!(
            "CREATE TABLE table_{number} (id integer PRIMARY KEY, {LONG} text NOT NULL{reference});"
        )]);
    }
    client
        .batch_execute(&sql)
        .map_err(|error| Error::Differs(format!("the awkward source: {error}")))?;
    let file = folder.join("awkward's \"file\".sqlite");
    rusqlite::Connection::open(&file)
        .and_then(|it| {
            it.execute_batch(
                "CREATE TABLE \"<b>\" (\"a&b\" TEXT); CREATE TABLE table_1 (id INTEGER PRIMARY KEY)",
            )
        })
        .map_err(|error| Error::Differs(format!("{}: {error}", file.display())))?;
    let words = vec![format!("dbname='{database}'"), file.display().to_string()];
    Ok(Sources {
        name: "awkward",
        words,
        folder,
        target: "taken",
    })
}

impl Sources {
    /// The report as HTML.
    pub(super) fn assess(&self, cluster: &Cluster, tools: &Tools) -> Result<Vec<u8>> {
        let words: Vec<String> = self
            .words
            .iter()
            .map(|it| format!("'{}'", it.replace('\'', r"'\''")))
            .collect();
        let line = format!(
            "assess {} --target 'dbname={} user={TARGET_OWNER}' --format html",
            words.join(" "),
            self.target
        );
        let output = tools
            .shell(&line)
            .current_dir(&self.folder)
            .env("PGHOST", cluster.root())
            .env("PGPORT", "5432")
            .env("PGUSER", SOURCE_READER)
            .run();
        if output.success() {
            Ok(output.stdout().to_vec())
        } else {
            Err(Error::Differs(output.to_string()))
        }
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// With something before it, and no longer than a name can be.
fn shortened(before: &str, name: &str) -> String {
    let mut text = format!("{before}{name}");
    while text.len() > 63 {
        text.pop();
    }
    text
}
