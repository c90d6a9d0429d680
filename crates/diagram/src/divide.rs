//! Large diagrams: fewer columns, then several parts.

use std::collections::VecDeque;
use std::fmt::Write as _;

use crate::model::{Diagram, Edge, End};

/// With more tables than this, only those columns are shown that are part of a key.
pub const DETAILED_TABLES_MAX: usize = 40;

/// With more tables than this, a diagram is divided.
pub const TABLES_MAX: usize = 400;

/// The diagram as it can be looked at: whole, with key columns alone, or in parts. Tables that edges hold together stay
/// together as far as a part has room; a column whose edge leads to another part says where to.
pub fn divided(diagram: Diagram) -> Vec<Diagram> {
    if diagram.tables.len() <= DETAILED_TABLES_MAX {
        return vec![diagram];
    }
    let mut diagram = diagram.with_key_columns();
    if diagram.tables.len() <= TABLES_MAX {
        return vec![diagram];
    }
    let edges: Vec<Edge> = diagram.sound_edges().map(|it| it.1).collect();
    let part_of = parts(diagram.tables.len(), &edges);
    let count = part_of.iter().max().map_or(1, |it| it + 1);
    for edge in edges
        .iter()
        .filter(|it| part_of[it.child.table] != part_of[it.parent.table])
    {
        let parent = diagram.tables[edge.parent.table].name.clone();
        let child = &mut diagram.tables[edge.child.table];
        for row in &edge.child.rows {
            let _ = write!(child.rows[*row].type_name, " → {parent}");
        }
    }
    (0..count)
        .map(|part| one_part(&diagram, &edges, &part_of, part, count))
        .collect()
}

fn one_part(diagram: &Diagram, edges: &[Edge], part_of: &[usize], part: usize, count: usize) -> Diagram {
    let mut place = vec![usize::MAX; part_of.len()];
    let mut tables = Vec::new();
    for (number, table) in diagram
        .tables
        .iter()
        .enumerate()
        .filter(|it| part_of[it.0] == part)
    {
        place[number] = tables.len();
        tables.push(table.clone());
    }
    let moved = |end: &End| End {
        table: place[end.table],
        rows: end.rows.clone(),
    };
    let inside = edges
        .iter()
        .filter(|it| part_of[it.child.table] == part && part_of[it.parent.table] == part);
    Diagram {
        title: format!("{} (part {} of {count})", diagram.title, part + 1),
        edges: inside
            .map(|it| Edge {
                child: moved(&it.child),
                parent: moved(&it.parent),
                ..it.clone()
            })
            .collect(),
        tables,
        ..diagram.clone_frame()
    }
}

impl Diagram {
    fn clone_frame(&self) -> Diagram {
        Diagram {
            description: self.description.clone(),
            groups: self.groups.clone(),
            ..Diagram::default()
        }
    }
}

/// Each table's part: neighbours are gathered from one table on until a part is full.
fn parts(tables: usize, edges: &[Edge]) -> Vec<usize> {
    let mut neighbours = vec![Vec::new(); tables];
    for edge in edges {
        neighbours[edge.child.table].push(edge.parent.table);
        neighbours[edge.parent.table].push(edge.child.table);
    }
    // Whole components, so that small ones are not cut for what is left of a part.
    let mut components: Vec<Vec<usize>> = Vec::new();
    let mut seen = vec![false; tables];
    for start in 0..tables {
        if seen[start] {
            continue;
        }
        seen[start] = true;
        let (mut found, mut queue) = (Vec::new(), VecDeque::from([start]));
        while let Some(table) = queue.pop_front() {
            found.push(table);
            for next in &neighbours[table] {
                if !std::mem::replace(&mut seen[*next], true) {
                    queue.push_back(*next);
                }
            }
        }
        components.push(found);
    }
    let (mut part, mut used) = (0, 0);
    let mut part_of = vec![0; tables];
    for component in components {
        if used > 0 && used + component.len() > TABLES_MAX {
            (part, used) = (part + 1, 0);
        }
        for table in component {
            if used == TABLES_MAX {
                (part, used) = (part + 1, 0);
            }
            part_of[table] = part;
            used += 1;
        }
    }
    part_of
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Row, Table};

    fn chain(tables: usize) -> Diagram {
        let table = |number: usize| Table {
            name: format!("t{number}"),
            rows: vec![Row {
                name: "next".to_owned(),
                ..Row::default()
            }],
            ..Table::default()
        };
        let end = |table: usize| End { table, rows: vec![0] };
        let edge = |number: usize| Edge {
            child: end(number),
            parent: end(number - 1),
            ..Edge::default()
        };
        Diagram {
            tables: (0..tables).map(table).collect(),
            edges: (1..tables).map(edge).collect(),
            ..Diagram::default()
        }
    }

    #[test]
    fn no_table_and_no_edge_is_lost_by_dividing() {
        for tables in [0, 1, 40, 41, 400, 401, 1000] {
            let parts = divided(chain(tables));
            assert_eq!(parts.iter().map(|it| it.tables.len()).sum::<usize>(), tables);
            assert!(parts.iter().all(|it| it.tables.len() <= TABLES_MAX));
            let drawn: usize = parts.iter().map(|it| it.edges.len()).sum();
            let rows = parts.iter().flat_map(|it| &it.tables).flat_map(|it| &it.rows);
            let told = rows.filter(|it| it.type_name.contains('→')).count();
            assert_eq!(drawn + told, tables.saturating_sub(1), "{tables}");
        }
    }
}
