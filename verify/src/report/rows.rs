//! Rows that differ, as lines for people.

use super::Shown;
use super::value::{Length, line, pair, value};
use crate::rows::difference::{RowDifference, RowDifferences};

/// A line for each row: what is the matter with it, its key, then what differs; at last what is not shown.
pub(super) fn row_lines(differences: &RowDifferences, shown: Shown) -> Vec<String> {
    let length = if shown.verbose {
        Length::Whole
    } else {
        Length::Shortened
    };
    let rows = differences.rows.iter().take(shown.rows);
    let mut lines: Vec<String> = rows.map(|it| row_line(differences, it, length)).collect();
    let found = differences.missing + differences.extra + differences.changed;
    let left = found.saturating_sub(lines.len() as u64);
    if !differences.is_complete {
        lines.push("… and more; --rows N shows more of them".to_owned());
    } else if left > 0 {
        lines.push(format!("… and {} more; --rows N shows them", cli::count(left)));
    }
    lines
}

fn row_line(all: &RowDifferences, row: &RowDifference, length: Length) -> String {
    let places: Vec<usize> = all
        .key
        .iter()
        .filter_map(|key| all.columns.iter().position(|it| it == key))
        .collect();
    let text = |it: &Option<String>| value(it.as_deref(), length);
    let key = |values: &[Option<String>]| {
        let texts: Vec<String> = places.iter().filter_map(|&it| values.get(it)).map(text).collect();
        format!("({})", texts.join(", "))
    };
    let whole = |sign: char, values: &[Option<String>]| {
        let others = values
            .iter()
            .enumerate()
            .filter(|(place, _)| !places.contains(place));
        let others: Vec<String> = others.map(|(_, value)| text(value)).collect();
        let others = others.join(", ");
        let shown = if places.is_empty() {
            format!("{sign} {others}")
        } else {
            format!("{sign} {} {others}", key(values))
        };
        shown.trim_end().to_owned()
    };
    match row {
        RowDifference::Missing(values) => whole('-', values),
        RowDifference::Extra(values) => whole('+', values),
        RowDifference::Changed {
            source,
            target,
            columns,
        } => {
            let changes = columns.iter().map(|&place| {
                let name = line(all.columns.get(place).map_or("", String::as_str));
                let side = |side: &[Option<String>]| side.get(place).cloned().flatten();
                let (here, there) = (side(source), side(target));
                if here == there {
                    return format!("{name}: {} in another form", text(&here));
                }
                let (here, there) = pair(here.as_deref(), there.as_deref(), length);
                format!("{name}: {here} → {there}")
            });
            format!("~ {} {}", key(source), changes.collect::<Vec<_>>().join(", "))
        }
    }
}
