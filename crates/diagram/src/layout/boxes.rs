//! How large each table is, and at which heights lines can end at it.

use std::collections::BTreeSet;

use super::{GRID, PlacedTable, Rect};
use crate::model::{Diagram, Edge, Table};
use crate::svg::{self, size};
use crate::text::{Weight, visible, width};

/// Around text within a table.
pub(crate) const PADDING: i32 = 12;

/// Between a column's marks, name, type and the word for NULL.
const COLUMN_GAP: i32 = 14;

const ROW_HEIGHT: i32 = 24;
const HEADER_HEIGHT: i32 = 36;
const HEADER_HEIGHT_WITH_NOTE: i32 = 48;
const WIDTH_MIN: i32 = 132;

/// A column's place within its table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlacedRow {
    /// From the table's top.
    pub y: i32,
    pub height: i32,
}

/// A table with its size, before it has a place.
pub(super) struct Measured {
    pub(super) width: i32,
    pub(super) height: i32,
    header: i32,
    rows: Vec<PlacedRow>,
    name_x: i32,
    type_x: i32,
    left_out_y: Option<i32>,
}

/// The rows and headers at which lines end, with the lines: how much room is needed.
#[derive(Clone, Default)]
struct Uses {
    header: usize,
    rows: Vec<usize>,
}

pub(super) fn measure_all(diagram: &Diagram, edges: &[(usize, Edge)]) -> Vec<Measured> {
    let mut uses: Vec<Uses> = diagram
        .tables
        .iter()
        .map(|it| Uses {
            header: 0,
            rows: vec![0; it.rows.len()],
        })
        .collect();
    let mut parents = BTreeSet::new();
    for (_, edge) in edges {
        uses[edge.child.table].add(edge.child.rows.first());
        let own = edge.child.table == edge.parent.table;
        // Lines to the same key end as one on each side.
        if parents.insert((&edge.parent, edge.cardinality.optional, own)) {
            uses[edge.parent.table].add(edge.parent.rows.first());
        }
    }
    let all = diagram.tables.iter().zip(&uses);
    all.map(|(table, uses)| measure(table, &diagram.groups, uses))
        .collect()
}

impl Uses {
    fn add(&mut self, row: Option<&usize>) {
        match row {
            Some(row) => self.rows[*row] += 1,
            None => self.header += 1,
        }
    }
}

fn measure(table: &Table, groups: &[String], uses: &Uses) -> Measured {
    let subtitle = svg::subtitle(table, groups);
    let mut widest = width(&visible(&table.name), size::TABLE, Weight::Bold).max(width(
        &subtitle,
        size::NOTE,
        Weight::Regular,
    ));
    let plain = if subtitle.is_empty() {
        HEADER_HEIGHT
    } else {
        HEADER_HEIGHT_WITH_NOTE
    };
    let header = plain.max(room(uses.header));
    let column = |of: &dyn Fn(&crate::Row) -> i32| table.rows.iter().map(of).max().unwrap_or(0);
    let marks = column(&|it| it.marks.words().map(badge_width).sum());
    let names = column(&|it| width(&visible(&it.name), size::COLUMN, Weight::Bold));
    let types = column(&|it| width(&visible(&it.type_name), size::TYPE, Weight::Regular));
    let nulls = column(&|it| {
        if it.not_null {
            0
        } else {
            width(svg::NULLABLE, size::NULLABLE, Weight::Regular)
        }
    });
    let name_x = PADDING + if marks > 0 { marks + 4 } else { 0 };
    let type_x = name_x + names + COLUMN_GAP;
    if !table.rows.is_empty() {
        let whole = type_x + types + if nulls > 0 { COLUMN_GAP + nulls } else { 0 };
        widest = widest.max(whole - PADDING);
    }
    let mut y = header;
    let rows: Vec<PlacedRow> = uses
        .rows
        .iter()
        .map(|uses| {
            let row = PlacedRow {
                y,
                height: ROW_HEIGHT.max(room(*uses)),
            };
            y += row.height;
            row
        })
        .collect();
    let left_out_y = (table.left_out > 0).then_some(y);
    if left_out_y.is_some() {
        widest = widest.max(width(&svg::left_out(table.left_out), size::TYPE, Weight::Regular));
        y += ROW_HEIGHT;
    }
    let width = (widest + 2 * PADDING).max(WIDTH_MIN);
    Measured {
        width: (width + GRID - 1) / GRID * GRID,
        height: y,
        header,
        rows,
        name_x,
        type_x,
        left_out_y,
    }
}

/// The width of a mark with what is around it and the gap behind it.
pub(crate) fn badge_width(mark: &str) -> i32 {
    width(mark, size::MARK, Weight::Bold) + 6 + 4
}

/// The least height in which so many lines can end apart from each other.
fn room(lines: usize) -> i32 {
    GRID * i32::try_from(lines + 1).unwrap_or(i32::MAX / 1024)
}

impl Measured {
    /// Its ports within a row, or within the header, for a number of lines on one side: as far apart as they can be, and
    /// around the middle.
    pub(super) fn ports(&self, row: Option<usize>, lines: usize) -> Vec<i32> {
        let place = row.map_or(
            PlacedRow {
                y: 0,
                height: self.header,
            },
            |it| self.rows[it],
        );
        // There are `steps - 1` slots, and at least as many as lines.
        let steps = usize::try_from(place.height / GRID).unwrap_or(1);
        let slot = |line: usize| (2 * (line + 1) * steps + lines + 1) / (2 * (lines + 1));
        (0..lines)
            .map(|line| place.y + GRID * i32::try_from(slot(line)).unwrap_or(1))
            .collect()
    }

    /// Without a place as yet.
    pub(super) fn placed(&self) -> PlacedTable {
        PlacedTable {
            rect: Rect {
                x: 0,
                y: 0,
                width: self.width,
                height: self.height,
            },
            header_height: self.header,
            rows: self.rows.clone(),
            name_x: self.name_x,
            type_x: self.type_x,
            left_out_y: self.left_out_y,
        }
    }
}
