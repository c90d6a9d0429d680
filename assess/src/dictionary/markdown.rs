//! Names and texts of databases as Markdown that shows them and does nothing else.

use std::fmt::Write as _;

use diagram::visible;

/// Within a line or a cell: nothing of it is taken for markup.
pub(super) fn text(words: &str) -> String {
    let shown = visible(words);
    let letters: Vec<char> = shown.chars().collect();
    let mut out = String::with_capacity(shown.len() + 8);
    for (number, letter) in letters.iter().enumerate() {
        // An underscore between letters is no markup, and names are full of them.
        let neighbour = |at: Option<usize>| {
            at.and_then(|it| letters.get(it))
                .is_some_and(|it| it.is_alphanumeric())
        };
        let inside = *letter == '_' && neighbour(number.checked_sub(1)) && neighbour(Some(number + 1));
        let is_special = match letter {
            '-' | '+' | '=' => number == 0,
            // An address or the name of an emoji goes on at once.
            ':' => letters.get(number + 1).is_some_and(|it| !it.is_whitespace()),
            '.' | ')' => {
                let ends = letters.get(number + 1).is_none_or(|it| it.is_whitespace());
                ends && number > 0 && letters[..number].iter().all(char::is_ascii_digit)
            }
            _ => false,
        };
        if is_special || ("\\`*_[]<>#|~&$".contains(*letter) && !inside) {
            // As a number, since a backslash before a bar means another thing in a table than elsewhere.
            let _ = write!(out, "&#{};", u32::from(*letter));
        } else {
            out.push(*letter);
        }
    }
    let blank = out.trim().is_empty();
    if blank {
        format!("&quot;{}&quot;", out.replace(' ', "&nbsp;"))
    } else {
        out
    }
}

/// What people wrote, in one or more lines.
pub(super) fn comment(words: &str) -> String {
    let lines: Vec<String> = words
        .lines()
        .map(str::trim_end)
        .filter(|it| !it.is_empty())
        .map(text)
        .collect();
    lines.join("<br>")
}

/// A type, an expression or a definition, within a line or a cell.
pub(super) fn code(words: &str) -> String {
    let joined = words
        .split('\n')
        .map(str::trim)
        .filter(|it| !it.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    if joined.is_empty() {
        return String::new();
    }
    if joined.contains(['`', '|', '\\']) || joined.starts_with(' ') {
        return format!("<code>{}</code>", text(&joined));
    }
    format!("`{}`", visible(&joined))
}

/// SQL over several lines, in a fence that nothing in it can close.
pub(super) fn block(sql: &str) -> String {
    let longest = sql.split(|it| it != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let lines: Vec<String> = sql
        .trim_matches('\n')
        .lines()
        .map(|it| it.split('\t').map(visible).collect::<Vec<_>>().join("    "))
        .collect();
    format!("\n{fence}sql\n{}\n{fence}\n", lines.join("\n"))
}

/// A table: its heads and its rows, whose cells are Markdown.
pub(super) fn table(out: &mut String, heads: &[&str], rows: &[Vec<String>]) {
    // Columns without anything in them say nothing.
    let used: Vec<usize> = (0..heads.len())
        .filter(|it| *it == 0 || rows.iter().any(|row| !row[*it].is_empty()))
        .collect();
    let line = |out: &mut String, cells: &dyn Fn(usize) -> String| {
        let cells: Vec<String> = used.iter().map(|it| cells(*it)).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    };
    out.push('\n');
    line(out, &|it| heads[it].to_owned());
    line(out, &|_| "---".to_owned());
    for row in rows {
        line(out, &|it| row[it].clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_database_is_markup() {
        for (words, expected) in [
            ("film_id", "film_id"),
            ("a|b", "a&#124;b"),
            ("<script>", "&#60;script&#62;"),
            ("_x_ *y*", "&#95;x&#95; &#42;y&#42;"),
            ("[a](b)", "&#91;a&#93;(b)"),
            ("- x", "&#45; x"),
            ("12. x", "12&#46; x"),
            ("a\nb", "a␊b"),
            (" ", "&quot;&nbsp;&quot;"),
        ] {
            assert_eq!(text(words), expected);
        }
        assert_eq!(comment("one | two\n\nthree"), "one &#124; two<br>three");
    }

    #[test]
    fn code_stays_within_its_cell() {
        assert_eq!(code("numeric(10,2)"), "`numeric(10,2)`");
        assert_eq!(code("a || `b`"), "<code>a &#124;&#124; &#96;b&#96;</code>");
        assert_eq!(code("CASE\n  WHEN x"), "`CASE WHEN x`");
        assert!(block("SELECT '```'").starts_with("\n````sql\n"));
    }
}
