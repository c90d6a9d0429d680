//! A table: its name, what it belongs to, its columns.

use std::fmt::Write as _;

use super::{escaped, size};
use crate::layout::{PADDING, PlacedTable, badge_width};
use crate::model::{Row, Table};
use crate::text::{Weight, visible, width};

/// The word behind a column that may hold NULL.
pub(crate) const NULLABLE: &str = "null";

/// How many colours groups have; more of them begin again with the first, and their names tell them apart.
pub(super) const COLOURS: usize = 8;

/// The height of the stripe in the colours of a table's groups.
const STRIPE: i32 = 5;

const RADIUS: i32 = 8;

/// What stands below a table's name: its groups and its note.
pub(crate) fn subtitle(table: &Table, groups: &[String]) -> String {
    let names: Vec<&str> = table
        .groups
        .iter()
        .filter_map(|it| groups.get(*it))
        .map(String::as_str)
        .collect();
    let parts = [names.join(" + "), table.note.clone().unwrap_or_default()];
    let parts: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|it| !it.is_empty())
        .collect();
    visible(&parts.join(" · ")).into_owned()
}

/// The line for columns that are not shown.
pub(crate) fn left_out(columns: usize) -> String {
    match columns {
        1 => "… and 1 more column".to_owned(),
        _ => format!("… and {columns} more columns"),
    }
}

pub(super) fn write(out: &mut String, table: &Table, groups: &[String], placed: &PlacedTable) {
    let (x, y, width, height) = (
        placed.rect.x,
        placed.rect.y,
        placed.rect.width,
        placed.rect.height,
    );
    let header = placed.header_height;
    let _ = write!(
        out,
        "<g class=\"erd-table\" transform=\"translate({x} {y})\"><title>{}</title>\
         <rect class=\"erd-box\" width=\"{width}\" height=\"{height}\" rx=\"{RADIUS}\"/>",
        escaped(&table.name)
    );
    write_header(out, table, placed);
    let subtitle = subtitle(table, groups);
    let middle = header / 2 + if table.groups.is_empty() { 0 } else { STRIPE / 2 };
    let name_y = if subtitle.is_empty() {
        middle + 5
    } else {
        middle - 2
    };
    let _ = write!(
        out,
        "<text class=\"erd-name\" x=\"{PADDING}\" y=\"{name_y}\">{}</text>",
        escaped(&table.name)
    );
    if !subtitle.is_empty() {
        let _ = write!(
            out,
            "<text class=\"erd-note\" x=\"{PADDING}\" y=\"{}\">{}</text>",
            middle + 14,
            escaped(&subtitle)
        );
    }
    for (number, (row, place)) in table.rows.iter().zip(&placed.rows).enumerate() {
        if number > 0 {
            rule(out, "erd-rule", place.y, width);
        }
        write_row(out, row, placed, place.y + place.height / 2);
    }
    if let Some(top) = placed.left_out_y {
        if !table.rows.is_empty() {
            rule(out, "erd-rule", top, width);
        }
        let text = left_out(table.left_out);
        let _ = write!(
            out,
            "<text class=\"erd-type\" x=\"{PADDING}\" y=\"{}\">{text}</text>",
            top + 16
        );
    }
    if header < height {
        rule(out, "erd-under", header, width);
    }
    let _ = write!(
        out,
        "<rect class=\"erd-outline\" width=\"{width}\" height=\"{height}\" rx=\"{RADIUS}\"/></g>"
    );
}

/// The ground of the name, and above it a stripe in the colours of all groups.
fn write_header(out: &mut String, table: &Table, placed: &PlacedTable) {
    let (width, height) = (placed.rect.width, placed.header_height);
    let bottom = if height == placed.rect.height { RADIUS } else { 0 };
    let _ = write!(
        out,
        "<path class=\"erd-head\" d=\"M0 {RADIUS}a{RADIUS} {RADIUS} 0 0 1 {RADIUS} -{RADIUS}h{}\
         a{RADIUS} {RADIUS} 0 0 1 {RADIUS} {RADIUS}v{}",
        width - 2 * RADIUS,
        height - RADIUS - bottom
    );
    if bottom > 0 {
        let _ = write!(
            out,
            "a{RADIUS} {RADIUS} 0 0 1 -{RADIUS} {RADIUS}h-{}a{RADIUS} {RADIUS} 0 0 1 -{RADIUS} -{RADIUS}",
            width - 2 * RADIUS
        );
    } else {
        let _ = write!(out, "h-{width}");
    }
    out.push_str("z\"/>");
    let count = i32::try_from(table.groups.len()).unwrap_or(i32::MAX);
    for (number, group) in (0..count).zip(&table.groups) {
        let (left, right) = (width * number / count, width * (number + 1) / count);
        // The corners of the first and the last follow those of the table.
        let (from, to) = (
            left + if number == 0 { 3 } else { 0 },
            right - if number + 1 == count { 3 } else { 0 },
        );
        let (low_from, low_to) = (left.max(0), right.min(width));
        let _ = write!(
            out,
            "<path class=\"erd-g{}\" d=\"M{low_from} {STRIPE}L{from} {}L{from} 0L{to} 0L{to} {}L{low_to} {STRIPE}z\"/>",
            group % COLOURS,
            if number == 0 { 2 } else { 0 },
            if number + 1 == count { 2 } else { 0 },
        );
    }
}

fn write_row(out: &mut String, row: &Row, placed: &PlacedTable, middle: i32) {
    let mut x = PADDING;
    for mark in row.marks.words() {
        let wide = badge_width(mark);
        write_mark(out, mark, x, middle);
        x += wide;
    }
    let class = if row.marks.primary {
        " class=\"erd-in-key\""
    } else {
        ""
    };
    let baseline = middle + 4;
    let _ = write!(
        out,
        "<text{class} x=\"{}\" y=\"{baseline}\">{}</text>",
        placed.name_x,
        escaped(&row.name)
    );
    if !row.type_name.is_empty() {
        let _ = write!(
            out,
            "<text class=\"erd-type\" x=\"{}\" y=\"{baseline}\">{}</text>",
            placed.type_x,
            escaped(&row.type_name)
        );
    }
    if !row.not_null {
        let right = placed.rect.width - PADDING;
        let _ = write!(
            out,
            "<text class=\"erd-null\" x=\"{right}\" y=\"{baseline}\">{NULLABLE}</text>"
        );
    }
}

/// A mark such as `PK` around a height.
pub(super) fn write_mark(out: &mut String, mark: &str, x: i32, middle: i32) {
    let inner = width(mark, size::MARK, Weight::Bold) + 6;
    let _ = write!(
        out,
        "<g class=\"erd-mark erd-{}\"><rect x=\"{x}\" y=\"{}\" width=\"{inner}\" height=\"16\" rx=\"4\"/>\
         <text x=\"{}\" y=\"{}\">{mark}</text></g>",
        mark.to_ascii_lowercase(),
        middle - 8,
        x + inner / 2,
        middle + 4
    );
}

fn rule(out: &mut String, class: &str, y: i32, width: i32) {
    let _ = write!(
        out,
        "<line class=\"{class}\" x1=\"0\" y1=\"{y}\" x2=\"{width}\" y2=\"{y}\"/>"
    );
}
