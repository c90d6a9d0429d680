//! What does not reach the target on request, as archives and reports have it.

use archive::{Discard, Fate};
use catalog::Catalog;
use database::sqlite::{self, Inspection};

/// What the choices for a SQLite file have taken away, as it stands in an archive.
pub fn discards(inspection: &Inspection) -> Vec<Discard> {
    inspection.discards.iter().map(discard).collect()
}

/// What was discarded, as sentences.
pub fn discard_sentences(discards: &[Discard], catalog: &Catalog) -> Vec<String> {
    discards.iter().map(|it| it.sentence(catalog)).collect()
}

fn discard(found: &sqlite::Discard) -> Discard {
    let (fate, kept_in) = match &found.fate {
        sqlite::Fate::Rejected => (Fate::Rejected, None),
        sqlite::Fate::LeftOut => (Fate::LeftOut, None),
        sqlite::Fate::Kept { column } => (Fate::Kept, Some(column.clone())),
        sqlite::Fate::Null => (Fate::Null, None),
    };
    Discard {
        // SQLite cannot hold as many tables as would overflow the number.
        table: u32::try_from(found.table).unwrap_or(u32::MAX),
        column: Some(found.column.clone()),
        fate,
        kept_in,
        reason: found.reason.clone(),
        rows: found.rows,
        examples: found.examples.clone(),
    }
}
