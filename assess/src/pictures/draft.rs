//! A diagram in the making: tables and foreign keys by their names.

use std::collections::{BTreeSet, HashMap};

use diagram::{Cardinality, Diagram, Edge, End, Table};

/// A table's name as its source or the result has it: schema and name.
pub(super) type Name = (String, String);

/// A foreign key by names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reference {
    pub(super) child: Name,
    pub(super) columns: Vec<String>,
    pub(super) parent: Name,
    pub(super) parent_columns: Vec<String>,
    pub(super) label: String,
    pub(super) one_to_one: bool,
    pub(super) optional: bool,
}

#[derive(Default)]
pub(super) struct Draft {
    tables: Vec<Table>,
    places: HashMap<Name, usize>,
}

impl Draft {
    pub(super) fn add(&mut self, name: Name, table: Table) {
        self.places.insert(name, self.tables.len());
        self.tables.push(table);
    }

    pub(super) fn get_mut(&mut self, name: &Name) -> Option<&mut Table> {
        self.places.get(name).map(|it| &mut self.tables[*it])
    }

    pub(super) fn has(&self, name: &Name) -> bool {
        self.places.contains_key(name)
    }

    /// The diagram, with each reference whose tables are there; one that several sources have is one.
    pub(super) fn finish(mut self, references: Vec<Reference>) -> Diagram {
        let mut seen = BTreeSet::new();
        let mut edges = Vec::new();
        for it in references {
            let (Some(child), Some(parent)) = (
                self.end(&it.child, &it.columns),
                self.end(&it.parent, &it.parent_columns),
            ) else {
                continue;
            };
            if seen.insert((child.clone(), parent.clone())) {
                // Of a partition's key the whole table does not know.
                for row in &child.rows {
                    self.tables[child.table].rows[*row].marks.foreign = true;
                }
                let cardinality = Cardinality {
                    one_to_one: it.one_to_one,
                    optional: it.optional,
                };
                edges.push(Edge {
                    child,
                    parent,
                    label: it.label,
                    cardinality,
                });
            }
        }
        Diagram {
            tables: self.tables,
            edges,
            ..Diagram::default()
        }
    }

    fn end(&self, name: &Name, columns: &[String]) -> Option<End> {
        let table = *self.places.get(name)?;
        let rows = &self.tables[table].rows;
        let rows = columns
            .iter()
            .filter_map(|column| rows.iter().position(|it| it.name == *column));
        Some(End {
            table,
            rows: rows.collect(),
        })
    }
}
