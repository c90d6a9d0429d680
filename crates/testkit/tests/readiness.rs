//! `assess --ready`: each thing that can stand in the way is found, and what was not looked at is said.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use serde_json::Value;
use testkit::{Cluster, Database, Desk, Output, target_word};

/// A source in which nothing is wrong.
const SOUND: &str = "
    CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL UNIQUE);
    CREATE TABLE notes (person int REFERENCES people, words text);
    INSERT INTO people SELECT n, 'Person ' || n FROM generate_series(1, 20) AS n;
    INSERT INTO notes SELECT 1 + n % 20, 'words' FROM generate_series(1, 40) AS n";

struct Case {
    desk: Desk,
    source: Database<'static>,
    target: Database<'static>,
}

impl Case {
    /// A sound source with what `sql` does to it.
    fn new(sql: &str) -> Self {
        let cluster = Cluster::shared();
        let source = cluster.database("ready").unwrap();
        source.execute(SOUND).unwrap();
        for statement in sql.split(";;").filter(|it| !it.trim().is_empty()) {
            source.execute(statement).unwrap();
        }
        Case {
            desk: Desk::shared(),
            source,
            target: cluster.target().unwrap(),
        }
    }

    fn ready(&self, options: &str) -> Output {
        let (source, target) = (self.source.name(), target_word(&self.target));
        self.desk
            .run(&format!("assess --ready {source} --target {target} {options}"))
    }

    fn backup(&self, place: &str) {
        let line = format!("dump {} -o {place}", self.source.name());
        self.desk.run(&line).assert_success();
    }

    /// The verdict has a line with this mark, this topic and these words, and the exit code is that of the mark.
    #[track_caller]
    fn check(&self, options: &str, mark: &str, topic: &str, words: &[&str]) {
        let output = self.ready(&format!("{options} --format json"));
        let report: Value = serde_json::from_slice(output.stdout()).unwrap_or_else(|_| panic!("{output}"));
        let lines = report["readiness"].as_array().unwrap();
        let found = lines.iter().any(|it| {
            let line = format!(
                "{} → {}",
                it["text"].as_str().unwrap(),
                it["way_out"].as_str().unwrap()
            );
            it["mark"] == mark && it["topic"] == topic && words.iter().all(|word| line.contains(word))
        });
        assert!(found, "{mark} {topic} {words:?}\n{output}");
        output.assert_code(i32::from(mark == "fails"));
        assert_eq!(report["ready"], mark != "fails");
    }
}

#[test]
fn a_sound_source_is_ready_and_what_nobody_looked_at_is_said() {
    let case = Case::new("");
    let output = case.ready("");
    let shown = output.assert_success().stdout_text();
    for line in [
        "✓ conflicts",
        "✓ target",
        "✓ privileges",
        "! backups",
        "✓ integrity",
        "\n0 in the way, 1 to look at. Ready.\n",
    ] {
        assert!(shown.contains(line), "{line}\n{output}");
    }
    case.backup("backup/");
    case.check("--backup backup/", "holds", "backups", &["backup/", "is whole"]);
}

#[test]
fn a_target_that_cannot_take_the_source_stands_in_the_way() {
    let case = Case::new("");
    let schema = case.source.name();
    case.target
        .execute(&format!(
            "CREATE SCHEMA {schema}; CREATE TABLE {schema}.theirs (id int)"
        ))
        .unwrap();
    case.check("", "fails", "target", &["exists on", "and holds 1 object"]);
    let theirs = Case {
        target: Cluster::shared().database("theirs").unwrap(),
        ..Case::new("")
    };
    theirs.check(
        "",
        "fails",
        "target",
        &["lacks CREATE", "GRANT CREATE ON DATABASE"],
    );
    let conflict = ["lacks CREATE", "GRANT CREATE"];
    theirs.check("", "fails", "conflicts", &conflict);
}

#[test]
fn what_the_sources_role_may_not_read_stands_in_the_way() {
    Case::new("ALTER TABLE notes ENABLE ROW LEVEL SECURITY").check(
        "",
        "fails",
        "privileges",
        &["row security would hide rows of public.notes", "BYPASSRLS"],
    );
    Case::new("SELECT lo_from_bytea(0, 'large')").check(
        "",
        "fails",
        "privileges",
        &["1 large objects may not be read", "GRANT SELECT ON LARGE OBJECT"],
    );
}

#[test]
fn a_role_without_select_is_told_the_grant() {
    let case = Case::new(
        "DROP ROLE IF EXISTS ready_stranger; CREATE ROLE ready_stranger LOGIN;
         GRANT SELECT ON people TO ready_stranger; CREATE SEQUENCE numbers",
    );
    let (name, target) = (case.source.name(), target_word(&case.target));
    let line = format!("assess --ready 'dbname={name} user=ready_stranger' --target {target}");
    let output = case.desk.run(&line);
    let shown = output.assert_code(1).stdout_text();
    assert!(
        shown.contains("role ready_stranger may not read public.notes, sequence public.numbers"),
        "{output}"
    );
    assert!(
        shown.contains("GRANT SELECT ON ALL TABLES IN SCHEMA public TO ready_stranger"),
        "{output}"
    );
    case.source
        .execute("DROP OWNED BY ready_stranger; DROP ROLE ready_stranger")
        .unwrap();
}

#[test]
fn a_backup_must_be_whole_of_this_source_and_fresh() {
    let case = Case::new("");
    case.backup("backup/");
    case.backup("backup.tar");
    case.check("--backup backup.tar", "holds", "backups", &["is whole"]);
    case.check(
        "--backup backup/ --backup-age 0",
        "fails",
        "backups",
        &["old, more than"],
    );

    let whole = std::fs::read(case.desk.path("backup.tar")).unwrap();
    std::fs::write(case.desk.path("cut.tar"), &whole[..whole.len() - 4096]).unwrap();
    case.check(
        "--backup cut.tar",
        "fails",
        "backups",
        &["cut.tar", "make it again"],
    );
    std::fs::remove_file(case.desk.path("backup/end.json")).unwrap();
    case.check(
        "--backup backup/",
        "fails",
        "backups",
        &["backup/", "make it again"],
    );

    let other = Case::new("");
    let line = format!(
        "dump {} -o {}",
        other.source.name(),
        case.desk.path("other.tar").display()
    );
    other.desk.run(&line).assert_success();
    case.check(
        "--backup other.tar",
        "fails",
        "backups",
        &["none of the backups is of it"],
    );

    let line = format!(
        "dump {} --table people -o part.tar; remap-schema backup.tar --to x -o moved.tar",
        case.source.name()
    );
    case.desk.run(&line).assert_success();
    case.check(
        "--backup moved.tar",
        "fails",
        "backups",
        &["has been through remap-schema"],
    );
    case.check("--backup part.tar", "warns", "backups", &["leaves out"]);
}

#[test]
fn rows_and_indexes_that_are_not_sound_stand_in_the_way() {
    const ORPHANS: &str =
        "ALTER TABLE notes DROP CONSTRAINT notes_person_fkey; INSERT INTO notes VALUES (77), (78), (NULL);
        ALTER TABLE notes ADD CONSTRAINT of_people FOREIGN KEY (person) REFERENCES people NOT VALID";
    Case::new(ORPHANS).check(
        "",
        "fails",
        "integrity",
        &[
            "foreign key of_people of public.notes: 2 rows have no parent in public.people",
            "VALIDATE CONSTRAINT",
        ],
    );
    Case::new("ALTER TABLE people ADD CONSTRAINT short CHECK (length(name) < 50) NOT VALID").check(
        "",
        "warns",
        "integrity",
        &["constraint short of public.people is not validated"],
    );
    Case::new("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'people_name_key'::regclass").check(
        "",
        "fails",
        "integrity",
        &[
            "people_name_key",
            "is invalid",
            "REINDEX INDEX public.people_name_key",
        ],
    );
}

#[test]
fn keys_that_stand_there_twice_behind_a_stale_collation_are_found() {
    // What an upgrade of the operating system can leave: an index that does not find a value that is there.
    let twice = "
        CREATE COLLATION sorted (provider = icu, locale = 'en');
        CREATE TABLE words (word text COLLATE sorted);
        CREATE UNIQUE INDEX words_once ON words (word);
        UPDATE pg_collation SET collversion = '1.0' WHERE collname = 'sorted'";
    Case::new(twice).check("", "warns", "integrity", &["words_once was built by version 1.0"]);
    let broken = format!(
        "{twice};
        UPDATE pg_index SET indisunique = false, indisready = false WHERE indexrelid = 'words_once'::regclass;;
        INSERT INTO words VALUES ('same'), ('same'), ('other');
        UPDATE pg_index SET indisunique = true, indisready = true WHERE indexrelid = 'words_once'::regclass"
    );
    Case::new(&broken).check(
        "",
        "fails",
        "integrity",
        &[
            "1 key stands in public.words more than once",
            "REINDEX INDEX public.words_once",
        ],
    );
}

#[test]
fn a_look_that_takes_too_long_is_said_and_stops_nobody() {
    let case = Case::new(
        "ALTER TABLE notes DROP CONSTRAINT notes_person_fkey;
         ALTER TABLE notes ADD CONSTRAINT later FOREIGN KEY (person) REFERENCES people NOT VALID",
    );
    case.check("", "warns", "integrity", &["later", "every row has its parent"]);
    // A lock that somebody holds is waited for as long as a look may take.
    let mut holder = case.source.admin().unwrap();
    holder.batch_execute("BEGIN; LOCK TABLE notes").unwrap();
    let words = [
        "later",
        "nobody looked at its rows: it took too long",
        "--look-timeout",
    ];
    case.check("--look-timeout 1", "warns", "integrity", &words);
}

#[test]
fn a_plan_is_judged_by_the_sources_and_targets_that_it_names() {
    let case = Case::new("");
    let (name, target) = (case.source.name(), target_word(&case.target));
    let line = format!("assess {name} --target {target} --plan plan.json");
    case.desk.run(&line).assert_success();
    let ready = "assess --ready --check-plan plan.json";
    let output = case.desk.run(ready);
    assert!(
        output.assert_success().stdout_text().contains("✓ privileges"),
        "{output}"
    );

    case.source
        .execute("ALTER TABLE notes ENABLE ROW LEVEL SECURITY")
        .unwrap();
    let output = case.desk.run(ready);
    assert!(
        output.assert_code(1).stdout_text().contains("✗ privileges"),
        "{output}"
    );
}

#[test]
fn what_blocks_stands_in_the_way_until_the_plan_says_what_becomes_of_it() {
    const LARGE: &str =
        "SELECT lo_from_bytea(4711, 'large'); GRANT SELECT ON LARGE OBJECT 4711 TO source_reader";
    let (one, other) = (Case::new(LARGE), Case::new(LARGE));
    let (names, target) = (
        [one.source.name(), other.source.name()].join(" "),
        target_word(&one.target),
    );
    let desk = &one.desk;
    desk.run(&format!("assess {names} --target {target} --plan plan.json"))
        .assert_success();
    let ready = "assess --ready --check-plan plan.json";
    let output = desk.run(ready);
    let shown = output.assert_code(1).stdout_text();
    assert!(
        shown.contains("✗ conflicts") && shown.contains("4711"),
        "{output}"
    );

    let mut plan: Value = serde_json::from_slice(&std::fs::read(desk.path("plan.json")).unwrap()).unwrap();
    for conflict in plan["conflicts"].as_array_mut().unwrap() {
        conflict["resolution"] = conflict["choices"][0].clone();
    }
    std::fs::write(desk.path("plan.json"), plan.to_string()).unwrap();
    let output = desk.run(ready);
    assert!(
        output.assert_success().stdout_text().contains("✓ conflicts"),
        "{output}"
    );
}

#[test]
fn orphans_of_a_file_stand_in_the_way_until_a_choice_is_made() {
    let (desk, target) = (Desk::shared(), Cluster::shared().target().unwrap());
    let connection = rusqlite::Connection::open(desk.path("notes.sqlite")).unwrap();
    connection
        .execute_batch(
            "PRAGMA foreign_keys = OFF; CREATE TABLE people (id INTEGER PRIMARY KEY);
             CREATE TABLE notes (person INTEGER REFERENCES people (id)); INSERT INTO notes VALUES (5)",
        )
        .unwrap();
    drop(connection);
    let line = format!("assess --ready notes.sqlite --target {}", target_word(&target));
    let output = desk.run(&line);
    let shown = output.assert_code(1).stdout_text();
    assert!(
        shown.contains("✗ integrity") && shown.contains("1 row of notes (person) has no parent"),
        "{output}"
    );
    desk.run(&format!("{line} --orphans keep")).assert_success();
}

#[test]
fn options_of_readiness_want_readiness() {
    let output = Desk::shared().run("assess somewhere --backup x.tar");
    output.assert_code(2).assert_stderr_contains("--ready");
}
