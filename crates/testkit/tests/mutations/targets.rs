//! A target that was loaded by the tools, and then changed in hundreds of tables: the report names each of them, and no
//! other one. The servers' own texts of the rows say which tables are changed.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use serde_json::Value;
use testkit::{Cluster, Database, Desk, judge_rows, rounds, target_word};

use crate::plans::{Mutant, mutants};
use crate::shapes::{NAMES, SHAPES};
use crate::values::TYPES;

/// Changes of values and rows in one round.
const MUTANTS: usize = 300;
/// Changes are random, and types are not: a few thousand say what there is to say.
const ROUNDS_MAX: usize = 20;

/// Tables that hold names, which are not the same text on both sides.
const WITH_NAMES: [&str; 2] = ["names_of", "same_names"];

#[test]
fn every_change_of_a_value_or_a_row_is_found_and_nothing_else() {
    // Faults 35 to 42.
    for _ in 0..rounds(1).min(ROUNDS_MAX) {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        check(&mut Rng::with_seed(seed));
    }
}

fn check(rng: &mut Rng) {
    let mutants = mutants(rng, MUTANTS);
    let source = Cluster::shared().database("mutants").unwrap();
    let target = Cluster::shared().target().unwrap();
    let desk = Desk::shared();
    source.execute(&sources(&mutants)).unwrap();
    let line = format!(
        "dump {} --rows csv --compress none | remap-schema --to there -o there.tar && load {} there.tar",
        source.name(),
        target_word(&target)
    );
    desk.run(&line).assert_success();
    let changes: String = mutants.iter().map(Mutant::mutate).collect();
    target.execute(&changes).unwrap();
    let changes: String = SHAPES.iter().map(|it| it.mutate).collect();
    target
        .execute(&(changes + "SELECT lo_put(4242, 0, 'S');"))
        .unwrap();

    let expected = expected(&mutants);
    judge(&source, &target, &expected);
    for from in [format!("{} --to there", source.name()), "there.tar".to_owned()] {
        let line = format!("verify {from} {} --format json", target_word(&target));
        let output = desk.run(&line);
        output.assert_code(1);
        let report: Value = serde_json::from_slice(output.stdout()).unwrap();
        let found = verdicts(&report);
        for (table, verdict) in &found {
            let wanted = expected.get(table).map_or("identical", |it| &it.verdict);
            let story = expected.get(table).map_or("untouched", |it| &it.story);
            assert_eq!(verdict, wanted, "{line}: {table}, {story}");
        }
        assert!(expected.keys().all(|it| found.contains_key(it)), "{line}");
        check_rows(&report, &mutants);
        assert!(found.len() > expected.len(), "no table is as it was");
        assert_eq!(
            report["large_objects"]["differing"],
            serde_json::json!([4242]),
            "{line}"
        );
    }
}

/// What makes the source: tables for all changes, and some that stay as they are.
fn sources(mutants: &[Mutant]) -> String {
    let tables = mutants.iter().map(Mutant::create);
    let shapes = SHAPES.iter().map(|it| it.create.to_owned());
    let kept = mutants
        .iter()
        .take(20)
        .map(|it| it.create().replace(&it.table, &format!("kept_{}", it.table)));
    let large = "SELECT lo_from_bytea(4242, 'some bytes'), lo_from_bytea(4243, 'same bytes');
        GRANT SELECT ON LARGE OBJECT 4242, 4243 TO source_reader;";
    [TYPES.to_owned()]
        .into_iter()
        .chain(tables)
        .chain(shapes)
        .chain(kept)
        .chain([NAMES.to_owned(), large.to_owned()])
        .collect()
}

/// What a table's line must say.
struct Expected {
    verdict: String,
    story: String,
}

fn expected(mutants: &[Mutant]) -> BTreeMap<String, Expected> {
    let plain = mutants.iter().map(|it| {
        let verdict = match it.surplus() {
            -1 => "1 row fewer on the target",
            1 => "1 row more on the target",
            _ => "same count, values differ",
        };
        (format!("there.{}", it.table), verdict, it.story())
    });
    let shapes = SHAPES
        .iter()
        .map(|it| (it.table.to_owned(), it.verdict, it.mutate.to_owned()));
    plain
        .chain(shapes)
        .map(|(table, verdict, story)| {
            let verdict = verdict.to_owned();
            (table, Expected { verdict, story })
        })
        .collect()
}

/// Asks the servers whether just these tables are changed.
#[track_caller]
fn judge(source: &Database<'_>, target: &Database<'_>, expected: &BTreeMap<String, Expected>) {
    let (mut from, mut to) = (source.admin().unwrap(), target.admin().unwrap());
    let judgement = judge_rows(&mut from, &mut to, |_| "there".to_owned()).unwrap();
    let differing = judgement
        .differing
        .iter()
        .map(|it| it.split_once(": (").unwrap().0);
    let differing: Vec<&str> = differing.map(|it| it.strip_prefix("public.").unwrap()).collect();
    let changed: Vec<String> = expected
        .keys()
        .map(|it| it["there.".len()..].to_owned())
        .collect();
    let name = |it: &str| it.trim_matches('"').replace("\"\"", "\"");
    let void: Vec<&String> = changed
        .iter()
        .filter(|it| !differing.contains(&name(it).as_str()))
        .collect();
    assert!(
        void.is_empty(),
        "no change at all: {:?}",
        void.iter()
            .map(|it| &expected[&format!("there.{it}")].story)
            .collect::<Vec<_>>()
    );
    let beside: Vec<&&str> = differing
        .iter()
        .filter(|it| !WITH_NAMES.contains(it) && !changed.iter().any(|changed| name(changed) == **it))
        .collect();
    assert!(beside.is_empty(), "changed by nobody: {beside:?}");
}

/// Each table's verdict.
fn verdicts(report: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let tables = report["tables"].as_array().unwrap().iter();
    tables
        .map(|it| (text(&it["table"]), text(&it["verdict"])))
        .collect()
}

/// Whether the report shows just the rows that were changed, and the columns in which they were.
#[track_caller]
fn check_rows(report: &Value, mutants: &[Mutant]) {
    for mutant in mutants {
        let name = format!("there.{}", mutant.table);
        let tables = report["tables"].as_array().unwrap();
        let found = &tables.iter().find(|it| it["table"] == *name).unwrap()["differing_rows"];
        let story = mutant.story();
        assert_eq!(found["complete"], true, "{story}: {found:#}");
        if mutant.keyed {
            assert_eq!(found["key"], serde_json::json!(["id"]), "{story}: {found:#}");
            let rows: BTreeSet<String> = found["rows"].as_array().unwrap().iter().map(shown).collect();
            assert_eq!(rows, mutant.keyed_rows(), "{story}: {found:#}");
        } else {
            let counts = (
                found["missing"].as_u64().unwrap(),
                found["extra"].as_u64().unwrap(),
            );
            assert_eq!(counts, mutant.keyless_rows(), "{story}: {found:#}");
        }
    }
}

/// A row as a mutant names it: how it differs, its key, which is its first value, and the columns.
fn shown(row: &Value) -> String {
    let side = if row["source"].is_null() {
        "target"
    } else {
        "source"
    };
    let columns = row["differ"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap());
    let words = [row["kind"].as_str().unwrap(), row[side][0].as_str().unwrap()];
    words.into_iter().chain(columns).collect::<Vec<_>>().join(" ")
}
