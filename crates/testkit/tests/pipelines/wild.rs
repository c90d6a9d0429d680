//! Databases that exist in the wild in one target, and what Pagila's views, functions and triggers answer.

use testkit::data::{PostgresData, SqliteData};
use testkit::fixtures::SqliteFixture;
use testkit::{Cluster, Database, Desk};

use crate::{application, check_answer, check_refusal, consolidate, new_target};

const TOUCHED: [&str; 14] = [
    "actor",
    "address",
    "category",
    "city",
    "country",
    "customer",
    "film",
    "film_actor",
    "film_category",
    "inventory",
    "language",
    "rental",
    "staff",
    "store",
];

#[test]
fn five_wild_databases_become_one_target() {
    let (desk, target) = (Desk::shared(), new_target());
    let mut expected = 0;
    for (data, schema, rows) in [
        (PostgresData::Pagila, "pagila", 49_636),
        (PostgresData::Chinook, "chinook_pg", 15_607),
        (PostgresData::Northwind, "northwind", 3_362),
    ] {
        let Ok(source) = data.database(Cluster::shared()) else {
            return;
        };
        consolidate(&desk, source.name(), schema, &target);
        expected += rows;
        if data == PostgresData::Pagila {
            check_pagila(&source, &target);
        }
    }
    for (data, schema) in [(SqliteData::Chinook, "chinook"), (SqliteData::Sakila, "sakila")] {
        let Ok(path) = data.file(desk.folder()) else {
            return;
        };
        let file = path.file_name().unwrap().to_str().unwrap();
        consolidate(&desk, file, schema, &target);
        expected += total(&SqliteFixture::row_counts(&path).unwrap());
    }
    assert_eq!(total(&target.row_counts().unwrap()), expected);
}

fn total(counts: &[(String, u64)]) -> u64 {
    counts.iter().map(|(_, rows)| rows).sum()
}

fn check_pagila(source: &Database<'_>, target: &Database<'_>) {
    let path = "pagila, public";
    let (mut from, mut to) = (source.admin().unwrap(), application(target, path));
    let mut ask = |question: &str| check_answer((&mut from, "public"), (&mut to, path), question);
    for view in [
        "actor_info",
        "customer_list",
        "film_list",
        "nicer_but_slower_film_list",
        "sales_by_film_category",
        "sales_by_store",
        "staff_list",
    ] {
        let answer = ask(&words_of(view));
        assert!(answer.len() > 1, "{view} has {} rows", answer.len());
    }
    for question in [
        "SELECT count(*) FROM pg_views WHERE schemaname = current_schema()",
        "SELECT relispopulated FROM pg_class WHERE oid = 'rental_by_category'::regclass",
        "REFRESH MATERIALIZED VIEW rental_by_category; SELECT * FROM rental_by_category ORDER BY category",
        "SELECT * FROM film_in_stock(1, 1) ORDER BY 1",
        "SELECT count(*) FROM film, film_not_in_stock(film.film_id, 2)",
        "SELECT inventory_id, inventory_held_by_customer(inventory_id) FROM rental WHERE return_date IS NULL ORDER BY 1",
        "SELECT count(*) FILTER (WHERE inventory_in_stock(inventory_id)), count(*) FROM inventory",
        "SELECT last_day(payment_date), count(*), sum(amount) FROM payment GROUP BY 1 ORDER BY 1",
        "SELECT last_day('2024-02-10 00:00+00'), last_day('2023-12-01 00:00+00')",
        "SELECT _group_concat('a', 'b'), _group_concat(NULL, 'b')",
        "SELECT group_concat(name ORDER BY name) FROM category",
        "CREATE TABLE payment_rest PARTITION OF payment DEFAULT;
         INSERT INTO payment (customer_id, staff_id, rental_id, amount, payment_date)
         SELECT customer_id, 1, rental_id, 5, date_trunc('month', CURRENT_DATE - interval '3 months') + interval '5 days'
         FROM rental WHERE customer_id <= 3;
         SELECT customer_id, email FROM rewards_report(25, 100.00) ORDER BY 1",
        "UPDATE film SET title = 'ZEBRA WALTZ', description = 'About walruses' WHERE film_id = 1;
         SELECT title, fulltext, last_update = now() FROM film WHERE film_id = 1",
        "INSERT INTO film (title, language_id) VALUES ('New Reel', 1);
         SELECT fulltext, rating, release_year FROM film WHERE title = 'New Reel'",
        "INSERT INTO actor (first_name, last_name) VALUES ('A', 'B') RETURNING actor_id, last_update = now()",
        "SELECT tableoid::regclass::text, count(*) FROM payment GROUP BY 1 ORDER BY 1",
        "SELECT title FROM film WHERE fulltext @@ to_tsquery('fate & india') ORDER BY 1",
    ] {
        ask(question);
    }
    for table in TOUCHED {
        let moved = format!(
            "UPDATE {table} SET last_update = '2000-01-01' WHERE ctid = (SELECT min(ctid) FROM {table});
             SELECT count(*) FROM {table} WHERE last_update = now()"
        );
        assert_eq!(ask(&moved), ["1"], "{table}");
    }
    let (mut from, mut to) = (source.admin().unwrap(), application(target, path));
    for (question, says) in [
        // It calls a function that does not exist, and must go on to do so.
        (
            "SELECT get_customer_balance(1, '2022-07-01 00:00+00')",
            "function if(",
        ),
        ("SELECT * FROM rewards_report(0, 10)", "Minimum monthly purchases"),
    ] {
        check_refusal(&mut from, &mut to, question, says);
    }
}

/// The rows of a view by their words in byte order: `group_concat` promises no order.
fn words_of(view: &str) -> String {
    format!(
        "SELECT words FROM (
             SELECT (SELECT string_agg(word, ' ' ORDER BY word COLLATE \"C\")
                     FROM regexp_split_to_table(v::text, '[^[:alnum:]]+') AS word) AS words FROM {view} AS v) AS rows
         ORDER BY words COLLATE \"C\""
    )
}
