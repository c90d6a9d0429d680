//! New names and then the old ones again: the text that `pg_dump` wrote, byte for byte.

use testkit::fixtures::{MANDIBLE, SPACES, SSO, zoo};
use testkit::{Cluster, Database, Desk, POSTGRES};

use super::{corners, fixture, wild};

/// What is added to a text cannot be told from what was there before.
const ADD_NOTHING: &str = "--search-path leave --extensions leave";

#[test]
fn schemas_go_there_and_back() {
    check(&fixture(&SPACES), &[("--map", "billing", "invoices of 'all'")]);
    check(
        &corners(),
        &[("--map", "audit", "x"), ("--map", "Odd \"name\"", "odd")],
    );
    let zoo = zoo(Cluster::shared()).unwrap();
    check(
        &zoo,
        &[
            ("--map", "left_wing", "right_wing"),
            ("--map", "right_wing", "left_wing"),
        ],
    );
    check(
        &zoo,
        &[
            ("--map", "users", "order"),
            ("--map", "Odd.\"names\"", "an even name"),
        ],
    );
}

#[test]
fn a_schema_that_a_dump_creates_goes_there_and_back() {
    for source in [fixture(&MANDIBLE), fixture(&SSO)] {
        check_dump(&source, "--schema public", &[("--map", "public", "Shop")]);
    }
    for (_, source) in wild() {
        check_dump(
            &source,
            "--schema-only --schema public",
            &[("--map", "public", "wild")],
        );
    }
}

#[test]
fn single_objects_go_there_and_back() {
    let zoo = zoo(Cluster::shared()).unwrap();
    for (old, new) in [
        ("users", "people"),
        ("orders", "an order"),
        ("mood", "select"),
        ("listing", "列表"),
        ("tickets", "Tickets"),
    ] {
        check(&zoo, &[("--rename", &format!("public.{old}"), new)]);
    }
}

#[track_caller]
fn check(source: &Database<'_>, names: &[(&str, &str, &str)]) {
    check_dump(source, "", names);
}

/// Gives a dump with `flags` its new names and the old ones again; each of `names` is an option, the old name
/// and the new one.
#[track_caller]
fn check_dump(source: &Database<'_>, flags: &str, names: &[(&str, &str, &str)]) {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let there = names
        .iter()
        .map(|(option, old, new)| format!("{option} {}", quoted(&format!("{old}={new}"))));
    let back = names.iter().map(|(option, old, new)| {
        let (schema, name) = old
            .split_once('.')
            .filter(|_| *option == "--rename")
            .unwrap_or(("", old));
        let dot = if schema.is_empty() { "" } else { "." };
        format!("{option} {}", quoted(&format!("{schema}{dot}{new}={name}")))
    });
    let [there, back] = [there.collect::<Vec<_>>(), back.collect()].map(|it| it.join(" "));
    let desk = Desk::shared();
    for line in [
        format!("pg_dump -U {POSTGRES} {flags} {} > before.sql", source.name()),
        format!("remap-schema {ADD_NOTHING} {there} before.sql > there.sql"),
        format!("remap-schema {ADD_NOTHING} {back} there.sql > after.sql"),
    ] {
        desk.run(&line).assert_success();
    }
    let read = |name: &str| std::fs::read_to_string(desk.path(name)).unwrap();
    let (before, there, after) = (read("before.sql"), read("there.sql"), read("after.sql"));
    // What becomes `public` finds one in every database.
    let after = after.replace("CREATE SCHEMA IF NOT EXISTS public;", "CREATE SCHEMA public;");
    assert_ne!(before, there, "nothing was renamed");
    let differs = before
        .lines()
        .zip(after.lines())
        .find(|(before, after)| before != after);
    assert_eq!(differs, None, "{} {names:?}", source.name());
    assert!(before == after, "{} {names:?}: one is longer", source.name());
}
