//! Triggers are off while rows are repaired: they would change what the source has, or write elsewhere. Which are on is
//! asked when the repair runs, and they are as they were afterwards.

use catalog::{Catalog, ObjectKind};

use super::{Damaged, literal};

/// What goes around the statements for rows; empty where no table of the schemas has a trigger.
#[derive(Default)]
pub(super) struct Around {
    pub(super) before: String,
    pub(super) after: String,
}

pub(super) fn around(damaged: &[Damaged<'_>], target: &Catalog) -> Around {
    let is_near = |schema: &String| damaged.iter().any(|it| it.table.schema == *schema);
    let mut triggers = target.objects.iter().filter(|it| it.kind == ObjectKind::Trigger);
    if !triggers.any(|it| is_near(&it.schema)) {
        return Around::default();
    }
    let tables: Vec<String> = damaged
        .iter()
        .map(|it| literal(Some(&it.table.qualified_name().to_string())))
        .collect();
    let before = format!(
        "
-- Triggers of these tables are off until the end of the transaction; without them if it fails.
CREATE TEMPORARY TABLE coalesce_repair_triggers ON COMMIT DROP AS
  WITH tables AS (
    SELECT pg_catalog.unnest(ARRAY[{}]::pg_catalog.regclass[]) AS oid)
  SELECT t.tgrelid, t.tgname, t.tgenabled FROM pg_catalog.pg_trigger AS t
  WHERE NOT t.tgisinternal AND t.tgenabled OPERATOR(pg_catalog.<>) 'D' AND (
    t.tgrelid IN (SELECT oid FROM tables)
    OR t.tgrelid IN (SELECT p.relid FROM tables, pg_catalog.pg_partition_tree(tables.oid) AS p));
{}",
        tables.join(", "),
        block("'DISABLE'")
    );
    let after = block(
        "CASE it.tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE' END",
    );
    Around { before, after }
}

fn block(action: &str) -> String {
    format!(
        "DO $repair$
DECLARE it record;
BEGIN
  FOR it IN SELECT * FROM pg_temp.coalesce_repair_triggers LOOP
    EXECUTE pg_catalog.format('ALTER TABLE ONLY %s %s TRIGGER %I', it.tgrelid::pg_catalog.regclass, {action}, it.tgname);
  END LOOP;
END $repair$;
"
    )
}
