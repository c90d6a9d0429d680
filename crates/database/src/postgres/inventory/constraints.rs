//! Constraints of tables. Keys and foreign keys follow from the catalog's own columns, which is far quicker than to have
//! the server write down each; expressions it has to tell.

use std::collections::HashMap;

use ::inventory::{ForeignKey, Inventory, Key, KeyKind};
use catalog::{QualifiedName, quote_ident};
use postgres::Row;

use super::session::Session;
use super::tables::Relations;
use crate::Result;

/// `{more}` is what later versions know: whether NULLs are alike, columns of ON DELETE SET, periods and such.
const CONSTRAINTS: &str = "
SELECT k.oid, k.conrelid AS relation, k.conname::pg_catalog.text AS name, k.contype::pg_catalog.text AS kind,
       COALESCE(k.conkey, '{}') AS columns, k.confrelid AS parent, COALESCE(k.confkey, '{}') AS parent_columns,
       k.convalidated AS validated, pn.nspname::pg_catalog.text AS parent_schema, pc.relname::pg_catalog.text AS parent_name,
       k.condeferrable AS deferrable, k.condeferred AS deferred, k.confmatchtype::pg_catalog.text AS matches,
       k.confupdtype::pg_catalog.text AS on_update, k.confdeltype::pg_catalog.text AS on_delete,
       COALESCE(i.indnatts <> i.indnkeyatts, false) OR {more} AS has_more
FROM pg_catalog.pg_constraint k
LEFT JOIN pg_catalog.pg_class pc ON pc.oid = k.confrelid LEFT JOIN pg_catalog.pg_namespace pn ON pn.oid = pc.relnamespace
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = k.conindid AND k.contype IN ('p', 'u')
WHERE k.contype IN ('p', 'u', 'c', 'x', 'f') AND k.conrelid <> 0
ORDER BY k.conrelid, pg_catalog.strpos('puxcf', k.contype::pg_catalog.text), k.conname COLLATE \"C\"";

/// What stands in an expression is told only by opening the table; keys and foreign keys are not told so.
const DEFINITIONS: &str = "
SELECT k.oid, pg_catalog.pg_get_constraintdef(k.oid) AS definition
FROM pg_catalog.pg_constraint k
WHERE k.oid = ANY ($2::pg_catalog.oid[])
  AND NOT (k.contype IN ('c', 'x') AND COALESCE(k.conrelid = ANY ($1::pg_catalog.oid[]), true))";

pub(super) fn read(
    session: &mut Session<'_>,
    inventory: &mut Inventory,
    relations: &Relations,
) -> Result<()> {
    let more = match session.major {
        18.. => "true",
        15.. => "COALESCE(i.indnullsnotdistinct, false) OR k.confdelsetcols IS NOT NULL",
        _ => "false",
    };
    let sql = CONSTRAINTS.replace("{more}", more);
    let mut found = Vec::new();
    for row in session.ask("the constraints", &sql, &[])? {
        if let Some(place) = relations.table(row.get("relation")) {
            let definition = plain_definition(&row, relations);
            found.push((row, place, definition));
        }
    }
    let asked: Vec<u32> = found
        .iter()
        .filter(|(.., definition)| definition.is_none())
        .map(|(row, ..)| row.get("oid"))
        .collect();
    let rows = session.ask_in_portions("the definitions of constraints", DEFINITIONS, &asked)?;
    let mut told: HashMap<u32, Option<String>> = rows
        .iter()
        .map(|row| (row.get("oid"), row.get("definition")))
        .collect();
    for (row, place, definition) in found {
        let definition = definition.or_else(|| told.remove(&row.get("oid")).flatten());
        let definition = definition.unwrap_or_default();
        let table = &mut inventory.tables[place];
        let columns = relations.names(row.get("relation"), &row.get::<_, Vec<i16>>("columns"));
        let (name, validated) = (row.get("name"), row.get("validated"));
        let kind = match row.get("kind") {
            "f" => {
                let parent: Vec<i16> = row.get("parent_columns");
                table.foreign_keys.push(ForeignKey {
                    name,
                    columns,
                    parent_schema: row.get::<_, Option<String>>("parent_schema").unwrap_or_default(),
                    parent: row.get::<_, Option<String>>("parent_name").unwrap_or_default(),
                    parent_columns: relations.names(row.get("parent"), &parent),
                    definition,
                    validated,
                });
                continue;
            }
            "p" => KeyKind::Primary,
            "u" => KeyKind::Unique,
            "x" => KeyKind::Exclusion,
            _ => KeyKind::Check,
        };
        table.keys.push(Key {
            name,
            kind,
            columns,
            definition,
            validated,
        });
    }
    Ok(())
}

/// As `pg_get_constraintdef` writes it; `None` where the server has to say it.
fn plain_definition(row: &Row, relations: &Relations) -> Option<String> {
    let says = |name: &str| row.get::<_, bool>(name);
    if says("has_more") {
        return None;
    }
    let listed = |relation: u32, numbers: Vec<i16>| -> Option<String> {
        let names = numbers
            .iter()
            .map(|it| Some(quote_ident(&relations.column(relation, *it)?.name)));
        Some(names.collect::<Option<Vec<_>>>()?.join(", "))
    };
    let columns = listed(row.get("relation"), row.get("columns"))?;
    let mut text = match row.get("kind") {
        "p" => format!("PRIMARY KEY ({columns})"),
        "u" => format!("UNIQUE ({columns})"),
        "f" => {
            let (schema, name): (Option<&str>, Option<&str>) =
                (row.get("parent_schema"), row.get("parent_name"));
            let parent = QualifiedName::new(schema?, name?);
            let parent_columns = listed(row.get("parent"), row.get("parent_columns"))?;
            let mut text = format!("FOREIGN KEY ({columns}) REFERENCES {parent}({parent_columns})");
            text.push_str(match row.get("matches") {
                "s" => "",
                "f" => " MATCH FULL",
                _ => return None,
            });
            for (word, when) in [("on_update", " ON UPDATE "), ("on_delete", " ON DELETE ")] {
                let action = match row.get(word) {
                    "a" => continue,
                    "r" => "RESTRICT",
                    "c" => "CASCADE",
                    "n" => "SET NULL",
                    "d" => "SET DEFAULT",
                    _ => return None,
                };
                text.push_str(when);
                text.push_str(action);
            }
            text
        }
        _ => return None,
    };
    if says("deferrable") {
        text.push_str(" DEFERRABLE");
    }
    if says("deferred") {
        text.push_str(" INITIALLY DEFERRED");
    }
    if !says("validated") {
        text.push_str(" NOT VALID");
    }
    Some(text)
}
