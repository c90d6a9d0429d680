//! Schemas, views, routines, triggers, sequences, types and extensions.

use std::collections::HashMap;

use ::inventory::{Extension, Inventory, Routine, Schema, Sequence, Trigger, Type, View};

use super::session::Session;
use super::{own, unsigned};
use crate::Result;

/// The comment that `initdb` gives to `public`.
const PUBLIC_COMMENT: &str = "standard public schema";

const SCHEMAS: &str = "
SELECT n.nspname::pg_catalog.text AS name, pg_catalog.pg_get_userbyid(n.nspowner)::pg_catalog.text AS owner,
       COALESCE(n.nspacl::pg_catalog.text[], '{}') AS grants, d.description AS comment
FROM pg_catalog.pg_namespace n
LEFT JOIN pg_catalog.pg_description d ON d.objoid = n.oid AND d.objsubid = 0
  AND d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.deptype = 'e' AND e.objid = n.oid
                  AND e.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass)
ORDER BY n.nspname COLLATE \"C\"";

const VIEWS: &str = "
SELECT c.oid, n.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS name, c.relkind = 'm' AS materialized,
       pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text AS owner,
       COALESCE(c.relacl::pg_catalog.text[], '{}') AS grants, d.description AS comment,
       CASE WHEN c.relkind = 'm' THEN pg_catalog.current_setting('block_size')::pg_catalog.int8 * (c.relpages
         + COALESCE((SELECT t.relpages FROM pg_catalog.pg_class t WHERE t.oid = c.reltoastrelid), 0)
         + COALESCE((SELECT pg_catalog.sum(x.relpages) FROM pg_catalog.pg_index i
                     JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid), 0))
         ELSE 0 END::pg_catalog.int8 AS bytes
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_description d ON d.objoid = c.oid AND d.objsubid = 0
  AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
WHERE c.relkind IN ('v', 'm') AND c.relpersistence <> 't' AND {own}
ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"";

/// To tell what a view is, PostgreSQL opens the view and all that it reads.
const VIEW_DEFINITIONS: &str = "
SELECT c.oid, pg_catalog.pg_get_viewdef(c.oid) AS definition
FROM pg_catalog.pg_class c
WHERE c.oid = ANY ($2::pg_catalog.oid[]) AND NOT COALESCE(c.oid = ANY ($1::pg_catalog.oid[]), true) AND NOT EXISTS (
  SELECT FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_depend p
    ON p.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND p.objid = r.oid
    AND p.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  WHERE r.ev_class = c.oid AND p.refobjid = ANY ($1::pg_catalog.oid[]))";

const ROUTINES: &str = "
SELECT n.nspname::pg_catalog.text AS schema, c.proname::pg_catalog.text AS name,
       CASE c.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' WHEN 'w' THEN 'window function'
         ELSE 'function' END AS kind,
       pg_catalog.oidvectortypes(c.proargtypes) AS arguments, l.lanname::pg_catalog.text AS language,
       pg_catalog.pg_get_userbyid(c.proowner)::pg_catalog.text AS owner, c.prosecdef AS security_definer,
       COALESCE(c.proconfig, '{}') AS settings,
       CASE WHEN l.lanname IN ('c', 'internal') OR c.prokind = 'a' THEN '' ELSE c.prosrc END AS body,
       COALESCE(c.proacl::pg_catalog.text[], '{}') AS grants
FROM pg_catalog.pg_proc c JOIN pg_catalog.pg_namespace n ON n.oid = c.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = c.prolang
WHERE {own} AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend i WHERE i.deptype = 'i' AND i.objid = c.oid
                            AND i.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass)
ORDER BY n.nspname COLLATE \"C\", c.proname COLLATE \"C\", 4";

/// A trigger's condition is told only by opening its table.
const TRIGGERS: &str = "
SELECT n.nspname::pg_catalog.text AS schema, t.relname::pg_catalog.text AS table_name, c.tgname::pg_catalog.text AS name,
       c.tgenabled::pg_catalog.text AS enabled,
       CASE WHEN c.tgqual IS NOT NULL AND COALESCE(c.tgrelid = ANY ($1::pg_catalog.oid[]), true) THEN NULL
         ELSE pg_catalog.pg_get_triggerdef(c.oid) END AS definition
FROM pg_catalog.pg_trigger c JOIN pg_catalog.pg_class t ON t.oid = c.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE NOT c.tgisinternal AND t.relpersistence <> 't' AND {own}
ORDER BY n.nspname COLLATE \"C\", t.relname COLLATE \"C\", c.tgname COLLATE \"C\"";

const SEQUENCES: &str = "
SELECT c.oid, n.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS name,
       pg_catalog.format_type(s.seqtypid, NULL) AS type_name, s.seqmax AS max_value, s.seqincrement AS increment,
       pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text AS owner,
       o.owned_by
FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN (
  SELECT d.objid, pg_catalog.min(pg_catalog.concat_ws('.', un.nspname, uc.relname, ua.attname)) AS owned_by
  FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class uc ON uc.oid = d.refobjid
  JOIN pg_catalog.pg_namespace un ON un.oid = uc.relnamespace
  JOIN pg_catalog.pg_attribute ua ON ua.attrelid = d.refobjid AND ua.attnum = d.refobjsubid
  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
  GROUP BY d.objid) o ON o.objid = c.oid
WHERE c.relpersistence <> 't' AND {own}
ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"";

/// Row types and arrays belong to what they are of.
const TYPES: &str = "
SELECT n.nspname::pg_catalog.text AS schema, c.typname::pg_catalog.text AS name,
       CASE c.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'c' THEN 'composite' WHEN 'r' THEN 'range'
         ELSE 'base' END AS kind,
       CASE WHEN c.typtype = 'e' THEN ARRAY(SELECT l.enumlabel::pg_catalog.text FROM pg_catalog.pg_enum l
         WHERE l.enumtypid = c.oid ORDER BY l.enumsortorder) ELSE '{}' END AS labels,
       CASE c.typtype WHEN 'd' THEN pg_catalog.format_type(c.typbasetype, c.typtypmod)
         WHEN 'r' THEN (SELECT pg_catalog.format_type(r.rngsubtype, NULL) FROM pg_catalog.pg_range r
                        WHERE r.rngtypid = c.oid) END AS base,
       pg_catalog.pg_get_userbyid(c.typowner)::pg_catalog.text AS owner
FROM pg_catalog.pg_type c JOIN pg_catalog.pg_namespace n ON n.oid = c.typnamespace
LEFT JOIN pg_catalog.pg_class r ON r.oid = c.typrelid
WHERE c.typtype IN ('e', 'd', 'r', 'b', 'c') AND c.typisdefined AND (c.typtype <> 'c' OR r.relkind = 'c')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_type a WHERE a.typarray = c.oid) AND {own}
ORDER BY n.nspname COLLATE \"C\", c.typname COLLATE \"C\"";

const EXTENSIONS: &str = "
SELECT e.extname::pg_catalog.text AS name, e.extversion AS version, n.nspname::pg_catalog.text AS schema,
       e.extrelocatable AS relocatable, COALESCE((
         SELECT v.trusted FROM pg_catalog.pg_available_extension_versions v
         WHERE v.name = e.extname AND v.version = e.extversion), false) AS trusted
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
ORDER BY e.extname COLLATE \"C\"";

pub(super) fn read_schemas(session: &mut Session<'_>, inventory: &mut Inventory) -> Result<()> {
    for row in session.ask("the schemas", SCHEMAS, &[])? {
        let (name, comment): (String, Option<String>) = (row.get("name"), row.get("comment"));
        inventory.schemas.push(Schema {
            comment: comment.filter(|it| !(name == "public" && it == PUBLIC_COMMENT)),
            name,
            owner: row.get("owner"),
            grants: row.get("grants"),
        });
    }
    Ok(())
}

/// The OIDs of the sequences, in their order; their positions are not read yet.
pub(super) fn read(session: &mut Session<'_>, inventory: &mut Inventory) -> Result<Vec<u32>> {
    let rows = session.ask("the views", &VIEWS.replace("{own}", &own("pg_class")), &[])?;
    let oids: Vec<u32> = rows.iter().map(|row| row.get("oid")).collect();
    let definitions = session.ask_in_portions("the definitions of views", VIEW_DEFINITIONS, &oids)?;
    let mut definitions: HashMap<u32, Option<String>> = definitions
        .iter()
        .map(|row| (row.get("oid"), row.get("definition")))
        .collect();
    for row in rows {
        inventory.views.push(View {
            schema: row.get("schema"),
            name: row.get("name"),
            materialized: row.get("materialized"),
            owner: row.get("owner"),
            definition: definitions.remove(&row.get("oid")).flatten().unwrap_or_default(),
            bytes: unsigned(row.get("bytes")),
            comment: row.get("comment"),
            grants: row.get("grants"),
        });
    }
    for row in session.ask("the routines", &ROUTINES.replace("{own}", &own("pg_proc")), &[])? {
        inventory.routines.push(Routine {
            schema: row.get("schema"),
            name: row.get("name"),
            kind: row.get("kind"),
            arguments: row.get("arguments"),
            language: row.get("language"),
            owner: row.get("owner"),
            security_definer: row.get("security_definer"),
            settings: row.get("settings"),
            body: row.get("body"),
            grants: row.get("grants"),
        });
    }
    for row in session.ask_unheld("the triggers", &TRIGGERS.replace("{own}", &own("pg_trigger")))? {
        inventory.triggers.push(Trigger {
            schema: row.get("schema"),
            table: row.get("table_name"),
            name: row.get("name"),
            definition: row.get::<_, Option<String>>("definition").unwrap_or_default(),
            enabled: row.get("enabled"),
        });
    }
    read_small(session, inventory)
}

fn read_small(session: &mut Session<'_>, inventory: &mut Inventory) -> Result<Vec<u32>> {
    let mut sequences = Vec::new();
    for row in session.ask(
        "the sequences",
        &SEQUENCES.replace("{own}", &own("pg_class")),
        &[],
    )? {
        sequences.push(row.get("oid"));
        inventory.sequences.push(Sequence {
            schema: row.get("schema"),
            name: row.get("name"),
            type_name: row.get("type_name"),
            owned_by: row.get("owned_by"),
            last_value: None,
            max_value: row.get("max_value"),
            increment: row.get("increment"),
        });
    }
    for row in session.ask("the types", &TYPES.replace("{own}", &own("pg_type")), &[])? {
        inventory.types.push(Type {
            schema: row.get("schema"),
            name: row.get("name"),
            kind: row.get("kind"),
            labels: row.get("labels"),
            base: row.get("base"),
            owner: row.get("owner"),
        });
    }
    for row in session.ask("the extensions", EXTENSIONS, &[])? {
        inventory.extensions.push(Extension {
            name: row.get("name"),
            version: row.get("version"),
            schema: row.get("schema"),
            trusted: row.get("trusted"),
            relocatable: row.get("relocatable"),
            members: 0,
        });
    }
    Ok(sequences)
}
