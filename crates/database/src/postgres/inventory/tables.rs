//! Tables, what they inherit from, and their policies.

use std::collections::HashMap;

use ::inventory::{Inventory, Policy, Table, TableKind};
use postgres::Row;

use super::session::Session;
use super::{Census, own, unsigned};
use crate::Result;
use crate::postgres::partitions;

/// Where each relation's part of the inventory stands, by its OID.
#[derive(Default)]
pub(super) struct Relations {
    tables: HashMap<u32, usize>,
    /// By their number.
    columns: HashMap<u32, HashMap<i16, KnownColumn>>,
    /// Indexes of a table: which table, which of its indexes.
    pub(super) indexes: HashMap<u32, (usize, usize)>,
    /// Pages and rows as `pg_class` has them; no rows before the first VACUUM or ANALYZE.
    pub(super) extents: HashMap<u32, Extent>,
}

pub(super) struct KnownColumn {
    pub(super) name: String,
    pub(super) type_oid: u32,
    /// Its OID; 0 for none.
    pub(super) collation: u32,
}

#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub(super) pages: u64,
    pub(super) rows: Option<u64>,
    /// Of each page what INSERT fills, in percent.
    pub(super) fillfactor: u32,
}

impl Relations {
    pub(super) fn table(&self, oid: u32) -> Option<usize> {
        self.tables.get(&oid).copied()
    }

    pub(super) fn tables(&self) -> impl Iterator<Item = (u32, usize)> {
        self.tables.iter().map(|(oid, place)| (*oid, *place))
    }

    pub(super) fn add_column(&mut self, oid: u32, number: i16, column: KnownColumn) {
        self.columns.entry(oid).or_default().insert(number, column);
    }

    /// `None` for an expression, whose number is 0, and for a column of the system's.
    pub(super) fn column(&self, oid: u32, number: i16) -> Option<&KnownColumn> {
        self.columns.get(&oid)?.get(&number)
    }

    /// Names of the columns with these numbers; those of expressions, which are 0, have none.
    pub(super) fn names(&self, oid: u32, numbers: &[i16]) -> Vec<String> {
        let Some(columns) = self.columns.get(&oid) else {
            return Vec::new();
        };
        numbers
            .iter()
            .filter_map(|it| Some(columns.get(it)?.name.clone()))
            .collect()
    }
}

const TABLES: &str = "
SELECT c.oid, n.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS name,
       c.relkind::pg_catalog.text AS kind, c.relispartition AS is_partition, c.relpersistence = 'u' AS unlogged,
       pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text AS owner,
       c.reltuples::pg_catalog.float8 AS rows, c.relpages AS pages,
       COALESCE((SELECT pg_catalog.substr(o.option, 12) FROM pg_catalog.unnest(c.reloptions) AS o (option)
                 WHERE o.option LIKE 'fillfactor=%'), '100')::pg_catalog.int4 AS fillfactor,
       c.relrowsecurity AS row_security, c.relforcerowsecurity AS row_security_forced,
       COALESCE(c.relacl::pg_catalog.text[], '{}') AS grants, d.description AS comment,
       pg_catalog.pg_stat_get_live_tuples(c.oid) AS live_rows, pg_catalog.pg_stat_get_dead_tuples(c.oid) AS dead_rows,
       pg_catalog.to_char(GREATEST(pg_catalog.pg_stat_get_last_analyze_time(c.oid),
         pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid)) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')
         AS last_analyzed
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_description d ON d.objoid = c.oid AND d.objsubid = 0
  AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND {own}
ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"";

const PARENTS: &str = "
SELECT i.inhrelid AS relation, pn.nspname::pg_catalog.text AS schema, p.relname::pg_catalog.text AS name
FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class p ON p.oid = i.inhparent AND p.relkind IN ('r', 'p', 'f')
JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace ORDER BY i.inhrelid, i.inhseqno";

const POLICIES: &str = "
SELECT p.polrelid AS relation, p.polname::pg_catalog.text AS name, p.polpermissive AS permissive,
       CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
         ELSE 'ALL' END AS command,
       ARRAY(SELECT CASE r.oid WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(r.oid)::pg_catalog.text END
             FROM pg_catalog.unnest(p.polroles) AS r (oid)) AS roles
FROM pg_catalog.pg_policy p ORDER BY p.polrelid, p.polname COLLATE \"C\"";

pub(super) fn read(session: &mut Session<'_>, inventory: &mut Inventory) -> Result<Relations> {
    let mut relations = Relations::default();
    for row in session.ask("the tables", &TABLES.replace("{own}", &own("pg_class")), &[])? {
        let oid: u32 = row.get("oid");
        relations.tables.insert(oid, inventory.tables.len());
        let estimate = row.get::<_, f64>("rows");
        relations.extents.insert(
            oid,
            Extent {
                pages: u64::from(row.get::<_, i32>("pages").unsigned_abs()),
                rows: estimated(estimate, row.get("pages"), session.major),
                fillfactor: row.get::<_, i32>("fillfactor").clamp(10, 100).unsigned_abs(),
            },
        );
        let rows = relations.extents[&oid].rows;
        inventory.tables.push(table(&row, rows));
    }
    for row in session.ask("the parents of tables", PARENTS, &[])? {
        if let Some(place) = relations.table(row.get("relation")) {
            let (schema, name): (&str, &str) = (row.get("schema"), row.get("name"));
            inventory.tables[place].parents.push(format!("{schema}.{name}"));
        }
    }
    for row in session.ask("the policies", POLICIES, &[])? {
        if let Some(place) = relations.table(row.get("relation")) {
            inventory.tables[place].policies.push(Policy {
                name: row.get("name"),
                roles: row.get("roles"),
                command: row.get("command"),
                permissive: row.get("permissive"),
            });
        }
    }
    Ok(relations)
}

/// `reltuples`, which says -1 before the first VACUUM or ANALYZE, and 0 before PostgreSQL 14.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is not negative, and a table has fewer rows than 2^63"
)]
pub(super) fn estimated(rows: f64, pages: i32, major: u32) -> Option<u64> {
    let is_unknown = rows < 0.0 || major < 14 && rows == 0.0 && pages == 0;
    (!is_unknown).then(|| rows.round() as u64)
}

fn table(row: &Row, estimate: Option<u64>) -> Table {
    let kind = match (row.get("kind"), row.get("is_partition")) {
        ("p", _) => TableKind::Partitioned,
        ("f", _) => TableKind::Foreign,
        (_, true) => TableKind::Partition,
        _ => TableKind::Ordinary,
    };
    let has_rows = !matches!(kind, TableKind::Partitioned | TableKind::Foreign);
    let live = unsigned(row.get("live_rows"));
    Table {
        schema: row.get("schema"),
        name: row.get("name"),
        kind,
        owner: row.get("owner"),
        comment: row.get("comment"),
        rows_estimate: estimate.filter(|_| has_rows),
        // Before the first ANALYZE the server still knows how many came and went, unless its statistics were reset.
        rows_counted: match estimate {
            _ if !has_rows => Some(0),
            None if live > 0 => Some(live),
            _ => None,
        },
        rows_exact: !has_rows,
        dead_rows: has_rows.then(|| unsigned(row.get("dead_rows"))),
        last_analyzed: row.get("last_analyzed"),
        unlogged: row.get("unlogged"),
        row_security: row.get("row_security"),
        row_security_forced: row.get("row_security_forced"),
        grants: row.get("grants"),
        ..Table::default()
    }
}

pub(super) fn read_partition_keys(session: &mut Session<'_>, census: &mut Census) -> Result<()> {
    let sql = "SELECT c.oid, n.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS name
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'p'";
    let rows = session.ask("the partitioned tables", sql, &[])?;
    if rows.is_empty() {
        return Ok(());
    }
    let keys = session.guarded("the partition keys", partitions::read_keys)?;
    let mut keys = keys.unwrap_or_default();
    let named = rows.iter().filter_map(|row| {
        Some((
            (row.get("schema"), row.get("name")),
            keys.remove(&row.get("oid"))?,
        ))
    });
    census.partition_keys = named.collect();
    Ok(())
}
