//! Texts that are numbers.

/// A text of digits, with a sign or a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TextNumber {
    /// Digits before the point, without leading zeros, and behind it.
    pub(super) whole: usize,
    pub(super) fraction: usize,
    pub(super) point: bool,
    pub(super) beyond_64_bits: bool,
}

/// `None` for anything but an optional sign, digits, and an optional point with digits.
pub(super) fn read(text: &[u8]) -> Option<TextNumber> {
    let digits = text
        .strip_prefix(b"-")
        .or_else(|| text.strip_prefix(b"+"))
        .unwrap_or(text);
    let whole = digits.iter().take_while(|it| it.is_ascii_digit()).count();
    if whole == 0 {
        return None;
    }
    let fraction = match &digits[whole..] {
        [] => 0,
        [b'.', rest @ ..] if !rest.is_empty() && rest.iter().all(u8::is_ascii_digit) => rest.len(),
        _ => return None,
    };
    let zeros = digits[..whole].iter().take_while(|&&it| it == b'0').count();
    // Nineteen digits may be within 64 bits or not.
    let beyond_64_bits = whole - zeros > 18
        && std::str::from_utf8(text).is_ok_and(|text| text[..text.len().min(64)].parse::<i64>().is_err());
    Some(TextNumber {
        whole: whole - zeros,
        fraction,
        point: fraction > 0,
        beyond_64_bits,
    })
}
