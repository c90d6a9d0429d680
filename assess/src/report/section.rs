//! One section of a report for people, in the forms that it is written in.

use std::fmt::Write as _;

use cli::Table;

/// A heading with lines, or with a table.
pub(super) struct Section {
    pub(super) title: String,
    pub(super) body: Body,
}

pub(super) enum Body {
    Lines(Vec<String>),
    /// Heads as [`Table::new`] takes them; a number of rows that are not shown, with what shows them.
    Rows {
        heads: Vec<&'static str>,
        rows: Vec<Vec<String>>,
        hidden: usize,
    },
}

impl Section {
    pub(super) fn lines(title: &str, lines: Vec<String>) -> Option<Section> {
        (!lines.is_empty()).then(|| Section {
            title: title.to_owned(),
            body: Body::Lines(lines),
        })
    }

    /// The first `shown` rows.
    pub(super) fn rows(
        title: &str,
        heads: &[&'static str],
        mut rows: Vec<Vec<String>>,
        shown: usize,
    ) -> Option<Section> {
        let hidden = rows.len().saturating_sub(shown);
        rows.truncate(shown);
        (!rows.is_empty()).then(|| Section {
            title: title.to_owned(),
            body: Body::Rows {
                heads: heads.to_vec(),
                rows,
                hidden,
            },
        })
    }

    pub(super) fn to_text(&self) -> String {
        // The name of a source keeps its letters.
        let (kind, source) = match self.title.split_once(" of ") {
            Some((kind, source)) => (kind, format!(" of {source}")),
            None => (self.title.as_str(), String::new()),
        };
        let mut text = format!("\n{}{source}\n", kind.to_uppercase());
        match &self.body {
            Body::Lines(lines) => {
                for line in lines {
                    let _ = writeln!(text, "  {line}");
                }
            }
            Body::Rows { heads, rows, hidden } => {
                let mut table = Table::new(heads);
                for row in rows {
                    table.row(row.clone());
                }
                for line in table.to_string().lines() {
                    let _ = writeln!(text, "  {line}");
                }
                if let Some(more) = more(*hidden) {
                    let _ = writeln!(text, "  {more}");
                }
            }
        }
        text
    }

    pub(super) fn to_markdown(&self) -> String {
        let mut text = format!("\n## {}\n\n", self.title);
        match &self.body {
            Body::Lines(lines) => {
                for line in lines {
                    let _ = writeln!(text, "- {}", escaped(line));
                }
            }
            Body::Rows { heads, rows, hidden } => {
                text.push_str(&markdown_table(heads, rows));
                if let Some(more) = more(*hidden) {
                    let _ = writeln!(text, "\n{more}");
                }
            }
        }
        text
    }
}

fn more(hidden: usize) -> Option<String> {
    (hidden > 0).then(|| format!("… and {} more (--verbose shows all)", cli::count(hidden as u64)))
}

/// Numbers stand to the right, as in the text.
pub(super) fn markdown_table(heads: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let titles = heads.iter().map(|it| it.trim_start_matches('>').to_owned());
    let rule = heads.iter().map(|it| {
        let is_number = it.starts_with('>');
        if is_number { "---:" } else { "---" }.to_owned()
    });
    let mut text = line(titles.collect()) + &line(rule.collect());
    for row in rows {
        text.push_str(&line(row.iter().map(|it| escaped(it)).collect()));
    }
    text
}

/// So that a name or a statement is nothing of Markdown's or HTML's.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | '|' | '*' | '_' | '`' | '[' | ']' | '~' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\n' | '\r' => escaped.push(' '),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_markdown() {
        let rows = [vec!["a|b_c".to_owned(), "<b>".to_owned()]];
        assert_eq!(
            markdown_table(&["NAME", ">BYTES"], &rows),
            "| NAME | BYTES |\n| --- | ---: |\n| a\\|b\\_c | &lt;b&gt; |\n"
        );
    }

    #[test]
    fn what_is_not_shown_is_said() {
        let rows = vec![vec!["1".to_owned()], vec!["2".to_owned()], vec!["3".to_owned()]];
        let section = Section::rows("Things", &[">N"], rows, 1).unwrap();
        assert_eq!(
            section.to_text(),
            "\nTHINGS\n  N\n  1\n  … and 2 more (--verbose shows all)\n"
        );
    }
}
