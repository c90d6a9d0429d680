//! Foreign keys as questions: which rows refer to nothing. Asked as PostgreSQL itself asks when it validates a key
//! (`RI_Initial_Check` in `ri_triggers.c`): by the key's own operators, casts and collation.

use catalog::{ForeignKey, QualifiedName, quote_ident};
use postgres::{GenericClient, Row};

use crate::{Error, Result};

/// A foreign key, declared or only meant, whose rows can be looked through.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of the catalog by itself"
)]
#[derive(Clone, Debug)]
pub struct ReferenceCheck {
    /// `None` where no constraint of the database says so.
    pub constraint: Option<String>,
    pub key: ForeignKey,
    /// Whether PostgreSQL says of the constraint that every row keeps to it.
    pub validated: bool,
    /// Whether the last columns are periods, which one row alone need not cover.
    pub is_temporal: bool,
    match_full: bool,
    child_is_tree: bool,
    parent_is_tree: bool,
    pairs: Vec<Pair>,
}

/// A referring column with what it refers to.
#[derive(Clone, Debug)]
struct Pair {
    child: String,
    parent: String,
    /// The operator as SQL: `OPERATOR(pg_catalog.=)`, the parent on its left.
    operator: String,
    /// `None` for operators that take any type.
    parent_type: Option<String>,
    child_type: Option<String>,
    /// Where both columns have different ones: the parent's.
    collation: Option<String>,
}

/// `$1`: schemas in which one of the two tables is. Keys that PostgreSQL derived for partitions follow their root, unless
/// the root is elsewhere.
const CHECKS: &str = "
SELECT k.oid, k.conname::pg_catalog.text AS name, k.confmatchtype = 'f' AS match_full,
       tn.nspname::pg_catalog.text AS schema, t.relname::pg_catalog.text AS table_name, t.relkind = 'p' AS tree,
       pn.nspname::pg_catalog.text AS parent_schema, p.relname::pg_catalog.text AS parent_name,
       p.relkind = 'p' AS parent_tree, k.convalidated
         AND COALESCE((pg_catalog.to_jsonb(k) ->> 'conenforced')::pg_catalog.bool, true) AS validated,
       COALESCE((pg_catalog.to_jsonb(k) ->> 'conperiod')::pg_catalog.bool, false) AS temporal,
       ca.attname::pg_catalog.text AS child_column, pa.attname::pg_catalog.text AS parent_column,
       opn.nspname::pg_catalog.text AS operator_schema, op.oprname::pg_catalog.text AS operator,
       lt.typtype = 'p' AS left_any, ltn.nspname::pg_catalog.text AS left_schema, lt.typname::pg_catalog.text AS left_type,
       rt.typtype = 'p' AS right_any, rtn.nspname::pg_catalog.text AS right_schema,
       rt.typname::pg_catalog.text AS right_type,
       pcn.nspname::pg_catalog.text AS collation_schema, pc.collname::pg_catalog.text AS collation
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class t ON t.oid = k.conrelid JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_catalog.pg_class p ON p.oid = k.confrelid JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey), pg_catalog.unnest(k.conpfeqop))
  WITH ORDINALITY AS c (child, parent, operator, place)
JOIN pg_catalog.pg_attribute ca ON ca.attrelid = t.oid AND ca.attnum = c.child
JOIN pg_catalog.pg_attribute pa ON pa.attrelid = p.oid AND pa.attnum = c.parent
JOIN pg_catalog.pg_operator op ON op.oid = c.operator JOIN pg_catalog.pg_namespace opn ON opn.oid = op.oprnamespace
JOIN pg_catalog.pg_type lt ON lt.oid = op.oprleft JOIN pg_catalog.pg_namespace ltn ON ltn.oid = lt.typnamespace
JOIN pg_catalog.pg_type rt ON rt.oid = op.oprright JOIN pg_catalog.pg_namespace rtn ON rtn.oid = rt.typnamespace
LEFT JOIN pg_catalog.pg_collation pc ON pc.oid = pa.attcollation AND pa.attcollation <> ca.attcollation
LEFT JOIN pg_catalog.pg_namespace pcn ON pcn.oid = pc.collnamespace
WHERE k.contype = 'f' AND (tn.nspname = ANY ($1) OR pn.nspname = ANY ($1))
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint r JOIN pg_catalog.pg_class rc ON rc.oid = r.conrelid
                  JOIN pg_catalog.pg_namespace rn ON rn.oid = rc.relnamespace
                  WHERE r.oid = k.conparentid AND (r.conrelid = k.conrelid OR rn.nspname = ANY ($1)))
ORDER BY tn.nspname COLLATE \"C\", t.relname COLLATE \"C\", k.conname COLLATE \"C\", k.oid, c.place";

/// The keys that the database declares, from or to tables of `schemas`.
pub fn read_reference_checks(
    client: &mut impl GenericClient,
    schemas: &[String],
) -> Result<Vec<ReferenceCheck>> {
    let rows = client
        .query(CHECKS, &[&schemas])
        .map_err(Error::query("the foreign keys could not be listed"))?;
    let mut checks: Vec<(u32, ReferenceCheck)> = Vec::new();
    for row in rows {
        let oid: u32 = row.get("oid");
        if checks.last().is_none_or(|(last, _)| *last != oid) {
            checks.push((oid, declared(&row)));
        }
        if let Some((_, check)) = checks.last_mut() {
            let pair = pair(&row);
            check.key.columns.push(pair.child.clone());
            check.key.parent_columns.push(pair.parent.clone());
            check.pairs.push(pair);
        }
    }
    Ok(checks.into_iter().map(|(_, check)| check).collect())
}

fn declared(row: &Row) -> ReferenceCheck {
    let name = |schema, name| QualifiedName::new(row.get::<_, String>(schema), row.get::<_, String>(name));
    ReferenceCheck {
        constraint: Some(row.get("name")),
        key: ForeignKey {
            table: name("schema", "table_name"),
            columns: Vec::new(),
            parent: name("parent_schema", "parent_name"),
            parent_columns: Vec::new(),
        },
        validated: row.get("validated"),
        is_temporal: row.get("temporal"),
        match_full: row.get("match_full"),
        child_is_tree: row.get("tree"),
        parent_is_tree: row.get("parent_tree"),
        pairs: Vec::new(),
    }
}

fn pair(row: &Row) -> Pair {
    let name = |schema: &str, name: &str| {
        let name = name_in(row.get(schema), row.get(name));
        name.to_string()
    };
    let (operator_schema, operator): (&str, &str) = (row.get("operator_schema"), row.get("operator"));
    Pair {
        child: row.get("child_column"),
        parent: row.get("parent_column"),
        operator: format!("OPERATOR({}.{operator})", quote_ident(operator_schema)),
        parent_type: (!row.get::<_, bool>("left_any")).then(|| name("left_schema", "left_type")),
        child_type: (!row.get::<_, bool>("right_any")).then(|| name("right_schema", "right_type")),
        collation: collation(row),
    }
}

/// As SQL.
fn collation(row: &Row) -> Option<String> {
    let name: Option<&str> = row.get("collation");
    name.map(|name| name_in(row.get("collation_schema"), name).to_string())
}

fn name_in(schema: &str, name: &str) -> QualifiedName {
    QualifiedName::new(schema, name)
}

/// For each place of `$1` to `$3` (schema, table, column of what is referred to): what kind of relation it is, the equality
/// of the column's type, and its collation where the referring column, `$4` to `$6`, has another one.
const MEANT: &str = "
WITH RECURSIVE wanted AS (
  SELECT * FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[]),
    pg_catalog.unnest($3::pg_catalog.text[]), pg_catalog.unnest($4::pg_catalog.text[]),
    pg_catalog.unnest($5::pg_catalog.text[]), pg_catalog.unnest($6::pg_catalog.text[]))
    WITH ORDINALITY AS w (schema, name, attribute, child_schema, child_name, child_attribute, place)
), base AS (
  SELECT w.place, a.atttypid AS type FROM wanted w JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = w.attribute
  UNION ALL
  SELECT b.place, t.typbasetype FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type AND t.typtype = 'd'
)
SELECT w.place, p.relkind = 'p' AS parent_tree, t.relkind = 'p' AS tree,
       (SELECT onn.nspname::pg_catalog.text FROM base b
        JOIN pg_catalog.pg_opclass oc ON oc.opcintype = b.type AND oc.opcdefault
        JOIN pg_catalog.pg_am am ON am.oid = oc.opcmethod AND am.amname = 'btree'
        JOIN pg_catalog.pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amopstrategy = 3
          AND ao.amoplefttype = b.type AND ao.amoprighttype = b.type
        JOIN pg_catalog.pg_operator o ON o.oid = ao.amopopr AND o.oprname = '='
        JOIN pg_catalog.pg_namespace onn ON onn.oid = o.oprnamespace
        WHERE b.place = w.place LIMIT 1) AS operator_schema,
       pcn.nspname::pg_catalog.text AS collation_schema, pc.collname::pg_catalog.text AS collation
FROM wanted w
JOIN pg_catalog.pg_namespace pn ON pn.nspname = w.schema
JOIN pg_catalog.pg_class p ON p.relnamespace = pn.oid AND p.relname = w.name AND p.relkind IN ('r', 'p')
JOIN pg_catalog.pg_namespace tn ON tn.nspname = w.child_schema
JOIN pg_catalog.pg_class t ON t.relnamespace = tn.oid AND t.relname = w.child_name AND t.relkind IN ('r', 'p')
LEFT JOIN pg_catalog.pg_attribute pa ON pa.attrelid = p.oid AND pa.attname = w.attribute
LEFT JOIN pg_catalog.pg_attribute ca ON ca.attrelid = t.oid AND ca.attname = w.child_attribute
LEFT JOIN pg_catalog.pg_collation pc ON pc.oid = pa.attcollation AND pa.attcollation <> ca.attcollation
LEFT JOIN pg_catalog.pg_namespace pcn ON pcn.oid = pc.collnamespace
ORDER BY w.place";

/// The same for keys that no constraint declares, as far as both tables are there: by the equality of what is referred to.
pub fn reference_checks_for(
    client: &mut impl GenericClient,
    keys: &[ForeignKey],
) -> Result<Vec<ReferenceCheck>> {
    let places: Vec<(&ForeignKey, usize)> = keys
        .iter()
        .flat_map(|key| (0..key.parent_columns.len().min(key.columns.len())).map(move |at| (key, at)))
        .collect();
    let part = |take: &dyn Fn(&ForeignKey, usize) -> String| -> Vec<String> {
        places.iter().map(|(key, at)| take(key, *at)).collect()
    };
    let rows = client
        .query(
            MEANT,
            &[
                &part(&|key, _| key.parent.schema.clone()),
                &part(&|key, _| key.parent.name.clone()),
                &part(&|key, at| key.parent_columns[at].clone()),
                &part(&|key, _| key.table.schema.clone()),
                &part(&|key, _| key.table.name.clone()),
                &part(&|key, at| key.columns[at].clone()),
            ],
        )
        .map_err(Error::query("the columns of foreign keys could not be looked up"))?;
    let mut checks: Vec<ReferenceCheck> = Vec::new();
    for row in rows {
        let place = usize::try_from(row.get::<_, i64>("place") - 1).unwrap_or(usize::MAX);
        let Some(&(key, at)) = places.get(place) else {
            continue;
        };
        if at == 0 {
            checks.push(meant(key, &row));
        }
        if let Some(check) = checks.last_mut() {
            let schema: Option<&str> = row.get("operator_schema");
            check.pairs.push(Pair {
                child: key.columns[at].clone(),
                parent: key.parent_columns[at].clone(),
                operator: format!("OPERATOR({}.=)", quote_ident(schema.unwrap_or("pg_catalog"))),
                parent_type: None,
                child_type: None,
                collation: collation(&row),
            });
        }
    }
    Ok(checks)
}

fn meant(key: &ForeignKey, row: &Row) -> ReferenceCheck {
    ReferenceCheck {
        constraint: None,
        key: key.clone(),
        validated: false,
        is_temporal: false,
        match_full: false,
        child_is_tree: row.get("tree"),
        parent_is_tree: row.get("parent_tree"),
        pairs: Vec::new(),
    }
}

impl ReferenceCheck {
    /// Counts the rows that refer to nothing: one row with one number. NULL refers to nothing and is no orphan, but under
    /// MATCH FULL beside values.
    pub fn count_sql(&self) -> String {
        let lost = format!("SELECT pg_catalog.count(*) {}", self.lost());
        match self.torn() {
            Some(torn) => format!("SELECT ({lost}) + (SELECT pg_catalog.count(*) {torn})"),
            None => lost,
        }
    }

    /// The keys of the first `number` of them, as text.
    pub fn examples_sql(&self, number: usize) -> String {
        let columns: Vec<String> = self
            .pairs
            .iter()
            .map(|it| child(it) + "::pg_catalog.text")
            .collect();
        let columns = columns.join(", ");
        let lost = format!("(SELECT {columns} {} LIMIT {number})", self.lost());
        match self.torn() {
            Some(torn) => format!("{lost} UNION ALL (SELECT {columns} {torn} LIMIT {number}) LIMIT {number}"),
            None => lost,
        }
    }

    fn lost(&self) -> String {
        let present: Vec<String> = self.pairs.iter().map(|it| child(it) + " IS NOT NULL").collect();
        let same: Vec<String> = self.pairs.iter().map(same).collect();
        format!(
            "FROM {}{} AS fk WHERE {} AND NOT EXISTS (SELECT FROM {}{} AS pk WHERE {})",
            only(self.child_is_tree),
            self.key.table,
            present.join(" AND "),
            only(self.parent_is_tree),
            self.key.parent,
            same.join(" AND ")
        )
    }

    /// Rows of which MATCH FULL says that they are wrong without a look at the other table.
    fn torn(&self) -> Option<String> {
        if !self.match_full || self.pairs.len() < 2 {
            return None;
        }
        let test = |what: &str, word: &str| {
            let tests: Vec<String> = self
                .pairs
                .iter()
                .map(|it| format!("{} {what}", child(it)))
                .collect();
            tests.join(word)
        };
        Some(format!(
            "FROM {}{} AS fk WHERE ({}) AND ({})",
            only(self.child_is_tree),
            self.key.table,
            test("IS NULL", " OR "),
            test("IS NOT NULL", " OR ")
        ))
    }
}

/// Rows of heirs by inheritance keep to no foreign key of their parent; partitions do.
fn only(is_tree: bool) -> &'static str {
    if is_tree { "" } else { "ONLY " }
}

fn child(pair: &Pair) -> String {
    format!("fk.{}", quote_ident(&pair.child))
}

fn same(pair: &Pair) -> String {
    let cast = |value: String, to: &Option<String>| match to {
        Some(to) => format!("CAST({value} AS {to})"),
        None => value,
    };
    let parent = cast(format!("pk.{}", quote_ident(&pair.parent)), &pair.parent_type);
    let collation = pair.collation.as_ref().map(|it| format!(" COLLATE {it}"));
    format!(
        "{parent}{} {} {}",
        collation.unwrap_or_default(),
        pair.operator,
        cast(child(pair), &pair.child_type)
    )
}
