//! Tables as frameworks make them.

use crate::{PIPE, Pair, refused};

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
