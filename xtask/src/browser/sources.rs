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
    /// Everything else on the command line.
    options: String,
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
        options: target("shared_app"),
    })
}

/// A plan with costs, merged tables and two targets, and whether it can begin. Needs the sources of [`demo`].
pub(super) fn two_targets(cluster: &Cluster) -> Result<Sources> {
    const SHOP: &str = "
        CREATE TABLE customers (id integer PRIMARY KEY, email text UNIQUE, name text NOT NULL, made_at timestamptz);
        CREATE TABLE orders (id bigint PRIMARY KEY, customer integer REFERENCES customers (id), total numeric(12, 2));
        CREATE TABLE settings (key text PRIMARY KEY, value text);
        INSERT INTO customers SELECT n, 'c' || n || '@example.org', 'Customer ' || n, now() FROM generate_series(1, 500) n;
        INSERT INTO orders SELECT n, 1 + n % 500, n * 1.5 FROM generate_series(1, 3000) n;
        INSERT INTO settings VALUES ('currency', 'EUR'), ('region', current_database())";
    let folder = cluster.folder("two_targets")?;
    for name in ["shop_north", "shop_south"] {
        cluster.create_database(name, SUPERUSER)?;
        let mut client = cluster.client(name, SUPERUSER)?;
        client
            .batch_execute(SHOP)
            .map_err(|error| Error::Differs(format!("{name}: {error}")))?;
    }
    for name in ["shops", "people"] {
        cluster.create_database(name, TARGET_OWNER)?;
    }
    let words = ["shop_north", "shop_south", SSO.name()].map(str::to_owned);
    let goes = "--to-target shop_north=trade --to-target shop_south=trade --to-target sso=identity";
    let costs =
        "--cost shop_north=48.50 --cost shop_south=48.50 --cost sso=120 --cost trade=72 --cost identity=65.5";
    Ok(Sources {
        name: "two-targets",
        words: words.to_vec(),
        folder,
        options: format!(
            "{} {} {goes} {costs} --layout merge --into app --ready",
            target_called("trade=", "shops"),
            target_called("identity=", "people")
        ),
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
        options: target("taken"),
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
        let line = format!("assess {} {} --format html", words.join(" "), self.options);
        let output = tools
            .shell(&line)
            .current_dir(&self.folder)
            .env("PGHOST", cluster.root())
            .env("PGPORT", "5432")
            .env("PGUSER", SOURCE_READER)
            .run();
        // 1: --ready, and something is in the way.
        if matches!(output.code(), Some(0 | 1)) && output.stdout().starts_with(b"<!DOCTYPE html>") {
            Ok(output.stdout().to_vec())
        } else {
            Err(Error::Differs(output.to_string()))
        }
    }
}

fn target(database: &str) -> String {
    target_called("", database)
}

/// `name` as `trade=`, or nothing.
fn target_called(name: &str, database: &str) -> String {
    format!("--target '{name}dbname={database} user={TARGET_OWNER}'")
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
