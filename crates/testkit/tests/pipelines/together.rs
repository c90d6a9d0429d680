//! The project's own five databases in one target, and everything that their applications ask.

use testkit::fixtures::{MANDIBLE, POSTGRES, SQLITE, Scale, SqliteFixture};
use testkit::{Desk, target_word};

use crate::{application, build, check_answer, consolidate, new_target};

#[test]
fn five_sources_become_one_target_and_every_probe_answers() {
    let (desk, target) = (Desk::shared(), new_target());
    let sources = POSTGRES.map(|fixture| (fixture, build(fixture)));
    for (fixture, source) in &sources {
        consolidate(&desk, source.name(), fixture.name(), &target);
    }
    let mut expected: Vec<(String, u64)> = Vec::new();
    for fixture in SQLITE {
        let path = fixture.create(desk.folder(), Scale::Small).unwrap();
        consolidate(&desk, &fixture.file_name(), fixture.name(), &target);
        let counts = SqliteFixture::row_counts(&path).unwrap();
        expected.extend(
            counts
                .into_iter()
                .map(|(table, rows)| (format!("{}.{table}", fixture.name()), rows)),
        );
    }
    for (fixture, source) in &sources {
        for (table, rows) in source.row_counts().unwrap() {
            let table = match table.split_once('.').unwrap() {
                ("public", name) => format!("{}.{name}", fixture.name()),
                (schema, name) => format!("{}_{schema}.{name}", fixture.name()),
            };
            expected.push((table, rows));
        }
    }
    expected.sort();
    assert_eq!(target.row_counts().unwrap(), expected);

    for (fixture, source) in &sources {
        let path = fixture.target_path(fixture.name());
        let (mut from, mut to) = (source.admin().unwrap(), application(&target, &path));
        for probe in fixture.probes().into_iter().chain(fixture.trigger_probes()) {
            check_answer((&mut from, &fixture.source_path()), (&mut to, &path), probe);
        }
    }
}

#[test]
fn a_source_changed_by_one_value_is_no_longer_identical() {
    let (desk, source, target) = (Desk::shared(), build(&MANDIBLE), new_target());
    consolidate(&desk, source.name(), "mandible", &target);
    let verify = format!("verify {} {} --to mandible", source.name(), target_word(&target));
    for (change, undo, verdict) in [
        (
            "UPDATE mandible.users SET nickname = NULL WHERE nickname = '' AND id = 1",
            "UPDATE mandible.users SET nickname = '' WHERE id = 1",
            "same count, values differ",
        ),
        (
            "INSERT INTO mandible.categories (id, name) VALUES (999, 'more')",
            "DELETE FROM mandible.categories WHERE id = 999",
            "1 row more on the target",
        ),
        (
            "SELECT setval('mandible.order_number_seq', 1)",
            "SELECT setval('mandible.order_number_seq', (SELECT max(number) FROM mandible.orders))",
            "order_number_seq",
        ),
    ] {
        // Rows are changed behind the back of the triggers that would change them further.
        target
            .execute(&format!("SET session_replication_role = replica; {change}"))
            .unwrap();
        let output = desk.run(&verify);
        output.assert_code(1);
        assert!(output.stdout_text().contains(verdict), "{change}\n{output}");
        target
            .execute(&format!("SET session_replication_role = replica; {undo}"))
            .unwrap();
        desk.run(&verify).assert_success();
    }
}
