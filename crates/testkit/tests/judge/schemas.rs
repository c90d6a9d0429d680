//! New names for schemas.

use testkit::Database;
use testkit::fixtures::{MANDIBLE, SPACES, SSO};
use testkit::judge::Naming;

use super::{Case, Way, corners, fixture, wild};

#[test]
fn mandible_has_the_definitions_that_postgresql_gives_it() {
    check(fixture(&MANDIBLE), &["public"], &[("public", "mandible")]);
}

#[test]
fn sso_has_the_definitions_that_postgresql_gives_it() {
    check(fixture(&SSO), &["public"], &[("public", "sso")]);
}

#[test]
fn spaces_has_the_definitions_that_postgresql_gives_it() {
    check(
        fixture(&SPACES),
        SPACES.schemas(),
        &[("public", "spaces"), ("billing", "spaces_billing")],
    );
}

#[test]
fn a_name_that_must_be_quoted_is_quoted_everywhere() {
    check(fixture(&SSO), &["public"], &[("public", "Sign on \"2\"")]);
}

#[test]
fn a_keyword_as_name_is_quoted_everywhere() {
    check(
        fixture(&SPACES),
        SPACES.schemas(),
        &[("public", "order"), ("billing", "order_billing")],
    );
}

#[test]
fn every_kind_of_object_has_the_definition_that_postgresql_gives_it() {
    check(
        corners(),
        &["public"],
        &[
            ("public", "cornered"),
            ("audit", "cornered_audit"),
            ("Odd \"name\"", "cornered_Odd \"name\""),
        ],
    );
}

#[test]
fn wild_databases_have_the_definitions_that_postgresql_gives_them() {
    for (data, source) in wild() {
        check(source, &["public"], &[("public", data.name())]);
    }
}

#[track_caller]
fn check(source: Database<'static>, path: &[&'static str], names: &[(&str, &str)]) {
    let arguments = format!("--to '{}'", names[0].1);
    Case::new(source, path, Naming::from(names), &arguments).check(Way::Archive);
}
