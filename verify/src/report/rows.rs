//! Rows that differ, as lines for people.

use crate::rows::difference::{RowDifference, RowDifferences};

/// A line for each row of `table`: its key first, then what differs.
pub(super) fn row_lines(table: &str, differences: &RowDifferences) -> Vec<String> {
    let mut lines = vec![format!("{table}:")];
    lines.extend(differences.rows.iter().map(|it| line(differences, it)));
    let found = differences.missing + differences.extra + differences.changed;
    let shown = differences.rows.len() as u64;
    if !differences.is_complete {
        lines.push("  … and more; --rows N shows more of them".to_owned());
    } else if found > shown {
        lines.push(format!(
            "  … and {} more; --rows N shows them",
            cli::count(found - shown)
        ));
    }
    lines
}

fn line(all: &RowDifferences, row: &RowDifference) -> String {
    let places: Vec<usize> = all
        .key
        .iter()
        .filter_map(|key| all.columns.iter().position(|it| it == key))
        .collect();
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
        if places.is_empty() {
            format!("  {sign} {}", others.join(", "))
        } else {
            format!("  {sign} {} {}", key(values), others.join(", "))
        }
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
                let name = all.columns.get(place).map_or("", String::as_str);
                let value = |side: &[Option<String>]| side.get(place).map_or_else(String::new, text);
                format!("{name}: {} → {}", value(source), value(target))
            });
            format!("  ~ {} {}", key(source), changes.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A value on one line, NULL apart from every text.
fn text(value: &Option<String>) -> String {
    match value {
        None => "NULL".to_owned(),
        Some(text) if text.is_empty() || text == "NULL" => format!("'{text}'"),
        Some(text) => text.replace('\n', "\\n"),
    }
}
