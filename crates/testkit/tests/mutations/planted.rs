//! A consolidation with a fault of every category planted into it: the report names each of them, and nothing else.

use std::collections::BTreeSet;

use serde_json::Value;
use testkit::fixtures::{MANDIBLE, SSO, Scale};
use testkit::{Cluster, Desk, target_word};

/// What is in the sources beside the fixtures: row security.
const BESIDE: &str = "
ALTER TABLE addresses ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_addresses ON addresses FOR SELECT USING (is_default);
ALTER ROLE source_reader BYPASSRLS; CREATE ROLE mandible_app;";

/// What is done to the target, and the lines of the report that it must lead to.
struct Fault {
    sql: &'static str,
    lines: &'static [&'static str],
}

const fn fault(sql: &'static str, lines: &'static [&'static str]) -> Fault {
    Fault { sql, lines }
}

const FAULTS: &[Fault] = &[
    // Rows.
    fault(
        "UPDATE mandible.categories SET name = name || ' ' WHERE id = 3",
        &["mandible.categories: same count, values differ"],
    ),
    fault(
        "DELETE FROM mandible.promotions WHERE id = 7",
        &["mandible.promotions: 1 row fewer on the target"],
    ),
    fault(
        "INSERT INTO mandible.\"Mixed Case\" VALUES (99, NULL, '', 1)",
        &["mandible.\"Mixed Case\": 1 row more on the target"],
    ),
    // Sequences.
    fault(
        "SELECT setval('mandible.audit_log_id_seq', 3)",
        &["difference, sequence: sequence mandible.audit_log_id_seq: position"],
    ),
    // Objects that are not there.
    fault(
        "DROP INDEX mandible.idx_order_items_product",
        &["difference, schema: index mandible.idx_order_items_product: missing"],
    ),
    fault(
        "DROP POLICY own_addresses ON mandible.addresses",
        &["difference, schema: policy own_addresses of mandible.addresses: missing"],
    ),
    fault(
        "DROP STATISTICS mandible.orders_status_placed",
        &["difference, schema: statistics mandible.orders_status_placed: missing"],
    ),
    // Health.
    fault(
        "ALTER TABLE mandible.addresses DROP CONSTRAINT addresses_user_id_fkey;
         UPDATE mandible.addresses SET user_id = 99999 WHERE id = 1;
         ALTER TABLE mandible.addresses ADD CONSTRAINT addresses_user_id_fkey FOREIGN KEY (user_id)
           REFERENCES mandible.users (id) ON DELETE CASCADE NOT VALID",
        &[
            "mandible.addresses: same count, values differ",
            "difference, health: foreign key addresses_user_id_fkey of mandible.addresses: orphans",
            "difference, schema: constraint addresses_user_id_fkey of mandible.addresses: validated",
        ],
    ),
    fault(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'mandible.idx_orders_status'::regclass",
        &[
            "difference, schema: index mandible.idx_orders_status: valid",
        ],
    ),
    fault(
        "REFRESH MATERIALIZED VIEW mandible.best_sellers WITH NO DATA",
        &[
            "difference, health: materialized view mandible.best_sellers: not populated",
            "difference, schema: materialized view mandible.best_sellers: populated",
        ],
    ),
    fault(
        "DELETE FROM pg_statistic WHERE starelid = 'mandible.products'::regclass;
         SELECT pg_stat_reset_single_table_counters('mandible.products'::regclass)",
        &["advice, health: table mandible.products: never analyzed"],
    ),
    fault(
        "CREATE OR REPLACE VIEW mandible.active_users AS
         SELECT id, email, name, nickname, tags FROM mandible.users WHERE status = 'active' AND EXISTS (SELECT FROM sso.users)",
        &[
            "difference, health: view mandible.active_users: refers to table sso.users",
            "difference, schema: view mandible.active_users: definition",
        ],
    ),
    // Definitions.
    fault(
        "ALTER TABLE mandible.promotions ALTER title TYPE varchar(200)",
        &["difference, schema: column title of mandible.promotions: type"],
    ),
    fault(
        "ALTER TABLE mandible.orders ALTER details SET DEFAULT '{\"channel\": \"shop\"}'",
        &["difference, schema: column details of mandible.orders: default"],
    ),
    fault(
        "ALTER TABLE mandible.audit_log ALTER action DROP NOT NULL",
        &["difference, schema: column action of mandible.audit_log: not null"],
    ),
    fault(
        "ALTER TABLE mandible.orders DROP CONSTRAINT orders_placed_has_time,
         ADD CONSTRAINT orders_placed_has_time CHECK (status = 'draft' OR placed_at IS NOT NULL OR note = 'late')",
        &["difference, schema: constraint orders_placed_has_time of mandible.orders: definition"],
    ),
    fault(
        "CREATE OR REPLACE FUNCTION mandible.is_currency(code text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
         $$ BEGIN RETURN code ~ '^[A-Z]{2,3}$'; END $$",
        &["difference, schema: function mandible.is_currency(text): definition"],
    ),
    fault(
        "ALTER TABLE mandible.orders DISABLE TRIGGER orders_touch",
        &["difference, schema: trigger orders_touch of mandible.orders: enabled"],
    ),
    fault(
        "ALTER TABLE mandible.addresses DISABLE ROW LEVEL SECURITY",
        &["difference, schema: table mandible.addresses: row security"],
    ),
    fault(
        "ALTER TYPE mandible.user_status ADD VALUE 'gone'",
        &["difference, schema: type mandible.user_status: labels"],
    ),
    fault(
        "ALTER DOMAIN mandible.positive_quantity SET DEFAULT 2",
        &["difference, schema: domain mandible.positive_quantity: default"],
    ),
    fault(
        "COMMENT ON TABLE mandible.users IS 'People'",
        &["difference, schema: table mandible.users: comment"],
    ),
    fault(
        "UPDATE pg_extension SET extversion = '1.0' WHERE extname = 'pg_trgm'",
        &["expected, schema: extension pg_trgm: version"],
    ),
    // Isolation.
    fault(
        "GRANT USAGE ON SCHEMA sso TO mandible_app; GRANT SELECT ON sso.users TO mandible_app",
        &[
            "difference, isolation: role mandible_app: has USAGE on schema sso",
            "difference, isolation: role mandible_app: has SELECT on table sso.users",
            // Who may use the schema may do there what everybody may.
            "difference, isolation: every role: has EXECUTE on function sso.verify_token(pg_catalog.uuid,pg_catalog.text), which runs as its owner",
        ],
    ),
];

#[test]
fn each_planted_fault_is_named_and_nothing_else() {
    let desk = Desk::shared();
    let cluster = Cluster::shared();
    let target = cluster.target().unwrap();
    let into = target_word(&target);
    let sources = [&MANDIBLE, &SSO].map(|it| (it.name(), it.database(cluster, Scale::Small).unwrap()));
    sources[0].1.execute(BESIDE).unwrap();
    for (schema, source) in &sources {
        let line = format!(
            "dump {} | remap-schema --to {schema} | load {into}",
            source.name()
        );
        desk.run(&line).assert_success();
    }
    let report = |(schema, name): (&str, &str), more: &str, code| {
        let output = desk.run(&format!(
            "verify {name} {into} --to {schema} {more} --format json"
        ));
        output.assert_code(code);
        lines(&serde_json::from_slice(output.stdout()).unwrap())
    };
    let [mandible, sso] = sources
        .each_ref()
        .map(|(schema, source)| (*schema, source.name()));
    let isolation = "--isolation --role mandible_app";
    let is_difference = |it: &String| it.starts_with("difference") || it.starts_with("mandible");
    // What is expected of a clean consolidation stays so, and roles of the server see what they saw.
    let before = report(mandible, isolation, 0);
    assert!(!before.iter().any(is_difference), "{before:?}");
    for Fault { sql, .. } in FAULTS {
        target.execute(sql).unwrap();
    }
    let found = report(mandible, isolation, 1);
    let expected: BTreeSet<String> = FAULTS
        .iter()
        .flat_map(|it| it.lines)
        .map(|it| (*it).to_owned())
        .collect();
    let found: BTreeSet<String> = found.difference(&before).cloned().collect();
    assert_eq!(found, expected);
    // The other application is as it was, and its queries answer the same.
    let others = report(sso, "", 0);
    assert!(others.iter().all(|it| it.starts_with("expected")), "{others:?}");
    for ((schema, name), table, code) in [(mandible, "categories", 1), (sso, "users", 0)] {
        let line = format!(
            "echo 'SELECT * FROM {table} ORDER BY id' > {schema}.sql; verify queries {name} {into} --to {schema} --file {schema}.sql"
        );
        desk.run(&line).assert_code(code);
    }
}

/// Everything that differs or that somebody should look at, a line for each.
fn lines(report: &Value) -> BTreeSet<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |name: &str| report[name].as_array().cloned().unwrap_or_default();
    let tables = list("tables").into_iter().filter(|it| it["identical"] == false);
    let tables = tables.map(|it| format!("{}: {}", text(&it["table"]), text(&it["verdict"])));
    let is_told = |it: &Value| it["weight"] != "not compared";
    let findings = list("findings").into_iter().filter(is_told).map(|it| {
        let words = ["weight", "area", "object", "property"].map(|name| text(&it[name]));
        let [weight, part, object, property] = words;
        format!("{weight}, {part}: {object}: {property}")
    });
    tables.chain(findings).collect()
}
