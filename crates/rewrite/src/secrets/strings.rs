//! Connection strings and URLs with passwords anywhere in a statement, by its tokens alone: in strings, and in
//! strings inside of those, such as arguments of `dblink` in the body of a function in whatever language.

use squawk_lexer::{LiteralKind, Token, TokenKind, tokenize};

use super::conninfo::holds_password;

/// A string in a string in a body is the third.
const DEPTH_MAX: usize = 5;

/// Whether [`with_passwords`] can find anything; quick.
pub(super) fn may_hold_password(text: &str) -> bool {
    text.contains("://") || text.to_ascii_lowercase().contains("password")
}

/// Offsets of strings with a password, or of the string around them where that is written with escapes.
pub(super) fn with_passwords(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    look_into(text, DEPTH_MAX, &mut |at| found.push(at));
    found
}

fn look_into(text: &str, depth: usize, found: &mut dyn FnMut(usize)) {
    if depth == 0 || !may_hold_password(text) {
        return;
    }
    let mut start = 0;
    for Token { kind, len } in tokenize(text) {
        let token = &text[start..start + len as usize];
        if let Some(content) = content(kind, token) {
            if holds_password(&content.text) {
                found(start);
            } else {
                look_into(&content.text, depth - 1, &mut |at| match content.starts_at {
                    Some(first) => found(start + first + at),
                    None => found(start),
                });
            }
        }
        start += token.len();
    }
}

struct Content {
    text: String,
    /// Its place in the token, where every byte stands as it is.
    starts_at: Option<usize>,
}

/// What a string says. Other languages have strings in the quotes that SQL has for names.
fn content(kind: TokenKind, token: &str) -> Option<Content> {
    let quote = match kind {
        TokenKind::QuotedIdent { .. } => '"',
        TokenKind::Literal { kind } => match kind {
            LiteralKind::DollarQuotedString { .. } => {
                let tag_len = token.get(1..)?.find('$')? + 2;
                return Some(Content {
                    text: token.get(tag_len..token.len().checked_sub(tag_len)?)?.to_owned(),
                    starts_at: Some(tag_len),
                });
            }
            LiteralKind::Str { .. } | LiteralKind::EscStr { .. } | LiteralKind::UnicodeEscStr { .. } => '\'',
            _ => return None,
        },
        _ => return None,
    };
    let (first, last) = (token.find(quote)? + 1, token.rfind(quote)?);
    let written = token.get(first..last)?;
    let doubled: String = [quote, quote].iter().collect();
    let text = written.replace(&doubled, &quote.to_string());
    let is_escaped = matches!(
        kind,
        TokenKind::Literal {
            kind: LiteralKind::EscStr { .. }
        }
    );
    let text = if is_escaped {
        text.replace("\\'", "'")
    } else {
        text
    };
    Some(Content {
        starts_at: (text == written).then_some(first),
        text,
    })
}
