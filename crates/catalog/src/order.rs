//! The order of dependencies.

use std::collections::BTreeSet;

/// Some nodes depend on each other in a circle, so that no order exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Indexes of the nodes that could not be ordered, ascending.
    pub nodes: Vec<usize>,
}

/// Orders the nodes `0..len` so that each comes after everything it depends on, the smaller index first
/// where there is a choice.
///
/// `edges` are pairs `(node, depends_on)`; an edge from a node to itself is ignored.
pub fn dependency_order(len: usize, edges: &[(usize, usize)]) -> Result<Vec<usize>, Cycle> {
    let mut blockers = vec![0_usize; len];
    let mut dependents = vec![Vec::new(); len];
    for &(node, depends_on) in edges.iter().filter(|(node, depends_on)| node != depends_on) {
        blockers[node] += 1;
        dependents[depends_on].push(node);
    }
    let mut ready: BTreeSet<usize> = (0..len).filter(|&node| blockers[node] == 0).collect();
    let mut order = Vec::with_capacity(len);
    while let Some(node) = ready.pop_first() {
        order.push(node);
        for &dependent in &dependents[node] {
            blockers[dependent] -= 1;
            if blockers[dependent] == 0 {
                ready.insert(dependent);
            }
        }
    }
    if order.len() == len {
        return Ok(order);
    }
    Err(Cycle {
        nodes: (0..len).filter(|&node| blockers[node] > 0).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn circle_is_named() {
        assert_eq!(
            dependency_order(3, &[(0, 1), (1, 0)]),
            Err(Cycle { nodes: vec![0, 1] })
        );
    }

    proptest! {
        #[test]
        fn every_node_comes_after_what_it_depends_on(
            edges in prop::collection::vec((0_usize..20, 0_usize..20), 0..60)
        ) {
            let downwards: Vec<_> = edges.into_iter().map(|(a, b)| (a.max(b), a.min(b))).collect();
            let order = dependency_order(20, &downwards).unwrap();
            let place = |node| order.iter().position(|&it| it == node).unwrap();
            for (node, depends_on) in downwards {
                prop_assert!(node == depends_on || place(node) > place(depends_on));
            }
        }
    }
}
