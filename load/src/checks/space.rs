//! How much room a load needs on the server's disk. No server tells how much it has, so that is for the user to say.

use std::collections::HashMap;
use std::fmt;

use archive::{Content, Header};
use catalog::{ObjectKind, QualifiedName, Table};
use cli::{Result, size};

use crate::target::{Target, failed};

#[derive(Debug, clap::Args)]
pub(crate) struct SpaceArgs {
    /// The room that the server's disk has for this load: `500MiB`, `20GiB`, `1.5TB`
    ///
    /// Before anything is written, the room that is needed is estimated and printed: rows and indexes as the source
    /// has them, what sorting takes for a while, and write-ahead log. With --space a load that needs more is refused.
    /// Units are MiB, GiB, TiB and MB, GB, TB.
    #[arg(long, value_name = "SIZE", value_parser = parse_size, conflicts_with = "abandon")]
    pub(crate) space: Option<u64>,
}

/// Bytes of a size with its unit. A number without one could mean anything.
fn parse_size(text: &str) -> std::result::Result<u64, String> {
    const UNITS: [(&str, u64); 6] = [
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
    ];
    let wrong =
        || "a number with one of the units MiB, GiB, TiB, MB, GB, TB is needed, such as 20GiB".to_owned();
    let unit = UNITS.iter().find(|(unit, _)| text.ends_with(unit));
    let (unit, bytes) = unit.ok_or_else(wrong)?;
    let number = text.strip_suffix(unit).unwrap_or_default();
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |it: &str| (1..=9).contains(&it.len()) && it.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(part) {
        return Err(wrong());
    }
    let (whole, digits): (u64, u64) = (
        whole.parse().map_err(|_| wrong())?,
        part.parse().map_err(|_| wrong())?,
    );
    let scale = 10_u128.pow(u32::try_from(part.len()).unwrap_or_default());
    let fraction = u128::from(digits) * u128::from(*bytes) / scale;
    let all = whole
        .checked_mul(*bytes)
        .and_then(|it| it.checked_add(u64::try_from(fraction).ok()?));
    all.ok_or_else(wrong)
}

/// Bytes that a load is expected to need, by what needs them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Estimate {
    rows: u64,
    indexes: u64,
    views: u64,
    /// The largest table's indexes, which are sorted in files before they are written.
    sorting: u64,
    wal: u64,
    /// Whether some of the indexes' bytes had to be guessed.
    is_guessed: bool,
}

impl Estimate {
    pub(crate) fn new(target: &mut Target, header: &Header) -> Result<Self> {
        const SETTINGS: &str = "
            SELECT pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_wal_size')) AS wal_max,
              pg_catalog.current_setting('archive_mode') <> 'off'
                OR EXISTS (SELECT FROM pg_catalog.pg_replication_slots) AS may_keep_wal";
        let mut estimate = Estimate::of_source(header);
        let row = target
            .client()
            .query_one(SETTINGS, &[])
            .map_err(|error| failed("the settings of the write-ahead log could not be read", error))?;
        // Archiving and replication slots keep what a checkpoint would remove.
        let written = sum([estimate.rows, estimate.indexes, estimate.views]);
        estimate.wal = if row.get("may_keep_wal") {
            written
        } else {
            written.min(row.get::<_, i64>("wal_max").unsigned_abs())
        };
        Ok(estimate)
    }

    /// What the archive says of its source; rows that a filter has left out count, since nobody knows how many bytes
    /// they are.
    fn of_source(header: &Header) -> Self {
        let mut estimate = Estimate::default();
        if header.content == Content::SchemaOnly {
            return estimate;
        }
        let without_rows = |table: &&Table| {
            let mut filters = header.row_filters.iter();
            !filters.any(|it| it.table == table.number && it.condition.is_none())
        };
        let mut numbers: HashMap<QualifiedName, u64> = HashMap::new();
        for object in header
            .catalog
            .objects
            .iter()
            .filter(|it| it.kind == ObjectKind::Index)
        {
            if let Some(table) = &object.table {
                *numbers
                    .entry(QualifiedName::new(&object.schema, table))
                    .or_default() += 1;
            }
        }
        for table in header.catalog.tables.iter().filter(without_rows) {
            let number = numbers.get(&table.qualified_name()).copied().unwrap_or_default();
            let indexes = table.index_bytes.unwrap_or_else(|| {
                estimate.is_guessed |= number > 0 && table.bytes > 0;
                number.saturating_mul(table.bytes / 5)
            });
            estimate.rows = estimate.rows.saturating_add(table.bytes);
            estimate.indexes = estimate.indexes.saturating_add(indexes);
            estimate.sorting = estimate.sorting.max(indexes);
        }
        let views = header.catalog.materialized_views.iter();
        estimate.views = sum(views.filter_map(|it| it.bytes));
        estimate
    }

    pub(crate) fn total(&self) -> u64 {
        sum([self.rows, self.indexes, self.views, self.sorting, self.wal])
    }

    /// Why what is not `there` yet does not fit into `space`, as a sentence. Both are bytes.
    pub(super) fn finding(&self, space: Option<u64>, there: u64) -> Option<String> {
        let needed = self.total().saturating_sub(there);
        let space = space.filter(|it| needed > *it)?;
        Some(format!(
            "about {} are needed and --space says {}: make room, or leave something out (`dump --exclude-table-data`)",
            size(needed),
            size(space)
        ))
    }
}

/// Bytes that an unfinished load has in `schemas` already: tables with their indexes, and materialized views.
pub(super) fn taken(target: &mut Target, schemas: &[String]) -> Result<u64> {
    const TAKEN: &str = "
        SELECT COALESCE(pg_catalog.sum(pg_catalog.pg_total_relation_size(c.oid)), 0)::pg_catalog.int8
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'm')";
    let row = target
        .client()
        .query_one(TAKEN, &[&schemas])
        .map_err(|error| failed("what is there already could not be measured", error))?;
    Ok(row.get::<_, i64>(0).unsigned_abs())
}

/// An archive can claim any number of bytes.
fn sum(bytes: impl IntoIterator<Item = u64>) -> u64 {
    bytes.into_iter().fold(0, u64::saturating_add)
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("rows", self.rows),
            (
                if self.is_guessed {
                    "indexes (guessed)"
                } else {
                    "indexes"
                },
                self.indexes,
            ),
            ("materialized views", self.views),
            ("sorting for a while", self.sorting),
            ("write-ahead log", self.wal),
        ];
        let parts = parts.iter().filter(|(_, bytes)| *bytes > 0);
        let parts: Vec<String> = parts
            .map(|(what, bytes)| format!("{what} {}", size(*bytes)))
            .collect();
        write!(f, "space needed: about {}", size(self.total()))?;
        if parts.len() > 1 {
            write!(f, " ({})", parts.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_number_and_a_unit() {
        for (text, bytes) in [
            ("500MiB", Some(500 << 20)),
            ("20GiB", Some(20 << 30)),
            ("1.5TB", Some(1_500_000_000_000)),
            ("0.5GB", Some(500_000_000)),
            ("20", None),
            ("20G", None),
            ("20 GiB", None),
            ("-1GiB", None),
            ("1.GiB", None),
            (".5GiB", None),
            ("1e3GiB", None),
            ("20gib", None),
            ("99999999999TiB", None),
            ("", None),
        ] {
            assert_eq!(parse_size(text).ok(), bytes, "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let estimate = Estimate {
            rows: 3 << 30,
            indexes: 1 << 30,
            ..Estimate::default()
        };
        assert_eq!(
            estimate.to_string(),
            "space needed: about 4.00 GiB (rows 3.00 GiB, indexes 1.00 GiB)"
        );
        assert_eq!(estimate.finding(None, 0), None);
        assert_eq!(estimate.finding(Some(4 << 30), 0), None);
        assert!(estimate.finding(Some((4 << 30) - 1), 0).is_some());
        assert_eq!(estimate.finding(Some(3 << 30), 1 << 30), None);
    }
}
