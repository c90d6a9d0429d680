//! The census as data, for a report.

use std::collections::BTreeMap;

use serde::Serialize;

use super::profile::Misfits;
use super::suggestion::Suggestion;
use super::value_kind::ValueKind;
use super::{Profile, declared_length, row_word};
use crate::sqlite::proposal::Proposal;
use crate::sqlite::schema::{Column, Table};

/// What was found in one table.
#[derive(Clone, Debug, Serialize)]
pub struct TableReport {
    pub table: String,
    pub rows: u64,
    /// Bytes of all values, without SQLite's own overhead; a number counts eight.
    pub bytes: u64,
    /// What the rows of samples are named by: `rowid`, `key`, or `row` for their number in the order of the table.
    pub rows_by: &'static str,
    pub columns: Vec<ColumnReport>,
}

/// What was found in one column, and what becomes of it.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnReport {
    pub column: String,
    /// As written in the table's definition; empty without one.
    pub declared: String,
    /// How many are not NULL.
    pub values: u64,
    pub nulls: u64,
    /// Kinds that occur.
    pub kinds: BTreeMap<ValueKind, Misfits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integer_min: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integer_max: Option<i64>,
    /// Characters of the longest text that PostgreSQL can hold.
    pub text_chars_max: usize,
    pub text_bytes_max: usize,
    pub blob_bytes_max: usize,
    /// Most digits before the point and behind it, of numbers and of texts that are one.
    pub digits_before_point: usize,
    pub digits_behind_point: usize,
    /// Texts of more characters than the declared type has in parentheses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beyond_declared_length: Option<Misfits>,
    /// The type on the target.
    pub becomes: String,
    /// Why, in words.
    pub reason: String,
    /// The type that the declared one means, where values do not fit it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
    /// Types that would hold all values, which only somebody can choose who knows what they mean.
    pub suggestions: Vec<Suggestion>,
}

/// The proof that a type does not hold a column.
#[derive(Clone, Debug, Serialize)]
pub struct Refused {
    #[serde(rename = "type")]
    pub target: String,
    #[serde(flatten)]
    pub values: Misfits,
}

/// What the census of one table found, column by column.
#[derive(Clone, Debug, Default)]
pub struct TableCensus {
    pub columns: Vec<ColumnCensus>,
}

/// A column's values and the type that they are proposed.
#[derive(Clone, Debug)]
pub struct ColumnCensus {
    pub profile: Profile,
    pub proposal: Proposal,
}

impl TableCensus {
    /// The report on `table`, of which this is the census.
    pub fn report(&self, table: &Table) -> TableReport {
        TableReport {
            table: table.name.clone(),
            rows: table.row_count,
            bytes: table.bytes,
            rows_by: row_word(table),
            columns: table
                .columns
                .iter()
                .zip(&self.columns)
                .map(|(column, census)| census.report(column))
                .collect(),
        }
    }
}

impl ColumnCensus {
    fn report(&self, column: &Column) -> ColumnReport {
        let ColumnCensus { profile, proposal } = self;
        let kinds = ValueKind::ALL
            .into_iter()
            .map(|kind| (kind, profile.values_of(kind)))
            .filter(|(_, values)| values.count > 0);
        let (text_chars_max, text_bytes_max) = profile.longest_text();
        let (digits_before_point, digits_behind_point) = profile.digits();
        let refused = proposal.declared.filter(|_| proposal.refused.count > 0);
        ColumnReport {
            column: column.name.clone(),
            declared: column.declared_type.clone(),
            values: profile.values(),
            nulls: profile.nulls(),
            kinds: kinds.collect(),
            integer_min: profile.integers().map(|it| it.0),
            integer_max: profile.integers().map(|it| it.1),
            text_chars_max,
            text_bytes_max,
            blob_bytes_max: profile.longest_blob(),
            digits_before_point,
            digits_behind_point,
            beyond_declared_length: declared_length(&column.declared_type)
                .map(|length| profile.texts_beyond(length))
                .filter(|it| it.count > 0),
            becomes: column.target.to_sql(),
            reason: proposal.reason.clone(),
            refused: refused.map(|target| Refused {
                target: target.to_sql(),
                values: proposal.refused.clone(),
            }),
            suggestions: proposal.suggestions.clone(),
        }
    }
}
