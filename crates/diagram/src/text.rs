//! How wide text is, and how names are written so that all of them can be seen.
//!
//! Nobody knows which font will be used where a picture is looked at, so text is measured by the widest of the common
//! sans-serif fonts, with a reserve: in any of them it has room.

use std::borrow::Cow;
use std::fmt::Write as _;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    Regular,
    Bold,
}

/// Advance widths of U+0020 to U+007E in thousandths of the font's size, each the wider of `DejaVu Sans` and Arial.
const REGULAR: [u16; 95] = [
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636,
    636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 556, 1015, 684, 686, 722, 770, 667, 611, 778, 752, 295,
    500, 667, 557, 863, 748, 787, 667, 787, 722, 667, 611, 732, 684, 989, 685, 667, 685, 390, 337, 390, 838,
    556, 500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521,
    392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
];

/// The same of the bold fonts.
const BOLD: [u16; 95] = [
    348, 456, 521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415, 380, 365, 696, 696, 696, 696, 696,
    696, 696, 696, 696, 696, 400, 400, 838, 838, 838, 611, 1116, 774, 762, 794, 830, 733, 683, 855, 837, 372,
    550, 775, 637, 995, 837, 855, 733, 855, 794, 733, 682, 812, 774, 1103, 771, 733, 725, 457, 365, 457, 838,
    611, 500, 675, 716, 593, 716, 678, 435, 716, 712, 343, 343, 665, 343, 1042, 712, 687, 716, 716, 493, 595,
    478, 712, 652, 924, 645, 652, 582, 712, 365, 712, 838,
];

/// In thousandths: what is added to the width of a text.
const RESERVE: u32 = 40;

/// The width of `text` in pixels at a font size, rounded up.
pub fn width(text: &str, size: u32, weight: Weight) -> i32 {
    let advances: u32 = text.chars().map(|it| advance(it, weight)).sum();
    let whole = u64::from(advances) * u64::from(1000 + RESERVE) * u64::from(size);
    i32::try_from(whole.div_ceil(1_000_000)).unwrap_or(i32::MAX / 1024)
}

fn advance(letter: char, weight: Weight) -> u32 {
    let code = u32::from(letter);
    if let Some(index) = code.checked_sub(32).filter(|it| *it < 95) {
        let table = if weight == Weight::Bold { &BOLD } else { &REGULAR };
        return u32::from(table[index as usize]);
    }
    let regular = match code {
        // Marks that stand above or below the letter before them, and joiners.
        0x300..=0x36F | 0x200C | 0x200D | 0xFE00..=0xFE0F => 0,
        // Æ, Œ, fractions and the like.
        0xA9 | 0xAE | 0xBC..=0xBE | 0xC6 | 0xE6 | 0x126 | 0x149 | 0x152 | 0x153 | 0x174 => 1070,
        0xA0..=0x24F => 790,
        0x370..=0x3FF => 900,
        0x400..=0x52F => 1080,
        0x590..=0x5FF => 760,
        0xFDF0..=0xFDFC => 3000,
        0xFDFD => 10_000,
        0x2E80..=0x9FFF | 0xAC00..=0xD7AF | 0xF900..=0xFAFF | 0xFF00..=0xFFEF => 1020,
        _ => 1400,
    };
    if weight == Weight::Bold {
        regular * 11 / 10
    } else {
        regular
    }
}

/// `text` with a sign in the place of each character that cannot be seen or that would turn others around: `␊` for a
/// newline, `‹U+202E›` for an override of the direction. Right-to-left letters stay as they are.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            '\0'..='\u{1f}' => shown.extend(char::from_u32(0x2400 + u32::from(letter))),
            '\u{7f}' => shown.push('\u{2421}'),
            _ if is_hidden(letter) => {
                let _ = write!(shown, "‹U+{:04X}›", u32::from(letter));
            }
            _ => shown.push(letter),
        }
    }
    Cow::Owned(shown)
}

/// Controls, marks of direction, spaces without width, and what XML does not allow.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hidden_stays_hidden() {
        let shown = [
            ("plain", "plain"),
            ("a\nb\u{0}", "a␊b␀"),
            ("x\u{202e}y", "x‹U+202E›y"),
            ("שלום", "שלום"),
            ("e\u{301}", "e\u{301}"),
        ];
        for (text, expected) in shown {
            assert_eq!(visible(text), expected);
        }
    }

    #[test]
    fn longer_and_bolder_text_is_wider() {
        assert!(width("ab", 13, Weight::Regular) > width("a", 13, Weight::Regular));
        assert!(width("a", 13, Weight::Bold) > width("a", 13, Weight::Regular));
        assert_eq!(width("", 13, Weight::Bold), 0);
    }
}
