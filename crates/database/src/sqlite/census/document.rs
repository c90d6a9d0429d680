//! Texts that are JSON documents, and what `jsonb` would make of them.

use std::cell::RefCell;

use rusqlite::types::ValueRef;

use crate::sqlite::jsonb;
use crate::sqlite::target_type::TargetType;

/// A text that is a JSON document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Document {
    /// Whether `jsonb` takes it.
    pub(super) jsonb: bool,
    /// Whether an object has a key twice, of which `jsonb` keeps the last one alone; not told of what it refuses.
    pub(super) repeated_key: bool,
}

/// Room that is kept for the next document.
const KEPT_BYTES_MAX: usize = 1 << 20;

thread_local! {
    static ROOM: RefCell<Vec<u8>> = RefCell::default();
}

/// `None` when the text, which is UTF-8 without a NUL, is no document.
pub(super) fn read(text: &[u8]) -> Option<Document> {
    ROOM.with_borrow_mut(|room| {
        room.clear();
        room.shrink_to(KEPT_BYTES_MAX);
        // What `jsonb` takes is JSON, and most documents are taken.
        if let Some(repeated_key) = jsonb::write_and_tell(text, room) {
            return Some(Document {
                jsonb: true,
                repeated_key,
            });
        }
        let json = TargetType::Json.write(ValueRef::Text(text), room);
        json.is_ok().then_some(Document::default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(bool, bool)>) {
        let found = read(text.as_bytes()).map(|it| (it.jsonb, it.repeated_key));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn documents_say_what_jsonb_would_lose() {
        check(r#"{"b": [1, {"a": "é\n"}], "a": null}"#, Some((true, false)));
        check(r#"{"a": 1, "b": {"a": 1, "b": 2}}"#, Some((true, false)));
        check(r#"[{"a": 1, "\u0061": 2}]"#, Some((true, true)));
        check(r#"{"b": {"a": 1, "a": 2}, "a": 1}"#, Some((true, true)));
        check(r#"{"a": "\u0000"}"#, Some((false, false)));
        check(r#"{"\u0000": 1}"#, Some((false, false)));
        check(r#""\ud800""#, Some((false, false)));
        check("-12.5e3", Some((true, false)));
        check("{broken", None);
        check("[1] x", None);
        check("", None);
        let keys: Vec<String> = (0..40).map(|it| format!("\"k{}\": {it}", it % 39)).collect();
        check(&format!("{{{}}}", keys.join(",")), Some((true, true)));
    }
}
