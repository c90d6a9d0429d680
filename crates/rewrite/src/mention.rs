//! Words of a text that could be names of what moves or gets another name, for text that is no SQL or whose
//! meaning only its run shows.

use crate::known::{Owner, Space};
use crate::rewriter::Rewriter;

/// A word of a text, with its offset: an identifier, or what stands between double quotes.
struct Word<'a> {
    start: usize,
    text: &'a str,
    end: usize,
}

impl Rewriter {
    /// The first word of `text` that names a schema which moves or an object which gets another name, with its
    /// offset; upper and lower case ASCII letters are the same.
    pub(crate) fn mention(&self, text: &str) -> Option<(usize, String)> {
        words(text).find_map(|word| {
            let folded = word.text.to_ascii_lowercase();
            if let Some(schema) = self.moved_in_lower_case.get(&folded) {
                return Some((word.start, format!("schema {schema}")));
            }
            let is_renamed = self.renamed.contains(word.text)
                || self.renamed.contains(&folded)
                || self.is_renamed_column(word.text);
            is_renamed.then(|| (word.start, word.text.to_owned()))
        })
    }

    /// A part of `text` that names can be put together from: a schema that moves, before a dot or alone, or an
    /// object that gets another name.
    pub(crate) fn part_of_name(&self, text: &str) -> Option<(usize, String)> {
        if self.moves(text) || self.renamed.contains(text) {
            return Some((0, text.to_owned()));
        }
        let part = words(text).find(|word| {
            let rest = text[word.end..].trim_start_matches('"');
            rest.starts_with('.') && (self.moves(word.text) || self.moved_or_renamed_in(word.text).is_some())
        })?;
        Some((part.start, part.text.to_owned()))
    }

    /// Whether columns get new names, and one that does is called `name`.
    pub(crate) fn is_renamed_column(&self, name: &str) -> bool {
        self.mapping.renames_columns()
            && self.known.has_column(name)
            && self.mapping.column_somewhere(name) != name
    }

    /// A qualified name of one of the source's objects that moves, written out in `text`.
    pub(crate) fn mention_of_object(&self, text: &str) -> Option<(usize, String)> {
        let mut before: Option<Word<'_>> = None;
        for word in words(text) {
            if let Some(schema) = before
                && let Some(known) = self.moved_or_renamed_in(schema.text)
                && matches!(&text[schema.end..word.start], "." | ".\"" | "\".\"" | "\".")
            {
                let owner = self.known.owner(Space::Any, &known, word.text);
                let changes = self.mapping.schema(&known) != known || self.renamed.contains(word.text);
                if matches!(owner, Owner::Source | Owner::Ambiguous) && changes {
                    return Some((schema.start, format!("{known}.{}", word.text)));
                }
            }
            before = Some(word);
        }
        None
    }

    /// Words of `text` that the source calls a schema or an object of its own by, each once, at most `max`.
    pub(crate) fn own_words(&self, text: &str, max: usize) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for word in words(text) {
            let is_own = self.known.is_own_schema(word.text) || self.known.is_own_name(word.text);
            if is_own && !found.iter().any(|it| it == word.text) && found.len() < max {
                found.push(word.text.to_owned());
            }
        }
        found
    }

    fn moved_or_renamed_in(&self, word: &str) -> Option<String> {
        let moved = self.moved_in_lower_case.get(&word.to_ascii_lowercase());
        let own = || (!self.renamed.is_empty() && self.known.is_own_schema(word)).then(|| word.to_owned());
        moved.cloned().or_else(own)
    }
}

fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$');
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &text[at..];
        let start = at + rest.find(is_name)?;
        let quoted = text[..start].ends_with('"');
        let rest = &text[start..];
        let closing = if quoted { rest.find('"') } else { None };
        let plain = rest.find(|it| !is_name(it)).unwrap_or(rest.len());
        // An open quote is no name.
        let length = closing.filter(|it| *it <= 63).unwrap_or(plain);
        at = start + length;
        Some(Word {
            start,
            text: &text[start..at],
            end: at,
        })
    })
}
