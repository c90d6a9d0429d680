//! The password file, `.pgpass`: read by libpq's rules ("The Password File" in the PostgreSQL manual).

use std::fs;
use std::io::{self, ErrorKind::NotFound};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What a password is looked up by. `host` is `localhost` for a socket in the default folder.
pub(super) struct Key<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) dbname: &'a str,
    pub(super) user: &'a str,
}

/// What a password file says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// The password and the number of its line, counted from 1.
    Found(String, usize),
    NotFound,
    /// There is no such file.
    Missing,
    /// The file is not used, for this reason.
    Ignored(String),
}

/// Looks a password up. A file that others can read is not used, as in libpq.
pub(super) fn look_up(path: &Path, key: &Key) -> Lookup {
    let unreadable = |error: io::Error| match error.kind() {
        NotFound => Lookup::Missing,
        _ => Lookup::Ignored(format!("password file {} is ignored: {error}", path.display())),
    };
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return unreadable(error),
    };
    if !metadata.is_file() {
        return Lookup::Ignored(format!(
            "password file {} is ignored: it is no plain file",
            path.display()
        ));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return Lookup::Ignored(format!(
            "password file {} is ignored: group or others have access to it; chmod 0600 makes it usable",
            path.display()
        ));
    }
    match fs::read(path) {
        Ok(content) => find(&content, key, path),
        Err(error) => unreadable(error),
    }
}

/// A line's field as [`look_up`] reads it back.
pub(super) fn escape(field: &str) -> String {
    field.replace('\\', "\\\\").replace(':', "\\:")
}

fn find(content: &[u8], key: &Key, path: &Path) -> Lookup {
    for (number, line) in content.split(|it| *it == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b"#") {
            continue;
        }
        let port = key.port.to_string();
        let fields = [key.host, &port, key.dbname, key.user];
        let Some(password) = fields
            .iter()
            .try_fold(line, |rest, field| strip_field(rest, field.as_bytes()))
        else {
            continue;
        };
        return match String::from_utf8(unescape(password)) {
            Ok(password) if password.is_empty() => Lookup::NotFound,
            Ok(password) => Lookup::Found(password, number + 1),
            Err(_) => Lookup::Ignored(format!(
                "line {} of password file {} is ignored: it is not UTF-8",
                number + 1,
                path.display()
            )),
        };
    }
    Lookup::NotFound
}

/// What follows the first field of `line` and its colon, if that field matches `value`.
fn strip_field<'a>(line: &'a [u8], value: &[u8]) -> Option<&'a [u8]> {
    if let Some(rest) = line.strip_prefix(b"*:") {
        return Some(rest);
    }
    let mut rest = line;
    for byte in value {
        rest = rest
            .strip_prefix(b"\\")
            .filter(|it| !it.is_empty())
            .unwrap_or(rest);
        rest = rest.strip_prefix(std::slice::from_ref(byte))?;
    }
    rest.strip_prefix(b":")
}

fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut is_escaped = false;
    for (position, byte) in field.iter().enumerate() {
        // A backslash at the very end stands for itself.
        is_escaped = !is_escaped && *byte == b'\\' && position + 1 < field.len();
        if !is_escaped {
            plain.push(*byte);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: Key<'static> = Key {
        host: "db",
        port: 5432,
        dbname: "mandible",
        user: "ada",
    };

    #[track_caller]
    fn check(content: &str, expected: Option<(&str, usize)>) {
        let expected = expected.map_or(Lookup::NotFound, |(it, line)| Lookup::Found(it.to_owned(), line));
        assert_eq!(
            find(content.as_bytes(), &KEY, Path::new("pgpass")),
            expected,
            "{content}"
        );
    }

    #[test]
    fn the_first_line_that_matches_holds() {
        check("db:5432:mandible:ada:secret", Some(("secret", 1)));
        check("db:5432:mandible:ada:secret\r\n", Some(("secret", 1)));
        check("*:*:*:*:any\ndb:5432:mandible:ada:secret\n", Some(("any", 1)));
        check("# db\n\nother:*:*:*:x\ndb:*:*:ada:y\n", Some(("y", 4)));
        check("db:5433:*:*:x", None);
        check("db:5432:mandible2:ada:x", None);
        check("db:5432:mandible:ada", None);
        check("d*:5432:mandible:ada:x", None);
        check("db:5432:mandible:ada:", None);
        check("", None);
    }

    #[test]
    fn backslashes_escape_in_every_field() {
        check(r"d\b:5432:mandible:ada:a\:b\\c:d", Some((r"a:b\c:d", 1)));
        check(r"\*:5432:mandible:ada:x", None);
        check(r"*:*:*:*:end\", Some((r"end\", 1)));
    }

    #[test]
    fn a_file_that_others_can_read_is_ignored() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("pgpass");
        assert_eq!(look_up(&path, &KEY), Lookup::Missing);
        fs::write(&path, "*:*:*:*:secret").expect("a file");
        for (mode, used) in [
            (0o600, true),
            (0o400, true),
            (0o640, false),
            (0o604, false),
            (0o660, false),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("permissions");
            let lookup = look_up(&path, &KEY);
            assert_eq!(matches!(&lookup, Lookup::Found(..)), used, "{mode:o} {lookup:?}");
            assert_eq!(
                matches!(&lookup, Lookup::Ignored(_)),
                !used,
                "{mode:o} {lookup:?}"
            );
        }
        assert!(matches!(look_up(folder.path(), &KEY), Lookup::Ignored(_)));
    }

    proptest! {
        #[test]
        fn escaping_round_trips(user in "[^\0\r\n]+", password in "[^\0\r\n]+") {
            let key = Key { user: &user, ..KEY };
            let line = format!("db:5432:mandible:{}:{}", escape(&user), escape(&password));
            prop_assert_eq!(find(line.as_bytes(), &key, Path::new("pgpass")), Lookup::Found(password, 1));
        }
    }
}
