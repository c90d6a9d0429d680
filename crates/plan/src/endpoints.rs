//! Endpoints as a plan has them: never with a password in clear, and with `${NAME}` for what the environment knows.

/// Whether a password stands in clear in `endpoint`: in a URL, or as `password=` or `sslpassword=` of a keyword string.
pub fn has_password(endpoint: &str) -> bool {
    match endpoint.split_once("://") {
        Some((_, rest)) => url_has_password(rest),
        None => keywords_have_password(endpoint),
    }
}

/// `endpoint` with every `${NAME}` replaced by what `lookup` has for it, quoted as the place demands; the name that
/// `lookup` does not have, or `None` for one that is not closed, otherwise.
pub fn expand(endpoint: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<String, Option<String>> {
    let place = if endpoint.contains("://") {
        Place::Url
    } else if is_keyword_string(endpoint) {
        Place::Keywords
    } else {
        Place::Name
    };
    let (mut expanded, mut rest) = (String::new(), endpoint);
    while let Some((before, after)) = rest.split_once("${") {
        expanded.push_str(before);
        let (name, after) = after.split_once('}').ok_or(None)?;
        let value = lookup(name).ok_or_else(|| Some(name.to_owned()))?;
        match place {
            Place::Url => percent_encode(&value, &mut expanded),
            Place::Keywords => escape(&value, &mut expanded),
            Place::Name => expanded.push_str(&value),
        }
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// What an endpoint is written as, which says how a value is quoted in it.
#[derive(Clone, Copy)]
enum Place {
    Url,
    Keywords,
    Name,
}

/// As libpq: a keyword, `=`, a value. A path may have an equals sign, too.
fn is_keyword_string(endpoint: &str) -> bool {
    endpoint.split_once('=').is_some_and(|(keyword, _)| {
        keyword
            .trim()
            .bytes()
            .all(|it| it.is_ascii_lowercase() || it == b'_')
    })
}

/// In a URL everything but letters, digits and a few signs is written as `%XX`.
fn percent_encode(value: &str, expanded: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            expanded.push(char::from(byte));
        } else {
            expanded.push('%');
            let digits = [byte >> 4, byte & 15].into_iter();
            let digits = digits.filter_map(|it| char::from_digit(u32::from(it), 16));
            expanded.extend(digits.map(|it| it.to_ascii_uppercase()));
        }
    }
}

/// In a keyword string a backslash takes the next sign as it is, with quotes around and without.
fn escape(value: &str, expanded: &mut String) {
    for letter in value.chars() {
        if letter == '\\' || letter == '\'' || letter.is_whitespace() {
            expanded.push('\\');
        }
        expanded.push(letter);
    }
}

fn url_has_password(rest: &str) -> bool {
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = before.split('/').next().unwrap_or_default();
    // A password may hold an `@` that nobody encoded.
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let in_user = without_references(user)
        .split_once(':')
        .is_some_and(|(_, password)| !password.is_empty());
    let in_query = query.split(['&', ';']).any(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        names_password(&percent_decode(key)) && !without_references(value).is_empty()
    });
    in_user || in_query
}

fn keywords_have_password(endpoint: &str) -> bool {
    let lower = endpoint.to_ascii_lowercase();
    let mut from = 0;
    while let Some(found) = lower[from..].find("password") {
        from += found + "password".len();
        let Some(value) = endpoint[from..].trim_start().strip_prefix('=') else {
            continue;
        };
        let value = value.trim_start();
        let value = match value.strip_prefix('\'') {
            Some(quoted) => quoted.split('\'').next().unwrap_or_default(),
            None => value.split_whitespace().next().unwrap_or_default(),
        };
        if !without_references(value).is_empty() {
            return true;
        }
    }
    false
}

fn names_password(key: &str) -> bool {
    key.eq_ignore_ascii_case("password") || key.eq_ignore_ascii_case("sslpassword")
}

/// What is left when every `${NAME}` is taken out.
fn without_references(text: &str) -> String {
    let (mut left, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        left.push_str(before);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    left.push_str(rest);
    left
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let decoded = (*first == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|it| std::str::from_utf8(it).ok())
            .and_then(|it| u8::from_str_radix(it, 16).ok());
        if let Some(byte) = decoded {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_clear_is_seen_wherever_it_stands() {
        for endpoint in [
            "postgres://app:secret@db/x",
            "postgres://app:sec@ret@db/x",
            "postgres://app:x${P}@db/x",
            "postgres://db/x?pass%77ord=secret",
            "postgres://db/x?sslmode=require&sslpassword=secret",
            "host=db password=secret",
            "host=db password = 'two words'",
            "PASSWORD=secret",
            "sslpassword=x",
        ] {
            assert!(has_password(endpoint), "{endpoint}");
        }
        for endpoint in [
            "shop",
            "postgres://app@db/x",
            "postgres://app:@db/x",
            "postgres://app:${APP_PASSWORD}@db/x",
            "postgres://db/x?password=${P}",
            "host=db password=${P}",
            "host=db password='${P}'",
            "dbname=passwords",
            "/srv/password.sqlite",
        ] {
            assert!(!has_password(endpoint), "{endpoint}");
        }
    }

    #[test]
    fn references_become_values_that_the_place_can_hold() {
        let lookup = |name: &str| (name == "P").then(|| "a b'@\\".to_owned());
        for (endpoint, expected) in [
            ("postgres://app:${P}@db/x", "postgres://app:a%20b%27%40%5C@db/x"),
            ("user=app password=${P}", "user=app password=a\\ b\\'@\\\\"),
            ("user=app password='${P}'", "user=app password='a\\ b\\'@\\\\'"),
            ("/srv/${P}.sqlite", "/srv/a b'@\\.sqlite"),
            ("shop", "shop"),
        ] {
            assert_eq!(expand(endpoint, lookup).as_deref(), Ok(expected));
        }
        assert_eq!(expand("x${Q}", lookup), Err(Some("Q".to_owned())));
        assert_eq!(expand("x${P", lookup), Err(None));
    }
}
