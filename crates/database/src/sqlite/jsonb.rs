//! JSON as `jsonb` shows it: `jsonb_out` after `jsonb_in`.
//!
//! Members stand in the order of their names' length and then bytes, the last of several with one name is kept, numbers
//! are those of `numeric`, and only what must be is escaped. What `jsonb` refuses does not fit: `\u0000`, halves of
//! surrogate pairs, numbers beyond `numeric`.

use std::cell::RefCell;

use super::numeric::Numeric;

/// Deeper documents are refused: the server's parser calls itself for each level, and its stack is bounded too.
pub(super) const DEPTH_MAX: usize = 1000;
/// A container of `jsonb` holds less than 256 MiB, and a number of one digit takes twelve bytes there.
const INPUT_BYTES_MAX: usize = 32 << 20;
/// Short numbers can have long texts: `1e131071`.
const OUTPUT_BYTES_MAX: usize = 256 << 20;
/// Room that is kept for the next document.
const KEPT_BYTES_MAX: usize = 1 << 20;

/// A member of an object that is being written.
#[derive(Clone, Copy)]
struct Member {
    /// Its name without escapes, in [`Scratch::names`].
    name: (usize, usize),
    /// `"name": value`, in the output.
    text: (usize, usize),
}

/// Room that is used again for each document.
#[derive(Default)]
struct Scratch {
    names: Vec<u8>,
    members: Vec<Member>,
    /// A text without its escapes, or members on their way to another order.
    moved: Vec<u8>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Appends the document as `jsonb` shows it; false, with anything appended, where `jsonb` does not hold it. `text` is
/// UTF-8 without NUL.
pub(super) fn write(text: &[u8], out: &mut Vec<u8>) -> bool {
    write_and_tell(text, out).is_some()
}

/// As [`write`], and tells whether an object has a name twice, of which only the last is kept.
pub(super) fn write_and_tell(text: &[u8], out: &mut Vec<u8>) -> Option<bool> {
    if text.len() > INPUT_BYTES_MAX {
        return None;
    }
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.names.clear();
        scratch.members.clear();
        let start = out.len();
        let mut writer = Writer {
            rest: text,
            end: start + OUTPUT_BYTES_MAX,
            scratch,
            repeated_name: false,
            out,
        };
        let fits = writer.value(0).is_some() && {
            writer.skip_blanks();
            writer.rest.is_empty()
        };
        let repeated_name = writer.repeated_name;
        scratch.moved.clear();
        for room in [&mut scratch.names, &mut scratch.moved] {
            room.shrink_to(KEPT_BYTES_MAX);
        }
        scratch.members.clear();
        scratch.members.shrink_to(KEPT_BYTES_MAX / size_of::<Member>());
        fits.then_some(repeated_name)
    })
}

/// Whether a document, which is JSON, has too many levels for the server's parser.
pub(super) fn is_too_deep(text: &[u8]) -> bool {
    let (mut depth, mut bytes) = (0, text.iter());
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'\\' => {
                            bytes.next();
                        }
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        if depth > DEPTH_MAX {
            return true;
        }
    }
    false
}

struct Writer<'a, 'w> {
    rest: &'a [u8],
    /// How long the output may become.
    end: usize,
    scratch: &'w mut Scratch,
    repeated_name: bool,
    out: &'w mut Vec<u8>,
}

/// `None` where the document does not fit.
impl<'a> Writer<'a, '_> {
    fn value(&mut self, depth: usize) -> Option<()> {
        self.skip_blanks();
        match self.rest.first()? {
            b'{' => self.object(depth + 1),
            b'[' => self.array(depth + 1),
            b'"' => {
                let text = self.string()?;
                self.write_string(text)
            }
            b'-' | b'0'..=b'9' => self.number(),
            _ => ["null", "true", "false"].into_iter().find_map(|word| {
                self.rest = self.rest.strip_prefix(word.as_bytes())?;
                self.out.extend_from_slice(word.as_bytes());
                Some(())
            }),
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.open(depth)?;
        self.out.push(b'[');
        if !self.closes(b']') {
            loop {
                self.value(depth)?;
                if self.closes(b']') {
                    break;
                }
                self.takes(b',')?;
                self.out.extend_from_slice(b", ");
            }
        }
        self.out.push(b']');
        Some(())
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.open(depth)?;
        let (first, names) = (self.scratch.members.len(), self.scratch.names.len());
        self.out.push(b'{');
        let start = self.out.len();
        if !self.closes(b'}') {
            loop {
                self.member(depth)?;
                if self.closes(b'}') {
                    break;
                }
                self.takes(b',')?;
                self.out.extend_from_slice(b", ");
            }
        }
        self.order(first, start);
        self.scratch.members.truncate(first);
        self.scratch.names.truncate(names);
        self.out.push(b'}');
        Some(())
    }

    fn member(&mut self, depth: usize) -> Option<()> {
        self.skip_blanks();
        let text = self.string()?;
        let (name, start) = (self.scratch.names.len(), self.out.len());
        unescape(text, &mut self.scratch.names)?;
        let name = (name, self.scratch.names.len());
        self.write_string(text)?;
        self.skip_blanks();
        self.takes(b':')?;
        self.out.extend_from_slice(b": ");
        self.value(depth)?;
        let text = (start, self.out.len());
        self.scratch.members.push(Member { name, text });
        Some(())
    }

    /// Puts the members from `first` on, whose texts begin at `start`, in their order, each name once.
    fn order(&mut self, first: usize, start: usize) {
        let Scratch {
            names,
            members,
            moved,
        } = &mut *self.scratch;
        let members = &mut members[first..];
        let key = |it: &Member| {
            let name = &names[it.name.0..it.name.1];
            (name.len(), name)
        };
        if members.is_sorted_by(|one, other| key(one) < key(other)) {
            return;
        }
        // Of the same name, the last comes first.
        members.sort_unstable_by(|one, other| key(one).cmp(&key(other)).then(other.text.cmp(&one.text)));
        moved.clear();
        moved.extend_from_slice(&self.out[start..]);
        self.out.truncate(start);
        let mut before: Option<&Member> = None;
        for member in &*members {
            if before.is_some_and(|it| key(it) == key(member)) {
                self.repeated_name = true;
                continue;
            }
            if before.is_some() {
                self.out.extend_from_slice(b", ");
            }
            self.out
                .extend_from_slice(&moved[member.text.0 - start..member.text.1 - start]);
            before = Some(member);
        }
    }

    /// What stands between quotes, with its escapes.
    fn string(&mut self) -> Option<&'a [u8]> {
        let text = self.rest.strip_prefix(b"\"")?;
        let mut at = 0;
        loop {
            at += text
                .get(at..)?
                .iter()
                .position(|&it| it == b'"' || it == b'\\' || it < b' ')?;
            match text[at] {
                b'"' => break,
                b'\\' => at += 2,
                _ => return None,
            }
        }
        self.rest = &text[at + 1..];
        Some(&text[..at])
    }

    fn write_string(&mut self, text: &[u8]) -> Option<()> {
        self.out.push(b'"');
        if text.contains(&b'\\') {
            self.scratch.moved.clear();
            unescape(text, &mut self.scratch.moved)?;
            escape(&self.scratch.moved, self.out);
        } else {
            self.out.extend_from_slice(text);
        }
        self.out.push(b'"');
        self.has_room(0)
    }

    fn number(&mut self) -> Option<()> {
        let is_number = |it: &u8| matches!(it, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        let end = self.rest.iter().position(|it| !is_number(it));
        let (text, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if !is_json_number(text) {
            return None;
        }
        self.rest = rest;
        let number = Numeric::parse(text)?;
        self.has_room(number.text_len())?;
        number.write(self.out);
        Some(())
    }

    fn open(&mut self, depth: usize) -> Option<()> {
        self.rest = &self.rest[1..];
        (depth <= DEPTH_MAX).then_some(())
    }

    fn closes(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        self.takes(byte).is_some()
    }

    fn takes(&mut self, byte: u8) -> Option<()> {
        self.rest = self.rest.strip_prefix(&[byte])?;
        Some(())
    }

    fn skip_blanks(&mut self) {
        let is_blank = |it: &u8| matches!(it, b' ' | b'\t' | b'\n' | b'\r');
        let blanks = self.rest.iter().take_while(|it| is_blank(it)).count();
        self.rest = &self.rest[blanks..];
    }

    fn has_room(&self, more: usize) -> Option<()> {
        (self.out.len() + more <= self.end).then_some(())
    }
}

/// What `numeric` takes beyond JSON's numbers: leading zeros, a point without digits on both sides.
fn is_json_number(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits.iter().take_while(|it| it.is_ascii_digit()).count();
    let fraction_is_whole = match digits.get(whole..) {
        Some([b'.', rest @ ..]) => rest.first().is_some_and(u8::is_ascii_digit),
        _ => true,
    };
    whole > 0 && (whole == 1 || digits[0] != b'0') && fraction_is_whole
}

/// Appends a text of JSON without its escapes.
fn unescape(mut text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    while let Some(at) = text.iter().position(|&it| it == b'\\') {
        out.extend_from_slice(&text[..at]);
        let (&letter, rest) = text[at + 1..].split_first()?;
        text = rest;
        out.push(match letter {
            b'"' | b'\\' | b'/' => letter,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (character, rest) = unicode(text)?;
                text = rest;
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            _ => return None,
        });
    }
    out.extend_from_slice(text);
    Some(())
}

/// What four hexadecimal digits mean, and with the next escape the two halves of a pair. NUL is none.
fn unicode(text: &[u8]) -> Option<(char, &[u8])> {
    let (unit, rest) = hexadecimal(text)?;
    let (code, rest) = match unit {
        0xD800..=0xDBFF => {
            let (low, rest) = hexadecimal(rest.strip_prefix(b"\\u")?)?;
            let low = low.checked_sub(0xDC00).filter(|it| *it < 0x400)?;
            (0x1_0000 + ((unit - 0xD800) << 10) + low, rest)
        }
        _ => (unit, rest),
    };
    char::from_u32(code).filter(|it| *it != '\0').map(|it| (it, rest))
}

fn hexadecimal(text: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = text.split_first_chunk::<4>()?;
    let value = digits
        .iter()
        .try_fold(0, |value, &it| Some(value << 4 | char::from(it).to_digit(16)?))?;
    Some((value, rest))
}

/// As the server's `escape_json`.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for &byte in text {
        let letter = match byte {
            b'"' | b'\\' => byte,
            8 => b'b',
            12 => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..b' ' => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
                continue;
            }
            _ => {
                out.push(byte);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', letter]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each expected text is `SELECT x::jsonb` of a PostgreSQL 15 server.
    #[test]
    fn documents_are_written_as_the_server_writes_them() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for (text, expected) in [
            ("1", Some("1")),
            (" [ ] ", Some("[]")),
            ("{}", Some("{}")),
            ("[1,2 , \"a\"]", Some(r#"[1, 2, "a"]"#)),
            (
                r#"{"bb":1,"a":2,"b":{"y":[],"x":null},"a":3}"#,
                Some(r#"{"a": 3, "b": {"x": null, "y": []}, "bb": 1}"#),
            ),
            (r#"{"\u0061":1,"a":2}"#, Some(r#"{"a": 2}"#)),
            (
                r#""\u00e9\u001F\/\b\ud834\udd1e\\\"""#,
                Some("\"é\\u001f/\\b𝄞\\\\\\\"\""),
            ),
            ("[1.50,1e3,-0,-0.0,1E-2]", Some("[1.50, 1000, 0, 0.0, 0.01]")),
            ("\"\u{7f}\"", Some("\"\u{7f}\"")),
            (r#""\u0000""#, None),
            (r#""\ud834""#, None),
            (r#""\udd1e\ud834""#, None),
            (r#"{"a":1,"a":1e131072,"a":2}"#, None),
            ("1e-16384", None),
            ("01", None),
            ("1.", None),
            (".5", None),
            ("+1", None),
            ("-", None),
            ("[1,]", None),
            ("{\"a\"}", None),
            ("{a:1}", None),
            ("[1] x", None),
            ("\"a\tb\"", None),
            ("\"\\x\"", None),
            ("nul", None),
            ("NaN", None),
            ("", None),
            (&deep(DEPTH_MAX), Some(deep(DEPTH_MAX).as_str())),
            (&deep(DEPTH_MAX + 1), None),
        ] {
            let mut out = Vec::new();
            let fits = write(text.as_bytes(), &mut out);
            let written = String::from_utf8(out).unwrap();
            assert_eq!(fits.then_some(written.as_str()), expected, "{text}");
        }
    }

    #[test]
    fn short_texts_of_long_documents_do_not_fit() {
        let numbers = vec!["1e131071"; 3000].join(",");
        assert!(!write(format!("[{numbers}]").as_bytes(), &mut Vec::new()));
    }

    #[test]
    fn brackets_in_texts_are_no_levels() {
        let text = format!("[\"{}\\\"\", 1]", "[".repeat(2 * DEPTH_MAX));
        assert!(!is_too_deep(text.as_bytes()));
        assert!(is_too_deep("[".repeat(DEPTH_MAX + 1).as_bytes()));
    }
}
