//! Which of an endpoint's servers is used, once its first session has been opened.
//!
//! A snapshot is exported on one server, and a lock is held on one: two sessions on two servers must be
//! impossible.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::server::Host;

/// Shared by all clones of an endpoint.
#[derive(Clone, Debug, Default)]
pub(super) struct Settlement(Arc<Choice>);

#[derive(Debug, Default)]
struct Choice {
    turn: Mutex<()>,
    host: OnceLock<Host>,
}

impl Settlement {
    /// The server that was chosen: looked up, and with its password. Never waits.
    pub(super) fn host(&self) -> Option<Host> {
        self.0.host.get().cloned()
    }

    /// To be held while the first session is opened, so that no other one chooses too.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.0.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Chooses for good; the first choice holds.
    pub(super) fn settle(&self, host: Host) {
        let _ = self.0.host.set(host);
    }
}
