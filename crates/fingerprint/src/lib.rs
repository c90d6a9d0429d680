//! Rows framed and hashed, and the fingerprint of a table.
//!
//! A row's hash is SHA-256 over its values with their framing: the number of columns (16 bits, big-endian),
//! then for each column its length in bytes (32 bits, big-endian, -1 for NULL) and its bytes. That is a tuple
//! of PostgreSQL's binary COPY format as it stands on the wire; in the text form the bytes are the value's
//! own text under pinned session settings. A table's fingerprint is the sum of its rows' hashes modulo 2^256
//! with their count: it does not depend on order, duplicates do not cancel, and parts add up.
//!
//! Rows in CSV are framed by a scanner of ours, because it must tell `""` from nothing and count a blank line
//! as a row, which CSV libraries do not.

mod binary;
mod bins;
mod bounds;
mod chunks;
mod csv;
mod error;
mod mapped;
mod ordered;
mod rows;
mod single;
mod stream;
mod table;

pub use bins::{BINS_MAX, BinRule, Bins, KeyBins};
pub use bounds::row_bounds;
pub use chunks::ChunkScanner;
pub use csv::{encode_header, encode_row, encode_value};
pub use error::{FrameError, FrameErrorKind};
pub use mapped::{MappedChunk, map_chunk, map_rows};
pub use ordered::OrderedKind;
pub use rows::{RowScanner, Rows, chunk_end, chunk_start, scan_chunk, scan_chunk_into, wrap_chunk};
pub use single::{Row, each_row, each_row_of_chunk};
pub use stream::{RowBag, RowStream, as_they_are};
pub use table::{Fingerprint, Form, FormMismatch};
