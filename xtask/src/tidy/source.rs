//! Tells a Rust file's code, comments and string literals apart, as far as checks of words need it.

/// A Rust file in layers. `code` and `comments` keep every line in its place, with blanks for the rest.
#[derive(Debug)]
pub(super) struct RustFile {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) code: String,
    pub(super) comments: String,
    pub(super) strings: Vec<Literal>,
    /// The first line of the module with tests, or one past the end.
    tests_from: usize,
}

/// A string literal's content, escapes as written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Literal {
    pub(super) line: usize,
    pub(super) text: String,
}

impl RustFile {
    pub(super) fn parse(path: &str, text: &str) -> Self {
        let mut scanner = Scanner {
            rest: text,
            line: 1,
            code: String::new(),
            comments: String::new(),
            strings: Vec::new(),
        };
        scanner.run();
        let Scanner {
            code,
            comments,
            strings,
            ..
        } = scanner;
        let tests_from = first_test_line(&code);
        RustFile {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            comments,
            strings,
            tests_from,
        }
    }

    /// Whether `line` belongs to tests: a file of tests, or the module of tests that ends a file.
    pub(super) fn is_test(&self, line: usize) -> bool {
        let of_tests = self
            .path
            .split('/')
            .any(|it| it == "tests" || it == "tests.rs" || it == "benches");
        of_tests || line >= self.tests_from
    }

    /// Whether it stands in `folder` or is that file.
    pub(super) fn is_in(&self, folder: &str) -> bool {
        self.path
            .strip_prefix(folder)
            .is_some_and(|it| it.is_empty() || it.starts_with('/'))
    }
}

fn first_test_line(code: &str) -> usize {
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    let begins = |at: &usize| {
        lines[*at] == "#[cfg(test)]"
            && lines[at + 1..]
                .iter()
                .find(|it| !it.starts_with("#["))
                .is_some_and(|it| it.starts_with("mod "))
    };
    (0..lines.len()).find(begins).map_or(lines.len() + 1, |at| at + 1)
}

struct Scanner<'t> {
    rest: &'t str,
    line: usize,
    code: String,
    comments: String,
    strings: Vec<Literal>,
}

impl<'t> Scanner<'t> {
    fn run(&mut self) {
        while let Some(first) = self.rest.chars().next() {
            if self.rest.starts_with("//") {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.comment(end);
            } else if self.rest.starts_with("/*") {
                self.comment(block_comment_end(self.rest));
            } else if let Some(hashes) = raw_string_hashes(self.rest).filter(|_| !self.is_within_name()) {
                let begin = self.rest.find('"').map_or(0, |it| it + 1);
                let close = format!("\"{}", "#".repeat(hashes));
                let end = self.rest[begin..]
                    .find(&close)
                    .map_or(self.rest.len(), |it| begin + it);
                self.string(begin, end, close.len());
            } else if first == '"' {
                self.string(1, 1 + string_end(&self.rest[1..]), 1);
            } else if first == '\'' {
                match char_end(self.rest) {
                    Some(end) => self.blank(end),
                    None => self.take(1),
                }
            } else {
                self.take(first.len_utf8());
            }
        }
    }

    fn is_within_name(&self) -> bool {
        self.code
            .chars()
            .next_back()
            .is_some_and(|it| it.is_alphanumeric() || it == '_')
    }

    fn take(&mut self, length: usize) {
        let text = self.advance(length);
        self.code.push_str(text);
        self.comments.push_str(&blanks(text));
    }

    fn comment(&mut self, length: usize) {
        let text = self.advance(length);
        self.code.push_str(&blanks(text));
        self.comments.push_str(text);
    }

    fn blank(&mut self, length: usize) {
        let text = blanks(self.advance(length));
        self.code.push_str(&text);
        self.comments.push_str(&text);
    }

    fn string(&mut self, begin: usize, end: usize, close: usize) {
        let end = end.min(self.rest.len());
        self.strings.push(Literal {
            line: self.line,
            text: self.rest[begin..end].to_owned(),
        });
        self.blank((end + close).min(self.rest.len()));
    }

    fn advance(&mut self, length: usize) -> &'t str {
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        self.line += text.matches('\n').count();
        text
    }
}

fn blanks(text: &str) -> String {
    text.chars()
        .map(|it| if it == '\n' { '\n' } else { ' ' })
        .collect()
}

fn block_comment_end(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The number of `#` when a raw string begins here: `r"`, `br#"`, `cr##"`.
fn raw_string_hashes(text: &str) -> Option<usize> {
    let after = text
        .strip_prefix('b')
        .or(text.strip_prefix('c'))
        .unwrap_or(text)
        .strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

/// The length of a string's content.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, sign) in text.char_indices() {
        match sign {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal; `None` for the tick of a lifetime.
fn char_end(text: &str) -> Option<usize> {
    let mut signs = text.char_indices().skip(1);
    match (signs.next(), signs.next()) {
        (Some((_, '\\')), Some((at, sign))) => {
            let after = at + sign.len_utf8();
            text[after..].find('\'').map(|it| after + it + 1)
        }
        (Some(_), Some((at, '\''))) => Some(at + 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, code: &str, strings: &[&str]) {
        let file = RustFile::parse("x.rs", text);
        assert_eq!(
            file.code.split_whitespace().collect::<Vec<_>>().join(" "),
            code,
            "{text}"
        );
        assert_eq!(
            file.strings.iter().map(|it| it.text.as_str()).collect::<Vec<_>>(),
            strings,
            "{text}"
        );
    }

    #[test]
    fn strings_and_comments_are_no_code() {
        check("a // b \"c\"\nd", "a d", &[]);
        check("a /* b /* c */ d */ e", "a e", &[]);
        check(r#"a("b \" // c", d)"#, "a( , d)", &[r#"b \" // c"#]);
        check(r##"a(r#"b " c"#, br"d")"##, "a( , )", &["b \" c", "d"]);
        check(
            "fn a<'b>(c: &'b str) { '\"'; '\\''; '\\u{1}' } // x",
            "fn a<'b>(c: &'b str) { ; ; }",
            &[],
        );
        check("for\"x\" bar\"y\"", "for bar", &["x", "y"]);
    }

    #[test]
    fn lines_keep_their_numbers() {
        let file = RustFile::parse("x.rs", "/* a\n b */\nlet c = \"d\n e\";\nlet f = \"g\";\n");
        assert_eq!(file.strings.iter().map(|it| it.line).collect::<Vec<_>>(), [3, 5]);
        assert_eq!(file.code.lines().count(), 5);
    }

    #[test]
    fn the_module_of_tests_ends_the_code_that_ships() {
        let file = RustFile::parse("src/x.rs", "fn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n");
        assert_eq!([2, 3, 4].map(|it| file.is_test(it)), [false, true, true]);
        let file = RustFile::parse("src/x.rs", "#[cfg(test)]\nuse a::b;\nfn c() {}\n");
        assert!(!file.is_test(3));
        assert!(RustFile::parse("crates/x/tests/y.rs", "fn a() {}\n").is_test(1));
    }
}
