//! The order in which tables are filled: what a foreign key refers to comes first. Tables that refer to each other in
//! a circle, and tables that are truncated and hang together, are filled in one transaction.

use std::collections::HashSet;

use catalog::dependency_order;

use super::matching::Unit;
use super::standing::ForeignKey;

/// Tables that are filled in one transaction.
#[derive(Debug)]
pub(crate) struct Group {
    /// Places among the units, in the order in which they are filled.
    pub(crate) units: Vec<usize>,
    /// Whether foreign keys are looked at only when all rows of the group are in.
    pub(crate) deferred: bool,
    /// Those that must be made deferrable for it, and are made what they were in the same transaction.
    pub(crate) altered: Vec<ForeignKey>,
}

/// A pair of places: the first refers to the second.
type Edge = (usize, usize);

/// All units in groups, and what stands in the way, as sentences.
pub(crate) fn groups(units: &[Unit], keys: &[ForeignKey]) -> (Vec<Group>, Vec<String>) {
    let mut findings = truncated_alone(units, keys);
    let edges = edges(units, keys.iter());
    // What is truncated together must be filled together: between two transactions it would be empty.
    let together = edges
        .iter()
        .filter(|(from, to)| units[*from].truncate && units[*to].truncate)
        .map(|(from, to)| (*to, *from));
    let bound: Vec<Edge> = edges.iter().copied().chain(together).collect();
    let components = components(units.len(), &bound);
    let place_of = |unit: usize| components.iter().position(|it| it.contains(&unit)).unwrap_or(0);
    let places: Vec<usize> = (0..units.len()).map(place_of).collect();
    let between: Vec<Edge> = edges
        .iter()
        .map(|(from, to)| (places[*from], places[*to]))
        .collect();
    let order = dependency_order(components.len(), &between).unwrap_or_else(|cycle| cycle.nodes);
    let mut groups = Vec::new();
    for place in order {
        let group = group(units, keys, &components[place]);
        let barred: Vec<&ForeignKey> = group.altered.iter().filter(|it| !it.owned).collect();
        for key in barred {
            findings.push(format!(
                "foreign key {} of {} closes a circle, is not deferrable, and the role does not own the table: load as \
                 its owner, or ALTER TABLE {} ALTER CONSTRAINT {} DEFERRABLE",
                key.name,
                key.from,
                key.from,
                catalog::quote_ident(&key.name)
            ));
        }
        groups.push(group);
    }
    (groups, findings)
}

/// Tables that cannot be emptied, since rows of others refer to theirs.
fn truncated_alone(units: &[Unit], keys: &[ForeignKey]) -> Vec<String> {
    let truncated: HashSet<u32> = units
        .iter()
        .filter(|it| it.truncate)
        .map(|it| it.target.root)
        .collect();
    let mut findings = Vec::new();
    for unit in units.iter().filter(|it| it.truncate) {
        let others: Vec<String> = keys
            .iter()
            .filter(|it| it.to_root == unit.target.root && !truncated.contains(&it.from_root))
            .map(|it| format!("{} of {}", it.name, it.from))
            .collect();
        if !others.is_empty() {
            findings.push(format!(
                "{} cannot be truncated alone, foreign keys refer to it: {}; name those tables by --truncate too",
                unit.target.name,
                others.join(", ")
            ));
        }
    }
    findings
}

/// Foreign keys between different units.
fn edges<'a>(units: &[Unit], keys: impl Iterator<Item = &'a ForeignKey>) -> Vec<Edge> {
    let with_root = |root: u32| {
        let places = units.iter().zip(0..);
        places
            .filter(move |(it, _)| it.target.root == root)
            .map(|(_, place)| place)
    };
    let mut edges: Vec<Edge> = keys
        .flat_map(|key| {
            with_root(key.from_root).flat_map(move |from| with_root(key.to_root).map(move |to| (from, to)))
        })
        .filter(|(from, to)| from != to)
        .collect();
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// Nodes that reach each other stand together.
fn components(len: usize, edges: &[Edge]) -> Vec<Vec<usize>> {
    let Err(cycle) = dependency_order(len, edges) else {
        return (0..len).map(|it| vec![it]).collect();
    };
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); len];
    for (from, to) in edges {
        next[*from].push(*to);
    }
    let reached = |start: usize| {
        let (mut seen, mut waiting) = (HashSet::new(), vec![start]);
        while let Some(node) = waiting.pop() {
            waiting.extend(next[node].iter().filter(|it| seen.insert(**it)));
        }
        seen
    };
    let reached: Vec<HashSet<usize>> = (0..len)
        .map(|it| {
            if cycle.nodes.contains(&it) {
                reached(it)
            } else {
                HashSet::new()
            }
        })
        .collect();
    let mut components: Vec<Vec<usize>> = Vec::new();
    for node in 0..len {
        let is_of = |it: &&mut Vec<usize>| reached[it[0]].contains(&node) && reached[node].contains(&it[0]);
        match components.iter_mut().find(is_of) {
            Some(component) => component.push(node),
            None => components.push(vec![node]),
        }
    }
    components
}

/// How the units of one component are filled: in order if there is one, else with foreign keys deferred.
fn group(units: &[Unit], keys: &[ForeignKey], component: &[usize]) -> Group {
    let roots: HashSet<u32> = component.iter().map(|it| units[*it].target.root).collect();
    let inner: Vec<&ForeignKey> = keys
        .iter()
        .filter(|it| roots.contains(&it.from_root) && roots.contains(&it.to_root))
        .collect();
    // One statement fills a table, and keys are looked at when it ends; several statements are another matter.
    let in_pieces = |root: u32| {
        let pieces = component.iter().filter(|it| units[**it].target.root == root);
        pieces.map(|it| units[*it].parts.len()).sum::<usize>() > 1
    };
    let order = |deferrable_too: bool| {
        let counted = || {
            inner
                .iter()
                .copied()
                .filter(move |it| deferrable_too || !it.deferrable)
        };
        if counted().any(|it| it.from_root == it.to_root && in_pieces(it.from_root)) {
            return None;
        }
        let place = |unit: usize| component.iter().position(|it| *it == unit);
        let edges: Vec<Edge> = edges(units, counted())
            .iter()
            .filter_map(|(from, to)| Some((place(*from)?, place(*to)?)))
            .collect();
        let order = dependency_order(component.len(), &edges).ok()?;
        Some(order.into_iter().map(|it| component[it]).collect::<Vec<usize>>())
    };
    let none_altered = Vec::new();
    match (order(true), order(false)) {
        (Some(units), _) => Group {
            units,
            deferred: false,
            altered: none_altered,
        },
        (None, Some(units)) => Group {
            units,
            deferred: true,
            altered: none_altered,
        },
        (None, None) => Group {
            units: component.to_vec(),
            deferred: true,
            altered: inner.into_iter().filter(|it| !it.deferrable).cloned().collect(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(edges: &[Edge], expected: &[&[usize]]) {
        assert_eq!(components(5, edges), expected, "{edges:?}");
    }

    #[test]
    fn what_only_leads_to_a_circle_stands_by_itself() {
        check(&[(1, 0), (2, 1)], &[&[0], &[1], &[2], &[3], &[4]]);
        check(&[(0, 1), (1, 2), (2, 1), (2, 3)], &[&[0], &[1, 2], &[3], &[4]]);
        check(
            &[(4, 0), (0, 4), (1, 3), (3, 1), (1, 0)],
            &[&[0, 4], &[1, 3], &[2]],
        );
    }
}
