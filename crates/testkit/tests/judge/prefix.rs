//! A prefix for the names of everything that lives in a schema.

use testkit::fixtures::{MANDIBLE, SPACES, SSO};
use testkit::judge::Naming;
use testkit::{Cluster, Database, Desk};

use super::{Case, Way, corners, fixture, wild};

#[test]
fn mandible_has_the_names_that_postgresql_gives_it() {
    check(fixture(&MANDIBLE), &["public"], &[("public", "mandible")]);
}

#[test]
fn sso_has_the_names_that_postgresql_gives_it() {
    check(fixture(&SSO), &["public"], &[("public", "sso")]);
}

#[test]
fn spaces_has_the_names_that_postgresql_gives_it() {
    let names = [("public", "spaces"), ("billing", "spaces_billing")];
    check(fixture(&SPACES), SPACES.schemas(), &names);
}

#[test]
fn every_kind_of_object_has_the_name_that_postgresql_gives_it() {
    let names = [
        ("public", "cornered"),
        ("audit", "cornered_audit"),
        ("Odd \"name\"", "cornered_Odd \"name\""),
    ];
    check(corners(), &["public"], &names);
}

#[test]
fn wild_databases_have_the_names_that_postgresql_gives_them() {
    for (data, source) in wild() {
        check(source, &["public"], &[("public", data.name())]);
    }
}

#[test]
fn a_prefix_that_must_be_quoted_is_quoted_everywhere() {
    let naming = Naming::from(&[("public", "sso")]).with_prefix("Sign on: ");
    Case::new(
        fixture(&SSO),
        &["public"],
        naming,
        "--to sso --prefix 'Sign on: '",
    )
    .check(Way::Archive);
}

#[test]
fn schemas_without_new_names_keep_theirs() {
    let case = |source| {
        let naming = Naming::default().with_prefix("zz9_");
        Case::new(source, SPACES.schemas(), naming, "--prefix zz9_")
    };
    case(fixture(&SPACES)).check(Way::Archive);
    case(fixture(&SPACES)).check(Way::PlainSql);
}

#[test]
fn names_that_would_be_cut_to_one_name_are_refused_in_full() {
    let source = Cluster::shared().database("long").unwrap();
    let names = ["a", "b"].map(|it| "n".repeat(62) + it);
    let create = |name: &String| format!("CREATE TABLE {name} (id int);");
    source
        .execute(&names.iter().map(create).collect::<String>())
        .unwrap();
    for dump in ["dump", "pg_dump --no-owner"] {
        let line = format!(
            "{dump} {} > whole && remap-schema --prefix zz9_ whole",
            source.name()
        );
        let output = Desk::shared().run(&line);
        output.assert_code(2);
        for name in &names {
            output.assert_stderr_contains(name);
        }
        assert!(!output.stdout_text().contains("CREATE TABLE"), "{output}");
    }
}

/// Judges both ways, with a schema of its own beside the prefix.
#[track_caller]
fn check(source: Database<'static>, path: &[&'static str], names: &[(&str, &str)]) {
    let naming = Naming::from(names).with_prefix("zz9_");
    let arguments = format!("--to '{}' --prefix zz9_", names[0].1);
    let case = Case::new(source, path, naming, &arguments);
    case.check(Way::Archive);
    case.check(Way::PlainSql);
}
