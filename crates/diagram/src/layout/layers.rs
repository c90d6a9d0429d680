//! Which layer each table stands in: parents to the left of their children, and no layer much higher than others.

use std::collections::BTreeSet;

use super::ASPECT;
use super::boxes::Measured;
use crate::model::Edge;

/// What a table takes besides its own height and width: the gap below it, and a channel beside it.
const GAP_BELOW: i32 = 36;
const GAP_BESIDE: i32 = 100;

/// Each table's layer, from 0 on, none of them empty; no edge but a table's own stays within a layer.
pub(super) fn assign(boxes: &[&Measured], edges: &[Edge]) -> Vec<usize> {
    let arcs: BTreeSet<(usize, usize)> = edges
        .iter()
        .map(|it| (it.parent.table, it.child.table))
        .filter(|(parent, child)| parent != child)
        .collect();
    let graph = Acyclic::new(boxes.len(), &arcs);
    let mut filling = Filling::new(boxes);
    graph.fill(&mut filling);
    for _ in 0..4 {
        graph.tighten(&mut filling);
    }
    let used: BTreeSet<usize> = filling.layer.iter().copied().collect();
    let numbers: Vec<usize> = used.into_iter().collect();
    let number = |layer: &usize| numbers.partition_point(|it| it < layer);
    filling.layer.iter().map(number).collect()
}

/// The graph without cycles: edges that would close one are turned round.
struct Acyclic {
    before: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
    /// Every table behind all that come before it.
    order: Vec<usize>,
}

impl Acyclic {
    fn new(tables: usize, arcs: &BTreeSet<(usize, usize)>) -> Self {
        let mut children = vec![Vec::new(); tables];
        let mut parents = vec![0_usize; tables];
        for (parent, child) in arcs {
            children[*parent].push(*child);
            parents[*child] += 1;
        }
        let mut starts: Vec<usize> = (0..tables).collect();
        starts.sort_by_key(|it| (parents[*it], std::cmp::Reverse(children[*it].len()), *it));
        let (mut state, mut finished) = (vec![Visit::New; tables], Vec::new());
        let mut graph = Acyclic {
            before: vec![Vec::new(); tables],
            after: vec![Vec::new(); tables],
            order: Vec::new(),
        };
        for start in starts {
            if state[start] != Visit::New {
                continue;
            }
            state[start] = Visit::Open;
            let mut path = vec![(start, 0)];
            while let Some((table, next)) = path.last_mut() {
                let table = *table;
                let Some(child) = children[table].get(*next).copied() else {
                    state[table] = Visit::Done;
                    finished.push(table);
                    path.pop();
                    continue;
                };
                *next += 1;
                let (left, right) = if state[child] == Visit::Open {
                    (child, table)
                } else {
                    (table, child)
                };
                graph.after[left].push(right);
                graph.before[right].push(left);
                if state[child] == Visit::New {
                    state[child] = Visit::Open;
                    path.push((child, 0));
                }
            }
        }
        finished.reverse();
        let mut level = vec![0; tables];
        for table in &finished {
            level[*table] = graph.before[*table]
                .iter()
                .map(|it| level[*it] + 1)
                .max()
                .unwrap_or(0);
        }
        finished.sort_by_key(|it| (level[*it], std::cmp::Reverse(graph.after[*it].len())));
        graph.order = finished;
        graph
    }

    /// Puts each table into the first layer behind all before it that has room.
    fn fill(&self, filling: &mut Filling) {
        for &table in &self.order {
            let mut layer = self.first(filling, table);
            while !filling.has_room(layer, table) {
                layer += 1;
            }
            filling.put(table, layer);
        }
    }

    /// Moves tables closer to those that most of their edges lead to.
    fn tighten(&self, filling: &mut Filling) {
        for &table in self.order.iter().rev() {
            let (first, here) = (self.first(filling, table), filling.layer[table]);
            let last = self.after[table]
                .iter()
                .map(|it| filling.layer[*it] - 1)
                .min()
                .unwrap_or(here);
            let (before, after) = (self.before[table].len(), self.after[table].len());
            let better: Vec<usize> = match before.cmp(&after) {
                std::cmp::Ordering::Less => (here + 1..=last).rev().collect(),
                std::cmp::Ordering::Greater => (first..here).collect(),
                std::cmp::Ordering::Equal => continue,
            };
            if let Some(layer) = better.into_iter().find(|it| filling.has_room(*it, table)) {
                filling.take(table);
                filling.put(table, layer);
            }
        }
    }

    fn first(&self, filling: &Filling, table: usize) -> usize {
        self.before[table]
            .iter()
            .map(|it| filling.layer[*it] + 1)
            .max()
            .unwrap_or(0)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    New,
    Open,
    Done,
}

/// Layers as they fill up.
struct Filling {
    heights: Vec<i32>,
    layer: Vec<usize>,
    used: Vec<i32>,
    height_max: i32,
}

impl Filling {
    fn new(boxes: &[&Measured]) -> Self {
        let heights: Vec<i32> = boxes.iter().map(|it| it.height + GAP_BELOW).collect();
        let area: f64 = boxes
            .iter()
            .map(|it| f64::from(it.height + GAP_BELOW) * f64::from(it.width + GAP_BESIDE))
            .sum();
        let tallest = heights.iter().copied().max().unwrap_or(0);
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a height in pixels; what is larger is cut"
        )]
        let wanted = (area * 1.1 / ASPECT).sqrt() as i32;
        Filling {
            layer: vec![0; heights.len()],
            heights,
            used: Vec::new(),
            height_max: wanted.max(tallest),
        }
    }

    fn has_room(&self, layer: usize, table: usize) -> bool {
        let used = self.used.get(layer).copied().unwrap_or(0);
        used == 0 || used + self.heights[table] <= self.height_max
    }

    fn put(&mut self, table: usize, layer: usize) {
        if self.used.len() <= layer {
            self.used.resize(layer + 1, 0);
        }
        self.used[layer] += self.heights[table];
        self.layer[table] = layer;
    }

    fn take(&mut self, table: usize) {
        self.used[self.layer[table]] -= self.heights[table];
    }
}
