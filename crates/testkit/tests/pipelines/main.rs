//! Whole consolidations, typed as a user types them: `dump | remap-schema | load`, then `verify`, then the same
//! questions to both sides.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod choices;
mod definitions;
mod files;
mod names;
mod refusals;
mod sqlite_keys;
mod together;
mod values;
mod wild;

use postgres::Client;
use testkit::fixtures::{PostgresFixture, Scale, answers};
use testkit::{Cluster, Database, Desk, TARGET_OWNER, target_word};

fn build(fixture: &PostgresFixture) -> Database<'static> {
    fixture.database(Cluster::shared(), Scale::Small).unwrap()
}

fn new_target() -> Database<'static> {
    Cluster::shared().target().unwrap()
}

/// Moves `source`, a name or a path, into `schema` of `target`, and has `verify` prove it.
#[track_caller]
fn consolidate(desk: &Desk, source: &str, schema: &str, target: &Database<'_>) {
    let target = target_word(target);
    desk.run(&format!(
        "dump {source} | remap-schema --to {schema} | load {target}"
    ))
    .assert_success();
    let verified = desk.run(&format!("verify {source} {target} --to {schema}"));
    verified.assert_success();
    assert!(verified.stdout_text().contains("identical"), "{verified}");
}

/// A session as an application has it after the move: `path` comes with the role, not from any statement.
fn application(target: &Database<'_>, path: &str) -> Client {
    let name = target.name();
    let sql = format!("ALTER ROLE {TARGET_OWNER} IN DATABASE \"{name}\" SET search_path = {path}");
    target.execute(&sql).unwrap();
    let mut client = target.client(TARGET_OWNER).unwrap();
    let set: String = client.query_one("SHOW search_path", &[]).unwrap().get(0);
    assert_eq!(set, path);
    client
}

/// Asks both sides, each under its own path; whatever a question changes is rolled back.
#[track_caller]
fn check_answer(source: (&mut Client, &str), target: (&mut Client, &str), question: &str) -> Vec<String> {
    let [expected, found] = [source, target].map(|(client, path)| match answers(client, path, question) {
        Ok(lines) => lines,
        Err(error) => panic!("{}", error.chain()),
    });
    assert_eq!(found, expected, "{question}");
    assert!(!found.is_empty(), "nobody answers anything: {question}");
    found
}

/// A question that both sides refuse with one message, which contains `says`.
#[track_caller]
fn check_refusal(source: &mut Client, target: &mut Client, question: &str, says: &str) {
    let [expected, found] = [source, target].map(|client| {
        let error = client.simple_query(question).unwrap_err();
        error.as_db_error().unwrap().message().to_owned()
    });
    assert_eq!(found, expected, "{question}");
    assert!(found.contains(says), "{question}: {found}");
}
