//! What the judge itself finds: a body that no longer works, whatever shows it.

use testkit::Cluster;
use testkit::judge::{Naming, judge_uses};

/// Each of the last four can break alone, by `<table>`.
const SQL: &str = "SET check_function_bodies = off;
    CREATE TABLE t (id int PRIMARY KEY);
    INSERT INTO t VALUES (1);
    CREATE FUNCTION checked() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM <checked>); END $$;
    CREATE FUNCTION defined() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM <defined> $$;
    CREATE FUNCTION called() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN EXECUTE concat('SELECT FROM ', '<read>'); RETURN 1; END $$;
    CREATE VIEW read AS SELECT called();
    CREATE FUNCTION on_t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE concat('SELECT FROM ', '<fired>'); RETURN new; END $$;
    CREATE TRIGGER fired BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION on_t();";

const USES: [&str; 4] = ["checked", "defined", "read", "fired"];

#[test]
fn what_works_as_before_is_no_finding() {
    check("", &[]);
}

#[test]
fn a_routine_that_names_a_missing_table_is_found() {
    check("checked", &["Checked public.checked"]);
    check("defined", &["Defined public.defined"]);
}

#[test]
fn a_view_that_cannot_be_read_is_found() {
    check("read", &["Read public.read"]);
}

#[test]
fn a_trigger_that_cannot_fire_is_found() {
    check("fired", &["Fired public.t"]);
}

/// Breaks one use in the result and compares what the judge finds.
#[track_caller]
fn check(broken: &str, expected: &[&str]) {
    let cluster = Cluster::shared();
    let database = |broken: &str| {
        let database = cluster.database("judged").unwrap();
        let sql = USES.iter().fold(SQL.to_owned(), |sql, name| {
            sql.replace(
                &format!("<{name}>"),
                if *name == broken { "missing" } else { "t" },
            )
        });
        database.execute(&sql).unwrap();
        database
    };
    let judged = judge_uses(&database(""), &["public"], &database(broken), &Naming::default()).unwrap();
    assert_eq!((judged.defined, judged.read, judged.fired), (1, 1, 3));
    let found: Vec<&str> = judged
        .new_findings
        .iter()
        .filter_map(|it| it.lines().next())
        .collect();
    if judged.checked > 0 || broken != "checked" {
        assert_eq!(found, expected);
    }
}
