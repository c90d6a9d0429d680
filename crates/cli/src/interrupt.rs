//! Ctrl-C, SIGTERM and SIGHUP: what runs on a server is cancelled, what lies on disk is removed, and the tool ends
//! with 130 or 143. A second signal ends it at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::{Exit, Failure, Result, Ui, terminal};

/// How long the tool may take to end by itself, counted from the signal.
const GRACE: Duration = Duration::from_secs(3);

/// After this time the hooks run again, for statements that began after the first time.
const REPEAT: Duration = Duration::from_secs(1);

/// How long a stderr that takes nothing may keep the last words.
const LAST_WORDS_WITHIN: Duration = Duration::from_millis(200);

static SIGNAL: AtomicI32 = AtomicI32::new(0);
static HOOKS: Mutex<BTreeMap<u64, Hook>> = Mutex::new(BTreeMap::new());
static HOOK_COUNT: AtomicU64 = AtomicU64::new(0);
static LAST_WORDS: Mutex<Vec<String>> = Mutex::new(Vec::new());

type Hook = Arc<Mutex<Box<dyn FnMut() + Send>>>;

/// Keeps a hook registered until it is dropped.
#[derive(Debug)]
#[must_use = "dropping it unregisters the hook at once; it is kept beside what the hook ends"]
pub struct InterruptGuard {
    number: u64,
}

/// Registers what must be done before an interrupted tool ends, for as long as the guard lives.
///
/// The latest hooks start first, each in a thread of its own, and may run again while the tool has not ended;
/// one that is registered after the signal runs before this returns. Hooks must not print.
pub fn on_interrupt(hook: impl FnMut() + Send + 'static) -> InterruptGuard {
    let number = HOOK_COUNT.fetch_add(1, Ordering::Relaxed);
    let hook: Hook = Arc::new(Mutex::new(Box::new(hook)));
    lock(&HOOKS).insert(number, Arc::clone(&hook));
    if is_interrupted() {
        run_hook(&hook);
    }
    InterruptGuard { number }
}

impl InterruptGuard {
    /// Leaves the hook registered for good: for what lives as long as the process.
    pub fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for InterruptGuard {
    fn drop(&mut self) {
        lock(&HOOKS).remove(&self.number);
    }
}

/// Whether a signal has asked the tool to end; long loops look at it.
pub fn is_interrupted() -> bool {
    SIGNAL.load(Ordering::Relaxed) != 0
}

/// Fails once a signal has asked the tool to end.
pub fn check_interrupt() -> Result<()> {
    if is_interrupted() {
        return Err(Failure::interrupted());
    }
    Ok(())
}

/// Sets the lines that say what is left, for a tool that is interrupted and cannot end by itself; none for a
/// tool that leaves nothing.
pub fn set_last_words(lines: Vec<String>) {
    *lock(&LAST_WORDS) = lines;
}

/// Ctrl-C as a key, where the terminal makes no signal of it.
pub(crate) fn note_key() {
    SIGNAL.store(SIGINT, Ordering::Relaxed);
}

/// The exit code of the signal that was caught.
pub(crate) fn caught() -> Option<Exit> {
    match SIGNAL.load(Ordering::Relaxed) {
        0 => None,
        SIGTERM | SIGHUP => Some(Exit::Terminated),
        _ => Some(Exit::Interrupted),
    }
}

/// Catches the signals from now on; `ui` says the last words.
pub(crate) fn install(ui: Ui) {
    // Where signals cannot be caught their default action still ends the tool.
    let caught = [SIGINT, SIGTERM]
        .into_iter()
        .chain(hears_hangups().then_some(SIGHUP));
    let Ok(mut signals) = Signals::new(caught) else {
        return;
    };
    thread::spawn(move || {
        for signal in signals.forever() {
            let first = SIGNAL.swap(signal, Ordering::Relaxed) == 0;
            if !first {
                end(&ui);
            }
            let ui = ui.clone();
            thread::spawn(move || {
                thread::sleep(GRACE);
                end(&ui);
            });
            thread::spawn(run_hooks);
        }
    });
}

/// Whether a terminal that goes away shall end the tool: not under `nohup`, which has it ignored. Where the system does
/// not tell, its own way stays.
fn hears_hangups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|it| u64::from_str_radix(it.trim(), 16).ok());
    ignored.is_some_and(|it| it & (1 << (SIGHUP - 1)) == 0)
}

fn run_hooks() {
    loop {
        let hooks: Vec<Hook> = lock(&HOOKS).values().rev().cloned().collect();
        for hook in hooks {
            // A server that does not answer one of them must not hold up the others.
            thread::spawn(move || run_hook(&hook));
        }
        thread::sleep(REPEAT);
    }
}

/// Nothing happens while the hook still runs from an earlier time.
fn run_hook(hook: &Hook) {
    if let Ok(mut hook) = hook.try_lock() {
        hook();
    }
}

fn end(ui: &Ui) -> ! {
    terminal::restore();
    let (ui, words) = (ui.clone(), lock(&LAST_WORDS).clone());
    let (sender, said) = channel();
    thread::spawn(move || {
        ui.clear_bars();
        ui.status("interrupted");
        for line in &words {
            ui.status(line);
        }
        let _ = sender.send(());
    });
    let _ = said.recv_timeout(LAST_WORDS_WITHIN);
    std::process::exit(caught().unwrap_or(Exit::Interrupted) as i32)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The process's one list of hooks and its one signal: what is asked of them stands in one test.
    #[test]
    fn hooks_live_with_their_guards_and_late_ones_run_at_once() {
        let (sender, ran) = channel();
        let hook = |name: &'static str| {
            let sender = sender.clone();
            move || sender.send(name).unwrap_or_default()
        };
        let kept = on_interrupt(hook("kept"));
        drop(on_interrupt(hook("dropped")));
        on_interrupt(hook("for good")).keep();
        assert_eq!(lock(&HOOKS).len(), 2);
        assert!(ran.try_recv().is_err() && check_interrupt().is_ok());

        SIGNAL.store(SIGTERM, Ordering::Relaxed);
        thread::spawn(run_hooks);
        let mut first: Vec<_> = (0..2)
            .filter_map(|_| ran.recv_timeout(Duration::from_secs(10)).ok())
            .collect();
        first.sort_unstable();
        assert_eq!(first, ["for good", "kept"]);

        drop(kept);
        let late = on_interrupt(hook("late"));
        assert_eq!(ran.try_recv(), Ok("late"));
        drop(late);
        // The next turn has one hook left.
        assert_eq!(ran.recv_timeout(Duration::from_secs(10)), Ok("for good"));
        assert_eq!(
            check_interrupt().map_err(|it| it.exit()).err(),
            Some(Exit::Interrupted)
        );
        assert_eq!(caught(), Some(Exit::Terminated));
    }
}
