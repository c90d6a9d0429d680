//! Merges that are refused, killed, taken up again and removed.

use std::fs;
use std::time::{Duration, Instant};

use testkit::{Cluster, target_word};

use crate::archives::Keys;
use crate::{JOINED, Shops, check, verify};

#[test]
fn a_natural_key_that_is_not_unique_in_a_source_is_refused_with_its_rows() {
    let shops = Shops::new("UPDATE customers SET email = 'same@example.com' WHERE id IN (7, 30)");
    shops.merge(Keys::Offset(1_000_000), &JOINED);
    let target = Cluster::shared().target().unwrap();
    let word = target_word(&target);
    let refused = shops.desk.run(&format!("load {word} merged.tar"));
    refused.assert_code(5);
    let said = refused.stderr();
    assert!(said.contains("rows with (id): 30; 7"), "{said}");
    assert!(!said.contains("same@example.com"), "{said}");
    for (line, words) in [
        (
            format!("load {word} merged.tar --data-only"),
            "--data-only does not do",
        ),
        (
            format!("load {word} merged.tar --on-error reject --rejects bad"),
            "cannot be rejected one by one",
        ),
    ] {
        let output = shops.desk.run(&line);
        output.assert_code(2);
        assert!(output.stderr().contains(words), "{output}");
    }
    shops
        .desk
        .run(&format!("load --abandon app {word}"))
        .assert_success();
    let left = "SELECT (SELECT count(*) FROM pg_namespace WHERE nspname = 'app') + (SELECT count(*) FROM coalesce.merged)
      + (SELECT count(*) FROM coalesce.joined)";
    check(&target, left, &["0"]);
}

#[test]
fn a_merge_that_is_killed_goes_on_and_is_removed_whole() {
    let shops =
        Shops::new("INSERT INTO orders SELECT n, 1 + n % 100, n % 1000 FROM generate_series(1000, 15000) n");
    shops.merge(Keys::Offset(1_000_000), &JOINED);
    let mut latest = Duration::from_secs(1);
    for round in 0..testkit::rounds(2) {
        let target = Cluster::shared().target().unwrap();
        let word = target_word(&target);
        if round > 0 {
            let seconds = latest.mul_f64(0.3 + 0.6 * fastrand::f64()).as_secs_f64();
            shops.desk.run(&format!(
                "timeout --foreground -s KILL {seconds:.3} load {word} merged.tar"
            ));
        }
        let started = Instant::now();
        shops
            .desk
            .run(&format!("load --resume {word} merged.tar --joined joined.csv"))
            .assert_success();
        latest = if round == 0 { started.elapsed() } else { latest };
        let found = verify(&shops, &format!("merged.tar {word}"), 0);
        assert!(found.contains("48 rows joined"), "{found}");
        check(&target, "SELECT count(*) FROM coalesce.joined", &["48"]);
        check(
            &target,
            "SELECT count(*) FROM pg_class WHERE relname LIKE 'coalesce_%'",
            &["0"],
        );
        let csv = fs::read_to_string(shops.desk.path("joined.csv")).unwrap();
        assert_eq!(csv.lines().count(), 49, "{csv}");
        fs::remove_file(shops.desk.path("joined.csv")).unwrap();
    }
}
