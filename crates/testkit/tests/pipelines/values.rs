//! Values and states that must come through: sequences, NULL beside the empty string, what is off stays off.

use testkit::fixtures::{MANDIBLE, POSTGRES, SPACES, SSO};
use testkit::{Database, Desk, TARGET_OWNER};

use crate::{build, consolidate, new_target};

#[test]
fn every_row_has_the_same_text_on_both_sides() {
    for fixture in POSTGRES {
        let (source, target) = (build(fixture), new_target());
        consolidate(&Desk::shared(), source.name(), fixture.name(), &target);
        for (table, rows) in source.row_counts().unwrap() {
            let (schema, name) = table.split_once('.').unwrap();
            let moved = match schema {
                "public" => fixture.name().to_owned(),
                other => format!("{}_{other}", fixture.name()),
            };
            let digest = |database: &Database<'_>, schema: &str| {
                let sql = format!(
                    "SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\"))
                     FROM \"{schema}\".\"{name}\" AS t"
                );
                database.query(&sql).unwrap()
            };
            let expected = digest(&source, schema);
            assert!(
                expected[0].starts_with(&format!("{rows} | ")) && rows > 0,
                "{table}: {expected:?}"
            );
            assert_eq!(digest(&target, &moved), expected, "{table}");
        }
    }
}

#[test]
fn sequences_go_on_behind_what_is_there() {
    // Fault 34.
    let (mandible, spaces, target) = (build(&MANDIBLE), build(&SPACES), new_target());
    for (source, schema) in [(&mandible, "mandible"), (&spaces, "spaces")] {
        consolidate(&Desk::shared(), source.name(), schema, &target);
    }
    check(
        &target,
        &[
            (
                "SELECT nextval('mandible.orders_id_seq') > max(id) FROM mandible.orders",
                "t",
            ),
            (
                "SELECT nextval('mandible.order_number_seq') > max(number) FROM mandible.orders",
                "t",
            ),
            (
                "SELECT nextval('mandible.products_id_seq') > max(id) FROM mandible.products",
                "t",
            ),
            (
                "SELECT nextval('mandible.addresses_id_seq') > max(id) FROM mandible.addresses",
                "t",
            ),
            ("SELECT nextval('spaces.workspaces_id_seq')", "900001"),
            ("SELECT nextval('spaces.countdown_seq')", "17"),
            ("SELECT nextval('spaces_billing.never_called_seq')", "500"),
        ],
    );
    let mut owner = target.client(TARGET_OWNER).unwrap();
    for (sql, greatest) in [
        (
            "INSERT INTO mandible.users (email, name) VALUES ('n@x', 'n') RETURNING id",
            "SELECT max(id) FROM mandible.users",
        ),
        (
            "INSERT INTO spaces.documents (workspace_id, title, body) VALUES (1, 't', '{}') RETURNING id",
            "SELECT max(id) FROM spaces.documents",
        ),
        (
            "INSERT INTO mandible.orders (user_id) VALUES (1) RETURNING id",
            "SELECT max(id) FROM mandible.orders",
        ),
    ] {
        let before: i64 = owner.query_one(greatest, &[]).unwrap().get(0);
        let id: i64 = owner.query_one(sql, &[]).unwrap().get(0);
        assert!(id > before, "{sql}: {id} after {before}");
    }
    let always = "INSERT INTO mandible.users (id, email, name) VALUES (1, 'a@x', 'a')";
    let refused = owner.batch_execute(always).unwrap_err();
    assert_eq!(refused.code().map(postgres::error::SqlState::code), Some("428C9"));
}

#[test]
fn what_is_off_or_empty_stays_so() {
    let (source, target) = (build(&MANDIBLE), new_target());
    consolidate(&Desk::shared(), source.name(), "mandible", &target);
    for (sql, expected) in [
        (
            "SELECT relname, relispopulated FROM pg_class WHERE relkind = 'm' AND relnamespace = '$'::regnamespace
             ORDER BY relname",
            &["best_sellers | t", "product_sales | t", "unpopulated_report | f"][..],
        ),
        (
            "SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = '$.orders'::regclass AND NOT tgisinternal
             ORDER BY tgname",
            &["orders_audit | O", "orders_audit_status | D", "orders_touch | O"][..],
        ),
        (
            "SELECT count(*) FILTER (WHERE nickname IS NULL), count(*) FILTER (WHERE nickname = '') FROM $.users",
            &["24 | 24"][..],
        ),
        (
            "SELECT id, words IS NULL, words = '' FROM $.awkward WHERE id <= 3 ORDER BY id",
            &["1 | t | ∅", "2 | f | t", "3 | f | f"][..],
        ),
        (
            "SELECT conname, condeferrable, condeferred, convalidated FROM pg_constraint
             WHERE conrelid = '$.users'::regclass AND contype = 'f'",
            &["users_referred_by_fkey | t | t | t"][..],
        ),
        (
            "SELECT count(*) FROM pg_constraint WHERE connamespace = '$'::regnamespace AND NOT convalidated",
            &["0"][..],
        ),
        (
            "SELECT count(*) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
             WHERE c.relnamespace = '$'::regnamespace AND NOT (indisvalid AND indisready)",
            &["0"][..],
        ),
    ] {
        assert_eq!(source.query(&sql.replace('$', "public")).unwrap(), expected, "{sql}");
        assert_eq!(target.query(&sql.replace('$', "mandible")).unwrap(), expected, "{sql}");
    }
}

#[test]
fn unlogged_tables_and_their_rows_come_along() {
    let (source, target) = (build(&SSO), new_target());
    consolidate(&Desk::shared(), source.name(), "sso", &target);
    check(
        &target,
        &[
            (
                "SELECT relpersistence FROM pg_class WHERE oid = 'sso.rate_limits'::regclass",
                "u",
            ),
            (
                "SELECT relpersistence FROM pg_class WHERE oid = 'sso.users'::regclass",
                "p",
            ),
            ("SELECT count(*) FROM sso.rate_limits", "10"),
        ],
    );
}

#[test]
fn everything_belongs_to_the_role_that_loads_and_that_is_no_superuser() {
    let (source, target) = (build(&SPACES), new_target());
    consolidate(&Desk::shared(), source.name(), "spaces", &target);
    check(
        &target,
        &[
            (
                "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = 'target_owner'",
                "f",
            ),
            (
                "SELECT string_agg(DISTINCT relowner::regrole::text, ',') FROM pg_class
                 WHERE relnamespace::regnamespace::text ~ '^spaces'",
                "target_owner",
            ),
            (
                "SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'spaces_billing'",
                "target_owner",
            ),
            (
                "SELECT obj_description('spaces_billing'::regnamespace)",
                "What is owed, and by whom",
            ),
        ],
    );
}

#[track_caller]
fn check(target: &Database<'_>, questions: &[(&str, &str)]) {
    for (sql, expected) in questions {
        assert_eq!(target.query(sql).unwrap(), [*expected], "{sql}");
    }
}
