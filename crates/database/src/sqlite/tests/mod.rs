//! Facts about whole files: what becomes of a SQLite database, from its definition to the rows.

mod access;
mod choices;
mod keys;
mod loaded;
mod names;
mod programs;
mod text_search;
mod types;

use std::ops::ControlFlow;
use std::path::Path;

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::ErrorKind;

/// A source made by `sql`, in a folder that must outlive it.
fn source(sql: &str) -> (SqliteSource, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source.sqlite");
    make(&path, sql);
    (SqliteSource::open(&path).unwrap(), folder)
}

fn make(path: &Path, sql: &str) {
    Connection::open(path)
        .unwrap()
        .execute_batch(&format!(
            "PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; {sql}"
        ))
        .unwrap();
}

/// The texts of all rows that reach the target.
pub(super) fn rows(source: &SqliteSource, table: &Table) -> Vec<Vec<Option<String>>> {
    let mut texts = Vec::new();
    let places = table.stored_places();
    rows::scan(source.connection(), table, &places, None, &mut |row| {
        let mut fields = Vec::new();
        for &place in &places {
            let mut text = Vec::new();
            let rule = table.rule(place);
            let taken = rule.take(row.get_ref(place).unwrap(), &mut text, TargetType::write);
            match taken.unwrap() {
                Taken::Rejected => return Ok(ControlFlow::Continue(())),
                Taken::Null => fields.push(None),
                Taken::Value => fields.push(Some(String::from_utf8(text).unwrap())),
            }
        }
        texts.push(fields);
        Ok(ControlFlow::Continue(()))
    })
    .unwrap();
    texts
}

#[test]
fn note_names_column_count_and_rows() {
    let (source, _folder) =
        source("CREATE TABLE t (d DATE); INSERT INTO t(rowid, d) VALUES (7, 'x'), (9, '2024-01-01')");
    let notes = source.inspect(&Choices::default()).unwrap().notes;
    assert_eq!(
        notes[0].to_string(),
        "t.d: 1 of 2 values do not fit date (rowid 7): becomes text"
    );
}

#[test]
fn text_that_postgresql_refuses_stops_with_column_and_row() {
    for value in [
        "'a' || char(0)",
        "CAST(x'636166e9' AS TEXT)",
        "CAST(x'eda080' AS TEXT)",
    ] {
        let (source, _folder) = source(&format!(
            "CREATE TABLE t (a, b TEXT); INSERT INTO t(rowid, b) VALUES (3, 'ok'), (17, {value})"
        ));
        let error = source.inspect(&Choices::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(
            error.to_string().contains("t.b") && error.to_string().contains("rowid 17"),
            "{error}"
        );
        assert!(error.hint().is_some());
    }
}

#[test]
fn names_that_postgresql_refuses_are_all_listed() {
    let long = "x".repeat(64);
    let (source, _folder) = source(&format!(
        "CREATE TABLE a (\"{long}\" INT); CREATE TABLE b (ctid INT, \"\" INT)"
    ));
    assert_eq!(
        source.survey(&Choices::default()).unwrap().blockers,
        [
            Blocker::LongName {
                object: format!("column a.{long}")
            },
            Blocker::SystemColumn {
                column: "b.ctid".to_owned()
            },
            Blocker::EmptyName {
                table: "column b.".to_owned()
            },
        ]
    );
    assert!(source.inspect(&Choices::default()).is_err());
}

#[test]
fn sequences_go_on_where_the_source_stopped() {
    let (source, _folder) = source(
        "CREATE TABLE empty (id INTEGER PRIMARY KEY);
         CREATE TABLE negative (id INTEGER PRIMARY KEY); INSERT INTO negative VALUES (-3);
         CREATE TABLE plain (id INTEGER PRIMARY KEY); INSERT INTO plain VALUES (4), (9);
         CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT);
         INSERT INTO counted VALUES (100); DELETE FROM counted; INSERT INTO counted VALUES (5)",
    );
    let sequences = source.inspect(&Choices::default()).unwrap().catalog.sequences;
    let values: Vec<_> = sequences
        .iter()
        .map(|it| (it.name.as_str(), it.last_value, it.is_called))
        .collect();
    assert_eq!(
        values,
        [
            ("counted_id_seq", 100, true),
            ("empty_id_seq", 1, false),
            ("negative_id_seq", 1, false),
            ("plain_id_seq", 9, true),
        ]
    );
}

#[test]
fn keys_that_the_rows_break_are_weakened_and_noted() {
    let check = |sql: &str, present: &str, absent: &str| {
        let (source, _folder) = source(sql);
        let choices = Choices {
            orphans: Orphans::Keep,
            ..Choices::default()
        };
        let inspection = source.inspect(&choices).unwrap();
        assert!(
            inspection.post_data.contains(present),
            "{sql}: {}",
            inspection.post_data
        );
        assert!(
            !inspection.post_data.contains(absent),
            "{sql}: {}",
            inspection.post_data
        );
        assert!(
            inspection.notes.iter().any(|it| it.kind == NoteKind::Constraint),
            "{sql}"
        );
    };
    check(
        "CREATE TABLE t (a TEXT PRIMARY KEY); INSERT INTO t VALUES (NULL), ('x')",
        "ADD CONSTRAINT t_a_key UNIQUE (a)",
        "PRIMARY KEY",
    );
    check(
        "CREATE TABLE t (a UNIQUE, b INTEGER PRIMARY KEY); INSERT INTO t(a) VALUES (1), ('1')",
        "PRIMARY KEY (b)",
        "UNIQUE",
    );
    check(
        "CREATE TABLE t (a UUID PRIMARY KEY, b INT UNIQUE);
         INSERT INTO t(a) VALUES ('3f333df6-90a4-4fda-8dd3-9485d27cee36'), ('3F333DF690A44FDA8DD39485D27CEE36')",
        "t_b_key",
        "PRIMARY KEY",
    );
    check(
        "CREATE TABLE p (a INTEGER PRIMARY KEY); CREATE TABLE t (a INT REFERENCES p); INSERT INTO t VALUES (1)",
        "FOREIGN KEY (a) REFERENCES public.p(a) NOT VALID",
        "DEFERRABLE",
    );
    check(
        "CREATE TABLE p (a INTEGER PRIMARY KEY, b INT); CREATE TABLE t (a INT REFERENCES p(b), b INT REFERENCES gone)",
        "p_pkey",
        "FOREIGN KEY",
    );
    check(
        "CREATE TABLE t (a TEXT UNIQUE, b INT UNIQUE); INSERT INTO t(a) VALUES (hex(zeroblob(2000)))",
        "t_b_key",
        "t_a_key",
    );
    check(
        "CREATE TABLE t (a REAL, b REAL UNIQUE); CREATE INDEX i ON t (round(a, 2)); CREATE INDEX j ON t (a) WHERE round(b, 2) > 1",
        "t_b_key",
        "CREATE INDEX",
    );
}

#[test]
fn foreign_key_with_all_its_parents_is_valid() {
    let (source, _folder) = source(
        "CREATE TABLE p (code DECIMAL(4,2) PRIMARY KEY); INSERT INTO p VALUES (1.5);
         CREATE TABLE t (code NUMERIC REFERENCES P(Code) ON DELETE CASCADE); INSERT INTO t VALUES (1.5), (NULL)",
    );
    let inspection = source.inspect(&Choices::default()).unwrap();
    let expected =
        "ADD CONSTRAINT t_code_fkey FOREIGN KEY (code) REFERENCES public.p(code) ON DELETE CASCADE;";
    assert!(
        inspection.post_data.contains(expected),
        "{}",
        inspection.post_data
    );
    assert_eq!(inspection.notes, []);
}

#[test]
fn definition_is_written_as_pg_dump_writes_it() {
    let (source, _folder) = source(
        "CREATE TABLE \"Order\" (Id INTEGER PRIMARY KEY, note TEXT NOT NULL DEFAULT 'it''s', at DATETIME);
         CREATE INDEX by_at ON \"Order\" (at DESC, note) WHERE at IS NOT NULL",
    );
    let inspection = source.inspect(&Choices::default()).unwrap();
    assert_eq!(
        inspection.pre_data,
        "CREATE TABLE public.\"Order\" (\n    \"Id\" bigint NOT NULL,\n    note text DEFAULT 'it''s'::text NOT NULL,\n    \
         at timestamp without time zone\n);\n\n\
         ALTER TABLE public.\"Order\" ALTER COLUMN \"Id\" ADD GENERATED BY DEFAULT AS IDENTITY (\n    \
         SEQUENCE NAME public.\"Order_Id_seq\"\n    START WITH 1\n    INCREMENT BY 1\n    NO MINVALUE\n    \
         NO MAXVALUE\n    CACHE 1\n);\n\n"
    );
    assert_eq!(
        inspection.post_data,
        "ALTER TABLE ONLY public.\"Order\"\n    ADD CONSTRAINT \"Order_pkey\" PRIMARY KEY (\"Id\");\n\n\
         CREATE INDEX by_at ON public.\"Order\" USING btree (at DESC, note) WHERE (at IS NOT NULL);\n\n"
    );
}

#[test]
fn catalog_and_schema_number_tables_alike() {
    let (source, _folder) = source(
        "CREATE TABLE b (x INT); CREATE TABLE \"B2\" (x INT NOT NULL, y REAL, PRIMARY KEY (y, x)) WITHOUT ROWID;
         CREATE TABLE a (id INTEGER PRIMARY KEY) STRICT; CREATE VIEW v AS SELECT 1; INSERT INTO b VALUES (1), (2)",
    );
    let inspection = source.inspect(&Choices::default()).unwrap();
    let tables = &inspection.catalog.tables;
    assert_eq!(
        tables
            .iter()
            .map(|it| (it.number, it.name.as_str()))
            .collect::<Vec<_>>(),
        [(0, "B2"), (1, "a"), (2, "b")]
    );
    assert!(
        inspection
            .schema
            .tables
            .iter()
            .zip(tables)
            .all(|(own, other)| own.name == other.name)
    );
    assert_eq!(tables[0].primary_key, ["y", "x"]);
    assert!(tables[0].columns.iter().all(|it| it.not_null));
    assert_eq!(
        tables[1].columns[0].identity,
        Some(catalog::IdentityKind::ByDefault)
    );
    assert_eq!(tables[2].rows_estimate, Some(2));
}

#[test]
fn row_without_rowid_is_named_by_its_key() {
    let (source, _folder) = source(
        "CREATE TABLE t (a INT, b TEXT, d DATE, PRIMARY KEY (a, b)) WITHOUT ROWID; INSERT INTO t VALUES (2, 'north', 'x')",
    );
    assert_eq!(
        source.inspect(&Choices::default()).unwrap().notes[0].to_string(),
        "t.d: 1 of 1 values do not fit date (key (2, north)): becomes text"
    );
}

#[test]
fn columns_that_hide_the_rowid_are_read() {
    let (source, _folder) =
        source("CREATE TABLE t (rowid TEXT, _rowid_ DATE, oid INT); INSERT INTO t VALUES ('r', 'x', 1)");
    let inspection = source.inspect(&Choices::default()).unwrap();
    assert_eq!(
        inspection.notes[0].text,
        "1 of 1 values do not fit date (row 1): becomes text"
    );
    let texts = rows(&source, &inspection.schema.tables[0]);
    assert_eq!(
        texts,
        [[Some("r".to_owned()), Some("x".to_owned()), Some("1".to_owned())]]
    );
}

#[test]
fn generated_columns_are_calculated_by_the_target_or_keep_their_values() {
    let (source, _folder) = source(
        "CREATE TABLE t (a INT, b TEXT AS (round(a, 2)) STORED, c TEXT AS (b || '!') VIRTUAL, d INT AS (a * 2) STORED,
         e AS (a / 2)); INSERT INTO t VALUES (2)",
    );
    let inspection = source.inspect(&Choices::default()).unwrap();
    let texts = rows(&source, &inspection.schema.tables[0]);
    assert_eq!(
        texts,
        [[
            Some("2".to_owned()),
            Some("2.0".to_owned()),
            Some("2.0!".to_owned())
        ]]
    );
    assert_eq!(
        inspection
            .notes
            .iter()
            .filter(|it| it.kind == NoteKind::Generated)
            .count(),
        2
    );
    for sql in [
        "d bigint GENERATED ALWAYS AS (a * '2'::bigint) STORED",
        "e bigint GENERATED ALWAYS AS (a / '2'::bigint) STORED",
    ] {
        assert!(inspection.pre_data.contains(sql), "{}", inspection.pre_data);
    }
    let generated: Vec<bool> = inspection.catalog.tables[0]
        .columns
        .iter()
        .map(|it| it.generated.is_some())
        .collect();
    assert_eq!(generated, [false, false, false, true, true]);
}

#[test]
fn rows_that_break_what_a_translation_takes_for_granted_are_counted() {
    let check = |sql: &str, expected: &str| {
        let (source, _folder) = source(sql);
        let notes = source.inspect(&Choices::default()).unwrap().notes;
        let texts: Vec<String> = notes.iter().map(ToString::to_string).collect();
        assert!(texts.iter().any(|it| it.contains(expected)), "{sql}: {texts:#?}");
    };
    check(
        "CREATE TABLE t (a BOOLEAN CHECK (a IN (0, 1, 'true'))); INSERT INTO t VALUES ('true'), (1)",
        "SQLite and PostgreSQL do not treat the types",
    );
    check(
        "CREATE TABLE t (a BOOLEAN CHECK (a <> 5)); INSERT INTO t VALUES ('true'), (1)",
        "CHECK constraint (a <> 5) is left out: 1 row holds a word instead of 0 or 1 in a",
    );
    check(
        "CREATE TABLE t (a INT CHECK (a * 2 <> 5)); INSERT INTO t VALUES (9223372036854775807), (1)",
        "1 row holds numbers for which a * 2 exceeds 64 bits",
    );
    check(
        "CREATE TABLE t (d DATE); CREATE INDEX i ON t (d) WHERE d > '2020-01-01'; INSERT INTO t VALUES ('2024-01-01 00:00:00')",
        "1 row holds more than a date in d",
    );
    check(
        "PRAGMA ignore_check_constraints = ON; CREATE TABLE t (a INT CONSTRAINT c CHECK (a > 0) CONSTRAINT c CHECK (a < 9));
         INSERT INTO t VALUES (-1), (1)",
        "t: 1 row breaks the CHECK constraint c (a > 0): becomes NOT VALID",
    );
}

#[test]
fn what_only_looks_alike_on_the_target_is_left_out() {
    let nested = |depth: usize| format!("{}a > 0{}", "(".repeat(depth), ")".repeat(depth));
    let (deep, deeper) = (nested(90).replace('a', "n"), nested(2_000));
    let (source, _folder) = source(&format!(
        "CREATE TABLE d (id INTEGER PRIMARY KEY, j JSONB, d DATE CONSTRAINT day CHECK (date(d) = d), t TIME CHECK (time(t) IS t),
             n INT NOT NULL, s INT DEFAULT (strftime('%s', 'now')), m INT AS (max(n, 3)), CHECK ({deep}));
         CREATE UNIQUE INDEX same ON d (coalesce(j, '{{}}')); CREATE UNIQUE INDEX alike ON d (iif(n, j, j)) WHERE j IS NOT NULL;
         CREATE INDEX apart ON d (j ->> 'a');
         CREATE TABLE deeper (a INT CHECK ({deeper})); CREATE VIEW w AS SELECT {deeper} FROM deeper;
         CREATE TRIGGER g AFTER INSERT ON deeper WHEN {deeper} BEGIN DELETE FROM d; END;
         INSERT INTO d (j, d, t, n) VALUES ('{{\"a\":\"x\"}}', '2024-02-29', '10:00:00', 1), ('{{\"a\": \"x\"}}', NULL, NULL, 2);
         PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'INT NOT NULL', 'INT') WHERE name = 'd';
         PRAGMA writable_schema = RESET; UPDATE d SET n = NULL WHERE id = 1;
         PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'n INT', 'n INT NOT NULL') WHERE name = 'd'",
    ));
    let inspection = source.inspect(&Choices::default()).unwrap();
    let notes: Vec<String> = inspection.notes.iter().map(ToString::to_string).collect();
    for expected in [
        "d: CHECK constraint day (date (d) = d) is left out: the type of d says the same",
        "same: the unique index on d is left out",
        "alike: the unique index on d is left out",
        "it is nested too deeply",
        "w: the view is left out",
        "g: the trigger is left out",
    ] {
        assert!(
            notes
                .iter()
                .any(|it| it.starts_with(expected) || it.contains(expected)),
            "{expected}: {notes:#?}"
        );
    }
    assert!(
        inspection.post_data.contains("CREATE INDEX apart"),
        "{}",
        inspection.post_data
    );
    // `time` drops parts of a second, which the type takes.
    assert!(
        inspection
            .pre_data
            .contains("::time without time zone IS NOT DISTINCT FROM t"),
        "{}",
        inspection.pre_data
    );
    // NULL stands in the column, whatever its definition says.
    assert!(
        inspection.pre_data.contains("WHEN n IS NULL THEN NULL"),
        "{}",
        inspection.pre_data
    );
    assert!(
        inspection
            .pre_data
            .contains("s bigint DEFAULT floor(EXTRACT(epoch"),
        "{}",
        inspection.pre_data
    );
}

#[test]
fn what_has_no_counterpart_stays_behind_with_a_note() {
    let (source, _folder) = source(
        "CREATE VIRTUAL TABLE f USING fts5(x); CREATE TABLE t (a REAL CHECK (round(a, 2) > 0)); CREATE VIEW v AS SELECT * FROM gone;
         CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT RAISE(ABORT, a) FROM f; END; CREATE VIEW \"a\nb\" AS SELECT our(1);
         CREATE VIEW kept AS SELECT a FROM t; CREATE TRIGGER h AFTER INSERT ON t BEGIN SELECT 1; END",
    );
    let inspection = source.inspect(&Choices::default()).unwrap();
    assert_eq!(inspection.schema.tables.len(), 1);
    assert_eq!(inspection.catalog.count(catalog::ObjectKind::View), 1);
    assert_eq!(inspection.catalog.count(catalog::ObjectKind::Trigger), 1);
    for name in ["f", "t", "v", "g", "a\nb"] {
        assert!(inspection.notes.iter().any(|it| it.object == name), "{name}");
    }
    // A name with a line's end must not end the comment that it stands in.
    let mut lines = inspection
        .post_data
        .lines()
        .skip_while(|line| !line.starts_with("--"));
    assert!(lines.all(|line| line.is_empty() || line.starts_with("--")));
}
