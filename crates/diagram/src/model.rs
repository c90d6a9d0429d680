//! What a diagram shows, before anything has a place.

use std::collections::BTreeSet;

/// Tables and the foreign keys between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagram {
    pub title: String,
    /// What it shows, in a sentence or two; read aloud and written below the title.
    pub description: String,
    /// Names of what tables belong to, such as sources; each has a colour and stands in the legend.
    pub groups: Vec<String>,
    pub tables: Vec<Table>,
    /// Those that name a table which is not there are not shown.
    pub edges: Vec<Edge>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    pub rows: Vec<Row>,
    /// Numbers among the diagram's groups; a merged table has several.
    pub groups: Vec<usize>,
    /// A few words below its name: `view`, `1,204 rows`.
    pub note: Option<String>,
    /// How many columns are left out of `rows`.
    pub left_out: usize,
}

/// A column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    pub type_name: String,
    pub marks: Marks,
    pub not_null: bool,
}

/// Keys that a column is part of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    pub primary: bool,
    pub foreign: bool,
    pub unique: bool,
}

/// A foreign key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    /// The table that refers.
    pub child: End,
    /// The table that is referred to.
    pub parent: End,
    /// The key's name.
    pub label: String,
    pub cardinality: Cardinality,
}

/// Where an edge ends: a table and some of its rows, in the key's order. Without rows it ends at the table's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    pub table: usize,
    pub rows: Vec<usize>,
}

/// How many rows can be on each side; many children and exactly one parent by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cardinality {
    /// A parent has one child at most.
    pub one_to_one: bool,
    /// A child may have no parent.
    pub optional: bool,
}

impl Marks {
    /// `PK`, `FK` and `U`, as far as they hold.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        let all = [(self.primary, "PK"), (self.foreign, "FK"), (self.unique, "U")];
        all.into_iter().filter(|it| it.0).map(|it| it.1)
    }

    pub fn is_empty(self) -> bool {
        self == Marks::default()
    }
}

impl Diagram {
    /// Its edges without those that lead nowhere, and without ends at rows that are not there.
    pub(crate) fn sound_edges(&self) -> impl Iterator<Item = (usize, Edge)> {
        let all = self.edges.iter().enumerate();
        all.filter_map(|(number, edge)| {
            let mut edge = edge.clone();
            for end in [&mut edge.child, &mut edge.parent] {
                let rows = self.tables.get(end.table)?.rows.len();
                end.rows.retain(|it| *it < rows);
            }
            Some((number, edge))
        })
    }

    /// The same with only those columns that are part of a key or at which an edge ends.
    #[must_use]
    pub fn with_key_columns(mut self) -> Self {
        let mut used: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); self.tables.len()];
        for (_, edge) in self.sound_edges() {
            for end in [edge.child, edge.parent] {
                used[end.table].extend(end.rows);
            }
        }
        let mut places: Vec<Vec<Option<usize>>> = Vec::new();
        for (table, used) in self.tables.iter_mut().zip(&used) {
            let mut kept = 0;
            let places_here = table.rows.iter().enumerate().map(|(number, row)| {
                let stays = used.contains(&number) || !row.marks.is_empty();
                stays.then(|| {
                    kept += 1;
                    kept - 1
                })
            });
            let places_here: Vec<Option<usize>> = places_here.collect();
            let mut all = places_here.iter();
            table.rows.retain(|_| all.next().is_some_and(Option::is_some));
            table.left_out += places_here.len() - table.rows.len();
            places.push(places_here);
        }
        for edge in &mut self.edges {
            for end in [&mut edge.child, &mut edge.parent] {
                let places = places.get(end.table).map_or(&[][..], Vec::as_slice);
                let moved = end
                    .rows
                    .iter()
                    .filter_map(|it| places.get(*it).copied().flatten());
                end.rows = moved.collect();
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, primary: bool) -> Row {
        let marks = Marks {
            primary,
            ..Marks::default()
        };
        Row {
            name: name.to_owned(),
            marks,
            ..Row::default()
        }
    }

    #[test]
    fn edges_follow_their_columns_when_others_are_left_out() {
        let table = Table {
            rows: vec![
                row("note", false),
                row("id", true),
                row("x", false),
                row("boss", false),
            ],
            ..Table::default()
        };
        let end = |rows: &[usize]| End {
            table: 0,
            rows: rows.to_vec(),
        };
        let diagram = Diagram {
            tables: vec![table],
            edges: vec![Edge {
                child: end(&[3]),
                parent: end(&[1, 77]),
                ..Edge::default()
            }],
            ..Diagram::default()
        };
        let brief = diagram.with_key_columns();
        let names: Vec<&str> = brief.tables[0].rows.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["id", "boss"]);
        assert_eq!(brief.tables[0].left_out, 2);
        assert_eq!(brief.edges[0].child, end(&[1]));
        assert_eq!(brief.edges[0].parent, end(&[0]));
    }
}
