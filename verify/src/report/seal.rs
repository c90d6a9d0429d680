//! A report's SHA-256, so that it can be filed: in JSON under a key of its own, elsewhere in the last line.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// A report as it is printed, and what it can be known by.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) text: String,
    /// 64 hexadecimal digits.
    pub(crate) sha256: String,
}

/// The key of JSON that is left out of what is hashed.
const KEY: &str = "sha256";

/// Text whose last line, between `before` and `after`, says the SHA-256 of everything above it.
pub(super) fn seal_text(text: &str, before: &str, after: &str) -> Sealed {
    let sha256 = hash(text.as_bytes());
    let text = format!("{text}{before}sha256 {sha256}{after}\n");
    Sealed { text, sha256 }
}

/// An object with the SHA-256 of itself, as `jq -cjS 'del(.sha256)'` writes it.
pub(super) fn seal_json(mut report: Value) -> Sealed {
    let sha256 = hash(canonical(&report).as_bytes());
    if let Value::Object(keys) = &mut report {
        keys.insert(KEY.to_owned(), Value::String(sha256.clone()));
    }
    let text = format!("{report:#}\n");
    Sealed { text, sha256 }
}

/// Keys in order, nothing between, and DEL escaped: the bytes that jq writes.
fn canonical(report: &Value) -> String {
    // Outside of strings JSON has no DEL.
    report.to_string().replace('\u{7f}', "\\u007f")
}

fn hash(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_line_says_the_hash_of_what_is_above_it() {
        let sealed = seal_text("abc", "<!-- ", " -->");
        let of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sealed.text, format!("abc<!-- sha256 {of_abc} -->\n"));
        assert_eq!(sealed.sha256, of_abc);
    }

    #[test]
    fn json_is_hashed_without_its_own_hash() {
        let report = json!({"b": ["\u{7f}", 1], "a": null});
        assert_eq!(canonical(&report), r#"{"a":null,"b":["\u007f",1]}"#);
        let sealed = seal_json(report.clone());
        let mut printed: Value = serde_json::from_str(&sealed.text).expect("it is JSON");
        assert_eq!(printed[KEY], json!(sealed.sha256));
        printed.as_object_mut().expect("it is an object").remove(KEY);
        assert_eq!(printed, report);
        assert_ne!(seal_json(json!({"b": 2})).sha256, sealed.sha256);
    }
}
