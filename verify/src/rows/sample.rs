//! `--sample`: a share of each table's rows, the same on both sides and whenever it is asked with the same seed.

use catalog::{Column, Table, ThroughRoot, quote_ident};
use cli::{Failure, Result};
use database::postgres::Extent;

use crate::rows::shared::Shared;
use crate::sides::Live;

/// Parts of an integer key's range, of which some are read.
const PARTS: u32 = 200;
/// Of so many values of a key's hash some are read.
const HASHES: u32 = 1 << 20;

/// Which rows of each side are compared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reach {
    pub(crate) source: Extent,
    pub(crate) target: Extent,
}

/// A share of rows, and what decides which they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) percent: f64,
    pub(crate) seed: u64,
}

impl Sample {
    /// Which rows belong to it; `None` for a table of which no part is the same on both sides.
    pub(crate) fn reach(&self, source: &Live, shared: &Shared) -> Result<Option<Reach>> {
        let table = &shared.table;
        let pairs: Vec<(&Column, &Column)> = table
            .stored_columns()
            .zip(shared.renamed.stored_columns())
            .collect();
        let key: Vec<(&Column, &Column)> = table
            .primary_key
            .iter()
            .filter_map(|name| pairs.iter().copied().find(|(it, _)| it.name == *name))
            .collect();
        let by = if key.len() == table.primary_key.len() && !key.is_empty() {
            key
        } else {
            pairs
        };
        let is_fixed = |(own, new): &(&Column, &Column)| !shared.retypes(new) && own.names.is_none();
        if by.is_empty() || !by.iter().all(is_fixed) {
            return Ok(None);
        }
        let (here, there): (Vec<String>, Vec<String>) = by
            .iter()
            .map(|(own, new)| (quote_ident(&own.name), quote_ident(new.target_name())))
            .unzip();
        let is_integer = |it: &Column| ["int2", "int4", "int8"].contains(&it.column_type.name.as_str());
        let ranges = match by.first() {
            Some((own, _)) if !table.primary_key.is_empty() && is_integer(own) => {
                self.ranges(source, table, &own.name)?
            }
            _ => None,
        };
        let condition = |columns: &[String]| match (&ranges, columns.first()) {
            (Some(ranges), Some(column)) => ranges_sql(ranges, column),
            _ => self.hash_sql(columns),
        };
        Ok(Some(Reach {
            source: where_(condition(&here)),
            target: where_(condition(&there)),
        }))
    }

    /// Ranges of an integer key, from a number on and before another one; open at the ends, so that rows beyond the
    /// source's are not overlooked. `None` for a key whose range is too small to be divided.
    fn ranges(&self, source: &Live, table: &Table, column: &str) -> Result<Option<Vec<Range>>> {
        let (only, name) = (only(table), table.qualified_name());
        let column = quote_ident(column);
        let sql = format!(
            "SELECT pg_catalog.min({column})::pg_catalog.int8, pg_catalog.max({column})::pg_catalog.int8 FROM {only}{name}"
        );
        let ends = source.with_table(table, Failure::source, |session| {
            use database::postgres::RowSource;
            let message = format!("the ends of {column} of {name} could not be read");
            let row = session
                .query_opt(&sql, &[])
                .map_err(|error| Failure::source(database::Error::query(message)(error)))?;
            Ok(row.and_then(|row| {
                let ends: (Option<i64>, Option<i64>) = (row.get(0), row.get(1));
                ends.0.zip(ends.1)
            }))
        })?;
        let Some((first, last)) = ends else {
            return Ok(None);
        };
        let (first, span) = (i128::from(first), i128::from(last) - i128::from(first) + 1);
        if span < i128::from(PARTS) {
            return Ok(None);
        }
        let bound = |part: u32| {
            let inner = part > 0 && part < PARTS;
            inner.then(|| first + span * i128::from(part) / i128::from(PARTS))
        };
        let seed = mixed(
            self.seed
                ^ name
                    .to_string()
                    .bytes()
                    .fold(0, |sum, it| mixed(sum ^ u64::from(it))),
        );
        let mut parts: Vec<u32> = (0..PARTS).collect();
        parts.sort_by_key(|part| mixed(seed ^ u64::from(*part)));
        parts.truncate(self.parts());
        parts.sort_unstable();
        let mut ranges: Vec<Range> = Vec::new();
        for part in parts {
            match ranges.last_mut() {
                Some(last) if last.1.is_some() && last.1 == bound(part) => last.1 = bound(part + 1),
                _ => ranges.push((bound(part), bound(part + 1))),
            }
        }
        Ok(Some(ranges))
    }

    /// How many parts of a range are read: at least one.
    fn parts(&self) -> usize {
        (1..=PARTS)
            .find(|&parts| percent_of(parts) >= self.percent)
            .and_then(|parts| usize::try_from(parts).ok())
            .unwrap_or(usize::MAX)
    }

    fn hash_sql(&self, columns: &[String]) -> String {
        let below = f64::from(HASHES) * self.percent / 100.0;
        format!(
            "(pg_catalog.hashtextextended(ROW({})::pg_catalog.text COLLATE pg_catalog.\"C\", {}) \
             OPERATOR(pg_catalog.&) {}) OPERATOR(pg_catalog.<) {}",
            columns.join(", "),
            // Any number will do, as long as it is the same on both sides.
            self.seed >> 1,
            HASHES - 1,
            below.ceil()
        )
    }
}

type Range = (Option<i128>, Option<i128>);

fn ranges_sql(ranges: &[Range], column: &str) -> String {
    let range = |&(from, to): &Range| {
        let from = from.map(|it| format!("{column} OPERATOR(pg_catalog.>=) {it}"));
        let to = to.map(|it| format!("{column} OPERATOR(pg_catalog.<) {it}"));
        let ends: Vec<String> = from.into_iter().chain(to).collect();
        if ends.is_empty() {
            "true".to_owned()
        } else {
            format!("({})", ends.join(" AND "))
        }
    };
    ranges.iter().map(range).collect::<Vec<_>>().join(" OR ")
}

fn where_(condition: String) -> Extent {
    Extent {
        blocks: None,
        condition: Some(condition),
    }
}

/// How a side's own rows of `table` are counted.
pub(crate) fn count_sql(table: &Table) -> String {
    format!(
        "SELECT pg_catalog.count(*) FROM {}{}",
        only(table),
        table.qualified_name()
    )
}

fn only(table: &Table) -> &'static str {
    if table.through_root == Some(ThroughRoot::Root) {
        ""
    } else {
        "ONLY "
    }
}

/// Which share so many parts are.
fn percent_of(parts: u32) -> f64 {
    f64::from(parts) * 100.0 / f64::from(PARTS)
}

/// Scatters numbers (the finalizer of `SplitMix64`).
fn mixed(number: u64) -> u64 {
    let mut it = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    it ^ (it >> 31)
}
