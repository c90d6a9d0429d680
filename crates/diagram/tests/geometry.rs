//! What holds for the picture of every graph: nothing lies upon anything else, and nothing is cut.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use diagram::{
    Cardinality, Diagram, Edge, End, Framing, Layout, Marks, PlacedTable, Rect, Row, Table, Weight,
};
use proptest::prelude::*;

/// Between tables, at the least.
const MARGIN: i32 = 20;

#[track_caller]
fn check(diagram: &Diagram) {
    let layout = Layout::of(diagram);
    assert_eq!(layout.tables.len(), diagram.tables.len());
    assert_eq!(layout.edges.len(), diagram.edges.len(), "an edge is lost");
    tables_are_apart(&layout);
    labels_fit(diagram, &layout);
    edges_touch_their_own_tables_alone(diagram, &layout);
    edges_have_ways_of_their_own(&layout);
    let points = layout.edges.iter().flat_map(|it| &it.points).copied();
    let corners = layout
        .tables
        .iter()
        .flat_map(|it| [(it.rect.x, it.rect.y), (it.rect.right(), it.rect.bottom())]);
    for (x, y) in points.chain(corners) {
        assert!(
            (0..=layout.width).contains(&x) && (0..=layout.height).contains(&y),
            "{x} {y} is outside"
        );
    }
}

fn tables_are_apart(layout: &Layout) {
    for (number, one) in layout.tables.iter().enumerate() {
        for other in &layout.tables[..number] {
            let (one, other) = (one.rect, other.rect);
            let apart = one.right() + MARGIN <= other.x
                || other.right() + MARGIN <= one.x
                || one.bottom() + MARGIN <= other.y
                || other.bottom() + MARGIN <= one.y;
            assert!(apart, "{one:?} and {other:?} are too close");
        }
    }
}

fn labels_fit(diagram: &Diagram, layout: &Layout) {
    for (table, placed) in diagram.tables.iter().zip(&layout.tables) {
        let inner = placed.rect.width - 16;
        assert!(diagram::width(&table.name, 14, Weight::Bold) <= inner);
        for row in &table.rows {
            let names = placed.name_x + diagram::width(&row.name, 13, Weight::Bold);
            assert!(names < placed.type_x, "{} runs into its type", row.name);
            let types = placed.type_x + diagram::width(&row.type_name, 12, Weight::Regular);
            let null = if row.not_null {
                0
            } else {
                diagram::width("null", 11, Weight::Regular)
            };
            assert!(types + null < placed.rect.width, "{} is cut", row.type_name);
        }
        let bottom = placed
            .rows
            .last()
            .map_or(placed.header_height, |it| it.y + it.height);
        assert!(bottom <= placed.rect.height);
    }
}

fn edges_touch_their_own_tables_alone(diagram: &Diagram, layout: &Layout) {
    for placed in &layout.edges {
        let edge = &diagram.edges[placed.edge];
        for (end, point) in [
            (&edge.child, placed.points.first()),
            (&edge.parent, placed.points.last()),
        ] {
            ends_at_its_row(&layout.tables[end.table], end, *point.unwrap());
        }
        for pair in placed.points.windows(2) {
            let ((x1, y1), (x2, y2)) = (pair[0], pair[1]);
            assert!((x1 == x2) != (y1 == y2), "{pair:?} is neither level nor upright");
            for (number, table) in layout.tables.iter().enumerate() {
                let own = number == edge.child.table || number == edge.parent.table;
                let Rect { x, y, .. } = table.rect;
                let (right, bottom) = (table.rect.right(), table.rect.bottom());
                let inside = x1.max(x2) > x && x1.min(x2) < right && y1.max(y2) > y && y1.min(y2) < bottom;
                let touches =
                    x1.max(x2) >= x && x1.min(x2) <= right && y1.max(y2) >= y && y1.min(y2) <= bottom;
                assert!(!inside && (own || !touches), "{pair:?} crosses {:?}", table.rect);
            }
        }
    }
}

fn ends_at_its_row(table: &PlacedTable, end: &End, (x, y): (i32, i32)) {
    assert!(
        x == table.rect.x || x == table.rect.right(),
        "an edge ends beside its table"
    );
    let y = y - table.rect.y;
    let (top, height) = match end.rows.first() {
        Some(row) => (table.rows[*row].y, table.rows[*row].height),
        None => (0, table.header_height),
    };
    assert!(y > top && y < top + height, "an edge ends beside its row");
}

/// Level or upright: where, from, to, and whose.
type Stretch = (i32, i32, i32, usize);

fn edges_have_ways_of_their_own(layout: &Layout) {
    let (mut level, mut upright): (Vec<Stretch>, Vec<Stretch>) = (Vec::new(), Vec::new());
    for edge in &layout.edges {
        for pair in edge.points.windows(2) {
            let ((x1, y1), (x2, y2)) = (pair[0], pair[1]);
            if y1 == y2 {
                level.push((y1, x1.min(x2), x1.max(x2), edge.bundle));
            } else {
                upright.push((x1, y1.min(y2), y1.max(y2), edge.bundle));
            }
        }
    }
    for stretches in [&mut level, &mut upright] {
        stretches.sort_unstable();
        for (number, one) in stretches.iter().enumerate() {
            for other in stretches[number + 1..].iter().take_while(|it| it.0 < one.0 + 3) {
                let overlap = one.2.min(other.2) - one.1.max(other.1);
                assert!(
                    one.3 == other.3 || overlap < 0,
                    "{one:?} and {other:?} lie upon each other"
                );
            }
        }
    }
    for (number, one) in layout.edges.iter().enumerate() {
        for other in layout.edges[..number].iter().filter(|it| it.bundle == one.bundle) {
            assert_eq!(
                one.points.last(),
                other.points.last(),
                "a bundle leads to two places"
            );
            assert_ne!(
                one.points.first(),
                other.points.first(),
                "two edges begin at one place"
            );
        }
    }
}

fn row(name: String, type_name: &str, marks: Marks) -> Row {
    Row {
        name,
        type_name: type_name.to_owned(),
        marks,
        not_null: marks.primary,
    }
}

fn table(number: usize, rows: usize) -> Table {
    let rows = (0..rows).map(|it| {
        let marks = Marks {
            primary: it == 0,
            foreign: it % 2 == 1,
            unique: it % 5 == 3,
        };
        row(format!("column_{it}"), "character varying(200)", marks)
    });
    Table {
        name: format!("table_{number}"),
        rows: rows.collect(),
        ..Table::default()
    }
}

fn any_diagram(tables: usize, edges: usize) -> impl Strategy<Value = Diagram> {
    let tables = prop::collection::vec(
        (0_usize..9, "\\PC{0,20}", prop::option::of("[a-z ]{1,40}")),
        1..=tables,
    );
    let edge = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        0_usize..9,
        0_usize..3,
        any::<[bool; 3]>(),
    );
    (tables, prop::collection::vec(edge, 0..=edges)).prop_map(|(tables, edges)| {
        let tables: Vec<Table> = (tables.into_iter().enumerate())
            .map(|(number, (rows, name, note))| Table {
                name,
                note,
                ..table(number, rows)
            })
            .collect();
        let edges = edges
            .into_iter()
            .map(|(child, parent, from, to, [one_to_one, optional, whole])| {
                let end = |index: prop::sample::Index, row: usize| {
                    let table = index.index(tables.len());
                    let rows = if whole || tables[table].rows.is_empty() {
                        vec![]
                    } else {
                        vec![row % tables[table].rows.len()]
                    };
                    End { table, rows }
                };
                Edge {
                    child: end(child, from),
                    parent: end(parent, to),
                    label: "fk".to_owned(),
                    cardinality: Cardinality { one_to_one, optional },
                }
            });
        Diagram {
            edges: edges.collect(),
            tables,
            ..Diagram::default()
        }
    })
}

fn linked(tables: usize, links: impl IntoIterator<Item = (usize, usize)>) -> Diagram {
    let end = |table: usize, row: usize| End {
        table,
        rows: vec![row],
    };
    let edge = |(child, parent): (usize, usize)| Edge {
        child: end(child, 1),
        parent: end(parent, 0),
        label: "fk".to_owned(),
        ..Edge::default()
    };
    Diagram {
        tables: (0..tables).map(|it| table(it, 2 + it % 6)).collect(),
        edges: links.into_iter().map(edge).collect(),
        ..Diagram::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_lies_upon_anything_else(diagram in any_diagram(14, 30)) {
        check(&diagram);
    }

    #[test]
    fn sparse_graphs_hold_too(diagram in any_diagram(60, 45)) {
        check(&diagram);
    }
}

#[test]
fn hubs_cycles_and_loops_hold() {
    check(&linked(0, []));
    check(&linked(1, []));
    check(&linked(1, [(0, 0), (0, 0)]));
    check(&linked(51, (1..51).map(|it| (it, 0))));
    check(&linked(51, (1..51).map(|it| (0, it))));
    check(&linked(30, (0..30).map(|it| (it, (it + 1) % 30))));
    check(&linked(2, (0..12).map(|it| (it % 2, (it + 1) % 2))));
    check(&linked(40, []));
}

#[test]
fn two_hundred_tables_hold() {
    check(&linked(
        200,
        (1..200).flat_map(|it| [(it, it / 3), (it, it * 7 % 200)]),
    ));
}

#[test]
fn long_names_are_whole() {
    let long = "a_name_without_any_break_that_is_as_long_as_postgres_keeps_them".to_owned();
    let mut diagram = linked(3, [(1, 0), (2, 0)]);
    diagram.tables[1].name.clone_from(&long);
    diagram.tables[2].rows[1].name = format!("{long}💥中文");
    check(&diagram);
    let text = diagram::svg(&diagram, &Layout::of(&diagram), "x", Framing::File);
    assert!(text.contains(&format!("{long}💥中文")));
}

#[test]
fn a_thousand_tables_are_quick() {
    let diagram = linked(
        1000,
        (1..1000).flat_map(|it| [(it, it / 4), (it, it * 13 % 1000)]),
    );
    let started = std::time::Instant::now();
    for part in diagram::divided(diagram) {
        check_size(&part);
    }
    // Without optimisation it takes ten times as long as it may.
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

fn check_size(diagram: &Diagram) {
    let layout = Layout::of(diagram);
    let text = diagram::svg(diagram, &layout, "x", Framing::Inline);
    assert!(!text.contains("<style"));
    assert_eq!(text.matches("class=\"erd-table\"").count(), diagram.tables.len());
}
