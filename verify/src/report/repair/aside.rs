//! What is set aside while rows are repaired: triggers and rules, which would change what the source has or write
//! elsewhere; policies that bind the owner, who would see fewer rows; and the foreign keys that no order of statements can
//! satisfy, or that would change other rows. What there is of it is asked when the repair runs, and it is as it was afterwards.

use std::fmt::Write as _;

use catalog::QualifiedName;

use super::{Damaged, Ground, literal};

/// What goes around the statements for rows; empty where nothing stands in their way.
#[derive(Default)]
pub(super) struct Around {
    pub(super) before: String,
    pub(super) after: String,
}

/// `keys` are pairs of tables: one that refers, and the one that it refers to.
pub(super) fn around(
    damaged: &[Damaged<'_>],
    keys: &[(QualifiedName, QualifiedName)],
    ground: &Ground,
) -> Around {
    let is_guarded = |it: &Damaged<'_>| ground.obstacles(&it.table.qualified_name()).is_guarded;
    if keys.is_empty() && !damaged.iter().any(is_guarded) {
        return Around::default();
    }
    let mut before = String::from(
        "
-- What is set aside here is back at the end of the transaction, and if it fails as if nothing had been.
CREATE TEMPORARY TABLE coalesce_repair_aside (place serial, away text, back text) ON COMMIT DROP;
",
    );
    foreign_keys(keys, &mut before);
    guards(damaged, &mut before);
    before.push_str(&block("away", "place"));
    Around {
        before,
        after: block("back", "place DESC"),
    }
}

fn foreign_keys(keys: &[(QualifiedName, QualifiedName)], text: &mut String) {
    if keys.is_empty() {
        return;
    }
    let pair = |(child, parent): &(QualifiedName, QualifiedName)| {
        let name = |it: &QualifiedName| format!("{}::pg_catalog.regclass", literal(Some(&it.to_string())));
        format!("({}, {})", name(child), name(parent))
    };
    let pairs: Vec<String> = keys.iter().map(pair).collect();
    let _ = writeln!(
        text,
        "-- Foreign keys that no order of these statements satisfies, or that would change other rows: they are made again,
-- and checked, when all rows are right.
INSERT INTO pg_temp.coalesce_repair_aside (away, back)
  SELECT pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::pg_catalog.regclass, k.conname),
    pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %I %s', k.conrelid::pg_catalog.regclass, k.conname,
      pg_catalog.pg_get_constraintdef(k.oid))
    || COALESCE(pg_catalog.format('; COMMENT ON CONSTRAINT %I ON %s IS ', k.conname, k.conrelid::pg_catalog.regclass)
      || pg_catalog.quote_literal(pg_catalog.obj_description(k.oid, 'pg_constraint')), '')
  FROM pg_catalog.pg_constraint AS k
  JOIN (VALUES {}) AS p (child, parent)
    ON k.conrelid OPERATOR(pg_catalog.=) p.child AND k.confrelid OPERATOR(pg_catalog.=) p.parent
  WHERE k.contype OPERATOR(pg_catalog.=) 'f' AND k.conparentid OPERATOR(pg_catalog.=) 0;",
        pairs.join(", ")
    );
}

fn guards(damaged: &[Damaged<'_>], text: &mut String) {
    let names = damaged.iter().map(|it| it.table.qualified_name().to_string());
    let names: Vec<String> = names.map(|it| literal(Some(&it))).collect();
    let enable = |letter: &str| {
        format!(
            "CASE {letter} WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE' END"
        )
    };
    let _ = writeln!(
        text,
        "-- Triggers, rules, and policies that bind the owner.
WITH tables AS (
    SELECT pg_catalog.unnest(ARRAY[{names}]::pg_catalog.regclass[]) AS oid),
  parts AS (
    SELECT oid FROM tables
    UNION SELECT p.relid FROM tables, pg_catalog.pg_partition_tree(tables.oid) AS p)
INSERT INTO pg_temp.coalesce_repair_aside (away, back)
  SELECT pg_catalog.format('ALTER TABLE ONLY %s DISABLE TRIGGER %I', t.tgrelid::pg_catalog.regclass, t.tgname),
    pg_catalog.format('ALTER TABLE ONLY %s %s TRIGGER %I', t.tgrelid::pg_catalog.regclass, {of_trigger}, t.tgname)
  FROM pg_catalog.pg_trigger AS t JOIN parts ON parts.oid OPERATOR(pg_catalog.=) t.tgrelid
  WHERE NOT t.tgisinternal AND t.tgenabled OPERATOR(pg_catalog.<>) 'D'
  UNION ALL
  SELECT pg_catalog.format('ALTER TABLE %s DISABLE RULE %I', r.ev_class::pg_catalog.regclass, r.rulename),
    pg_catalog.format('ALTER TABLE %s %s RULE %I', r.ev_class::pg_catalog.regclass, {of_rule}, r.rulename)
  FROM pg_catalog.pg_rewrite AS r JOIN parts ON parts.oid OPERATOR(pg_catalog.=) r.ev_class
  WHERE r.ev_enabled OPERATOR(pg_catalog.<>) 'D'
  UNION ALL
  SELECT pg_catalog.format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', c.oid::pg_catalog.regclass),
    pg_catalog.format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', c.oid::pg_catalog.regclass)
  FROM pg_catalog.pg_class AS c JOIN parts ON parts.oid OPERATOR(pg_catalog.=) c.oid WHERE c.relforcerowsecurity;",
        names = names.join(", "),
        of_trigger = enable("t.tgenabled"),
        of_rule = enable("r.ev_enabled"),
    );
}

fn block(column: &str, order: &str) -> String {
    format!(
        "DO $repair$
DECLARE it record;
BEGIN
  FOR it IN SELECT * FROM pg_temp.coalesce_repair_aside ORDER BY {order} LOOP
    EXECUTE it.{column};
  END LOOP;
END $repair$;
"
    )
}
