//! What of a source's settings and of what stands apart may be written into an archive.

use plan::Mapping;

use super::conninfo::{Conninfo, is_secret_name, without_passwords};
use crate::rewriter::Rewriter;

/// What may stand in an archive of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Archivable {
    AsItIs,
    /// All but its passwords.
    Cut(String),
    /// A password in it could not be told from the rest.
    Nothing,
}

/// Whether a setting can hold a password: by the name of a parameter that an application made up, or by a connection
/// string in its value.
pub fn is_secret_setting(name: &str, value: &str) -> bool {
    let is_made_up = name.contains('.');
    is_made_up && (is_secret_name(name) || name.split('.').any(is_secret_name))
        || without_passwords(value) != Conninfo::Clean
}

/// What of one statement may stand in an archive.
pub fn archivable(statement: &str) -> Archivable {
    let rewritten = Rewriter::for_stream(Mapping::default()).rewrite(statement);
    if !rewritten.doubts.is_empty() {
        Archivable::Nothing
    } else if rewritten.secrets.is_empty() {
        Archivable::AsItIs
    } else {
        Archivable::Cut(rewritten.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_with_secrets_are_told_from_others() {
        for (name, value, expected) in [
            ("app.api_key", "x", true),
            ("token.value", "x", true),
            ("app.dsn", "postgres://u:x@h/d", true),
            ("app.dsn", "host=h password=x", true),
            ("app.dsn", "host=h user=u", false),
            ("app.mode", "dark", false),
            ("password_encryption", "md5", false),
            ("search_path", "public", false),
        ] {
            assert_eq!(is_secret_setting(name, value), expected, "{name}");
        }
    }

    #[test]
    fn statements_go_without_what_is_secret() {
        for (statement, expected) in [
            ("CREATE PUBLICATION p;", Archivable::AsItIs),
            (
                "CREATE SUBSCRIPTION s CONNECTION 'host=h password=x' PUBLICATION p;",
                Archivable::Cut("CREATE SUBSCRIPTION s CONNECTION 'host=h' PUBLICATION p;".to_owned()),
            ),
            (
                "CREATE SUBSCRIPTION s CONNECTION 'password=''x' PUBLICATION p;",
                Archivable::Nothing,
            ),
        ] {
            assert_eq!(archivable(statement), expected, "{statement}");
        }
    }
}
