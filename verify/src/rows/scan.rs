//! Rows of one table on their way past: framed, hashed and thrown away, or kept one by one.

use std::sync::Arc;

use catalog::Table;
use cli::{Exit, Failure, Result};
use conversion::{NotConvertible, RowConversion};
use fingerprint::{Bins, Fingerprint, Form, FrameError, KeyBins, RowStream, each_row, map_rows};
use rewrite::TableNames;

use crate::rows::beside::Kept;
use crate::rows::gather::Gatherer;

/// Hashes rows and throws them away.
pub(crate) struct Scan<'a> {
    pub(crate) name: String,
    form: Form,
    columns: usize,
    rule: Option<Arc<KeyBins>>,
    /// Begun by the first piece.
    stream: Option<RowStream>,
    each: Each<'a>,
}

/// What is done with the rows beside hashing them.
#[derive(Default)]
struct Each<'a> {
    columns: usize,
    /// Gives names in the values those of the target, before they are hashed.
    names: Option<TableNames<'a>>,
    /// Gives keys the values of the target.
    conversion: Option<RowConversion>,
    /// A value that could not be converted.
    refused: Option<NotConvertible>,
    /// Where the rows are kept one by one too.
    kept: Option<Kept>,
    /// Counts rows apart from each other that are not what arrived.
    bins: Option<Bins>,
    /// Keeps some of the rows.
    gatherer: Option<Gatherer>,
}

/// What came of the rows that have passed.
pub(crate) struct Scanned {
    pub(crate) total: Fingerprint,
    pub(crate) bins: Option<Bins>,
    pub(crate) kept: Option<Kept>,
    pub(crate) gatherer: Option<Gatherer>,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(table: &Table, form: Form, names: Option<TableNames<'a>>) -> Self {
        let columns = table.stored_columns().count();
        Scan {
            name: table.qualified_name().to_string(),
            form,
            columns,
            rule: None,
            stream: None,
            each: Each {
                columns,
                names,
                ..Each::default()
            },
        }
    }

    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// Counts rows as they are after this conversion.
    pub(crate) fn converting(mut self, conversion: Option<RowConversion>) -> Self {
        self.each.conversion = conversion;
        self
    }

    /// Counts rows by this rule too; said after what changes them.
    pub(crate) fn binning(mut self, rule: Option<&Arc<KeyBins>>) -> Self {
        if self.each.names.is_some() || self.each.conversion.is_some() {
            self.each.bins = rule.map(|rule| Bins::new(self.form, Arc::clone(rule)));
        } else {
            self.rule = rule.cloned();
        }
        self
    }

    /// The same for rows that come by [`Scan::take_again`].
    pub(crate) fn binning_again(mut self, rule: &Arc<KeyBins>) -> Self {
        self.each.bins = Some(Bins::new(self.form, Arc::clone(rule)));
        self
    }

    /// Gives rows to `gatherer` too.
    pub(crate) fn gathering(mut self, gatherer: Gatherer) -> Self {
        self.each.gatherer = Some(gatherer);
        self
    }

    /// Keeps the rows in `kept` too, unless they are kept already.
    pub(crate) fn keep_in(&mut self, kept: Option<Kept>) {
        if self.each.kept.is_none() {
            self.each.kept = kept;
        }
    }

    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<()> {
        let (form, columns, rule) = (self.form, self.columns, &self.rule);
        let stream = self
            .stream
            .get_or_insert_with(|| RowStream::binning(form, columns, rule.clone()));
        let pushed = stream.push(piece, |rows| self.each.count(&rows.bytes, rows.fingerprint));
        pushed.map_err(|error| not_framed(&self.name, error))
    }

    /// Takes whole rows without header and trailer, that were hashed before; they do not count in the total.
    pub(crate) fn take_again(&mut self, rows: &[u8]) -> Result<()> {
        let taken = self.each.count(rows, Fingerprint::empty(self.form));
        taken.map(drop).map_err(|error| not_framed(&self.name, error))
    }

    /// What came of all rows.
    pub(crate) fn finish(mut self) -> Result<Scanned> {
        let (total, bins) = match self.stream.take() {
            None => (Fingerprint::empty(self.form), None),
            Some(stream) => {
                let ended = stream.end(|rows| self.each.count(&rows.bytes, rows.fingerprint));
                ended.map_err(|error| not_framed(&self.name, error))?
            }
        };
        if let Some(error) = self.each.refused {
            return Err(not_converted(&self.name, error));
        }
        let of_none = || self.rule.map(|rule| Bins::new(self.form, rule));
        Ok(Scanned {
            total,
            bins: bins.or(self.each.bins).or_else(of_none),
            kept: self.each.kept,
            gatherer: self.each.gatherer,
        })
    }
}

impl Each<'_> {
    /// The fingerprint of the rows as the target should have them; `known` is theirs as they are.
    fn count(&mut self, rows: &[u8], known: Fingerprint) -> std::result::Result<Fingerprint, FrameError> {
        if self.conversion.is_some() {
            return self.count_converted(rows, known.form);
        }
        let Some(names) = &mut self.names else {
            self.keep(known.form, rows)?;
            return Ok(known);
        };
        let mapped = map_rows(self.columns, rows, |place, value| names.map(place, value))?;
        self.keep(mapped.after.form, mapped.changed.as_deref().unwrap_or(rows))?;
        Ok(mapped.after)
    }

    /// Tables whose values hold names are never converted, and what is kept one by one neither.
    fn count_converted(&mut self, rows: &[u8], form: Form) -> std::result::Result<Fingerprint, FrameError> {
        let mut total = Fingerprint::empty(form);
        let Each {
            conversion: Some(conversion),
            refused,
            bins,
            gatherer,
            ..
        } = self
        else {
            return Ok(total);
        };
        each_row(form, self.columns, rows, |row| match conversion.convert(&row) {
            Err(error) => {
                refused.get_or_insert(error);
            }
            Ok(row) => {
                // Of one form, since the row is.
                let _ = total.merge(&row.fingerprint());
                if let Some(it) = bins {
                    it.take(row);
                }
                if let Some(it) = gatherer {
                    it.take(row);
                }
            }
        })?;
        Ok(total)
    }

    fn keep(&mut self, form: Form, rows: &[u8]) -> std::result::Result<(), FrameError> {
        let Each {
            kept,
            bins,
            gatherer,
            columns,
            ..
        } = self;
        if kept.is_none() && bins.is_none() && gatherer.is_none() {
            return Ok(());
        }
        each_row(form, *columns, rows, |row| {
            if let Some(it) = kept {
                it.take(row);
            }
            if let Some(it) = bins {
                it.take(row);
            }
            if let Some(it) = gatherer {
                it.take(row);
            }
        })
    }
}

pub(crate) fn not_converted(name: &str, error: NotConvertible) -> Failure {
    Failure::new(Exit::Source, format!("keys of {name} cannot become UUIDs")).with_source(error)
}

pub(crate) fn not_framed(name: &str, error: FrameError) -> Failure {
    Failure::new(
        Exit::Source,
        format!("rows of {name} are not framed as they should be"),
    )
    .with_source(error)
}
