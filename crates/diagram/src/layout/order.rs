//! The order of what stands in each layer, so that few lines cross: sweeps from left to right and back, each node at the
//! mean of its neighbours, and neighbours changed where that helps. The best order seen is kept.

use super::nets::{Network, Pin};

const SWEEPS: usize = 14;

/// Above so many links in all, neighbours are not tried one by one.
const LINKS_SWITCHED_MAX: usize = 6000;

#[derive(Clone, Copy)]
pub(super) struct Link {
    pub(super) left: Pin,
    pub(super) right: Pin,
}

/// Of each layer its nodes from top to bottom.
pub(super) fn order(network: &Network) -> Vec<Vec<usize>> {
    let links = links(network);
    let mut layers: Vec<Vec<usize>> = vec![Vec::new(); network.layers];
    for (number, node) in network.nodes.iter().enumerate() {
        layers[node.layer].push(number);
    }
    let mut sweep = Sweep {
        place: vec![0.0; network.nodes.len()],
        links: &links,
        network,
        layers,
    };
    sweep.number_all();
    let mut best = (sweep.crossings(), sweep.layers.clone());
    for round in 0..SWEEPS {
        sweep.run(round % 2 == 0);
        let total: usize = links.iter().map(Vec::len).sum();
        if total <= LINKS_SWITCHED_MAX {
            sweep.switch();
        }
        let crossings = sweep.crossings();
        if crossings < best.0 {
            best = (crossings, sweep.layers.clone());
        }
        if best.0 == 0 {
            break;
        }
    }
    best.1
}

/// Of each channel what it joins.
pub(super) fn links(network: &Network) -> Vec<Vec<Link>> {
    let channels = network.channels.iter().map(|stretches| {
        let pairs = stretches.iter().flat_map(|it| {
            it.left.iter().flat_map(|left| {
                it.right.iter().map(|right| Link {
                    left: *left,
                    right: *right,
                })
            })
        });
        pairs.collect()
    });
    channels.collect()
}

struct Sweep<'a> {
    /// Of each node its number within its layer.
    place: Vec<f64>,
    links: &'a [Vec<Link>],
    network: &'a Network,
    layers: Vec<Vec<usize>>,
}

impl Sweep<'_> {
    fn run(&mut self, to_right: bool) {
        let count = self.layers.len();
        let order: Vec<usize> = if to_right {
            (1..count).collect()
        } else {
            (0..count - 1).rev().collect()
        };
        for layer in order {
            let mut sums = vec![(0.0, 0.0); self.network.nodes.len()];
            for link in &self.links[if to_right { layer - 1 } else { layer }] {
                let (own, other) = if to_right {
                    (link.right, link.left)
                } else {
                    (link.left, link.right)
                };
                // Where a line ends within its own table counts the other way round, or ports would pull tables along.
                sums[own.node].0 += self.height_of(other) - self.share(own);
                sums[own.node].1 += 1.0;
            }
            let wanted = |it: &usize| {
                let (sum, links) = sums[*it];
                if links > 0.0 { sum / links } else { self.place[*it] }
            };
            let mut nodes: Vec<(f64, usize)> =
                self.layers[layer].iter().map(|it| (wanted(it), *it)).collect();
            nodes.sort_by(|one, other| one.0.total_cmp(&other.0));
            self.layers[layer] = nodes.into_iter().map(|it| it.1).collect();
            self.number(layer);
        }
    }

    fn number_all(&mut self) {
        for layer in 0..self.layers.len() {
            self.number(layer);
        }
    }

    fn number(&mut self, layer: usize) {
        for (place, node) in self.layers[layer].iter().enumerate() {
            #[allow(clippy::cast_precision_loss, reason = "places are few")]
            let place = place as f64;
            self.place[*node] = place;
        }
    }

    fn share(&self, pin: Pin) -> f64 {
        f64::from(pin.at) / f64::from(self.network.nodes[pin.node].height.max(1))
    }

    fn height_of(&self, pin: Pin) -> f64 {
        self.place[pin.node] + self.share(pin)
    }

    fn crossings(&self) -> usize {
        self.links.iter().map(|it| self.crossings_of(it)).sum()
    }

    fn crossings_of(&self, links: &[Link]) -> usize {
        let mut pairs: Vec<(f64, f64)> = links
            .iter()
            .map(|it| (self.height_of(it.left), self.height_of(it.right)))
            .collect();
        pairs.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
        let mut rights: Vec<f64> = pairs.iter().map(|it| it.1).collect();
        rights.sort_by(f64::total_cmp);
        rights.dedup();
        // A Fenwick tree over the right ends counts those below each.
        let mut tree = vec![0_usize; rights.len() + 1];
        let mut crossings = 0;
        for (seen, (_, right)) in pairs.iter().enumerate() {
            let rank = rights.partition_point(|it| it < right) + 1;
            let (mut at, mut not_below) = (rank, 0);
            while at > 0 {
                not_below += tree[at];
                at &= at - 1;
            }
            crossings += seen - not_below;
            let mut at = rank;
            while at < tree.len() {
                tree[at] += 1;
                at += at & at.wrapping_neg();
            }
        }
        crossings
    }

    /// Changes neighbours where fewer lines cross then.
    fn switch(&mut self) {
        let mut ends: Vec<[Vec<(f64, Pin)>; 2]> = vec![[Vec::new(), Vec::new()]; self.network.nodes.len()];
        for link in self.links.iter().flatten() {
            ends[link.left.node][1].push((self.share(link.left), link.right));
            ends[link.right.node][0].push((self.share(link.right), link.left));
        }
        for _ in 0..4 {
            let mut changed = false;
            for layer in 0..self.layers.len() {
                for at in 1..self.layers[layer].len() {
                    let (upper, lower) = (self.layers[layer][at - 1], self.layers[layer][at]);
                    let (mut now, mut then) = (0, 0);
                    for (uppers, lowers) in ends[upper].iter().zip(&ends[lower]) {
                        for (_, one) in uppers {
                            for (_, other) in lowers {
                                let (one, other) = (self.height_of(*one), self.height_of(*other));
                                now += usize::from(one > other);
                                then += usize::from(other > one);
                            }
                        }
                    }
                    if then < now {
                        self.layers[layer].swap(at - 1, at);
                        self.number(layer);
                        changed = true;
                    }
                }
            }
            if !changed {
                break;
            }
        }
    }
}
