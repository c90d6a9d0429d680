//! The schemas in which a source finds names that no schema qualifies.

/// Stands in a setting for the schema that is called like the role.
const USER: &str = "$user";

/// What a database without any setting has, `"$user"` left out.
pub(crate) fn default_path() -> Vec<String> {
    vec!["public".to_owned()]
}

/// The schemas that the setting `search_path` names, as plain names; `"$user"` is `owner`'s.
///
/// Read as PostgreSQL reads it (`SplitIdentifierString` in `varlena.c`): names without quotes in lower case.
pub fn parse_search_path(setting: &str, owner: &str) -> Vec<String> {
    let mut names = Vec::new();
    for name in split_names(setting) {
        let name = if name == USER { owner.to_owned() } else { name };
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Each name of a list as it is written there, `"$user"` and the empty one among them.
pub(crate) fn split_names(setting: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = setting.trim_start();
    while !rest.is_empty() {
        let name = if let Some(quoted) = rest.strip_prefix('"') {
            let (name, after) = until_quote(quoted);
            rest = after;
            name
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            let name = rest[..end].trim_end().to_ascii_lowercase();
            rest = &rest[end..];
            name
        };
        rest = rest.trim_start().trim_start_matches(',').trim_start();
        names.push(name);
    }
    names
}

/// The name before the quote that ends it, and what follows that quote.
fn until_quote(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('"') {
        name.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                name.push('"');
                rest = after;
            }
            None => return (name, rest),
        }
    }
    name.push_str(rest);
    (name, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_the_server_reads_them() {
        for (setting, expected) in [
            ("musicbrainz, public", &["musicbrainz", "public"][..]),
            ("\"$user\", public", &["it's me", "public"]),
            ("$user,Public , \"Public\"", &["it's me", "public", "Public"]),
            ("\"a, \"\"b\"\"\" ,c", &["a, \"b\"", "c"]),
            ("public, public", &["public"]),
            ("\"\"", &[]),
            ("", &[]),
        ] {
            assert_eq!(parse_search_path(setting, "it's me"), expected, "{setting}");
        }
    }
}
