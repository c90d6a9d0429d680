//! One table with the same rows in SQLite and in PostgreSQL.

use std::fmt::Write as _;

use dialect::{Affinity, Collation, Expression, Scope, ScopeColumn, ValueType, condition, value};
use postgres::{Client, SimpleQueryMessage};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use testkit::{Cluster, Database, TARGET_OWNER};

/// Name, declared type, type on the target, kind of values.
const COLUMNS: [(&str, &str, &str, ValueType); 18] = [
    ("id", "INTEGER PRIMARY KEY", "bigint", ValueType::Integer),
    ("i", "INTEGER", "bigint", ValueType::Integer),
    ("k", "INTEGER NOT NULL", "bigint", ValueType::Integer),
    ("s", "SMALLINT", "smallint", ValueType::SmallInt),
    ("b", "BOOLEAN", "boolean", ValueType::Boolean),
    ("r", "REAL", "double precision", ValueType::Real),
    ("n", "DECIMAL(10,2)", "numeric", ValueType::Numeric),
    ("x", "TEXT", "text", ValueType::Text),
    ("y", "TEXT COLLATE NOCASE", "text", ValueType::Text),
    ("w", "TEXT COLLATE RTRIM", "text", ValueType::Text),
    ("z", "BLOB", "bytea", ValueType::Blob),
    ("d", "DATE", "date", ValueType::Date),
    (
        "t",
        "DATETIME",
        "timestamp without time zone",
        ValueType::Timestamp,
    ),
    ("c", "TIME", "time without time zone", ValueType::Time),
    ("u", "UUID", "uuid", ValueType::Uuid),
    ("j", "JSON", "json", ValueType::Json),
    ("q", "JSONB", "jsonb", ValueType::Jsonb),
    ("m", "DECIMAL(8,3)", "numeric(8,3)", ValueType::Numeric),
];

/// Rows that lie where the databases differ; each column has its own rhythm, so that values meet in many ways.
const VALUES: [(&str, &[&str]); 17] = [
    (
        "i",
        &[
            "1",
            "0",
            "-1",
            "NULL",
            "7",
            "-7",
            "9223372036854775807",
            "-9223372036854775808",
            "9007199254740993",
            "2147483647",
        ],
    ),
    ("k", &["2", "0", "-3", "5", "100", "1", "-1"]),
    ("s", &["3", "32767", "-32768", "NULL", "0"]),
    ("b", &["1", "0", "NULL"]),
    (
        "r",
        &[
            "0.5",
            "-0.5",
            "2.5",
            "1e300",
            "NULL",
            "0.0",
            "-1.5",
            "3.0",
            "1e-300",
            "9e999",
            "0.1",
            "9007199254740993.0",
        ],
    ),
    ("n", &["0.1", "19.99", "3", "NULL", "-2.5", "0", "12345678.9"]),
    (
        "x",
        &[
            "'abc'",
            "'ABC'",
            "''",
            "NULL",
            "'Straße Ünï'",
            "' pad '",
            "'a%b_c\\d'",
            "'12'",
            "'日本語'",
            "'line\nbreak'",
            "'it''s \"q\"'",
            "'A1'",
            "'z9-[]^'",
            "'é'",
            "'Āb'",
        ],
    ),
    ("y", &["'Abc'", "'aBC'", "'É'", "NULL", "'b'", "'_'", "'Z'"]),
    ("w", &["'ab'", "'ab  '", "' ab'", "'AB '", "NULL"]),
    ("z", &["x'00ff'", "x''", "NULL", "x'616263'"]),
    (
        "d",
        &[
            "'2024-02-29'",
            "'1999-12-31'",
            "NULL",
            "'0001-01-01'",
            "'9999-12-31'",
            "'2024-01-31'",
        ],
    ),
    (
        "t",
        &[
            "'2024-02-29 23:59:59'",
            "'1970-01-01 00:00:00'",
            "NULL",
            "'1969-12-31 23:59:59'",
            "'2024-01-31 12:30:05'",
        ],
    ),
    ("c", &["'00:00:00'", "'23:59:59'", "NULL", "'09:05:01'"]),
    (
        "u",
        &[
            "'3f333df6-90a4-4fda-8dd3-9485d27cee36'",
            "NULL",
            "'00000000-0000-0000-0000-000000000000'",
        ],
    ),
    (
        "j",
        &[
            r#"'{"name":"Ann","n":5,"f":1.5,"list":[1,"two",null],"sub":{"a b":"x"},"t":true}'"#,
            r#"'{"name":null,"n":-7,"list":[]}'"#,
            "NULL",
            r#"'[{"name":"in a list"}]'"#,
            r#"'{"name":"\u00e9\n\"","n":0,"n":1}'"#,
            r#"'"text"'"#,
            "'{}'",
            r#"'{"name":"12","n":90000000000000000000,"f":1e999}'"#,
            r#"'{"name":"","n":9223372036854775807,"f":1e-400}'"#,
        ],
    ),
    (
        "q",
        &[
            r#"'{"name":"Bob","n":3,"f":0.25}'"#,
            "NULL",
            r#"'{"n":90000000000000000000,"f":1e400}'"#,
            r#"'[{"name":"abc"},2]'"#,
            r#"'{"name":"é \"q\"","n":-1,"f":-0.0}'"#,
        ],
    ),
    ("m", &["1.125", "-0.5", "NULL", "99999.999", "0", "7"]),
];

const ROWS: usize = 60;

/// Stands for any document.
const DOCUMENT: &str = "a document";

pub(crate) fn scope() -> Scope {
    let columns = COLUMNS.iter().map(|(name, declared, _, value_type)| ScopeColumn {
        table: "v".to_owned(),
        name: (*name).to_owned(),
        sql: (*name).to_owned(),
        value_type: *value_type,
        nullable: !matches!(*name, "id" | "k"),
        collation: Collation::of(declared.split_once(" COLLATE ").map_or("", |(_, it)| it)),
        affinity: Affinity::of(declared.split(' ').next().unwrap_or_default()),
        generated: false,
    });
    Scope {
        columns: columns.collect(),
        utf16: false,
    }
}

fn picked(row: usize) -> Vec<&'static str> {
    VALUES
        .iter()
        .map(|(_, values)| values[row % values.len()])
        .collect()
}

fn file(encoding: &str) -> Connection {
    let file = Connection::open_in_memory().unwrap();
    let columns: Vec<String> = COLUMNS
        .iter()
        .map(|(name, declared, ..)| format!("{name} {declared}"))
        .collect();
    let mut sql = format!(
        "PRAGMA encoding = '{encoding}'; CREATE TABLE v ({}); BEGIN; ",
        columns.join(", ")
    );
    for row in 0..ROWS {
        let _ = write!(
            sql,
            "INSERT INTO v VALUES ({}, {}); ",
            row + 1,
            picked(row).join(", ")
        );
    }
    file.execute_batch(&(sql + "COMMIT")).unwrap();
    file
}

pub(crate) struct Judge {
    sqlite: Connection,
    client: Client,
    _database: Database<'static>,
    faults: Vec<String>,
    compared: usize,
}

impl Judge {
    pub(crate) fn new() -> Judge {
        let database = Cluster::shared().database_owned_by(TARGET_OWNER).unwrap();
        let mut client = database.client(TARGET_OWNER).unwrap();
        let ours: Vec<String> = COLUMNS
            .iter()
            .map(|(name, _, target, _)| format!("{name} {target}"))
            .collect();
        let mut inserts = format!("CREATE TABLE v ({}); ", ours.join(", "));
        for row in 0..ROWS {
            let literals: Vec<String> = VALUES
                .iter()
                .zip(picked(row))
                .map(|((name, _), it)| on_target(name, it))
                .collect();
            let _ = write!(
                inserts,
                "INSERT INTO v VALUES ({}, {}); ",
                row + 1,
                literals.join(", ")
            );
        }
        client.batch_execute(&inserts).unwrap();
        Judge {
            sqlite: file("UTF-8"),
            client,
            _database: database,
            faults: Vec::new(),
            compared: 0,
        }
    }

    /// From now on the file keeps its texts in UTF-16.
    pub(crate) fn turn_to_utf16(&mut self) {
        self.sqlite = file("UTF-16le");
    }

    pub(crate) fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    pub(crate) fn verdict(self) {
        assert!(
            self.faults.is_empty(),
            "{} faults:\n{}",
            self.faults.len(),
            self.faults.join("\n")
        );
    }

    /// Both databases' results, for all rows of which the translation's assumptions are true.
    pub(crate) fn compare(&mut self, expression: &str, translated: &Expression) {
        let mut sure = "1".to_owned();
        for it in &translated.assumptions {
            let _ = write!(sure, " AND coalesce(({}), 1)", it.condition);
        }
        let sql = format!("SELECT id, {expression} FROM v WHERE {sure} ORDER BY id");
        let theirs = match self.theirs(&sql) {
            Ok(it) => it,
            // Where neither calculates it, and where the rows could not be asked, so that it would be left out.
            Err(error) if ["integer overflow", "malformed JSON"].contains(&said(&error).as_str()) => return,
            Err(error) => return self.fault(format!("{expression}: SQLite says {error}: {sql}")),
        };
        if theirs.is_empty() {
            return;
        }
        self.compared += 1;
        let ids: Vec<String> = theirs.iter().map(|(id, _)| id.to_string()).collect();
        let sql = format!(
            "SELECT id, {} FROM v WHERE id IN ({}) ORDER BY id",
            translated.sql,
            ids.join(", ")
        );
        let messages = match self.client.simple_query(&sql) {
            Ok(it) => it,
            Err(error) => {
                let said = error
                    .as_db_error()
                    .map_or_else(|| error.to_string(), |it| it.message().to_owned());
                return self.fault(format!(
                    "{expression}: PostgreSQL says {said}: {}",
                    translated.sql
                ));
            }
        };
        let rows = messages.iter().filter_map(|it| match it {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        for ((id, theirs), row) in theirs.iter().zip(rows) {
            let ours = row.get(1).map(|it| as_sqlite_says(it, translated.value_type));
            let theirs = match (theirs, translated.value_type) {
                // Whether it is an INTEGER or a REAL is not told apart.
                (Some(it), ValueType::Numeric) => Some(format!("{:?}", it.parse::<f64>().unwrap())),
                // It is kept without blanks, and with its members in another order.
                (Some(_), ValueType::Jsonb) => Some(DOCUMENT.to_owned()),
                (it, _) => it.clone(),
            };
            if theirs != ours {
                self.fault(format!(
                    "{expression}: row {id} is {theirs:?}, not {ours:?}: {}",
                    translated.sql
                ));
                return;
            }
        }
    }

    /// The one value that a query on the target gives.
    pub(crate) fn said(&mut self, sql: &str) -> String {
        self.client.query_one(sql, &[]).unwrap().get(0)
    }

    fn theirs(&self, sql: &str) -> rusqlite::Result<Vec<(i64, Option<String>)>> {
        let mut statement = self.sqlite.prepare(sql)?;
        let rows = statement.query_map([], |row| {
            let text = match row.get_ref(1)? {
                ValueRef::Null => None,
                ValueRef::Integer(it) => Some(it.to_string()),
                ValueRef::Real(it) => Some(format!("{it:?}")),
                ValueRef::Text(it) => Some(String::from_utf8_lossy(it).into_owned()),
                ValueRef::Blob(it) => Some(format!("{it:02x?}")),
            };
            Ok((row.get(0)?, text))
        })?;
        rows.collect()
    }

    /// Constraints, generated columns and indexes of all of them, as far as they may stand there.
    pub(crate) fn accept(&mut self, expressions: &[&str]) {
        let conditions = expressions.iter().filter_map(|it| condition(it, &scope()).ok());
        let checks: Vec<String> = conditions.map(|it| format!("CHECK ({})", it.sql)).collect();
        self.make(&format!("CREATE TABLE checked (LIKE v, {})", checks.join(", ")));
        let (mut columns, mut terms) = (Vec::new(), Vec::new());
        for translated in expressions.iter().filter_map(|it| value(it, &scope()).ok()) {
            if translated.immutable && translated.value_type != ValueType::Null {
                let at = columns.len();
                let target = target_of(translated.value_type);
                columns.push(format!(
                    "g{at} {target} GENERATED ALWAYS AS ({}) STORED",
                    translated.sql
                ));
                terms.push(format!("({})", translated.sql));
            }
        }
        self.make(&format!(
            "CREATE TABLE generated (LIKE v, {})",
            columns.join(", ")
        ));
        for terms in terms.chunks(32) {
            self.make(&format!("CREATE INDEX ON checked ({})", terms.join(", ")));
        }
    }

    fn make(&mut self, sql: &str) {
        if let Err(error) = self.client.batch_execute(sql) {
            let error = error.as_db_error().cloned().unwrap();
            let from = match error.position() {
                Some(postgres::error::ErrorPosition::Original(at)) => (*at as usize).saturating_sub(200),
                _ => 0,
            };
            let near: String = sql.chars().skip(from).take(300).collect();
            self.fault(format!("{error} near {near}"));
        }
    }
}

fn said(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    }
}

fn target_of(value_type: ValueType) -> &'static str {
    let column = COLUMNS.iter().skip(1).find(|(_, _, _, it)| *it == value_type);
    column.map_or("text", |(_, _, target, _)| target)
}

/// A literal of SQLite as one of PostgreSQL.
fn on_target(name: &str, literal: &str) -> String {
    match (name, literal) {
        (_, "NULL") => "NULL".to_owned(),
        ("b", it) => (it == "1").to_string(),
        ("r", "9e999") => "'Infinity'".to_owned(),
        ("z", it) => format!("'\\x{}'", it.trim_start_matches('x').trim_matches('\'')),
        (_, it) => it.to_owned(),
    }
}

/// A result of PostgreSQL as SQLite has it.
fn as_sqlite_says(text: &str, value_type: ValueType) -> String {
    match value_type {
        ValueType::Boolean => if text == "t" { "1" } else { "0" }.to_owned(),
        ValueType::Real | ValueType::Numeric => format!("{:?}", text.parse::<f64>().unwrap()),
        ValueType::Blob => {
            let hex = text.trim_start_matches("\\x").as_bytes();
            let bytes: Vec<u8> = hex
                .chunks(2)
                .map(|it| u8::from_str_radix(std::str::from_utf8(it).unwrap(), 16).unwrap())
                .collect();
            format!("{bytes:02x?}")
        }
        ValueType::Jsonb => DOCUMENT.to_owned(),
        _ => text.to_owned(),
    }
}
