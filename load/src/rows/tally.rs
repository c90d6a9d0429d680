//! What was read from the archive, compared with what its end says.

use std::sync::{Mutex, PoisonError};

use archive::{End, Header};
use catalog::Table;
use cli::{Exit, Failure, Result};
use fingerprint::Fingerprint;

/// Fingerprints of what has been sent or kept for later, by table.
pub(crate) struct Tally(Mutex<Vec<Option<Fingerprint>>>);

impl Tally {
    pub(crate) fn new(header: &Header) -> Self {
        let empty = |table: &Table| header.form(table.number).map(Fingerprint::empty);
        Tally(Mutex::new(header.catalog.tables.iter().map(empty).collect()))
    }

    pub(crate) fn add(&self, table: u32, part: &Fingerprint) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = usize::try_from(table)
            .ok()
            .and_then(|place| all.get_mut(place))
            .and_then(Option::as_mut);
        // A part in another form is left out, so that the comparison at the end fails.
        place.map(|whole| whole.merge(part));
    }

    /// What has been added for a table.
    pub(crate) fn table(&self, table: u32) -> Option<Fingerprint> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        usize::try_from(table)
            .ok()
            .and_then(|place| all.get(place).copied().flatten())
    }

    pub(crate) fn compare(&self, header: &Header, end: &End) -> Result<()> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for table in header.catalog.tables.iter().filter(|table| table.has_rows()) {
            let loaded = usize::try_from(table.number)
                .ok()
                .and_then(|place| all.get(place))
                .copied()
                .flatten();
            let expected = end.table(table.number).map(|it| it.fingerprint);
            if loaded != expected || expected.is_none() {
                let message = format!(
                    "{}: what was loaded has another fingerprint than the archive says",
                    table.qualified_name()
                );
                return Err(Failure::new(Exit::Archive, message));
            }
        }
        Ok(())
    }
}
