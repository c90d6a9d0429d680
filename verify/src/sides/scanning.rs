//! A source's rows: read once for their fingerprints, and again for those that differ.

use std::sync::Arc;

use catalog::Table;
use cli::{Failure, Result};
use conversion::{RowConversion, TableConversion, conversion_of};
use database::postgres::Extent;
use fingerprint::{Bins, Fingerprint, Form, KeyBins};
use rewrite::NameMap;

use crate::rows::gather::Gatherer;
use crate::rows::scan::Scan;
use crate::rows::trees::Unit;
use crate::sides::Source;

impl Source {
    /// The fingerprint of a table or a tree, in the form in which this source has or reads it; names in its values
    /// are those that `names` gives them.
    pub(crate) fn fingerprint(
        &self,
        unit: &Unit<'_>,
        names: Option<&NameMap>,
        conversions: &[TableConversion],
    ) -> Result<Fingerprint> {
        Ok(self.scan(unit, &unit.extent, (names, conversions), None)?.0)
    }

    /// The same for some of the rows of a live source, with their bins where a rule is given and the source can be read.
    pub(crate) fn scan(
        &self,
        unit: &Unit<'_>,
        extent: &Extent,
        (names, conversions): (Option<&NameMap>, &[TableConversion]),
        rule: Option<&Arc<KeyBins>>,
    ) -> Result<(Fingerprint, Option<Bins>)> {
        let table = &unit.table;
        let conversion = conversion_of(conversions, table.number).map(|it| RowConversion::new(table, it));
        match self {
            Source::Postgres(live) => {
                let form = form_of(table);
                let names = names.and_then(|it| it.table(table));
                let scan = Scan::new(table, form, names).converting(conversion).binning(rule);
                let scanned = live.scan(scan, table, extent, Failure::source)?;
                Ok((scanned.total, scanned.bins))
            }
            Source::Sqlite(file) => {
                let read = file.read(table, form_of(table), conversion.as_ref(), rule, None)?;
                Ok((read.total, read.bins))
            }
            Source::Archive(it) if unit.parts.is_empty() => Ok((it.fingerprint(table)?, None)),
            Source::Archive(it) => Ok((it.fingerprint_of_all(&unit.parts)?, None)),
        }
    }

    /// Reads rows again for `gatherer`, of a server those alone for which `condition` is true. An archive is read again
    /// by [`archived::read_again`].
    pub(crate) fn gather(
        &self,
        unit: &Unit<'_>,
        (names, conversions): (Option<&NameMap>, &[TableConversion]),
        condition: Option<String>,
        gatherer: Gatherer,
    ) -> Result<Option<Gatherer>> {
        let table = &unit.table;
        let conversion = conversion_of(conversions, table.number).map(|it| RowConversion::new(table, it));
        match self {
            Source::Postgres(live) => {
                let names = names.and_then(|it| it.table(table));
                let scan = Scan::new(table, form_of(table), names).converting(conversion);
                let extent = unit.extent.clone().and(condition);
                let scan = scan.gathering(gatherer);
                Ok(live.scan(scan, table, &extent, Failure::source)?.gatherer)
            }
            Source::Sqlite(file) => {
                let read = file.read(table, form_of(table), conversion.as_ref(), None, Some(gatherer))?;
                Ok(read.gatherer)
            }
            Source::Archive(_) => Ok(None),
        }
    }

    /// The form in which this source has or reads a table's rows.
    pub(crate) fn form(&self, unit: &Unit<'_>) -> Form {
        let form = match self {
            Source::Postgres(_) | Source::Sqlite(_) => None,
            Source::Archive(it) => {
                let part = unit.parts.first().map_or(unit.table.number, |it| it.number);
                it.header.form(part)
            }
        };
        form.unwrap_or_else(|| form_of(&unit.table))
    }
}

/// Binary costs both sides less.
fn form_of(table: &Table) -> Form {
    if table.stored_columns().all(|column| column.binary_safe) {
        Form::Binary
    } else {
        Form::Text
    }
}
