//! What may hold a password goes into no report.

use inventory::Inventory;

/// What stands for it.
const CUT: &str = "***";

/// Cuts passwords out of settings, and out of bodies and definitions that connect to somewhere.
pub(super) fn cut(inventory: &mut Inventory) {
    for setting in &mut inventory.settings {
        if rewrite::is_secret_setting(&setting.name, &setting.value) {
            CUT.clone_into(&mut setting.value);
        }
    }
    for routine in &mut inventory.routines {
        cut_words(&mut routine.body);
        for setting in &mut routine.settings {
            if let Some((name, value)) = setting.split_once('=')
                && rewrite::is_secret_setting(name, value)
            {
                *setting = format!("{name}={CUT}");
            }
        }
    }
    for view in &mut inventory.views {
        cut_words(&mut view.definition);
    }
}

/// Values of libpq's `password=` where a connection is named, and passwords in URLs.
fn cut_words(text: &mut String) {
    const KEYWORD: &str = "password";
    let connects = ["dblink", "dbname", "host="].iter().any(|it| text.contains(it));
    if connects && text.contains(KEYWORD) {
        let mut cut = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(at) = rest.find(KEYWORD) {
            let (before, after) = rest.split_at(at + KEYWORD.len());
            cut.push_str(before);
            rest = after;
            let Some(value) = after.trim_start().strip_prefix('=').map(str::trim_start) else {
                continue;
            };
            // What is put together at run time has no password in it.
            let end = value
                .find([' ', '\'', '\n', '\t', ';', ')'])
                .unwrap_or(value.len());
            if end > 0 {
                cut.push('=');
                cut.push_str(CUT);
                rest = &value[end..];
            }
        }
        cut.push_str(rest);
        *text = cut;
    }
    if text.contains("://") {
        *text = without_url_passwords(text);
    }
}

fn without_url_passwords(text: &str) -> String {
    let mut pieces = text.split("://");
    let mut cut = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        cut.push_str("://");
        let end = piece.find(['/', ' ', '\'', '\n', '"']).unwrap_or(piece.len());
        match piece[..end]
            .rsplit_once('@')
            .and_then(|(user, _)| user.split_once(':'))
        {
            Some((user, password)) => {
                cut.push_str(user);
                cut.push(':');
                cut.push_str(CUT);
                cut.push_str(&piece[user.len() + 1 + password.len()..]);
            }
            None => cut.push_str(piece),
        }
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut text = text.to_owned();
        cut_words(&mut text);
        assert_eq!(text, expected);
    }

    #[test]
    fn passwords_of_connections_are_cut() {
        check(
            "dblink_connect('host=db password=hunter2 dbname=x')",
            "dblink_connect('host=db password=*** dbname=x')",
        );
        check("'host=a password = hunter2'", "'host=a password=***'");
        check(
            "dblink('postgres://app:hunter2@db/x')",
            "dblink('postgres://app:***@db/x')",
        );
        check("see https://example.com/a@b", "see https://example.com/a@b");
        check(
            "UPDATE users SET password_hash = $1",
            "UPDATE users SET password_hash = $1",
        );
        check("IF NEW.password = 'x' THEN", "IF NEW.password = 'x' THEN");
    }
}
