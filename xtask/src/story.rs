//! Plays shell lines for an audience: what each is for, the line as typed, its own output, its time.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use testkit::Tools;

use crate::error::{Error, Result};

/// A folder, variables and tools under which lines run.
#[derive(Debug)]
pub(crate) struct Story<'t> {
    tools: &'t Tools,
    folder: PathBuf,
    variables: Vec<(&'static str, String)>,
}

/// A line, and one that says what it does.
#[derive(Debug)]
pub(crate) struct Telling {
    title: String,
    line: String,
}

impl Telling {
    pub(crate) fn new(title: &str, line: &str) -> Self {
        Telling {
            title: title.to_owned(),
            line: line.to_owned(),
        }
    }
}

impl<'t> Story<'t> {
    pub(crate) fn new(tools: &'t Tools, folder: &Path) -> Self {
        println!();
        Story {
            tools,
            folder: folder.to_owned(),
            variables: Vec::new(),
        }
    }

    /// Sets a variable for all later lines, as a user would.
    pub(crate) fn export(&mut self, name: &'static str, value: &str) {
        let quoted = if value.contains(' ') {
            format!("'{value}'")
        } else {
            value.to_owned()
        };
        println!("$ export {name}={quoted}");
        self.variables.push((name, value.to_owned()));
    }

    /// Runs a line with our own streams, so that the tools see a terminal if there is one.
    pub(crate) fn tell(&self, telling: &Telling) -> Result<()> {
        let Telling { title, line } = telling;
        println!("\n# {title}\n$ {line}");
        let begin = Instant::now();
        let status = Command::new("bash")
            .args(["--noprofile", "--norc", "-o", "pipefail", "-c", line])
            .current_dir(&self.folder)
            .env("PATH", self.tools.path())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .status()
            .map_err(|cause| Error::Run {
                line: line.clone(),
                cause,
            })?;
        println!("({:.1} s)", begin.elapsed().as_secs_f64());
        if status.success() {
            Ok(())
        } else {
            Err(Error::Step { line: line.clone() })
        }
    }
}

/// `81204` as `81,204`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (81_204, "81,204"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), expected);
        }
    }

    #[test]
    fn a_stage_that_fails_fails_the_story() {
        let folder = tempfile::tempdir().unwrap();
        let tools = Tools::at(folder.path());
        let mut story = Story::new(&tools, folder.path());
        story.export("WORD", "true");
        assert!(story.tell(&Telling::new("works", "$WORD | cat")).is_ok());
        let error = story.tell(&Telling::new("fails", "false | cat")).unwrap_err();
        assert_eq!(error.to_string(), "`false | cat` failed");
    }
}
