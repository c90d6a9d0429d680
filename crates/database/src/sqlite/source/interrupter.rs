//! How another thread ends what runs on a SQLite file, whichever connection runs it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, InterruptHandle};

use crate::{Error, ErrorKind, Result};

/// Ends the opening, the checks and the queries of one source. Clones end the same.
#[derive(Clone, Default)]
pub struct Interrupter(Arc<Inner>);

#[derive(Default)]
struct Inner {
    asked: AtomicBool,
    connections: Mutex<Vec<InterruptHandle>>,
    folders: Mutex<Vec<PathBuf>>,
}

impl Interrupter {
    /// Ends every statement that runs, and removes temporary copies: what has one open can read on, and its name is
    /// gone whatever becomes of the process. May be called again, for statements that began since.
    pub fn interrupt(&self) {
        self.0.asked.store(true, Ordering::Relaxed);
        for connection in lock(&self.0.connections).iter() {
            connection.interrupt();
        }
        for folder in lock(&self.0.folders).drain(..) {
            let _ = std::fs::remove_dir_all(folder);
        }
    }

    /// Whether the end has been asked for.
    pub fn is_asked(&self) -> bool {
        self.0.asked.load(Ordering::Relaxed)
    }

    pub(super) fn watch(&self, connection: &Connection) {
        lock(&self.0.connections).push(connection.get_interrupt_handle());
    }

    /// The folder is removed when the end is asked for.
    pub(super) fn remove(&self, folder: &Path) {
        lock(&self.0.folders).push(folder.to_owned());
    }

    /// Fails once the end has been asked for.
    pub(super) fn check(&self) -> Result<()> {
        if self.is_asked() {
            return Err(Error::new(ErrorKind::Query, "interrupted"));
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Interrupter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupter")
            .field("asked", &self.is_asked())
            .finish_non_exhaustive()
    }
}
