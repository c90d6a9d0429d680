//! Connection strings as libpq reads them, keywords and URLs:
//! <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING>.

/// What became of a connection string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Conninfo {
    /// There is no password in it.
    Clean,
    /// It without its passwords.
    Cut(String),
    /// It mentions a password and cannot be read.
    Unread,
}

/// Whether the value of a keyword or option of this name must not be seen, whatever wrapper it belongs to.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let ends = ["password", "passwd", "passphrase", "pwd", "token"];
    // `scram_client_key` and `scram_server_key` serve in the place of a password.
    name.contains("secret")
        || name.starts_with("scram_")
        || name == "pass"
        || ends.iter().any(|end| name.ends_with(end))
}

pub(crate) fn without_passwords(conninfo: &str) -> Conninfo {
    let rest = match conninfo.find("://") {
        Some(at) if conninfo[..at].bytes().all(is_scheme) => Some(url(conninfo, at + 3)),
        _ => keywords(conninfo),
    };
    match rest {
        Some(rest) if rest == conninfo => Conninfo::Clean,
        Some(rest) => Conninfo::Cut(rest),
        None if conninfo.to_ascii_lowercase().contains("password") => Conninfo::Unread,
        None => Conninfo::Clean,
    }
}

fn is_scheme(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)
}

/// `scheme://user:password@host/path?keyword=value&…`, `start` being the offset of `user`. Credentials end at
/// the first `@` before any `/` (`conninfo_uri_parse_options`).
fn url(text: &str, start: usize) -> String {
    let before_path = text[start..].split('/').next().unwrap_or_default();
    let user_end = before_path.find('@').unwrap_or_default();
    let colon = before_path[..user_end].find(':').unwrap_or(user_end);
    let (user, after) = (&text[..start + colon], &text[start + user_end..]);
    let Some((host, query)) = after.split_once('?') else {
        return format!("{user}{after}");
    };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|it| !is_secret_name(&percent_decoded(it.split('=').next().unwrap_or_default())))
        .collect();
    let mark = if kept.is_empty() { "" } else { "?" };
    format!("{user}{host}{mark}{}", kept.join("&"))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after
            .get(..2)
            .and_then(|it| std::str::from_utf8(it).ok())
            .and_then(|it| u8::from_str_radix(it, 16).ok());
        match code {
            Some(code) if first == b'%' => {
                bytes.push(code);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `keyword = value …`, values quoted by `'` and escaped by `\`; `None` when it is nothing of the kind
/// (`conninfo_parse` in libpq's `fe-connect.c`).
fn keywords(text: &str) -> Option<String> {
    let mut kept: Vec<&str> = Vec::new();
    let mut cut_any = false;
    let mut at = skip_space(text, 0);
    while at < text.len() {
        let start = at;
        let name_end = at + text[at..].find(|it: char| it == '=' || it.is_ascii_whitespace())?;
        at = skip_space(text, name_end);
        if !text[at..].starts_with('=') {
            return None;
        }
        at = value_end(text, skip_space(text, at + 1))?;
        if is_secret_name(&text[start..name_end]) {
            cut_any = true;
        } else {
            kept.push(&text[start..at]);
        }
        at = skip_space(text, at);
    }
    Some(if cut_any { kept.join(" ") } else { text.to_owned() })
}

fn skip_space(text: &str, at: usize) -> usize {
    at + text[at..].len() - text[at..].trim_ascii_start().len()
}

/// The end of the value that begins at `at`; `None` when its quote is not closed.
fn value_end(text: &str, at: usize) -> Option<usize> {
    let is_quoted = text[at..].starts_with('\'');
    let mut bytes = text.bytes().enumerate().skip(at + usize::from(is_quoted));
    while let Some((index, byte)) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'\'' if is_quoted => return Some(index + 1),
            _ if !is_quoted && byte.is_ascii_whitespace() => return Some(index),
            _ => {}
        }
    }
    (!is_quoted).then_some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(conninfo: &str, expected: &str) {
        let expected = if conninfo == expected {
            Conninfo::Clean
        } else {
            Conninfo::Cut(expected.to_owned())
        };
        assert_eq!(without_passwords(conninfo), expected, "{conninfo}");
    }

    #[test]
    fn keywords_are_read_as_libpq_reads_them() {
        check("host=h port=1", "host=h port=1");
        check("", "");
        check("host=h password=x", "host=h");
        check("password=x", "");
        check("password = 'a b\\' c' host=h", "host=h");
        check("host='a password=b'", "host='a password=b'");
        check("password=a\\ b  host=h\tsslpassword=c", "host=h");
        check(
            "passfile=p password_required=no",
            "passfile=p password_required=no",
        );
        for unread in ["password='a", "password", "password x"] {
            assert_eq!(without_passwords(unread), Conninfo::Unread, "{unread}");
        }
        assert_eq!(without_passwords("service"), Conninfo::Clean);
    }

    #[test]
    fn urls_are_read_as_libpq_reads_them() {
        for same in [
            "postgresql://",
            "postgres://u@h:5432/d",
            "postgresql://[::1]:5/d",
            "postgresql:///d?host=/x:y@z",
        ] {
            check(same, same);
        }
        check("postgres://u:p@h,i:5/d", "postgres://u@h,i:5/d");
        check("postgres://:p@h", "postgres://@h");
        check("postgres://h/d?password=x", "postgres://h/d");
        check("postgres://h/d?passw%6Frd=x&a=b", "postgres://h/d?a=b");
        check(
            "postgres://u:p@h/d?sslpassword=x&a=b@c:d",
            "postgres://u@h/d?a=b@c:d",
        );
        check("postgresql://u:p?q@h/d", "postgresql://u@h/d");
    }
}
