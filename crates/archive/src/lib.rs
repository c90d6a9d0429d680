//! The archive: reader, writer, members and the end, over `Read` and `Write` only. `docs/archive-format.md`
//! describes every byte.
//!
//! Only this crate knows the bytes. It opens no file and knows no directory: where members live apart from a
//! stream, the caller brings a [`Sink`] or a [`Store`].

mod codec;
mod end;
mod error;
mod header;
mod merged;
mod reader;
mod record;
mod tar_stream;
mod writer;

pub use codec::{Codec, ParseCodecError, compress, decompress};
pub use end::{End, TableEnd, Tally};
pub use error::{Error, ErrorKind, Result};
pub use header::{
    Content, Discard, FORMAT_VERSION, Fate, Header, RowFilter, SourceIdentity, SourceKind, TableForm,
};
pub use merged::MergedSource;
pub use reader::{Reader, Store};
pub use record::{MemberKind, Record, RowsRecord, SchemaMember, hex};
pub use tar_stream::{STREAM_START, TarSink, TarStore, copy_body};
pub use writer::{Sink, Writer};
