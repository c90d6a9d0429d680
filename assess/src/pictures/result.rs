//! The consolidated result as a diagram: the tables of all sources under the plan's names, merged ones once.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use catalog::QualifiedName;
use cli::count;
use diagram::{Diagram, Row};
use inventory::{Column, Inventory, Table};
use plan::{Merge, MergedKeys, Namespace, Plan, PlannedSource, PlannedTable, Renamed};

use super::draft::{Draft, Name, Reference};
use super::foreign_keys::{Tables, is_one_to_one, is_optional, marks};
use super::schema;

/// For each target its name, where there are several, and its diagram. The inventories are in the plan's order.
pub(super) fn diagrams(sources: &[&Inventory], plan: &Plan) -> Vec<(Option<String>, Diagram)> {
    let mut by_target: BTreeMap<Option<&str>, Vec<Source<'_>>> = BTreeMap::new();
    for (inventory, planned) in sources.iter().zip(&plan.sources) {
        let target = plan.target_of(planned).ok().map(|it| it.name.as_str());
        by_target
            .entry(target)
            .or_default()
            .push(Source::new(inventory, planned, plan));
    }
    let several = by_target.len() > 1;
    let targets = by_target.into_iter();
    targets
        .map(|(target, sources)| {
            let mut diagram = diagram(&sources);
            diagram.title = match target {
                Some(target) => format!("The result on {target}"),
                None => "The result".to_owned(),
            };
            diagram.description = description(&diagram, &sources);
            (target.filter(|_| several).map(str::to_owned), diagram)
        })
        .collect()
}

/// A source with what the plan says of it.
struct Source<'a> {
    inventory: &'a Inventory,
    planned: &'a PlannedSource,
    /// Its tables that are merged.
    merges: HashMap<QualifiedName, &'a Merge>,
}

impl<'a> Source<'a> {
    fn new(inventory: &'a Inventory, planned: &'a PlannedSource, plan: &'a Plan) -> Self {
        let tables = plan
            .merges
            .iter()
            .flat_map(|merge| merge.tables.iter().map(move |table| (merge, table)));
        let own = tables.filter(|(_, table)| table.source == planned.name);
        let merges = own
            .filter_map(|(merge, table)| Some((table.name()?, merge)))
            .collect();
        Source {
            inventory,
            planned,
            merges,
        }
    }

    fn merge(&self, table: &Table) -> Option<&'a Merge> {
        self.merges
            .get(&QualifiedName::new(&table.schema, &table.name))
            .copied()
    }

    fn planned_table(&self, table: &Table) -> Option<&'a PlannedTable> {
        let name = Renamed {
            schema: table.schema.clone(),
            name: table.name.clone(),
            routine: false,
        };
        self.planned.tables.get(&name)
    }

    fn stays_behind(&self, table: &Table) -> bool {
        self.planned_table(table).is_some_and(|it| it.leave_out)
    }

    /// Schema and name on the target.
    fn name(&self, table: &Table) -> Name {
        if let Some(into) = self.merge(table).and_then(Merge::target) {
            return (into.schema, into.name);
        }
        let mapping = &self.planned.mapping;
        (
            mapping.schema(&table.schema),
            mapping.object(Namespace::Objects, &table.schema, &table.name),
        )
    }

    /// A column's name on the target; `None` where it is dropped.
    fn column(&self, table: &Table, column: &str) -> Option<String> {
        let planned = self.planned_table(table).and_then(|it| it.columns.get(column));
        if planned.is_some_and(|it| it.drop) {
            return None;
        }
        let renamed = planned.and_then(|it| it.rename.clone());
        Some(renamed.unwrap_or_else(|| self.planned.mapping.column(column)))
    }

    fn columns(&self, table: &Table, columns: &[String]) -> Vec<String> {
        columns.iter().filter_map(|it| self.column(table, it)).collect()
    }

    fn rows(&self, table: &Table) -> Vec<Row> {
        let planned = self.planned_table(table);
        let row = |column: &Column| {
            let name = self.column(table, &column.name)?;
            let of_plan = planned
                .and_then(|it| it.columns.get(&column.name))
                .and_then(|it| it.target.clone());
            let type_name = of_plan.unwrap_or_else(|| column.type_name.clone());
            Some(Row {
                name,
                type_name,
                marks: marks(table, &column.name),
                not_null: column.not_null,
            })
        };
        let mut rows: Vec<Row> = table.columns.iter().filter_map(row).collect();
        for (name, added) in planned.iter().flat_map(|it| &it.add) {
            rows.push(Row {
                name: name.clone(),
                type_name: added.target.clone(),
                ..Row::default()
            });
        }
        rows
    }
}

fn diagram(sources: &[Source<'_>]) -> Diagram {
    let mut draft = Draft::default();
    let mut references = Vec::new();
    let mut merged_rows: HashMap<Name, u64> = HashMap::new();
    for (group, source) in sources.iter().enumerate() {
        let tables = Tables::of(source.inventory);
        for table in &source.inventory.tables {
            let whole = tables.whole(table);
            if source.stays_behind(whole) {
                continue;
            }
            let name = source.name(whole);
            if std::ptr::eq(whole, table) {
                match source.merge(table) {
                    Some(merge) => {
                        let rows = merged_rows.entry(name.clone()).or_default();
                        *rows += table.rows();
                        join(&mut draft, &name, source, table, merge, (group, *rows));
                    }
                    None => draft.add(name.clone(), drawn(source, table, group, &name)),
                }
            }
            for key in &table.foreign_keys {
                let Some(parent) = tables.parent(key).filter(|it| !source.stays_behind(it)) else {
                    continue;
                };
                references.push(Reference {
                    child: name.clone(),
                    columns: source.columns(whole, &key.columns),
                    parent: source.name(parent),
                    parent_columns: source.columns(parent, &tables.parent_columns(key)),
                    label: key.name.clone(),
                    one_to_one: is_one_to_one(table, key) && source.merge(whole).is_none(),
                    optional: is_optional(table, key),
                });
            }
        }
    }
    let mut diagram = draft.finish(references);
    diagram.groups = sources.iter().map(|it| it.planned.name.clone()).collect();
    diagram
}

fn drawn(source: &Source<'_>, table: &Table, group: usize, name: &Name) -> diagram::Table {
    let rows = schema::rows(table);
    diagram::Table {
        name: format!("{}.{}", name.0, name.1),
        rows: source.rows(table),
        groups: vec![group],
        note: (!rows.is_empty()).then_some(rows),
        left_out: 0,
    }
}

/// Adds one source's part to a merged table: its colour, and the columns that those before it do not have.
fn join(
    draft: &mut Draft,
    name: &Name,
    source: &Source<'_>,
    table: &Table,
    merge: &Merge,
    (group, rows): (usize, u64),
) {
    if !draft.has(name) {
        let in_key = merge.keys == MergedKeys::Composite;
        let marks = diagram::Marks {
            primary: in_key,
            ..diagram::Marks::default()
        };
        let origin = Row {
            name: merge.source_column.clone(),
            type_name: "text".to_owned(),
            marks,
            not_null: true,
        };
        let merged = diagram::Table {
            rows: vec![origin],
            ..drawn(source, table, group, name)
        };
        draft.add(
            name.clone(),
            diagram::Table {
                groups: Vec::new(),
                ..merged
            },
        );
    }
    let Some(merged) = draft.get_mut(name) else {
        return;
    };
    let first = merged.groups.is_empty();
    merged.groups.push(group);
    merged.groups.dedup();
    merged.note = Some(format!("merged, {} rows at most", count(rows)));
    let own: BTreeSet<String> = merged.rows.iter().map(|it| it.name.clone()).collect();
    for mut row in source.rows(table) {
        if let Some(there) = merged.rows.iter_mut().find(|it| it.name == row.name) {
            there.marks.foreign |= row.marks.foreign;
            there.not_null &= row.not_null;
            continue;
        }
        if let Some(chosen) = merge.columns.get(&row.name) {
            row.type_name.clone_from(chosen);
        }
        // Rows of sources without the column have NULL in it.
        row.not_null &= first;
        merged.rows.push(row);
    }
    let theirs: BTreeSet<String> = source.rows(table).into_iter().map(|it| it.name).collect();
    for row in merged.rows.iter_mut().filter(|it| it.name != merge.source_column) {
        row.not_null &= theirs.contains(&row.name) || !own.contains(&row.name);
    }
}

fn description(diagram: &Diagram, sources: &[Source<'_>]) -> String {
    let merged = diagram.tables.iter().filter(|it| it.groups.len() > 1).count();
    let mut words = format!(
        "{} and {} of {}, under the names that the plan gives them.",
        schema::plural(diagram.tables.len(), "table"),
        schema::plural(diagram.edges.len(), "foreign key"),
        schema::plural(sources.len(), "source")
    );
    if merged == 1 {
        words.push_str(" One table holds rows of several sources.");
    } else if merged > 1 {
        let _ = write!(
            words,
            " {} tables hold rows of several sources.",
            count(merged as u64)
        );
    }
    let behind = sources.iter().map(|source| {
        let tables = source.inventory.tables.iter();
        tables.filter(|it| source.stays_behind(it)).count()
    });
    let behind: usize = behind.sum();
    if behind == 1 {
        words.push_str(" One table stays behind.");
    } else if behind > 1 {
        let _ = write!(words, " {} tables stay behind.", count(behind as u64));
    }
    if sources.iter().any(|it| it.planned.keys.is_some()) {
        words.push_str(" Keys that become UUIDs are shown with their old types.");
    }
    if diagram.tables.len() > diagram::DETAILED_TABLES_MAX {
        words.push_str(" Only columns of keys are shown.");
    }
    words
}
