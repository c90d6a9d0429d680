//! Where everything goes: tables in layers from left to right, parents before children, with channels between the
//! layers in which the lines run.
//!
//! What holds for every diagram, by construction:
//! - Tables are apart from each other, since each has its own stretch of its layer.
//! - A line crosses no table. It is upright in channels alone, and where it passes a layer it has a stretch of its own.
//! - Lines that lead to different keys share no stretch: in a channel each has its own track, and its ends have heights
//!   of their own. Lines that lead to the same key of the same table are one line with branches.

mod boxes;
mod channels;
mod layers;
mod nets;
mod order;
mod pack;
mod position;

use crate::model::{Diagram, Edge, End};

use boxes::Measured;
use pack::Piece;

pub use boxes::PlacedRow;
pub(crate) use boxes::{PADDING, badge_width};

/// The step in which everything stands; lines that are side by side are this far apart, or half of it.
const GRID: i32 = 6;

/// Wanted width by height of the whole.
const ASPECT: f64 = 1.5;

/// A diagram with places, in pixels from its top left corner. `tables` are in the diagram's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    pub width: i32,
    pub height: i32,
    pub tables: Vec<PlacedTable>,
    pub edges: Vec<PlacedEdge>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rect {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlacedTable {
    pub rect: Rect,
    pub header_height: i32,
    pub rows: Vec<PlacedRow>,
    /// Where names and types of columns begin, from the table's left side.
    pub name_x: i32,
    pub type_x: i32,
    /// The top of the line that says how many columns are not shown.
    pub left_out_y: Option<i32>,
}

/// A line from child to parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedEdge {
    /// Its number among the diagram's edges.
    pub edge: usize,
    /// Edges with the same number lead to the same key and may share their way to it.
    pub bundle: usize,
    /// Corners, its two ends among them; every stretch is level or upright.
    pub points: Vec<(i32, i32)>,
}

impl Rect {
    pub fn right(&self) -> i32 {
        self.x + self.width
    }

    pub fn bottom(&self) -> i32 {
        self.y + self.height
    }
}

impl Layout {
    /// Places everything.
    pub fn of(diagram: &Diagram) -> Layout {
        let edges: Vec<(usize, Edge)> = diagram.sound_edges().collect();
        let measured = boxes::measure_all(diagram, &edges);
        let mut pieces = Vec::new();
        let mut alone = Vec::new();
        for component in components(diagram.tables.len(), &edges) {
            if component.edges.is_empty() {
                alone.extend(component.tables);
            } else {
                pieces.push(component.place(&edges, &measured));
            }
        }
        let mut layout = Layout {
            tables: measured.iter().map(Measured::placed).collect(),
            ..Layout::default()
        };
        pack::pack(&mut layout, pieces, &alone);
        layout.edges.sort_by_key(|it| it.edge);
        layout
    }
}

/// Tables that edges hold together, as numbers among all tables, and the edges as numbers among all.
struct Component {
    tables: Vec<usize>,
    edges: Vec<usize>,
}

impl Component {
    /// Places its tables and edges, from its own top left corner.
    fn place(&self, edges: &[(usize, Edge)], measured: &[Measured]) -> Piece {
        let mut local = vec![usize::MAX; measured.len()];
        for (number, table) in self.tables.iter().enumerate() {
            local[*table] = number;
        }
        let inside = |end: &End| End {
            table: local[end.table],
            rows: end.rows.clone(),
        };
        let own: Vec<Edge> = self
            .edges
            .iter()
            .map(|it| &edges[*it].1)
            .map(|it| Edge {
                child: inside(&it.child),
                parent: inside(&it.parent),
                label: String::new(),
                cardinality: it.cardinality,
            })
            .collect();
        let boxes: Vec<&Measured> = self.tables.iter().map(|it| &measured[*it]).collect();
        let layers = layers::assign(&boxes, &own);
        let network = nets::Network::new(&boxes, &own, &layers);
        let order = order::order(&network);
        let tops = position::tops(&network, &order);
        let routed = channels::route(&network, &boxes, &tops);
        Piece {
            width: routed.width,
            height: routed.height,
            tables: self.tables.iter().copied().zip(routed.corners).collect(),
            edges: (self.edges.iter().zip(routed.lines))
                .map(|(edge, (bundle, points))| PlacedEdge {
                    edge: edges[*edge].0,
                    bundle,
                    points,
                })
                .collect(),
            bundles: network.nets.len(),
        }
    }
}

fn components(tables: usize, edges: &[(usize, Edge)]) -> Vec<Component> {
    let mut group: Vec<usize> = (0..tables).collect();
    for (_, edge) in edges {
        let (one, other) = (
            find(&mut group, edge.child.table),
            find(&mut group, edge.parent.table),
        );
        group[one.max(other)] = one.min(other);
    }
    let mut found: Vec<Component> = Vec::new();
    let mut number = vec![usize::MAX; tables];
    for table in 0..tables {
        let root = find(&mut group, table);
        if number[root] == usize::MAX {
            number[root] = found.len();
            found.push(Component {
                tables: Vec::new(),
                edges: Vec::new(),
            });
        }
        found[number[root]].tables.push(table);
    }
    for (edge, (_, it)) in edges.iter().enumerate() {
        let root = find(&mut group, it.child.table);
        found[number[root]].edges.push(edge);
    }
    found
}

fn find(group: &mut [usize], mut member: usize) -> usize {
    while group[member] != member {
        group[member] = group[group[member]];
        member = group[member];
    }
    member
}
