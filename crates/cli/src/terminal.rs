//! The person at the terminal, who may be asked for a password. Nothing else is ever asked.

use std::fs::{File, TryLockError};
use std::io::{self, IsTerminal};
use std::thread;
use std::time::Duration;

use database::endpoint::Environment;

use crate::interrupt;

/// How often a tool that waits for its turn looks whether it has come.
const TURN: Duration = Duration::from_millis(50);

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
    let _turn = take_turn(terminal)?;
    match rpassword::prompt_password(format!("Password for {what}: ")) {
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
