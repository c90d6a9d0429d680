//! Tables of any length, which the page's script searches, sorts and cuts into pages.
//!
//! The rows stand in a `noscript` element: a browser without JavaScript shows them as the table they are, one with it
//! keeps them as text, from which `page.js` takes the page that is looked at. So a row is one line, which `page.js`
//! relies on, and 20,000 tables cost no more than the text they are.

use std::fmt::Write as _;

use maud::{Escaper, Markup, PreEscaped, html};

use super::text;

/// Code that is shown whole.
const CODE_LINES_MAX: usize = 4;
const CODE_CHARS_MAX: usize = 240;

/// Of folded code.
const HEAD_CHARS_MAX: usize = 60;

/// A column's head.
#[derive(Clone, Copy, Debug)]
pub(super) enum Head {
    Text(&'static str),
    Number(&'static str),
}

/// A value: what is shown, and what it is sorted by.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    Text(String),
    /// SQL and the like: every blank and newline counts.
    Code(String),
    /// Shown as the text, sorted by the number.
    Number(u64, String),
    /// Nothing is known.
    Unknown,
}

/// A table under construction.
#[derive(Debug)]
pub(super) struct Grid {
    id: &'static str,
    title: &'static str,
    heads: Vec<Head>,
    rows: String,
    count: usize,
}

impl Cell {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Cell::Text(text.into())
    }

    pub(super) fn count(number: u64) -> Self {
        Cell::Number(number, cli::count(number))
    }

    pub(super) fn bytes(bytes: u64) -> Self {
        Cell::Number(bytes, cli::size(bytes))
    }

    pub(super) fn known(number: Option<u64>) -> Self {
        number.map_or(Cell::Unknown, Cell::count)
    }
}

impl Grid {
    /// `id` is unique on the page.
    pub(super) fn new(id: &'static str, title: &'static str, heads: impl Into<Vec<Head>>) -> Self {
        Grid {
            id,
            title,
            heads: heads.into(),
            rows: String::new(),
            count: 0,
        }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push_str("<tr>");
        for (number, cell) in cells.into_iter().enumerate() {
            let tag = if number == 0 { "th" } else { "td" };
            let scope = if number == 0 { " scope=\"row\"" } else { "" };
            // To write to a String never fails.
            let _ = match &cell {
                Cell::Number(value, _) => {
                    write!(self.rows, "<{tag}{scope} class=\"number\" data-n=\"{value}\">")
                }
                Cell::Text(_) | Cell::Code(_) | Cell::Unknown => write!(self.rows, "<{tag}{scope}>"),
            };
            match cell {
                Cell::Text(text) => self.push("<bdi>", &text, "</bdi>"),
                Cell::Code(text) => self.code(&text),
                Cell::Number(_, text) => self.push("", &text, ""),
                Cell::Unknown => {}
            }
            let _ = write!(self.rows, "</{tag}>");
        }
        self.rows.push_str("</tr>\n");
        self.count += 1;
    }

    /// What takes more than a few lines is folded under its first.
    fn code(&mut self, text: &str) {
        let lines = text.lines().count();
        if lines <= CODE_LINES_MAX && text.chars().count() <= CODE_CHARS_MAX {
            return self.push("<code>", text, "</code>");
        }
        let first = text.lines().find(|it| !it.trim().is_empty()).unwrap_or_default();
        let mut head: String = first.trim().chars().take(HEAD_CHARS_MAX).collect();
        head.push('…');
        let size = text::counted(lines, "line", "lines");
        self.push("<details><summary><code>", &head, "</code>");
        let _ = write!(self.rows, " <span class=\"count\">{size}</span></summary>");
        self.push("<code>", text, "</code></details>");
    }

    /// Adds `text` between two tags, in one line.
    fn push(&mut self, before: &str, text: &str, after: &str) {
        self.rows.push_str(before);
        let start = self.rows.len();
        let _ = Escaper::new(&mut self.rows).write_str(&text::visible(text));
        if text.contains('\n') {
            let line = self.rows.split_off(start).replace('\n', "&#10;");
            self.rows.push_str(&line);
        }
        self.rows.push_str(after);
    }

    /// Nothing where there are no rows.
    pub(super) fn render(self) -> Markup {
        if self.count == 0 {
            return html! {};
        }
        let Grid {
            id,
            title,
            heads,
            rows,
            count,
        } = self;
        html! {
            div.grid id=(id) data-grid="" {
                h3 id={ (id) "-title" } { (title) " " span.count { (text::grouped(count)) } }
                noscript {
                    div.scroll role="region" tabindex="0" aria-labelledby={ (id) "-title" } {
                        table {
                            caption.unseen { (title) }
                            thead { tr { @for head in &heads { (th(*head)) } } }
                            // `page.js` finds the rows by these line breaks.
                            tbody { (PreEscaped("\n")) (PreEscaped(rows)) }
                        }
                    }
                }
            }
        }
    }
}

fn th(head: Head) -> Markup {
    match head {
        Head::Text(label) => html! { th scope="col" { (label) } },
        Head::Number(label) => html! { th.number scope="col" { (label) } },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_one_line_and_holds_no_markup_of_others() {
        let mut grid = Grid::new("g", "G", [Head::Text("a"), Head::Number("b")]);
        grid.row([Cell::text("</noscript><script>\nx"), Cell::bytes(2048)]);
        grid.row([Cell::Code("a\n<b".to_owned()), Cell::Unknown]);
        let lines: Vec<&str> = grid.rows.lines().collect();
        let expected = [
            "<tr><th scope=\"row\"><bdi>&lt;/noscript&gt;&lt;script&gt;&#10;x</bdi></th>\
             <td class=\"number\" data-n=\"2048\">2.00 KiB</td></tr>",
            "<tr><th scope=\"row\"><code>a&#10;&lt;b</code></th><td></td></tr>",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_long_body_is_folded_and_whole() {
        let mut grid = Grid::new("g", "G", [Head::Text("a")]);
        grid.row([Cell::Code("\nBEGIN\n  a;\n  b;\n  c;\nEND".to_owned())]);
        assert!(
            grid.rows.contains(
                "<details><summary><code>BEGIN…</code> <span class=\"count\">6 lines</span></summary>"
            ) && grid.rows.contains("b;&#10;  c;&#10;END</code></details>"),
            "{}",
            grid.rows
        );
        assert_eq!(grid.rows.lines().count(), 1);
    }

    #[test]
    fn a_table_without_rows_is_left_out() {
        assert_eq!(Grid::new("g", "G", [Head::Text("a")]).render().into_string(), "");
    }
}
