//! Names and how they are written in SQL. One function quotes identifiers, one quotes literals; all SQL of
//! the workspace goes through them.

use std::fmt;

use serde::{Deserialize, Serialize};
use squawk_syntax::quote;

/// PostgreSQL cuts identifiers to this many bytes (`NAMEDATALEN - 1`).
pub const IDENTIFIER_BYTES_MAX: usize = 63;

/// The name as PostgreSQL cuts it: to 63 bytes, never inside a letter.
pub fn cut_identifier(name: &str) -> &str {
    &name[..name.floor_char_boundary(IDENTIFIER_BYTES_MAX)]
}

/// A name within a schema.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualifiedName {
    pub schema: String,
    pub name: String,
}

impl QualifiedName {
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        QualifiedName {
            schema: schema.into(),
            name: name.into(),
        }
    }
}

/// As SQL: both parts quoted where they must be.
impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", quote_ident(&self.schema), quote_ident(&self.name))
    }
}

/// Writes `name` as an SQL identifier, quoted where PostgreSQL's own `quote_ident` would quote it: anything
/// but lower-case ASCII letters, digits and `_`, a leading digit, and every keyword that is not unreserved.
pub fn quote_ident(name: &str) -> String {
    let plain = name
        .bytes()
        .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        && !name.starts_with(|first: char| first.is_ascii_digit());
    if plain {
        quote::quote_quoted_ident(name)
    } else {
        quote::quote_ident_always(name)
    }
}

/// Writes `text` as an SQL string literal that means the same whatever `standard_conforming_strings` says.
pub fn quote_literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') {
        format!(" E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_quoted_as_the_server_does() {
        for (name, expected) in [
            ("users", "users"),
            ("_x1", "_x1"),
            ("1x", "\"1x\""),
            ("Users", "\"Users\""),
            ("a b", "\"a b\""),
            ("a\"b", "\"a\"\"b\""),
            ("a$b", "\"a$b\""),
            ("user", "\"user\""),
            ("order", "\"order\""),
            ("value", "value"),
            ("between", "\"between\""),
            ("integer", "\"integer\""),
            ("left", "\"left\""),
            ("größe", "\"größe\""),
            ("", "\"\""),
        ] {
            assert_eq!(quote_ident(name), expected, "{name}");
        }
    }

    #[test]
    fn literals_keep_quotes_and_backslashes() {
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal("a\\'b"), " E'a\\\\''b'");
    }
}
