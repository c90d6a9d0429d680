//! Whole consolidations, each by one `make -f examples/consolidate.mk`, from `assess` to the proof: many development
//! databases into two targets, a database for each module into one, and SQLite files with names that clash.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use testkit::{Cluster, Database, Desk, Output, POSTGRES, Skipped, target_word};

const MAKEFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/consolidate.mk");

fn fixture(path: &str) -> String {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/stories")
        .join(path);
    std::fs::read_to_string(&whole).unwrap_or_else(|error| panic!("{}: {error}", whole.display()))
}

/// A folder in which one consolidation is made.
struct Story {
    desk: Desk,
    variables: String,
}

impl Story {
    fn new() -> Self {
        let desk = Desk::shared();
        std::fs::create_dir(desk.path("after")).unwrap();
        Story {
            desk,
            variables: String::new(),
        }
    }

    /// The arguments of `assess` that make the plan, and what else make is told.
    fn told(mut self, assess: &str, others: &str) -> Self {
        self.variables = format!("ASSESS=\"{assess}\" {others}");
        self
    }

    fn make(&self, goal: &str) -> Output {
        let line = format!("make -f {MAKEFILE} {} {goal}", self.variables);
        self.desk.shell(&line).time_limit(Duration::from_mins(2)).run()
    }

    /// Marks of steps that are done.
    fn marks(&self, step: &str) -> usize {
        let marks = std::fs::read_dir(self.desk.path(".consolidated")).unwrap();
        let is_of_step = |path: &PathBuf| path.extension().is_some_and(|it| it == step);
        marks
            .filter(|it| is_of_step(&it.as_ref().unwrap().path()))
            .count()
    }
}

/// Whether `make` is missing, so that the test is skipped.
fn is_without_make() -> bool {
    let found = std::process::Command::new("make")
        .arg("--version")
        .output()
        .is_ok();
    if !found {
        let _ = Skipped::because("make is missing; run: apt-get install make");
    }
    !found
}

/// Databases with these names, each filled by its fixture.
fn databases(folder: &str, names: &[&str]) {
    for name in names {
        Cluster::shared().create_database(name, POSTGRES).unwrap();
        Cluster::shared()
            .client(name, POSTGRES)
            .unwrap()
            .batch_execute(&fixture(&format!("{folder}/{name}.sql")))
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
}

/// A value of the target is changed: the proof must find it, and nothing else may.
#[track_caller]
fn assert_a_change_is_found(story: &Story, target: &Database<'_>, sql: &str, table: &str) {
    target.execute(sql).unwrap();
    let output = story.make("verify");
    output.assert_code(2);
    assert!(output.stdout_text().contains(table), "{output}");
}

#[test]
fn five_development_databases_go_into_two_targets() {
    if is_without_make() {
        return;
    }
    let cluster = Cluster::shared();
    cluster
        .client(POSTGRES, POSTGRES)
        .unwrap()
        .batch_execute("CREATE ROLE story_app")
        .unwrap();
    databases("dev", &["auth", "crm", "wiki", "metrics", "jobs"]);
    let (first, second) = (cluster.target().unwrap(), cluster.target().unwrap());
    let assess = format!(
        "auth crm wiki metrics jobs --target app={} --target tools={} --to-target auth=app --to-target crm=app \
         --to-target wiki=tools --to-target metrics=tools --to-target jobs=tools",
        target_word(&first),
        target_word(&second)
    );
    let spare = format!("'dbname={} user={POSTGRES}'", first.name());
    let others = format!(
        "LOAD_FLAGS='--privileges keep' RESTORE_ON=\"{}\"",
        spare.replace('\'', "")
    );
    let story = Story::new().told(&assess, &others);
    let output = story.make("");
    output.assert_success();
    assert!(
        output
            .stdout_text()
            .contains("All 5 sources are where the plan wants them"),
        "{output}"
    );
    let schemas = "SELECT nspname FROM pg_namespace WHERE nspname IN ('auth', 'crm', 'wiki', 'metrics', 'jobs') ORDER BY 1";
    assert_eq!(first.query(schemas).unwrap(), ["auth", "crm"]);
    assert_eq!(second.query(schemas).unwrap(), ["jobs", "metrics", "wiki"]);

    // What the applications rely on.
    let query = |sql: &str| first.query(sql).unwrap();
    assert_eq!(
        query("SET search_path = auth, public; SELECT sessions_of('USER2@example.org')"),
        ["1"]
    );
    assert_eq!(query("SELECT nextval('auth.ticket_numbers')"), ["1225"]);
    assert_eq!(
        query("SELECT has_table_privilege('story_app', 'auth.users', 'INSERT')"),
        ["t"]
    );
    assert_eq!(
        query("SELECT has_table_privilege('story_app', 'auth.sessions', 'SELECT')"),
        ["f"]
    );
    assert_eq!(
        second.query("SELECT nextval('jobs.queue_id_seq')").unwrap(),
        ["5001"]
    );

    // Nothing is done twice.
    let again = story.make("");
    again.assert_success();
    assert!(!again.stdout_text().contains("dump "), "{again}");
    let sql = "UPDATE wiki.pages SET title = 'Another' WHERE id = 7";
    assert_a_change_is_found(&story, &second, sql, "wiki.pages");
    drop((first, second));
    for name in ["auth", "crm", "wiki", "metrics", "jobs"] {
        drop(cluster.existing(name));
    }
    let _ = cluster
        .client(POSTGRES, POSTGRES)
        .unwrap()
        .batch_execute("DROP ROLE story_app");
}

#[test]
fn a_database_for_each_module_becomes_a_schema_each_though_it_is_killed_on_the_way() {
    if is_without_make() {
        return;
    }
    let names = ["core", "people", "stock", "sales", "ledger", "support"];
    databases("modules", &names);
    let target = Cluster::shared().target().unwrap();
    let story = Story::new().told(
        &format!("{} --target {}", names.join(" "), target_word(&target)),
        "",
    );

    // Everything is killed as soon as the second module is being loaded; what it was doing is left half.
    let line = format!("make -f {MAKEFILE} {}", story.variables);
    let killing = format!(
        "setsid {line} & group=$!
         for _ in $(seq 1200); do
           [ \"$(ls .consolidated/*.load 2>/dev/null | wc -l)\" -ge 2 ] && break; sleep 0.05
         done
         kill -KILL -- -$group; wait $group"
    );
    story
        .desk
        .shell(&killing)
        .time_limit(Duration::from_mins(2))
        .run();
    let (loaded, dumped) = (story.marks("load"), story.marks("backup"));
    assert!((2..6).contains(&loaded), "{loaded} of 6 were loaded");
    let output = story.make("-j 2");
    output.assert_success();
    let dumps = output
        .stdout_text()
        .lines()
        .filter(|it| it.starts_with("dump "))
        .count();
    assert_eq!(dumps, 6 - dumped, "{output}");
    let sql = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('core', 'people', 'stock', 'sales', 'ledger', 'support')";
    assert_eq!(target.query(sql).unwrap(), ["6"]);
    assert_eq!(
        target
            .query("SELECT count(*) FROM ledger_closed.bookings")
            .unwrap(),
        ["49"]
    );
    assert_eq!(
        target.query("SELECT sum(cents) FROM ledger.balance").unwrap(),
        ["68180"]
    );
    let status = story.make("status");
    let done = status.assert_success().stdout_text().matches("done").count();
    assert_eq!(done, 6 * 4, "{status}");
    assert_a_change_is_found(
        &story,
        &target,
        "DELETE FROM stock.moves WHERE id = 17",
        "stock.moves",
    );
    for name in names {
        drop(Cluster::shared().existing(name));
    }
}

#[test]
fn five_files_become_one_schema_with_prefixes_on_what_clashes() {
    if is_without_make() {
        return;
    }
    let target = Cluster::shared().target().unwrap();
    let names = ["shop", "blog", "inventory", "staff", "support"];
    let files: Vec<String> = names.iter().map(|it| format!("{it}.sqlite")).collect();
    let assess = format!(
        "{} --layout prefix --into app --target app={}",
        files.join(" "),
        target_word(&target)
    );
    let story = Story::new().told(&assess, "");
    for (name, file) in names.iter().zip(&files) {
        let connection = rusqlite::Connection::open(story.desk.path(file)).unwrap();
        let sql = fixture(&format!("files/{name}.sql"));
        connection
            .execute_batch(&format!("PRAGMA foreign_keys = OFF; BEGIN; {sql} COMMIT"))
            .unwrap();
    }
    std::fs::write(
        story.desk.path("after/app-together.sql"),
        fixture("files/after.sql"),
    )
    .unwrap();
    story.make("").assert_success();

    let query = |sql: &str| target.query(sql).unwrap();
    let counts = target.row_counts().unwrap();
    let ours: Vec<_> = counts
        .iter()
        .filter(|(name, _)| name.starts_with("app."))
        .collect();
    assert_eq!(
        (ours.len(), ours.iter().map(|it| it.1).sum::<u64>()),
        (36, 11_107),
        "{counts:?}"
    );
    let clashing: Vec<&str> = ours
        .iter()
        .map(|it| it.0.as_str())
        .filter(|it| {
            ["settings", "logs", "notes"]
                .iter()
                .any(|name| it.ends_with(name))
        })
        .collect();
    assert_eq!(clashing.len(), 7, "{clashing:?}");
    assert!(clashing.contains(&"app.blog_settings"), "{clashing:?}");
    // Foreign keys from one former file to another hold for every row.
    let across = "SELECT conname, convalidated FROM pg_constraint WHERE contype = 'f' AND connamespace = 'app'::regnamespace
        AND conname ~ '_of_' ORDER BY 1";
    assert_eq!(
        query(across),
        [
            "answers_of_people | t",
            "comments_of_customers | t",
            "movements_of_products | t",
            "stock_of_products | t",
            "tickets_of_customers | t"
        ]
    );
    assert_a_change_is_found(
        &story,
        &target,
        "UPDATE app.staff_notes SET words = 'x' WHERE id = 3",
        "staff_notes",
    );
}
