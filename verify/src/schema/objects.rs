//! What a source has beside rows, and the target lacks, by names alone: for sources of which nobody knows how their
//! objects are defined.

use std::collections::{HashMap, HashSet};

use catalog::{Catalog, Object, ObjectKind, QualifiedName, Table, TableKind};

use crate::report::{Area, Finding};

/// The first PostgreSQL whose catalog lists NOT NULL constraints by name.
const NAMED_NOT_NULL: u32 = 18;

/// A side's catalog with the major version of its PostgreSQL, where it is one.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) major: Option<u32>,
}

/// Everything that is missing on the target.
///
/// Tables with rows and sequences are compared elsewhere, with what they hold. What belongs to a table that is
/// missing itself is not told again.
///
/// `renamed` is the source's catalog under the names of the target.
pub(crate) fn missing(source: Side<'_>, target: Side<'_>, renamed: &Catalog) -> Vec<Finding> {
    let comparison = Comparison::new(source, target, renamed);
    let mut findings = comparison.missing_tables();
    findings.extend(comparison.missing_objects());
    findings
}

struct Comparison<'a> {
    source: Side<'a>,
    target: Side<'a>,
    /// The source's catalog under the names of the target, everything in the same order.
    renamed: &'a Catalog,
    /// The source's tables that get constraints and triggers from another: partitions and children.
    heirs: HashMap<QualifiedName, &'a Table>,
    has_partitions: bool,
}

impl<'a> Comparison<'a> {
    fn new(source: Side<'a>, target: Side<'a>, renamed: &'a Catalog) -> Self {
        let tables = &source.catalog.tables;
        let heirs = tables
            .iter()
            .filter(|it| it.partition_of.is_some() || !it.inherits.is_empty());
        Comparison {
            source,
            target,
            renamed,
            heirs: heirs.map(|it| (it.qualified_name(), it)).collect(),
            has_partitions: tables.iter().any(|it| it.kind == TableKind::Partitioned),
        }
    }

    /// Tables without rows of their own.
    fn missing_tables(&self) -> Vec<Finding> {
        let found: HashMap<QualifiedName, TableKind> = self
            .target
            .catalog
            .tables
            .iter()
            .map(|it| (it.qualified_name(), it.kind))
            .collect();
        let tables = self.renamed.tables.iter().filter(|it| !it.has_rows());
        let missing = tables.filter_map(|table| {
            let name = table.qualified_name();
            let word = match table.kind {
                TableKind::Partitioned => "partitioned table",
                TableKind::Foreign => "foreign table",
                _ => "table",
            };
            let kind = match table.kind {
                TableKind::Merged => TableKind::Ordinary,
                kind => kind,
            };
            (found.get(&name) != Some(&kind))
                .then(|| Finding::new(Area::Schema, format!("{word} {name}"), "missing"))
        });
        missing.collect()
    }

    fn missing_objects(&self) -> Vec<Finding> {
        let mut found: HashMap<Object, usize> = HashMap::new();
        for object in &self.target.catalog.objects {
            *found.entry(object.clone()).or_default() += 1;
        }
        let mut lacking: Vec<(&Object, Object)> = Vec::new();
        for (object, mapped) in self.pairs().filter(|(it, _)| self.is_compared(it)) {
            let mapped = mapped.clone();
            match found.get_mut(&mapped) {
                Some(count) if *count > 0 => *count -= 1,
                _ => lacking.push((object, mapped)),
            }
        }
        let lacking = self.without_followers(lacking);
        let unmatched =
            |it: &Object| (it.kind == ObjectKind::Constraint).then(|| (it.schema.clone(), it.table.clone()));
        let mut surplus: HashMap<(String, Option<String>), usize> = HashMap::new();
        for (object, count) in &found {
            if let Some(table) = unmatched(object) {
                *surplus.entry(table).or_default() += count;
            }
        }
        let mut findings = Vec::new();
        for (object, mapped) in lacking {
            // PostgreSQL names these itself, by the order in which partitions were attached.
            let renamed = self.is_named_by_server(object)
                && unmatched(&mapped)
                    .and_then(|table| surplus.get_mut(&table))
                    .is_some_and(|count| {
                        let is_there = *count > 0;
                        *count = count.saturating_sub(1);
                        is_there
                    });
            if !renamed {
                findings.push(self.finding(&mapped));
            }
        }
        findings.dedup();
        findings
    }

    fn is_compared(&self, object: &Object) -> bool {
        let with_rows = matches!(
            object.kind,
            ObjectKind::Table | ObjectKind::ForeignTable | ObjectKind::Sequence
        );
        let unlisted = object.kind == ObjectKind::Constraint
            && object.name.contains("_not_null")
            && self.source.major.is_some_and(|it| it >= NAMED_NOT_NULL)
            && self.target.major.is_some_and(|it| it < NAMED_NOT_NULL);
        !with_rows
            && !unlisted
            && self
                .source
                .catalog
                .schemas
                .iter()
                .any(|it| it.name == object.schema)
    }

    /// The source's objects, each with what it is called on the target.
    fn pairs(&self) -> impl Iterator<Item = (&'a Object, &'a Object)> {
        self.source.catalog.objects.iter().zip(&self.renamed.objects)
    }

    /// Leaves out what is missing because something else is: the table that it belongs to, the constraint of an
    /// index, the parent's object of the same name.
    fn without_followers(&self, lacking: Vec<(&'a Object, Object)>) -> Vec<(&'a Object, Object)> {
        let relations: HashSet<(&str, &str)> = self
            .target
            .catalog
            .objects
            .iter()
            .filter(|it| is_relation(it.kind))
            .map(|it| (it.schema.as_str(), it.name.as_str()))
            .collect();
        let constraints: HashSet<Object> = lacking
            .iter()
            .filter(|(_, it)| it.kind == ObjectKind::Constraint)
            .map(|(_, it)| it.clone())
            .collect();
        let inherited: HashSet<&Object> = self.source.catalog.objects.iter().collect();
        let stands_alone = |(object, mapped): &(&Object, Object)| {
            let has_table = mapped
                .table
                .as_ref()
                .is_none_or(|table| relations.contains(&(mapped.schema.as_str(), table.as_str())));
            let constraint = Object {
                kind: ObjectKind::Constraint,
                indexed: true,
                ..mapped.clone()
            };
            let of_constraint = mapped.kind == ObjectKind::Index && constraints.contains(&constraint);
            let is_inherited = self.parents_objects(object).any(|it| inherited.contains(&it));
            has_table && !of_constraint && !is_inherited
        };
        lacking.into_iter().filter(stands_alone).collect()
    }

    /// The objects from which `object` can come by inheritance.
    fn parents_objects(&self, object: &Object) -> impl Iterator<Item = Object> {
        let inherits = matches!(object.kind, ObjectKind::Constraint | ObjectKind::Trigger);
        let table = self.table_of(object).filter(|_| inherits);
        let parents = table
            .into_iter()
            .flat_map(|it| it.partition_of.iter().chain(&it.inherits));
        parents.map(|parent| Object {
            schema: parent.schema.clone(),
            table: Some(parent.name.clone()),
            ..object.clone()
        })
    }

    /// Whether the object can be a constraint that PostgreSQL itself derived from another: for a partition or a
    /// child, or for one of the partitions that a foreign key refers to (`r_p_fkey`, `r_p_fkey1`, `to_p_1`).
    fn is_named_by_server(&self, object: &Object) -> bool {
        let for_partition = self.has_partitions
            && (object.name.ends_with("_fkey") || object.name.ends_with(|it: char| it.is_ascii_digit()));
        object.kind == ObjectKind::Constraint && (self.table_of(object).is_some() || for_partition)
    }

    fn table_of(&self, object: &Object) -> Option<&'a Table> {
        let table = object.table.as_ref()?;
        self.heirs
            .get(&QualifiedName::new(&object.schema, table))
            .copied()
    }

    fn finding(&self, mapped: &Object) -> Finding {
        let name = match (mapped.kind, &mapped.table) {
            (ObjectKind::Operator, _) => format!("{}.{}", catalog::quote_ident(&mapped.schema), mapped.name),
            (ObjectKind::Index, _) | (_, None) => {
                QualifiedName::new(&mapped.schema, &mapped.name).to_string()
            }
            (_, Some(table)) => {
                let table = QualifiedName::new(&mapped.schema, table);
                format!("{} of {table}", catalog::quote_ident(&mapped.name))
            }
        };
        let found = count(self.target.catalog.objects.iter(), mapped);
        let finding = |property| Finding::new(Area::Schema, format!("{} {name}", mapped.kind), property);
        if found == 0 {
            return finding("missing");
        }
        // Routines and operators can share a name, each with its own arguments.
        let expected = count(self.renamed.objects.iter(), mapped);
        finding("how many of this name").between(Some(expected.to_string()), Some(found.to_string()))
    }
}

fn count<'a>(objects: impl Iterator<Item = &'a Object>, wanted: &Object) -> usize {
    objects.filter(|it| *it == wanted).count()
}

/// What indexes, constraints, triggers, rules and policies can belong to.
fn is_relation(kind: ObjectKind) -> bool {
    matches!(
        kind,
        ObjectKind::Table | ObjectKind::ForeignTable | ObjectKind::View | ObjectKind::MaterializedView
    )
}
