//! Encodings, and what orders text: a locale that two servers know differently leaves indexes, unique keys and
//! partitions that do not mean the same.

use std::collections::BTreeMap;

use catalog::{Catalog, PartitionStrategy, quote_ident};
use inventory::{Inventory, Table};

use super::conflict::{list, number_of};
use super::{Conflict, Scene, Severity, Side, Topic};
use crate::target::Target;

pub(super) fn find(scene: &Scene<'_>, conflicts: &mut Vec<Conflict>) {
    for side in scene.sides.iter().filter(|it| it.inventory.is_postgres()) {
        conflicts.extend(encoding(side));
        conflicts.extend(outdated(side));
    }
    let Some(target) = scene.target else { return };
    conflicts.extend(outdated_target(target));
    for side in &scene.sides {
        conflicts.extend(orders(side, target));
        // NOCASE and RTRIM are SQLite's own, and choices for the file say what becomes of them.
        if side.inventory.is_postgres() {
            conflicts.extend(missing(side, target));
        }
    }
}

fn encoding(side: &Side<'_>) -> Option<Conflict> {
    let (label, encoding) = (&side.label, side.inventory.server.encoding.as_str());
    let (severity, text, way_out) = match encoding {
        "UTF8" | "" => return None,
        "SQL_ASCII" => (
            Severity::Warns,
            format!("text of {label} has no encoding (SQL_ASCII), archives are UTF8"),
            "bytes that are not UTF-8 stop dump or load: look through the text columns first",
        ),
        _ => (
            Severity::Resolved,
            format!("{label} has encoding {encoding}, archives are UTF8"),
            "the server converts while dump reads",
        ),
    };
    Some(Conflict::new(
        severity,
        Topic::Encoding,
        &[side.key(), encoding],
        text,
        way_out,
    ))
}

/// The library's order has changed since the source's indexes were built.
fn outdated(side: &Side<'_>) -> Option<Conflict> {
    let of = &side.inventory.server.collation;
    let (recorded, actual) = (of.version.as_ref()?, of.actual_version.as_ref()?);
    (recorded != actual).then(|| {
        let bound = Bound::of(side.inventory, side.catalog);
        Conflict::new(
            Severity::Warns,
            Topic::Collation,
            &[side.key(), "outdated"],
            format!(
                "{} was made under version {recorded} of {} and runs under {actual}: {} may be out of order",
                side.label,
                of.name,
                bound.told()
            ),
            "REINDEX there first, so that duplicates in unique keys are found before the move",
        )
        .with_evidence(bound.objects)
    })
}

fn outdated_target(target: &Target) -> Option<Conflict> {
    let facts = &target.facts;
    let (recorded, actual) = (
        facts.collation_version.as_ref()?,
        facts.collation_actual_version.as_ref()?,
    );
    (recorded != actual).then(|| {
        Conflict::new(
            Severity::Warns,
            Topic::Collation,
            &["target", "outdated"],
            format!(
                "{} was made under version {recorded} of its collation and runs under {actual}",
                target.name
            ),
            format!(
                "REINDEX what it holds, then ALTER DATABASE {} REFRESH COLLATION VERSION",
                quote_ident(&target.identity.database)
            ),
        )
    })
}

fn orders(side: &Side<'_>, target: &Target) -> Option<Conflict> {
    let there = &target.identity.collation;
    let here = if side.inventory.is_postgres() {
        side.inventory.server.collation.to_string()
    } else {
        "its bytes".to_owned()
    };
    if here == *there || is_by_bytes(&here) && is_by_bytes(there) {
        return None;
    }
    let bound = Bound::of(side.inventory, side.catalog);
    let is_bound = !bound.objects.is_empty();
    let (severity, way_out) = match (side.inventory.is_postgres(), is_bound) {
        (true, true) => (
            Severity::Warns,
            "indexes are built in the target's order; check what relies on ORDER BY, < and unique text keys",
        ),
        (true, false) => (Severity::Notes, "text may sort in another order"),
        (false, _) => (
            Severity::Notes,
            "text may sort in another order; ORDER BY … COLLATE \"C\" sorts as SQLite does",
        ),
    };
    Some(
        Conflict::new(
            severity,
            Topic::Collation,
            &[side.key(), "order"],
            format!(
                "{} sorts by {here}, {} by {there}: {}",
                side.label,
                target.name,
                bound.told()
            ),
            way_out,
        )
        .with_evidence(bound.objects),
    )
}

/// Whether text is ordered by its bytes; of UTF-8 that is the order of code points.
fn is_by_bytes(collation: &str) -> bool {
    let locale = collation.split_once(':').map_or(collation, |(_, it)| it);
    let locale = locale.split('@').next().unwrap_or_default();
    collation == "its bytes" || ["C", "POSIX", "C.UTF-8", "C.UTF8", "C.utf8"].contains(&locale)
}

/// Columns with a COLLATE of their own that the target has not.
fn missing(side: &Side<'_>, target: &Target) -> Vec<Conflict> {
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for table in &side.inventory.tables {
        for column in &table.columns {
            let Some(collation) = &column.collation else {
                continue;
            };
            let columns = found.entry(collation).or_default();
            columns.push(format!("{}.{}", table.label(), column.name));
        }
    }
    let absent = found.into_iter().filter(|(it, _)| !is_there(side, target, it));
    let each = absent.map(|(collation, columns)| {
        Conflict::new(
            Severity::Blocks,
            Topic::Collation,
            &[side.key(), collation],
            format!(
                "{} lacks collation {collation}, which {} of {} {}: {}",
                target.name,
                number_of(columns.len(), "column", "columns"),
                side.label,
                if columns.len() == 1 { "has" } else { "have" },
                list(&columns, 3)
            ),
            "install the locale on the target's machine, then an administrator runs \
             SELECT pg_import_system_collations('pg_catalog')",
        )
        .with_evidence(columns)
    });
    each.collect()
}

fn is_there(side: &Side<'_>, target: &Target, collation: &str) -> bool {
    let Some((first, rest)) = plan::name_part(collation) else {
        return true;
    };
    let second = rest.strip_prefix('.').and_then(plan::name_part);
    let (schema, name) = match &second {
        Some((name, _)) => (Some(first.as_str()), name.as_str()),
        None => (None, first.as_str()),
    };
    let is_schema = |it: &str| schema.is_none_or(|schema| schema == it);
    let mut own = side.catalog.objects.iter();
    let is_own =
        own.any(|it| it.kind == catalog::ObjectKind::Collation && it.name == name && is_schema(&it.schema));
    let mut there = target.facts.collations.iter();
    is_own || there.any(|(of, it)| it == name && is_schema(of))
}

/// What the database's own locale orders.
struct Bound {
    indexes: usize,
    unique: usize,
    partitioned: usize,
    objects: Vec<String>,
}

impl Bound {
    fn of(inventory: &Inventory, catalog: &Catalog) -> Self {
        let mut bound = Bound {
            indexes: 0,
            unique: 0,
            partitioned: 0,
            objects: Vec::new(),
        };
        for table in &inventory.tables {
            for index in table
                .indexes
                .iter()
                .filter(|it| it.method == "btree" || it.method.is_empty())
            {
                let by_bytes =
                    index.definition.contains("_pattern_ops") || index.definition.contains("COLLATE \"C\"");
                let Some(column) = index.columns.iter().find(|it| is_ordered(table, it)) else {
                    continue;
                };
                if by_bytes && index.columns.len() == 1 {
                    continue;
                }
                if index.flags.unique {
                    bound.unique += 1;
                } else {
                    bound.indexes += 1;
                }
                let kind = if index.flags.unique {
                    "unique index"
                } else {
                    "index"
                };
                bound
                    .objects
                    .push(format!("{kind} {}.{} ({column})", table.schema, index.name));
            }
        }
        for table in &catalog.tables {
            let Some(key) = &table.partition_key else { continue };
            let is_ranged = key.strategy == PartitionStrategy::Range;
            if is_ranged && key.collations.iter().any(|it| !is_by_bytes(it)) {
                bound.partitioned += 1;
                let name = table.qualified_name();
                bound.objects.push(format!("range partitions of {name}"));
            }
        }
        bound
    }

    /// `3 text indexes, 1 unique key`, or that there is none.
    fn told(&self) -> String {
        let parts = [
            (self.indexes, "text index", "text indexes"),
            (self.unique, "unique text key", "unique text keys"),
            (
                self.partitioned,
                "table in ranges of text",
                "tables in ranges of text",
            ),
        ];
        let told: Vec<String> = parts
            .iter()
            .filter(|(number, ..)| *number > 0)
            .map(|(number, one, many)| number_of(*number, one, many))
            .collect();
        match told.as_slice() {
            [] => "no index over text".to_owned(),
            told => format!("{} ({})", list(told, 3), list(&self.objects, 2)),
        }
    }
}

/// Whether a column's text is ordered by the database's locale.
fn is_ordered(table: &Table, name: &str) -> bool {
    let column = table.columns.iter().find(|it| it.name == name);
    column.is_some_and(|it| {
        let plain = it
            .type_name
            .split(['(', '['])
            .next()
            .unwrap_or_default()
            .trim_end();
        let is_text = [
            "text",
            "character varying",
            "varchar",
            "character",
            "bpchar",
            "citext",
        ]
        .contains(&plain.rsplit('.').next().unwrap_or_default());
        is_text && it.collation.is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use inventory::{Column, Index, IndexFlags};

    fn table() -> Table {
        let column = |name: &str, type_name: &str, collation: Option<&str>| Column {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
            collation: collation.map(str::to_owned),
            ..Column::default()
        };
        let index = |name: &str, column: &str, unique, more: &str| Index {
            name: name.to_owned(),
            columns: vec![column.to_owned()],
            definition: format!("CREATE INDEX {name} ON s.t USING btree ({column}{more})"),
            method: "btree".to_owned(),
            flags: IndexFlags {
                unique,
                ..IndexFlags::default()
            },
            ..Index::default()
        };
        Table {
            schema: "s".to_owned(),
            name: "t".to_owned(),
            columns: vec![
                column("n", "integer", None),
                column("v", "character varying(20)", None),
                column("c", "text", Some("\"C\"")),
            ],
            indexes: vec![
                index("n_i", "n", true, ""),
                index("v_i", "v", false, ""),
                index("v_u", "v", true, ""),
                index("v_p", "v", false, " text_pattern_ops"),
                index("c_i", "c", true, ""),
            ],
            ..Table::default()
        }
    }

    #[test]
    fn only_text_in_the_locale_s_order_is_bound() {
        let inventory = Inventory {
            tables: vec![table()],
            ..Inventory::default()
        };
        let bound = Bound::of(&inventory, &Catalog::default());
        assert_eq!((bound.indexes, bound.unique, bound.partitioned), (1, 1, 0));
        assert_eq!(bound.objects, ["index s.v_i (v)", "unique index s.v_u (v)"]);
    }

    #[test]
    fn orders_by_bytes_are_the_same() {
        for (one, other, same) in [
            ("libc:C", "libc:C.UTF-8", true),
            ("builtin:C.UTF-8@1", "its bytes", true),
            ("libc:POSIX", "libc:en_US.UTF-8@2.36", false),
        ] {
            assert_eq!(is_by_bytes(one) && is_by_bytes(other), same, "{one} {other}");
        }
    }
}
