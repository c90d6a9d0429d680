//! A diagram as SVG: one file that needs nothing else, in the colours of the reader's light or dark mode.
//!
//! Other programs may rely on these classes: `erd` (the whole), `erd-table` with `erd-box`, `erd-edge` with `erd-line`.

mod edge;
mod head;
mod table;

use std::fmt::Write as _;

use crate::layout::Layout;
use crate::model::Diagram;
use crate::text::visible;

pub(crate) use table::{NULLABLE, left_out, subtitle};

/// What every picture looks like. Rules hold within `.erd` alone; `data-theme` of the document's root (`light` or `dark`)
/// goes before the reader's mode.
pub const STYLE: &str = include_str!("style.css");

/// Whether a picture stands alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// A file of its own.
    File,
    /// A part of a page, which has [`STYLE`] in its head.
    Inline,
}

/// Sizes of text in pixels.
pub(crate) mod size {
    pub(crate) const TITLE: u32 = 24;
    pub(crate) const TEXT: u32 = 13;
    pub(crate) const TABLE: u32 = 14;
    pub(crate) const NOTE: u32 = 11;
    pub(crate) const COLUMN: u32 = 13;
    pub(crate) const TYPE: u32 = 12;
    pub(crate) const NULLABLE: u32 = 11;
    pub(crate) const MARK: u32 = 10;
}

/// Around the whole.
const MARGIN: i32 = 36;

/// Writes it. `id` begins each id in it, so that several pictures can be parts of one page.
pub fn svg(diagram: &Diagram, layout: &Layout, id: &str, framing: Framing) -> String {
    let id = plain_id(id);
    let inner = layout.width.max(head::WIDTH_MIN).max(head::width(diagram));
    let head = head::head(diagram, inner);
    let foot = head::foot(diagram, inner);
    let body_top = MARGIN + head.height;
    let width = inner + 2 * MARGIN;
    let height = body_top + layout.height + foot.height + MARGIN;
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"erd\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-desc\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" xml:space=\"preserve\">"
    );
    let _ = write!(
        out,
        "<title id=\"{id}-title\">{}</title><desc id=\"{id}-desc\">{}</desc>",
        escaped(&diagram.title),
        escaped(&diagram.description)
    );
    if framing == Framing::File {
        let _ = write!(out, "<style>{STYLE}</style>");
    }
    let _ = write!(
        out,
        "<rect class=\"erd-paper\" width=\"{width}\" height=\"{height}\"/>"
    );
    let _ = write!(
        out,
        "<g transform=\"translate({MARGIN} {MARGIN})\">{}</g>",
        head.text
    );
    let _ = write!(
        out,
        "<g transform=\"translate({MARGIN} {body_top})\"><g class=\"erd-edges\">"
    );
    for placed in &layout.edges {
        edge::write(&mut out, diagram, placed);
    }
    out.push_str("</g><g class=\"erd-tables\">");
    for (table, placed) in diagram.tables.iter().zip(&layout.tables) {
        table::write(&mut out, table, &diagram.groups, placed);
    }
    let foot_top = body_top + layout.height;
    let _ = writeln!(
        out,
        "</g></g><g transform=\"translate({MARGIN} {foot_top})\">{}</g></svg>",
        foot.text
    );
    out
}

/// Text for between tags and within quotes, with nothing hidden in it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in visible(text).chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(letter),
        }
    }
    out
}

/// `id` with nothing that needs to be escaped anywhere.
fn plain_id(id: &str) -> String {
    let plain = |it: char| if it.is_ascii_alphanumeric() { it } else { '-' };
    format!("erd-{}", id.chars().map(plain).collect::<String>())
}
