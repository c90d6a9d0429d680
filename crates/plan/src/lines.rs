//! Where in a JSON text each value stands, and keys that an object has twice, which `serde_json` lets pass.
//!
//! The text has been read by `serde_json` before, so this only walks over what is known to be JSON.

use std::collections::{HashMap, HashSet};

use crate::faults::{Faults, below};

/// The line of every value, by its path.
#[derive(Debug, Default)]
pub struct Lines {
    lines: HashMap<String, usize>,
    pub(crate) doubled: Faults,
}

impl Lines {
    /// Of a text that is JSON.
    pub fn of(json: &str) -> Lines {
        let mut walk = Walk {
            bytes: json.as_bytes(),
            at: 0,
            line: 1,
            found: Lines::default(),
        };
        walk.value("");
        walk.found
    }

    /// The line of the value at `path`, or of the nearest that holds it.
    pub fn line(&self, path: &str) -> Option<usize> {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return Some(*line);
            }
            path = path.rfind(['.', '[']).map(|end| &path[..end])?;
        }
    }
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
    found: Lines,
}

impl Walk<'_> {
    fn value(&mut self, path: &str) {
        self.space();
        self.found.lines.entry(path.to_owned()).or_insert(self.line);
        match self.bytes.get(self.at) {
            Some(b'{') => self.object(path),
            Some(b'[') => self.array(path),
            Some(b'"') => drop(self.string()),
            _ => {
                while self
                    .bytes
                    .get(self.at)
                    .is_some_and(|it| !b",]} \t\r\n".contains(it))
                {
                    self.at += 1;
                }
            }
        }
    }

    fn object(&mut self, path: &str) {
        self.at += 1;
        let mut seen = HashSet::new();
        loop {
            self.space();
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    let line = self.line;
                    let key = self.string();
                    let place = below(path, &key);
                    self.found.lines.entry(place.clone()).or_insert(line);
                    self.space();
                    self.at += 1;
                    self.value(&place);
                    if !seen.insert(key) {
                        self.found.doubled.add(place, "it stands here twice");
                    }
                }
                Some(b',') => self.at += 1,
                _ => break,
            }
        }
        self.at += 1;
    }

    fn array(&mut self, path: &str) {
        self.at += 1;
        let mut index = 0;
        loop {
            self.space();
            match self.bytes.get(self.at) {
                None | Some(b']') => break,
                Some(b',') => self.at += 1,
                Some(_) => {
                    self.value(&format!("{path}[{index}]"));
                    index += 1;
                }
            }
        }
        self.at += 1;
    }

    /// The string that begins here, read to behind its end.
    fn string(&mut self) -> String {
        let start = self.at;
        self.at += 1;
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => self.at += 1,
                b'"' => break,
                _ => {}
            }
            self.at += 1;
        }
        self.at = (self.at + 1).min(self.bytes.len());
        serde_json::from_slice(&self.bytes[start..self.at]).unwrap_or_default()
    }

    fn space(&mut self) {
        while let Some(byte) = self.bytes.get(self.at).filter(|it| it.is_ascii_whitespace()) {
            self.line += usize::from(*byte == b'\n');
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_its_line() {
        let json = "{\n \"a\": [1,\n {\"b.c\": \"x\\\"}\"}\n],\n\"d\": {\"e\": null,\n \"e\": 2}}";
        let lines = Lines::of(json);
        for (path, line) in [
            ("", 1),
            ("a", 2),
            ("a[0]", 2),
            ("a[1]", 3),
            ("a[1][\"b.c\"]", 3),
            ("d.e", 5),
            ("d.gone.deeper", 5),
        ] {
            assert_eq!(lines.line(path), Some(line), "{path}");
        }
        assert_eq!(lines.doubled.0.len(), 1);
        assert_eq!(lines.doubled.0[0].path, "d.e");
    }
}
