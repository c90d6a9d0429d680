//! How deep and how large a translation may become: SQL of strangers can be short, and its translation without end.

use std::cell::Cell;

use crate::expression::Untranslated;
use crate::translator::{Result, Translator};

/// Deeper than anybody writes, and far from the end of any thread's stack.
const DEPTH_MAX: usize = 80;

/// What a short expression may grow to, whose parts are written twice at each level.
const BYTES_MAX: usize = 32 << 20;

/// What all parts of a statement use up together, those of its subqueries too.
#[derive(Default)]
pub(crate) struct Budget {
    depth: Cell<usize>,
    bytes: Cell<usize>,
}

impl Translator<'_> {
    fn budget(&self) -> &Budget {
        self.names.budget().unwrap_or(&self.own_budget)
    }

    /// Takes one more step into the expression.
    pub(crate) fn deeper<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let depth = self.budget().depth.get();
        if depth == DEPTH_MAX {
            return Err(Untranslated::Deep);
        }
        self.budget().depth.set(depth + 1);
        let done = step(self);
        self.budget().depth.set(depth);
        done
    }

    /// Counts bytes that are read or written.
    pub(crate) fn spend(&self, bytes: usize) -> Result<()> {
        let spent = self.budget().bytes.get().saturating_add(bytes);
        self.budget().bytes.set(spent);
        if spent > BYTES_MAX {
            return Err(Untranslated::Deep);
        }
        Ok(())
    }
}
