//! The Content-Security-Policy of the page: its own inline parts by their hashes, and nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// A policy under which only `scripts` run and only `styles` hold, and nothing is ever fetched or sent.
///
/// Hashes as the W3C's Content Security Policy Level 3 has them: over the text between the tags.
pub(super) fn policy<'t>(scripts: &[&str], styles: impl IntoIterator<Item = &'t str>) -> String {
    let scripts: Vec<String> = scripts.iter().map(|it| source(it)).collect();
    let mut styles: Vec<String> = styles.into_iter().map(source).collect();
    styles.sort_unstable();
    styles.dedup();
    format!(
        "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'",
        scripts.join(" "),
        styles.join(" ")
    )
}

fn source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_allowed_by_its_hash_and_once() {
        let found = policy(&["a"], ["b", "b"]);
        let expected = "default-src 'none'; \
            script-src 'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='; \
            style-src 'sha256-PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0='; \
            base-uri 'none'; form-action 'none'";
        assert_eq!(found, expected);
    }
}
