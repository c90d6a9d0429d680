//! The target's disk fills up.

use std::path::Path;
use std::process::Command;

use testkit::{Cluster, POSTGRES, Skipped, TARGET_OWNER};

use crate::lab::{DUMP, LOAD, Lab, REMAP, source};
use crate::remains;

/// Room for the database and its rows.
const SIZE: &str = "size=64m";

/// Fills the disk but for two and a half megabytes, half of what the rows and their indexes need.
const FILL: &str = "head -c $(( $(df --output=avail -k \"$DISK\" | tail -n 1) * 1024 - 2500000 )) /dev/zero >\"$DISK/ballast\"";

#[test]
fn a_full_disk_of_the_target_is_named_and_more_room_is_all_that_was_missing() {
    // Faults 13 and 23.
    let cluster = Cluster::shared();
    let folder = cluster.folder("disk").unwrap();
    if !mount(&folder) {
        let _ = Skipped::because("only root can mount a small file system");
        return;
    }
    let _mounted = Mounted(&folder);
    let place = cluster.folder("disk/space").unwrap();
    let mut admin = cluster.client(POSTGRES, POSTGRES).unwrap();
    let name = "on_small_disk";
    for sql in [
        format!("CREATE TABLESPACE small LOCATION '{}'", place.display()),
        format!("CREATE DATABASE {name} OWNER {TARGET_OWNER} TABLESPACE small"),
    ] {
        admin.batch_execute(&sql).unwrap();
    }
    let lab = Lab::with_target(source(), cluster.existing(name));
    lab.run(&format!("{DUMP} | {REMAP} -o k.tar")).assert_success();
    lab.shell(FILL).env("DISK", &folder).run().assert_success();
    let output = lab.run(&format!("{LOAD} k.tar"));
    output
        .assert_code(5)
        .assert_stderr_contains("No space left on device")
        .assert_stderr_contains("53100")
        .assert_stderr_contains("nothing is live");
    remains::assert_nothing_live(&lab.target, crate::lab::SCHEMA, &output);
    std::fs::remove_file(folder.join("ballast")).unwrap();
    lab.check_way_on(&output, None, "k.tar");
    drop(lab);
    admin.batch_execute("DROP TABLESPACE small").unwrap();
}

fn mount(folder: &Path) -> bool {
    let command = Command::new("mount")
        .args(["-t", "tmpfs", "-o", &format!("{SIZE},mode=0777"), "coalesce"])
        .arg(folder)
        .output();
    command.is_ok_and(|it| it.status.success())
}

struct Mounted<'a>(&'a Path);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l"]).arg(self.0).status();
    }
}
