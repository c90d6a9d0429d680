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

/// Words before `key` that make it no secret: keys of tables, ways to sort or spread rows, halves that are public,
/// and files (`sslkey` of libpq).
const OPEN_KEYS: [&str; 23] = [
    "",
    "cluster",
    "clustering",
    "dist",
    "distribution",
    "foreign",
    "group",
    "hash",
    "index",
    "is",
    "join",
    "order",
    "partition",
    "partitioning",
    "primary",
    "public",
    "range",
    "row",
    "shard",
    "singleton",
    "sort",
    "ssl",
    "unique",
];

/// Whether the value of a keyword or option of this name must not be seen, whatever wrapper it belongs to.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // `scram_client_key` and `scram_server_key` serve in the place of a password.
    is_password_name(&name)
        || name.contains("secret")
        || name.starts_with("scram_")
        || SECRET_ENDS.iter().any(|end| name.ends_with(end)) && name != "bypass"
        || name.strip_suffix("key").is_some_and(|of| {
            let word = of.trim_end_matches(['_', '-']).rsplit(['_', '-']).next();
            !OPEN_KEYS.contains(&word.unwrap_or_default())
        })
}

const SECRET_ENDS: [&str; 7] = [
    "credential",
    "credentials",
    "pass",
    "passphrase",
    "passwd",
    "pwd",
    "token",
];

/// `password_required` of `postgres_fdw` says yes or no.
fn is_password_name(name: &str) -> bool {
    name.contains("password") && !name.ends_with("required")
}

/// Whether a string is a connection string with a password, or a URL with one. What is put there by `format` or
/// behind the string's end is none.
pub(super) fn holds_password(text: &str) -> bool {
    if let Some((scheme, rest)) = text.split_once("://") {
        let before_path = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let credentials = before_path.rsplit_once('@').map(|(credentials, _)| credentials);
        let password = credentials.and_then(|it| it.split_once(':'));
        let is_url = !scheme.is_empty() && scheme.bytes().all(is_scheme);
        let query = rest.split_once('?').map_or("", |(_, query)| query);
        let in_query = query.split('&').any(|it| {
            it.split_once('=').is_some_and(|(name, value)| {
                is_password_name(&percent_decoded(name).to_ascii_lowercase()) && is_value(value)
            })
        });
        return is_url
            && !before_path.contains(char::is_whitespace)
            && (in_query || password.is_some_and(|(_, it)| is_value(it)));
    }
    let mut holds_any = false;
    let is_read = read_keywords(text, |Setting { name, value, .. }| {
        holds_any |= is_password_name(&name.to_ascii_lowercase()) && is_value(value.trim_matches('\''));
    });
    is_read.is_some() && holds_any
}

/// Not a place that is filled when the statement runs: nothing, `%s`, `%1$L`, `$1`.
fn is_value(text: &str) -> bool {
    let place = text.trim_start_matches(|it: char| matches!(it, '%' | '$') || it.is_ascii_digit());
    let is_place = text.starts_with(['%', '$']) && matches!(place, "" | "s" | "L" | "I");
    !text.is_empty() && !is_place
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

/// The text without its secrets; `None` when it is no list of keywords.
fn keywords(text: &str) -> Option<String> {
    let mut kept: Vec<&str> = Vec::new();
    let mut cut_any = false;
    read_keywords(text, |setting| {
        if is_secret_name(setting.name) {
            cut_any = true;
        } else {
            kept.push(setting.text);
        }
    })?;
    Some(if cut_any { kept.join(" ") } else { text.to_owned() })
}

/// One `keyword = value`.
struct Setting<'a> {
    name: &'a str,
    /// With its quotes.
    value: &'a str,
    /// All of it.
    text: &'a str,
}

/// `keyword = value …`, values quoted by `'` and escaped by `\`; `None` when it is nothing of the kind
/// (`conninfo_parse` in libpq's `fe-connect.c`).
fn read_keywords<'a>(text: &'a str, mut take: impl FnMut(Setting<'a>)) -> Option<()> {
    let mut at = skip_space(text, 0);
    while at < text.len() {
        let start = at;
        let name_end = at + text[at..].find(|it: char| it == '=' || it.is_ascii_whitespace())?;
        at = skip_space(text, name_end);
        if !text[at..].starts_with('=') {
            return None;
        }
        let value_start = skip_space(text, at + 1);
        at = value_end(text, value_start)?;
        take(Setting {
            name: &text[start..name_end],
            value: &text[value_start..at],
            text: &text[start..at],
        });
        at = skip_space(text, at);
    }
    Some(())
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

    #[test]
    fn names_of_secrets_are_told_from_others() {
        for secret in [
            "password",
            "sslpassword",
            "api_key",
            "sa_key",
            "Private_Key",
            "apikey",
            "access-key",
            "credentials",
            "client_secret",
            "secret_access_key",
            "token",
            "db_pass",
            "passwd",
            "PWD",
            "scram_client_key",
        ] {
            assert!(is_secret_name(secret), "{secret}");
        }
        for open in [
            "key",
            "primary_key",
            "key_column",
            "partition_key",
            "public_key",
            "sslkey",
            "ssl_key",
            "passfile",
            "password_required",
            "keyspace",
            "tokenizer",
            "user",
            "table_name",
            "access_key_id",
            "rowkey",
        ] {
            assert!(!is_secret_name(open), "{open}");
        }
    }

    #[test]
    fn strings_with_passwords_are_told_from_others() {
        for secret in [
            "host=h password=x",
            "password='a b'",
            "SslPassword = x",
            "postgres://u:p@h/d",
            "https://u:p@h",
            "postgres://h/d?password=x",
        ] {
            assert!(holds_password(secret), "{secret}");
        }
        for open in [
            "password=",
            "host=h password=''",
            "password=%s user=u",
            "password=%1$L",
            "password=$1",
            "password is x",
            "password_required=no",
            "http://h:1/a@b",
            "see https://u:p@h",
            "postgres://u:%s@h",
            "postgres://u@h:5/d",
            "mail: a@b",
            "token=x",
        ] {
            assert!(!holds_password(open), "{open}");
        }
    }
}
