//! Runs cargo and other programs in the workspace's folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// How much of a process's command line is shown.
const SHOWN_MAX: usize = 200;

/// The workspace's folder.
pub(crate) fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The cargo that runs us, in the workspace's folder.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace());
    command
}

/// Runs `command` with our own streams; a failure is an error that shows it as `cargo …` would be typed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = shown(command);
    let status = command.status().map_err(|cause| Error::Run {
        line: line.clone(),
        cause,
    })?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::Step { line })
    }
}

/// As [`run`], but what has not ended after `limit` is terminated, with all that it has started, after it was shown
/// together with every server: something waits for ever, and whoever finds it must learn for what.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Result<()> {
    let line = shown(command);
    let failed = |cause| Error::Run {
        line: line.clone(),
        cause,
    };
    let deadline = Instant::now() + limit;
    let mut child = command.spawn().map_err(failed)?;
    let status = loop {
        match child.try_wait().map_err(failed)? {
            Some(status) => break status,
            None if Instant::now() < deadline => thread::sleep(Duration::from_millis(200)),
            None => {
                // A machine without `ps` still gets the end.
                let processes = processes().unwrap_or_default();
                let ours = descendants(&processes, child.id());
                for process in &processes {
                    if ours.contains(&process.id) || process.shown.contains("postgres") {
                        let shown: String = process.shown.chars().take(SHOWN_MAX).collect();
                        println!("{shown}");
                    }
                }
                let ids = ours.iter().map(u32::to_string);
                // Politely: what holds a throwaway server does not listen to it, and cleans up. Some of them may have
                // ended meanwhile, which is no failure.
                let _ = run(Command::new("kill").arg("-TERM").args(ids));
                child.wait().map_err(failed)?;
                return Err(Error::Endless { line, limit });
            }
        }
    };
    if status.success() {
        Ok(())
    } else {
        Err(Error::Step { line })
    }
}

/// A process of this machine.
struct Process {
    id: u32,
    parent: u32,
    /// Its line as `ps` prints it.
    shown: String,
}

fn processes() -> Result<Vec<Process>> {
    let listed = capture(Command::new("ps").args(["-eww", "-o", "pid=,ppid=,etime=,stat=,args="]))?;
    let listed = String::from_utf8_lossy(&listed);
    let process = |line: &str| {
        let mut words = line.split_whitespace();
        Some(Process {
            id: words.next()?.parse().ok()?,
            parent: words.next()?.parse().ok()?,
            shown: line.to_owned(),
        })
    };
    Ok(listed.lines().filter_map(process).collect())
}

/// `root` and all that it has started, in any number of steps.
fn descendants(processes: &[Process], root: u32) -> BTreeSet<u32> {
    let mut found = BTreeSet::from([root]);
    loop {
        let known = found.len();
        let children = processes.iter().filter(|it| found.contains(&it.parent));
        let children: Vec<u32> = children.map(|it| it.id).collect();
        found.extend(children);
        if found.len() == known {
            return found;
        }
    }
}

/// Runs `command` and returns what it prints; its stderr stays ours.
pub(crate) fn capture(command: &mut Command) -> Result<Vec<u8>> {
    let line = shown(command);
    command.stderr(std::process::Stdio::inherit());
    let output = command.output().map_err(|cause| Error::Run {
        line: line.clone(),
        cause,
    })?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(Error::Step { line })
    }
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words
        .map(|it| it.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_ends_is_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command
            .args(["-c", "sleep 600 & echo $! >child; wait"])
            .current_dir(folder.path());
        let failure = run_within(&mut command, Duration::from_millis(300)).unwrap_err();
        assert!(matches!(failure, Error::Endless { .. }), "{failure}");
        let child = std::fs::read_to_string(folder.path().join("child")).unwrap();
        let child: u32 = child.trim().parse().unwrap();
        let sleeps = |it: &Process| it.id == child && it.shown.contains("sleep 600");
        let deadline = Instant::now() + Duration::from_secs(10);
        while processes().unwrap().iter().any(sleeps) {
            assert!(Instant::now() < deadline, "process {child} goes on");
        }
        run_within(&mut Command::new("true"), Duration::from_secs(10)).unwrap();
        assert!(run_within(&mut Command::new("false"), Duration::from_secs(10)).is_err());
    }
}
