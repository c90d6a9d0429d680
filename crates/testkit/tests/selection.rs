//! A part of a database, chosen by `pg_dump`'s options: what is in the archive, what is refused, what arrives.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeSet;
use std::sync::OnceLock;

use testkit::{Cluster, Database, Desk, target_word};

/// Two modules that know each other, awkward names, partitions, inheritance, a sequence of nobody's.
const SOURCE: &str = r#"
CREATE SCHEMA crm; CREATE SCHEMA shop; CREATE SCHEMA "Odd.one";
CREATE TYPE shop.state AS ENUM ('open', 'paid');
CREATE TABLE crm.customers (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE crm.notes (id serial PRIMARY KEY, customer integer REFERENCES crm.customers, note text);
CREATE TABLE shop.orders (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer integer CONSTRAINT "by whom" REFERENCES crm.customers, state shop.state DEFAULT 'open', placed date);
COMMENT ON CONSTRAINT "by whom" ON shop.orders IS 'from another module';
CREATE TABLE shop.lines (order_id integer REFERENCES shop.orders, what text, "Price" numeric);
CREATE TABLE shop.events (id integer, at date) PARTITION BY RANGE (at);
CREATE TABLE shop.events_old PARTITION OF shop.events FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
CREATE TABLE shop.events_new PARTITION OF shop.events FOR VALUES FROM ('2026-01-01') TO (MAXVALUE);
CREATE SEQUENCE shop.numbers START 1000;
CREATE VIEW shop.open_orders AS SELECT * FROM shop.orders WHERE state = 'open';
CREATE MATERIALIZED VIEW shop.totals AS SELECT order_id, sum("Price") FROM shop.lines GROUP BY 1;
CREATE FUNCTION shop.stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER stamp BEFORE INSERT ON shop.lines FOR EACH ROW EXECUTE FUNCTION shop.stamp();
CREATE TABLE "Odd.one"."Ta*ble" (a integer); CREATE TABLE "Odd.one".plain (a integer);
CREATE TABLE public.here (a integer);
INSERT INTO crm.customers SELECT n, 'name ' || n FROM generate_series(1, 20) n;
INSERT INTO crm.notes (customer, note) SELECT n, 'note' FROM generate_series(1, 20) n;
INSERT INTO shop.orders (customer, state, placed)
  SELECT n, CASE n % 2 WHEN 0 THEN 'open' ELSE 'paid' END::shop.state, date '2025-12-01' + n FROM generate_series(1, 20) n;
INSERT INTO shop.lines SELECT n, 'thing', n FROM generate_series(1, 20) n;
INSERT INTO shop.events SELECT n, date '2025-12-22' + n FROM generate_series(1, 20) n;
INSERT INTO "Odd.one"."Ta*ble" VALUES (1); INSERT INTO "Odd.one".plain VALUES (1); INSERT INTO public.here VALUES (1);
SELECT nextval('shop.numbers'), nextval('shop.numbers');
REFRESH MATERIALIZED VIEW shop.totals;"#;

fn source() -> &'static str {
    static SOURCE_DATABASE: OnceLock<Database<'static>> = OnceLock::new();
    SOURCE_DATABASE
        .get_or_init(|| {
            let database = Cluster::shared().database("modules").unwrap();
            database.execute(SOURCE).unwrap();
            database
        })
        .name()
}

/// The names of relations with rows or a position in what `pg_dump` writes.
fn chosen_by_pg_dump(desk: &Desk, options: &str) -> BTreeSet<String> {
    let line = format!("pg_dump -Fc -s {options} {} | pg_restore --list", source());
    let output = desk.run(&line);
    output.assert_success();
    let text = output.stdout_text();
    let entries = text.lines().filter(|line| !line.starts_with(';'));
    let name = |line: &str| {
        let entry = line.splitn(4, ' ').nth(3)?;
        let rest = entry
            .strip_prefix("TABLE ")
            .or_else(|| entry.strip_prefix("SEQUENCE "))
            .filter(|rest| !rest.starts_with("ATTACH") && !rest.starts_with("OWNED"))?;
        Some(rest.rsplit_once(' ')?.0.replacen(' ', ".", 1))
    };
    entries.filter_map(name).collect()
}

/// The same of an archive of ours.
fn chosen_by_dump(desk: &Desk, options: &str) -> BTreeSet<String> {
    let output = desk.run(&format!("dump {} {options} | tar xO archive.json", source()));
    output.assert_success();
    let header: serde_json::Value = serde_json::from_slice(output.stdout()).unwrap();
    let list = |kind: &str| header["catalog"][kind].as_array().unwrap().clone();
    let name = |it: serde_json::Value| {
        format!(
            "{}.{}",
            it["schema"].as_str().unwrap(),
            it["name"].as_str().unwrap()
        )
    };
    list("tables")
        .into_iter()
        .chain(list("sequences"))
        .map(name)
        .collect()
}

#[test]
fn patterns_choose_what_pg_dump_chooses() {
    let desk = Desk::shared();
    for options in [
        "--schema crm --schema public",
        "-n 'c*' -N crm_old",
        "--exclude-schema shop --exclude-schema crm",
        "-n '\"Odd.one\"'",
        "-N '(crm|shop|O*|\"Odd.one\")'",
        "--schema crm --exclude-table 'crm.notes*'",
        "-n shop -n crm -T '*.lines' -T shop.totals",
        "-t 'crm.*'",
        "-t '\"Odd.one\".\"Ta*ble\"'",
        "-t 'crm.CUST*' -t here",
        "-t 'crm.?????' -T crm.nothing_like_it",
        "-t shop.numbers -t shop.nothing -t crm.customers",
    ] {
        if options.contains("nothing -t") {
            desk.run(&format!("dump {} {options}", source()))
                .assert_code(2)
                .assert_stderr_contains("--table shop.nothing matches nothing");
            continue;
        }
        assert_eq!(
            chosen_by_dump(&desk, options),
            chosen_by_pg_dump(&desk, options),
            "{options}"
        );
    }
}

#[test]
fn a_sequence_goes_with_the_table_that_owns_it() {
    let chosen = chosen_by_dump(&Desk::shared(), "--schema crm --exclude-table crm.notes");
    assert_eq!(chosen, ["crm.customers".to_owned()].into());
}

#[test]
fn a_partitioned_table_stands_for_its_partitions() {
    let desk = Desk::shared();
    let chosen = chosen_by_dump(&desk, "-t shop.events");
    let all = ["shop.events", "shop.events_new", "shop.events_old"];
    assert_eq!(chosen, all.map(str::to_owned).into());
    let without = chosen_by_dump(&desk, "--schema shop --schema crm --exclude-table shop.events");
    assert!(all.iter().all(|it| !without.contains(*it)), "{without:?}");
}

#[test]
fn what_is_left_out_stays_out_and_stands_in_the_archive() {
    let (desk, target) = (Desk::shared(), Cluster::shared().target().unwrap());
    let line = format!(
        "dump {} --schema shop --exclude-table-data shop.lines --where 'shop.events=id > 5 -- the new ones' \
         --where \"shop.orders=state = 'paid'\" -o part.tar",
        source()
    );
    desk.run(&line).assert_success().assert_stderr_contains(
        "foreign key by whom of shop.orders is left out, since it refers to table crm.customers",
    );
    let loaded = desk.run(&format!("load {} part.tar", target_word(&target)));
    loaded
        .assert_success()
        .assert_stderr_contains("a part of")
        .assert_stderr_contains("--where shop.orders=state = 'paid'");
    desk.run(&format!("verify part.tar {}", target_word(&target)))
        .assert_success();
    let counts = "SELECT (SELECT count(*) FROM shop.lines), (SELECT count(*) FROM shop.orders),
        (SELECT count(*) FROM shop.events), (SELECT count(*) FROM pg_constraint WHERE conname = 'by whom'),
        (SELECT last_value FROM shop.numbers), (SELECT count(*) FROM shop.open_orders)";
    assert_eq!(target.query(counts).unwrap(), ["0 | 10 | 15 | 0 | 1001 | 0"]);
}

#[test]
fn definitions_alone_begin_anew() {
    let (desk, target) = (Desk::shared(), Cluster::shared().target().unwrap());
    let line = format!(
        "dump {} --schema-only -N public | load {}",
        source(),
        target_word(&target)
    );
    desk.run(&line).assert_success();
    let state = "SELECT (SELECT count(*) FROM shop.orders), (SELECT last_value FROM shop.numbers),
        (SELECT is_called FROM shop.numbers), (SELECT relispopulated FROM pg_class WHERE relname = 'totals'),
        (SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conparentid = 0)";
    assert_eq!(target.query(state).unwrap(), ["0 | 1000 | f | f | 3"]);
    target
        .execute("INSERT INTO crm.customers VALUES (1, 'x'); INSERT INTO shop.orders (customer) VALUES (1)")
        .unwrap();
    assert_eq!(target.query("SELECT id FROM shop.orders").unwrap(), ["1"]);
}

#[test]
fn rows_alone_are_an_archive_that_load_does_not_take() {
    let (desk, target) = (Desk::shared(), Cluster::shared().target().unwrap());
    desk.run(&format!(
        "dump {} --data-only -t shop.lines -o rows.tar",
        source()
    ))
    .assert_success();
    let members = desk.run("tar tf rows.tar").stdout_text();
    assert!(
        !members.contains("schema/") && members.contains("shop.lines"),
        "{members}"
    );
    desk.run("verify --archive rows.tar").assert_success();
    desk.run(&format!("load {} rows.tar", target_word(&target)))
        .assert_code(2)
        .assert_stderr_contains("rows without definitions")
        .assert_stderr_contains("--data-only");
}

#[test]
fn a_selection_that_cannot_stand_alone_is_refused_before_the_first_byte() {
    let desk = Desk::shared();
    for (options, code, words) in [
        ("-t shop.orders", 4, "table shop.orders needs type shop.state"),
        ("-t shop.lines", 4, "table shop.lines needs function shop.stamp()"),
        (
            "-n shop -T shop.orders",
            4,
            "view shop.open_orders needs table shop.orders",
        ),
        (
            "-t shop.events_old",
            4,
            "table shop.events_old needs table shop.events",
        ),
        ("-n nix", 2, "--schema nix matches nothing"),
        ("-N '*'", 2, "leave no schema"),
        ("-t a.b.c", 2, "too many dots"),
        ("-t 'x('", 4, "does not understand pattern x("),
        ("-t '\"x'", 2, "a quote without its end"),
        ("--where crm.notes", 2, "no TABLE=CONDITION"),
        ("--where 'crm.nix=true'", 2, "no table matches crm.nix"),
        (
            "--where 'crm.notes=nonsense > 1'",
            2,
            "the condition for rows of crm.notes cannot be used",
        ),
        (
            "--where 'crm.notes=true) TO STDOUT; SELECT (1'",
            2,
            "the condition for rows of crm.notes",
        ),
        (
            "--where crm.notes=true --exclude-table-data crm.notes",
            2,
            "two options decide which rows of crm.notes",
        ),
        ("-s -a", 2, "cannot be used with"),
        ("-t x -n y", 2, "cannot be used with"),
    ] {
        let output = desk.run(&format!("dump {} {options}", source()));
        output.assert_code(code).assert_stderr_contains(words);
        assert_eq!(output.stdout(), b"", "{output}");
    }
    desk.run(
        "sqlite3 -version >/dev/null 2>&1; printf 'SQLite format 3\\0' > x.sqlite; dump x.sqlite --table t",
    )
    .assert_code(2)
    .assert_stderr_contains("chooses in a PostgreSQL database");
}
