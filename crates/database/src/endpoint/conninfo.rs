//! libpq's two ways to write a connection down: keyword strings and URLs.
//!
//! Both are read as libpq reads them ("Connection Strings" in the PostgreSQL manual). No message repeats
//! any part of a value, since it may be a password.

use super::keyword::Keywords;
use crate::error::{Error, ErrorKind, Result};

/// The schemes that libpq knows, with what follows them up to the user.
const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];

/// Whether the words are a URL of PostgreSQL's.
pub(super) fn is_url(words: &str) -> bool {
    SCHEMES.iter().any(|it| words.starts_with(it))
}

/// Reads `host=db user='a b'`.
pub(super) fn parse_keywords(words: &str) -> Result<Keywords> {
    let mut keywords = Keywords::default();
    let mut rest = words.trim_start_matches(is_space);
    while !rest.is_empty() {
        let end = rest.find(|it| it == '=' || is_space(it)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let Some(value) = after.trim_start_matches(is_space).strip_prefix('=') else {
            return Err(malformed("a keyword has no \"=\" after it")
                .with_hint("quote a value that contains spaces: password='two words'"));
        };
        let (value, after) = read_value(value.trim_start_matches(is_space))?;
        keywords.set(name, value)?;
        rest = after.trim_start_matches(is_space);
    }
    Ok(keywords)
}

/// A value as a keyword string holds it, quoted whether it needs that or not.
pub(super) fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Reads `postgres://user:password@host:port,host:port/dbname?keyword=value`.
pub(super) fn parse_url(url: &str) -> Result<Keywords> {
    let rest = SCHEMES
        .iter()
        .find_map(|it| url.strip_prefix(it))
        .ok_or_else(|| malformed("it has no scheme"))?;
    let mut keywords = Keywords::default();
    let rest = read_user(rest, &mut keywords)?;
    let rest = read_hosts(rest, &mut keywords)?;
    let rest = match rest.strip_prefix('/') {
        Some(path) => {
            let (dbname, rest) = path.split_at(path.find('?').unwrap_or(path.len()));
            set_decoded(&mut keywords, "dbname", dbname)?;
            rest
        }
        None => rest,
    };
    match rest.strip_prefix('?') {
        Some(parameters) => read_parameters(parameters, &mut keywords)?,
        None if rest.is_empty() => {}
        None => return Err(malformed("something unexpected follows the host of the URL")),
    }
    Ok(keywords)
}

fn read_user<'a>(rest: &'a str, keywords: &mut Keywords) -> Result<&'a str> {
    let Some(end) = rest.find(['@', '/']).filter(|end| rest[*end..].starts_with('@')) else {
        return Ok(rest);
    };
    let (user, password) = rest[..end].split_once(':').unwrap_or((&rest[..end], ""));
    set_decoded(keywords, "password", password)?;
    set_decoded(keywords, "user", user)?;
    Ok(&rest[end + 1..])
}

/// Reads `host:port,host:port` into the lists that the keywords `host` and `port` hold.
fn read_hosts<'a>(mut rest: &'a str, keywords: &mut Keywords) -> Result<&'a str> {
    let (mut hosts, mut ports) = (String::new(), String::new());
    loop {
        let (host, port, after) = read_host(rest)?;
        hosts.push_str(host);
        ports.push_str(port);
        let Some(next) = after.strip_prefix(',') else {
            set_decoded(keywords, "host", &hosts)?;
            set_decoded(keywords, "port", &ports)?;
            return Ok(after);
        };
        rest = next;
        hosts.push(',');
        ports.push(',');
    }
}

/// One host, its port, and what comes after them.
fn read_host(rest: &str) -> Result<(&str, &str, &str)> {
    let (host, rest) = match rest.strip_prefix('[') {
        Some(inner) => {
            let end = inner
                .find(']')
                .ok_or_else(|| malformed("the URL's IPv6 address has no \"]\""))?;
            if end == 0 {
                return Err(malformed("the URL's IPv6 address is empty"));
            }
            (&inner[..end], &inner[end + 1..])
        }
        None => rest.split_at(rest.find([':', '/', '?', ',']).unwrap_or(rest.len())),
    };
    let (port, rest) = match rest.strip_prefix(':') {
        Some(after) => after.split_at(after.find(['/', '?', ',']).unwrap_or(after.len())),
        None => ("", rest),
    };
    Ok((host, port, rest))
}

fn read_parameters(parameters: &str, keywords: &mut Keywords) -> Result<()> {
    for parameter in parameters.split('&').filter(|it| !it.is_empty()) {
        let (name, value) = parameter
            .split_once('=')
            .filter(|(_, value)| !value.contains('='))
            .ok_or_else(|| malformed("a parameter of the URL is not of the form keyword=value"))?;
        let (name, value) = (decode(name)?, decode(value)?);
        match (name.as_str(), value.as_str()) {
            // The way JDBC writes it, which libpq accepts too.
            ("ssl", "true") => keywords.set("sslmode", "require".to_owned())?,
            _ => keywords.set(&name, value)?,
        }
    }
    Ok(())
}

/// An empty part of a URL is as good as none.
fn set_decoded(keywords: &mut Keywords, name: &str, encoded: &str) -> Result<()> {
    if encoded.is_empty() {
        Ok(())
    } else {
        keywords.set(name, decode(encoded)?)
    }
}

/// Percent-decodes; unlike in web forms `+` is a plus sign.
fn decode(encoded: &str) -> Result<String> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digits = [bytes.next(), bytes.next()].map(|it| it.and_then(|it| char::from(it).to_digit(16)));
        match digits {
            [Some(high), Some(low)] => decoded.extend(u8::try_from(high * 16 + low)),
            _ => {
                return Err(malformed(
                    "the URL holds a \"%\" without two hexadecimal digits after it",
                ));
            }
        }
    }
    String::from_utf8(decoded).map_err(|_| malformed("a part of the URL is not UTF-8"))
}

/// One value and what comes after it.
fn read_value(text: &str) -> Result<(String, &str)> {
    let quoted = text.strip_prefix('\'');
    let mut value = String::new();
    let body = quoted.unwrap_or(text);
    let mut characters = body.char_indices();
    while let Some((position, character)) = characters.next() {
        match character {
            // A backslash at the very end stands for nothing.
            '\\' => value.extend(characters.next().map(|(_, it)| it)),
            '\'' if quoted.is_some() => return Ok((value, &body[position + 1..])),
            it if quoted.is_none() && is_space(it) => return Ok((value, &body[position..])),
            it => value.push(it),
        }
    }
    if quoted.is_some() {
        return Err(malformed("a quoted value has no closing quote"));
    }
    Ok((value, ""))
}

fn malformed(what: &str) -> Error {
    Error::new(
        ErrorKind::Endpoint,
        format!("the connection words cannot be read: {what}"),
    )
}

/// C's `isspace`, as libpq uses it.
fn is_space(character: char) -> bool {
    character.is_ascii_whitespace() || character == '\u{b}'
}

#[cfg(test)]
mod tests {
    use super::super::environment::Environment;
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(words: &str, expected: std::result::Result<&[(&str, &str)], &str>) {
        let keywords = if is_url(words) {
            parse_url(words)
        } else {
            parse_keywords(words)
        };
        match (keywords, expected) {
            (Ok(keywords), Ok(pairs)) => {
                let mut wanted = Keywords::default();
                for (name, value) in pairs {
                    wanted.set(name, (*value).to_owned()).expect("a keyword");
                }
                assert!(keywords == wanted, "{words}: {keywords:?}");
            }
            (outcome, expected) => {
                let text = outcome.map(|_| ()).map_err(|it| it.to_string());
                let wanted = expected
                    .map(|_| ())
                    .map_err(|it| format!("the connection words cannot be read: {it}"));
                assert_eq!(text, wanted, "{words}");
            }
        }
    }

    #[test]
    fn keyword_strings_are_read_as_libpq_reads_them() {
        check("host=db port=5433", Ok(&[("host", "db"), ("port", "5433")]));
        check("  host =  db\tport= 1 \n", Ok(&[("host", "db"), ("port", "1")]));
        check(
            r"password='it\'s \\ a secret'",
            Ok(&[("password", r"it's \ a secret")]),
        );
        check(r"password=a\ b\\c", Ok(&[("password", r"a b\c")]));
        check("user='' host=db", Ok(&[("user", ""), ("host", "db")]));
        check("user='a'host=db", Ok(&[("user", "a"), ("host", "db")]));
        check("host=a host=b", Ok(&[("host", "b")]));
        check("dbname=a=b", Ok(&[("dbname", "a=b")]));
        check("host db", Err("a keyword has no \"=\" after it"));
        check("password='open", Err("a quoted value has no closing quote"));
    }

    #[test]
    fn urls_are_read_as_libpq_reads_them() {
        check("postgresql://", Ok(&[]));
        check("postgres://localhost", Ok(&[("host", "localhost")]));
        check(
            "postgres://localhost:5433",
            Ok(&[("host", "localhost"), ("port", "5433")]),
        );
        check("postgres:///mydb", Ok(&[("dbname", "mydb")]));
        check(
            "postgres:///mydb?host=/var/run",
            Ok(&[("dbname", "mydb"), ("host", "/var/run")]),
        );
        check(
            "postgresql://other@localhost/otherdb?connect_timeout=10&application_name=my%20app",
            Ok(&[
                ("user", "other"),
                ("host", "localhost"),
                ("dbname", "otherdb"),
                ("connect_timeout", "10"),
                ("application_name", "my app"),
            ]),
        );
        check(
            "postgres://u%40x:p%2f%3a%25@[2001:db8::1]:1/d%C3%A9?",
            Ok(&[
                ("user", "u@x"),
                ("password", "p/:%"),
                ("host", "2001:db8::1"),
                ("port", "1"),
                ("dbname", "dé"),
            ]),
        );
        check(
            "postgres://%2Frun%2Fpg/x+y",
            Ok(&[("host", "/run/pg"), ("dbname", "x+y")]),
        );
        check(
            "postgres://a:1,[::1],/d?target_session_attrs=any",
            Ok(&[
                ("host", "a,::1,"),
                ("port", "1,,"),
                ("dbname", "d"),
                ("target_session_attrs", "any"),
            ]),
        );
        check(
            "postgres://h?ssl=true",
            Ok(&[("host", "h"), ("sslmode", "require")]),
        );
        check(
            "postgres://u:p:q@h",
            Ok(&[("user", "u"), ("password", "p:q"), ("host", "h")]),
        );
        check(
            "postgres://h/d?port",
            Err("a parameter of the URL is not of the form keyword=value"),
        );
        check("postgres://[::1", Err("the URL's IPv6 address has no \"]\""));
        check(
            "postgres://h/%zz",
            Err("the URL holds a \"%\" without two hexadecimal digits after it"),
        );
        check(
            "postgres://h/%f",
            Err("the URL holds a \"%\" without two hexadecimal digits after it"),
        );
        check("postgres://h/%ff", Err("a part of the URL is not UTF-8"));
        check(
            "postgres://[::1]x/d",
            Err("something unexpected follows the host of the URL"),
        );
    }

    proptest! {
        #[test]
        fn quoting_round_trips(host in "[^\0]*", dbname in "[^\0]*") {
            let words = format!("host={} dbname={}", quote(&host), quote(&dbname));
            let keywords = parse_keywords(&words).expect("words of ours");
            let environment = Environment::empty();
            prop_assert_eq!(keywords.get("host", &environment).unwrap_or(""), host);
            prop_assert_eq!(keywords.get("dbname", &environment).unwrap_or(""), dbname);
        }
    }
}
