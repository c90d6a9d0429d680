//! Columns that the plan gives another type: a text that became a time can be written otherwise afterwards, and be the same.
//! Where nothing else differs, the target itself is asked whether the source's value becomes what is there.

use std::fmt::Write as _;

use catalog::{Column, quote_ident, quote_literal};
use cli::{Exit, Failure, Result};
use conversion::{Comparable, PartRecord};

use super::views::type_sql;
use super::{Merging, Part};
use crate::rows::difference::{RowDifference, RowDifferences};
use crate::sides::Live;

/// So many rows are looked at, at most.
const CAST_ROWS_MAX: usize = 5000;

/// A column of the source with the type that it got, and both ways.
struct Cast<'a> {
    own: &'a Column,
    to: String,
    column: &'a str,
    sql: &'a str,
    back: &'a str,
}

impl Merging {
    /// How many rows more are to be looked for, where the plan gives columns other types.
    pub(super) fn cast_most(&self) -> usize {
        let has_casts = self.parts.iter().any(|it| !casts(&it.record).is_empty());
        if has_casts { CAST_ROWS_MAX } else { 0 }
    }

    /// What is to be said of a part whose rows differ in nothing but how values of other types are written.
    pub(super) fn cast_alone(part: &Part, target: &Live, found: &RowDifferences) -> Result<Option<String>> {
        let casts = casts(&part.record);
        let all = found.missing + found.extra + found.changed;
        if casts.is_empty() || !found.is_complete || found.rows.is_empty() || all != found.rows.len() as u64 {
            return Ok(None);
        }
        let mut pairs: Vec<Vec<(&str, &str)>> = casts.iter().map(|_| Vec::new()).collect();
        for row in &found.rows {
            let RowDifference::Changed {
                source,
                target,
                columns,
            } = row
            else {
                return Ok(None);
            };
            for &place in columns {
                let name = found.columns.get(place);
                let cast = casts.iter().position(|it| Some(&it.own.name) == name);
                let values = (source.get(place), target.get(place));
                let (Some(cast), (Some(Some(here)), Some(Some(there)))) = (cast, values) else {
                    return Ok(None);
                };
                pairs[cast].push((here, there));
            }
        }
        let mut said = Vec::new();
        for (cast, pairs) in casts.iter().zip(&pairs).filter(|it| !it.1.is_empty()) {
            if !cast.explains(pairs, target)? {
                return Ok(None);
            }
            said.push(format!(
                "how {} of {} were written: as {} they say the same",
                crate::report::counted(pairs.len() as u64, "value"),
                quote_ident(&cast.own.name),
                cast.to
            ));
        }
        Ok(Some(said.join("; ")))
    }
}

impl Cast<'_> {
    /// Whether every value of the source becomes the one that is there. What cannot be cast does not.
    fn explains(&self, pairs: &[(&str, &str)], target: &Live) -> Result<bool> {
        let mut sql = String::from("SELECT pg_catalog.count(*) FROM (VALUES ");
        for (place, (here, there)) in pairs.iter().enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            let _ = write!(sql, "{comma}({}, {})", quote_literal(here), quote_literal(there));
        }
        let own = type_sql(&self.own.column_type);
        let _ = write!(
            sql,
            ") v(here, there) CROSS JOIN LATERAL (SELECT v.here::{own} AS {}) s \
             CROSS JOIN LATERAL (SELECT ({})::{} AS {}) t WHERE ({})::pg_catalog.text IS DISTINCT FROM v.there",
            quote_ident(&self.own.name),
            self.sql,
            self.to,
            quote_ident(self.column),
            self.back,
        );
        let failed = |error| Failure::new(Exit::Internal, "no savepoint").with_source(error);
        target.with_snapshot(|snapshot| {
            let client = snapshot.client();
            client.batch_execute("SAVEPOINT casts").map_err(failed)?;
            let differing = client.query_one(&sql, &[]);
            let differing = differing.map(|row| row.get::<_, i64>(0));
            client
                .batch_execute("ROLLBACK TO SAVEPOINT casts; RELEASE SAVEPOINT casts")
                .map_err(failed)?;
            Ok(differing.is_ok_and(|it| it == 0))
        })
    }
}

/// The columns that have another type in the merged table and a way back.
fn casts(record: &PartRecord) -> Vec<Cast<'_>> {
    let comparable = record.comparable().into_iter();
    comparable
        .filter_map(|(own, way)| {
            let Comparable::Back(value, back) = way else {
                return None;
            };
            let mut columns = record.into.columns.iter();
            let new = columns.find(|it| it.name == value.column)?;
            (new.column_type != own.column_type).then(|| Cast {
                own,
                to: type_sql(&new.column_type),
                column: &value.column,
                sql: &value.sql,
                back,
            })
        })
        .collect()
}
