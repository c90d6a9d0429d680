//! An archive as a source: read through once, with the fingerprints that its rows should have on the target.

use std::collections::HashMap;
use std::sync::Mutex;

use archive::{End, Header, decompress};
use catalog::{ForeignKey, Table};
use cli::{Exit, Failure, FailureContext, Result, open_archive};
use fingerprint::{Fingerprint, chunk_end, chunk_start};
use plan::{Keys, Mapping};
use rewrite::foreign_keys;

use crate::rows::converted;
use crate::rows::scan::Scan;
use crate::sides::archive_alone::KeptRows;
use crate::sides::{Source, name_map};

/// An archive that has been read through.
pub(crate) struct Archived {
    /// As it was named; `-` is stdin.
    name: String,
    pub(crate) header: Header,
    end: End,
    /// By the names that the archive has.
    pub(crate) foreign_keys: Vec<ForeignKey>,
    /// Of tables whose values hold names of objects, under the names that the target has.
    renamed: HashMap<u32, Fingerprint>,
    pub(crate) kept: Mutex<KeptRows>,
}

impl Archived {
    pub(crate) fn fingerprint(&self, table: &Table) -> Result<Fingerprint> {
        let as_stored = || self.end.table(table.number).map(|it| it.fingerprint);
        let known = self.renamed.get(&table.number).copied().or_else(as_stored);
        known.ok_or_else(|| {
            Failure::new(
                Exit::Archive,
                format!("archive has no rows of {}", table.qualified_name()),
            )
        })
    }

    pub(crate) fn fingerprint_of_all(&self, parts: &[&Table]) -> Result<Fingerprint> {
        let mut whole: Option<Fingerprint> = None;
        for part in parts {
            let part_of_it = self.fingerprint(part)?;
            match &mut whole {
                None => whole = Some(part_of_it),
                Some(whole) => whole.merge(&part_of_it).or_fail(Exit::Archive, || {
                    format!("fingerprints of {} cannot be added", part.qualified_name())
                })?,
            }
        }
        whole.ok_or_else(|| Failure::new(Exit::Internal, "a partition tree without partitions was compared"))
    }
}

impl Archived {
    /// Whether its rows can be read once more.
    pub(crate) fn can_be_read_again(&self) -> bool {
        self.name != "-"
    }

    /// Gives the rows of some tables once more to whoever is at their number.
    pub(crate) fn read_again(
        &self,
        scans: &mut [Scan<'_>],
        place: impl Fn(u32) -> Option<usize>,
    ) -> Result<()> {
        let changed = || {
            let message = format!(
                "archive `{}` is not the one any more that was read before",
                self.name
            );
            Failure::new(Exit::Archive, message)
        };
        let mut reader = open_archive(&self.name)?;
        reader.schema().map_err(Failure::archive)?;
        if *reader.header() != self.header {
            return Err(changed());
        }
        while let Some((rows, _)) = reader.next_chunk().map_err(Failure::archive)? {
            cli::check_interrupt()?;
            let stored = reader.chunk_bytes().map_err(Failure::archive)?;
            let Some(scan) = place(rows.table).and_then(|it| scans.get_mut(it)) else {
                continue;
            };
            let table = usize::try_from(rows.table).ok();
            let table = table.and_then(|it| self.header.catalog.tables.get(it));
            let names = table.into_iter().flat_map(Table::stored_columns);
            let start = chunk_start(rows.form, names.map(|it| it.name.as_str())).len();
            let bytes = decompress(rows.codec, stored, rows.raw).map_err(Failure::archive)?;
            let end = bytes.len().saturating_sub(chunk_end(rows.form).len());
            scan.take_again(bytes.get(start..end).ok_or_else(changed)?)?;
        }
        let end = reader.finish().map_err(Failure::archive)?;
        if end == self.end { Ok(()) } else { Err(changed()) }
    }
}

/// Reads an archive through, so that its fingerprints can be believed.
pub(crate) fn read_archive(name: &str, mapping: &Mapping, keys: Option<&Keys>) -> Result<Source> {
    let mut reader = open_archive(name)?;
    let texts = reader.schema().map_err(Failure::archive)?;
    let header = reader.header().clone();
    let names = name_map(mapping, &header.catalog)?;
    let mut archived = Box::new(Archived {
        name: name.to_owned(),
        end: End {
            run: String::new(),
            members: Vec::new(),
            tables: Vec::new(),
        },
        foreign_keys: texts.iter().flat_map(|(_, sql)| foreign_keys(sql)).collect(),
        renamed: HashMap::new(),
        kept: Mutex::default(),
        header,
    });
    // Which rows are converted must be known before they pass.
    let unread = Source::Archive(archived);
    let conversions = converted::choose(&unread, keys)?;
    let Source::Archive(unread) = unread else {
        return Ok(unread);
    };
    archived = unread;
    let read = crate::sides::archive_alone::read_through(reader, names.as_ref(), &conversions, true)?;
    let (end, renamed, kept) = read;
    archived.end = end;
    archived.renamed = renamed;
    archived.kept = Mutex::new(kept);
    Ok(Source::Archive(archived))
}
