//! What is said, on stderr, of functions that find names by the search path.

use cli::{Ui, count};
use rewrite::{Leaning, Pin};

/// Tells how many were pinned to which path and how many were left; each by name with `--verbose`.
pub(crate) fn say(pins: &[&Pin], leaning: &[&Leaning], ui: &Ui) {
    let number = |number: usize| count(number as u64);
    let mut parts = Vec::new();
    if let Some(pin) = pins.first() {
        let path: Vec<&str> = pin
            .path
            .iter()
            .map(String::as_str)
            .filter(|it| *it != "pg_temp")
            .collect();
        let what = if pins.len() == 1 { "function" } else { "functions" };
        parts.push(format!(
            "{} {what} pinned to {}",
            number(pins.len()),
            path.join(", ")
        ));
    }
    if !leaning.is_empty() {
        let more = if pins.is_empty() { "" } else { " more" };
        let (what, lean, whose) = match (leaning.len(), more) {
            (1, "") => (" function", "leans", "its"),
            (1, _) => ("", "leans", "its"),
            (_, "") => (" functions", "lean", "their"),
            _ => ("", "lean", "their"),
        };
        let number = number(leaning.len());
        parts.push(format!(
            "{number}{more}{what} {lean} on the search_path of {whose} callers"
        ));
    }
    if !parts.is_empty() {
        ui.status(parts.join("; "));
    }
    for pin in pins {
        ui.detail(format_args!(
            "{} line {}: pinned to {}",
            pin.object,
            pin.line,
            pin.path.join(", ")
        ));
    }
    for it in leaning {
        let text = "finds names by the search_path of its callers";
        ui.detail(format_args!("{} line {}: {text}", it.object, it.line));
    }
}
