//! What `remap-schema` and `load` make of a source is, definition by definition, what PostgreSQL's own
//! `ALTER … RENAME` makes of it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use testkit::data::{self, PostgresData};
use testkit::fixtures::{MANDIBLE, PostgresFixture, SPACES, SSO, Scale};
use testkit::judge::{Definitions, renamed};
use testkit::{Cluster, Database, Desk, POSTGRES, SOURCE_READER, TARGET_OWNER};

/// Every kind of object that holds a name of another.
const CORNERS: &str = include_str!("../fixtures/corners.sql");

/// Kinds that belong to no schema; `load` leaves them alone and says so.
const DROP_PUBLICATIONS: &str = "DO $$ DECLARE it name; BEGIN
    FOR it IN SELECT pubname FROM pg_publication LOOP EXECUTE format('DROP PUBLICATION %I', it); END LOOP;
END $$";

#[test]
fn mandible_has_the_definitions_that_postgresql_gives_it() {
    check(&fixture(&MANDIBLE), &[("public", "mandible")]);
}

#[test]
fn sso_has_the_definitions_that_postgresql_gives_it() {
    check(&fixture(&SSO), &[("public", "sso")]);
}

#[test]
fn spaces_has_the_definitions_that_postgresql_gives_it() {
    check(
        &fixture(&SPACES),
        &[("public", "spaces"), ("billing", "spaces_billing")],
    );
}

#[test]
fn a_name_that_must_be_quoted_is_quoted_everywhere() {
    check(&fixture(&SSO), &[("public", "Sign on \"2\"")]);
}

#[test]
fn a_keyword_as_name_is_quoted_everywhere() {
    check(
        &fixture(&SPACES),
        &[("public", "order"), ("billing", "order_billing")],
    );
}

#[test]
fn every_kind_of_object_has_the_definition_that_postgresql_gives_it() {
    let source = Cluster::shared().database("corners").unwrap();
    source.execute(CORNERS).unwrap();
    check(
        &source,
        &[
            ("public", "cornered"),
            ("audit", "cornered_audit"),
            ("Odd \"name\"", "cornered_Odd \"name\""),
        ],
    );
}

#[test]
fn wild_databases_have_the_definitions_that_postgresql_gives_them() {
    for data in PostgresData::ALL {
        if let Ok(source) = data.database(Cluster::shared()) {
            check(&source, &[("public", data.name())]);
        }
    }
}

#[test]
fn postgresqls_own_tests_have_the_definitions_that_postgresql_gives_them() {
    let Ok(source) = data::regression(Cluster::shared()) else {
        return;
    };
    let schemas = source
        .query(
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')",
        )
        .unwrap();
    let others: Vec<String> = schemas.iter().map(|old| format!("regressed_{old}")).collect();
    let others = schemas.iter().zip(&others);
    let others = others.map(|(old, new)| (old.as_str(), new.as_str()));
    let names: Vec<(&str, &str)> = std::iter::once(("public", "regressed")).chain(others).collect();
    source.execute(DROP_PUBLICATIONS).unwrap();
    check_as(POSTGRES, POSTGRES, &source, &names);
}

fn fixture(fixture: &PostgresFixture) -> Database<'static> {
    fixture.database(Cluster::shared(), Scale::Small).unwrap()
}

#[track_caller]
fn check(source: &Database<'_>, names: &[(&str, &str)]) {
    check_as(SOURCE_READER, TARGET_OWNER, source, names);
}

/// Moves `source` with our tools to what the first pair names, and compares it with what PostgreSQL says that
/// it must be under all of `names`.
#[track_caller]
fn check_as(reader: &str, loader: &str, source: &Database<'_>, names: &[(&str, &str)]) {
    let target = Cluster::shared().target().unwrap();
    let line = format!(
        "dump 'dbname={} user={reader}' | remap-schema --to '{}' | load 'dbname={} user={loader}'",
        source.name(),
        names[0].1,
        target.name()
    );
    Desk::shared().run(&line).assert_success();
    let expected = Definitions::of(&renamed(source, names).unwrap()).unwrap();
    let found = Definitions::of(&target).unwrap();
    assert!(expected.len() > 20, "{} has too little to judge", source.name());
    let differences = expected.differences(&found);
    assert!(differences.is_empty(), "{line}\n{}", differences.join("\n"));
    // Longest first, since one name may end as another does.
    let mut names = names.to_vec();
    names.sort_by_key(|(_, new)| std::cmp::Reverse(new.len()));
    let quoted = |name: &str| {
        target
            .query(&format!("SELECT quote_ident($n${name}$n$)"))
            .unwrap()
            .concat()
    };
    let found = names.iter().fold(found, |found, (old, new)| {
        found.with_bodies_replaced(&format!("{}.", quoted(new)), &format!("{}.", quoted(old)))
    });
    let differences = expected.body_differences(&found);
    assert!(differences.is_empty(), "{line}\n{}", differences.join("\n"));
}
