//! Nets: all lines that lead to one key on one side of its table. They run as one line that branches.

use std::collections::BTreeMap;

use super::GRID;
use super::boxes::Measured;
use crate::model::Edge;

/// What stands in a layer: a table, or a line that passes it. Tables come first and have the component's numbers.
pub(super) struct Node {
    pub(super) layer: usize,
    pub(super) height: i32,
    pub(super) passes: bool,
}

/// A height at which a line meets a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pin {
    pub(super) node: usize,
    /// From the node's top.
    pub(super) at: i32,
}

/// The way of a net through a channel, from what is on its left to what is on its right.
#[derive(Default)]
pub(super) struct Stretch {
    pub(super) net: usize,
    pub(super) left: Vec<Pin>,
    pub(super) right: Vec<Pin>,
}

pub(super) struct Net {
    pub(super) parent: Pin,
    /// Of each edge its number and the pin at its child.
    pub(super) children: Vec<(usize, Pin)>,
    /// Whether it leaves its parent to the right.
    pub(super) to_right: bool,
    /// The pins through which it passes layers, by layer.
    pub(super) passes: BTreeMap<usize, Pin>,
}

pub(super) struct Network {
    pub(super) nodes: Vec<Node>,
    pub(super) nets: Vec<Net>,
    pub(super) layers: usize,
    /// Of each layer the channel to its right.
    pub(super) channels: Vec<Vec<Stretch>>,
}

/// One end of a line at a table, which gets its height when all ends there are known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Spot {
    table: usize,
    on_right: bool,
    row: Option<usize>,
}

/// Nets' ends before they have heights. Each is by its parent's spot, the key's rows, whether it is optional, and whether
/// it comes back to its own table: other lines would look as if they led there.
type Ends = BTreeMap<(Spot, Vec<usize>, bool, bool), Vec<(usize, Spot)>>;

impl Network {
    pub(super) fn new(boxes: &[&Measured], edges: &[Edge], layers: &[usize]) -> Self {
        let nodes = boxes.iter().zip(layers).map(|(it, layer)| Node {
            layer: *layer,
            height: it.height,
            passes: false,
        });
        let count = layers.iter().max().map_or(0, |it| it + 1);
        let mut network = Network {
            nodes: nodes.collect(),
            nets: nets(boxes, &ends(edges, layers)),
            layers: count,
            channels: (0..count).map(|_| Vec::new()).collect(),
        };
        for net in 0..network.nets.len() {
            network.lead(net);
        }
        network
    }

    /// Leads a net through all layers between its parent and its farthest child.
    fn lead(&mut self, number: usize) {
        let net = &self.nets[number];
        let layer_of = |pin: &Pin| self.nodes[pin.node].layer;
        let home = layer_of(&net.parent);
        let mut stretches: BTreeMap<usize, Stretch> = BTreeMap::new();
        let (mut first, mut last) = (home, home);
        for (_, child) in &net.children {
            let layer = layer_of(child);
            (first, last) = (first.min(layer), last.max(layer));
            // A table's own edge leaves and comes back on the right.
            let at_left = !net.to_right || child.node == net.parent.node;
            let stretch = stretches
                .entry(if at_left { layer } else { layer - 1 })
                .or_default();
            if at_left {
                stretch.left.push(*child);
            } else {
                stretch.right.push(*child);
            }
        }
        let parent = net.parent;
        if net.to_right {
            stretches.entry(home).or_default().left.push(parent);
        } else {
            stretches.entry(home - 1).or_default().right.push(parent);
        }
        for layer in first + 1..last {
            // Of a net to the left, children may stand in any layer but the parent's.
            let pin = Pin {
                node: self.nodes.len(),
                at: GRID,
            };
            self.nodes.push(Node {
                layer,
                height: 2 * GRID,
                passes: true,
            });
            stretches.entry(layer - 1).or_default().right.push(pin);
            stretches.entry(layer).or_default().left.push(pin);
            self.nets[number].passes.insert(layer, pin);
        }
        for (channel, stretch) in stretches {
            self.channels[channel].push(Stretch {
                net: number,
                ..stretch
            });
        }
    }
}

fn ends(edges: &[Edge], layers: &[usize]) -> Ends {
    let mut ends = Ends::new();
    for (number, edge) in edges.iter().enumerate() {
        let (child, parent) = (&edge.child, &edge.parent);
        let to_right = layers[child.table] >= layers[parent.table];
        let parent_spot = Spot {
            table: parent.table,
            on_right: to_right,
            row: parent.rows.first().copied(),
        };
        let child_spot = Spot {
            table: child.table,
            on_right: !to_right || child.table == parent.table,
            row: child.rows.first().copied(),
        };
        let own = child.table == parent.table;
        let key = (parent_spot, parent.rows.clone(), edge.cardinality.optional, own);
        ends.entry(key).or_default().push((number, child_spot));
    }
    ends
}

fn nets(boxes: &[&Measured], ends: &Ends) -> Vec<Net> {
    let mut lines: BTreeMap<Spot, usize> = BTreeMap::new();
    for ((parent, ..), children) in ends {
        *lines.entry(*parent).or_default() += 1;
        for (_, child) in children {
            *lines.entry(*child).or_default() += 1;
        }
    }
    let mut free: BTreeMap<Spot, Vec<i32>> = lines
        .into_iter()
        .map(|(spot, lines)| {
            let mut ports = boxes[spot.table].ports(spot.row, lines);
            ports.reverse();
            (spot, ports)
        })
        .collect();
    let mut pin = |spot: &Spot| Pin {
        node: spot.table,
        at: free.get_mut(spot).and_then(Vec::pop).unwrap_or_default(),
    };
    let all = ends.iter().map(|((parent, ..), children)| Net {
        parent: pin(parent),
        children: children.iter().map(|(edge, spot)| (*edge, pin(spot))).collect(),
        to_right: parent.on_right,
        passes: BTreeMap::new(),
    });
    all.collect()
}
