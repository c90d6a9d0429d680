//! Columns of tables.

use ::inventory::{Column, Inventory};

use super::own;
use super::session::Session;
use super::tables::{KnownColumn, Relations};
use crate::Result;

/// A default names no column, so that it is told without opening its table; what generates a column does.
const COLUMNS: &str = "
SELECT a.attrelid AS relation, a.attnum AS number, a.atttypid AS type, a.attcollation AS own_collation, a.attname::pg_catalog.text AS name,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS type_name, a.attnotnull AS not_null,
       a.attidentity <> '' AS is_identity, a.attgenerated <> '' AS is_generated,
       CASE WHEN a.attgenerated = '' THEN pg_catalog.pg_get_expr(d.adbin, 0)
         WHEN COALESCE(a.attrelid = ANY ($1::pg_catalog.oid[]), true) THEN NULL
         ELSE pg_catalog.pg_get_expr(d.adbin, d.adrelid) END AS expression,
       CASE WHEN a.attcollation <> t.typcollation THEN (
         SELECT CASE ln.nspname WHEN 'pg_catalog' THEN '' ELSE pg_catalog.quote_ident(ln.nspname) || '.' END
                || pg_catalog.quote_ident(l.collname)
         FROM pg_catalog.pg_collation l JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace
         WHERE l.oid = a.attcollation) END AS collation,
       m.description AS comment, a.attacl::pg_catalog.text[] AS grants
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_catalog.pg_description m ON m.objoid = a.attrelid AND m.objsubid = a.attnum
  AND m.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
WHERE a.attnum > 0 AND NOT a.attisdropped AND {own}
ORDER BY a.attrelid, a.attnum";

pub(super) fn read(
    session: &mut Session<'_>,
    inventory: &mut Inventory,
    relations: &mut Relations,
) -> Result<()> {
    for row in session.ask_unheld("the columns", &COLUMNS.replace("{own}", &own("pg_class")))? {
        let oid = row.get("relation");
        let Some(place) = relations.table(oid) else {
            continue;
        };
        let name: String = row.get("name");
        let known = KnownColumn {
            name: name.clone(),
            type_oid: row.get("type"),
            collation: row.get("own_collation"),
        };
        relations.add_column(oid, row.get("number"), known);
        inventory.tables[place].columns.push(Column {
            name,
            type_name: row.get("type_name"),
            declared: None,
            not_null: row.get("not_null"),
            default: row.get("expression"),
            identity: row.get("is_identity"),
            generated: row.get("is_generated"),
            collation: row.get("collation"),
            comment: row.get("comment"),
            grants: row.get::<_, Option<Vec<String>>>("grants").unwrap_or_default(),
        });
    }
    Ok(())
}
