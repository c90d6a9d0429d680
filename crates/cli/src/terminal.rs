//! The person at the terminal, who may be asked for a password. Nothing else is ever asked.

use std::fs::{File, TryLockError};
use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use database::endpoint::Environment;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::interrupt;

/// How often a tool that waits for its turn looks whether it has come.
const TURN: Duration = Duration::from_millis(50);

/// The terminal as it was before it was asked on, as long as nobody has answered.
static BEFORE: Mutex<Option<(File, Termios)>> = Mutex::new(None);

/// What an endpoint takes from around it, a person at a terminal included.
pub fn environment() -> Environment {
    Environment::from_process().with_ask_password(ask_password)
}

/// Asks on the terminal that controls us, also where stdin and stdout are pipes, without an echo; `None` where
/// there is no such terminal.
fn ask_password(what: &str) -> io::Result<Option<String>> {
    let Ok(terminal) = File::open("/dev/tty") else {
        return Ok(None);
    };
    // The tools of a pipeline start together and would read each other's keys.
    let _turn = take_turn(terminal.try_clone()?)?;
    set_before(tcgetattr(&terminal).ok().map(|attributes| (terminal, attributes)));
    let answer = rpassword::prompt_password(format!("Password for {what}: "));
    set_before(None);
    match answer {
        Ok(password) => Ok(Some(password).filter(|it| !it.is_empty())),
        Err(error) => {
            // Ctrl-C is a key like any other while a password is read.
            if error.kind() == io::ErrorKind::Interrupted {
                interrupt::note_key();
            }
            Err(error)
        }
    }
}

fn set_before(terminal: Option<(File, Termios)>) {
    *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = terminal;
}

/// Gives the terminal its echo back, for a process that ends while a password is typed. Not sooner: the rest of what
/// is typed would be seen.
pub(crate) fn restore() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((terminal, attributes)) = &*before {
        // It may be gone, and then there is nothing to restore.
        let _ = tcsetattr(terminal, OptionalActions::Now, attributes);
    }
}

/// Waits until no other tool asks on this terminal; the turn ends when the file is dropped.
fn take_turn(controlling: File) -> io::Result<File> {
    // The name `/dev/tty` is the same for all terminals of the machine; stderr has the name of ours.
    let own = io::stderr()
        .is_terminal()
        .then(|| File::open("/dev/stderr").ok())
        .flatten();
    let file = own.unwrap_or(controlling);
    loop {
        // Better a mixed-up question than none: a terminal that cannot be locked is asked on too.
        if !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            return Ok(file);
        }
        if interrupt::is_interrupted() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        thread::sleep(TURN);
    }
}
