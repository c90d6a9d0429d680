//! Whatever is switched off carries its reason.

use super::Finding;
use super::source::RustFile;

pub(super) fn in_attributes(file: &RustFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, attribute) in attributes(&file.code) {
        let name: String = attribute
            .chars()
            .take_while(|it| it.is_alphanumeric() || *it == '_')
            .collect();
        let lacks_reason = match name.as_str() {
            "allow" | "expect" => !attribute.contains("reason"),
            // The reason is a string, which is blank in this layer; the sign before it is not.
            "ignore" => !attribute.contains('='),
            "cfg_attr" => attribute.contains("allow(") && !attribute.contains("reason"),
            _ => false,
        };
        if lacks_reason {
            findings.push(Finding::new(
                &file.path,
                line,
                format!("`#[{name}]` without a reason"),
            ));
        }
    }
    findings
}

/// The inside of every `#[…]` and `#![…]`, with the line where it begins.
fn attributes(code: &str) -> Vec<(usize, &str)> {
    let begins = code.match_indices('#').filter_map(|(at, _)| {
        let inside = code[at + 1..]
            .strip_prefix('!')
            .unwrap_or(&code[at + 1..])
            .strip_prefix('[')?;
        Some((code[..at].matches('\n').count() + 1, inside))
    });
    begins
        .map(|(line, inside)| (line, &inside[..closing(inside)]))
        .collect()
}

/// Where the bracket closes that was open before `text`.
fn closing(text: &str) -> usize {
    let mut depth = 1;
    for (at, sign) in text.char_indices() {
        match sign {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, lines: &[usize]) {
        let found = in_attributes(&RustFile::parse("x.rs", text));
        assert_eq!(
            found.iter().map(|it| it.line).collect::<Vec<_>>(),
            lines,
            "{text}"
        );
    }

    #[test]
    fn what_is_switched_off_says_why() {
        check("#[allow(dead_code)]\nfn a() {}\n", &[1]);
        check("\n#![expect(clippy::x)]\n", &[2]);
        check("#[allow(dead_code, reason = \"needed\")]\n", &[]);
        check("#[expect(\n    dead_code,\n    reason = \"long\"\n)]\n", &[]);
        check("#[ignore]\n#[test]\nfn a() {}\n", &[1]);
        check("#[ignore = \"slow\"]\n#[derive(Debug)]\n", &[]);
        check("// #[ignore] is for others\n", &[]);
    }
}
