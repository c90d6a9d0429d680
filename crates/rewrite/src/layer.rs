//! Text inside text: a function's body inside a string literal, a name inside a literal inside that body.
//! A layer leads a span of the inner text back to the statement, and new text into the outer's writing.

use std::ops::Range;

use squawk_syntax::ast::{AstNode, LitKind, Literal};
use squawk_syntax::decoded_text::DecodedText;

/// Bodies inside bodies, of which any number can be written with as many tags.
const LAYERS_MAX: usize = 64;

/// A text that is read as SQL or as a name, and where it stands.
#[derive(Debug)]
pub(crate) enum Layer<'a> {
    /// The statement itself, at this offset of the whole text.
    Statement { text: &'a str, offset: usize },
    /// What a string literal of the outer layer holds.
    Inside {
        outer: &'a Layer<'a>,
        decoded: DecodedText,
        writing: Writing,
        /// What stands around the content of [`Writing::Dollar`], dollars and all.
        tag: String,
    },
    /// A text of the outer layer behind `prefix_len` bytes that were put before it so that it can be parsed.
    Wrapped { outer: &'a Layer<'a>, prefix_len: usize },
}

/// How a string literal writes its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    Quoted,
    Escaped,
    Dollar,
}

impl<'a> Layer<'a> {
    /// `None` when the literal is no string.
    pub(crate) fn inside(outer: &'a Layer<'a>, literal: &Literal) -> Option<Self> {
        let writing = match literal.kind()? {
            LitKind::String(_) | LitKind::NationalString(_) => Writing::Quoted,
            LitKind::EscString(_) | LitKind::UnicodeEscString(_) => Writing::Escaped,
            LitKind::DollarQuotedString(_) => Writing::Dollar,
            _ => return None,
        };
        let written = literal.syntax().text().to_string();
        let tag_len = written
            .get(1..)
            .and_then(|it| it.find('$'))
            .map_or(0, |at| at + 2);
        Some(Layer::Inside {
            outer,
            decoded: literal.decoded_value()?,
            tag: written.get(..tag_len).unwrap_or_default().to_owned(),
            writing,
        })
    }

    /// Whether there are more layers around this one than a walk through them has the stack for.
    pub(crate) fn is_too_deep(&self) -> bool {
        std::iter::successors(self.outer(), |layer| layer.outer()).count() > LAYERS_MAX
    }

    fn outer(&self) -> Option<&'a Layer<'a>> {
        match self {
            Layer::Statement { .. } => None,
            Layer::Inside { outer, .. } | Layer::Wrapped { outer, .. } => Some(outer),
        }
    }

    /// What the literal holds; empty for other layers.
    pub(crate) fn content(&self) -> &str {
        match self {
            Layer::Inside { decoded, .. } => decoded.text(),
            _ => "",
        }
    }

    /// The place of `inner` in the whole text, `None` when it is not written there as `token`: broken up by
    /// escapes or by a literal that continues on the next line.
    pub(crate) fn locate(&self, inner: Range<usize>, token: &str) -> Option<Range<usize>> {
        let range = self.place(inner, token)?;
        let (text, offset) = self.statement();
        let written = self.write(token)?;
        (text.get(range.clone())? == written).then(|| range.start + offset..range.end + offset)
    }

    /// A place of the statement that is near `inner`, for messages.
    pub(crate) fn approximate(&self, inner: usize) -> usize {
        match self {
            Layer::Statement { offset, .. } => inner + offset,
            Layer::Inside { outer, decoded, .. } => outer.approximate(source_offset(decoded, inner)),
            Layer::Wrapped { outer, prefix_len } => outer.approximate(inner.saturating_sub(*prefix_len)),
        }
    }

    /// Writes `text` so that this layer holds it; `None` when the layer cannot.
    pub(crate) fn write(&self, text: &str) -> Option<String> {
        match self {
            Layer::Statement { .. } => Some(text.to_owned()),
            Layer::Wrapped { outer, .. } => outer.write(text),
            Layer::Inside {
                outer, writing, tag, ..
            } => {
                let written = match writing {
                    Writing::Quoted => text.replace('\'', "''"),
                    Writing::Escaped => text.replace('\\', "\\\\").replace('\'', "''"),
                    Writing::Dollar if text.contains(tag.as_str()) => return None,
                    Writing::Dollar => text.to_owned(),
                };
                outer.write(&written)
            }
        }
    }

    fn place(&self, inner: Range<usize>, token: &str) -> Option<Range<usize>> {
        match self {
            Layer::Statement { .. } => Some(inner),
            Layer::Wrapped { outer, prefix_len } => outer.place(
                inner.start.checked_sub(*prefix_len)?..inner.end.checked_sub(*prefix_len)?,
                token,
            ),
            Layer::Inside {
                outer,
                decoded,
                writing,
                ..
            } => {
                let written = match writing {
                    Writing::Quoted => token.replace('\'', "''"),
                    Writing::Escaped => token.replace('\\', "\\\\").replace('\'', "''"),
                    Writing::Dollar => token.to_owned(),
                };
                let start = source_offset(decoded, inner.start);
                outer.place(start..start + written.len(), &written)
            }
        }
    }

    fn statement(&self) -> (&str, usize) {
        match self {
            Layer::Statement { text, offset } => (text, *offset),
            Layer::Inside { outer, .. } | Layer::Wrapped { outer, .. } => outer.statement(),
        }
    }
}

fn source_offset(decoded: &DecodedText, inner: usize) -> usize {
    let inner = u32::try_from(inner).unwrap_or(u32::MAX);
    usize::from(decoded.source_pos(inner.into()))
}

/// The literal's own place in its tree.
pub(crate) fn offset_of(node: &impl AstNode) -> usize {
    usize::from(node.syntax().text_range().start())
}
