//! Compression of single chunks.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use flate2::Compression;
use flate2::read::{GzDecoder, GzEncoder};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How a chunk is compressed. Levels matter to the writer alone and do not stand in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    None,
    Gzip(#[serde(skip)] u8),
    Zstd(#[serde(skip)] u8),
}

/// A word that names no codec or a level that it does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseCodecError(String);

impl Codec {
    const GZIP_LEVEL: u8 = 2;
    const ZSTD_LEVEL: u8 = 1;

    /// Gzip at a level that costs little.
    pub fn default_gzip() -> Codec {
        Codec::Gzip(Self::GZIP_LEVEL)
    }

    /// The same codec at the level that it has by default: a codec that was read says nothing of its level.
    #[must_use]
    pub fn with_default_level(self) -> Codec {
        match self {
            Codec::None => Codec::None,
            Codec::Gzip(_) => Codec::Gzip(Self::GZIP_LEVEL),
            Codec::Zstd(_) => Codec::Zstd(Self::ZSTD_LEVEL),
        }
    }

    /// The name in records.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Codec::None => "none",
            Codec::Gzip(_) => "gzip",
            Codec::Zstd(_) => "zstd",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Codec> {
        match name {
            "none" => Some(Codec::None),
            "gzip" => Some(Codec::Gzip(0)),
            "zstd" => Some(Codec::Zstd(0)),
            _ => None,
        }
    }

    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Codec::None => "",
            Codec::Gzip(_) => ".gz",
            Codec::Zstd(_) => ".zst",
        }
    }
}

/// `none`, `gzip`, `gzip:0` to `gzip:9`, `zstd`, `zstd:1` to `zstd:19`.
impl FromStr for Codec {
    type Err = ParseCodecError;

    fn from_str(words: &str) -> std::result::Result<Self, Self::Err> {
        let refused = || ParseCodecError(words.to_owned());
        let (name, level) = match words.split_once(':') {
            Some((name, level)) => (name, Some(level.parse::<u8>().map_err(|_| refused())?)),
            None => (words, None),
        };
        match (name, level) {
            ("none", None) => Ok(Codec::None),
            ("gzip", level) if level.is_none_or(|it| it <= 9) => {
                Ok(Codec::Gzip(level.unwrap_or(Self::GZIP_LEVEL)))
            }
            ("zstd", level) if level.is_none_or(|it| (1..=19).contains(&it)) => {
                Ok(Codec::Zstd(level.unwrap_or(Self::ZSTD_LEVEL)))
            }
            _ => Err(refused()),
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Codec::None => write!(f, "none"),
            Codec::Gzip(level) | Codec::Zstd(level) => write!(f, "{}:{level}", self.name()),
        }
    }
}

impl fmt::Display for ParseCodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not none, gzip[:0-9] or zstd[:1-19]", self.0)
    }
}

impl std::error::Error for ParseCodecError {}

/// The chunk as it is stored.
pub fn compress(codec: Codec, chunk: Vec<u8>) -> Result<Vec<u8>> {
    let mut stored = Vec::with_capacity(chunk.len() / 3);
    match codec {
        Codec::None => return Ok(chunk),
        Codec::Gzip(level) => {
            GzEncoder::new(chunk.as_slice(), Compression::new(level.into())).read_to_end(&mut stored)
        }
        Codec::Zstd(level) => {
            zstd::stream::copy_encode(chunk.as_slice(), &mut stored, level.into()).map(|()| stored.len())
        }
    }
    .map_err(Error::from_write)?;
    Ok(stored)
}

/// The chunk as it was, which must have exactly `raw` bytes; no more than that are ever written out.
pub fn decompress(codec: Codec, stored: Vec<u8>, raw: u64) -> Result<Vec<u8>> {
    let chunk = match codec {
        Codec::None => Ok(stored),
        Codec::Gzip(_) => read_bounded(GzDecoder::new(stored.as_slice()), raw),
        Codec::Zstd(_) => zstd::stream::Decoder::new(stored.as_slice())
            .and_then(|decoder| read_bounded(decoder.single_frame(), raw)),
    };
    let chunk = chunk.map_err(|_| Error::damaged("a chunk cannot be decompressed"))?;
    if chunk.len() as u64 == raw {
        Ok(chunk)
    } else {
        Err(Error::damaged("a chunk has another size than its record says"))
    }
}

fn read_bounded(decoder: impl Read, raw: u64) -> io::Result<Vec<u8>> {
    let mut chunk = Vec::new();
    decoder.take(raw.saturating_add(1)).read_to_end(&mut chunk)?;
    Ok(chunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_codec_gives_the_chunk_back() {
        let chunk = b"some rows, some rows, some rows".repeat(1000);
        for words in ["none", "gzip", "gzip:9", "zstd", "zstd:3"] {
            let codec: Codec = words.parse().unwrap();
            let stored = compress(codec, chunk.clone()).unwrap();
            assert_eq!(
                decompress(codec, stored, chunk.len() as u64).unwrap(),
                chunk,
                "{words}"
            );
        }
    }

    #[test]
    fn bomb_is_cut_at_the_declared_size() {
        for words in ["gzip", "zstd"] {
            let codec: Codec = words.parse().unwrap();
            let stored = compress(codec, vec![0; 50_000_000]).unwrap();
            assert!(decompress(codec, stored, 1000).is_err(), "{words}");
        }
    }

    #[test]
    fn unknown_codecs_and_levels_are_refused() {
        for words in ["lz4", "gzip:10", "zstd:0", "zstd:20", "none:1", "gzip:", "gzip:x"] {
            assert!(words.parse::<Codec>().is_err(), "{words}");
        }
    }
}
