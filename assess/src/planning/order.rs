//! Which sources go first: one whose foreign servers point at another goes after it.

use inventory::{ForeignServer, Inventory};
use plan::Plan;

use crate::sources::Source;

/// Enters the order; sources that point at each other in a circle go at the same time.
pub(super) fn enter(sources: &[Source], plan: &mut Plan) {
    let after: Vec<Vec<usize>> = sources.iter().map(|it| pointed_at(it, sources)).collect();
    let mut order = vec![0i64; sources.len()];
    // Each round moves sources behind those that they point at; a circle ends with the rounds.
    for _ in 0..sources.len() {
        let before = order.clone();
        for (at, others) in after.iter().enumerate() {
            let in_circle = |other: usize| reaches(&after, other, at);
            let behind = others
                .iter()
                .filter(|it| !in_circle(**it))
                .map(|it| before[*it] + 1);
            order[at] = behind.max().unwrap_or(0);
        }
    }
    for (source, order) in plan.sources.iter_mut().zip(order) {
        source.order = order;
    }
}

fn reaches(after: &[Vec<usize>], from: usize, to: usize) -> bool {
    let (mut seen, mut next) = (vec![false; after.len()], vec![from]);
    while let Some(at) = next.pop() {
        if at == to {
            return true;
        }
        if !std::mem::replace(&mut seen[at], true) {
            next.extend(&after[at]);
        }
    }
    false
}

fn pointed_at(source: &Source, sources: &[Source]) -> Vec<usize> {
    let servers = &source.inventory.foreign_servers;
    let points = |other: &Inventory| servers.iter().any(|it| is_at(it, other));
    sources
        .iter()
        .enumerate()
        .filter(|(_, other)| other.name() != source.name() && points(&other.inventory))
        .map(|(at, _)| at)
        .collect()
}

/// Whether a foreign server is this database: of its name, and at its address where both say one.
fn is_at(server: &ForeignServer, other: &Inventory) -> bool {
    if !other.is_postgres() || server.database.as_deref() != Some(other.server.database.as_str()) {
        return false;
    }
    match (&server.host, &other.server.address) {
        (Some(host), Some(address)) => address.starts_with(host.as_str()) || host == "localhost",
        _ => true,
    }
}
