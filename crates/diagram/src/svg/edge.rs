//! A line with rounded corners, and the signs at its ends: a crow's foot for many, a bar for one, a ring for none.

use std::fmt::Write as _;

use super::escaped;
use crate::layout::PlacedEdge;
use crate::model::{Cardinality, Diagram, End};

const RADIUS: f64 = 6.0;

pub(super) fn write(out: &mut String, diagram: &Diagram, placed: &PlacedEdge) {
    let edge = &diagram.edges[placed.edge];
    let (child, parent) = (end_name(diagram, &edge.child), end_name(diagram, &edge.parent));
    let _ = write!(
        out,
        "<g class=\"erd-edge\"><title>{}: {} → {}</title><path class=\"erd-line\" d=\"{}\"/>",
        escaped(&edge.label),
        escaped(&child),
        escaped(&parent),
        path(&placed.points)
    );
    if let [first, second, ..] = placed.points[..] {
        write_child_end(out, first, (second.0 - first.0).signum(), edge.cardinality);
    }
    if let [.., second, last] = placed.points[..] {
        write_parent_end(out, last, (second.0 - last.0).signum(), edge.cardinality);
    }
    out.push_str("</g>");
}

/// `orders (customer_id)`
fn end_name(diagram: &Diagram, end: &End) -> String {
    let table = &diagram.tables[end.table];
    let rows: Vec<&str> = end
        .rows
        .iter()
        .filter_map(|it| table.rows.get(*it))
        .map(|it| it.name.as_str())
        .collect();
    if rows.is_empty() {
        return table.name.clone();
    }
    format!("{} ({})", table.name, rows.join(", "))
}

/// None or many children, or none or one. `way` is 1 where the line goes to the right, and -1.
pub(super) fn write_child_end(out: &mut String, (x, y): (i32, i32), way: i32, cardinality: Cardinality) {
    if cardinality.one_to_one {
        bar(out, x + way * 7, y);
    } else {
        let _ = write!(
            out,
            "<path class=\"erd-end\" d=\"M{x} {}L{tip} {y}L{x} {}\"/>",
            y - 5,
            y + 5,
            tip = x + way * 11
        );
    }
    ring(out, x + way * 15, y);
}

/// Exactly one parent, or none or one.
pub(super) fn write_parent_end(out: &mut String, (x, y): (i32, i32), way: i32, cardinality: Cardinality) {
    bar(out, x + way * 7, y);
    if cardinality.optional {
        ring(out, x + way * 14, y);
    } else {
        bar(out, x + way * 11, y);
    }
}

fn bar(out: &mut String, x: i32, y: i32) {
    let _ = write!(out, "<path class=\"erd-end\" d=\"M{x} {}V{}\"/>", y - 5, y + 5);
}

fn ring(out: &mut String, x: i32, y: i32) {
    let _ = write!(out, "<circle class=\"erd-ring\" cx=\"{x}\" cy=\"{y}\" r=\"4\"/>");
}

/// Corners become arcs that take no more than half of what they join.
fn path(points: &[(i32, i32)]) -> String {
    let mut path = String::new();
    for (number, (x, y)) in points.iter().enumerate() {
        if number == 0 {
            let _ = write!(path, "M{x} {y}");
            continue;
        }
        let (before, after) = (points[number - 1], points.get(number + 1));
        let Some(after) = after else {
            let _ = write!(path, "L{x} {y}");
            continue;
        };
        let length = |other: (i32, i32)| f64::from((other.0 - x).abs() + (other.1 - y).abs());
        let radius = RADIUS.min(length(before) / 2.0).min(length(*after) / 2.0);
        let towards = |other: (i32, i32)| {
            let (right, down) = ((other.0 - x).signum(), (other.1 - y).signum());
            (
                f64::from(*x) + radius * f64::from(right),
                f64::from(*y) + radius * f64::from(down),
            )
        };
        let (from, to) = (towards(before), towards(*after));
        let _ = write!(path, "L{} {}Q{x} {y} {} {}", from.0, from.1, to.0, to.1);
    }
    path
}
