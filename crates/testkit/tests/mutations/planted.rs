//! A consolidation with a fault of every category planted into it: the report names each of them, and nothing else.

use std::collections::BTreeSet;

use serde_json::Value;
use testkit::fixtures::{MANDIBLE, SSO, Scale};
use testkit::{Cluster, Desk, target_word};

/// What is in the sources beside the fixtures: row security.
const BESIDE: &str = "
ALTER TABLE addresses ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_addresses ON addresses FOR SELECT USING (is_default);
ALTER ROLE source_reader BYPASSRLS;";

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
        &["sequence mandible.audit_log_id_seq stands at 3 on the target, at 45 in the source"],
    ),
    // Objects that are not there.
    fault(
        "DROP INDEX mandible.idx_order_items_product",
        &["index mandible.idx_order_items_product is missing on the target"],
    ),
    fault(
        "DROP POLICY own_addresses ON mandible.addresses",
        &["policy own_addresses of mandible.addresses is missing on the target"],
    ),
    fault(
        "DROP STATISTICS mandible.orders_status_placed",
        &["statistics mandible.orders_status_placed is missing on the target"],
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
            "difference, health: constraint addresses_user_id_fkey of mandible.addresses: not validated",
        ],
    ),
    fault(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'mandible.idx_orders_status'::regclass",
        &["difference, health: index idx_orders_status of mandible.orders: not valid"],
    ),
    fault(
        "REFRESH MATERIALIZED VIEW mandible.best_sellers WITH NO DATA",
        &["difference, health: materialized view mandible.best_sellers: not populated"],
    ),
    fault(
        "DELETE FROM pg_statistic WHERE starelid = 'mandible.products'::regclass;
         SELECT pg_stat_reset_single_table_counters('mandible.products'::regclass)",
        &["advice, health: table mandible.products: never analyzed"],
    ),
    fault(
        "CREATE OR REPLACE VIEW mandible.active_users AS
         SELECT id, email, name, nickname, tags FROM mandible.users WHERE status = 'active' AND EXISTS (SELECT FROM sso.users)",
        &["difference, health: view mandible.active_users: refers to table sso.users"],
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
    let report = |(schema, name): (&str, &str), code| {
        let output = desk.run(&format!("verify {name} {into} --to {schema} --format json"));
        output.assert_code(code);
        lines(&serde_json::from_slice(output.stdout()).unwrap())
    };
    let [mandible, sso] = sources
        .each_ref()
        .map(|(schema, source)| (*schema, source.name()));
    assert_eq!(report(mandible, 0), BTreeSet::new());
    for Fault { sql, .. } in FAULTS {
        target.execute(sql).unwrap();
    }
    let found = report(mandible, 1);
    let expected: BTreeSet<String> = FAULTS
        .iter()
        .flat_map(|it| it.lines)
        .map(|it| (*it).to_owned())
        .collect();
    assert_eq!(found, expected);
    assert_eq!(report(sso, 0), BTreeSet::new());
}

/// Everything that differs or that somebody should look at, a line for each.
fn lines(report: &Value) -> BTreeSet<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |name: &str| report[name].as_array().cloned().unwrap_or_default();
    let tables = list("tables").into_iter().filter(|it| it["identical"] == false);
    let tables = tables.map(|it| format!("{}: {}", text(&it["table"]), text(&it["verdict"])));
    let sentences = ["objects", "sequences"].into_iter().flat_map(list);
    let weighs = |it: &Value| it["weight"] == "difference" || it["weight"] == "advice";
    let findings = list("findings").into_iter().filter(weighs).map(|it| {
        let word = |name: &str| text(&it[name]);
        format!(
            "{}, {}: {}: {}",
            word("weight"),
            word("area"),
            word("object"),
            word("property")
        )
    });
    tables
        .chain(sentences.map(|it| text(&it)))
        .chain(findings)
        .collect()
}
