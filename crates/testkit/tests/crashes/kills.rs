//! `kill -9` of each stage at random moments.

use std::time::Duration;

use testkit::Skipped;

use crate::lab::{DUMP, KEPT_DIRECTORY, KEPT_FILE, LOAD, Lab, REMAP};

/// `timeout` kills the very process that it has started, so that no number is given to another one meanwhile.
fn killed(stage: &str, latest: Duration) -> String {
    let seconds = latest.mul_f64(fastrand::f64()).as_secs_f64();
    format!("timeout --foreground -s KILL {seconds:.4} {stage}")
}

fn can_kill(lab: &Lab) -> bool {
    let is_there = lab.run("timeout --foreground -s KILL 5 true").success();
    if !is_there {
        let _ = Skipped::because("`timeout` of coreutils, which kills what it has started, is not installed");
    }
    is_there
}

#[test]
fn a_pipeline_killed_at_any_stage_loads_every_row_once() {
    // Fault 12.
    let lab = Lab::shared();
    if !can_kill(&lab) {
        return;
    }
    let whole = format!("{DUMP} | {REMAP} | {LOAD}");
    let latest = lab.time(&whole);
    let (rounds, mut kills) = (testkit::rounds(12), 0);
    for round in 0..rounds {
        lab.clear();
        let mut stages = [DUMP, REMAP, LOAD].map(str::to_owned);
        // The one that writes has most to lose.
        let place = [2, 0, 1][round % 3];
        // Those before it end before it.
        let latest = if place == 2 { latest } else { latest.mul_f64(0.6) };
        stages[place] = killed(&stages[place], latest);
        let output = lab.run(&stages.join(" | "));
        kills += usize::from(output.stages().get(place) == Some(&137));
        lab.check_way_on(&output, Some(&format!("{DUMP} | {REMAP}")), "-");
    }
    println!("{rounds} pipelines, {kills} stages killed in time, every row once");
    assert!(kills > 0, "none of {rounds} stages was killed in time");
}

#[test]
fn a_load_of_a_file_killed_at_any_moment_goes_on() {
    // Fault 12.
    let lab = Lab::shared();
    if !can_kill(&lab) {
        return;
    }
    let latest = lab.keep_archive();
    lab.run(&format!("{DUMP} | {REMAP} -o {KEPT_DIRECTORY}/"))
        .assert_success();
    let (rounds, mut kills) = (testkit::rounds(12), 0);
    for round in 0..rounds {
        lab.clear();
        let archive = [KEPT_FILE, KEPT_DIRECTORY][round % 2];
        let output = lab.run(&killed(&format!("{LOAD} {archive}"), latest));
        kills += usize::from(output.stages() == [137]);
        lab.check_goes_on(&output, archive);
    }
    println!("{rounds} loads, {kills} killed in time, every row once");
    assert!(
        kills * 3 >= rounds,
        "{kills} of {rounds} loads were killed in time"
    );
}

#[test]
fn a_killed_writer_of_an_archive_leaves_none_or_a_whole_one() {
    // Faults 12 and 13.
    let lab = Lab::shared();
    if !can_kill(&lab) {
        return;
    }
    let (rounds, mut kills) = (testkit::rounds(6), 0);
    for round in 0..rounds {
        lab.clear();
        let destination = if round % 2 == 0 { "k.tar" } else { "k/" };
        let (line, before) = if round % 3 == 2 {
            lab.run(&format!("{DUMP} -o source.tar")).assert_success();
            (format!("{REMAP} source.tar -o {destination}"), 30)
        } else {
            (format!("{DUMP} -o {destination}"), 400)
        };
        let output = lab.run(&killed(&line, Duration::from_millis(before)));
        kills += usize::from(output.stages() == [137]);
        if lab.path(destination).exists() {
            lab.run(&format!("verify --archive {destination}"))
                .assert_success();
        } else {
            assert!(!output.success(), "{output}");
            lab.run(&line).assert_success();
        }
    }
    println!("{rounds} writers, {kills} killed in time, no archive torn");
    assert!(kills > 0, "none of {rounds} writers was killed in time");
}
