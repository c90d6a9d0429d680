//! A plan is what all tools obey: made by `assess`, checked against its sources, and enough by itself to move them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod schema;

use serde_json::Value;
use testkit::{Cluster, Database, Desk, Output, target_word};

#[test]
fn a_plan_alone_moves_its_sources() {
    let (cluster, desk) = (Cluster::shared(), Desk::shared());
    let (shop, crm) = (
        source(
            "plan_shop",
            "CREATE VIEW paid AS SELECT id FROM users WHERE id > 1",
        ),
        source(
            "plan_crm",
            "CREATE TABLE secrets (id int); CREATE TABLE logs (id int); INSERT INTO logs VALUES (1), (2)",
        ),
    );
    let target = cluster.target().unwrap();
    desk.run(&format!(
        "assess {} {} --target moved={} --cost {}=30 --cost moved=12.5 --plan alone.json",
        shop.name(),
        crm.name(),
        target_word(&target),
        shop.name()
    ))
    .assert_success()
    .assert_stderr_contains("saves 17.50 a month");
    let mut plan = read(&desk, "alone.json");
    schema::assert_described(&plan);
    assert_eq!(plan["targets"][0]["name"], "moved");
    desk.run("assess --check-plan alone.json").assert_success();
    plan["sources"][1]["tables"] =
        serde_json::json!({"public.secrets": {"leave_out": true}, "public.logs": {"where": "id > 1"}});
    write(&desk, "alone.json", &plan);
    schema::assert_described(&plan);
    desk.run("assess --check-plan alone.json").assert_success();
    for name in [shop.name(), crm.name()] {
        desk.run(&format!(
            "dump --plan alone.json --source {name} | remap-schema --plan alone.json --source {name} | load --plan alone.json --source {name}"
        ))
        .assert_success();
        desk.run(&format!("verify --plan alone.json --source {name}"))
            .assert_success();
    }
    assert_eq!(
        target
            .query(&format!("SELECT id::text FROM {}.logs", crm.name()))
            .unwrap(),
        ["2"]
    );
    assert_eq!(
        target
            .query("SELECT count(*)::text FROM pg_class WHERE relname = 'secrets'")
            .unwrap(),
        ["0"]
    );
    // Words go before the plan, and the plan's target before none.
    desk.run(&format!(
        "verify {} --plan alone.json --source {}",
        crm.name(),
        shop.name()
    ))
    .assert_code(1);

    // What the plan has made is no obstacle to it, and what somebody else has made is.
    let check = || desk.run("assess --check-plan alone.json");
    let output = check();
    let shown = output.assert_success().stdout_text();
    let is_live = format!("note: {} is live on {} already", crm.name(), target.name());
    assert!(shown.contains(&is_live), "{output}");
    let schema = crm.name();
    target
        .execute(&format!(
            "DROP SCHEMA {schema} CASCADE; CREATE SCHEMA {schema} CREATE TABLE theirs (id int)"
        ))
        .unwrap();
    let output = check();
    let shown = output.assert_code(1).stdout_text();
    assert!(
        shown.contains(&format!("{schema}, planned for {schema}, exists on")),
        "{output}"
    );
}

#[test]
fn a_source_that_has_changed_is_told() {
    let desk = Desk::shared();
    let source = source("plan_changed", "CREATE TABLE going (id int)");
    desk.run(&format!("assess {} --plan changed.json", source.name()))
        .assert_success();
    desk.run("assess --check-plan changed.json").assert_success();
    source
        .execute(
            "ALTER TABLE users ADD email text; ALTER TABLE users ALTER id TYPE bigint; DROP TABLE going;
             CREATE TABLE coming (id int); CREATE VIEW v AS SELECT 1 AS one; INSERT INTO users (name) VALUES ('c')",
        )
        .unwrap();
    let output = desk.run("assess --check-plan changed.json");
    let shown = output.assert_code(1).stdout_text();
    for expected in [
        "table public.coming is new in",
        "has now email text",
        "has now id bigint",
        "no longer has id integer",
        "table public.going is gone from",
        "has 1 views, and had 0",
        "changed.json does not hold",
    ] {
        assert!(shown.contains(expected), "no `{expected}`\n{output}");
    }
    let report = json(&desk.run("assess --check-plan changed.json --format json"));
    assert_eq!(report["holds"], false);
    assert!(report["findings"][0]["line"].as_u64().unwrap() > 1);
    desk.run("assess --check-plan changed.json --offline")
        .assert_success();
}

#[test]
fn names_and_decisions_are_checked() {
    let desk = Desk::shared();
    let source = source("plan_named", "");
    desk.run(&format!("assess {} --plan named.json", source.name()))
        .assert_success();
    let mut plan = read(&desk, "named.json");
    plan["sources"][0]["tables"] = serde_json::json!({
        "public.gone": {"leave_out": true},
        "public.users": {"columns": {"nmae": {"drop": true}}, "add": {"id": {"type": "int", "value": "1"}}}
    });
    plan["conflicts"]
        .as_array_mut()
        .unwrap()
        .push(serde_json::json!({"id": "x", "severity": "blocks", "topic": "name", "text": "two are one"}));
    write(&desk, "named.json", &plan);
    for offline in ["", "--offline"] {
        let output = desk.run(&format!("assess --check-plan named.json {offline}"));
        let shown = output.assert_code(1).stdout_text();
        for expected in [
            "has no table public.gone",
            "table public.users of plan_named has no column nmae"
                .replace("plan_named", source.name())
                .as_str(),
            "has a column id already",
            "nobody has decided: two are one",
            "4 findings",
        ] {
            assert!(shown.contains(expected), "no `{expected}`\n{output}");
        }
    }
}

#[test]
fn faults_are_told_with_their_lines_and_passwords_never() {
    let desk = Desk::shared();
    std::fs::write(
        desk.path("faulty.json"),
        "{\n\"version\": 1,\n\"sources\": [\n{\"name\": \"a\", \"endpoint\": \"postgres://u:hunter2@h/d\",\n\"schemas\": [\"public\"],\n\"orphan\": \"keep\"}]}",
    )
    .unwrap();
    let output = desk.run("dump --plan faulty.json --source a");
    output
        .assert_code(2)
        .assert_stderr_contains("did you mean `orphans`?");
    assert!(
        output.stderr().contains("faulty.json:6: sources[0].orphan"),
        "{output}"
    );
    let text = std::fs::read_to_string(desk.path("faulty.json")).unwrap();
    std::fs::write(desk.path("faulty.json"), text.replace("orphan", "orphans")).unwrap();
    for line in [
        "dump --plan faulty.json --source a",
        "load --plan faulty.json --source a",
        "verify --plan faulty.json --source a",
        "assess --check-plan faulty.json",
    ] {
        let output = desk.run(line);
        let told = format!("{}{}", output.stdout_text(), output.stderr());
        assert!(
            told.contains("faulty.json:4: sources[0].endpoint: a password"),
            "{output}"
        );
        assert!(!told.contains("hunter2"), "{output}");
    }
    std::fs::write(
        desk.path("faulty.json"),
        text.replace("orphan", "orphans")
            .replace("hunter2", "${NO_SUCH_VARIABLE}"),
    )
    .unwrap();
    desk.run("dump --plan faulty.json --source a")
        .assert_code(2)
        .assert_stderr_contains("the environment has no variable of that name");
}

#[test]
fn layouts_keep_names_apart_and_make_tables_one() {
    let (cluster, desk) = (Cluster::shared(), Desk::shared());
    let (one, other) = (
        source(
            "plan_one",
            "CREATE TABLE notes (id int); CREATE INDEX by_name ON users (name)",
        ),
        source(
            "plan_other",
            "CREATE TABLE tags (id int); CREATE INDEX by_name ON users (id, name)",
        ),
    );
    let target = cluster.target().unwrap();
    let word = target_word(&target);
    let (a, b) = (one.name(), other.name());
    desk.run(&format!(
        "assess {a} {b} --target {word} --layout prefix --into app --plan prefix.json"
    ))
    .assert_success();
    let plan = read(&desk, "prefix.json");
    schema::assert_described(&plan);
    assert_eq!(
        plan["sources"][0]["rename"],
        serde_json::json!({"public.by_name": format!("{a}_by_name"), "public.users": format!("{a}_users")}),
        "{plan:#}"
    );
    desk.run("assess --check-plan prefix.json").assert_success();
    desk.run(&format!(
        "dump --plan prefix.json --source {a} | remap-schema --plan prefix.json --source {a} | load --plan prefix.json --source {a}"
    ))
    .assert_success();
    desk.run(&format!("verify --plan prefix.json --source {a}"))
        .assert_success();
    let tables = "SELECT relname::text FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relkind IN ('r', 'i') ORDER BY 1";
    assert_eq!(
        target.query(tables).unwrap(),
        [
            "notes".to_owned(),
            format!("{a}_by_name"),
            format!("{a}_users"),
            format!("{a}_users_pkey")
        ]
    );

    desk.run(&format!("assess {a} {b} --layout merge --plan merge.json"))
        .assert_success();
    let plan = read(&desk, "merge.json");
    schema::assert_described(&plan);
    assert_eq!(plan["merges"].as_array().unwrap().len(), 1, "{plan:#}");
    assert_eq!(plan["merges"][0]["into"], "public.users");
    assert_eq!(plan["merges"][0]["offsets"][b], 1_000_000, "{plan:#}");
    desk.run("assess --check-plan merge.json").assert_success();
}

#[test]
fn each_source_goes_to_the_target_that_is_named_for_it() {
    let (cluster, desk) = (Cluster::shared(), Desk::shared());
    let (one, other) = (source("plan_left", ""), source("plan_right", ""));
    let (left, right) = (cluster.target().unwrap(), cluster.target().unwrap());
    let (a, b) = (one.name(), other.name());
    let targets = format!(
        "--target l={} --target r={}",
        target_word(&left),
        target_word(&right)
    );
    desk.run(&format!("assess {a} {b} {targets}"))
        .assert_code(2)
        .assert_stderr_contains("nothing says which");
    let output = desk.run(&format!(
        "assess {a} {b} {targets} --to-target {a}=r --to-target {b}=l --plan two.json"
    ));
    let shown = output.assert_success().stdout_text();
    assert_eq!(shown.matches("\n→ ").count(), 2, "{output}");
    schema::assert_described(&read(&desk, "two.json"));
    desk.run("assess --check-plan two.json").assert_success();
    for name in [a, b] {
        desk.run(&format!(
            "dump --plan two.json --source {name} | remap-schema --plan two.json --source {name} > {name}.tar"
        ))
        .assert_success();
    }
    desk.run(&format!("load --plan two.json --to-target r {a}.tar"))
        .assert_success();
    desk.run(&format!("load --plan two.json --source {b} {b}.tar"))
        .assert_success();
    desk.run(&format!("load --plan two.json {b}.tar"))
        .assert_code(2)
        .assert_stderr_contains("nothing says which is meant");
    for name in [a, b] {
        desk.run(&format!("verify --plan two.json --source {name}"))
            .assert_success();
    }
    let count = format!("SELECT count(*)::text FROM {a}.users");
    assert_eq!(right.query(&count).unwrap(), ["2"]);
}

#[test]
fn the_plans_to_begin_with_hold() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/plans");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        plan::Plan::parse(&text).unwrap();
        schema::assert_described(&serde_json::from_str(&text).unwrap());
        let mut with_slip: Value = serde_json::from_str(&text).unwrap();
        with_slip["sources"][0]["shemas"] = Value::Null;
        assert_eq!(schema::faults(&with_slip).len(), 1);
        seen += 1;
    }
    assert_eq!(seen, 2);
}

#[test]
fn roles_that_nothing_names_are_told() {
    let desk = Desk::shared();
    let source = source("plan_refused", "");
    let name = source.name();
    desk.run(&format!("assess {name} --plan refused.json"))
        .assert_success();
    let mut plan = read(&desk, "refused.json");
    plan["sources"][0]["roles"] = serde_json::json!({"somebody": "else"});
    write(&desk, "refused.json", &plan);
    desk.run(&format!(
        "dump --plan refused.json --source {name} | remap-schema --plan refused.json --source {name} > refused.tar"
    ))
    .assert_success()
    .assert_stderr_contains("role somebody of the plan: nothing in the archive names it");
}

/// A database with a table of two rows.
fn source(label: &str, sql: &str) -> Database<'static> {
    let source = Cluster::shared().database(label).unwrap();
    source
        .execute(&format!(
            "CREATE TABLE users (id serial PRIMARY KEY, name text); INSERT INTO users (name) VALUES ('a'), ('b'); {sql}"
        ))
        .unwrap();
    source
}

fn read(desk: &Desk, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(desk.path(name)).unwrap()).unwrap()
}

fn write(desk: &Desk, name: &str, plan: &Value) {
    std::fs::write(desk.path(name), format!("{plan:#}")).unwrap();
}

#[track_caller]
fn json(output: &Output) -> Value {
    serde_json::from_slice(output.stdout()).unwrap_or_else(|error| panic!("{error}\n{output}"))
}
