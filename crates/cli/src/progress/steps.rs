//! Work that is counted in steps: indexes, foreign keys, materialized views.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar};
use serde_json::{Value, json};

use super::Style;
use super::view::{self, Account, View};

/// Shows how many steps of a phase are done. Shared between threads; the bar goes with it, and JSON gets a last line
/// then.
#[derive(Debug)]
pub struct Steps {
    phase: Arc<Phase>,
    view: View,
}

/// The account of a phase.
#[derive(Debug)]
struct Phase {
    tool: String,
    what: String,
    name: &'static str,
    done: AtomicU64,
    expected: u64,
    started: Instant,
}

impl Steps {
    pub(crate) fn new(
        (style, bars): (Style, &MultiProgress),
        tool: &str,
        what: &str,
        name: &'static str,
        expected: u64,
    ) -> Self {
        let phase = Arc::new(Phase {
            tool: tool.to_owned(),
            what: what.to_owned(),
            name,
            done: AtomicU64::default(),
            expected,
            started: Instant::now(),
        });
        // A phase without work is none.
        let style = if expected == 0 { Style::Silent } else { style };
        let view = View::new(style, &phase, || bars.add(bar(&phase)));
        Steps { phase, view }
    }

    /// One more is done.
    pub fn step(&self) {
        let done = self.phase.done.fetch_add(1, Ordering::Relaxed) + 1;
        self.view.set_position(done);
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.view.finish(&*self.phase);
    }
}

impl Account for Phase {
    fn plain(&self) -> String {
        let done = self.done.load(Ordering::Relaxed);
        let (what, name, elapsed) = (&self.what, self.name, self.started.elapsed());
        let elapsed = crate::duration(Duration::from_secs(elapsed.as_secs()));
        format!(
            "{:<6} {what}: {name} {done} of {}, {elapsed}",
            self.tool, self.expected
        )
    }

    fn json(&self) -> Value {
        json!({
            "version": 1, "tool": self.tool, "what": self.what, "phase": self.name,
            "steps": self.done.load(Ordering::Relaxed), "steps_expected": self.expected,
            "seconds": self.started.elapsed().as_secs_f64(),
        })
    }
}

fn bar(phase: &Phase) -> ProgressBar {
    let what = format!("{} {}", phase.what, phase.name);
    let template = "{prefix:<6} {msg} {wide_bar} {pos} of {len}  {elapsed}";
    view::bar(Some(phase.expected), &phase.tool, &what, template, |style| style)
}
