//! What stands above and below the tables: title, description, legend of colours, and what the signs mean.

use std::fmt::Write as _;

use super::{edge, escaped, size, table};
use crate::model::{Cardinality, Diagram};
use crate::text::{self, Weight, visible};

pub(super) const WIDTH_MIN: i32 = 560;

const LINE: i32 = 20;

/// Between the entries of a legend.
const ENTRY_GAP: i32 = 28;

/// A part with its height.
pub(super) struct Part {
    pub(super) text: String,
    pub(super) height: i32,
}

/// What the title and the longest entry of the legend need.
pub(super) fn width(diagram: &Diagram) -> i32 {
    let groups = diagram.groups.iter().map(|it| entry_width(&visible(it), 22));
    let words = diagram.description.split_whitespace();
    let words = words.map(|it| text::width(&visible(it), size::TEXT, Weight::Regular));
    let title = text::width(&visible(&diagram.title), size::TITLE, Weight::Bold);
    groups.chain(words).chain([title]).max().unwrap_or(0)
}

pub(super) fn head(diagram: &Diagram, width: i32) -> Part {
    let mut part = Part {
        text: String::new(),
        height: 24,
    };
    let _ = write!(
        part.text,
        "<text class=\"erd-title\" x=\"0\" y=\"20\">{}</text>",
        escaped(&diagram.title)
    );
    for line in lines(&diagram.description, width) {
        part.height += LINE;
        let _ = write!(
            part.text,
            "<text class=\"erd-lead\" x=\"0\" y=\"{}\">{}</text>",
            part.height,
            escaped(&line)
        );
    }
    if !diagram.groups.is_empty() {
        part.height += 12;
        let widths = diagram.groups.iter().map(|it| entry_width(&visible(it), 22));
        let places = flow(widths, width);
        for ((number, name), (x, line)) in diagram.groups.iter().enumerate().zip(&places) {
            let y = part.height + line * LINE;
            let _ = write!(
                part.text,
                "<rect class=\"erd-g{}\" x=\"{x}\" y=\"{y}\" width=\"14\" height=\"14\" rx=\"3\"/>\
                 <text x=\"{}\" y=\"{}\">{}</text>",
                number % table::COLOURS,
                x + 22,
                y + 12,
                escaped(name)
            );
        }
        part.height += (places.last().map_or(0, |it| it.1) + 1) * LINE;
    }
    part.height += 24;
    part
}

/// Words, and the width of the sign before them.
const MARKS: [(&str, &str); 3] = [("PK", "primary key"), ("FK", "foreign key"), ("U", "unique")];

const ENDS: [(&str, bool, Cardinality); 4] = [
    (
        "none or many",
        true,
        Cardinality {
            one_to_one: false,
            optional: false,
        },
    ),
    (
        "none or one",
        true,
        Cardinality {
            one_to_one: true,
            optional: false,
        },
    ),
    (
        "exactly one",
        false,
        Cardinality {
            one_to_one: false,
            optional: false,
        },
    ),
    (
        "one, or none where NULL",
        false,
        Cardinality {
            one_to_one: false,
            optional: true,
        },
    ),
];

pub(super) fn foot(diagram: &Diagram, width: i32) -> Part {
    let mut part = Part {
        text: String::new(),
        height: 0,
    };
    if diagram.tables.is_empty() {
        return part;
    }
    let signs = MARKS.iter().map(|it| entry_width(it.1, 34));
    let null = [entry_width("may be NULL", 34)];
    let ends = ENDS.iter().map(|it| entry_width(it.0, 40));
    let places = flow(signs.chain(null).chain(ends), width);
    let mut next = places.iter();
    let mut place = || next.next().map_or((0, 0), |(x, line)| (*x, 48 + line * LINE));
    for (mark, words) in MARKS {
        let (x, y) = place();
        table::write_mark(&mut part.text, mark, x, y - 4);
        words_at(&mut part.text, words, x + 34, y);
    }
    let (x, y) = place();
    words_at(&mut part.text, table::NULLABLE, x, y);
    words_at(&mut part.text, "may be NULL", x + 34, y);
    for (words, is_child, cardinality) in ENDS {
        let (x, y) = place();
        let middle = y - 4;
        let _ = write!(
            part.text,
            "<path class=\"erd-line\" d=\"M{x} {middle}H{}\"/>",
            x + 30
        );
        if is_child {
            edge::write_child_end(&mut part.text, (x, middle), 1, cardinality);
        } else {
            edge::write_parent_end(&mut part.text, (x, middle), 1, cardinality);
        }
        words_at(&mut part.text, words, x + 40, y);
    }
    part.height = 48 + places.last().map_or(0, |it| it.1) * LINE;
    part
}

fn words_at(out: &mut String, words: &str, x: i32, y: i32) {
    let _ = write!(out, "<text class=\"erd-key\" x=\"{x}\" y=\"{y}\">{words}</text>");
}

fn entry_width(words: &str, before: i32) -> i32 {
    before + text::width(words, size::TEXT, Weight::Regular)
}

/// Places of entries one after the other: from the left, and in which line.
fn flow(widths: impl Iterator<Item = i32>, width: i32) -> Vec<(i32, i32)> {
    let (mut x, mut line) = (0, 0);
    let mut places = Vec::new();
    for it in widths {
        if x > 0 && x + it > width {
            (x, line) = (0, line + 1);
        }
        places.push((x, line));
        x += it + ENTRY_GAP;
    }
    places
}

/// The words of a text in lines that are no wider.
fn lines(words: &str, width: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        let longer = lines.last().map(|it| format!("{it} {word}"));
        match longer {
            Some(longer) if text::width(&visible(&longer), size::TEXT, Weight::Regular) <= width => {
                if let Some(last) = lines.last_mut() {
                    *last = longer;
                }
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
