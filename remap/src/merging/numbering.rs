//! The tables of an archive that is made of several, under its numbers.

use catalog::{Column, Followed, Merged, Part, Table, TableKind};
use conversion::{IntegerType, conversion_of};

use super::group::{PartPlace, table_at};
use super::header::{Numbers, Whole};
use super::source::Source;

impl Whole<'_> {
    /// All tables: those of single sources, the merged ones, and at last what is no table of the target.
    pub(super) fn tables(&self) -> (Vec<Table>, Vec<Numbers>) {
        let mut tables: Vec<Table> = Vec::new();
        let mut numbers: Vec<Numbers> = vec![Numbers::new(); self.sources.len()];
        let group_of = |place: PartPlace| self.groups.all.iter().position(|it| it.parts.contains(&place));
        let mut push = |tables: &mut Vec<Table>, table: Table| {
            let number = u32::try_from(tables.len()).unwrap_or(u32::MAX);
            tables.push(Table { number, ..table });
            number
        };
        for is_own in [true, false] {
            for (source, it) in self.sources.iter().enumerate() {
                for (table, own) in it.catalog.tables.iter().enumerate() {
                    if own.is_own() == is_own && group_of(PartPlace { source, table }).is_none() {
                        let columns = row_columns(it, own);
                        let number = push(
                            &mut tables,
                            Table {
                                columns,
                                ..own.clone()
                            },
                        );
                        numbers[source].insert(own.number, number);
                    }
                }
            }
            if is_own {
                self.push_groups(&mut tables, &mut push);
            }
        }
        let first = tables
            .iter()
            .position(|it| it.kind == TableKind::Merged)
            .unwrap_or(0);
        let group_number = |group: usize| u32::try_from(first + group).unwrap_or(u32::MAX);
        for (place, group) in self.groups.all.iter().enumerate() {
            let mut parts: Vec<(String, u32)> = Vec::new();
            for (at, part) in group.parts.iter().enumerate() {
                let source = &self.sources[part.source];
                let part = self.part(*part, group_number(place), &self.shapes[place].values[at]);
                let old = part.number;
                let number = push(&mut tables, part);
                numbers[group.parts[at].source].insert(old, number);
                parts.push((source.name.clone(), number));
            }
            if let Some(merge) = &group.merge {
                let order = merge.order();
                parts.sort_by_key(|(name, _)| order.iter().position(|it| it == name));
            }
            let follows = group
                .follows
                .iter()
                .map(|(columns, parent, parent_columns)| Followed {
                    columns: columns.clone(),
                    parent: group_number(*parent),
                    parent_columns: parent_columns.clone(),
                });
            tables[first + place].merged = Some(Merged {
                parts: parts.into_iter().map(|it| it.1).collect(),
                source_column: group.source_column.clone(),
                dedupe: group.dedupe().to_vec(),
                follows: follows.collect(),
            });
        }
        (tables, numbers)
    }

    fn push_groups(&self, tables: &mut Vec<Table>, push: &mut dyn FnMut(&mut Vec<Table>, Table) -> u32) {
        for (place, group) in self.groups.all.iter().enumerate() {
            let own = group.parts.iter().map(|it| table_at(self.sources, *it));
            let first = table_at(self.sources, group.parts[0]);
            let keyed = own.clone().find(|it| !it.primary_key.is_empty());
            let mut primary_key = keyed.map(|it| it.primary_key.clone()).unwrap_or_default();
            if self.groups.is_fronted(place, &primary_key) {
                primary_key.splice(0..0, group.source_column.clone());
            }
            push(
                tables,
                Table {
                    schema: group.target.schema.clone(),
                    name: group.target.name.clone(),
                    kind: TableKind::Merged,
                    columns: self.shapes[place].columns.clone(),
                    primary_key,
                    rows_estimate: own.clone().map(|it| it.rows_estimate).sum(),
                    bytes: own.clone().map(|it| it.bytes).sum(),
                    index_bytes: own.map(|it| it.index_bytes).sum(),
                    origin: None,
                    ..first.clone()
                },
            );
        }
    }

    /// One source's rows of a merged table, under their name in the source.
    fn part(&self, place: PartPlace, into: u32, values: &[catalog::PartValue]) -> Table {
        let source = &self.sources[place.source];
        let renamed = table_at(self.sources, place);
        let old = source
            .header
            .catalog
            .tables
            .iter()
            .find(|it| it.number == renamed.number);
        let old = old.unwrap_or(renamed);
        Table {
            schema: old.schema.clone(),
            name: old.name.clone(),
            kind: TableKind::Part,
            columns: row_columns(source, renamed),
            part: Some(Part {
                source: source.name.clone(),
                into,
                values: values.to_vec(),
            }),
            ..old.clone()
        }
    }
}

/// The columns that the rows have: without those that keep old keys, with integers where they become UUIDs.
fn row_columns(source: &Source, table: &Table) -> Vec<Column> {
    let Some(conversion) = conversion_of(&source.conversions, table.number) else {
        return table.columns.clone();
    };
    let is_kept = |name: &str| conversion.kept().any(|(_, kept)| kept.name == name);
    let own = table.columns.iter().filter(|it| !is_kept(&it.name)).cloned();
    let integer = |mut column: Column| {
        if let Some(it) = conversion.column(&column.name) {
            let of: IntegerType = it.from;
            of.internal_name().clone_into(&mut column.column_type.name);
            of.name().clone_into(&mut column.column_type.text);
        }
        column
    };
    own.map(integer).collect()
}
