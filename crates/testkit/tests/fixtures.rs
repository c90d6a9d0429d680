//! The fixtures build, hold the rows they are known for, and answer their own probes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use testkit::fixtures::{
    ANALYTICS, MANDIBLE, POSTGRES, PostgresFixture, SHOP, SPACES, SQLITE, SSO, Scale, SqliteFixture, answers,
};
use testkit::{Cluster, Database, SOURCE_READER, TARGET_OWNER, Tools};

#[test]
fn the_rows_of_postgres_fixtures_are_stable() {
    let mandible = "public.Mixed Case 2, public.addresses 180, public.audit_log 45, public.awkward 38, \
        public.categories 24, public.events_2024 627, public.events_2025_login 157, \
        public.events_2025_other 469, public.events_default 147, public.order_items 900, public.orders 450, \
        public.products 60, public.promotions 40, public.users 120";
    let sso = "public.audit_log 20, public.permissions 20, public.rate_limits 10, public.role_permissions 41, \
        public.roles 4, public.sessions 400, public.tokens 400, public.user_roles 203, public.users 150";
    let spaces = "billing.billing 3, billing.invoice_lines 240, billing.invoices 120, public.billing 2, \
        public.documents 300, public.members 150, public.spaces 20, public.workspaces 20";
    for (fixture, expected) in [(&MANDIBLE, mandible), (&SSO, sso), (&SPACES, spaces)] {
        check(fixture.name(), &build(fixture).row_counts().unwrap(), expected);
    }
}

#[test]
fn the_rows_of_sqlite_fixtures_are_stable() {
    let folder = tempfile::tempdir().unwrap();
    let shop = "categories 6, customers 80, order_items 300, orders 200, products 50, settings 4";
    let analytics = "daily_numbers 100, group 3, page_views 400, visitors 60";
    for (fixture, expected) in [(&SHOP, shop), (&ANALYTICS, analytics)] {
        let path = fixture.create(folder.path(), Scale::Small).unwrap();
        check(
            fixture.name(),
            &SqliteFixture::row_counts(&path).unwrap(),
            expected,
        );
    }
}

#[test]
fn every_build_holds_the_same_values() {
    for fixture in POSTGRES {
        let [first, second] = [build(fixture), build(fixture)];
        assert_eq!(digests(&first), digests(&second), "{}", fixture.name());
    }
}

#[test]
fn every_probe_answers_something() {
    for fixture in POSTGRES {
        let database = build(fixture);
        let mut client = database.admin().unwrap();
        for probe in fixture.probes().into_iter().chain(fixture.trigger_probes()) {
            let answer = answers(&mut client, &fixture.source_path(), probe);
            let answer = answer.unwrap_or_else(|error| panic!("{}", error.chain()));
            assert!(
                !answer.is_empty(),
                "{}: `{probe}` answers nothing",
                fixture.name()
            );
        }
    }
}

#[test]
fn trigger_probes_leave_no_rows_behind() {
    for fixture in POSTGRES {
        let database = build(fixture);
        let before = digests(&database);
        let mut client = database.admin().unwrap();
        for probe in fixture.trigger_probes() {
            answers(&mut client, &fixture.source_path(), probe).unwrap();
        }
        assert_eq!(digests(&database), before, "{}", fixture.name());
    }
}

#[test]
fn the_source_reader_can_ask_every_reading_probe() {
    for fixture in POSTGRES {
        let database = build(fixture);
        let mut reader = database.client(SOURCE_READER).unwrap();
        for probe in fixture.probes() {
            let answer = answers(&mut reader, &fixture.source_path(), probe);
            assert!(answer.is_ok(), "{}", answer.unwrap_err().chain());
        }
    }
}

#[test]
fn a_dump_by_the_reader_restored_by_the_target_owner_answers_the_same() {
    // What fails here could not succeed with any tool under these roles.
    for fixture in POSTGRES {
        let (source, target) = (build(fixture), Cluster::shared().target().unwrap());
        Tools::at("tools-that-are-not-needed")
            .shell("pg_dump --no-owner \"$SOURCE\" | psql -X -q -v ON_ERROR_STOP=1 \"$TARGET\"")
            .env("SOURCE", source.source())
            .env("TARGET", target.target())
            .run()
            .assert_success();
        let (mut from, mut to) = (source.admin().unwrap(), target.client(TARGET_OWNER).unwrap());
        for probe in fixture.probes().into_iter().chain(fixture.trigger_probes()) {
            let [expected, found] =
                [&mut from, &mut to].map(|it| answers(it, &fixture.source_path(), probe).unwrap());
            assert_eq!(found, expected, "{}: {probe}", fixture.name());
        }
    }
}

#[test]
fn sqlite_values_have_the_class_their_column_declares() {
    let folder = tempfile::tempdir().unwrap();
    for fixture in SQLITE {
        let path = fixture.create(folder.path(), Scale::Small).unwrap();
        let connection = rusqlite::Connection::open(path).unwrap();
        let mut columns = connection
            .prepare(
                "SELECT m.name, c.name, upper(c.type) FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
                 WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'",
            )
            .unwrap();
        let columns = columns
            .query_map([], |it| Ok((it.get(0)?, it.get(1)?, it.get(2)?)))
            .unwrap();
        for column in columns {
            let (table, name, declared): (String, String, String) = column.unwrap();
            let fits = match declared.as_str() {
                "BOOLEAN" => "value IN (0, 1)",
                "INTEGER" | "BIGINT" => "typeof(value) = 'integer'",
                "REAL" => "typeof(value) = 'real'",
                "DECIMAL(10,2)" => {
                    "typeof(value) IN ('integer', 'real') AND printf('%.2f', value) + 0 = value"
                }
                "DATE" => "date(value) IS value",
                "DATETIME" => "datetime(value) IS value",
                "JSON" => "json_valid(value)",
                "BLOB" => "typeof(value) = 'blob'",
                _ => "typeof(value) = 'text'",
            };
            let sql = format!(
                "SELECT count(*) FROM (SELECT \"{name}\" AS value FROM \"{table}\") WHERE value IS NOT NULL AND NOT ({fits})"
            );
            let misfits: i64 = connection.query_row(&sql, [], |it| it.get(0)).unwrap();
            assert_eq!(misfits, 0, "{table}.{name} {declared}");
        }
    }
}

#[test]
fn a_target_keeps_a_schema_for_each_of_the_sources() {
    assert_eq!(MANDIBLE.target_path("mandible"), "mandible, public");
    assert_eq!(SPACES.target_path("rooms"), "rooms, rooms_billing, public");
    assert_eq!(SPACES.source_path(), "public, billing");
}

fn build(fixture: &PostgresFixture) -> Database<'static> {
    let built = fixture.database(Cluster::shared(), Scale::Small);
    built.unwrap_or_else(|error| panic!("{}", error.chain()))
}

#[track_caller]
fn check(fixture: &str, counts: &[(String, u64)], expected: &str) {
    let shown = counts
        .iter()
        .map(|(table, rows)| format!("{table} {rows}"))
        .collect::<Vec<_>>()
        .join(", ");
    assert_eq!(shown, expected, "{fixture}");
}

/// A hash of each table's rows.
fn digests(database: &Database) -> Vec<String> {
    let tables = database.row_counts().unwrap();
    let digest = |(table, _): &(String, u64)| {
        let (schema, name) = table.split_once('.').unwrap();
        let sql = format!(
            "SELECT md5(string_agg(t::text, '\n' ORDER BY t::text)) FROM \"{schema}\".\"{name}\" AS t"
        );
        format!("{table} {}", database.query(&sql).unwrap()[0])
    };
    tables.iter().map(digest).collect()
}
