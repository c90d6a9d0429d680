//! `verify` finds what is wrong with a target by itself, each fault on one line, and nothing wrong with a sound one.

use testkit::{Cluster, Database, Output, Skipped, Tools};

const SOURCE: &str = "
CREATE EXTENSION citext;
CREATE TABLE users (id serial PRIMARY KEY, email citext UNIQUE, a integer, b integer, boss integer REFERENCES users,
  UNIQUE (a, b));
INSERT INTO users (email, a, b, boss) VALUES ('Ada@x', 1, 1, 1), ('bob@x', 1, 2, NULL);
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id integer REFERENCES users,
  email citext REFERENCES users (email), a integer, b integer,
  CONSTRAINT pair FOREIGN KEY (a, b) REFERENCES users (a, b) MATCH FULL);
INSERT INTO orders (user_id, email, a, b) VALUES (1, 'ADA@X', 1, 2), (NULL, NULL, NULL, NULL);
CREATE TABLE events (at date, user_id integer REFERENCES users) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
INSERT INTO events VALUES ('2024-02-29', 1);
CREATE TABLE notes (user_id integer CONSTRAINT of_user REFERENCES users, note text);
INSERT INTO notes VALUES (2, 'mine');
CREATE TABLE spelled (word text COLLATE \"C\" PRIMARY KEY, of text COLLATE \"POSIX\" CONSTRAINT of_spelled REFERENCES spelled);
INSERT INTO spelled VALUES ('a', 'a');
CREATE TABLE loose (user_id integer, note text);
INSERT INTO loose VALUES (77, 'not looked at');
ALTER TABLE loose ADD CONSTRAINT later FOREIGN KEY (user_id) REFERENCES users NOT VALID;
CREATE SEQUENCE down INCREMENT -1;
CREATE TABLE falling (n integer DEFAULT nextval('down'), m numeric DEFAULT nextval('down'), x integer DEFAULT nextval('down') * 100);
INSERT INTO falling VALUES (DEFAULT, DEFAULT, DEFAULT), (DEFAULT, DEFAULT, -90000);
CREATE VIEW emails AS SELECT email FROM users;
CREATE MATERIALIZED VIEW counts AS SELECT count(*) FROM users;
CREATE MATERIALIZED VIEW empty AS SELECT count(*) FROM users WITH NO DATA;
CREATE FUNCTION total() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM public.emails); END';
CREATE FUNCTION leans() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM orders); END';
CREATE FUNCTION temporary() RETURNS void LANGUAGE plpgsql AS
  'BEGIN CREATE TEMP TABLE x (a int); INSERT INTO x VALUES (1); END';
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.note := upper(NEW.note); RETURN NEW; END';
CREATE TRIGGER touched BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION touch();
CREATE FUNCTION names() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM public.orders';";

/// What there is to say of a sound copy: it is as the source is.
const SOUND: [&str; 3] = [
    "health: foreign key later of there.loose  orphans (1 row refers to no row of there.users; the source has the same rows)",
    "health: materialized view there.empty  not populated (nor is it in the source)",
    TEMPORARY,
];

/// Said where PL/pgSQL can be checked.
const TEMPORARY: &str = "health: function there.temporary()  plpgsql_check (line 1: relation \"x\" does not exist \
    (SQLSTATE 42P01); it makes temporary tables, which the checker does not see)";

/// Faults, each with its line.
const FAULTS: [(&str, &str); 16] = [
    (
        "INSERT INTO there.orders (user_id) OVERRIDING SYSTEM VALUE VALUES (55), (56)",
        "foreign key orders_user_id_fkey of there.orders  orphans (2 rows refer to no row of there.users)",
    ),
    (
        "INSERT INTO there.orders (email) VALUES ('nobody@x')",
        "foreign key orders_email_fkey of there.orders  orphans (1 row refers to no row of there.users)",
    ),
    (
        "INSERT INTO there.orders (a) VALUES (1)",
        "foreign key pair of there.orders  orphans (1 row refers to no row of there.users)",
    ),
    (
        "UPDATE there.users SET boss = 9 WHERE id = 2",
        "foreign key users_boss_fkey of there.users  orphans (1 row refers to no row of there.users)",
    ),
    (
        "INSERT INTO there.events VALUES ('2024-03-01', 66)",
        "foreign key events_user_id_fkey of there.events  orphans (1 row refers to no row of there.users)",
    ),
    (
        "ALTER TABLE there.notes DROP CONSTRAINT of_user; INSERT INTO there.notes VALUES (88, 'LOST')",
        "foreign key (user_id) of there.notes to there.users  orphans (1 row refers to no row of there.users)",
    ),
    (
        "ALTER TABLE there.spelled DROP CONSTRAINT of_spelled; INSERT INTO there.spelled VALUES ('b', 'B')",
        "foreign key (of) of there.spelled to there.spelled  orphans (1 row refers to no row of there.spelled)",
    ),
    (
        "INSERT INTO there.users (id) VALUES (900)",
        "sequence there.users_id_seq  behind its columns (it gives 3 next, and there is 900 in there.users.id already)",
    ),
    (
        "INSERT INTO there.falling (n, m, x) VALUES (-70, -80.5, 0)",
        "sequence there.down  behind its columns (it gives -6 next, and there is -80 in there.falling.m, -70 in \
         there.falling.n already)",
    ),
    (
        "REFRESH MATERIALIZED VIEW there.counts WITH NO DATA",
        "materialized view there.counts  not populated (who reads it gets an error; refresh it)",
    ),
    (
        "CREATE TABLE there.fresh AS SELECT 1 AS id",
        "table there.fresh  never analyzed (the planner knows nothing of its rows; ANALYZE it)",
    ),
    (
        "CREATE OR REPLACE VIEW there.emails AS SELECT old AS email FROM public.users",
        "view there.emails  refers to table public.users (another application's)",
    ),
    (
        "CREATE OR REPLACE FUNCTION there.names() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM public.users'",
        "function there.names()  refers to public.users (line 1: another application's)",
    ),
    (
        "CREATE FUNCTION there.led() RETURNS integer LANGUAGE sql SET search_path = other AS 'SELECT 1'",
        "function there.led()  search_path names other (another application's schema)",
    ),
    (
        "ALTER TABLE there.falling ADD CONSTRAINT leads_out FOREIGN KEY (m) REFERENCES other.numbers NOT VALID;
         INSERT INTO other.numbers SELECT DISTINCT m FROM there.falling",
        "table constraint leads_out on there.falling  refers to table other.numbers (another application's)",
    ),
    (
        "CREATE OR REPLACE FUNCTION there.total() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN nothing; END'",
        "function there.total()  plpgsql_check (line 1: column \"nothing\" does not exist (SQLSTATE 42703))",
    ),
];

#[test]
fn every_fault_of_a_target_has_its_line() {
    let cluster = Cluster::shared();
    let source = cluster.database("healthy").unwrap();
    source.execute(SOURCE).unwrap();
    let target = cluster.target().unwrap();
    let has_checker = cluster.missing_extensions(&["plpgsql_check"]).unwrap().is_empty();
    if has_checker {
        target
            .execute("CREATE SCHEMA checks; GRANT USAGE ON SCHEMA checks TO PUBLIC; CREATE EXTENSION plpgsql_check SCHEMA checks")
            .unwrap();
    } else {
        let _ = Skipped::because("plpgsql_check is not installed; verify is not tried with it");
    }
    let can_be_said = |line: &&str| has_checker || !line.contains("plpgsql_check");
    let folder = tempfile::tempdir().unwrap();
    let run = |line: &str| {
        let shell = Tools::locate().shell(line).env("SOURCE", source.source());
        shell
            .env("TARGET", target.target())
            .current_dir(folder.path())
            .run()
    };
    run("dump \"$SOURCE\" | remap-schema --to there | load \"$TARGET\"").assert_success();
    let mut sound: Vec<&str> = SOUND.into_iter().filter(can_be_said).collect();
    sound.sort_unstable();
    let whole = run("verify \"$SOURCE\" \"$TARGET\" --to there --rows 0 --format json");
    whole.assert_success();
    assert_eq!(health(&whole), sound, "{whole}");

    plant(&target);
    let mut expected: Vec<String> = FAULTS.iter().map(|(_, line)| format!("health: {line}")).collect();
    expected.extend(sound.iter().map(ToString::to_string));
    // The rows around it are no longer the source's.
    for line in &mut expected {
        *line = line.replace("there.users; the source has the same rows", "there.users");
    }
    expected.retain(|it| can_be_said(&it.as_str()));
    expected.sort_unstable();
    let faulty = run("verify \"$SOURCE\" \"$TARGET\" --to there --rows 0 --format json");
    faulty.assert_code(1);
    assert_eq!(health(&faulty), expected, "{faulty}");
    let left_out = run("verify \"$SOURCE\" \"$TARGET\" --to there --no-health --format json");
    assert_eq!(health(&left_out), [""; 0], "{left_out}");
}

/// As nobody should: with triggers off, foreign keys let everything pass.
fn plant(target: &Database<'_>) {
    let owner = testkit::TARGET_OWNER;
    let setting = "CREATE SCHEMA other; CREATE TABLE other.numbers (n numeric PRIMARY KEY);
        CREATE TABLE public.users (old public.citext); SET session_replication_role = replica; ";
    let faults: Vec<&str> = FAULTS.iter().map(|(sql, _)| *sql).collect();
    let rights = format!(
        "; GRANT USAGE ON SCHEMA other TO {owner}; GRANT SELECT ON ALL TABLES IN SCHEMA other, public, there TO {owner}"
    );
    target
        .execute(&format!("{setting}{}{rights}", faults.join("; ")))
        .unwrap();
}

fn health(output: &Output) -> Vec<String> {
    let report = serde_json::from_slice(output.stdout()).unwrap();
    let mut lines = testkit::finding_lines(&report, &["difference", "advice", "expected"]);
    // Whether a constraint is validated belongs to its definition, which is compared elsewhere.
    lines.retain(|it| it.starts_with("health: ") && !it.contains("not validated"));
    lines.sort_unstable();
    lines
}
