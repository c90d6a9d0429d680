//! The forms in which progress is shown.

use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use super::Style;
use crate::ui::write_line;

/// Lines come this often, whether something has moved or not: a statement can take hours.
const INTERVAL: Duration = Duration::from_secs(5);

/// The clock in a bar goes on while nothing moves.
const TICK: Duration = Duration::from_millis(250);

/// What can be told of some work at any time.
pub(super) trait Account: fmt::Debug + Send + Sync + 'static {
    fn plain(&self) -> String;

    fn json(&self) -> Value;
}

#[derive(Debug)]
pub(super) enum View {
    Bar(ProgressBar),
    Lines {
        json: bool,
        /// Dropped with the view, which ends the thread that prints.
        _end: Sender<()>,
    },
    Silent,
}

impl View {
    /// `bar` makes the bar where one is drawn.
    pub(super) fn new<A: Account>(style: Style, account: &Arc<A>, bar: impl FnOnce() -> ProgressBar) -> Self {
        match style {
            Style::Bar => {
                let bar = bar();
                bar.enable_steady_tick(TICK);
                View::Bar(bar)
            }
            Style::Lines | Style::Json => View::lines(style == Style::Json, Arc::downgrade(account)),
            Style::Silent => View::Silent,
        }
    }

    fn lines<A: Account>(json: bool, account: Weak<A>) -> Self {
        let (end, ended) = channel();
        thread::spawn(move || {
            while ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                let Some(account) = account.upgrade() else { return };
                say(json, &*account);
            }
        });
        View::Lines { json, _end: end }
    }

    pub(super) fn set_position(&self, position: u64) {
        if let View::Bar(bar) = self {
            bar.set_position(position);
        }
    }

    /// Takes the bar away; JSON gets its last line.
    pub(super) fn finish(&self, account: &impl Account) {
        match self {
            View::Bar(bar) => bar.finish_and_clear(),
            View::Lines { json: true, .. } => say(true, account),
            View::Lines { .. } | View::Silent => {}
        }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        if let View::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn say(json: bool, account: &impl Account) {
    if json {
        write_line(account.json());
    } else {
        write_line(account.plain());
    }
}

/// A bar that is not drawn yet.
pub(super) fn bar(
    length: Option<u64>,
    tool: &str,
    what: &str,
    template: &str,
    finish: impl FnOnce(ProgressStyle) -> ProgressStyle,
) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::hidden())
        .with_prefix(tool.to_owned())
        .with_message(what.to_owned());
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(finish(style));
    }
    bar
}
