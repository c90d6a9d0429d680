//! Reports that can be filed, and repairs that make what was found different identical.

use serde_json::Value;
use testkit::TARGET_OWNER;

use crate::{Bench, Kind};

/// Says which of the forms has a SHA-256 that is not its own.
const CHECK_SEALS: &str = "
for form in text markdown junit; do
  sum=$(head -n -1 report.$form | sha256sum | cut -c1-64)
  tail -n 1 report.$form | grep -q \"sha256 $sum\" || echo \"$form is not as it says\"
done
if command -v jq >/dev/null; then
  sum=$(jq -cjS 'del(.sha256)' report.json | sha256sum | cut -c1-64)
  test \"$sum\" = \"$(jq -r .sha256 report.json)\" || echo 'json is not as it says'
fi";

#[test]
fn reports_can_be_filed_and_repairs_make_the_target_identical() {
    let bench = Bench::new(Kind::Postgres);
    let damaged = bench.changed("SELECT setval(pg_get_serial_sequence('there.plain', 'id'), 3)");
    let verify = "verify \"$SOURCE\" \"$TARGET\" --to there";
    for form in ["text", "markdown", "junit"] {
        bench
            .run(&format!("{verify} --format {form} -o report.{form}"), &damaged)
            .assert_code(1);
    }
    let line = format!("{verify} --format json -o report.json --repair-sql repair.sql");
    assert_eq!(bench.run(&line, &damaged).assert_code(1).stdout_text(), "");
    let checked = bench.run(CHECK_SEALS, &damaged);
    assert_eq!(checked.stdout_text(), "", "{checked}");
    let report = std::fs::read(bench.folder.path().join("report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    for side in ["source_identity", "target_identity"] {
        assert_eq!(report[side]["kind"], "postgresql", "{report:#}");
        assert!(report[side]["lsn"].is_string(), "{report:#}");
    }

    let repair = std::fs::read_to_string(bench.folder.path().join("repair.sql")).unwrap();
    assert!(repair.contains(report["sha256"].as_str().unwrap()), "{repair}");

    // Nothing is written over, and nothing is looked at before that is known.
    bench
        .run(&line, &damaged)
        .assert_code(2)
        .assert_stderr_contains("replace it with --force");
    bench.run(&format!("{line} --force"), &damaged).assert_code(1);
    let script = std::fs::read_to_string(bench.folder.path().join("repair.sql")).unwrap();
    let name = format!("{}_changed", bench.target.name());
    let mut owner = bench.target.cluster().client(&name, TARGET_OWNER).unwrap();
    owner.batch_execute(&script).unwrap();
    let sequences = bench.run(&format!("{verify} --format json"), &damaged);
    let report: Value = serde_json::from_slice(sequences.stdout()).unwrap();
    assert!(!report.to_string().contains("plain_id_seq"), "{report:#}");
}
