//! What is refused, what is said, and what is left after a failure.

use testkit::target_word;

use crate::{PIPE, Pair, refused};

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
        ("--resume", "nothing to resume"),
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
         INSERT INTO n VALUES (1, 1.5000, 'abc', '2024-01-01', 'x', '{\"a\":1}'), (2, 1.2345, 'defg', '2024-01-01 00:00:01', NULL, NULL);
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
                "public.n.word: 1 values change when they become character varying(3)",
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
                "2 | 1.23 | def | 2024-01-01 | ∅",
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
        .assert_stderr_contains("warning: public.t took 19 of 20 rows")
        .assert_stderr_contains("proved but for what triggers may have changed: public.t");
    pair.check(
        "SELECT count(*), count(*) FILTER (WHERE note = 'changed') FROM t",
        &["19 | 19"],
    );
}

#[test]
fn what_is_in_stays_in_and_a_rerun_goes_on_with_the_rest() {
    // Faults 2, 10 and 18.
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
    // A later run that has put nothing in hides no earlier one.
    pair.own("CREATE TRIGGER die AFTER INSERT ON a EXECUTE FUNCTION public.die()");
    pair.run("load $TARGET rows.tar --data-only --truncate a --truncate b --truncate c")
        .assert_code(5);
    pair.own("DROP TRIGGER die ON a");
    refused(
        &pair.run("load $TARGET rows.tar --data-only --append"),
        5,
        &["has put this archive's rows into public.a, public.b, public.c already"],
    );
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

#[test]
fn a_tree_of_partitions_goes_in_as_one_where_a_part_of_it_is_missing() {
    let pair = Pair::new(
        "CREATE TABLE ev (id int, k text) PARTITION BY LIST (k); CREATE TABLE ev_a PARTITION OF ev FOR VALUES IN ('a');
         CREATE TABLE ev_rest PARTITION OF ev DEFAULT; CREATE TABLE top (id int); CREATE TABLE low (id int);
         INSERT INTO ev SELECT n, CASE n % 2 WHEN 0 THEN 'a' ELSE 'b' END FROM generate_series(1, 50) n;
         INSERT INTO top VALUES (1); INSERT INTO low VALUES (2)",
        "CREATE TABLE ev (id int, k text) PARTITION BY LIST (k); CREATE TABLE ev_rest PARTITION OF ev DEFAULT;
         INSERT INTO ev VALUES (99, 'old'); CREATE TABLE top (id int) PARTITION BY RANGE (id);
         CREATE TABLE low PARTITION OF top DEFAULT",
    );
    refused(
        &pair.run(&format!("{PIPE} --truncate ev")),
        5,
        &["public.low is a partition of public.top here, and the archive has rows for both"],
    );
    pair.check("SELECT count(*) FROM ev", &["1"]);
    pair.own("ALTER TABLE top DETACH PARTITION low; CREATE TABLE top_1 PARTITION OF top DEFAULT");
    refused(
        &pair.run(&format!("{PIPE} --truncate ev --truncate ev_rest")),
        2,
        &["`ev_rest` is no table of the target for which the archive has rows"],
    );
    pair.run(&format!("{PIPE} --truncate ev")).assert_success();
    pair.check(
        "SELECT count(*), sum(id), count(*) FILTER (WHERE k = 'a') FROM ev",
        &["50 | 1275 | 25"],
    );
}
