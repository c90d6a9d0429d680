//! Progress: rows, bytes and their rate, as a bar, as lines or as JSON lines.

use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{count, size};

/// Lines come this often.
const INTERVAL: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Bar,
    Lines,
    Json,
    Silent,
}

/// Shows how far some work is. Shared between threads.
#[derive(Debug)]
pub struct Progress {
    tool: String,
    what: String,
    rows: AtomicU64,
    bytes: AtomicU64,
    total: Option<u64>,
    started: Instant,
    view: View,
}

/// What was done between two looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Work {
    pub rows: u64,
    pub bytes: u64,
}

#[derive(Debug)]
enum View {
    Bar(ProgressBar),
    Lines { json: bool, last: Mutex<Instant> },
    Silent,
}

impl Progress {
    pub(crate) fn new(style: Style, tool: &str, what: &str, total: Option<u64>) -> Self {
        let view = match style {
            Style::Bar => View::Bar(bar(tool, what, total)),
            Style::Lines | Style::Json => View::Lines {
                json: style == Style::Json,
                last: Mutex::new(Instant::now()),
            },
            Style::Silent => View::Silent,
        };
        let zero = || AtomicU64::new(0);
        Progress {
            tool: tool.to_owned(),
            what: what.to_owned(),
            rows: zero(),
            bytes: zero(),
            total,
            started: Instant::now(),
            view,
        }
    }

    pub fn advance(&self, work: Work) {
        let rows = self.rows.fetch_add(work.rows, Ordering::Relaxed) + work.rows;
        let bytes = self.bytes.fetch_add(work.bytes, Ordering::Relaxed) + work.bytes;
        match &self.view {
            View::Bar(bar) => bar.set_position(bytes),
            View::Lines { json, last } => {
                let Ok(mut last) = last.try_lock() else { return };
                if last.elapsed() >= INTERVAL {
                    *last = Instant::now();
                    self.line(*json, Work { rows, bytes });
                }
            }
            View::Silent => {}
        }
    }

    /// Everything so far.
    pub fn work(&self) -> Work {
        Work {
            rows: self.rows.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }

    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Takes the bar away; JSON gets its last line.
    pub fn finish(&self) {
        match &self.view {
            View::Bar(bar) => bar.finish_and_clear(),
            View::Lines { json: true, .. } => self.line(true, self.work()),
            _ => {}
        }
    }

    fn line(&self, json: bool, work: Work) {
        let seconds = self.started.elapsed().as_secs_f64();
        let line = if json {
            serde_json::json!({
                "version": 1, "tool": self.tool, "what": self.what, "rows": work.rows, "bytes": work.bytes,
                "bytes_expected": self.total, "seconds": seconds,
            })
            .to_string()
        } else {
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a rate for people"
            )]
            let rate = size((work.bytes as f64 / seconds.max(0.001)) as u64);
            format!(
                "{:<6} {}: {} rows, {}, {rate}/s",
                self.tool,
                self.what,
                count(work.rows),
                size(work.bytes)
            )
        };
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let View::Bar(bar) = &self.view {
            bar.finish_and_clear();
        }
    }
}

fn bar(tool: &str, what: &str, total: Option<u64>) -> ProgressBar {
    let template = match total {
        Some(_) => {
            "{prefix:<6} {msg} {wide_bar} {percent:>3} %  {binary_bytes}  {binary_bytes_per_sec}  {eta} left"
        }
        None => "{prefix:<6} {msg} {spinner} {binary_bytes}  {binary_bytes_per_sec}",
    };
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr())
        .with_prefix(tool.to_owned())
        .with_message(what.to_owned());
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
