//! Rows that a target refuses: the first one is named without its values, or each stands in a file with its reason and
//! all others are in. Refused rows come from functions that say on the target what they did not say in the source,
//! and from archives that were changed by hand.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

#[path = "rejects/bench.rs"]
mod bench;
mod remains;

use bench::Bench;

#[test]
fn refused_rows_stand_in_files_and_all_others_go_live() {
    for form in ["binary", "csv"] {
        let bench = Bench::new(form);
        let output = bench.load("--on-error reject --rejects rejected --format json");
        output.assert_code(1).assert_stderr_contains("92 more rejected");
        let report: Value = serde_json::from_slice(output.stdout()).unwrap();
        assert_eq!(report["rejected"]["rows"], 92, "{report:#}");
        assert_eq!(Bench::reported(&report), Bench::expected(), "{report:#}");
        assert_eq!(
            report["rejected"]["not_valid"],
            serde_json::json!(["foreign key lines_person_fkey of there.lines"])
        );
        output.assert_stderr_contains(
            "there.people: 37 of 10,000 rows rejected (SQLSTATE 23514: 37), see rejected (",
        );
        output.assert_stderr_contains("foreign key lines_person_fkey of there.lines is NOT VALID");
        assert_eq!(
            bench
                .target
                .query("SELECT conname, convalidated FROM pg_constraint WHERE contype = 'f' ORDER BY 1")
                .unwrap(),
            ["fine_lines_person_fkey | t", "lines_person_fkey | f"]
        );
        bench.check_journal(&report);
        let files = bench.files("rejected");
        assert!(
            files.keys().filter(|it| it.contains("there.people-")).count() > 1,
            "{:?}",
            files.keys()
        );
        let told = files.iter().find(|(it, _)| it.contains("there.told-")).unwrap().1;
        assert_eq!(
            *told,
            "id,secret,coalesce_row,coalesce_sqlstate,coalesce_column,coalesce_message,coalesce_hex\n\
             7,hush7,7,P0001,,no hush7 here,\n17,hush17,17,P0001,,no hush17 here,\n"
        );

        // They explain what is not there, and nothing else does.
        let output = bench.run("verify \"$SOURCE\" \"$TARGET\" --to there");
        let shown = output.assert_success().stdout_text();
        assert!(
            shown.contains("identical but for 37 rows that load rejected")
                && shown.contains("SQLSTATE 23514: 37"),
            "{output}"
        );
        // What a person does with them.
        bench.put_back("rejected");
        bench
            .target
            .execute("ALTER TABLE there.lines VALIDATE CONSTRAINT lines_person_fkey")
            .unwrap();
        bench
            .run("verify \"$SOURCE\" \"$TARGET\" --to there --no-schema")
            .assert_success();
    }
}

#[test]
fn the_same_rows_are_rejected_again_unless_they_are_too_many() {
    let bench = Bench::new("binary");
    let refused = bench.load("--on-error reject --rejects first --reject-max 91");
    refused
        .assert_code(5)
        .assert_stderr_contains("more than 91 rows were refused")
        .assert_stderr_contains("the last one is of there.");
    remains::assert_nothing_live(&bench.target, "there", &refused);
    remains::abandon(&bench.tools, &bench.target, "there");
    assert_eq!(
        bench
            .target
            .query("SELECT count(*) FROM coalesce.rejected")
            .unwrap(),
        ["0"]
    );

    bench
        .load("--on-error reject --rejects first")
        .assert_code(2)
        .assert_stderr_contains("is not empty");
    bench
        .load("--on-error reject --rejects second --reject-max 92")
        .assert_code(1);
    let (first, second) = (bench.files("first"), bench.files("second"));
    assert!(!first.is_empty());
    for (name, rows) in &first {
        assert_eq!(second.get(name), Some(rows), "{name}");
    }
    for (path, mode) in [
        (bench.folder.path().join("second"), 0o700),
        (
            bench
                .folder
                .path()
                .join("second")
                .join(second.keys().next().unwrap()),
            0o600,
        ),
    ] {
        assert_eq!(
            path.metadata().unwrap().permissions().mode() & 0o777,
            mode,
            "{}",
            path.display()
        );
    }
}

/// Passes all rows, and no more than these once all that are refused are in the journal.
const CUT_OFF: &str = "{ head -c -2048 there.tar; for try in $(seq 200); do sleep 0.05; \
    [ \"$(psql -XAtqc 'SELECT sum(rows) FROM coalesce.rejected' \"$TARGET\" 2>/dev/null)\" = 92 ] && break; done; } \
    | load \"$TARGET\" --on-error reject --rejects first";

#[test]
fn a_load_that_goes_on_knows_what_was_rejected_before() {
    let bench = Bench::new("binary");
    for (options, place) in [
        ("", "told-00000.csv in the folder that --rejects named before"),
        ("--on-error reject --rejects first", "see first/"),
        (
            "--on-error reject --rejects second --reject-max 92",
            "told-00000.csv in the folder that --rejects named before",
        ),
    ] {
        let cut_off = bench.run(CUT_OFF);
        cut_off.assert_code(6);
        remains::assert_nothing_live(&bench.target, "there", &cut_off);
        let files = bench.files("first");
        let strange = bench.folder.path().join("first/0000-there.people-00000.csv.old");
        std::fs::write(&strange, "another's").unwrap();
        bench
            .load("--resume --on-error reject --rejects first")
            .assert_code(2)
            .assert_stderr_contains("is not empty");
        std::fs::remove_file(&strange).unwrap();

        let output = bench.load(&format!("--resume --format json {options}"));
        output
            .assert_code(1)
            .assert_stderr_contains("92 more rejected")
            .assert_stderr_contains("there.told: 2 of 20 rows rejected (SQLSTATE P0001: 2)")
            .assert_stderr_contains(place)
            .assert_stderr_contains("foreign key lines_person_fkey of there.lines is NOT VALID");
        let report: Value = serde_json::from_slice(output.stdout()).unwrap();
        assert_eq!(Bench::reported(&report), Bench::expected(), "{report:#}");
        bench.check_journal(&report);
        assert_eq!(bench.files("first"), files);
        bench.load("--resume").assert_code(1).assert_stderr_contains(
            "there.told: 2 rows were rejected when it was loaded (SQLSTATE P0001: 2)",
        );

        bench
            .target
            .execute("DROP SCHEMA there CASCADE; DROP SCHEMA coalesce CASCADE")
            .unwrap();
        // Nothing goes on, so that the files are another load's.
        bench
            .load("--resume --on-error reject --rejects first")
            .assert_code(2)
            .assert_stderr_contains("is not empty");
        assert_eq!(bench.files("first"), files);
        std::fs::remove_dir_all(bench.folder.path().join("first")).unwrap();
    }
}

#[test]
fn many_refused_rows_of_a_chunk_all_stand_in_its_file() {
    let bench = Bench::new("binary");
    bench.forge(
        |sql| sql.replace("n % 271 <> 5", "n > 1500"),
        |table, rows| {
            let kept: &[u8] = if table == "tagged" { rows } else { &[] };
            kept.to_vec()
        },
    );
    bench
        .load("--on-error reject --rejects rejected --reject-max 1500")
        .assert_code(1)
        .assert_stderr_contains(
            "there.tagged: 1,500 of 2,000 rows rejected (SQLSTATE 23514: 1500), see rejected/",
        );
    let files = bench.files("rejected");
    assert_eq!(files.len(), 1);
    let file = files.values().next().unwrap();
    assert_eq!(file.matches("coalesce_row").count(), 1);
    for row in 1..=1500 {
        assert!(file.contains(&format!(",{row},23514,")), "row {row}");
    }
}

#[test]
fn values_that_a_type_does_not_read_are_found_in_both_forms() {
    let bench = Bench::new("csv");
    let edit = |table: &str, rows: &[u8]| -> Vec<u8> {
        let text = String::from_utf8(rows.to_vec()).unwrap();
        match table {
            "edges" => text
                .replace("\n20,row", "\n2O,row")
                .replace("\n1,", "\n\"\",")
                .replace("\n50,", "\nL,"),
            "tagged" => text.replacen("\n10,\"{calm,NULL}\"", "\n10,\"{calm,grim}\"", 1),
            "wide" => text.replace("it's, \"\"odd\"\"", "even"),
            "seen" => text.replace("there.tagged", "there.absent"),
            _ => text,
        }
        .into_bytes()
    };
    bench.forge(str::to_owned, edit);
    bench.load("--on-error reject --rejects rejected").assert_code(1);
    let files = bench.files("rejected");
    let reasons = |table: &str| -> Vec<String> {
        let file = files
            .iter()
            .find(|(it, _)| it.contains(&format!("there.{table}-")))
            .unwrap()
            .1;
        let words = ["22P02", "23514", "42P01"];
        file.lines()
            .flat_map(|line| words.iter().filter(move |it| line.contains(*it)))
            .map(|it| (*it).to_owned())
            .collect()
    };
    assert_eq!(reasons("edges"), ["22P02"; 3]);
    assert_eq!(reasons("wide"), ["22P02", "23514"]);
    assert_eq!(reasons("tagged").iter().filter(|it| *it == "22P02").count(), 1);
    assert_eq!(reasons("seen"), ["42P01"]);
    let tagged = files
        .iter()
        .find(|(it, _)| it.contains("there.tagged-"))
        .unwrap()
        .1;
    let line = "\n10,\"{calm,grim}\",\"\",10,22P02,moods,\"invalid input value for enum there.mood: \"\"grim\"\"\",\n";
    assert!(tagged.contains(line), "{tagged}");
}

#[test]
fn bytes_that_no_type_reads_are_shown_as_they_are() {
    let bench = Bench::new("binary");
    let (address, strange) = (
        b"\x02\x08\x00\x04\x0a\x00\x00\x01",
        b"\x09\x08\x00\x04\x0a\x00\x00\x01",
    );
    bench.forge(
        |sql| sql.replace("n % 271 <> 5", "true"),
        |table, rows| {
            let mut rows = rows.to_vec();
            let Some(place) = rows.windows(8).position(|it| it == address) else {
                return Vec::new();
            };
            assert_eq!(table, "wide");
            rows[place..place + 8].copy_from_slice(strange);
            rows
        },
    );
    bench
        .load("--on-error reject --rejects rejected")
        .assert_code(1)
        .assert_stderr_contains("there.wide: 1 of 3 rows rejected (SQLSTATE 22P03: 1), see rejected/");
    let files = bench.files("rejected");
    let shown = files.values().next().unwrap().lines().nth(1).unwrap();
    let readable = "276,\\x00ff,12.50000,-0,0044-03-15 00:00:00 BC,1 mon -2 days,\"[2:3]={1,NULL}\",ab  ,xyz,101,\
                    \"it's, \"\"odd\"\"\",\"{\"\"a\"\": 1}\",a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,\\x090800040a000001,1,";
    assert!(shown.starts_with(readable), "{shown}");
    assert!(
        shown.contains("1,22P03,net,") && shown.ends_with(",net"),
        "{shown}"
    );
}

#[test]
fn the_first_refused_row_is_named_without_its_values() {
    let bench = Bench::new("csv");
    let only = |wanted: &'static str, from: &'static str, to: &'static str| {
        move |table: &str, rows: &[u8]| {
            if table == wanted {
                String::from_utf8(rows.to_vec())
                    .unwrap()
                    .replace(from, to)
                    .into_bytes()
            } else {
                Vec::new()
            }
        }
    };
    let harmless = |sql: &str| sql.replace("n % 271 <> 5", "true");
    bench.forge(harmless, only("people", "\n9000,", "\nhush,"));
    let stopped = bench.load("--jobs 2");
    stopped.assert_code(5);
    let said = ", row 9,000 of the table, column id of type integer\n  ERROR: invalid input syntax for type integer: … \
                (SQLSTATE 22P02)\n";
    stopped.assert_stderr_contains("rows of there.people could not be written: row ");
    stopped
        .assert_stderr_contains(said)
        .assert_stderr_contains("--on-error reject --rejects DIR");
    assert!(!stopped.stderr().contains("hush"), "{stopped}");
    remains::assert_nothing_live(&bench.target, "there", &stopped);
    remains::abandon(&bench.tools, &bench.target, "there");

    bench.forge(harmless, only("told", "hush", "hush"));
    let stopped = bench.load("");
    let said = "rows of there.told could not be written: row 7 of chunk 0\n  ERROR: message shown with --verbose, since it can hold row data (SQLSTATE P0001)\n";
    stopped.assert_code(5).assert_stderr_contains(said);
    assert!(!stopped.stderr().contains("hush"), "{stopped}");
    remains::abandon(&bench.tools, &bench.target, "there");
    bench
        .load("--verbose")
        .assert_code(5)
        .assert_stderr_contains("no hush7 here");
    remains::abandon(&bench.tools, &bench.target, "there");

    // What is not the row's fault is not taken for it.
    let full = |sql: &str| sql.replace("'no % here', t;", "'no % here', t USING ERRCODE = '53100';");
    bench.forge(full, only("told", "hush", "hush"));
    let stopped = bench.load("--on-error reject --rejects rejected");
    stopped.assert_code(5).assert_stderr_contains("SQLSTATE 53100");
    assert!(bench.files("rejected").is_empty());
    remains::assert_nothing_live(&bench.target, "there", &stopped);
}
