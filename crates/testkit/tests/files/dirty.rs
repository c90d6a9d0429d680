//! A file with everything that SQLite lets in, where the data is there: each part of it has its fate, row by row.

use std::collections::BTreeMap;

use testkit::TablePair;
use testkit::data::SqliteData;
use testkit::fixtures::SqliteFixture;

use super::Lab;

const LONG_1: &str = "a_table_name_that_is_much_longer_than_the_sixty_three_bytes_postgresql_allows_1";
const LONG_2: &str = "a_table_name_that_is_much_longer_than_the_sixty_three_bytes_postgresql_allows_2";
const COLUMN_1: &str = "a_column_name_that_is_much_longer_than_the_sixty_three_bytes_postgresql_allows_1";
const COLUMN_2: &str = "a_column_name_that_is_much_longer_than_the_sixty_three_bytes_postgresql_allows_2";

/// Texts that no text of PostgreSQL can hold, and the blob among them.
const BAD_TEXTS: &str = "id < 9 OR id = 24";

// Fault 44.
#[test]
fn a_dirty_file_arrives_with_a_fate_for_each_row() {
    let folder = tempfile::tempdir().unwrap();
    let Ok(path) = SqliteData::Dirty.file(folder.path()) else {
        return;
    };
    let lab = Lab::new(folder.path());
    let blocked = lab.run("assess \"$FILE\" --ready", &path);
    // All at once, and beside what is there.
    let said = blocked.assert_code(1).stdout_text();
    for blocker in [
        "8 values of texts.v hold a NUL or are not UTF-8",
        "row of child (parent_id) has no parent",
        "select.ctid has the name of a system column",
        "column Ünïcode ☃. has no name",
        "the name of table a_table_name_that_is_much",
    ] {
        assert!(said.contains(blocker), "no `{blocker}`\n{blocked}");
    }
    let counted = said.lines().nth(1).unwrap().split_whitespace();
    assert_eq!(counted.skip(3).take(2).collect::<Vec<_>>(), ["29", "102"]);

    let choices = format!(
        "--on-bad-value text-column --orphans keep --rename {LONG_1}=long_1 --rename {LONG_2}=long_2 \
         --rename {LONG_1}.{COLUMN_1}=c1 --rename {LONG_1}.{COLUMN_2}=c2 --rename select.ctid=ctid_ \
         --rename select.xmin=xmin_ --rename select.tableoid=tableoid_ --rename '\"Ünïcode ☃\".\"\"=nameless'"
    );
    let moved = lab.move_file(&path, "dirty", &choices);
    moved.assert_success();
    for left_out in [
        "child (gone_id): the foreign key to no_such_table is left out",
        "child (bad_col): the foreign key to parent is left out",
        "child (parent_text): the foreign key to parent is left out",
        "child (a, b): the foreign key to null_in_composite_pk is left out",
        "notes_fts: the virtual table of module fts5 is left out",
        "texts_fts: the virtual table of module fts5 is left out",
        "v_broken: the view is left out",
        "v_loose_group: the view is left out",
        // Texts become bytes beside a blob, which is no matter of form.
        "null_in_composite_pk.a: 3 of 6 values do not fit bigint (rowid 5, 6, 7): becomes bytea",
    ] {
        moved.assert_stderr_contains(left_out);
    }

    let apart = pairs_apart();
    let mut rows = 0;
    for (table, number) in SqliteFixture::row_counts(&path).unwrap() {
        // What virtual tables keep for themselves, and what is left out.
        if ["boxes_", "notes_fts", "texts_fts"]
            .iter()
            .any(|it| table.starts_with(it))
        {
            continue;
        }
        let pair = apart.get(table.as_str()).copied();
        let found = lab.check(&path, &pair.unwrap_or(TablePair::same(&table, "dirty")));
        assert_eq!(found as u64, number, "{table}");
        rows += found;
    }
    assert_eq!(rows, 102);
    check_kept(&lab, &path);
    check_definitions(&lab);
}

/// Tables and columns with other names, and columns of which some values stand in another one.
fn pairs_apart() -> BTreeMap<&'static str, TablePair<'static>> {
    let same = |table| TablePair::same(table, "dirty");
    let pairs = [
        TablePair {
            target: "long_1",
            renamed: &[(COLUMN_1, "c1"), (COLUMN_2, "c2")],
            ..same(LONG_1)
        },
        TablePair {
            target: "long_2",
            ..same(LONG_2)
        },
        TablePair {
            renamed: &[("ctid", "ctid_"), ("xmin", "xmin_"), ("tableoid", "tableoid_")],
            ..same("select")
        },
        TablePair {
            renamed: &[("", "nameless")],
            ..same("Ünïcode ☃")
        },
        TablePair {
            apart_from: &["v"],
            ..same("texts")
        },
        TablePair {
            apart_from: &["t"],
            ..same("any_in_any")
        },
    ];
    pairs.into_iter().map(|it| (it.table, it)).collect()
}

/// Values that are no text stand beside their column, byte by byte.
#[track_caller]
fn check_kept(lab: &Lab<'_>, path: &std::path::Path) {
    let texts = lab.check_same(
        path,
        &format!(
            "SELECT id || ' | ' || CASE WHEN {BAD_TEXTS} THEN '∅' ELSE ifnull(hex(CAST(v AS BLOB)), '∅') END
                 || ' | ' || CASE WHEN {BAD_TEXTS} THEN hex(CAST(v AS BLOB)) ELSE '∅' END FROM texts WHERE v IS NOT NULL
             ORDER BY id"
        ),
        "SELECT id, coalesce(upper(encode(convert_to(v, 'UTF8'), 'hex')), '∅'),
             coalesce(upper(encode(v_text, 'hex')), '∅') FROM dirty.texts WHERE id <> 20 ORDER BY id",
    );
    assert_eq!(texts, 26);
    lab.check_same(
        path,
        "SELECT id || ' | ' || CASE WHEN id = 4 THEN '∅' ELSE t END || ' | ' || CASE WHEN id = 4 THEN hex(t) ELSE '∅' END
         FROM any_in_any WHERE t IS NOT NULL ORDER BY id",
        "SELECT id, coalesce(t, '∅'), coalesce(upper(encode(t_text, 'hex')), '∅') FROM dirty.any_in_any
         WHERE id <> 2 ORDER BY id",
    );
    assert_eq!(
        lab.target
            .query("SELECT v IS NULL AND v_text IS NULL FROM dirty.texts WHERE id = 20")
            .unwrap(),
        ["t"]
    );
}

/// Keys that hold NULL take it there, foreign keys with orphans are not proved, and counting goes on behind what was given.
#[track_caller]
fn check_definitions(lab: &Lab<'_>) {
    for (question, answer) in [
        (
            "SELECT string_agg(conname, ' ' ORDER BY conname COLLATE \"C\") FROM pg_constraint
             WHERE connamespace = 'dirty'::regnamespace AND contype = 'f' AND NOT convalidated",
            "child_parent_code_fkey child_parent_id_fkey parent_first_child_fkey parent_mgr_fkey",
        ),
        (
            "SELECT string_agg(contype, '') FROM pg_constraint WHERE contype IN ('p', 'u') AND conrelid IN
             ('dirty.null_in_pk'::regclass, 'dirty.null_in_composite_pk'::regclass, 'dirty.int_not_integer'::regclass)",
            "uuu",
        ),
        (
            "INSERT INTO dirty.autoinc (v) VALUES ('next') RETURNING id",
            "1000000000001",
        ),
        ("SELECT count(*) FROM dirty.v_recursive", "5"),
        ("SELECT count(*) FROM dirty.v_dup_columns", "3"),
        (
            "INSERT INTO dirty.defaults (id) VALUES (2) RETURNING a, b, c, d, e, f, j, l",
            "it's | double quoted | -1 | 255 | 1000 | \\xcafe | t | text for an int",
        ),
    ] {
        assert_eq!(lab.target.query(question).unwrap(), [answer], "{question}");
    }
}
