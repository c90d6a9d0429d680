//! Facts about virtual tables.

use super::*;

const SEARCH: &str = "
    CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT, body TEXT, n INT, at DATE);
    INSERT INTO post VALUES (1, 'One', 'the quick brown fox', 1, '2024-01-01');
    CREATE VIRTUAL TABLE note USING fts5(title, body, extra UNINDEXED, tokenize = 'porter unicode61');
    INSERT INTO note(rowid, title, body, extra) VALUES (7, 'First', 'jumping dogs', 'e'), (9, NULL, 'x', NULL);
    CREATE VIRTUAL TABLE old USING fts4(words, notindexed=words2, words2); INSERT INTO old VALUES ('a b', 'c');
    CREATE VIRTUAL TABLE post_search USING fts5(title, n, at, content='Post', content_rowid='id');
    CREATE VIRTUAL TABLE barren USING fts5(a, content='');
    CREATE VIRTUAL TABLE lost USING fts5(a, content='gone');
    CREATE VIRTUAL TABLE box USING rtree(id, x0, x1); INSERT INTO box VALUES (3, -1.5, 2)";

fn full_text(full_text: FullText) -> Choices {
    Choices {
        full_text,
        ..Choices::default()
    }
}

// Fault 48.
#[test]
fn full_text_tables_become_plain_ones_with_an_index_by_choice() {
    let (source, _folder) = source(SEARCH);
    let inspection = source.inspect(&full_text(FullText::TsVector)).unwrap();
    let names: Vec<&str> = inspection
        .schema
        .tables
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(names, ["box", "note", "old", "post"]);
    for expected in [
        "CREATE TABLE public.note (\n    rowid bigint NOT NULL,\n    title text,\n    body text,\n    extra text,\n    \
         tsv tsvector GENERATED ALWAYS AS (pg_catalog.to_tsvector('pg_catalog.english'::pg_catalog.regconfig, \
         (COALESCE(title, ''::text) || ' '::text || COALESCE(body, ''::text)))) STORED\n);",
        "'pg_catalog.simple'::pg_catalog.regconfig, (COALESCE(words, ''::text)))) STORED",
    ] {
        assert!(inspection.pre_data.contains(expected), "{}", inspection.pre_data);
    }
    for expected in [
        "CREATE INDEX note_tsv_idx ON public.note USING gin (tsv);",
        "CREATE INDEX post_search ON public.post USING gin (pg_catalog.to_tsvector('pg_catalog.simple'::pg_catalog.regconfig, \
         (COALESCE(title, ''::text) || ' '::text || COALESCE((n)::text, ''::text))));",
        "ADD CONSTRAINT box_pkey PRIMARY KEY (id);",
    ] {
        assert!(
            inspection.post_data.contains(expected),
            "{}",
            inspection.post_data
        );
    }
    let notes: Vec<String> = inspection.notes.iter().map(ToString::to_string).collect();
    for expected in [
        "barren: the contentless full-text table is left out",
        "lost: the full-text table is left out: its content gone is no table",
        "post.at: is date and no part of its full-text index",
        "text search configuration english",
    ] {
        assert!(
            notes.iter().any(|it| it.contains(expected)),
            "{expected}: {notes:?}"
        );
    }
    let renamed = Choices {
        full_text: FullText::TsVector,
        renames: vec![super::names::rename("note", Some("extra"), "tsv")],
        ..Choices::default()
    };
    let renamed = source.inspect(&renamed).unwrap().pre_data;
    assert!(
        renamed.contains("    tsv text,\n    tsv_ tsvector GENERATED"),
        "{renamed}"
    );
    let note = &inspection.schema.tables[1];
    assert_eq!(rows(&source, note)[0][0].as_deref(), Some("7"));
    let columns = &inspection.catalog.tables[1].columns;
    assert!(columns.last().unwrap().generated.is_some());
    let sequence = inspection
        .catalog
        .sequences
        .iter()
        .find(|it| it.name == "note_rowid_seq");
    assert_eq!(sequence.unwrap().last_value, 9);
}

// Fault 48.
#[test]
fn virtual_tables_are_left_out_by_name() {
    let (source, _folder) = source(SEARCH);
    let inspection = source.inspect(&Choices::default()).unwrap();
    let names: Vec<&str> = inspection
        .schema
        .tables
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(names, ["box", "post"]);
    for name in ["note", "old", "post_search", "barren", "lost"] {
        assert!(inspection.notes.iter().any(|it| it.object == name), "{name}");
    }
    let notes: Vec<String> = inspection.notes.iter().map(ToString::to_string).collect();
    let shadows: Vec<_> = notes.iter().filter(|it| it.contains("shadow tables")).collect();
    assert!(
        shadows[0].starts_with("barren: its shadow tables are left out: barren_config, barren_d"),
        "{shadows:?}"
    );
    assert!(
        shadows.contains(&&"box: its shadow tables are left out: box_node, box_parent, box_rowid".to_owned()),
        "{shadows:?}"
    );
    assert!(!notes.iter().any(|it| it.contains("definition")), "{notes:?}");
}

#[test]
fn text_that_no_vector_could_hold_has_no_index() {
    let (source, _folder) = source(
        "CREATE VIRTUAL TABLE t USING fts5(a); INSERT INTO t VALUES (replace(hex(zeroblob(150000)), '0', 'w '))",
    );
    let inspection = source.inspect(&full_text(FullText::TsVector)).unwrap();
    assert!(
        !inspection.pre_data.contains("tsvector"),
        "{}",
        inspection.pre_data
    );
    assert!(inspection.notes.iter().any(|it| it.text.contains("1 MiB")));
}

// Fault 48.
#[test]
fn a_module_that_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source.sqlite");
    make(
        &path,
        "CREATE TABLE t (a INT); INSERT INTO t VALUES (1); PRAGMA writable_schema = ON;
         INSERT INTO sqlite_schema VALUES ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING sorcery(x)')",
    );
    let source = SqliteSource::open(&path).unwrap();
    let inspection = source.inspect(&full_text(FullText::TsVector)).unwrap();
    assert_eq!(inspection.schema.tables.len(), 1);
    assert_eq!(
        inspection
            .notes
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["v: the virtual table of module sorcery is left out"]
    );
}

#[test]
fn vectors_get_a_name_that_no_column_has() {
    let (source, _folder) = source(SEARCH);
    let mut choices = full_text(FullText::TsVector);
    choices.renames = vec![Rename {
        table: "note".to_owned(),
        column: Some("title".to_owned()),
        new_name: "tsv".to_owned(),
    }];
    let inspection = source.inspect(&choices).unwrap();
    for expected in ["    tsv text,", "    tsv_ tsvector GENERATED ALWAYS AS"] {
        assert!(inspection.pre_data.contains(expected), "{}", inspection.pre_data);
    }
    assert!(
        inspection.post_data.contains("ON public.note USING gin (tsv_)"),
        "{}",
        inspection.post_data
    );
}
