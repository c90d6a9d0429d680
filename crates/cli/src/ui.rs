//! What a person or a program gets to see: data on stdout, everything else on stderr.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{BinaryBytes, HumanCount, MultiProgress};

use crate::args::ProgressStyle;
use crate::failure::is_closed;
use crate::progress::{Progress, Steps, Style};
use crate::{Exit, Failure, Frame, Result};

/// The tool's voice.
#[derive(Clone, Debug)]
pub struct Ui {
    tool: String,
    quiet: bool,
    verbose: bool,
    style: Style,
    /// All bars of the tool, which give way to its lines.
    bars: MultiProgress,
}

impl Ui {
    pub(crate) fn new(tool: &str, frame: &Frame) -> Self {
        let style = match frame.progress {
            ProgressStyle::Json if !frame.quiet => Style::Json,
            // In a pipeline only the last tool draws.
            ProgressStyle::Auto if frame.quiet || has_next_tool() => Style::Silent,
            ProgressStyle::Auto if std::io::stderr().is_terminal() => Style::Bar,
            ProgressStyle::Auto | ProgressStyle::Plain if !frame.quiet => Style::Lines,
            _ => Style::Silent,
        };
        let tool = tool.strip_suffix("-schema").unwrap_or(tool).to_owned();
        Ui {
            tool,
            quiet: frame.quiet,
            verbose: frame.verbose,
            style,
            bars: MultiProgress::new(),
        }
    }

    pub fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// A line on stderr that says what was done.
    pub fn status(&self, line: impl Display) {
        if !self.quiet {
            self.line(line);
        }
    }

    /// A line on stderr that only `--verbose` shows.
    pub fn detail(&self, line: impl Display) {
        if self.verbose {
            self.line(line);
        }
    }

    /// A line on stderr that even `--quiet` shows.
    pub fn warning(&self, line: impl Display) {
        self.line(format_args!("warning: {line}"));
    }

    /// A line on stderr that says what was found: a result, which even `--quiet` shows.
    pub fn finding(&self, line: impl Display) {
        self.line(line);
    }

    /// Data on stdout.
    pub fn print(&self, text: impl Display) -> Result<()> {
        let mut stdout = std::io::stdout().lock();
        write!(stdout, "{text}")
            .and_then(|()| stdout.flush())
            .map_err(|error| {
                let exit = if is_closed(&error) {
                    Exit::OutputClosed
                } else {
                    Exit::Target
                };
                Failure::new(exit, "stdout cannot be written").with_source(error)
            })
    }

    /// Starts to show the progress of the rows of `what`, of which about `bytes` in all are expected.
    pub fn progress(&self, what: &str, bytes: Option<u64>) -> Progress {
        self.progress_of_phase(what, "rows", bytes)
    }

    /// The same for another phase in which rows pass.
    pub fn progress_of_phase(&self, what: &str, phase: &'static str, bytes: Option<u64>) -> Progress {
        Progress::new((self.style, &self.bars), &self.tool, what, phase, bytes)
    }

    /// Starts to show a phase of `what` that has a number of steps.
    pub fn steps(&self, what: &str, phase: &'static str, expected: usize) -> Steps {
        let expected = u64::try_from(expected).unwrap_or(u64::MAX);
        Steps::new((self.style, &self.bars), &self.tool, what, phase, expected)
    }

    /// Takes all bars away, for a process that ends at once.
    pub(crate) fn clear_bars(&self) {
        let _ = self.bars.clear();
    }

    fn line(&self, line: impl Display) {
        self.bars
            .suspend(|| write_line(format_args!("{:<6} {line}", self.tool)));
    }
}

/// A line on stderr, in one piece: the tools of a pipeline share it, and pieces of their lines would mix.
pub(crate) fn write_line(line: impl Display) {
    // A closed stderr must not stop the work.
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// Whether stdout leads to another program: then this tool is not the last to be looked at.
fn has_next_tool() -> bool {
    use std::os::unix::fs::FileTypeExt;
    let kind = std::fs::metadata("/dev/stdout").map(|it| it.file_type());
    kind.is_ok_and(|it| it.is_fifo() || it.is_socket())
}

/// `81,204`
pub fn count(number: u64) -> String {
    HumanCount(number).to_string()
}

/// `58.3 MiB`
pub fn size(bytes: u64) -> String {
    BinaryBytes(bytes).to_string()
}

/// `0.9 s`, `2 min 5 s`
pub fn duration(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", elapsed.as_secs_f64()),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}
