//! Heights: each node as close as can be to where its lines would be straight, and none upon another.

use super::GRID;
use super::nets::Network;
use super::order::links;

const ROUNDS: usize = 12;

/// The top of each node, a multiple of the grid, from 0 on.
pub(super) fn tops(network: &Network, order: &[Vec<usize>]) -> Vec<i32> {
    // Of each node, on its left and on its right: the other node, and how far above its own top that one's would be.
    let mut neighbours: Vec<[Vec<(usize, f64)>; 2]> = vec![[Vec::new(), Vec::new()]; network.nodes.len()];
    for link in links(network).into_iter().flatten() {
        let difference = f64::from(link.left.at - link.right.at);
        neighbours[link.right.node][0].push((link.left.node, difference));
        neighbours[link.left.node][1].push((link.right.node, -difference));
    }
    let mut tops = vec![0.0; network.nodes.len()];
    for nodes in order {
        let mut top = 0.0;
        for pair in nodes.windows(2) {
            tops[pair[0]] = top;
            top += f64::from(step(network, pair[0], pair[1]));
            tops[pair[1]] = top;
        }
    }
    for round in 0..ROUNDS {
        let to_right = round % 2 == 0;
        let both = round + 2 >= ROUNDS;
        let layers: Vec<usize> = if to_right {
            (0..order.len()).collect()
        } else {
            (0..order.len()).rev().collect()
        };
        for layer in layers {
            let wanted: Vec<(f64, f64)> = order[layer]
                .iter()
                .map(|node| {
                    let sides = &neighbours[*node];
                    let mut tops_wanted: Vec<f64> = Vec::new();
                    for (side, others) in sides.iter().enumerate() {
                        if both || (side == 0) == to_right {
                            tops_wanted.extend(others.iter().map(|(other, by)| tops[*other] + by));
                        }
                    }
                    let weight = if network.nodes[*node].passes { 4.0 } else { 1.0 };
                    match median(&mut tops_wanted) {
                        Some(top) => (top, weight),
                        // Without a line on this side it stays, but gives way first.
                        None => (tops[*node], 0.3),
                    }
                })
                .collect();
            place(network, &order[layer], &wanted, &mut tops);
        }
    }
    rounded(network, order, &tops)
}

/// The middle one, of two the upper.
fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied()
}

/// The least squares under the distances that must be kept: neighbours that would meet are moved as one block to the
/// mean of what they want.
fn place(network: &Network, nodes: &[usize], wanted: &[(f64, f64)], tops: &mut [f64]) {
    // Each block: weighted sum, weight, number of nodes.
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    let mut offsets = Vec::with_capacity(nodes.len());
    let mut offset = 0.0;
    for (at, (top, weight)) in wanted.iter().enumerate() {
        if at > 0 {
            offset += f64::from(step(network, nodes[at - 1], nodes[at]));
        }
        offsets.push(offset);
        let mut block = ((top - offset) * weight, *weight, 1);
        while let Some(above) = blocks.last().filter(|it| it.0 / it.1 > block.0 / block.1) {
            block = (block.0 + above.0, block.1 + above.1, block.2 + above.2);
            blocks.pop();
        }
        blocks.push(block);
    }
    let means = blocks
        .iter()
        .flat_map(|it| std::iter::repeat_n(it.0 / it.1, it.2));
    for ((node, mean), offset) in nodes.iter().zip(means).zip(offsets) {
        tops[*node] = mean + offset;
    }
}

/// On the grid, from 0 on, and none upon another by rounding.
fn rounded(network: &Network, order: &[Vec<usize>], tops: &[f64]) -> Vec<i32> {
    let least = tops.iter().copied().fold(f64::INFINITY, f64::min);
    let mut whole = vec![0; tops.len()];
    for nodes in order {
        let mut free = 0;
        let mut above = None;
        for node in nodes {
            if let Some(above) = above {
                free = whole[above] + step(network, above, *node);
            }
            #[allow(clippy::cast_possible_truncation, reason = "pixels; what is larger is cut")]
            let near = ((tops[*node] - least) / f64::from(GRID)).round() as i32 * GRID;
            whole[*node] = near.max(free);
            above = Some(*node);
        }
    }
    whole
}

/// From the top of one node to the top of the next, at the least; a multiple of the grid.
fn step(network: &Network, upper: usize, lower: usize) -> i32 {
    let (upper, lower) = (&network.nodes[upper], &network.nodes[lower]);
    let gap = match (upper.passes, lower.passes) {
        (true, true) => 0,
        (false, false) => 6 * GRID,
        _ => 2 * GRID,
    };
    upper.height + gap
}
