//! What a dry run says.

use std::time::{Duration, Instant};

use archive::{End, Header};
use cli::{Ui, count, duration};

use crate::checks::locks::{self, LockRoom};
use crate::rows;

use super::rehearsal::Trouble;

/// Refusals that are told without `--verbose`.
const SHOWN_MAX: usize = 100;

/// Parts of the work whose times are told.
#[derive(Clone, Copy)]
pub(super) enum Phases {
    Definitions,
    Rows,
    Rest,
}

/// What a dry run has tried.
pub(super) struct Report<'a> {
    header: &'a Header,
    /// Sessions that a load would have.
    sessions: usize,
    room: LockRoom,
    pub(super) statements: u64,
    /// Rows that were tried.
    pub(super) rows: u64,
    times: [Duration; 3],
}

impl<'a> Report<'a> {
    pub(super) fn new(header: &'a Header, jobs: usize, room: LockRoom) -> Self {
        Report {
            header,
            sessions: 1 + jobs.min(rows::sessions_wanted(header)),
            room,
            statements: 0,
            rows: 0,
            times: [Duration::ZERO; 3],
        }
    }

    pub(super) fn took(&mut self, phase: Phases, started: Instant) {
        self.times[phase as usize] = started.elapsed();
    }

    pub(super) fn say(&self, target: &str, end: &End, ui: &Ui) {
        let tally = end.tally(&self.header.catalog);
        let [definitions, rows, rest] = self.times.map(duration);
        ui.status(format_args!(
            "tried on {target} and rolled back: {} tables, {} of {} rows, {} statements; definitions in {definitions}, \
             rows in {rows}, the rest in {rest}; all fingerprints hold: {}",
            count(tally.tables),
            count(self.rows),
            count(tally.rows),
            count(self.statements),
            end.digest(),
        ));
        ui.status(format_args!(
            "a load opens {} sessions; the server has room for {} locks, the dry run took about {}",
            self.sessions,
            count(self.room.locks()),
            count(locks::of_everything(self.header)),
        ));
    }
}

/// What was refused, each with its statement and the server's reason; what may follow from another comes last.
pub(super) fn shown(troubles: &[Trouble], ui: &Ui) -> Vec<String> {
    let (following, own): (Vec<&Trouble>, Vec<&Trouble>) = troubles.iter().partition(|it| it.may_follow);
    let most = if ui.is_verbose() { usize::MAX } else { SHOWN_MAX };
    let sentence = |it: &&Trouble| {
        let follows = if it.may_follow {
            " (perhaps only for the above)"
        } else {
            ""
        };
        let detail = it.detail.as_ref().filter(|_| ui.is_verbose());
        let detail = detail.map_or(String::new(), |it| {
            format!("\n    {}", it.replace('\n', "\n    "))
        });
        format!("{}: {}{follows}{detail}", it.statement, it.reason)
    };
    let all: Vec<&Trouble> = own.into_iter().chain(following).collect();
    let mut lines: Vec<String> = all.iter().take(most).map(sentence).collect();
    if all.len() > most {
        lines.push(format!("{} more: --verbose", count((all.len() - most) as u64)));
    }
    lines
}
