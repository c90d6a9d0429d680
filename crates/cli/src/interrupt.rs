//! Ctrl-C and SIGTERM: what runs on a server is cancelled, what lies on disk is removed, and the tool ends
//! with 130 or 143. A second signal ends it at once.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::Exit;

/// How long the tool may take to end by itself once its statements are cancelled.
const GRACE: Duration = Duration::from_secs(3);

static SIGNAL: AtomicI32 = AtomicI32::new(0);
static HOOKS: Mutex<Vec<Box<dyn FnMut() + Send>>> = Mutex::new(Vec::new());

/// Registers what must be done before an interrupted tool ends. Hooks must not print or block for long.
pub fn on_interrupt(hook: impl FnMut() + Send + 'static) {
    HOOKS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(Box::new(hook));
}

/// Whether a signal has asked the tool to end; long loops look at it.
pub fn is_interrupted() -> bool {
    SIGNAL.load(Ordering::Relaxed) != 0
}

/// The exit code of the signal that was caught.
pub(crate) fn caught() -> Option<Exit> {
    match SIGNAL.load(Ordering::Relaxed) {
        0 => None,
        SIGTERM => Some(Exit::Terminated),
        _ => Some(Exit::Interrupted),
    }
}

pub(crate) fn install() {
    // Where signals cannot be caught their default action still ends the tool.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else {
        return;
    };
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let first = SIGNAL.swap(signal, Ordering::Relaxed) == 0;
            if !first {
                end();
            }
            let hooks = std::mem::take(&mut *HOOKS.lock().unwrap_or_else(PoisonError::into_inner));
            std::thread::spawn(move || {
                for mut hook in hooks {
                    hook();
                }
                std::thread::sleep(GRACE);
                end();
            });
        }
    });
}

fn end() -> ! {
    std::process::exit(caught().unwrap_or(Exit::Interrupted) as i32)
}
