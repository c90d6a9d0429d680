//! `--quick`: counts and hashes that the servers calculate themselves, so that no row leaves them. Weaker than a
//! fingerprint, and called so; a table that differs is read and compared as always.

use catalog::{Column, Table};
use cli::{Failure, Result};
use database::postgres::{HASHES_RECORDS, HashSum, HashableColumns, read_hashable_columns, sum_hashes};
use fingerprint::{Fingerprint, Form};

use crate::rows::sample::Reach;
use crate::rows::shared::Shared;
use crate::sides::Live;

/// What both servers can hash.
pub(crate) struct Quick<'a> {
    source: &'a Live,
    target: &'a Live,
    here: HashableColumns,
    there: HashableColumns,
    /// Whether both have a hash of records.
    by_record: bool,
}

/// What nobody sees who looks at hashes only, as sentences.
pub(crate) const BLIND_SPOTS: [&str; 2] = [
    "rows were compared by count and by a sum of 64-bit hashes that the servers calculated, which is weaker than \
     fingerprints: leave --quick out for a proof",
    "blind to what PostgreSQL takes for equal: 1.0 and 1.00 (also in jsonb), 0 and -0 of floats, upper and lower case in \
     citext, intervals such as 24:00:00 and 1 day, blanks at the end of character(n), dimensions and bounds of arrays",
];

impl<'a> Quick<'a> {
    pub(crate) fn new(source: &'a Live, target: &'a Live) -> Result<Self> {
        let ask = |side: &Live| side.with_snapshot(|it| read_hashable_columns(it.client()));
        let is_new = |side: &Live| side.identity.version_number >= HASHES_RECORDS;
        Ok(Quick {
            here: ask(source).map_err(Failure::source)?,
            there: ask(target).map_err(Failure::target)?,
            by_record: is_new(source) && is_new(target),
            source,
            target,
        })
    }

    /// The count of rows, where both counts and both sums are the same.
    pub(crate) fn same(&self, shared: &Shared, other: &Table, reach: &Reach) -> Result<Option<Fingerprint>> {
        let view = shared.view(other);
        let (here, there) = (shared.table.qualified_name(), other.qualified_name());
        let own = |column: &Column, found: &Column| {
            self.here.has(&here, &column.name)
                && self.there.has(&there, &found.name)
                && !shared.retypes(found)
        };
        let pairs = || shared.table.stored_columns().zip(&view.columns);
        let left: Vec<(&Column, bool)> = pairs().map(|(it, found)| (it, own(it, found))).collect();
        let right: Vec<(&Column, bool)> = pairs().map(|(it, found)| (found, own(it, found))).collect();
        let ask = |side: &Live, table, columns, extent, failure: fn(database::Error) -> Failure| {
            side.with_table(table, failure, |session| {
                sum_hashes(session, table, columns, self.by_record, extent).map_err(failure)
            })
        };
        let (expected, found): (Result<HashSum>, Result<HashSum>) = rayon::join(
            || ask(self.source, &shared.table, &left, &reach.source, Failure::source),
            || ask(self.target, &view, &right, &reach.target, Failure::target),
        );
        let (expected, found) = (expected?, found?);
        Ok((expected == found).then(|| as_fingerprint(expected)).flatten())
    }
}

/// The report's own shape; what proves the table says what the sum is.
fn as_fingerprint(it: HashSum) -> Option<Fingerprint> {
    let digits = if it.sum < 0 { "f" } else { "0" }.repeat(32);
    Fingerprint::from_parts(Form::Text, it.rows, &format!("{digits}{:032x}", it.sum))
}
