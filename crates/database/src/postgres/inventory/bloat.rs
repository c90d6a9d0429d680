//! Bytes of tables that a rewrite would give back, estimated from the planner's statistics: what so many rows of this
//! average width need, against the pages that there are.

use ::inventory::{Inventory, TableKind};

use super::session::Session;
use super::tables::{Extent, Relations};
use crate::Result;

/// Of each table whose columns the role may read: how many columns have statistics, and the bytes of an average row.
const WIDTHS: &str = "
SELECT s.schemaname::pg_catalog.text AS schema, s.tablename::pg_catalog.text AS name, pg_catalog.count(*) AS columns,
       pg_catalog.sum((1 - s.null_frac) * s.avg_width)::pg_catalog.float8 AS width, pg_catalog.bool_or(s.null_frac > 0) AS has_nulls
FROM pg_catalog.pg_stats s
WHERE NOT s.inherited AND s.schemaname !~ '^pg_' AND s.schemaname NOT IN ('information_schema', 'coalesce')
GROUP BY s.schemaname, s.tablename";

/// Of a page, without what its header takes.
const PAGE_BYTES: f64 = 8192.0 - 24.0;

/// A row's header and the pointer to it.
const ROW_BYTES: f64 = 24.0 + 4.0;

pub(super) fn read(
    session: &mut Session<'_>,
    inventory: &mut Inventory,
    relations: &Relations,
) -> Result<()> {
    let rows = session.ask("the statistics of columns", WIDTHS, &[])?;
    let mut widths = std::collections::HashMap::new();
    for row in rows {
        let name: (String, String) = (row.get("schema"), row.get("name"));
        let (columns, width, has_nulls): (i64, f64, bool) =
            (row.get("columns"), row.get("width"), row.get("has_nulls"));
        widths.insert(name, (columns, width, has_nulls));
    }
    for (oid, place) in relations.tables() {
        let table = &mut inventory.tables[place];
        let Some((columns, width, has_nulls)) = widths.remove(&(table.schema.clone(), table.name.clone()))
        else {
            continue;
        };
        let is_whole = usize::try_from(columns).is_ok_and(|it| it == table.columns.len());
        if is_whole && matches!(table.kind, TableKind::Ordinary | TableKind::Partition) {
            let nulls = if has_nulls { columns } else { 0 };
            table.bloat_bytes = bloat(relations.extents[&oid], width, nulls);
        }
    }
    Ok(())
}

/// `nulls` is how many columns the bitmap of NULLs has, 0 without one; it lies in the header for up to 8.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate of pages, far below 2^52"
)]
fn bloat(extent: Extent, width: f64, nulls: i64) -> Option<u64> {
    let rows = extent.rows.filter(|it| *it > 0)?;
    let bitmap = if nulls > 8 {
        ((nulls - 8) as f64 / 8.0).ceil()
    } else {
        0.0
    };
    // Values are aligned to 8 bytes as a whole.
    let row = ROW_BYTES + ((width + bitmap) / 8.0).ceil() * 8.0;
    let per_page = (PAGE_BYTES * f64::from(extent.fillfactor) / 100.0 / row)
        .floor()
        .max(1.0);
    let needed = (rows as f64 / per_page).ceil() as u64;
    Some(extent.pages.saturating_sub(needed) * 8192)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pages: u64, rows: Option<u64>, fillfactor: u32, width: f64, expected: Option<u64>) {
        let extent = Extent {
            pages,
            rows,
            fillfactor,
        };
        assert_eq!(bloat(extent, width, 0), expected);
    }

    #[test]
    fn a_table_without_statistics_says_nothing() {
        check(100, None, 100, 4.0, None);
        check(100, Some(0), 100, 4.0, None);
    }

    #[test]
    fn pages_beyond_what_the_rows_need_are_bloat() {
        // 28 bytes and 8 for an integer: 226 rows fit, as a table of integers has it.
        check(5, Some(1000), 100, 4.0, Some(0));
        check(15, Some(1000), 100, 4.0, Some(10 * 8192));
    }

    #[test]
    fn room_that_the_fillfactor_leaves_is_no_bloat() {
        check(9, Some(1000), 50, 4.0, Some(0));
        check(9, Some(1000), 100, 4.0, Some(4 * 8192));
    }
}
