//! Bytes of tables, their TOAST and their indexes, of what `pg_class` has of them. To ask for a relation's size is to open
//! it, so that is done only for those of which the catalog knows nothing yet, while these are few and nobody holds them.

use ::inventory::Inventory;

use super::session::Session;
use super::tables::Relations;
use super::{own, unsigned};
use crate::Result;

/// Tables without statistics whose relations are asked for their sizes.
const ASKED_MAX: usize = 1000;

/// `{asks}` is whether relations may be asked at all.
const SIZES: &str = "
WITH mine AS (
  SELECT c.oid, c.relkind, c.reltoastrelid AS toast, c.relpages = 0 AND c.reltuples <= 0 AS is_new
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND {own}
), parts AS (
  SELECT m.oid AS relation, m.oid AS part, 'heap' AS kind, m.is_new FROM mine m
  UNION ALL SELECT m.oid, m.toast, 'toast', m.is_new FROM mine m WHERE m.toast <> 0
  UNION ALL SELECT m.oid, i.indexrelid, 'index', m.is_new FROM mine m JOIN pg_catalog.pg_index i ON i.indrelid = m.oid
  UNION ALL SELECT m.oid, i.indexrelid, 'toast', m.is_new FROM mine m JOIN pg_catalog.pg_index i ON i.indrelid = m.toast
)
SELECT p.relation, p.part, p.kind, CASE
  WHEN p.is_new AND {asks} AND NOT COALESCE(p.part = ANY ($1::pg_catalog.oid[]) OR p.relation = ANY ($1::pg_catalog.oid[]), true)
    THEN COALESCE(pg_catalog.pg_relation_size(p.part), 0)
  ELSE c.relpages::pg_catalog.int8 * pg_catalog.current_setting('block_size')::pg_catalog.int8 END AS bytes
FROM parts p JOIN pg_catalog.pg_class c ON c.oid = p.part";

pub(super) fn read(
    session: &mut Session<'_>,
    inventory: &mut Inventory,
    relations: &Relations,
) -> Result<()> {
    let new = relations
        .extents
        .values()
        .filter(|it| it.pages == 0 && it.rows.unwrap_or(0) == 0);
    let new = new.count();
    let asks = if new <= ASKED_MAX { "true" } else { "false" };
    let unknown = relations.extents.values().filter(|it| it.rows.is_none()).count();
    if new > ASKED_MAX && unknown > 0 {
        session.add_unread(format!(
            "bytes of {unknown} tables are not known before the first VACUUM or ANALYZE"
        ));
    }
    let sql = SIZES.replace("{own}", &own("pg_class")).replace("{asks}", asks);
    for row in session.ask_unheld("the sizes", &sql)? {
        let bytes = unsigned(row.get("bytes"));
        let Some(place) = relations.table(row.get("relation")) else {
            continue;
        };
        let table = &mut inventory.tables[place];
        match row.get("kind") {
            "heap" => table.heap_bytes += bytes,
            "toast" => table.toast_bytes += bytes,
            _ => {
                table.index_bytes += bytes;
                let index = relations.indexes.get(&row.get("part"));
                if let Some((place, index)) = index.copied() {
                    inventory.tables[place].indexes[index].bytes = bytes;
                }
            }
        }
    }
    Ok(())
}
