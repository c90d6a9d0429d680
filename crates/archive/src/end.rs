//! `end.json`: every record and every fingerprint. Without it an archive is truncated.

use catalog::Catalog;
use fingerprint::Fingerprint;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::record::hex;
use crate::{Error, ErrorKind, MemberKind, Record, Result};

/// The end member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    pub run: String,
    /// Of every member before this one, in order.
    pub members: Vec<Record>,
    /// One for each table with rows of its own, by number.
    pub tables: Vec<TableEnd>,
}

/// What a table's chunks add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableEnd {
    pub table: u32,
    pub chunks: u32,
    /// That of the rows in this archive.
    pub fingerprint: Fingerprint,
    /// That of the rows as the source gave them, where names in their values have been mapped since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_fingerprint: Option<Fingerprint>,
}

/// Numbers of what an archive holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// With rows of their own.
    pub tables: u64,
    pub rows: u64,
    pub large_objects: u64,
}

impl End {
    const CHECKSUM_KEY: &str = ",\"sha256\":\"";

    /// As JSON that carries its own SHA-256, since as a file it has no record.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>> {
        let mut json = serde_json::to_vec(self).map_err(|error| Error::new(ErrorKind::Json(error)))?;
        json.pop();
        let checksum = hex(&Sha256::digest(&json));
        json.extend_from_slice(format!("{}{checksum}\"}}", Self::CHECKSUM_KEY).as_bytes());
        Ok(json)
    }

    /// Reads the end member of an archive that is kept as files.
    pub fn parse(json: &[u8]) -> Result<End> {
        let tail = Self::CHECKSUM_KEY.len() + 64 + 2;
        let cut = json
            .len()
            .checked_sub(tail)
            .ok_or_else(|| Error::new(ErrorKind::Truncated))?;
        let (text, checksum) = json.split_at(cut);
        let expected = format!("{}{}\"}}", Self::CHECKSUM_KEY, hex(&Sha256::digest(text)));
        if checksum != expected.as_bytes() {
            return Err(Error::new(ErrorKind::Checksum));
        }
        let whole = [text, b"}"].concat();
        serde_json::from_slice(&whole).map_err(|error| Error::new(ErrorKind::Json(error)))
    }

    /// The record of the end member itself, `json` being its bytes.
    pub fn record(&self, json: &[u8]) -> Record {
        Record::sealed(
            crate::reader::END_NAME.to_owned(),
            MemberKind::End,
            None,
            &self.run,
            json,
        )
    }

    pub fn table(&self, number: u32) -> Option<&TableEnd> {
        self.tables.iter().find(|it| it.table == number)
    }

    /// A short mark of all fingerprints, for people to compare: `5f2c9a…c091`.
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for it in &self.tables {
            let fingerprint = &it.fingerprint;
            hasher.update(format!(
                "{} {} {} {}\n",
                it.table,
                fingerprint.form,
                fingerprint.rows,
                fingerprint.sum()
            ));
        }
        let digits = hex(&hasher.finalize());
        format!("{}…{}", &digits[..6], &digits[60..])
    }

    /// What people are told of an archive of `catalog`: a large object is one thing, however many rows it has.
    pub fn tally(&self, catalog: &Catalog) -> Tally {
        let pieces = catalog.large_objects_table().map(|it| it.number);
        let tables = self.tables.iter().filter(|it| Some(it.table) != pieces);
        Tally {
            tables: tables.clone().count() as u64,
            rows: tables.map(|it| it.fingerprint.rows).sum(),
            large_objects: catalog.large_objects.len() as u64,
        }
    }
}
