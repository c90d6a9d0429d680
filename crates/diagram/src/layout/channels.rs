//! Channels: how lines get from one layer to the next, each on an upright track of its own.
//!
//! All pins of one layer have different heights on the grid. Where two lines would leave and enter a channel at the same
//! height, the right one moves by half a step; so no level stretch of one lies upon another's.

use std::collections::HashMap;

use super::GRID;
use super::boxes::Measured;
use super::nets::{Net, Network, Pin};

/// Room for the signs at the ends of lines.
const END: i32 = 30;
const TRACK: i32 = 9;
const WIDTH_MIN: i32 = 72;

/// A component with everything in its place.
pub(super) struct Routed {
    pub(super) width: i32,
    pub(super) height: i32,
    /// Of each table its left top corner.
    pub(super) corners: Vec<(i32, i32)>,
    /// Of each edge its net, and its corners.
    pub(super) lines: Vec<(usize, Vec<(i32, i32)>)>,
}

/// A net's stretch with heights.
struct Track {
    net: usize,
    left: Vec<i32>,
    right: Vec<i32>,
    number: i32,
}

pub(super) fn route(network: &Network, boxes: &[&Measured], tops: &[i32]) -> Routed {
    let mut heights = Heights {
        network,
        tops,
        moved: HashMap::new(),
    };
    let mut lefts = Vec::new();
    let mut columns = vec![0; network.layers];
    for (node, it) in network.nodes.iter().zip(boxes) {
        columns[node.layer] = columns[node.layer].max(it.width);
    }
    // Of each channel and net the track's place.
    let mut uprights: HashMap<(usize, usize), i32> = HashMap::new();
    let mut x = 0;
    for (channel, stretches) in network.channels.iter().enumerate() {
        lefts.push(x);
        x += columns[channel];
        heights.keep_apart(stretches);
        let mut tracks: Vec<Track> = stretches
            .iter()
            .map(|it| Track {
                net: it.net,
                left: it.left.iter().map(|pin| heights.of(*pin, true)).collect(),
                right: it.right.iter().map(|pin| heights.of(*pin, false)).collect(),
                number: 0,
            })
            .collect();
        let count = number(&mut tracks);
        if tracks.is_empty() {
            continue;
        }
        let width = (2 * END + (count - 1).max(0) * TRACK).max(WIDTH_MIN);
        let first = x + (width - (count - 1).max(0) * TRACK) / 2;
        for track in &tracks {
            uprights.insert((channel, track.net), first + track.number * TRACK);
        }
        x += width;
    }
    let corners: Vec<(i32, i32)> = (0..boxes.len())
        .map(|table| (lefts[network.nodes[table].layer], tops[table]))
        .collect();
    let mut lines = vec![(0, Vec::new()); network.nets.iter().map(|it| it.children.len()).sum()];
    for (number, net) in network.nets.iter().enumerate() {
        for (edge, child) in &net.children {
            let way = Way {
                network,
                boxes,
                corners: &corners,
                heights: &heights,
                uprights: &uprights,
            };
            lines[*edge] = (number, way.of(number, net, *child));
        }
    }
    let table_bottoms = corners.iter().zip(boxes).map(|(corner, it)| corner.1 + it.height);
    let line_bottoms = lines.iter().flat_map(|it| it.1.iter().map(|point| point.1));
    Routed {
        width: x,
        height: table_bottoms.chain(line_bottoms).max().unwrap_or(0),
        corners,
        lines,
    }
}

struct Heights<'a> {
    network: &'a Network,
    tops: &'a [i32],
    /// Pins that have moved, by node, height within it and side; one that passes has no sides.
    moved: HashMap<(usize, i32, bool), i32>,
}

impl Heights<'_> {
    fn of(&self, pin: Pin, is_left_of_channel: bool) -> i32 {
        let moved = self
            .moved
            .get(&(pin.node, pin.at, is_left_of_channel))
            .copied()
            .unwrap_or(0);
        self.tops[pin.node] + pin.at + moved
    }

    /// Moves pins on the right of a channel that meet another net's on the left.
    fn keep_apart(&mut self, stretches: &[super::nets::Stretch]) {
        let mut taken: HashMap<i32, (i32, usize)> = HashMap::new();
        for stretch in stretches {
            for pin in &stretch.left {
                let height = self.of(*pin, true);
                taken.insert(height.div_euclid(GRID), (height.rem_euclid(GRID), stretch.net));
            }
        }
        for stretch in stretches {
            for pin in &stretch.right {
                let height = self.tops[pin.node] + pin.at;
                let moved = match taken.get(&height.div_euclid(GRID)) {
                    // Straight on.
                    Some((moved, net)) if *net == stretch.net => *moved,
                    Some((0, _)) => GRID / 2,
                    _ => 0,
                };
                self.moved.insert((pin.node, pin.at, false), moved);
                if self.network.nodes[pin.node].passes {
                    self.moved.insert((pin.node, pin.at, true), moved);
                }
            }
        }
    }
}

/// Gives each net that changes its height a track, and says how many there are. Where two overlap, the one comes first
/// that has to for not crossing the other twice.
fn number(tracks: &mut [Track]) -> i32 {
    let mean =
        |heights: &[i32]| heights.iter().sum::<i32>() / i32::try_from(heights.len().max(1)).unwrap_or(1);
    tracks.sort_by_key(|it| {
        let (least, most) = it.ends();
        if it.right.is_empty() || it.left.is_empty() {
            // A table's own edge stays close to it.
            return (0, most - least, it.net);
        }
        let (left, right) = (mean(&it.left), mean(&it.right));
        (1, if right > left { -left } else { left }, it.net)
    });
    let mut count = 0;
    for at in 0..tracks.len() {
        let (before, rest) = tracks.split_at_mut(at);
        let own = &mut rest[0];
        let (least, most) = own.ends();
        if least == most {
            continue;
        }
        let overlapping = before.iter().filter(|it| {
            let (other_least, other_most) = it.ends();
            other_least != other_most && other_least < most + TRACK && least < other_most + TRACK
        });
        own.number = overlapping.map(|it| it.number + 1).max().unwrap_or(0);
        count = count.max(own.number + 1);
    }
    count
}

impl Track {
    fn ends(&self) -> (i32, i32) {
        let all = || self.left.iter().chain(&self.right).copied();
        (all().min().unwrap_or(0), all().max().unwrap_or(0))
    }
}

struct Way<'a> {
    network: &'a Network,
    boxes: &'a [&'a Measured],
    corners: &'a [(i32, i32)],
    heights: &'a Heights<'a>,
    uprights: &'a HashMap<(usize, usize), i32>,
}

impl Way<'_> {
    /// The corners of an edge, from its child to its parent.
    fn of(&self, number: usize, net: &Net, child: Pin) -> Vec<(i32, i32)> {
        let layer = |pin: Pin| self.network.nodes[pin.node].layer;
        let own = child.node == net.parent.node;
        let child_on_right = own || !net.to_right;
        let start = self.heights.of(child, child_on_right);
        let mut points = vec![(self.side(child, child_on_right), start)];
        let mut height = start;
        let (here, home) = (layer(child), layer(net.parent));
        let channels: Vec<usize> = if own {
            vec![here]
        } else if net.to_right {
            (home..here).rev().collect()
        } else {
            (here..home).collect()
        };
        for channel in channels {
            let beyond = if own || net.to_right { channel } else { channel + 1 };
            let pin = net.passes.get(&beyond).copied().unwrap_or(net.parent);
            let height_beyond = self.heights.of(pin, own || net.to_right);
            if let Some(x) = self
                .uprights
                .get(&(channel, number))
                .filter(|_| height_beyond != height)
            {
                points.push((*x, height));
                points.push((*x, height_beyond));
            }
            height = height_beyond;
        }
        points.push((self.side(net.parent, net.to_right), height));
        points
    }

    fn side(&self, pin: Pin, right: bool) -> i32 {
        self.corners[pin.node].0 + if right { self.boxes[pin.node].width } else { 0 }
    }
}
