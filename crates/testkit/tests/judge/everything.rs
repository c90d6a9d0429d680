//! What objects can have beside names: options, states, orders, comments, and rows of every kind of table.

use testkit::judge::Naming;
use testkit::{Cluster, Desk, POSTGRES};

use super::{Case, Way};

const EVERYTHING: &str = include_str!("../../fixtures/everything.sql");

/// Where each sequence stands.
const POSITIONS: &str = "SELECT 'backwards', last_value, is_called FROM {public.backwards}
    UNION ALL SELECT 'untouched', last_value, is_called FROM {public.untouched}
    UNION ALL SELECT 'exhausted', last_value, is_called FROM {side.exhausted}
    UNION ALL SELECT 'identity', last_value, is_called FROM {public.of_identities} ORDER BY 1";

// Fault 40.
#[test]
fn everything_that_a_source_holds_arrives_as_it_was() {
    let source = Cluster::shared().database("everything").unwrap();
    source.psql(EVERYTHING.as_bytes()).unwrap();
    let naming = Naming::from(&[("public", "all"), ("side", "all_side")]);
    let mut case = Case::new(source, &["public"], naming, "--to all");
    (case.reader, case.loader) = (POSTGRES, POSTGRES);
    let (target, output) = case.check(Way::Archive);
    output.assert_stderr_contains("foreign table public.elsewhere is in the archive without its rows");
    let (from, to) = (case.source.name(), target.name());
    Desk::shared()
        .run(&format!(
            "verify 'dbname={from} user={POSTGRES}' 'dbname={to} user={POSTGRES}' --to all"
        ))
        .assert_success();
    let expected = case.source.query(&Naming::default().spelled(POSITIONS)).unwrap();
    assert_eq!(target.query(&case.naming.spelled(POSITIONS)).unwrap(), expected);
}
