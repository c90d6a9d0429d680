//! Constants as SQLite reads them.

use crate::value::Constant;

/// A text that PostgreSQL can hold.
pub(crate) fn text_constant(text: &str) -> Option<Constant> {
    (!text.contains('\0')).then(|| Constant::Text(text.to_owned()))
}

/// A number as SQLite reads it.
pub(crate) fn number(text: &str) -> Option<Constant> {
    let text = text.replace('_', "");
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        // All 64 bits may be given: 0xFFFFFFFFFFFFFFFF is -1.
        return u64::from_str_radix(hex, 16)
            .ok()
            .map(|it| Constant::Integer(it.cast_signed()));
    }
    text.parse()
        .map(Constant::Integer)
        .or_else(|_| text.parse().map(Constant::Real))
        .ok()
}
