//! Progress: rows, bytes, their rate and the time left, then the steps of what comes after the rows; as a bar, as
//! lines or as JSON lines.

mod estimate;
mod steps;
mod view;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use serde_json::{Value, json};

use crate::{count, duration, size};
use estimate::{rate, time_left};
pub use steps::Steps;
use view::{Account, View};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Bar,
    Lines,
    Json,
    Silent,
}

/// Shows how far some rows are on their way. Shared between threads.
#[derive(Debug)]
pub struct Progress {
    passage: Arc<Passage>,
    view: View,
}

/// What was done between two looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Work {
    pub rows: u64,
    pub bytes: u64,
}

/// The account of rows.
#[derive(Debug)]
struct Passage {
    tool: String,
    what: String,
    phase: &'static str,
    rows: AtomicU64,
    bytes: AtomicU64,
    expected: Option<u64>,
    is_finished: AtomicBool,
    started: Instant,
}

impl Progress {
    pub(crate) fn new(
        (style, bars): (Style, &MultiProgress),
        tool: &str,
        what: &str,
        phase: &'static str,
        expected: Option<u64>,
    ) -> Self {
        let passage = Arc::new(Passage {
            tool: tool.to_owned(),
            what: what.to_owned(),
            phase,
            rows: AtomicU64::default(),
            bytes: AtomicU64::default(),
            expected,
            is_finished: AtomicBool::new(false),
            started: Instant::now(),
        });
        let view = View::new(style, &passage, || bars.add(bar(&passage)));
        Progress { passage, view }
    }

    pub fn advance(&self, work: Work) {
        self.passage.rows.fetch_add(work.rows, Ordering::Relaxed);
        let bytes = self.passage.bytes.fetch_add(work.bytes, Ordering::Relaxed) + work.bytes;
        self.view.set_position(bytes);
    }

    /// Everything so far.
    pub fn work(&self) -> Work {
        self.passage.work()
    }

    pub fn elapsed(&self) -> Duration {
        self.passage.started.elapsed()
    }

    /// Takes the bar away; JSON gets its last line.
    pub fn finish(&self) {
        self.passage.is_finished.store(true, Ordering::Relaxed);
        self.view.finish(&*self.passage);
    }
}

impl Passage {
    fn work(&self) -> Work {
        Work {
            rows: self.rows.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }

    /// What is expected is a guess, and all that passed may be less.
    fn time_left(&self, work: Work, elapsed: Duration) -> Option<Duration> {
        if self.is_finished.load(Ordering::Relaxed) {
            return Some(Duration::ZERO);
        }
        time_left(work.bytes, self.expected, elapsed)
    }
}

impl Account for Passage {
    fn plain(&self) -> String {
        let (work, elapsed) = (self.work(), self.started.elapsed());
        let left = self.time_left(work, elapsed);
        let left = left.map_or(String::new(), |left| format!(", {} left", duration(left)));
        format!(
            "{:<6} {}: {} rows, {}, {}/s{left}",
            self.tool,
            self.what,
            count(work.rows),
            size(work.bytes),
            size(rate(work.bytes, elapsed)),
        )
    }

    fn json(&self) -> Value {
        let (work, elapsed) = (self.work(), self.started.elapsed());
        json!({
            "version": 1, "tool": self.tool, "what": self.what, "phase": self.phase, "rows": work.rows,
            "bytes": work.bytes, "bytes_expected": self.expected, "bytes_per_second": rate(work.bytes, elapsed),
            "seconds": elapsed.as_secs_f64(),
            "seconds_left": self.time_left(work, elapsed).map(|it| it.as_secs_f64()),
        })
    }
}

fn bar(passage: &Arc<Passage>) -> ProgressBar {
    let template = match passage.expected {
        Some(_) => {
            "{prefix:<6} {msg} {wide_bar} {percent:>3} %  {rows} rows  {binary_bytes}  {binary_bytes_per_sec}  {eta} left"
        }
        None => "{prefix:<6} {msg} {spinner} {rows} rows  {binary_bytes}  {binary_bytes_per_sec}",
    };
    let shown = Arc::clone(passage);
    let write_rows = move |_: &ProgressState, line: &mut dyn std::fmt::Write| {
        let _ = line.write_str(&count(shown.work().rows));
    };
    view::bar(
        passage.expected,
        &passage.tool,
        &passage.what,
        template,
        |style: ProgressStyle| style.with_key("rows", write_rows),
    )
}
