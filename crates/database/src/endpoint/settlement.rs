//! Which of an endpoint's servers is used, once its first session has been opened.
//!
//! A snapshot is exported on one server, and a lock is held on one: two sessions on two servers must be
//! impossible.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::server::Host;

/// Shared by all clones of an endpoint.
#[derive(Clone, Debug, Default)]
pub(super) struct Settlement(Arc<Mutex<Option<Host>>>);

impl Settlement {
    /// The server that was chosen: looked up, and with its password.
    pub(super) fn host(&self) -> Option<Host> {
        self.lock().clone()
    }

    /// To be held while the first session is opened, so that no other one chooses too.
    pub(super) fn lock(&self) -> MutexGuard<'_, Option<Host>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
