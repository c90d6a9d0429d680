//! Large objects: what is known of each beside its bytes, and the table as whose rows the bytes travel.

use serde::{Deserialize, Serialize};

use crate::{Column, ColumnType, Table, TableKind};

/// Bytes of a large object in one row of [`large_objects_table`]; the last row of each can have fewer.
pub const PIECE_BYTES: u32 = 256 << 10;

/// A large object, which is known by its OID alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LargeObject {
    /// It stays the same on the target: columns that refer to it hold it as a number.
    pub oid: u32,
    /// The role that owns it in the source.
    pub owner: String,
    /// The text of `COMMENT ON LARGE OBJECT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What others than the owner may do with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<LargeObjectGrant>,
}

/// One privilege on a large object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LargeObjectGrant {
    /// A role; `None` is `PUBLIC`.
    pub to: Option<String>,
    pub privilege: LargeObjectPrivilege,
    /// Whether the role may grant it to others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub with_grant_option: bool,
}

/// The privileges that there are on a large object ("Privileges" in the manual's chapter on data definition).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LargeObjectPrivilege {
    Select,
    Update,
}

impl LargeObjectPrivilege {
    /// The word in `GRANT`.
    pub fn word(self) -> &'static str {
        match self {
            LargeObjectPrivilege::Select => "SELECT",
            LargeObjectPrivilege::Update => "UPDATE",
        }
    }
}

/// The table as whose rows the bytes of all large objects travel: (the object's OID, the piece's number, bytes).
///
/// Pieces are counted from 0 and have [`PIECE_BYTES`]. A piece that is all zeros has no row unless it is the last
/// one, so that a sparse object stays so, and an object without bytes has none.
///
/// `bytes`: what the server keeps for them.
pub fn large_objects_table(number: u32, bytes: u64) -> Table {
    let column = |name: &str, of_type: &str| Column {
        name: name.to_owned(),
        new_name: None,
        column_type: ColumnType {
            schema: ColumnType::BUILT_IN_SCHEMA.to_owned(),
            name: of_type.to_owned(),
            text: of_type.to_owned(),
            base: None,
        },
        not_null: true,
        identity: None,
        generated: None,
        binary_safe: true,
        names: None,
    };
    Table {
        number,
        schema: ColumnType::BUILT_IN_SCHEMA.to_owned(),
        name: "pg_largeobject".to_owned(),
        kind: TableKind::LargeObjects,
        unlogged: false,
        columns: vec![
            column("loid", "oid"),
            column("piece", "int4"),
            column("data", "bytea"),
        ],
        primary_key: vec!["loid".to_owned(), "piece".to_owned()],
        partition_of: None,
        partition_key: None,
        through_root: None,
        inherits: Vec::new(),
        rows_estimate: None,
        bytes,
        extension: None,
        index_bytes: None,
        origin: None,
        condition: None,
        merged: None,
        part: None,
        changes: None,
    }
}

/// Ascending OIDs in few words, neighbours as one: `16401`, `16403 to 16410`.
pub fn oid_ranges(oids: &[u32]) -> Vec<String> {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for &oid in oids {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(oid) => *last = oid,
            _ => ranges.push((oid, oid)),
        }
    }
    let words = |(first, last): (u32, u32)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first} to {last}"),
    };
    ranges.into_iter().map(words).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_range() {
        assert_eq!(
            oid_ranges(&[1, 3, 4, 7, 8, 9, u32::MAX]),
            ["1", "3, 4", "7 to 9", "4294967295"]
        );
        assert!(oid_ranges(&[]).is_empty());
    }
}
