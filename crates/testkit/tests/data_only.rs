//! Rows into tables that exist, as frameworks make them: what goes in, and what is refused before any row.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use testkit::{Cluster, Database, Desk, Output, TARGET_OWNER, target_word};

/// A source with rows, and a target with tables.
struct Pair {
    desk: Desk,
    source: Database<'static>,
    target: Database<'static>,
}

impl Pair {
    /// `target` is run by the role that loads.
    fn new(source: &str, target: &str) -> Self {
        let cluster = Cluster::shared();
        let pair = Pair {
            desk: Desk::shared(),
            source: cluster.database("rows").unwrap(),
            target: cluster.target().unwrap(),
        };
        pair.source.execute(source).unwrap();
        pair.own(target);
        pair
    }

    fn own(&self, sql: &str) {
        self.target
            .client(TARGET_OWNER)
            .unwrap()
            .batch_execute(sql)
            .unwrap();
    }

    /// Runs a line in which `$SOURCE` and `$TARGET` stand for the two databases.
    fn run(&self, line: &str) -> Output {
        let line = line
            .replace("$SOURCE", self.source.name())
            .replace("$TARGET", &target_word(&self.target));
        self.desk.run(&line)
    }

    #[track_caller]
    fn check(&self, sql: &str, expected: &[&str]) {
        assert_eq!(self.target.query(sql).unwrap(), expected, "{sql}");
    }
}

/// Fails with `code`, saying all of `said`.
#[track_caller]
fn refused(output: &Output, code: i32, said: &[&str]) {
    output.assert_code(code);
    for text in said {
        output.assert_stderr_contains(text);
    }
}

const PIPE: &str = "dump $SOURCE | load $TARGET --data-only";

#[test]
fn tables_of_ef_core_take_rows_whose_types_differ_and_its_history_stays() {
    let pair = Pair::new(
        r#"CREATE TABLE "Posts" ("Id" int PRIMARY KEY, "BlogId" int NOT NULL, "Title" varchar(200), "At" timestamp,
             "Score" numeric(10,4), "Slug" text, "Kind" smallint);
           CREATE TABLE "Blogs" ("Id" bigserial PRIMARY KEY, "Url" text NOT NULL, "Tags" text[]);
           CREATE TABLE "__EFMigrationsHistory" ("MigrationId" text PRIMARY KEY, "ProductVersion" text);
           INSERT INTO "Blogs" ("Url", "Tags") SELECT 'https://b/' || n, ARRAY['a', NULL, '"'] FROM generate_series(1, 40) n;
           SELECT setval('"Blogs_Id_seq"', 90);
           INSERT INTO "Posts" SELECT n, n % 40 + 1, CASE WHEN n % 3 > 0 THEN 'Größe ' || n END,
             '2024-02-29 12:00:00.123456'::timestamp + n * interval '1 hour', n / 4.0, 'x', 1 FROM generate_series(1, 500) n;
           INSERT INTO "__EFMigrationsHistory" VALUES ('1_Source', '6')"#,
        r#"CREATE TABLE "Blogs" ("Id" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "Url" text NOT NULL, "Tags" text[]);
           CREATE TABLE "Posts" ("Id" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "Title" text,
             "BlogId" bigint NOT NULL REFERENCES "Blogs" ON DELETE CASCADE, "At" timestamp with time zone,
             "Score" numeric(10,2), "Slug" text GENERATED ALWAYS AS ('p' || "Kind") STORED, "Kind" smallint,
             "Seen" boolean NOT NULL DEFAULT false);
           CREATE TABLE "__EFMigrationsHistory" ("MigrationId" varchar(150) PRIMARY KEY, "ProductVersion" varchar(32) NOT NULL);
           INSERT INTO "__EFMigrationsHistory" VALUES ('9_Target', '8')"#,
    );
    let output = pair.run(&format!("{PIPE} --format json"));
    output
        .assert_success()
        .assert_stderr_contains("histories of migrations, left alone: public.\"__EFMigrationsHistory\"")
        .assert_stderr_contains("Posts\".Slug is generated")
        .assert_stderr_contains("Posts\".At gets or loses its time zone")
        .assert_stderr_contains("filled by default or NULL: Seen")
        .assert_stderr_contains("wait in a temporary file")
        .assert_stderr_contains("\"Blogs_Id_seq\" to 90")
        .assert_stderr_contains("\"Posts_Id_seq\" to 500")
        .assert_stderr_contains("2 tables, 540 rows");
    let report: serde_json::Value = serde_json::from_str(&output.stdout_text()).unwrap();
    assert_eq!(report["rows"], 540);
    assert_eq!(report["left_alone"][0], "public.\"__EFMigrationsHistory\"");
    let posts = r#"SELECT count(*), count("Title"), min("At" AT TIME ZONE 'UTC'), sum("Score"), min("Slug"), bool_or("Seen")
        FROM "Posts""#;
    pair.check(
        posts,
        &["500 | 334 | 2024-02-29 13:00:00.123456 | 31312.50 | p1 | f"],
    );
    pair.check(
        r#"SELECT "Tags" FROM "Blogs" WHERE "Id" = 40"#,
        &[r#"{a,NULL,"\""}"#],
    );
    pair.check("SELECT * FROM \"__EFMigrationsHistory\"", &["9_Target | 8"]);
    pair.check(
        "SELECT nextval('\"Blogs_Id_seq\"'), nextval('\"Posts_Id_seq\"')",
        &["91 | 501"],
    );
    let full = format!("{PIPE} --truncate Blogs");
    refused(
        &pair.run(&full),
        5,
        &[
            "public.\"Posts\" holds rows already: 500; --append adds to them, --truncate",
            "foreign keys refer to it: Posts_BlogId_fkey of public.\"Posts\"",
            "nothing was written",
        ],
    );
    pair.run(&format!("{full} --truncate 'public.Posts'"))
        .assert_success()
        .assert_stderr_contains("the rows that it holds are removed: 500");
    pair.check(
        r#"SELECT (SELECT count(*) FROM "Posts"), count(*) FROM "Blogs""#,
        &["500 | 40"],
    );
}

#[test]
fn tables_of_prisma_and_drizzle_take_rows_from_a_directory_in_the_order_of_their_keys() {
    let pair = Pair::new(
        r#"CREATE TYPE "Role" AS ENUM ('USER', 'ADMIN', 'GONE');
           CREATE TABLE "Account" (id text PRIMARY KEY, "userId" text NOT NULL, "tokens" jsonb, expires timestamp(3));
           CREATE TABLE "User" (id text PRIMARY KEY, role "Role" NOT NULL, parent text, "teamId" text, mail text);
           CREATE TABLE "Team" (id text PRIMARY KEY, "leadId" text NOT NULL);
           CREATE TABLE _prisma_migrations (id text); INSERT INTO _prisma_migrations VALUES ('theirs');
           INSERT INTO "User" SELECT 'u' || n, CASE WHEN n = 7 THEN 'ADMIN' ELSE 'USER' END::"Role",
             CASE WHEN n < 900 THEN 'u' || n + 1 END, 't' || n % 3, NULL FROM generate_series(1, 900) n;
           INSERT INTO "Team" SELECT 't' || n, 'u' || n + 1 FROM generate_series(0, 2) n;
           INSERT INTO "Account" SELECT 'a' || n, 'u' || n, jsonb_build_object('n', n, 's', E'\\"'),
             '2024-01-01 00:00:00.123'::timestamp(3) FROM generate_series(1, 300) n"#,
        r#"CREATE SCHEMA drizzle; CREATE TABLE drizzle.__drizzle_migrations (id serial);
           CREATE SCHEMA app; CREATE TYPE app."Role" AS ENUM ('ADMIN', 'USER');
           CREATE TABLE app."Team" (id text PRIMARY KEY, "leadId" text NOT NULL);
           CREATE TABLE app."User" (id text PRIMARY KEY, role app."Role" NOT NULL,
             parent text REFERENCES app."User", "teamId" text REFERENCES app."Team", "email" text);
           ALTER TABLE app."Team" ADD CONSTRAINT lead FOREIGN KEY ("leadId") REFERENCES app."User";
           CREATE TABLE app."Account" (id text PRIMARY KEY, "userId" text NOT NULL REFERENCES app."User",
             "tokens" jsonb, expires timestamp(3))"#,
    );
    pair.run("dump $SOURCE --rows binary | remap-schema --to app -o rows")
        .assert_success();
    let load = "load $TARGET rows --data-only --column User.mail=email";
    pair.own("ALTER TABLE app.\"Account\" OWNER TO target_owner");
    pair.run(load)
        .assert_success()
        .assert_stderr_contains("left alone: app._prisma_migrations, drizzle.__drizzle_migrations")
        .assert_stderr_contains(
            "in a circle, filled in one transaction: app.\"Team\", app.\"User\"; made deferrable",
        )
        .assert_stderr_contains("3 tables, 1,203 rows");
    pair.check(
        r#"SELECT count(*), count(*) FILTER (WHERE role = 'ADMIN'), max(parent) FROM app."User""#,
        &["900 | 1 | u99"],
    );
    pair.check(
        r#"SELECT tokens FROM app."Account" WHERE id = 'a9'"#,
        &[r#"{"n": 9, "s": "\\\""}"#],
    );
    pair.check("SELECT count(*) FROM pg_constraint WHERE condeferrable", &["0"]);
    // The same archive once more would double its rows; a circle that is broken is found where it is.
    refused(
        &pair.run(&format!("{load} --append")),
        5,
        &["has put this archive's rows into app.\"Account\""],
    );
    pair.run(&format!("{load} --resume"))
        .assert_success()
        .assert_stderr_contains("already");
    pair.source
        .execute(r#"DELETE FROM "User" WHERE id = 'u2'; UPDATE "User" SET role = 'GONE' WHERE id = 'u9'"#)
        .unwrap();
    let again = "dump $SOURCE | remap-schema --to app | load $TARGET --data-only --column User.mail=email \
        --truncate Team --truncate User --truncate Account";
    refused(
        &pair.run(again),
        5,
        &["app.\"User\".role is an enum that lacks labels of the archive: 'GONE' (1)"],
    );
    pair.own("ALTER TYPE app.\"Role\" ADD VALUE 'GONE'");
    refused(
        &pair.run(again),
        5,
        &[
            "lead",
            "in: none; as they were: app.\"Account\", app.\"Team\", app.\"User\"",
        ],
    );
    pair.check("SELECT count(*) FROM app.\"User\"", &["900"]);
    pair.check("SELECT count(*) FROM pg_constraint WHERE condeferrable", &["0"]);
}

#[test]
fn all_that_does_not_fit_is_told_before_any_row() {
    // Fault 24.
    let pair = Pair::new(
        "CREATE TABLE a (id int); CREATE TABLE gone (id int); CREATE TABLE seen (id int); CREATE TABLE poor (id int);
         CREATE TABLE shut (id int); CREATE TABLE taken (id int); CREATE TABLE shapes (id bigint, at bigint, more text);
         INSERT INTO a VALUES (1); INSERT INTO shapes VALUES (1, 700000000000000, 'x')",
        "CREATE TABLE a (id int); CREATE VIEW seen AS SELECT 1 AS id; CREATE TABLE taken (id int);
         INSERT INTO taken SELECT generate_series(1, 1200);
         CREATE TABLE shapes (id bigint, at timestamp, must int NOT NULL)",
    );
    pair.target
        .execute(
            "CREATE TABLE poor (id int); GRANT SELECT ON poor TO target_owner;
             CREATE TABLE shut (id int); GRANT ALL ON shut TO target_owner; ALTER TABLE shut ENABLE ROW LEVEL SECURITY",
        )
        .unwrap();
    let said = [
        "public.gone is not there",
        "public.seen is a view",
        "the role lacks INSERT, UPDATE (without which it could not be locked) on public.poor, which belongs to postgres",
        "row level security of public.shut holds the role",
        "public.taken holds rows already: 1,200; --append adds to them, --truncate public.taken removes them",
        "public.shapes: at is timestamp without time zone here and bigint in the archive, and no assignment cast leads",
        "public.shapes has no column more",
        "public.shapes.must is NOT NULL without a default",
        "nothing was written",
    ];
    refused(&pair.run(PIPE), 5, &said);
    pair.check("SELECT count(*) FROM a", &["0"]);
    pair.check("SELECT to_regnamespace('coalesce')", &["∅"]);
    for (words, said) in [
        ("--truncate nothing", "`nothing` is no table of the target"),
        (
            "--column shapes.other=must",
            "--column shapes.other=must: the archive has no such column",
        ),
        ("--column shapes", "is not TABLE.SOURCE=TARGET"),
        ("--resume", "has not been loaded here"),
        ("--privileges keep", "cannot be used with"),
    ] {
        let output = pair.run(&format!("{PIPE} {words}"));
        assert!([Some(2), Some(5)].contains(&output.code()), "{output}");
        output.assert_stderr_contains(said);
    }
}

#[test]
fn values_are_cast_where_all_of_them_come_back_and_partitions_find_their_table() {
    let pair = Pair::new(
        "CREATE DOMAIN number AS int; CREATE TABLE d (v number); INSERT INTO d VALUES (1094861636);
         CREATE TABLE n (id int, price numeric(10,4), word text, at timestamp, must text, j json);
         INSERT INTO n VALUES (1, 1.5000, 'abc', '2024-01-01', 'x', '{\"a\":1}'), (2, 1.2345, 'de', '2024-01-01 00:00:01', NULL, NULL);
         CREATE TABLE ev (id int, k text) PARTITION BY LIST (k);
         CREATE TABLE ev_a PARTITION OF ev FOR VALUES IN ('a'); CREATE TABLE ev_b PARTITION OF ev FOR VALUES IN ('b');
         INSERT INTO ev SELECT n, CASE n % 2 WHEN 0 THEN 'a' ELSE 'b' END FROM generate_series(1, 50) n",
        "CREATE DOMAIN number AS text; CREATE TABLE d (v number);
         CREATE TABLE n (id bigint, price numeric(10,2), word varchar(3), at date, must text NOT NULL, j jsonb);
         CREATE TABLE ev (id int, k text) PARTITION BY RANGE (id); CREATE TABLE ev_1 PARTITION OF ev FOR VALUES FROM (0) TO (20);
         CREATE TABLE ev_2 PARTITION OF ev FOR VALUES FROM (20) TO (100)",
    );
    for form in ["csv", "binary"] {
        let dump = format!("dump $SOURCE --rows {form} | load $TARGET --data-only");
        refused(
            &pair.run(&dump),
            5,
            &[
                "public.n.must is NOT NULL, and the archive has NULL there in 1 rows",
                "nothing was written",
            ],
        );
        pair.own("ALTER TABLE n ALTER must DROP NOT NULL");
        refused(
            &pair.run(&dump),
            5,
            &[
                "public.n.price: 1 values change when they become numeric(10,2) and are read back",
                "public.n.at: 1 values change when they become date",
                "public.n.j: 1 values change when they become jsonb",
                "--allow-lossy; nothing was written",
            ],
        );
        pair.check("SELECT (SELECT count(*) FROM d), count(*) FROM ev", &["0 | 0"]);
        pair.run(&format!("{dump} --allow-lossy")).assert_success();
        pair.check(
            "SELECT id, price, word, at, j FROM n ORDER BY 1",
            &[
                "1 | 1.50 | abc | 2024-01-01 | {\"a\": 1}",
                "2 | 1.23 | de | 2024-01-01 | ∅",
            ],
        );
        pair.check("SELECT * FROM d", &["1094861636"]);
        pair.check(
            "SELECT count(*), sum(id), count(*) FILTER (WHERE k = 'a') FROM ev",
            &["50 | 1275 | 25"],
        );
        pair.own("TRUNCATE d, n, ev; ALTER TABLE n ALTER must SET NOT NULL");
    }
}

#[test]
fn triggers_that_change_rows_stop_the_load_unless_they_are_suspended_or_let() {
    let pair = Pair::new(
        "CREATE TABLE t (id int, note text); INSERT INTO t SELECT n, 'n' FROM generate_series(1, 20) n",
        "CREATE TABLE t (id serial PRIMARY KEY, note text); INSERT INTO t VALUES (100, 'old');
         CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN IF new.id = 3 THEN RETURN NULL; END IF; new.note = 'changed'; RETURN new; END $$;
         CREATE TRIGGER change BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION public.change();
         ALTER TABLE t ENABLE ALWAYS TRIGGER change",
    );
    let line = format!("{PIPE} --append");
    refused(
        &pair.run(&line),
        5,
        &[
            "triggers of public.t fire, and may change no row: change",
            "public.t took 19 of 20 rows, since triggers fire: change",
            "in: none; as they were: public.t",
            "--triggers suspend",
        ],
    );
    pair.check("SELECT count(*) FROM t", &["1"]);
    pair.run(&format!("{line} --triggers suspend"))
        .assert_success()
        .assert_stderr_contains("public.t holds rows already: 1")
        .assert_stderr_contains("are suspended while its rows go in: change")
        .assert_stderr_contains("public.t_id_seq to 100");
    pair.check(
        "SELECT count(*), count(*) FILTER (WHERE note = 'n') FROM t",
        &["21 | 20"],
    );
    pair.check("SELECT tgenabled FROM pg_trigger WHERE tgname = 'change'", &["A"]);
    pair.run(&format!("{PIPE} --triggers fire --truncate t"))
        .assert_success()
        .assert_stderr_contains("warning: public.t took 19 of 20 rows");
    pair.check(
        "SELECT count(*), count(*) FILTER (WHERE note = 'changed') FROM t",
        &["19 | 19"],
    );
}

#[test]
fn what_is_in_stays_in_and_a_rerun_goes_on_with_the_rest() {
    // Faults 2, 10, 12 and 18.
    let pair = Pair::new(
        "CREATE TABLE a (id int); CREATE TABLE b (id int); CREATE TABLE c (id int);
         INSERT INTO a SELECT generate_series(1, 10); INSERT INTO b SELECT generate_series(1, 10);
         INSERT INTO c SELECT generate_series(1, 10)",
        "CREATE TABLE a (id int); CREATE TABLE b (id int CONSTRAINT small CHECK (id < 10)); CREATE TABLE c (id int)",
    );
    let counts = "SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b), (SELECT count(*) FROM c)";
    // Damage behind the first table's rows is found before a row of it is written.
    pair.run("dump $SOURCE --data-only -o rows.tar").assert_success();
    let whole = std::fs::read(pair.desk.path("rows.tar")).unwrap();
    std::fs::write(pair.desk.path("short.tar"), &whole[..whole.len() - 2048]).unwrap();
    pair.run("load $TARGET short.tar --data-only").assert_code(6);
    pair.run("cat short.tar | load $TARGET --data-only")
        .assert_code(6);
    pair.check(counts, &["0 | 0 | 0"]);
    let said = [
        "small",
        "in: public.a; as they were: public.b, public.c",
        "`load --data-only --resume TARGET rows.tar` goes on",
    ];
    let said = said.map(|it| it.replace("TARGET", &target_word(&pair.target)));
    let output = pair.run("load $TARGET rows.tar --data-only");
    refused(&output, 5, &said.each_ref().map(String::as_str));
    pair.check(counts, &["10 | 0 | 0"]);
    refused(
        &pair.run("load $TARGET rows.tar --data-only --append"),
        5,
        &["has put this archive's rows into public.a already: go on with --resume"],
    );
    refused(
        &pair.run("load $TARGET rows.tar --data-only --resume --append"),
        2,
        &["other options"],
    );
    pair.own(
        "ALTER TABLE b DROP CONSTRAINT small;
         CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
         CREATE TRIGGER die AFTER INSERT ON c EXECUTE FUNCTION public.die()",
    );
    refused(
        &pair.run("load $TARGET rows.tar --data-only --resume"),
        5,
        &["in: public.a, public.b; as they were: public.c"],
    );
    pair.check(counts, &["10 | 10 | 0"]);
    pair.own("DROP TRIGGER die ON c");
    pair.run("load $TARGET rows.tar --data-only --resume")
        .assert_success();
    pair.check(counts, &["10 | 10 | 10"]);
    pair.run("load $TARGET rows.tar --data-only --resume")
        .assert_success()
        .assert_stderr_contains("all of it is on");
    pair.check(counts, &["10 | 10 | 10"]);
}

#[test]
fn a_role_that_may_write_but_owns_nothing_is_told_what_only_the_owner_can_do() {
    // Fault 24.
    let pair = Pair::new(
        "CREATE TABLE hen (id int, egg int); CREATE TABLE egg (id int, hen int); CREATE TABLE log (line text);
         INSERT INTO hen VALUES (1, 1), (2, NULL); INSERT INTO egg VALUES (1, 2)",
        "",
    );
    pair.target
        .execute(
            "CREATE TABLE hen (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, egg int);
             CREATE TABLE egg (id int PRIMARY KEY, hen int CONSTRAINT laid REFERENCES hen);
             ALTER TABLE hen ADD CONSTRAINT hatched FOREIGN KEY (egg) REFERENCES egg;
             CREATE TABLE log (line text);
             CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES ('x'); RETURN new; END $$;
             CREATE TRIGGER note AFTER INSERT ON egg FOR EACH ROW EXECUTE FUNCTION note();
             GRANT SELECT, INSERT, UPDATE ON hen, egg, log TO target_owner",
        )
        .unwrap();
    let said = [
        "foreign key hatched of public.hen closes a circle, is not deferrable, and the role does not own the table",
        "foreign key laid of public.egg closes a circle",
        "nothing was written",
    ];
    refused(&pair.run(PIPE), 5, &said);
    refused(
        &pair.run(&format!("{PIPE} --triggers suspend")),
        5,
        &["public.egg belongs to postgres, so the role may not suspend its triggers"],
    );
    let mut admin = pair.target.admin().unwrap();
    admin
        .batch_execute("ALTER TABLE hen ALTER CONSTRAINT hatched DEFERRABLE")
        .unwrap();
    refused(
        &pair.run(PIPE),
        5,
        &[
            "ALTER FUNCTION … SET search_path",
            "as they were: public.egg, public.hen",
        ],
    );
    admin
        .batch_execute("ALTER FUNCTION note() SET search_path = public")
        .unwrap();
    pair.run(&format!("{PIPE} --truncate log"))
        .assert_code(5)
        .assert_stderr_contains("lacks TRUNCATE on public.log");
    pair.run(&format!("{PIPE} --append"))
        .assert_success()
        .assert_stderr_contains(
            "foreign keys in a circle, filled in one transaction: public.hen, public.egg\n",
        )
        .assert_stderr_contains("SELECT setval('public.hen_id_seq', 2)");
    pair.check(
        "SELECT count(*) FROM hen JOIN egg ON egg.hen = hen.id WHERE hen.id = 2",
        &["1"],
    );
}
