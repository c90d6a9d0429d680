//! Lines of two columns: a sentence, and what can be done.

/// Characters of a sentence up to which what can be done stands beside it.
const TEXT_CHARS_MAX: usize = 80;

/// How wide the column of sentences is; a long one takes no room beside short ones.
pub(crate) fn width<'a>(sentences: impl Iterator<Item = &'a str>) -> usize {
    let widths = sentences.map(|it| it.chars().count());
    widths.filter(|it| *it <= TEXT_CHARS_MAX).max().unwrap_or(0)
}

/// One or two lines: behind a sentence that is too long, what can be done stands below it.
pub(crate) fn lines(lead: &str, sentence: &str, width: usize, way_out: &str) -> String {
    let indent = lead.chars().count();
    if way_out.is_empty() {
        format!("{lead}{sentence}\n")
    } else if sentence.chars().count() > width {
        format!("{lead}{sentence}\n{:indent$}→ {way_out}\n", "")
    } else {
        format!("{lead}{sentence:width$}  {way_out}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_done_stands_below_a_long_sentence() {
        let long = "x".repeat(TEXT_CHARS_MAX + 1);
        let width = width(["ab", "abc", &long].into_iter());
        assert_eq!(width, 3);
        assert_eq!(lines("! ", "ab", width, "wait"), "! ab   wait\n");
        assert_eq!(lines("! ", "ab", width, ""), "! ab\n");
        assert_eq!(lines("! ", &long, width, "wait"), format!("! {long}\n  → wait\n"));
    }
}
