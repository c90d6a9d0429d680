//! Components on shelves, the tall ones first, and tables without any edge in columns below.

use super::{ASPECT, Layout, PlacedEdge};

/// Between components, and between tables that stand alone.
const GAP: i32 = 60;
const GAP_ALONE: i32 = 36;

/// A component, from its own top left corner.
pub(super) struct Piece {
    pub(super) width: i32,
    pub(super) height: i32,
    /// Tables with their corners.
    pub(super) tables: Vec<(usize, (i32, i32))>,
    pub(super) edges: Vec<PlacedEdge>,
    pub(super) bundles: usize,
}

pub(super) fn pack(layout: &mut Layout, mut pieces: Vec<Piece>, alone: &[usize]) {
    pieces.sort_by_key(|it| (-it.height, -it.width));
    let width = wanted_width(layout, &pieces, alone);
    let corners = shelves(&pieces, width);
    let mut bundles = 0;
    for (piece, (x, y)) in pieces.into_iter().zip(corners) {
        for (table, (left, top)) in piece.tables {
            let rect = &mut layout.tables[table].rect;
            (rect.x, rect.y) = (x + left, y + top);
        }
        for mut edge in piece.edges {
            edge.bundle += bundles;
            for point in &mut edge.points {
                *point = (point.0 + x, point.1 + y);
            }
            layout.edges.push(edge);
        }
        bundles += piece.bundles;
        layout.width = layout.width.max(x + piece.width);
        layout.height = layout.height.max(y + piece.height);
    }
    place_alone(layout, alone, width);
}

fn wanted_width(layout: &Layout, pieces: &[Piece], alone: &[usize]) -> i32 {
    let area = |width: i32, height: i32, gap: i32| f64::from(width + gap) * f64::from(height + gap);
    let of_pieces: f64 = pieces.iter().map(|it| area(it.width, it.height, GAP)).sum();
    let tables = || alone.iter().map(|it| layout.tables[*it].rect);
    let of_alone: f64 = tables().map(|it| area(it.width, it.height, GAP_ALONE)).sum();
    #[allow(clippy::cast_possible_truncation, reason = "pixels; what is larger is cut")]
    let square = ((of_pieces + of_alone) * ASPECT).sqrt() as i32;
    let widest = pieces
        .iter()
        .map(|it| it.width)
        .chain(tables().map(|it| it.width))
        .max();
    square.max(widest.unwrap_or(0))
}

/// The corners of pieces that come in order of height: each shelf has columns, and what is small stands in the column of
/// something as wide, while the shelf has room.
fn shelves(pieces: &[Piece], width: i32) -> Vec<(i32, i32)> {
    struct Column {
        x: i32,
        width: i32,
        bottom: i32,
    }
    let (mut top, mut bottom) = (0, 0);
    let mut columns: Vec<Column> = Vec::new();
    let mut corners = Vec::new();
    for piece in pieces {
        let fits = |it: &&mut Column| piece.width <= it.width && it.bottom + GAP + piece.height <= bottom;
        if let Some(column) = columns.iter_mut().find(fits) {
            corners.push((column.x, column.bottom + GAP));
            column.bottom += GAP + piece.height;
            continue;
        }
        let mut x = columns.last().map_or(0, |it| it.x + it.width + GAP);
        if x > 0 && x + piece.width > width {
            columns.clear();
            (x, top) = (0, bottom + GAP);
        }
        bottom = bottom.max(top + piece.height);
        columns.push(Column {
            x,
            width: piece.width,
            bottom: top + piece.height,
        });
        corners.push((x, top));
    }
    corners
}

/// Columns of one width, each table in the shortest.
fn place_alone(layout: &mut Layout, alone: &[usize], width: i32) {
    let Some(widest) = alone.iter().map(|it| layout.tables[*it].rect.width).max() else {
        return;
    };
    let step = widest + GAP_ALONE;
    let top = if layout.height > 0 { layout.height + GAP } else { 0 };
    let count = usize::try_from((width + GAP_ALONE) / step)
        .unwrap_or(1)
        .clamp(1, alone.len());
    let mut bottoms = vec![top; count];
    for table in alone {
        let shortest = (0..count).min_by_key(|it| bottoms[*it]).unwrap_or(0);
        let rect = &mut layout.tables[*table].rect;
        rect.x = i32::try_from(shortest).unwrap_or(0) * step;
        rect.y = bottoms[shortest];
        bottoms[shortest] = rect.bottom() + GAP_ALONE;
        layout.width = layout.width.max(rect.right());
        layout.height = layout.height.max(rect.bottom());
    }
}
